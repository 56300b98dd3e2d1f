//! What the last snapshot knows of an entity: the id of each record, and the events of a month.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Date32Type, Int64Type, SchemaRef},
};
use datafusion::error::Result;

use crate::{
    Error,
    define::entity::Entity,
    engine::{Catalog, CatalogTable, Engine, SnapshotTable, catalog},
    identify::ledger::Past,
    publish::Finder,
    record::{
        Manifest, TableName,
        manifest::Table,
        sql::{literal, quoted, quoted_table},
    },
    run::outcome,
};

/// The records of the last snapshot, as read.
pub(super) struct PastRecords {
    batches: Vec<RecordBatch>,
}

impl PastRecords {
    /// Reads them; there are none without a snapshot, or where it does not have the table in its present shape.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(
        entity: &Entity,
        parent: Option<&Manifest>,
        files: &Finder,
        engine: &Engine,
    ) -> Result<Self, Error> {
        let table = entity.xref_table();
        let id = &entity.id_column.value;
        let columns = ["source", "source_key", id.as_str(), "own_id", "seniority", "since"];
        let batches = rows(&table, &columns, "", parent, files, engine).await?;
        Ok(Self { batches })
    }

    /// Returns them with the ranks that their sources have now.
    pub fn all(&self, entity: &Entity) -> Vec<Past<'_>> {
        let ranks: BTreeMap<&str, u16> =
            (0..).zip(&entity.records).map(|(rank, records)| (records.source.value.as_str(), rank)).collect();
        let mut all = Vec::new();
        for batch in &self.batches {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            let (sources, keys, ids, own_ids) = (text(0), text(1), text(2), text(3));
            let seniority = batch.column(4).as_primitive::<Int64Type>();
            let since = batch.column(5).as_primitive::<Date32Type>();
            all.extend((0..batch.num_rows()).map(|row| Past {
                source: ranks.get(sources.value(row)).copied(),
                key: keys.value(row),
                id: ids.value(row),
                own_id: own_ids.value(row),
                seniority: seniority.value(row),
                since: since.value(row),
            }));
        }
        all
    }
}

/// The ids that the records of one source bore, in the order of their keys.
pub(super) struct PastIds(Vec<RecordBatch>);

impl PastIds {
    /// Reads them.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(
        entity: &Entity,
        source: &str,
        parent: Option<&Manifest>,
        files: &Finder,
        engine: &Engine,
    ) -> Result<Self, Error> {
        let filter = format!("WHERE source = {} ORDER BY source_key", literal(source));
        let columns = ["source_key", entity.id_column.value.as_str()];
        let batches = rows(&entity.xref_table(), &columns, &filter, parent, files, engine).await?;
        Ok(Self(batches.into_iter().filter(|batch| batch.num_rows() > 0).collect()))
    }

    /// Returns the id of the record of a key.
    pub fn find(&self, key: &str) -> Option<&str> {
        let is_before = |batch: &RecordBatch| batch.column(0).as_string::<i32>().value(batch.num_rows() - 1) < key;
        let batch = self.0.get(self.0.partition_point(is_before))?;
        let (keys, ids) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let (mut low, mut high) = (0, keys.len());
        while low < high {
            let middle = low.midpoint(high);
            match keys.value(middle) < key {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        (low < keys.len() && keys.value(low) == key).then(|| ids.value(low))
    }
}

/// Returns columns of a table of the last snapshot, texts as plain ones; none if there is no such table or column.
///
/// # Errors
/// When the table cannot be read.
pub(super) async fn rows(
    name: &TableName,
    columns: &[&str],
    filter: &str,
    parent: Option<&Manifest>,
    files: &Finder,
    engine: &Engine,
) -> Result<Vec<RecordBatch>, Error> {
    let Some(table) = parent.and_then(|parent| parent.tables.get(name)) else { return Ok(Vec::new()) };
    let has = |wanted: &&str| table.columns.iter().any(|column| column.name == *wanted);
    if !columns.iter().all(has) {
        return Ok(Vec::new());
    }
    let failed = |error| outcome::engine_failure(name, &error);
    let batches = select(name, table, columns, filter, files, engine).await.map_err(failed)?;
    batches.iter().map(|batch| plain(batch).map_err(failed)).collect()
}

async fn select(
    name: &TableName,
    table: &Table,
    columns: &[&str],
    filter: &str,
    files: &Finder,
    engine: &Engine,
) -> Result<Vec<RecordBatch>> {
    let schema: SchemaRef = SnapshotTable::declared_schema(table)?;
    let known = CatalogTable::new(table.clone(), schema, None, &|file| files.find(name, file));
    let session = engine.session(catalog::providers(&Catalog::from([(name.clone(), known)]))?)?;
    let columns = columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    let query = format!("SELECT {columns} FROM {} {filter}", quoted_table(name));
    session.sql(&query).await?.collect().await
}

/// Returns a batch whose texts are plain ones, however they were read.
fn plain(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let is_text = matches!(column.data_type(), DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..));
        let column = if is_text { cast(column, &DataType::Utf8)? } else { column.clone() };
        fields.push(field.as_ref().clone().with_data_type(column.data_type().clone()));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(std::sync::Arc::new(arrow::datatypes::Schema::new(fields)), columns)?)
}
