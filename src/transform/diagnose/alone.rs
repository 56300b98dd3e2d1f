//! A query that is no model's: what a chart shows, an example calls, somebody types.
//!
//! In: its text alone, and why it cannot be planned. Out: everything that is wrong with it, at its places in that text. Where the text
//! stands, and what is asked of it besides, knows the caller.

use std::sync::Arc;

use datafusion::{error::DataFusionError, execution::SessionState};

use super::{Diagnosis, Tables, diagnose, unparsed};
use crate::{
    define::project::Dialect,
    engine::{Parameters, Problem, Statement},
    record::{Diagnostic, Place, Text},
};

/// Returns what is wrong with a query that the engine has refused; never nothing.
#[must_use]
pub fn alone(
    text: &Arc<Text>,
    dialect: Dialect,
    refused: &DataFusionError,
    parameters: &Parameters,
    tables: &Tables,
    state: &SessionState,
) -> Vec<Diagnostic> {
    let parsed = Statement::parse_as(dialect, &text.body, parameters);
    let diagnosis = match (dialect, &parsed) {
        // Taking a text apart asks for the engine's own grammar.
        (Dialect::Duckdb, _) => Diagnosis::default(),
        (Dialect::Datafusion, Err(error)) => return unparsed(text, error, parameters),
        (Dialect::Datafusion, Ok(statement)) => {
            statement.query().map(|query| diagnose(text, query, tables, state)).unwrap_or_default()
        }
    };
    if diagnosis.findings.is_empty() {
        let finding = diagnosis.refused(text, refused).unwrap_or_else(|| told(text, refused));
        return vec![finding];
    }
    diagnosis.findings
}

/// Returns what the engine itself says.
fn told(text: &Arc<Text>, refused: &DataFusionError) -> Diagnostic {
    let problem = Problem::new(refused, &text.body);
    let place = Place { text: Arc::clone(text), range: problem.range.unwrap_or(0..text.body.len()) };
    Diagnostic { hint: problem.hint, ..Diagnostic::error(problem.message, place) }
}
