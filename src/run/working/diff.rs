//! What a model gives now against what is published of it.
//!
//! In: a [`Working`] model. Out: columns and rows that differ, by the model's key where it has one, and how many rows differ in
//! which column. Rows are compared as between two snapshots: one aggregation over all rows, which spills, and no join.

use std::{iter::once, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Int64Type, SchemaRef},
};
use datafusion::{catalog::TableProvider, error::Result as EngineResult, prelude::SessionContext};
use serde::Serialize;

use super::{
    super::{
        outcome,
        snapshots::{
            ColumnChange, RowChanges, Sample,
            diff::columns,
            rows::{AFTER, BEFORE, Comparison},
        },
    },
    Working,
};
use crate::{
    Error,
    engine::{CatalogTable, Engine, scarcity::with_spilling_joins},
    record::{TableName, sql::quoted},
};

/// The name under which the differing rows are queried.
const DIFFERING: &str = "differing";

/// What differs between a model as it is written now and its published table.
#[derive(Debug, Serialize)]
pub struct ModelDiff {
    /// The model.
    pub table: TableName,
    /// The snapshot that it was computed from, and compared with.
    pub snapshot: String,
    /// Whether the snapshot has no such table.
    pub is_new: bool,
    /// Models that were computed too, since they are other ones than in the snapshot.
    pub recomputed: Vec<TableName>,
    /// The key by which rows were compared; empty where there is none.
    pub key: Vec<String>,
    /// Columns that differ.
    pub columns: Vec<ColumnChange>,
    /// Rows that differ.
    pub rows: RowChanges,
    /// In how many changed rows each column differs; columns that differ in none are left out.
    pub changed_columns: Vec<ChangedColumn>,
    /// Changed rows whose key is there more than once, so that no row stands opposite another.
    pub unpaired: u64,
    /// Some rows that differ.
    #[serde(skip)]
    pub sample: Option<Sample>,
}

/// A column whose values differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedColumn {
    /// Its name.
    pub column: String,
    /// Rows of one key in which it differs.
    pub rows: u64,
}

impl ModelDiff {
    /// Returns whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let RowChanges { added, removed, changed, .. } = self.rows;
        !self.is_new && self.columns.is_empty() && added == 0 && removed == 0 && changed.unwrap_or(0) == 0
    }
}

impl Working {
    /// Compares what the model gives with its published table; `sample_rows` rows of each kind of difference are kept.
    ///
    /// # Errors
    /// When the model is a view, or cannot be computed.
    pub async fn diff(&self, sample_rows: usize, engine: &Engine) -> Result<ModelDiff, Error> {
        let Some(model) = &self.model else {
            return Err(Error::Usage {
                message: format!("`{}` is a view: nothing is published to compare it with", self.name),
                hint: Some("compare a model that reads it".to_owned()),
            });
        };
        let failed = |error| outcome::engine_failure(&self.name, &error);
        let after = model.declared();
        let published = self.snapshot.tables(engine)?.get(&self.name);
        let empty = || CatalogTable::empty(&model.schema, model.partition_by(), None);
        let before = published.cloned().unwrap_or_else(empty);
        let comparison = Comparison::of(&before.table.columns, &after.columns, &after.key);
        let sides: [(&str, Arc<dyn TableProvider>); 2] =
            [(BEFORE, before.provider(&self.name).map_err(failed)?), (AFTER, self.view())];
        let sides = sides.map(|(schema, provider)| (TableName::new(schema, &self.name.table), provider));
        let session = engine.session(sides).map_err(failed)?;
        let counts = async |session: &SessionContext| counts(&comparison, &self.name, session).await;
        let counts = with_spilling_joins(&session, counts).await.map_err(failed)?;
        let rows = counts.rows(&comparison, before.table.rows());
        let is_same = rows.added + rows.removed + rows.changed.unwrap_or(0) == 0;
        let sample = async |session: &SessionContext| sample(&comparison, &self.name, sample_rows, session).await;
        let sample = match is_same || sample_rows == 0 {
            true => None,
            false => Some(with_spilling_joins(&session, sample).await.map_err(failed)?),
        };
        Ok(ModelDiff {
            table: self.name.clone(),
            snapshot: self.snapshot.manifest.snapshot.clone(),
            is_new: published.is_none(),
            recomputed: self.recomputed.clone(),
            key: comparison.key.iter().map(|&column| comparison.columns[column].name.clone()).collect(),
            columns: columns(&before.table.columns, &after.columns),
            changed_columns: counts.changed_columns(&comparison),
            unpaired: counts.unpaired,
            rows,
            sample,
        })
    }
}

struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
    unpaired: u64,
    /// Of the columns outside the key, in order.
    by_column: Vec<u64>,
}

impl Counts {
    fn rows(&self, comparison: &Comparison, before: u64) -> RowChanges {
        RowChanges {
            before,
            after: (before + self.added).saturating_sub(self.removed),
            added: self.added,
            removed: self.removed,
            changed: (!comparison.key.is_empty()).then_some(self.changed),
            compared_by: comparison.is_partial.then(|| comparison.names()),
        }
    }

