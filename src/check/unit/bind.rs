//! A test as written → a test that can be run: every name found, every value typed.
//!
//! In: the test and what its model reads and gives. Out: tables in memory and questions with their answers, or every finding.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::ScalarValue;

use super::{
    Around, Prepared, Subject,
    compare::{Rule, Values},
    execute::Question,
    given::{self, typed},
};
use crate::{
    define::{
        suggestion,
        unit_test::{Expected, Given, UnitTest},
    },
    engine::{Parameters, Problem, Statement, types},
    record::{Diagnostic, Placed, TableName, test_result::Asked},
};

/// Columns that a history adds.
const VERSION_COLUMNS: usize = 3;

/// Checks a test against its model.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) async fn bind(
    test: &UnitTest,
    subject: &Subject<'_>,
    around: &Around<'_>,
) -> Result<Prepared, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let parameters = parameters(test, around.parameters, &mut findings);
    findings.extend(without_day(test, subject, around));
    let mut tables = Vec::new();
    for name in read_tables(subject) {
        let Some(readable) = around.tables.get(name) else { continue };
        let rows = test.given.iter().find(|given| given.table.value == *name);
        match given::provider(name, readable, rows, &parameters) {
            Ok(provider) => tables.push((name.clone(), provider)),
            Err(found) => findings.extend(found),
        }
    }
    findings.extend(test.given.iter().filter_map(|given| unread(given, subject)));
    let questions = match statement(subject, &parameters, around) {
        Ok(statement) => questions(test, subject, &statement, parameters.run_date, around, &mut findings).await,
        Err(found) => {
            findings.push(found);
            Vec::new()
        }
    };
    if findings.is_empty() {
        return Ok(Prepared { model: subject.model.name.clone(), name: test.name.clone(), tables, questions });
    }
    Err(findings)
}

/// Returns the tables that a test may give: those of the query, and a history's own.
fn read_tables<'a>(subject: &'a Subject<'_>) -> impl Iterator<Item = &'a TableName> {
    subject.statement.tables.iter().chain(subject.history.is_some().then_some(&subject.model.name))
}

fn unread(given: &Given, subject: &Subject<'_>) -> Option<Diagnostic> {
    let names: Vec<String> = read_tables(subject).map(ToString::to_string).collect();
    let written = given.table.value.to_string();
    (!names.contains(&written)).then(|| {
        let message = format!("`{}` does not read `{written}`", subject.model.name);
        Diagnostic::error(message, given.table.place.clone())
            .hint(suggestion(&written, names.iter().map(String::as_str)))
    })
}

/// Returns the pipeline's parameters with those of the test put over them.
fn parameters(test: &UnitTest, of_pipeline: &Parameters, findings: &mut Vec<Diagnostic>) -> Parameters {
    let mut parameters = of_pipeline.clone();
    parameters.run_date = test.run_date.unwrap_or(parameters.run_date);
    for (name, value) in &test.variables {
        let Some(declared) = parameters.variables.get_mut(&name.value) else {
            let message = format!("the pipeline declares no variable `{}`", name.value);
            let hint = suggestion(&name.value, of_pipeline.variables.keys().map(String::as_str));
            findings.push(Diagnostic::error(message, name.place.clone()).hint(hint));
            continue;
        };
        if let Some(value) = declared.like(&value.value) {
            *declared = value;
            continue;
        }
        let message = format!("`{}` is no {}", value.value, declared.type_name());
        let hint = "a variable keeps the type of its value in the pipeline file";
        findings.push(Diagnostic::error(message, value.place.clone()).hint(hint));
    }
    parameters
}

