//! Parts of a query that it names more than once, computed once.
//!
//! ```text
//!  plan ──► repeated parts: CTEs and views that group, number or deduplicate rows ──► the innermost is run
//!   ▲                                                                                       │ its rows, a table
//!   └────────────── every place of that part scans the table, until no part repeats ◄───────┘
//! ```
//!
//! The engine plans a CTE anew for every place that names it, and CTEs that stand on one another multiply. In: a plan that
//! nobody has optimized. Out: one that gives the same rows, and the operators of the parts. Rows are kept in the session's
//! memory or, where that is too little, in temporary files ([`kept`]); they live as long as the plan. What a part has as its
//! rows is known exactly to whoever plans the next one. Deliberately absent: parts that only filter and join, which the
//! optimizer computes best when it knows what is asked of each place.

mod kept;
mod repeated;

use std::sync::Arc;

use datafusion::{
    datasource::provider_as_source, error::Result, logical_expr::LogicalPlan, physical_plan::ExecutionPlan,
    prelude::SessionContext,
};

use repeated::Repeated;

/// A plan whose repeated parts are tables.
#[derive(Debug)]
pub struct Once {
    /// Gives the rows of the plan as it was; to be held until the last of them is read, since the parts' rows are gone with it.
    pub plan: LogicalPlan,
    /// The parts, each after those that it stands on.
    pub parts: Vec<Part>,
}

/// A part that a query names more than once.
#[derive(Debug)]
pub struct Part {
    /// Its name in the query.
    pub name: String,
    /// The operators that give its rows.
    pub plan: Arc<dyn ExecutionPlan>,
}

/// Runs the repeated parts of a plan.
///
/// # Errors
/// When a part cannot be planned or run.
pub async fn run(plan: LogicalPlan, session: &SessionContext) -> Result<Once> {
    once(plan, session, true).await
}

/// Returns whether a plan has repeated parts.
///
/// # Errors
/// When a part's plan cannot be walked.
pub fn repeats(plan: &LogicalPlan) -> Result<bool> {
    Ok(repeated::innermost(plan)?.is_some())
}

/// Plans the repeated parts of a plan and runs none of them: for those who want to see how the plan would be run.
///
/// # Errors
/// When a part cannot be planned.
pub async fn foresee(plan: LogicalPlan, session: &SessionContext) -> Result<Once> {
    once(plan, session, false).await
}

async fn once(plan: LogicalPlan, session: &SessionContext, runs: bool) -> Result<Once> {
    let mut parts = Vec::new();
    // The analyzer need not look twice at the many plans in which nothing repeats.
    if !repeats(&plan)? {
        return Ok(Once { plan, parts });
    }
    let state = session.state();
    let mut plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
    while let Some(Repeated { name, part }) = repeated::innermost(&plan)? {
        let physical = state.create_physical_plan(&part).await?;
        let schema = Arc::clone(part.schema().inner());
        let table = match runs {
            true => kept::rows_of(Arc::clone(&physical), schema, session).await?,
            false => kept::nothing(schema)?,
        };
        plan = repeated::replaced(plan, &part, &name, &provider_as_source(table))?;
        parts.push(Part { name, plan: physical });
    }
    Ok(Once { plan, parts })
}

#[cfg(test)]
mod tests;
