//! SQL functions that the domain needs and DataFusion lacks.
//!
//! In: columns. Out: columns; every function is immutable, so a model that calls it is a function of its inputs, and none
//! depends on the order of rows or on how many threads share them. Each file has the functions of one family with what is
//! said of them; the examples there are tests, and [`catalogue`] makes `docs/functions.md` of them.
//!
//! Deliberately absent: what SQL can say by itself, and functions written in SQL, which are [`super::user_function`]'s.

mod array_position;
pub mod catalogue;
mod company;
mod exact;
pub mod folding;
mod local_time;
mod quantile_bin;
pub mod tax_id;
mod working_time;

use std::sync::Arc;

use datafusion::{
    error::Result,
    execution::{FunctionRegistry, SessionState},
};

/// The version of these functions: a change of what one of them returns must raise it, and rebuilds all models.
pub const VERSION: &str = "functions 2";

/// What is said of a function.
#[derive(Debug, Clone, Copy)]
struct Description {
    name: &'static str,
    kind: Kind,
    /// How it is called, with types, and what it returns.
    signature: &'static str,
    text: &'static str,
    /// What NULL does to it.
    nulls: &'static str,
    examples: &'static [Example],
}

/// A query and the only value of its answer.
#[derive(Debug, Clone, Copy)]
struct Example {
    sql: &'static str,
    answer: &'static str,
}

/// Where in a query a function may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It gives a value for each row.
    Scalar,
    /// It gives a value for each group of rows.
    Aggregate,
    /// It gives a value for each row from the rows around it.
    Window,
}

/// Adds the functions to a session.
///
/// # Errors
/// Never with a session that takes functions.
pub fn register(state: &mut SessionState) -> Result<()> {
    let scalars = local_time::functions().into_iter().chain(company::functions());
    for function in scalars.chain([tax_id::function()]).chain(working_time::functions()) {
        state.register_udf(Arc::new(function))?;
    }
    let position = array_position::faster(state.udf(array_position::NAME)?);
    state.register_udf(Arc::new(position))?;
    for aggregate in exact::aggregates().into_iter().chain([working_time::aggregate()]) {
        state.register_udaf(Arc::new(aggregate))?;
    }
    state.register_udwf(Arc::new(quantile_bin::function()))?;
    Ok(())
}

/// Says how one of the functions is called.
#[must_use]
pub fn usage(name: &str) -> Option<String> {
    let known = descriptions().find(|description| description.name == name)?;
    Some(format!("it is called so: `{}`", known.signature))
}

/// Returns what is said of all of them.
fn descriptions() -> impl Iterator<Item = Description> {
    let companies = company::DESCRIPTIONS.into_iter().chain([tax_id::DESCRIPTION]);
    let times = local_time::DESCRIPTIONS.into_iter().chain(working_time::DESCRIPTIONS);
    companies.chain(times).chain(exact::DESCRIPTIONS).chain([quantile_bin::DESCRIPTION])
}
