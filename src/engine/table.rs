//! Tables of a snapshot as DataFusion sees them: files with partition values, NULL included, pruned by what is pushed down.
//!
//! The stock listing table is not used: it cannot read `__HIVE_DEFAULT_PARTITION__` and lists folders, where a snapshot
//! is exactly what its manifest says.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{
        Column, DFSchema, ScalarValue, Statistics,
        config::TableParquetOptions,
        internal_datafusion_err,
        stats::Precision,
        tree_node::{Transformed, TreeNode},
    },
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
        view::ViewTable,
    },
    error::Result,
    execution::object_store::ObjectStoreUrl,
    logical_expr::{
        Expr, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, execution_props::ExecutionProps, lit,
        physical_planning_context::PhysicalPlanningContext, utils::conjunction, when,
    },
    physical_expr::create_physical_expr,
    physical_plan::{ExecutionPlan, empty::EmptyExec},
};

use super::files;
use crate::record::{PartitionValues, StoredAt, manifest};

/// The files of one partition.
#[derive(Debug, Clone)]
pub struct TablePartition {
    /// Values of the partition columns.
    pub values: PartitionValues,
    /// Place and bytes of each file.
    pub files: Vec<(StoredAt, u64)>,
    /// Rows.
    pub rows: u64,
}

/// A table made of a snapshot's files.
#[derive(Debug, Clone)]
pub struct SnapshotTable {
    schema: SchemaRef,
    partition_by: Vec<String>,
    partitions: Vec<TablePartition>,
    /// One row for each partition, made when first asked for: proofs ask once for every partition of an output.
    values: Arc<OnceLock<RecordBatch>>,
}

impl SnapshotTable {
    /// Joins a published schema with files; without any, the table is empty.
    #[must_use]
    pub fn new(schema: SchemaRef, partition_by: Vec<String>, partitions: Vec<TablePartition>) -> Self {
        Self { schema, partition_by, partitions, values: Arc::default() }
    }

    /// Returns the table with some of its partitions alone.
    #[must_use]
    pub fn only(&self, values: &BTreeSet<PartitionValues>) -> Self {
        let partitions =
            self.partitions.iter().filter(|partition| values.contains(&partition.values)).cloned().collect();
        Self::new(Arc::clone(&self.schema), self.partition_by.clone(), partitions)
    }

    /// Returns the schema that a manifest declares for a table.
    ///
    /// # Errors
    /// When a type in the manifest is none of Arrow's.
    pub fn declared_schema(table: &manifest::Table) -> Result<SchemaRef> {
        let field = |column: &manifest::Column| {
            let data_type = super::types::parse(&column.data_type)?;
            Ok(Field::new(&column.name, data_type, column.nullable))
        };
        Ok(Arc::new(Schema::new(table.columns.iter().map(field).collect::<Result<Vec<_>>>()?)))
    }

    /// Returns the partition columns.
    #[must_use]
    pub fn partition_by(&self) -> &[String] {
        &self.partition_by
    }

    /// Returns which partitions can hold a row that satisfies all of `filters`, and whether any filter told partitions apart.
    ///
    /// Only a filter over nothing but partition columns counts; any other is left to the rows.
    ///
    /// # Errors
    /// When a filter cannot be evaluated.
    pub fn matching(&self, filters: &[Expr]) -> Result<(Vec<usize>, bool)> {
        let deciding: Vec<Expr> = filters.iter().filter(|filter| self.decides(filter)).cloned().collect();
        let Some(predicate) = conjunction(deciding) else { return Ok(((0..self.partitions.len()).collect(), false)) };
        let batch = self.partition_batch()?;
        let matches = evaluate(&predicate, &batch)?;
        let matches = matches
            .as_any()
            .downcast_ref::<BooleanArray>()
            .ok_or_else(|| internal_datafusion_err!("a pushed filter is not boolean: {predicate}"))?;
        Ok(((0..matches.len()).filter(|&row| matches.is_valid(row) && matches.value(row)).collect(), true))
    }

    /// Returns the partition at an index of [`SnapshotTable::matching`].
    #[must_use]
    pub fn partition(&self, index: usize) -> &TablePartition {
        &self.partitions[index]
    }

    /// Returns whether a filter is over nothing but partition columns, so that it tells whole partitions apart.
    #[must_use]
    pub fn decides(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty()
            && columns.iter().all(|column| self.partition_by.contains(&column.name))
            && is_closed(filter)
    }

    /// Returns one row for each partition: the values of the partition columns.
    fn partition_batch(&self) -> Result<RecordBatch> {
        if let Some(batch) = self.values.get() {
            return Ok(batch.clone());
        }
        let batch = self.batch_of(&self.partitions.iter().map(|part| &part.values).collect::<Vec<_>>())?;
        Ok(self.values.get_or_init(|| batch).clone())
    }

    /// Returns values of the partition columns as a batch, one row for each partition.
    ///
    /// # Errors
    /// When a text is no value of its column's type.
    pub fn batch_of(&self, partitions: &[&PartitionValues]) -> Result<RecordBatch> {
        values_batch(self.split_fields().1, partitions)
    }

