//! What a report's file says is read as it was meant, and every mistake is found at its place.

use std::sync::Arc;

use super::read;
use crate::{
    define::project::report::{ChartKind, How, Order, Report},
    record::{Diagnostic, Text},
};

const REPORT: &str = "\
name: sales
title: { zh: 销售, en: Sales }
currency: { zh: 元, en: CNY }
filters:
  - { column: region, title: { zh: 大区, en: Region } }
words:
  own: { zh: 我方, en: Us }
sections:
  - title: { zh: 市场, en: Markets }
    charts:
      - name: share
        title: { zh: 份额, en: Share }
        kind: line
        sql: SELECT month, region, brand, units, revenue FROM competitor.share
        by: [{ column: month, format: month }, brand]
        show: [{ share: units, title: { zh: 份额, en: Share } }]
      - name: top
        title: { zh: 排名, en: Ranking }
        kind: table
        sql: SELECT brand, units, revenue FROM competitor.share
        by: [brand]
        show: [{ sum: revenue, format: money, bars: true }, { ratio: [revenue, units], title: { zh: 均价, en: Price } }]
        order: value
        limit: 10
";

fn report(body: &str) -> Result<Report, Vec<Diagnostic>> {
    match read(&Arc::new(Text { path: "reports/sales.yaml".to_owned(), body: body.to_owned() })) {
        (Some(report), found) if found.is_empty() => Ok(report),
        (_, found) => Err(found),
    }
}

/// Returns the findings about a report in which a part is written otherwise: `line «underlined» message → hint`.
fn findings(part: &str, otherwise: &str) -> Vec<String> {
    assert!(REPORT.contains(part), "{part}");
    let shown = |finding: Diagnostic| {
        let place = finding.place.unwrap();
        let under = &place.text.body[place.range.clone()];
        format!("{} «{under}» {} → {}", place.line_column().0, finding.message, finding.hint.unwrap_or_default())
    };
    report(&REPORT.replacen(part, otherwise, 1)).unwrap_err().into_iter().map(shown).collect()
}

#[test]
fn a_report_is_read_as_it_was_meant() {
    let report = report(REPORT).unwrap();
    assert_eq!((report.name.value.as_str(), report.title.zh.as_deref()), ("sales", Some("销售")));
    assert_eq!(report.filters[0].column.value, "region");
    assert_eq!(report.words["own"].en.as_deref(), Some("Us"));
    let charts: Vec<_> = report.charts().collect();
    assert_eq!((charts[0].kind, charts[0].order, charts[0].limit), (ChartKind::Line, Order::Rows, None));
    assert_eq!((charts[1].kind, charts[1].order, charts[1].limit), (ChartKind::Table, Order::Value, Some(10)));
    let columns: Vec<&str> = charts[1].columns().map(|column| column.value.as_str()).collect();
    assert_eq!(columns, ["brand", "revenue", "revenue", "units"]);
    assert_eq!(charts[1].show.iter().map(|measure| measure.how).collect::<Vec<_>>(), [How::Sum, How::Ratio]);
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        findings("name: sales\n", ""),
        ["1 «title: { zh: 销售, en: Sales }» `name` is missing → add `name: sales_director`"]
    );
    assert_eq!(findings("        kind: line\n", ""), ["11 «name: share» `kind` is missing → add `kind: bar`"]);
    assert_eq!(findings(", en: Sales", ""), ["2 «{ zh: 销售 }» the title has no `en` → write it in both languages"]);
    assert_eq!(
        findings("{ share: units, title: { zh: 份额, en: Share } }", "{ share: units }"),
        ["16 «{ share: units }» `title` is missing → add `title: { zh: 标题, en: Title }`"]
    );
    assert_eq!(
        findings("currency: { zh: 元, en: CNY }\n", ""),
        ["16 «top» chart `top` cannot be drawn: it shows money, and the report names no `currency` → add \
          `currency: { zh: 元, en: CNY }` to the report"]
    );
}

#[test]
fn what_a_kind_cannot_draw_is_refused() {
    let drawn = |part, otherwise| findings(part, otherwise).concat();
    assert_eq!(
        drawn("kind: line", "kind: bubble"),
        "11 «share» chart `share` cannot be drawn: `show` has 1 entries, and the kind `bubble` takes 3 → docs/report.md says \
         what each kind takes"
    );
    assert_eq!(
        drawn("kind: line", "kind: figures"),
        "11 «share» chart `share` cannot be drawn: `by` has 2 entries, and the kind `figures` takes none → docs/report.md \
         says what each kind takes"
    );
    assert_eq!(
        drawn("kind: line", "kind: line\n        stacked: true"),
        "11 «share» chart `share` cannot be drawn: `stacked` is about bars → remove it, or write `kind: bar`"
    );
}

#[test]
fn numbers_that_cannot_be_added_are_not_stacked() {
    assert_eq!(
        findings("kind: table", "kind: bar\n        stacked: true"),
        [
            "17 «top» chart `top` cannot be drawn: `bars` is about tables → remove it, or write `kind: table`",
            "17 «top» chart `top` cannot be drawn: its marks are added, and `ratio` cannot be → show a `sum` or a `count`"
        ]
    );
}

#[test]
fn a_number_says_in_one_way_how_it_adds_up() {
    assert_eq!(
        findings("{ sum: revenue, format: money, bars: true }", "{ format: money }"),
        [
            "22 «{ format: money }» nothing says how it adds up → add `sum`, `ratio`, `growth`, `share`, `count` or `value`"
        ]
    );
    assert_eq!(
        findings("sum: revenue, format", "sum: revenue, value: units, format"),
        [
            "22 «{ sum: revenue, value: units, format: money, bars: true }» more than one key says how it adds up → keep one of \
          them"
        ]
    );
    assert_eq!(
        findings("ratio: [revenue, units]", "ratio: [revenue]"),
        [
            "22 «{ ratio: [revenue], title: { zh: 均价, en: Price } }» `ratio` has 1 columns → write `[numerator, denominator]`"
        ]
    );
}

#[test]
fn names_are_used_once() {
    assert_eq!(
        findings("- name: top", "- name: share"),
        ["17 «share» `share` occurs twice in `the names of the charts` → keep one of the two"]
    );
    assert_eq!(
        findings("filters:\n", "filters:\n  - { column: region, title: { zh: 大区, en: Region } }\n"),
        ["6 «region» `region` occurs twice in `filters` → keep one of the two"]
    );
}

#[test]
fn unknown_keys_and_words_are_told() {
    assert_eq!(findings("kind: line", "kind: lines"), ["13 «lines» unknown value `lines` → did you mean `line`?"]);
    assert_eq!(
        findings("        kind: line", "        knd: line"),
        ["13 «knd» unknown key `knd` → did you mean `kind`?"]
    );
    assert_eq!(findings("limit: 10", "limit: 0"), ["24 «0» `limit` is 0 → leave it out to show all"]);
}

#[test]
fn one_mistake_of_yaml_hides_no_other_and_no_chart() {
    let body = REPORT.replace("kind: line", "kind: lines").replace("order: value", "ordr: value");
    let body = body.replace("limit: 10", "limt: 10");
    let text = Arc::new(Text { path: "reports/sales.yaml".to_owned(), body });
    let (report, found) = read(&text);
    let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["unknown value `lines`", "unknown key `ordr`", "unknown key `limt`"]);
    let names: Vec<String> = report.unwrap().charts().map(|chart| chart.name.value.clone()).collect();
    assert_eq!(names, ["top"]);
}
