//! Examples of functions in SQL → tests, each of one call and the value that it returns.
//!
//! In: the functions of a project and a session that knows them. Out: prepared tests as of a model `functions.<name>`, or what is wrong
//! with a call or a value, at its place. Deliberately runs nothing.

use datafusion::{common::ScalarValue, error::DataFusionError, prelude::SessionContext};

use super::{Prepared, compare::Rule, execute::Question, value};
use crate::{
    define::project::{Example, Function},
    engine::{Parameters, Problem, Statement, types},
    record::{Diagnostic, TableName, test_result::Asked},
};

/// The schema under which functions are tested: no model can lie in a folder of that name.
pub const FUNCTIONS: &str = "functions";

/// The name of the only column.
const VALUE: &str = "value";

/// Turns the examples of functions into tests.
///
/// # Errors
/// Every call that cannot be planned, and every value that cannot be of its type.
pub async fn examples(
    functions: &[Function],
    parameters: &Parameters,
    session: &SessionContext,
) -> Result<Vec<Prepared>, Vec<Diagnostic>> {
    let (mut tests, mut findings) = (Vec::new(), Vec::new());
    for function in functions {
        for example in &function.examples {
            match prepared(function, example, parameters, session).await {
                Ok(test) => tests.push(test),
                Err(finding) => findings.push(finding),
            }
        }
    }
    if findings.is_empty() { Ok(tests) } else { Err(findings) }
}

async fn prepared(
    function: &Function,
    example: &Example,
    parameters: &Parameters,
    session: &SessionContext,
) -> Result<Prepared, Diagnostic> {
    let Example { call, returns } = example;
    let sql = format!("SELECT {} AS {VALUE}", call.value);
    let told = |error: DataFusionError| {
        let problem = Problem::new(&error, &sql);
        let mut finding = Diagnostic::error(problem.message, call.place.clone());
        finding.hint = problem.hint;
        finding
    };
    let statement = Statement::parse(&sql, parameters).map_err(told)?;
    if !statement.functions.contains(&function.name) || !statement.tables.is_empty() {
        let message = format!("`{}` is no call of `{}` alone", call.value, function.name);
        return Err(Diagnostic::error(message, call.place.clone())
            .hint("write an expression that calls it with values, and behind the colon what it returns"));
    }
    let plan = statement.plan(session).await.map_err(told)?;
    let schema = types::published_schema(plan.schema().as_arrow()).map_err(|(_, data_type)| {
        Diagnostic::error(format!("`{}` is {data_type}, which no table can hold", call.value), call.place.clone())
    })?;
    let [field] = &schema.fields()[..] else {
        let message = format!("`{}` is more than one value", call.value);
        return Err(Diagnostic::error(message, call.place.clone()).hint("write one call"));
    };
    let data_type = field.data_type();
    let expected = match &returns.value {
        Some(text) => value::read(text, data_type).map_err(|spelling| {
            let message = format!("`{text}` is no {}", types::spelled(data_type));
            Diagnostic::error(message, returns.place.clone()).hint(spelling)
        })?,
        None => ScalarValue::try_from(data_type).unwrap_or(ScalarValue::Null),
    };
    let rule = Rule { columns: vec![VALUE.to_owned()], key: Vec::new(), is_ordered: true, tolerance: None };
    let question = Question {
        asked: Asked::Result,
        statement,
        history: None,
        columns: vec![(0, data_type.clone())],
        expected: vec![vec![expected]],
        rule,
    };
    let model = TableName::new(FUNCTIONS, &function.name);
    Ok(Prepared { model, name: call.clone(), tables: Vec::new(), questions: vec![question] })
}