/// Says that the answer depends on the day and the test names none: it would be another one tomorrow.
fn without_day(test: &UnitTest, subject: &Subject<'_>, around: &Around<'_>) -> Option<Diagnostic> {
    let is_cut = |given: &&Given| {
        let readable = around.tables.get(&given.table.value);
        readable.and_then(|table| table.as_of.as_ref()).is_some_and(|as_of| !as_of.is_idle())
    };
    let reason = match test.given.iter().find(is_cut) {
        _ if test.run_date.is_some() => return None,
        _ if subject.statement.parameters.contains("run_date") => "the model uses `$run_date`".to_owned(),
        _ if test.expect_history.is_some() && subject.history.is_some() => {
            "a history begins its versions on the run date".to_owned()
        }
        Some(given) => format!("`{}` is cut as of the run date", given.table.value),
        None => return None,
    };
    let message = format!("the test does not say as of which day: {reason}");
    Some(Diagnostic::error(message, test.name.place.clone()).hint("add `run_date: 2026-06-30`"))
}

/// Returns the model's SQL with the parameters of the test in it.
fn statement(subject: &Subject<'_>, parameters: &Parameters, around: &Around<'_>) -> Result<Statement, Diagnostic> {
    if subject.statement.parameters.is_empty() || parameters == around.parameters {
        return Ok(subject.statement.clone());
    }
    let text = &subject.model.text;
    let parsed = Statement::parse_as(subject.model.dialect, &text.body, parameters).map_err(|error| {
        let problem = Problem::new(&error, &text.body);
        Diagnostic::error_without_place(format!("`{}`: {}", subject.model.name, problem.message))
    });
    parsed.map(|mut statement| {
        statement.expand(&(around.views)(parameters));
        statement
    })
}

/// What is asked of one statement.
struct Answer<'a> {
    asked: Asked,
    statement: Statement,
    schema: &'a Schema,
    key: Vec<String>,
}

