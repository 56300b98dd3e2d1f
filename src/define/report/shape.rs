//! Which columns and numbers a kind of chart takes.
//!
//! In: a report whose keys are right one by one. Out: findings about charts that could not be drawn.

use std::ops::RangeInclusive;

use crate::{
    define::{
        findings::Findings,
        project::report::{Chart, ChartKind, Format, How, Order, Report},
    },
    record::Diagnostic,
};

/// As many as one likes.
const ANY: usize = usize::MAX;

/// Checks every chart of a report.
pub fn check(report: &Report, findings: &mut Findings) {
    for chart in report.charts() {
        counts(chart, findings);
        options(chart, findings);
        if shows_money(chart) && report.currency.zh.is_none() {
            let hint = "add `currency: { zh: 元, en: CNY }` to the report";
            at_name(chart, "it shows money, and the report names no `currency`", hint, findings);
        }
    }
}

/// Returns the key with which a report says how a number adds up.
pub fn key(how: How) -> &'static str {
    match how {
        How::Sum => "sum",
        How::Ratio => "ratio",
        How::Growth => "growth",
        How::Share => "share",
        How::Count => "count",
        How::Value => "value",
    }
}

/// Returns how many columns of `by`, and how many of `show`, a kind takes.
fn taken(kind: ChartKind) -> (RangeInclusive<usize>, RangeInclusive<usize>) {
    match kind {
        ChartKind::Figures => (0..=0, 1..=ANY),
        ChartKind::Line | ChartKind::Bar => (1..=2, 1..=ANY),
        ChartKind::Bubble => (1..=2, 3..=3),
        ChartKind::Matrix => (2..=3, 1..=1),
        ChartKind::Waterfall => (0..=0, 3..=ANY),
        ChartKind::Waterfalls => (2..=ANY, 1..=1),
        ChartKind::Tree => (3..=3, 1..=1),
        ChartKind::Funnel => (1..=1, 1..=2),
        ChartKind::Pareto => (1..=2, 1..=1),
        ChartKind::Table => (1..=ANY, 0..=ANY),
    }
}

fn counts(chart: &Chart, findings: &mut Findings) {
    let (by, show) = taken(chart.kind);
    for (key, taken, has) in [("by", by, chart.by.len()), ("show", show, chart.show.len())] {
        if !taken.contains(&has) {
            let message =
                format!("`{key}` has {has} entries, and the kind `{}` takes {}", word(chart.kind), spelled(&taken));
            at_name(chart, &message, "docs/report.md says what each kind takes", findings);
        }
    }
    if matches!(chart.kind, ChartKind::Line | ChartKind::Bar) && chart.by.len() == 2 && chart.show.len() > 1 {
        let hint = "leave out the second column of `by`, or keep one `show`";
        at_name(chart, "it has a series for each value of a column and for each `show`", hint, findings);
    }
}

fn options(chart: &Chart, findings: &mut Findings) {
    let is_bar = chart.kind == ChartKind::Bar;
    for (key, is_set) in [("stacked", chart.is_stacked), ("horizontal", chart.is_horizontal)] {
        if is_set && !is_bar {
            at_name(chart, &format!("`{key}` is about bars"), "remove it, or write `kind: bar`", findings);
        }
    }
    if chart.kind != ChartKind::Table && chart.show.iter().any(|measure| measure.has_bars) {
        at_name(chart, "`bars` is about tables", "remove it, or write `kind: table`", findings);
    }
    let adds_up = |how: How| matches!(how, How::Sum | How::Count);
    if chart.order == Order::Value && matches!(chart.kind, ChartKind::Waterfalls | ChartKind::Tree) {
        at_name(
            chart,
            "its marks stand in the order of the rows",
            "remove `order`, and order the rows in SQL",
            findings,
        );
    }
    let kinds_that_add = [ChartKind::Waterfall, ChartKind::Waterfalls, ChartKind::Pareto];
    let is_whole = chart.is_stacked || kinds_that_add.contains(&chart.kind);
    let stray = chart.show.iter().map(|measure| measure.how).find(|how| is_whole && !adds_up(*how));
    if let Some(how) = stray.filter(|how| !(chart.is_stacked && *how == How::Share)) {
        let message = format!("its marks are added, and `{}` cannot be", key(how));
        at_name(chart, &message, "show a `sum` or a `count`", findings);
    }
}

fn shows_money(chart: &Chart) -> bool {
    chart.show.iter().any(|measure| measure.format == Some(Format::Money))
}

fn at_name(chart: &Chart, message: &str, hint: &str, findings: &mut Findings) {
    let message = format!("chart `{}` cannot be drawn: {message}", chart.name.value);
    findings.push(Diagnostic::error(message, chart.name.place.clone()).hint(hint));
}

fn word(kind: ChartKind) -> &'static str {
    match kind {
        ChartKind::Figures => "figures",
        ChartKind::Line => "line",
        ChartKind::Bar => "bar",
        ChartKind::Bubble => "bubble",
        ChartKind::Matrix => "matrix",
        ChartKind::Waterfall => "waterfall",
        ChartKind::Waterfalls => "waterfalls",
        ChartKind::Tree => "tree",
        ChartKind::Funnel => "funnel",
        ChartKind::Pareto => "pareto",
        ChartKind::Table => "table",
    }
}

fn spelled(taken: &RangeInclusive<usize>) -> String {
    match (*taken.start(), *taken.end()) {
        (0, 0) => "none".to_owned(),
        (least, most) if least == most => least.to_string(),
        (least, ANY) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    }
}
