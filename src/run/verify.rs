//! Verifying: what a run keeps and what it rebuilt, compared with the same table computed whole.
//!
//! In: a built model and its inputs. Out: the partitions that differ, with how many rows. The whole result is written as
//! any other, so that both have content hashes, and thrown away. Each model is computed from the inputs that this run
//! publishes: a difference therefore names the model that makes it, not those that stand on it.

use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::AsArray, datatypes::Int64Type};
use datafusion::{error::Result as EngineResult, prelude::SessionContext};

use super::{
    build::{Surroundings, write_into},
    outcome,
};
use crate::{
    Error,
    engine::{CatalogTable, Engine, SnapshotTable, catalog},
    record::{
        PartitionValues, StoredAt, TableName,
        manifest::{DataFile, Partition, Table},
        sql::quoted,
    },
    report::Difference,
    storage::local,
    transform::{PlannedModel, Share},
};

/// Computes a model whole and returns the partitions in which the built table is another.
///
/// # Errors
/// When it cannot be computed, or the disk refuses.
pub(super) async fn differences(
    model: &PlannedModel,
    built: &CatalogTable,
    session: &SessionContext,
    around: Surroundings<'_>,
) -> Result<Vec<Difference>, Error> {
    let name = &model.model.name;
    let folder = around.staging.path().join("verified").join(name.to_string());
    local::create_dir_all(&folder, None).map_err(crate::publish::Error::from)?;
    let whole = write_into(&folder, model, &Share::default(), session, around).await?.partitions;
    let differing = differing(&built.table.partitions, &whole);
    let data = folder.join(&name.schema).join(&name.table).join("data");
    let locate = |file: &DataFile| StoredAt::Disk(data.join(&file.path));
    let table = Table { partitions: whole, ..model.declared() };
    let whole = CatalogTable::new(table, model.schema.clone(), None, &locate);
    let mut differences = Vec::new();
    for values in differing {
        let rows = count(&only(built, &values), &only(&whole, &values), model, around.engine).await;
        let (wrong, missing) = rows.map_err(|error| outcome::engine_failure(name, &error))?;
        // Files that have other columns than the table were kept because its header lets it evolve.
        let is_old = |part: &Partition| part.values == values && !part.file_columns.is_empty();
        let is_expected = !model.model.ignore_changes.is_empty() || built.table.partitions.iter().any(is_old);
        differences.push(Difference { values, wrong_rows: wrong, missing_rows: missing, is_expected });
    }
    local::remove_dir_all(&folder).map_err(crate::publish::Error::from)?;
    Ok(differences)
}

fn differing(built: &[Partition], whole: &[Partition]) -> Vec<PartitionValues> {
    let by_values = |partitions: &[Partition]| -> BTreeMap<PartitionValues, String> {
        partitions.iter().map(|partition| (partition.values.clone(), partition.content.clone())).collect()
    };
    let (built, whole) = (by_values(built), by_values(whole));
    let all: BTreeSet<&PartitionValues> = built.keys().chain(whole.keys()).collect();
    all.into_iter().filter(|values| built.get(*values) != whole.get(*values)).cloned().collect()
}

/// Returns a table with one partition of it.
fn only(table: &CatalogTable, values: &PartitionValues) -> CatalogTable {
    let mut only = table.clone();
    only.table.partitions.retain(|partition| partition.values == *values);
    let kept = (0..table.table.partitions.len()).map(|index| table.files.partition(index).clone());
    let schema = datafusion::catalog::TableProvider::schema(&table.files);
    let partitions = kept.filter(|partition| partition.values == *values).collect();
    only.files = SnapshotTable::new(schema, table.table.partition_by.clone(), partitions);
    only
}

/// Counts the rows that only one of two tables has, a row that it has oftener as often as that.
async fn count(
    built: &CatalogTable,
    whole: &CatalogTable,
    model: &PlannedModel,
    engine: &Engine,
) -> EngineResult<(u64, u64)> {
    let named = [("built", built), ("whole", whole)].map(|(name, table)| (TableName::new("it", name), table.clone()));
    let session = engine.session(catalog::providers(&named.into())?)?;
    let columns = model.schema.fields().iter().map(|field| quoted(field.name())).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT coalesce(sum(CASE WHEN n > 0 THEN n END), 0), coalesce(sum(CASE WHEN n < 0 THEN -n END), 0) FROM \
         (SELECT sum(one) AS n FROM (SELECT {columns}, 1 AS one FROM it.built UNION ALL SELECT {columns}, -1 FROM it.whole) \
         GROUP BY {columns})"
    );
    let batches = session.sql(&sql).await?.collect().await?;
    let sum = |column: usize| -> u64 {
        let values =
            batches.iter().flat_map(|batch| batch.column(column).as_primitive::<Int64Type>().values().to_vec());
        values.map(i64::unsigned_abs).sum()
    };
    Ok((sum(0), sum(1)))
}
