//! A file of unit tests: as written → as validated.
//!
//! In: its text and its path below the folder of models. Out: a [`TestFile`], or everything that is wrong with it.

use std::{collections::BTreeSet, ops::Range, path::Path, sync::Arc};

use super::{Cell, ENDING, Expected, Given, Row, TestFile, UnitTest, table};
use crate::{
    define::{
        file::{self, Compared, ExpectedRows, GivenRows, Rows, RowsOr},
        findings::Findings,
        mend, names,
        spans::{At, Pairs, Scalar},
        yaml::{self, Parsed},
    },
    record::{Diagnostic, Place, Placed, TableName, Text},
};

/// Reads and checks one file of unit tests.
///
/// # Errors
/// Everything that is wrong with its path and its text.
pub fn read(text: &Arc<Text>, relative: &Path) -> Result<TestFile, Vec<Diagnostic>> {
    match read_loosely(text, relative) {
        (Some(file), findings) if findings.is_empty() => Ok(file),
        (_, findings) => Err(findings),
    }
}

/// Reads and checks one file of unit tests as [`read`] does; beside what is wrong comes what can still be asked about: its tests but
/// those that cannot be read.
#[must_use]
pub fn read_loosely(text: &Arc<Text>, relative: &Path) -> (Option<TestFile>, Vec<Diagnostic>) {
    let mut findings = Findings::of(Arc::clone(text));
    let model = model(relative, &mut findings);
    let Parsed { value: written, mended } = yaml::parse_mending::<file::UnitTests>(&mut findings);
    let tests = written.map(|written| {
        let item = |at: usize| mend::item(findings.body(), at);
        let wrong: BTreeSet<usize> = mended.iter().map(|mended| item(mended.range.start)).collect();
        let (right, others): (Vec<_>, Vec<_>) =
            written.0.into_iter().partition(|test| !wrong.contains(&item(test.range.start)));
        if right.is_empty() && !(others.is_empty() && wrong.is_empty()) {
            return Vec::new();
        }
        tests(right, &mut findings)
    });
    let file = model.zip(tests).map(|(model, tests)| TestFile { text: Arc::clone(text), model, tests });
    (file, findings.sorted())
}

/// Returns `schema.table` of `schema/table.test.yaml`.
fn model(relative: &Path, findings: &mut Findings) -> Option<TableName> {
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = match parts.as_slice() {
        [schema, file] => file.strip_suffix(ENDING).map(|table| TableName::new(schema.as_str(), table)),
        _ => None,
    };
    if name.is_none() {
        let place = Place::start_of(Arc::clone(findings.text()));
        let message = format!("`{}` lies beside no model", relative.display());
        findings.push(Diagnostic::error(message, place).hint(format!("put it at `<schema>/<table>{ENDING}`")));
    }
    name
}

fn tests(written: Vec<At<file::UnitTest>>, findings: &mut Findings) -> Vec<UnitTest> {
    if written.is_empty() {
        findings.error(&(0..0), "the file has no test", "write one, or remove the file");
    }
    let names: Vec<At<String>> = written.iter().filter_map(|test| test.value.name.clone()).collect();
    names::distinct("the names of the tests", &names, findings);
    written.into_iter().filter_map(|test| self::test(test, findings)).collect()
}

fn test(written: At<file::UnitTest>, findings: &mut Findings) -> Option<UnitTest> {
    let At { value, range } = written;
    let name = findings.required(value.name, &range, "name", "what holds, as a sentence");
    if value.expect.is_none() && value.expect_ctes.0.is_empty() && value.expect_history.is_none() {
        let at = name.as_ref().map_or(&range, |name| &name.range).clone();
        findings.error(&at, "the test expects nothing", "add `expect:` with the rows, `[]` for none");
    }
    let tolerance = tolerance(value.tolerance.as_ref(), findings);
    let run_date = value.run_date.and_then(|text| names::date(&text, findings));
    let variables = value.variables.0.into_iter().map(|(name, value)| variable(name, value, findings)).collect();
    let given = given(value.given, findings);
    let expect = value.expect.map(|written| expected(written, tolerance, findings));
    let ctes = value.expect_ctes.0.into_iter();
    let ctes = ctes.map(|(name, rows)| (findings.placed(name), expected(rows, tolerance, findings))).collect();
    let history = value.expect_history.map(|written| expected(written, tolerance, findings));
    let name = name.filter(|name| is_name(name, findings))?;
    Some(UnitTest {
        name: findings.placed(name),
        description: value.description,
        run_date,
        variables,
        given,
        expect,
        expect_ctes: ctes,
        expect_history: history,
    })
}