async fn questions(
    test: &UnitTest,
    subject: &Subject<'_>,
    statement: &Statement,
    run_date: chrono::NaiveDate,
    around: &Around<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Question> {
    let mut questions = Vec::new();
    let all = subject.schema.fields().len();
    let given = all - if subject.history.is_some() { VERSION_COLUMNS.min(all) } else { 0 };
    let own: SchemaRef = Arc::new(Schema::new(subject.schema.fields()[..given].to_vec()));
    let key: Vec<String> = subject.model.key.iter().map(|column| column.value.clone()).collect();
    let answer = |asked, schema| Answer { asked, statement: statement.clone(), schema, key: key.clone() };
    if let Some(expected) = &test.expect {
        let mut answer = answer(Asked::Result, &own);
        answer.key.retain(|column| own.field_with_name(column).is_ok());
        questions.extend(question(answer, expected, findings));
    }
    if let Some(expected) = &test.expect_history {
        match &subject.history {
            Some(history) => {
                let asked = question(answer(Asked::History, &subject.schema), expected, findings);
                questions
                    .extend(asked.map(|asked| Question { history: Some((Arc::clone(history), run_date)), ..asked }));
            }
            None => findings.push(
                Diagnostic::error(format!("`{}` keeps no history", subject.model.name), expected.place.clone())
                    .hint("use `expect`"),
            ),
        }
    }
    for (name, expected) in &test.expect_ctes {
        let Some((statement, schema)) = cte(name, statement, around, findings).await else { continue };
        let answer = Answer { asked: Asked::Cte(name.value.clone()), statement, schema: &schema, key: Vec::new() };
        questions.extend(question(answer, expected, findings));
    }
    questions
}

/// Returns the statement and the columns of a common table expression.
async fn cte(
    name: &Placed<String>,
    statement: &Statement,
    around: &Around<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Statement, Schema)> {
    let names: Vec<String> = statement.ctes().collect();
    if !names.contains(&name.value) {
        let message = format!("the query has no common table expression `{}`", name.value);
        let hint = suggestion(&name.value, names.iter().map(String::as_str));
        findings.push(Diagnostic::error(message, name.place.clone()).hint(hint));
        return None;
    }
    let planned = match statement.cte(&name.value) {
        Ok(cte) => cte.plan(around.session).await.map(|plan| (cte, plan.schema().as_arrow().clone())),
        Err(error) => Err(error),
    };
    let failed = |error: datafusion::error::DataFusionError| {
        let problem = Problem::new(&error, "");
        findings.push(Diagnostic::error(problem.message, name.place.clone()));
    };
    planned.map_err(failed).ok()
}

/// Joins a statement with the rows that it must give.
fn question(answer: Answer<'_>, expected: &Expected, findings: &mut Vec<Diagnostic>) -> Option<Question> {
    let known = findings.len();
    if expected.is_ordered && !answer.statement.is_ordered() {
        let message = "the rows are expected in an order that the query does not promise";
        let hint = "take `order: true` out, or end the query with ORDER BY";
        findings.push(Diagnostic::error(message, expected.place.clone()).hint(hint));
    }
    let columns = columns(expected, answer.schema, &answer.asked, findings);
    let rows = expected.rows.iter().map(|row| {
        let value = |(name, _, data_type): &(String, usize, DataType)| {
            let cell = row.cells.iter().find(|cell| cell.column.value == *name);
            match cell {
                Some(cell) => typed(&cell.value, data_type, findings),
                None => ScalarValue::try_from(data_type).ok(),
            }
        };
        columns.iter().map(value).collect::<Option<Values>>()
    });
    let rows: Vec<Option<Values>> = rows.collect();
    if findings.len() > known {
        return None;
    }
    let position = |key: &String| columns.iter().position(|(name, _, _)| name == key);
    let rule = Rule {
        key: answer.key.iter().map(position).collect::<Option<Vec<_>>>().unwrap_or_default(),
        columns: columns.iter().map(|(name, _, _)| name.clone()).collect(),
        is_ordered: expected.is_ordered,
        tolerance: expected.tolerance,
    };
    Some(Question {
        asked: answer.asked,
        statement: answer.statement,
        history: None,
        columns: columns.into_iter().map(|(_, index, data_type)| (index, data_type)).collect(),
        expected: rows.into_iter().flatten().collect(),
        rule,
    })
}

/// Returns name, position and type of the columns that are compared: all where no row is expected, so that one that is there
/// nevertheless can be shown.
fn columns(
    expected: &Expected,
    schema: &Schema,
    asked: &Asked,
    findings: &mut Vec<Diagnostic>,
) -> Vec<(String, usize, DataType)> {
    let cells = || expected.rows.iter().flat_map(|row| &row.cells);
    let mut seen: Vec<&str> = Vec::new();
    for column in cells().map(|cell| &cell.column) {
        if schema.column_with_name(&column.value).is_none() && !seen.contains(&column.value.as_str()) {
            seen.push(&column.value);
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let message = format!("{} has no column `{}`", spelled(asked), column.value);
            findings.push(Diagnostic::error(message, column.place.clone()).hint(suggestion(&column.value, names)));
        }
    }
    let is_compared = |name: &String| {
        expected.is_complete || expected.rows.is_empty() || cells().any(|cell| cell.column.value == *name)
    };
    let mut columns = Vec::new();
    for (index, field) in schema.fields().iter().enumerate().filter(|(_, field)| is_compared(field.name())) {
        match types::published(field.data_type()) {
            Some(data_type) => columns.push((field.name().clone(), index, data_type)),
            // Where nothing is expected, nobody has asked for this column.
            None if expected.rows.is_empty() => {}
            None => {
                let message =
                    format!("the column `{}` is {}, which cannot be compared", field.name(), field.data_type());
                findings.push(Diagnostic::error(message, expected.place.clone()).hint("leave the column out"));
            }
        }
    }
    columns
}

fn spelled(asked: &Asked) -> String {
    match asked {
        Asked::Result => "the result".to_owned(),
        Asked::Cte(name) => format!("`{name}`"),
        Asked::History => "the history".to_owned(),
    }
}
