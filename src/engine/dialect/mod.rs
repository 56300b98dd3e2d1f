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

mod aliases;
mod casts;
mod dates;
mod names;
mod operators;
mod scalar;
mod syntax;
mod text;

use std::{collections::VecDeque, sync::Arc};

use datafusion::{
    common::{SchemaError, Span, config::Dialect as ParserDialect},
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

/// Aliases that one statement may use where they are given; each costs a round of planning.
const MOST_ALIASES: usize = 200;

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
    casts::rewrite(plan_with_aliases(parsed, &session(state)?).await?)
}

/// Plans a statement, in which aliases may be used in the SELECT that gives them.
async fn plan_with_aliases(mut parsed: Parsed, state: &SessionState) -> Result<LogicalPlan> {
    let mut told = match state.statement_to_plan(parsed.clone()).await {
        Ok(plan) => return Ok(plan),
        Err(error) => error,
    };
    for _ in 0..MOST_ALIASES {
        let (Some((name, place)), Parsed::Statement(ast)) = (unknown_name(&told), &parsed) else { break };
        let mut better = None;
        for candidate in aliases::resolved(ast, &name) {
            let candidate = Parsed::Statement(Box::new(candidate));
            match state.statement_to_plan(candidate.clone()).await {
                Ok(plan) => return Ok(plan),
                // The wrong SELECT: the name is still unknown where it was.
                Err(error) if unknown_name(&error) == Some((name.clone(), place)) => {}
                Err(error) => {
                    better = Some((candidate, error));
                    break;
                }
            }
        }
        let Some((candidate, error)) = better else { break };
        (parsed, told) = (candidate, error);
    }
    Err(told)
}

/// Returns the bare name that planning did not find, and where.
fn unknown_name(error: &DataFusionError) -> Option<(String, Option<Span>)> {
    let DataFusionError::SchemaError(schema_error, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, .. } = schema_error.as_ref() else { return None };
    let place = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    field.relation.is_none().then(|| (field.name.clone(), place))
}

fn session(state: SessionState) -> Result<SessionState> {
    let mut config = state.config().clone();
    let options = config.options_mut();
    options.sql_parser.dialect = ParserDialect::DuckDB;
    "nulls_last".clone_into(&mut options.sql_parser.default_null_ordering);
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
