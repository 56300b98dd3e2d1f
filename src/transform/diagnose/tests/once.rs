//! A name that is wrong at several places is one mistake: told once, with the other places beside it.

use super::world::{World, on_a_deep_stack};
use crate::record::{Diagnostic, Place};

/// SQL in which `«…»` is underlined and `‹…›` told beside it, what is said, and what the hint says.
const CASES: &[(&str, &str, &str)] = &[
    // The name that a common table expression gives, and nobody reads.
    (
        "WITH a AS (SELECT units AS «unitz», day FROM core.sale)\nSELECT ‹units›, day FROM a\nWHERE ‹units› > 1 ORDER BY ‹units›",
        "nobody reads `unitz`, and `units`, which is read, does not exist",
        "did you mean `units`? it is read on lines 2 and 3",
    ),
    (
        "WITH a AS (SELECT region AS «regoin» FROM core.sale) SELECT max(‹region›) AS r FROM a",
        "nobody reads `regoin`, and `region`, which is read, does not exist",
        "did you mean `region`? it is read on line 1",
    ),
    (
        "WITH a AS (SELECT sum(units) AS «totl» FROM core.sale), b AS (SELECT * FROM a)\nSELECT b.‹total› FROM b\nWHERE ‹total› > 1",
        "nobody reads `totl`, and `total`, which is read, does not exist",
        "did you mean `total`? it is read on lines 2 and 3",
    ),
    (
        "SELECT t.‹total›, t.‹total› + 1 AS more FROM (SELECT sum(units) AS «toatl» FROM core.sale) AS t",
        "nobody reads `toatl`",
        "did you mean `total`? it is read on line 1",
    ),
    // Read once and near: the one who reads may be wrong as well.
    (
        "WITH a AS (SELECT sum(units) AS total FROM core.sale) SELECT «totl» FROM a",
        "unknown column `totl`",
        "did you mean `total`?",
    ),
    // Somebody reads the name that is given.
    (
        "WITH a AS (SELECT sum(units) AS total FROM core.sale)\nSELECT «totl» + 1 AS x FROM a\nWHERE ‹totl› > 1 AND total > 2",
        "unknown column `totl`",
        "did you mean `total`? the same name stands here once more, on line 3",
    ),
    // A column of a table.
    (
        "SELECT s.«unit», sum(s.‹unit›) OVER (PARTITION BY s.region) AS u\nFROM core.sale AS s\nWHERE ‹unit› > 3",
        "`s` has no column `unit`",
        "did you mean `units`? the same name stands here 2 times more, on lines 1 and 3",
    ),
    (
        "WITH a AS (SELECT «unit» AS x FROM core.sale), b AS (SELECT max(s.‹unit›) AS y FROM core.sale AS s)\nSELECT x, y FROM a CROSS JOIN b",
        "unknown column `unit`",
        "did you mean `units`? the same name stands here once more, on line 1",
    ),
    (
        "SELECT c.name, «custmer»\nFROM core.sale AS s\nJOIN core.customer AS c USING (‹custmer›)",
        "unknown column `custmer`",
        "did you mean `customer`? the same name stands here once more, on line 3",
    ),
    // An alias.
    (
        "SELECT ‹c›.name, ‹c›.since FROM core.sale AS s JOIN core.customer AS «cu» ON ‹c›.customer = s.customer",
        "nobody reads `cu`, and `c`, which is read, does not exist",
        "did you mean `c`? it is read on line 1",
    ),
    (
        "SELECT «cs».name, ‹cs›.since FROM core.sale AS s JOIN core.customer AS c ON c.customer = s.customer",
        "no table of this SELECT is called `cs`",
        "`c` has `name`: write `c.name`; the same name stands here once more, on line 1",
    ),
    // A name of two tables.
    (
        "SELECT «region», count(*) AS n FROM core.sale AS s JOIN core.customer AS c ON c.customer = s.customer GROUP BY ‹region›",
        "the column `region` is ambiguous",
        "put the alias before it: `s.region` or `c.region`; the same name stands here once more, on line 1",
    ),
    // A query within a query.
    (
        "SELECT units FROM core.sale AS s WHERE EXISTS (SELECT 1 AS x FROM core.customer AS c WHERE c.customer = s.«custmer»)",
        "`s` has no column `custmer`",
        "did you mean `customer`?",
    ),
    (
        "SELECT units FROM core.sale AS s WHERE EXISTS (SELECT 1 AS x FROM core.product AS p WHERE p.product_code = «ordr_no»)",
        "unknown column `ordr_no`",
        "did you mean `order_no`?",
    ),
    (
        "SELECT s.units, t.x FROM core.sale AS s LEFT JOIN LATERAL (SELECT max(level) AS x FROM core.customer AS c WHERE c.customer = s.«custmer») AS t ON true",
        "`s` has no column `custmer`",
        "did you mean `customer`?",
    ),
];

