//! Histories: the rows as they are on the run date and the versions recorded before it → all versions.
//!
//! ```text
//!  past ── valid_from < run_date ──► as it stood before the run date
//!                                      │ valid_to before it         → closed versions, as they are
//!                                      │ else: open ─┐
//!  query ──► rows as of the run date ───── FULL JOIN ┴ on the key, tracked columns not distinct
//!                 in both   → the version stays open
//!                 past only → it ends on the run date: other values, or deleted
//!                 query only → a version begins on the run date: new, changed, or returned
//! ```
//!
//! What a run for the same date recorded earlier is taken back first, so a date can be run again and again, and the last
//! time counts. A version is decided when it begins: columns that are not tracked keep the values of that day, since an
//! overwritten value could not be taken back. There is no clock but the run date.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{Datelike, NaiveDate};
use datafusion::{
    catalog::TableProvider,
    common::{Column, NullEquality, ScalarValue, TableReference},
    datasource::provider_as_source,
    error::Result,
    logical_expr::{
        Expr, ExprSchemable, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, cast, lit,
        utils::conjunction, when,
    },
};

use super::PlannedModel;
use crate::{
    define::project::{History, Model},
    record::{Diagnostic, manifest::Table},
};

/// The two sides of the join.
const STATE: &str = "state";
const OPEN: &str = "open";

/// Returns the columns of a history over a query with these columns.
///
/// # Errors
/// When the query gives a column that the history adds, or tracks one that it does not give.
pub fn schema(model: &Model, history: &History, state: &SchemaRef) -> std::result::Result<SchemaRef, Vec<Diagnostic>> {
    let added = [
        Field::new(History::VALID_FROM, DataType::Date32, true),
        Field::new(History::VALID_TO, DataType::Date32, true),
        Field::new(History::IS_CURRENT, DataType::Boolean, true),
    ];
    let clashes = added.iter().filter(|field| state.field_with_name(field.name()).is_ok()).map(|field| {
        let message = format!("the query gives a column `{}`, which a history adds itself", field.name());
        Diagnostic::error(message, super::graph::place(model, None)).hint("give it another alias")
    });
    let named = history.key.iter().chain(history.track.iter().flatten());
    let unknown = named.filter(|column| state.field_with_name(&column.value).is_err());
    let findings: Vec<Diagnostic> =
        clashes.chain(unknown.map(|column| super::header::unknown_output(column, state))).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    let fields = state.fields().iter().map(|field| field.as_ref().clone());
    Ok(Arc::new(Schema::new(fields.chain(added).collect::<Vec<_>>())))
}

/// Returns the last day on which a recorded version began or ended; None where none is recorded.
#[must_use]
pub fn last_change(table: &Table) -> Option<NaiveDate> {
    table.partitions.iter().filter_map(|partition| partition.latest_date).max()
}

/// Returns the plan of all versions, given that of the rows as of the run date and the table as last published.
///
/// # Errors
/// When a column of the past cannot be cast to its type of today.
pub fn plan(
    model: &PlannedModel,
    history: &History,
    state: LogicalPlan,
    past: Option<Arc<dyn TableProvider>>,
) -> Result<LogicalPlan> {
    let versions = Versions { schema: &model.schema, history, day: date(model.run_date) };
    let state = versions.state(state)?;
    let Some(past) = past else { return versions.first(state)?.build() };
    let before = versions.before(past)?.build()?;
    let closed = LogicalPlanBuilder::from(before.clone())
        .filter(named(History::VALID_TO).is_not_null())?
        .project(versions.columns(named, named(History::VALID_FROM), named(History::VALID_TO), lit(false)))?;
    let open = LogicalPlanBuilder::from(before).filter(named(History::VALID_TO).is_null())?.alias(OPEN)?;
    versions.joined(state.alias(STATE)?, open)?.union(closed.build()?)?.build()
}

/// What the parts of the plan have in common.
struct Versions<'a> {
    schema: &'a SchemaRef,
    history: &'a History,
    day: Expr,
}

