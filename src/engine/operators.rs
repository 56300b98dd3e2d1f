//! Physical plans as data: the tree of operators, with what each cost if it was run.
//!
//! In: plans of the engine, and the tables whose files they may read. Out: [`QueryPlan`]. Deliberately runs nothing.

use std::{any::Any, fmt, time::Duration};

use datafusion::{
    datasource::{
        physical_plan::{FileGroup, FileScanConfig},
        source::DataSourceExec,
    },
    physical_plan::{DisplayFormatType, ExecutionPlan},
};

use super::once::Part;
use crate::record::{
    TableName,
    operator::{Measured, Operator, PartPlan, QueryPlan},
};

/// Returns the operators of a query and of its parts.
#[must_use]
pub fn query_plan(parts: &[Part], plan: &dyn ExecutionPlan, tables: &[&TableName], is_measured: bool) -> QueryPlan {
    let part =
        |part: &Part| PartPlan { name: part.name.clone(), plan: operator(part.plan.as_ref(), tables, is_measured) };
    QueryPlan { parts: parts.iter().map(part).collect(), plan: operator(plan, tables, is_measured) }
}

fn operator(plan: &dyn ExecutionPlan, tables: &[&TableName], is_measured: bool) -> Operator {
    let lines = Details(plan).to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let inputs = plan.children().into_iter();
    Operator {
        operator: plan.name().to_owned(),
        table: scanned(plan, tables).cloned(),
        details: lines.join(", "),
        measured: is_measured.then(|| measured(plan)),
        inputs: inputs.map(|input| operator(input.as_ref(), tables, is_measured)).collect(),
    }
}

/// Returns the table in whose folder the files lie that an operator reads.
fn scanned<'a>(plan: &dyn ExecutionPlan, tables: &[&'a TableName]) -> Option<&'a TableName> {
    let source = plan.downcast_ref::<DataSourceExec>()?.data_source();
    let files = (source.as_ref() as &dyn Any).downcast_ref::<FileScanConfig>()?;
    let file = files.file_groups.iter().flat_map(FileGroup::iter).next()?;
    let path = format!("/{}", file.object_meta.location);
    let is_its = |name: &&&TableName| path.contains(&format!("/{}/{}/data/", name.schema, name.table));
    tables.iter().find(is_its).copied()
}

fn measured(plan: &dyn ExecutionPlan) -> Measured {
    let metrics = plan.metrics().unwrap_or_default();
    // The engine counts nanoseconds; what they lose as a double is far below what it measures.
    let seconds = metrics.elapsed_compute().map(|nanos| Duration::from_nanos(nanos as u64).as_secs_f64());
    Measured {
        rows: metrics.output_rows(),
        seconds,
        spills: metrics.spill_count().unwrap_or(0),
        spilled_bytes: metrics.spilled_bytes().unwrap_or(0),
    }
}

/// What an operator says of itself, a line for each thing.
struct Details<'a>(&'a dyn ExecutionPlan);

impl fmt::Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as(DisplayFormatType::TreeRender, f)
    }
}