fn is_name(name: &At<String>, findings: &mut Findings) -> bool {
    let is_one_line = !name.value.trim().is_empty() && !name.value.contains('\n');
    if !is_one_line {
        findings.error(&name.range, "the name of a test is one line", "write what holds, as a sentence");
    }
    is_one_line
}

fn variable(name: At<String>, value: At<Scalar>, findings: &Findings) -> (Placed<String>, Placed<String>) {
    (findings.placed(name), Placed::new(value.value.0, findings.place(&value.range)))
}

fn tolerance(written: Option<&At<f64>>, findings: &mut Findings) -> Option<f64> {
    let written = written?;
    if written.value.is_finite() && written.value >= 0.0 {
        return Some(written.value);
    }
    findings.error(&written.range, "`tolerance` is no distance", "write a number from 0, such as 0.001");
    None
}

fn given(written: Pairs<At<RowsOr<GivenRows>>>, findings: &mut Findings) -> Vec<Given> {
    let mut given = Vec::new();
    for (name, At { value, range }) in written.0 {
        let (defaults, rows) = match value {
            RowsOr::Rows(rows) => (Vec::new(), Some(At { value: rows, range })),
            RowsOr::Map(map) => (cells(map.defaults, findings), findings.required(map.rows, &range, "rows", "[]")),
        };
        let Some(table) = table_name(&name, findings) else { continue };
        given.push(Given { table, defaults, rows: rows.map_or_else(Vec::new, |rows| self::rows(rows, findings)) });
    }
    given
}

fn table_name(written: &At<String>, findings: &mut Findings) -> Option<Placed<TableName>> {
    match TableName::try_from(written.value.clone()) {
        Ok(name) => Some(Placed::new(name, findings.place(&written.range))),
        Err(message) => {
            findings.error(&written.range, message, "name the schema too, such as `core.sales`");
            None
        }
    }
}

fn expected(written: At<RowsOr<ExpectedRows>>, of_test: Option<f64>, findings: &mut Findings) -> Expected {
    let At { value, range } = written;
    let place = findings.place(&range);
    let (rows, map) = match value {
        RowsOr::Rows(rows) => (Some(At { value: rows, range: range.clone() }), None),
        RowsOr::Map(mut map) => (findings.required(map.rows.take(), &range, "rows", "[]"), Some(map)),
    };
    let rows = rows.map_or_else(Vec::new, |rows| self::rows(rows, findings));
    let is_complete = map.as_ref().is_some_and(|map| map.columns == Some(Compared::All));
    if !rows.is_empty() && !is_complete && rows.iter().all(|row| row.cells.is_empty()) {
        findings.error(
            &range,
            "the expected rows name no column",
            "name the columns that matter, or say `columns: all`",
        );
    }
    Expected {
        place,
        rows,
        is_ordered: map.as_ref().and_then(|map| map.order.as_ref()).is_some_and(|order| order.value),
        is_complete,
        tolerance: map.and_then(|map| tolerance(map.tolerance.as_ref(), findings)).or(of_test),
    }
}

fn rows(written: At<Rows>, findings: &mut Findings) -> Vec<Row> {
    match written.value {
        Rows::Table(text) => table::rows(&At { value: text, range: written.range }, findings),
        Rows::List(rows) => rows.into_iter().map(|row| self::row(row, findings)).collect(),
    }
}

fn row(written: At<file::Row>, findings: &mut Findings) -> Row {
    let place = findings.place(&written.range);
    Row { place, cells: cells(written.value, findings) }
}

fn cells(written: file::Row, findings: &Findings) -> Vec<Cell> {
    let place = |range: &Range<usize>| findings.place(range);
    let cell = |(column, value): (At<String>, At<file::Cell>)| Cell {
        value: Placed::new(value.value.0, place(&value.range)),
        column: findings.placed(column),
    };
    written.0.into_iter().map(cell).collect()
}