    /// Returns the columns that stand in the files and those that stand in the path.
    fn split_fields(&self) -> (Vec<Field>, Vec<Field>) {
        let in_path = |name: &String| self.schema.field_with_name(name).cloned().ok();
        let files = self.schema.fields().iter().filter(|field| !self.partition_by.contains(field.name()));
        (files.map(|field| field.as_ref().clone()).collect(), self.partition_by.iter().filter_map(in_path).collect())
    }

    /// Returns the files of some partitions, and the address of the store that has them all.
    fn partitioned_files(&self, kept: &[usize], types: &[DataType]) -> Result<(ObjectStoreUrl, Vec<PartitionedFile>)> {
        let places = kept.iter().flat_map(|&index| &self.partitions[index].files).map(|(place, _)| place);
        let reach = files::Reach::of(places);
        let mut found = Vec::new();
        for &index in kept {
            let partition = &self.partitions[index];
            let values = partition.values.to_scalars(types)?;
            for (place, bytes) in &partition.files {
                let meta = reach.meta(place, *bytes)?;
                found.push(PartitionedFile::new_from_meta(meta).with_partition_values(values.clone()));
            }
        }
        Ok((reach.url()?, found))
    }
}

/// Returns what a manifest knows of the rows of a scan. From it joins find their smaller side: without it each would hold the
/// side that is written first, which is mostly the facts.
fn row_count(rows: u64, schema: &Schema) -> Statistics {
    let rows = usize::try_from(rows).map_or(Precision::Absent, Precision::Exact);
    Statistics::new_unknown(schema).with_num_rows(rows)
}

/// Returns whether an expression depends on nothing but its own columns: no subquery, no outer column, no clock.
#[must_use]
pub fn is_closed(expr: &Expr) -> bool {
    let is_subquery = |inner: &Expr| {
        matches!(inner, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
    };
    !expr.is_volatile() && !expr.contains_outer() && !expr.exists(|inner| Ok(is_subquery(inner))).unwrap_or(true)
}

/// Returns partition values as a batch of columns named and typed as given.
///
/// # Errors
/// When a text is no value of its column's type.
pub fn values_batch(fields: Vec<Field>, partitions: &[&PartitionValues]) -> Result<RecordBatch> {
    let types: Vec<DataType> = fields.iter().map(|field| field.data_type().clone()).collect();
    let rows: Vec<Vec<ScalarValue>> =
        partitions.iter().map(|values| values.to_scalars(&types)).collect::<Result<_>>()?;
    let column = |index: usize| -> Result<ArrayRef> {
        if rows.is_empty() {
            return Ok(arrow::array::new_empty_array(&types[index]));
        }
        ScalarValue::iter_to_array(rows.iter().map(|row| row[index].clone()))
    };
    let columns = (0..types.len()).map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let fields: Vec<Field> = fields.into_iter().map(|field| field.with_nullable(true)).collect();
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// Evaluates an expression over a batch whose columns it names, with or without a table in front.
///
/// # Errors
/// When it cannot be evaluated.
pub fn evaluate(expr: &Expr, batch: &RecordBatch) -> Result<ArrayRef> {
    let schema = DFSchema::try_from(batch.schema())?;
    let expr = unqualified(expr.clone())?;
    let physical = create_physical_expr(&expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
    physical.evaluate(batch)?.into_array(batch.num_rows())
}

/// Drops the table's name from a filter's columns: a batch of partition values has none.
fn unqualified(filter: Expr) -> Result<Expr> {
    let strip = |expr: Expr| match expr {
        Expr::Column(column) => Ok(Transformed::yes(Expr::Column(Column::from_name(column.name)))),
        other => Ok(Transformed::no(other)),
    };
    Ok(filter.transform(strip)?.data)
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.decides(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (kept, _) = self.matching(filters)?;
        let (in_files, in_path) = self.split_fields();
        let types: Vec<DataType> = in_path.iter().map(|field| field.data_type().clone()).collect();
        let (store, files) = self.partitioned_files(&kept, &types)?;
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let wanted = projection.unwrap_or(&all);
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(wanted)?))));
        }
        let order: Vec<&String> = in_files.iter().chain(&in_path).map(Field::name).collect();
        let position = |&index: &usize| order.iter().position(|name| *name == self.schema.field(index).name());
        let indices: Option<Vec<usize>> = wanted.iter().map(position).collect();
        let table_schema = TableSchema::builder(Arc::new(Schema::new(in_files)))
            .with_table_partition_cols(in_path.into_iter().map(Arc::new).collect::<Vec<_>>())
            .build();
        let statistics_schema = Arc::clone(table_schema.table_schema());
        let options = state.config_options().execution.parquet.clone();
        let options = TableParquetOptions { global: options, ..TableParquetOptions::default() };
        let source = ParquetSource::new(table_schema).with_table_parquet_options(options);
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let rows = kept.iter().map(|&index| self.partitions[index].rows).sum::<u64>();
        let config = FileScanConfigBuilder::new(store, Arc::new(source))
            .with_statistics(row_count(rows, &statistics_schema))
            .with_file_groups(groups)
            .with_projection_indices(indices)?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The as-of cut of a staged table: facts after the run date do not exist, later stage times are NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// Column at which a fact exists, if the contract names one.
    pub event_date: Option<String>,
    /// Columns of later stages.
    pub stages: Vec<String>,
    /// Last day that exists.
    pub run_date: NaiveDate,
    /// Zone in which days are counted.
    pub timezone: Tz,
}

