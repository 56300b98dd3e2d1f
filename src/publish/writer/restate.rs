//! Kept partitions of a table whose columns changed, described in the new columns without touching their files.
//!
//! In: a partition and the old columns. Out: the same files with the hashes that a scan of the new columns stands for. A
//! column that the files lack is hashed as so many NULLs, exactly as the writer would: building the partition anew with
//! nothing but NULLs there changes nothing downstream. One of a wider type keeps the hash of its narrow values, from
//! which the wide ones follow.

use super::{TableSpec, content, plan::Plan};
use crate::{
    publish::Error,
    record::manifest::{Column, Partition, Table},
};

/// Returns partitions of a table as they are read with the columns of `spec`.
///
/// # Errors
/// When the spec names a column that is not there or a type that cannot be stored.
pub fn restated(partitions: &[Partition], before: &Table, spec: TableSpec) -> Result<Vec<Partition>, Error> {
    let plan = Plan::new(spec)?;
    partitions.iter().map(|partition| restate(partition, before, &plan)).collect()
}

fn restate(partition: &Partition, before: &Table, plan: &Plan) -> Result<Partition, Error> {
    let in_files = |column: &&Column| !before.partition_by.contains(&column.name);
    let file_columns = match partition.file_columns.as_slice() {
        [] => before.columns.iter().filter(in_files).cloned().collect(),
        known => known.to_vec(),
    };
    let contents = plan.data_schema.fields().iter().enumerate().map(|(position, field)| {
        let hash = match partition.column_contents.get(field.name()) {
            Some(hash) => hash.clone(),
            None => content::of_nulls(position, partition.rows, plan)?,
        };
        Ok((field.name().clone(), hash))
    });
    let column_contents = contents.collect::<Result<_, Error>>()?;
    Ok(Partition {
        content: content::of_partition(plan, &partition.values, partition.rows, &column_contents),
        column_contents,
        file_columns: if is_plain(&file_columns, plan) { Vec::new() } else { file_columns },
        ..partition.clone()
    })
}

/// Returns whether files have the columns of the table, and no others.
fn is_plain(file_columns: &[Column], plan: &Plan) -> bool {
    let fields = plan.data_schema.fields();
    let same = |column: &Column| {
        fields.iter().any(|field| *field.name() == column.name && field.data_type().to_string() == column.data_type)
    };
    fields.len() == file_columns.len() && file_columns.iter().all(same)
}
