//! A report's file: as written → as validated.
//!
//! In: the text of a report. Out: a [`Report`], or everything that is wrong with it. Deliberately knows no column and no
//! table: what the queries give, only a planner can say.

mod shape;

use std::{ops::Range, sync::Arc};

use super::{
    file::{self, report as written},
    findings::Findings,
    names,
    project::{
        Title,
        report::{Chart, Dimension, Filter, How, Measure, Report, Section},
    },
    spans::{At, TextOr},
    yaml,
};
use crate::record::{Diagnostic, Text};

/// Reads and checks one report: what can be read of it, and everything that is wrong with it.
pub fn read(text: &Arc<Text>) -> (Option<Report>, Vec<Diagnostic>) {
    let mut findings = Findings::of(Arc::clone(text));
    let report = yaml::check_mending(&mut findings, report).value;
    (report, findings.sorted())
}

fn report(written: At<written::Report>, findings: &mut Findings) -> Option<Report> {
    let At { value: written, range: start } = written;
    let name = findings.required(written.name, &start, "name", "sales_director");
    if let Some(name) = &name {
        names::identifier("report name", name, findings);
    }
    let title = required_title(written.title, &start, findings);
    let currency = written.currency.map(|currency| self::title(currency, "currency", findings)).unwrap_or_default();
    let columns: Vec<At<String>> = written.filters.iter().filter_map(|filter| filter.value.column.clone()).collect();
    names::distinct("filters", &columns, findings);
    let filters = written.filters.into_iter().filter_map(|filter| self::filter(filter, findings)).collect();
    let words = written.words.0.into_iter();
    let words = words.map(|(code, word)| (code.value, self::title(word, "word", findings))).collect();
    let sections = findings.required(written.sections, &start, "sections", "[{ title, charts }]").unwrap_or_default();
    let names: Vec<At<String>> = sections.iter().flat_map(names_of_charts).collect();
    names::distinct("the names of the charts", &names, findings);
    let sections: Vec<Section> = sections.into_iter().map(|section| self::section(section, findings)).collect();
    let name = findings.placed(name?);
    let text = Arc::clone(findings.text());
    let report = Report { text, name, title, description: written.description, currency, filters, words, sections };
    shape::check(&report, findings);
    Some(report)
}

fn names_of_charts(section: &At<written::Section>) -> Vec<At<String>> {
    let charts = section.value.charts.iter().flatten();
    charts.filter_map(|chart| chart.value.name.clone()).collect()
}

fn filter(written: At<written::Filter>, findings: &mut Findings) -> Option<Filter> {
    let At { value, range } = written;
    let column = findings.required(value.column, &range, "column", "region");
    let title = required_title(value.title, &range, findings);
    let column = findings.placed(column?);
    Some(Filter { column, title })
}

fn section(written: At<written::Section>, findings: &mut Findings) -> Section {
    let At { value, range } = written;
    let title = required_title(value.title, &range, findings);
    let charts = findings.required(value.charts, &range, "charts", "[{ name, title, kind, sql }]").unwrap_or_default();
    Section { title, charts: charts.into_iter().filter_map(|chart| self::chart(chart, findings)).collect() }
}

fn chart(written: At<written::Chart>, findings: &mut Findings) -> Option<Chart> {
    let At { value, range } = written;
    let name = findings.required(value.name, &range, "name", "market_map");
    if let Some(name) = &name {
        names::identifier("chart name", name, findings);
    }
    let title = required_title(value.title, &range, findings);
    let kind = findings.required(value.kind, &range, "kind", "bar");
    let sql = findings.required(value.sql, &range, "sql", "SELECT …");
    if let Some(limit) = value.limit.as_ref().filter(|limit| limit.value == 0) {
        findings.error(&limit.range, "`limit` is 0", "leave it out to show all");
    }
    let dimensions: Vec<Option<Dimension>> = value.by.into_iter().map(|by| dimension(by, findings)).collect();
    let measures: Vec<Option<Measure>> = value.show.into_iter().map(|show| measure(show, findings)).collect();
    Some(Chart {
        title,
        note: value.note.map(|note| self::title(note, "note", findings)).unwrap_or_default(),
        kind: kind?.value,
        sql: findings.placed(sql?),
        by: dimensions.into_iter().collect::<Option<_>>()?,
        show: measures.into_iter().collect::<Option<_>>()?,
        order: value.order.unwrap_or_default(),
        limit: value.limit.map(|limit| limit.value),
        is_stacked: value.stacked.is_some_and(|stacked| stacked.value),
        is_horizontal: value.horizontal.is_some_and(|horizontal| horizontal.value),
        name: findings.placed(name?),
    })
}