    fn changed_columns(&self, comparison: &Comparison) -> Vec<ChangedColumn> {
        let named = values(comparison).zip(&self.by_column).filter(|(_, rows)| **rows > 0);
        named.map(|(column, &rows)| ChangedColumn { column: comparison.columns[column].name.clone(), rows }).collect()
    }
}

/// Returns the positions of the columns in which rows of one key can differ.
fn values(comparison: &Comparison) -> impl Iterator<Item = usize> {
    let is_value = |column: &usize| !comparison.key.is_empty() && !comparison.key.contains(column);
    (0..comparison.columns.len()).filter(is_value)
}

/// Makes the differing rows a table of their own: `times`, negative for rows before, and `c0`, `c1`, …
async fn define_differing(comparison: &Comparison, name: &TableName, session: &SessionContext) -> EngineResult<()> {
    let rows = comparison.differing(session, name).await?;
    session.deregister_table(DIFFERING)?;
    session.register_table(DIFFERING, rows.into_view()).map(drop)
}

async fn counts(comparison: &Comparison, name: &TableName, session: &SessionContext) -> EngineResult<Counts> {
    define_differing(comparison, name, session).await?;
    let batches = session.sql(&counting(comparison)).await?.collect().await?;
    let value = |batch: &RecordBatch, column: usize| -> u64 {
        let values = batch.column(column).as_primitive::<Int64Type>().iter().flatten();
        values.map(|value| u64::try_from(value).unwrap_or(0)).sum()
    };
    let total = |column: usize| -> u64 { batches.iter().map(|batch| value(batch, column)).sum() };
    Ok(Counts {
        added: total(0),
        removed: total(1),
        changed: total(2),
        unpaired: total(3),
        by_column: values(comparison).enumerate().map(|(place, _)| total(4 + place)).collect(),
    })
}

/// Returns the query that counts. Rows of one key stand opposite each other where each side has exactly one that differs.
fn counting(comparison: &Comparison) -> String {
    let key: Vec<String> = comparison.key.iter().map(|column| format!("c{column}")).collect();
    let (group, changed) = match key.is_empty() {
        true => (String::new(), "0"),
        false => (format!(" GROUP BY {}", key.join(", ")), "least(added, removed)"),
    };
    let both = values(comparison).map(|column| {
        format!(
            ", first_value(c{column}) FILTER (WHERE times < 0) AS b{column}, \
             first_value(c{column}) FILTER (WHERE times > 0) AS a{column}"
        )
    });
    let differ = values(comparison)
        .map(|column| format!(", count(*) FILTER (WHERE is_pair AND b{column} IS DISTINCT FROM a{column})"));
    let by_key = format!(
        "SELECT coalesce(sum(times) FILTER (WHERE times > 0), 0) AS added, \
         coalesce(-sum(times) FILTER (WHERE times < 0), 0) AS removed{} FROM {DIFFERING}{group}",
        both.collect::<String>()
    );
    format!(
        "SELECT sum(added - changed), sum(removed - changed), sum(changed), \
         sum(CASE WHEN is_pair THEN 0 ELSE changed END){} \
         FROM (SELECT *, CAST({changed} AS BIGINT) AS changed, added = 1 AND removed = 1 AS is_pair FROM ({by_key}))",
        differ.collect::<String>()
    )
}

/// Returns a few rows of each kind of difference, ordered by key and then by all columns.
async fn sample(
    comparison: &Comparison,
    name: &TableName,
    most: usize,
    session: &SessionContext,
) -> EngineResult<Sample> {
    define_differing(comparison, name, session).await?;
    let rows = session.sql(&sampling(comparison, most)).await?;
    let schema: SchemaRef = Arc::new(rows.schema().as_arrow().clone());
    Ok(Sample { schema, batches: rows.collect().await? })
}

fn sampling(comparison: &Comparison, most: usize) -> String {
    let all = || (0..comparison.columns.len()).map(|column| format!("c{column}"));
    let key: Vec<String> = comparison.key.iter().map(|column| format!("c{column}")).collect();
    let order: Vec<String> = key.iter().cloned().chain(once("times".to_owned())).chain(all()).collect();
    let over = match key.is_empty() {
        true => String::new(),
        false => format!(" OVER (PARTITION BY {})", key.join(", ")),
    };
    let (least, greatest) = match key.is_empty() {
        true => ("times".to_owned(), "times".to_owned()),
        false => (format!("min(times){over}"), format!("max(times){over}")),
    };
    let kinds = format!(
        "SELECT *, CASE WHEN {least} > 0 THEN 'added' WHEN {greatest} < 0 THEN 'removed' ELSE 'changed' END AS kind \
         FROM {DIFFERING}"
    );
    let order = order.join(", ");
    let columns = all().zip(&comparison.columns);
    let columns = columns.map(|(inner, column)| format!(", {inner} AS {}", quoted(&column.name)));
    format!(
        "SELECT CASE WHEN kind <> 'changed' THEN kind WHEN times < 0 THEN 'before' ELSE 'after' END AS change{} \
         FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY {order}) AS place FROM ({kinds})) \
         WHERE place <= CASE kind WHEN 'changed' THEN {} ELSE {most} END ORDER BY kind, place",
        columns.collect::<String>(),
        2 * most
    )
}
