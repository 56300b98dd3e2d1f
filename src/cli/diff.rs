//! `tallyhouse diff`

use std::{fmt::Write, process::ExitCode};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
    selection::{WorkingArguments, one_or_all},
    snapshots::diff::{rows, sample_json, write_columns},
    table,
};
use crate::{
    Error,
    engine::Engine,
    record::TableName,
    run::{self, Change, ChangedColumn, Links, ModelDiff, Touched},
};

/// Lines about one changed column before one says how many more there are.
const SHOWN: usize = 12;

/// `diff`
#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    #[command(flatten)]
    models: WorkingArguments,
    /// Compare the definitions with those of a git revision, and say which published columns the change touches
    #[arg(long, value_name = "REV", conflicts_with_all = ["models", "select", "exclude"])]
    lineage: Option<String>,
    /// Differing rows of each kind that are shown
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "lineage")]
    rows: u32,
    #[command(flatten)]
    pub common: Common,
}

/// Says what a change makes other.
pub(super) async fn diff(arguments: &DiffArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if !arguments.models.is_empty() {
        let mut diffs = Vec::new();
        for working in arguments.models.open(&arguments.common, None, false, engine).await? {
            diffs.push(working.diff(arguments.rows as usize, engine).await?);
        }
        match arguments.common.output() {
            OutputFormat::Text => print(&diffs.iter().map(rows_text).collect::<Result<Vec<_>, _>>()?.join("\n")),
            OutputFormat::Json => {
                let all = diffs.iter().map(rows_json).collect::<Result<Vec<_>, _>>()?;
                print(&format!("{}\n", one_or_all(all)));
            }
        }
    }
    if arguments.models.is_empty() && arguments.lineage.is_none() {
        let hint = "name models, such as `tallyhouse diff core.sales`, select some with `--select`, or compare definitions with `--lineage REV`";
        return Err(Error::Usage { message: "`diff` needs a model".to_owned(), hint: Some(hint.to_owned()) });
    }
    if let Some(revision) = &arguments.lineage {
        let touched = Box::pin(run::touched(&arguments.common.request(false), revision, engine)).await?;
        match arguments.common.output() {
            OutputFormat::Text => print(&text(&touched, revision)),
            OutputFormat::Json => print(&format!("{}\n", json(&touched))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rows_json(diff: &ModelDiff) -> Result<serde_json::Value, Error> {
    let mut value = serde_json::json!(diff);
    if let Some(sample) = &diff.sample {
        value["sample"] = sample_json(sample)?;
    }
    Ok(value)
}

fn rows_text(diff: &ModelDiff) -> Result<String, Error> {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_rows(&mut out, diff);
    if let Some(sample) = &diff.sample {
        out.push_str(&table::render(&sample.schema, &sample.batches, OutputFormat::Text)?);
    }
    Ok(out)
}

fn write_rows(out: &mut String, diff: &ModelDiff) -> std::fmt::Result {
    let ModelDiff { table, snapshot, key, .. } = diff;
    match diff.is_new {
        true => writeln!(out, "{table} is not in snapshot {snapshot}: {}", rows(&diff.rows))?,
        false if diff.is_empty() => writeln!(out, "{table} is as in snapshot {snapshot}: {} rows", diff.rows.before)?,
        false => writeln!(out, "{table} against snapshot {snapshot}: {}", rows(&diff.rows))?,
    }
    if !key.is_empty() && !diff.is_empty() {
        writeln!(out, "  rows are those of one key: {}", key.join(", "))?;
    }
    write_recomputed(out, &diff.recomputed)?;
    write_columns(out, &diff.columns)?;
    for ChangedColumn { column, rows } in &diff.changed_columns {
        writeln!(out, "  column {column}: other values in {}", counted_rows(*rows))?;
    }
    if diff.unpaired > 0 {
        writeln!(out, "  not told by column: {} of keys that are there more than once", counted_rows(diff.unpaired))?;
    }
    Ok(())
}

/// Names the models that were computed though nobody asked for them.
pub(super) fn write_recomputed(out: &mut String, models: &[TableName]) -> std::fmt::Result {
    if models.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = models.iter().map(ToString::to_string).collect();
    writeln!(out, "  computed too, as unsaved changes reach them: {}", names.join(", "))
}

fn counted_rows(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn json(touched: &Touched) -> serde_json::Value {
    let published: Vec<_> = touched.published().into_iter().collect();
    serde_json::json!({ "commit": touched.commit, "changes": touched.changes, "published": published })
}

fn text(touched: &Touched, revision: &str) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_touched(&mut out, touched, revision);
    out
}

fn write_touched(out: &mut String, touched: &Touched, revision: &str) -> std::fmt::Result {
    let short = touched.commit.get(..12).unwrap_or(&touched.commit);
    if touched.changes.is_empty() {
        return writeln!(out, "no column is another one than at {revision} ({short})");
    }
    writeln!(
        out,
        "compared with {revision} ({short}): {} changed, {} touched",
        counted(touched.changes.len(), "column"),
        counted(touched.published().len(), "published column")
    )?;
    for one in &touched.changes {
        let change = match one.changed.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Retyped => "retyped",
            Change::Changed => "changed",
        };
        writeln!(out, "\n{change} {}", one.changed.element)?;
        write_reaches(out, &one.reaches)?;
    }
    Ok(())
}

/// Writes where a column goes; a table whose rows it decides about is one line.
fn write_reaches(out: &mut String, reaches: &Links) -> std::fmt::Result {
    let by_rows = |table: &_| reaches.iter().find(|(rows, _)| rows.column.is_none() && rows.table == *table);
    let mut lines: Vec<String> = Vec::new();
    for (element, uses) in reaches {
        let is_said = by_rows(&element.table).is_some() && !uses.is_value();
        match &element.column {
            None => lines.push(format!("every column of {}  {uses}", element.table)),
            Some(_) if !is_said => lines.push(format!("{element}  {uses}")),
            Some(_) => {}
        }
    }
    for line in lines.iter().take(SHOWN) {
        writeln!(out, "  {line}")?;
    }
    if lines.len() > SHOWN {
        writeln!(out, "  … and {} more: `--output json` names all", lines.len() - SHOWN)?;
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