fn dimension(written: At<TextOr<String, written::Dimension>>, findings: &mut Findings) -> Option<Dimension> {
    let At { value, range } = written;
    let written = match value {
        TextOr::Text(column) => {
            let column = findings.placed(At { value: column, range });
            return Some(Dimension { column, title: Title::default(), format: None, values: Vec::new() });
        }
        TextOr::Map(written) => written,
    };
    let column = findings.required(written.column, &range, "column", "region");
    let title = written.title.map(|title| self::title(title, "title", findings)).unwrap_or_default();
    let column = findings.placed(column?);
    Some(Dimension { column, title, format: written.format, values: written.values.unwrap_or_default() })
}

fn measure(written: At<written::Measure>, findings: &mut Findings) -> Option<Measure> {
    let At { value: mut written, range } = written;
    let mut ways = ways(&mut written);
    let Some((how, columns)) = ways.pop() else {
        findings.error(
            &range,
            "nothing says how it adds up",
            "add `sum`, `ratio`, `growth`, `share`, `count` or `value`",
        );
        return None;
    };
    if !ways.is_empty() {
        findings.error(&range, "more than one key says how it adds up", "keep one of them");
    }
    if matches!(how, How::Ratio | How::Growth) && columns.len() != 2 {
        let hint = "write `[numerator, denominator]`";
        findings.error(&range, format!("`{}` has {} columns", shape::key(how), columns.len()), hint);
        return None;
    }
    let is_plain = matches!(how, How::Sum | How::Value);
    let title = match written.title {
        None if is_plain => Title::default(),
        title => required_title(title, &range, findings),
    };
    Some(Measure {
        how,
        columns: findings.all_placed(columns),
        title,
        format: written.format,
        has_bars: written.bars.is_some_and(|bars| bars.value),
    })
}

/// Takes out every key that says how a number adds up.
fn ways(written: &mut written::Measure) -> Vec<(How, Vec<At<String>>)> {
    let one = |how: How, column: Option<At<String>>| column.map(|column| (how, vec![column]));
    let two = |how: How, columns: Option<At<Vec<At<String>>>>| columns.map(|columns| (how, columns.value));
    let all = [
        one(How::Sum, written.sum.take()),
        two(How::Ratio, written.ratio.take()),
        two(How::Growth, written.growth.take()),
        one(How::Share, written.share.take()),
        written.count.take().map(|_| (How::Count, Vec::new())),
        one(How::Value, written.value.take()),
    ];
    all.into_iter().flatten().collect()
}

fn required_title(written: Option<At<file::Title>>, owner: &Range<usize>, findings: &mut Findings) -> Title {
    let written = findings.required(written, owner, "title", "{ zh: 标题, en: Title }");
    written.map(|written| title(written, "title", findings)).unwrap_or_default()
}

/// Takes words in both languages: half of the readers could not read a page that has one.
fn title(written: At<file::Title>, key: &str, findings: &mut Findings) -> Title {
    let is_there = |words: &Option<String>| words.as_ref().is_some_and(|words| !words.trim().is_empty());
    for (language, words) in [("zh", &written.value.zh), ("en", &written.value.en)] {
        if !is_there(words) {
            findings.error(&written.range, format!("the {key} has no `{language}`"), "write it in both languages");
        }
    }
    Title::from(Some(written.value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
