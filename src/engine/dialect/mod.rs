//! SQL written for DuckDB, as `dbt compile` leaves it, understood as DuckDB understands it.
//!
//! ```text
//!  text ─ names ─► names in lower case ─ parser ─► syntax tree ─ syntax ─► functions by their names here
//!                                                                             │
//!  plan ◄─ casts ─ casts that round and spell as DuckDB's ◄─ operators ─ `/`, `//`, `+`, `-`, `||` by their types
//! ```
//!
//! In: the text of a model whose dialect is `duckdb`. Out: a tree and a plan that give what DuckDB gives. Sessions of other
//! statements know nothing of this: functions, operators and settings are added to a copy of the session, for one plan.
//! Deliberately absent: what DuckDB reads and writes besides queries (files, macros, pragmas), and values that another run
//! would not give again.

mod casts;
mod dates;
mod names;
mod operators;
mod scalar;
mod syntax;
mod text;

use std::{collections::VecDeque, sync::Arc};

use datafusion::{
    common::config::Dialect as ParserDialect,
    error::{DataFusionError, Result},
    execution::{FunctionRegistry, SessionState, SessionStateBuilder},
    logical_expr::{LogicalPlan, planner::ExprPlanner},
    sql::{
        parser::{DFParserBuilder, Statement as Parsed},
        sqlparser::{ast::Statement as Ast, dialect::DuckDbDialect, parser::ParserError, tokenizer::Tokenizer},
    },
};

/// The version of these semantics: a change of what a statement gives must raise it, and rebuilds the models of the dialect.
pub const VERSION: &str = "duckdb 1";

/// Parses statements as DuckDB reads them.
///
/// # Errors
/// A syntax error.
pub fn parse(text: &str) -> Result<VecDeque<Parsed>> {
    let dialect = DuckDbDialect {};
    let mut tokens = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(ParserError::from)?;
    names::lower_quoted(&mut tokens);
    DFParserBuilder::new(tokens).with_dialect(&dialect).build()?.parse_statements()
}

/// Rewrites a parsed query in place: names of three parts lose the first, functions get the names that they have here.
///
/// # Errors
/// A construct that has no counterpart, by name and with what to write instead.
pub fn rewrite(ast: &mut Ast) -> Result<()> {
    names::without_database(ast);
    syntax::rewrite(ast).map_err(DataFusionError::Plan)
}

/// Plans a rewritten statement in a session that knows DuckDB's functions and operators.
///
/// # Errors
/// Unknown names, wrong types, wrong arguments.
pub async fn plan(parsed: Parsed, state: SessionState) -> Result<LogicalPlan> {
    let plan = session(state)?.statement_to_plan(parsed).await?;
    casts::rewrite(plan)
}

fn session(state: SessionState) -> Result<SessionState> {
    let mut config = state.config().clone();
    let options = config.options_mut();
    options.sql_parser.dialect = ParserDialect::DuckDB;
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    options.sql_parser.parse_float_as_decimal = true;
    options.catalog.create_default_catalog_and_schema = false;
    let mut state = SessionStateBuilder::new_from_existing(state).with_config(config).build();
    for function in dates::functions().into_iter().chain(text::functions()) {
        state.register_udf(Arc::new(function))?;
    }
    let operators: Arc<dyn ExprPlanner> = Arc::new(operators::Operators);
    state.register_expr_planner(operators)?;
    Ok(state)
}
