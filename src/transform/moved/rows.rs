//! Which partitions of a table hold a row for which a predicate is another one than before: asked of the rows themselves.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    common::Column,
    datasource::source_as_provider,
    error::Result,
    logical_expr::{Expr, LogicalPlanBuilder, Operator, TableScan, binary_expr, lit},
    prelude::SessionContext,
};

use super::alike::Crossing;
use crate::{
    engine::SnapshotTable,
    record::{PartitionValues, TableName},
    transform::depend,
};

/// The answers of one decision: the same predicate stands in the plans of many partitions.
#[derive(Debug, Default)]
pub(super) struct Crossed(HashMap<(TableName, Expr, Expr), Answer>);

/// Partitions with such a row; None where the question could not be answered, so that all of them may have one.
type Answer = Option<Arc<Vec<PartitionValues>>>;

impl Crossed {
    /// Returns the partitions in which a crossing changes for some row.
    pub async fn by(&mut self, crossing: &Crossing, scan: &TableScan, session: &SessionContext) -> Answer {
        let key = (depend::table_name(scan), crossing.before.clone(), crossing.now.clone());
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        // A predicate may fail on rows that another filter keeps from it.
        let answer = Box::pin(ask(crossing, scan, session)).await.ok().map(Arc::new);
        self.0.insert(key, answer.clone());
        answer
    }
}

async fn ask(crossing: &Crossing, scan: &TableScan, session: &SessionContext) -> Result<Vec<PartitionValues>> {
    let provider = source_as_provider(&scan.source)?;
    let Some(files) = provider.downcast_ref::<SnapshotTable>() else {
        return datafusion::common::internal_err!("`{}` is no table of a snapshot", scan.table_name);
    };
    let column = |name: &String| Expr::Column(Column::new(Some(scan.table_name.clone()), name.clone()));
    let values: Vec<Expr> = files.partition_by().iter().map(column).collect();
    let differs = binary_expr(crossing.before.clone(), Operator::IsDistinctFrom, crossing.now.clone());
    let rows = LogicalPlanBuilder::scan(scan.table_name.clone(), Arc::clone(&scan.source), None)?.filter(differs)?;
    let found = match values.is_empty() {
        true => rows.project([lit(true)])?.limit(0, Some(1))?,
        false => rows.project(values)?.distinct()?,
    };
    let mut partitions = Vec::new();
    for batch in session.execute_logical_plan(found.build()?).await?.collect().await? {
        let columns = if files.partition_by().is_empty() { &[] } else { batch.columns() };
        for row in 0..batch.num_rows() {
            partitions.push(PartitionValues::from_row(columns, row)?);
        }
    }
    Ok(partitions)
}