/// Two mistakes stay two.
const APART: &[&str] = &[
    "SELECT s.«untis», c.«nmae» FROM core.sale AS s JOIN core.customer AS c ON c.customer = s.customer",
    "SELECT s.«x», c.«x» FROM core.sale AS s JOIN core.customer AS c ON c.customer = s.customer",
];

fn marked(sql: &str, open: char, close: char) -> Vec<std::ops::Range<usize>> {
    let (mut ranges, mut at, mut start) = (Vec::new(), 0, 0);
    for character in sql.chars() {
        match character {
            mark if mark == open => start = at,
            mark if mark == close => ranges.push(start..at),
            '«' | '»' | '‹' | '›' => {}
            other => at += other.len_utf8(),
        }
    }
    ranges
}

/// Returns a text with the change of a finding carried out at all its places.
fn mended(sql: &str, finding: &Diagnostic) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    let is_of_the_place = finding.place.as_ref() == Some(&fix.place);
    let is_given_elsewhere = finding.message.starts_with("nobody reads");
    let also = finding.also().iter().filter(|_| is_of_the_place && !is_given_elsewhere);
    let mut places: Vec<&Place> = also.chain([&fix.place]).collect();
    places.sort_by_key(|place| place.range.start);
    let mut text = sql.to_owned();
    for place in places.into_iter().rev() {
        text.replace_range(place.range.clone(), &fix.text);
    }
    Some(text)
}

#[test]
fn the_same_name_is_told_once_and_its_hint_mends_every_place() {
    on_a_deep_stack(|| async {
        let world = World::small();
        let mut wrong = Vec::new();
        for (text, said, hint) in CASES {
            let sql = text.replace(['«', '»', '‹', '›'], "");
            let findings = world.findings("core.it", &sql).await;
            let [only] = findings.as_slice() else {
                wrong.push(format!("{text}\n  {findings:#?}"));
                continue;
            };
            let also: Vec<_> = only.also().iter().map(|place| place.range.clone()).collect();
            let places = (vec![only.place.clone().unwrap().range], also);
            let given = only.hint.clone().unwrap_or_default();
            if places != (marked(text, '«', '»'), marked(text, '‹', '›'))
                || !only.message.starts_with(said)
                || !hint.is_empty() && given != *hint
            {
                wrong.push(format!("{text}\n  {places:?} {} ({given})", only.message));
            }
            if let Some(sql) = mended(&sql, only)
                && !world.findings("core.it", &sql).await.is_empty()
            {
                wrong.push(format!("not mended: {sql}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
    });
}

#[test]
fn the_same_name_of_two_tables_is_told_of_each() {
    on_a_deep_stack(|| async {
        let world = World::small();
        for text in APART {
            let findings = world.findings("core.it", &text.replace(['«', '»'], "")).await;
            let places: Vec<_> = findings.iter().map(|finding| finding.place.clone().unwrap().range).collect();
            assert_eq!(places, marked(text, '«', '»'), "{findings:#?}");
        }
    });
}