impl Versions<'_> {
    /// Returns the columns that the query gives.
    fn given(&self) -> impl Iterator<Item = &Arc<Field>> {
        let given = self.schema.fields().len() - 3;
        self.schema.fields().iter().take(given)
    }

    /// Returns the columns of the history.
    fn columns(&self, given: impl Fn(&str) -> Expr, from: Expr, to: Expr, is_current: Expr) -> Vec<Expr> {
        let given = self.given().map(|field| given(field.name()).alias(field.name()));
        let added =
            [from.alias(History::VALID_FROM), to.alias(History::VALID_TO), is_current.alias(History::IS_CURRENT)];
        given.chain(added).collect()
    }

    /// Returns the rows as of the run date in their published types, with a column that is NULL where a join found none.
    fn state(&self, query: LogicalPlan) -> Result<LogicalPlanBuilder> {
        let columns = query.schema().columns();
        let cast = |(column, field): (Column, &Arc<Field>)| {
            Ok(Expr::Column(column).cast_to(field.data_type(), query.schema())?.alias(field.name()))
        };
        let mut given = columns.into_iter().zip(self.given()).map(cast).collect::<Result<Vec<_>>>()?;
        given.push(lit(true).alias(History::IS_CURRENT));
        LogicalPlanBuilder::from(query).project(given)
    }

    /// Returns the versions where nothing was recorded before.
    fn first(&self, state: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
        state.project(self.columns(named, self.day.clone(), no_date(), lit(true)))
    }

    /// Returns the versions as they stood before the run date, in the columns of today.
    fn before(&self, past: Arc<dyn TableProvider>) -> Result<LogicalPlanBuilder> {
        let recorded = past.schema();
        let given = |field: &Arc<Field>| {
            let value = match recorded.field_with_name(field.name()) {
                Ok(_) => cast(named(field.name()), field.data_type().clone()),
                Err(_) => lit(ScalarValue::try_from(field.data_type())?),
            };
            Ok(value.alias(field.name()))
        };
        let mut columns = self.given().map(given).collect::<Result<Vec<_>>>()?;
        let ended =
            when(named(History::VALID_TO).lt(self.day.clone()), named(History::VALID_TO)).otherwise(no_date())?;
        columns.extend([named(History::VALID_FROM), ended.alias(History::VALID_TO)]);
        LogicalPlanBuilder::scan("past", provider_as_source(past), None)?
            .filter(named(History::VALID_FROM).lt(self.day.clone()))?
            .project(columns)
    }

    /// Returns what becomes of the open versions, and those that begin.
    fn joined(&self, state: LogicalPlanBuilder, open: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
        let key = |side: &str| self.history.key.iter().map(|key| column(side, &key.value)).collect::<Vec<_>>();
        let tracked = self.given().filter(|field| self.history.is_tracked(field.name()));
        let same = tracked
            .map(|field| binary_expr(of(STATE, field.name()), Operator::IsNotDistinctFrom, of(OPEN, field.name())));
        let joined = state.join_detailed(
            open.build()?,
            JoinType::Full,
            (key(STATE), key(OPEN)),
            conjunction(same),
            NullEquality::NullEqualsNothing,
        )?;
        let begins = of(OPEN, History::VALID_FROM).is_null();
        let ends = of(STATE, History::IS_CURRENT).is_null();
        let given = self
            .given()
            .map(|field| {
                let name = field.name();
                Ok(when(begins.clone(), of(STATE, name)).otherwise(of(OPEN, name))?.alias(name))
            })
            .collect::<Result<Vec<_>>>()?;
        let from = when(begins, self.day.clone()).otherwise(of(OPEN, History::VALID_FROM))?;
        let to = when(ends.clone(), self.day.clone()).otherwise(no_date())?;
        let added = [
            from.alias(History::VALID_FROM),
            to.alias(History::VALID_TO),
            Expr::Not(Box::new(ends)).alias(History::IS_CURRENT),
        ];
        joined.project(given.into_iter().chain(added))
    }
}

fn date(day: NaiveDate) -> Expr {
    lit(ScalarValue::Date32(Some(day.num_days_from_ce() - 719_163)))
}

fn no_date() -> Expr {
    lit(ScalarValue::Date32(None))
}

fn column(side: &str, name: &str) -> Column {
    Column::new(Some(TableReference::bare(side)), name)
}

fn of(side: &str, name: &str) -> Expr {
    Expr::Column(column(side, name))
}

fn named(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
