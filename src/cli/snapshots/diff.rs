//! `tallyhouse snapshots diff`

use std::fmt::Write;

use serde_json::{Value, json};

use super::super::{
    arguments::{Common, DiffArguments, OutputFormat},
    print, table,
};
use crate::{
    Error,
    engine::Engine,
    record::{PartitionValues, TableName},
    run::{self, ColumnChange, Diff, PartitionChanges, Request, RowChanges, Sample, TableChange, Wanted},
};

/// Partitions named before a line says how many more there are.
const NAMED: usize = 8;

/// Shows what differs between two snapshots.
pub(super) async fn diff(common: &Common, arguments: &DiffArguments, engine: &Engine) -> Result<(), Error> {
    let request = Request { selection: arguments.selection.asked(), ..common.request(false) };
    let diff = run::diff(&request, &wanted(arguments)?, engine).await?;
    match common.output() {
        OutputFormat::Text => print(&text(&diff)?),
        OutputFormat::Json => print(&format!("{}\n", whole(&diff)?)),
    }
    Ok(())
}

/// Returns what is to be compared; one id alone is compared with what is served.
fn wanted(arguments: &DiffArguments) -> Result<Wanted, Error> {
    let table = arguments.table.clone().map(TableName::try_from).transpose().map_err(|message| Error::Usage {
        message,
        hint: Some("name the schema too, such as `core.sales`".to_owned()),
    })?;
    if let Some(table) = table.as_ref().filter(|table| table.is_private() && arguments.rows > 0) {
        return Err(Error::Usage {
            message: format!("`{table}` may hold personal data, so its rows are only counted"),
            hint: Some(format!(
                "leave out `--rows`; `tallyhouse show {table} --snapshot ID` shows rows of one snapshot"
            )),
        });
    }
    Ok(Wanted { from: arguments.from.clone(), to: arguments.to.clone(), table, sample_rows: arguments.rows })
}

fn whole(diff: &Diff) -> Result<Value, Error> {
    let of_table = |change: &TableChange| -> Result<Value, Error> {
        let mut value = json!(change);
        if let Some(sample) = &change.sample {
            value["sample"] = sample_json(sample)?;
        }
        Ok(value)
    };
    let tables = diff.tables.iter().map(of_table).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "from": diff.from, "to": diff.to, "tables": tables, "unchanged": diff.unchanged }))
}

/// Returns rows that differ as a list of objects.
pub(in crate::cli) fn sample_json(sample: &Sample) -> Result<Value, Error> {
    let rows = table::render(&sample.schema, &sample.batches, OutputFormat::Json)?;
    serde_json::from_str(&rows).map_err(|error| Error::Bug { message: format!("rows became no JSON: {error}") })
}

fn text(diff: &Diff) -> Result<String, Error> {
    let mut out =
        format!("{} → {}: {} tables differ, {} do not\n", diff.from, diff.to, diff.tables.len(), diff.unchanged);
    for change in &diff.tables {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{} {}: {}", change.table, change.change, rows(&change.rows));
        let _ = write_shape(&mut out, change);
        let _ = write_partitions(&mut out, &change.partitions);
        if let Some(sample) = change.sample.as_ref().filter(|sample| has_rows(sample)) {
            out.push_str(&table::render(&sample.schema, &sample.batches, OutputFormat::Text)?);
        }
    }
    Ok(out)
}

fn has_rows(sample: &Sample) -> bool {
    sample.batches.iter().any(|batch| batch.num_rows() > 0)
}

/// Returns how many rows differ, in words.
pub(in crate::cli) fn rows(rows: &RowChanges) -> String {
    let RowChanges { before, after, added, removed, .. } = rows;
    let changed = rows.changed.map(|changed| format!(", {changed} changed")).unwrap_or_default();
    let columns = rows.compared_by.as_ref();
    let by = columns.map(|columns| format!(", compared by {}", columns.join(", "))).unwrap_or_default();
    format!("{before} → {after} rows, {added} added, {removed} removed{changed}{by}")
}

/// Writes a line for each column that differs.
pub(in crate::cli) fn write_columns(out: &mut String, columns: &[ColumnChange]) -> std::fmt::Result {
    for column in columns {
        match column {
            ColumnChange::Added { name, data_type } => writeln!(out, "  column {name}: added, {data_type}")?,
            ColumnChange::Removed { name, data_type } => writeln!(out, "  column {name}: removed, {data_type}")?,
            ColumnChange::Retyped { name, from, to } => writeln!(out, "  column {name}: {from} → {to}")?,
            ColumnChange::Nullable { name, nullable: true } => writeln!(out, "  column {name}: may be NULL now")?,
            ColumnChange::Nullable { name, .. } => writeln!(out, "  column {name}: is never NULL now")?,
            ColumnChange::Reordered { names } => writeln!(out, "  columns in another order: {}", names.join(", "))?,
        }
    }
    Ok(())
}

fn write_shape(out: &mut String, change: &TableChange) -> std::fmt::Result {
    write_columns(out, &change.columns)?;
    for (what, both) in [("key", &change.key), ("partitioned by", &change.partition_by)] {
        if let Some([before, after]) = both {
            writeln!(out, "  {what}: {} → {}", list(before), list(after))?;
        }
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn write_partitions(out: &mut String, partitions: &PartitionChanges) -> std::fmt::Result {
    let PartitionChanges { added, removed, changed, unchanged, .. } = partitions;
    writeln!(out, "  partitions: {added} added, {removed} removed, {changed} changed, {unchanged} the same")?;
    let all = [("+", &partitions.added_values), ("-", &partitions.removed_values), ("~", &partitions.changed_values)];
    for (mark, values) in all {
        let named: Vec<&PartitionValues> = values.iter().filter(|values| !values.0.is_empty()).collect();
        for values in named.iter().take(NAMED) {
            writeln!(out, "    {mark} {values}")?;
        }
        if named.len() > NAMED {
            writeln!(out, "    {mark} … and {} more", named.len() - NAMED)?;
        }
    }
    Ok(())
}
