//! The page of a report: one HTML file that needs no network and nothing beside it.
//!
//! ```text
//!  rows as JSON ──┐
//!  page.html ─────┼──► one text, in the order of the marks `{{…}}` of page.html
//!  page.css ──────┤
//!  *.js, vendor ──┘
//! ```
//!
//! In: a title and what can be written as JSON. Out: the page; the same input gives the same bytes. What the data says stays
//! text: it cannot end its element, and the scripts of the page never read it as markup. Deliberately draws nothing: that
//! is done by the scripts, in the reader's language, after the reader's filters.

use std::fmt::Write as _;

use serde::Serialize;

/// The frame, with a mark for each part.
const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The charting library, unchanged.
const CHARTS: &str = include_str!("vendor/echarts.common.min.js");
/// Scripts in the order in which they build on each other.
const SCRIPTS: [&str; 7] = [
    include_str!("script/report.js"),
    include_str!("script/format.js"),
    include_str!("script/gather.js"),
    include_str!("script/options.js"),
    include_str!("script/grid.js"),
    include_str!("script/chart.js"),
    include_str!("script/page.js"),
];

/// Writes a page.
///
/// # Errors
/// When the data cannot be written as JSON.
pub fn html(title: &str, data: &impl Serialize) -> serde_json::Result<String> {
    let data = inert(&serde_json::to_string(data)?);
    let script = format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.concat());
    let mut page = String::with_capacity(FRAME.len() + STYLE.len() + CHARTS.len() + script.len() + data.len());
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once("{{") {
        let (mark, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        match mark {
            "title" => page.push_str(&escaped(title)),
            "style" => page.push_str(STYLE),
            "data" => page.push_str(&data),
            "charts" => page.push_str(CHARTS),
            _ => page.push_str(&script),
        }
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// Returns JSON in which no character has a meaning for HTML or ends a line for a script.
fn inert(json: &str) -> String {
    // Outside of its texts JSON has none of these.
    let mut inert = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(inert, "\\u{:04x}", u32::from(character));
            }
            other => inert.push(other),
        }
    }
    inert
}

/// Returns text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
