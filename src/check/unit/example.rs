//! Examples of functions in SQL → tests, each of one call and the value that it returns.
//!
//! In: the functions of a project, a session that knows them, and who says what is wrong with a query. Out: prepared tests as of a model
//! `functions.<name>`, or what is wrong with a call or a value, at its place. Deliberately runs nothing.

use std::sync::Arc;

use datafusion::{common::ScalarValue, error::DataFusionError, prelude::SessionContext};

use super::{Prepared, compare::Rule, execute::Question, value};
use crate::{
    define::project::{Example, Function},
    engine::{Parameters, Statement, types},
    record::{Diagnostic, Place, TableName, Text, test_result::Asked},
};

/// The schema under which functions are tested: no model can lie in a folder of that name.
pub const FUNCTIONS: &str = "functions";

/// The name of the only column.
const VALUE: &str = "value";

/// How a call becomes a query.
const SELECT: &str = "SELECT ";

/// Says what is wrong with a query that the engine has refused, at its places in this text.
pub type Told<'a> = &'a (dyn Fn(&Arc<Text>, &DataFusionError) -> Vec<Diagnostic> + Sync);

/// Turns the examples of functions into tests.
///
/// # Errors
/// Every call that cannot be planned, and every value that cannot be of its type.
pub async fn examples(
    functions: impl IntoIterator<Item = &Function>,
    parameters: &Parameters,
    session: &SessionContext,
    told: Told<'_>,
) -> Result<Vec<Prepared>, Vec<Diagnostic>> {
    let (mut tests, mut findings) = (Vec::new(), Vec::new());
    for function in functions {
        for example in &function.examples {
            match prepared(function, example, parameters, session, told).await {
                Ok(test) => tests.push(test),
                Err(found) => findings.extend(found),
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
    told: Told<'_>,
) -> Result<Prepared, Vec<Diagnostic>> {
    let Example { call, returns } = example;
    let at_call = |message: String, hint: &str| vec![Diagnostic::error(message, call.place.clone()).hint(hint)];
    let text = Arc::new(Text { path: call.place.text.path.clone(), body: format!("{SELECT}{}", call.value) });
    let refused = |error: DataFusionError| -> Vec<Diagnostic> {
        let place = |place: &Place| {
            let start = place.range.start.checked_sub(SELECT.len())?;
            call.part(&(start..start + place.range.len()))
        };
        told(&text, &error).into_iter().map(|finding| finding.moved(place, &call.place)).collect()
    };
    let statement = Statement::parse(&text.body, parameters).map_err(refused)?;
    if !statement.functions.contains(&function.name) || !statement.tables.is_empty() {
        let message = format!("`{}` is no call of `{}` alone", call.value, function.name);
        let hint = "write an expression that calls it with values, and behind the colon what it returns";
        return Err(at_call(message, hint));
    }
    let plan = statement.plan(session).await.map_err(refused)?;
    let schema = types::published_schema(plan.schema().as_arrow()).map_err(|(_, data_type)| {
        let message = format!("`{}` is {data_type}, which no table can hold", call.value);
        at_call(message, "cast it to a type that a table can hold, such as DOUBLE or VARCHAR")
    })?;
    let [field] = &schema.fields()[..] else {
        return Err(at_call(format!("`{}` is more than one value", call.value), "write one call"));
    };
    let data_type = field.data_type();
    let expected = match &returns.value {
        Some(text) => value::read(text, data_type).map_err(|spelling| {
            let message = format!("`{text}` is no {}", types::spelled(data_type));
            vec![Diagnostic::error(message, returns.place.clone()).hint(spelling)]
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