impl AsOf {
    /// Returns the cut of a published table on a day.
    #[must_use]
    pub fn of(table: &manifest::Table, run_date: NaiveDate, timezone: Tz) -> Self {
        Self { event_date: table.event_date.clone(), stages: table.as_of.clone(), run_date, timezone }
    }

    /// Returns the table as it was at the end of the run date.
    ///
    /// # Errors
    /// When a column is not in the table or is neither a date nor a timestamp.
    pub fn cut(&self, table: Arc<dyn TableProvider>, name: &str) -> Result<Arc<dyn TableProvider>> {
        if self.is_idle() {
            return Ok(table);
        }
        let schema = table.schema();
        let source = datafusion::datasource::provider_as_source(table);
        let mut plan = LogicalPlanBuilder::scan(name, source, None)?;
        if let Some(event_date) = &self.event_date {
            plan = plan.filter(self.exists(event_date, &schema)?)?;
        }
        let columns = schema.fields().iter().map(|field| self.column(field, &schema)).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ViewTable::new(plan.project(columns)?.build()?, None)))
    }

    /// Returns whether nothing is cut, whatever the day.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.event_date.is_none() && self.stages.is_empty()
    }

    fn column(&self, field: &Field, schema: &SchemaRef) -> Result<Expr> {
        let name = field.name();
        if !self.stages.contains(name) {
            return Ok(quoted(name));
        }
        Ok(when(self.exists(name, schema)?, quoted(name)).end()?.alias(name))
    }

    /// Returns `column <= run_date`, in the zone's days for a timestamp.
    fn exists(&self, name: &str, schema: &SchemaRef) -> Result<Expr> {
        let data_type = schema.field_with_name(name)?.data_type();
        let column = quoted(name);
        match data_type {
            DataType::Date32 => Ok(column.lt_eq(lit(ScalarValue::Date32(Some(self.run_date.to_epoch_days()))))),
            DataType::Timestamp(_, zone) => {
                let end =
                    ScalarValue::TimestampMicrosecond(Some(end_micros(self.run_date, self.timezone)), zone.clone());
                Ok(column.lt(lit(end)))
            }
            other => Err(internal_datafusion_err!("the as-of column `{name}` is {other}, not a date or timestamp")),
        }
    }
}

/// Returns the first microsecond after a day of a zone, UTC.
#[must_use]
pub fn end_micros(day: NaiveDate, timezone: Tz) -> i64 {
    let next_day = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let midnight = NaiveDateTime::new(next_day, NaiveTime::MIN);
    // Where the clock skips midnight, the day begins with the first time that it shows.
    let mut first = (0..48).map(|half_hours| midnight + TimeDelta::minutes(30 * half_hours));
    let begins = first.find_map(|local| timezone.from_local_datetime(&local).earliest());
    begins.map_or_else(|| midnight.and_utc().timestamp_micros(), |instant| instant.timestamp_micros())
}

/// Returns a column by its exact name, whatever its case.
fn quoted(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use datafusion::physical_plan::displayable;

    use super::*;
    use crate::{
        engine::{Engine, Settings},
        record::TableName,
    };

    /// A table of one file, which nobody opens.
    fn table(rows: u64) -> Arc<dyn TableProvider> {
        let schema = Schema::new(vec![
            Field::new("shop", DataType::Utf8View, true),
            Field::new("city", DataType::Utf8View, true),
        ]);
        let files = vec![(StoredAt::Disk("/nowhere/a.parquet".into()), 1)];
        let partition = TablePartition { values: PartitionValues::default(), files, rows };
        Arc::new(SnapshotTable::new(Arc::new(schema), Vec::new(), vec![partition]))
    }

    #[tokio::test]
    async fn a_join_holds_the_smaller_table_whichever_is_written_first() {
        let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 1 << 30, spill_folder: None }).unwrap();
        let tables = [("sale", 9_000_000), ("shop", 50)];
        let tables = tables.map(|(name, rows)| (TableName::new("core", name), table(rows)));
        let session = engine.session(tables).unwrap();
        for (sql, side) in [
            (
                "SELECT sale.shop, shop.city FROM core.sale LEFT JOIN core.shop ON shop.shop = sale.shop",
                "join_type=Right",
            ),
            (
                "SELECT sale.shop, shop.city FROM core.shop RIGHT JOIN core.sale ON shop.shop = sale.shop",
                "join_type=Right",
            ),
        ] {
            let plan = session.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let shown = displayable(plan.as_ref()).indent(false).to_string();
            assert!(shown.contains("HashJoinExec: mode=CollectLeft") && shown.contains(side), "{shown}");
        }
    }
}
