//! `tallyhouse show` and `tallyhouse query`

use std::{collections::BTreeSet, process::ExitCode};

use super::{
    arguments::{OutputFormat, QueryArguments, ShowArguments},
    print, rows, table,
};
use crate::{
    Error,
    define::select::Selection,
    engine::Engine,
    record::{Manifest, TableName, manifest::Table},
    run::{Request, Snapshot, Working},
};

/// Shows a few rows of a table.
pub(super) async fn show(arguments: &ShowArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let snapshot = Snapshot::open(&arguments.common.request(false), arguments.snapshot.as_deref())?;
    match &arguments.table {
        Some(name) if arguments.selection.is_empty() && Selection::is_full_name(name) => {
            show_rows(&snapshot, name, arguments, engine).await?;
        }
        word => {
            let selection = arguments.selection.asked_with(word);
            let request = Request { selection, ..arguments.common.request(false) };
            let selected = snapshot.selected(&request, engine).await?;
            match only(word.as_deref(), selected.as_ref()) {
                Some(name) => show_rows(&snapshot, &name.to_string(), arguments, engine).await?,
                None if is_about_one(arguments) => return Err(about_several(selected.as_ref())),
                None if !has_any(&snapshot.manifest, selected.as_ref()) => {
                    return Err(none_stored(&snapshot.manifest.snapshot, selected.as_ref()));
                }
                None => print(&listing(&snapshot.manifest, selected.as_ref(), arguments.common.output())),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the table that a word means alone.
fn only<'a>(word: Option<&str>, selected: Option<&'a BTreeSet<TableName>>) -> Option<&'a TableName> {
    selected.filter(|selected| word.is_some() && selected.len() == 1)?.first()
}

/// Returns whether a snapshot has any of some tables.
fn has_any(manifest: &Manifest, selected: Option<&BTreeSet<TableName>>) -> bool {
    selected.is_none_or(|selected| selected.iter().any(|name| manifest.tables.contains_key(name)))
}

/// Says that views, or models that no run has built yet, are all that is selected.
fn none_stored(snapshot: &str, selected: Option<&BTreeSet<TableName>>) -> Error {
    let first = selected.and_then(BTreeSet::first).map(ToString::to_string).unwrap_or_default();
    Error::Usage {
        message: format!("snapshot {snapshot} has none of the tables that are selected, such as `{first}`"),
        hint: Some(format!("`tallyhouse show {first} --working` computes it as it is written now")),
    }
}

/// Returns whether options are given that only mean something for rows.
const fn is_about_one(arguments: &ShowArguments) -> bool {
    arguments.working || arguments.filter.is_some()
}

fn about_several(selected: Option<&BTreeSet<TableName>>) -> Error {
    let names: Vec<String> = selected.into_iter().flatten().take(3).map(ToString::to_string).collect();
    let hint = if names.is_empty() {
        "name the table too, such as `core.sales`".to_owned()
    } else {
        format!("name one of them: {}", names.join(", "))
    };
    Error::Usage { message: "`--where` and `--working` are about the rows of one table".to_owned(), hint: Some(hint) }
}

async fn show_rows(snapshot: &Snapshot, table: &str, arguments: &ShowArguments, engine: &Engine) -> Result<(), Error> {
    if arguments.working {
        return show_working(table, arguments, engine).await;
    }
    let name = TableName::try_from(table.to_owned()).map_err(|message| Error::Usage { message, hint: None })?;
    let (schema, batches) = snapshot.show(&name, arguments.limit, arguments.filter.as_deref(), engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output())?);
    Ok(())
}

/// Shows a few rows that a model gives as it is written now.
async fn show_working(model: &str, arguments: &ShowArguments, engine: &Engine) -> Result<(), Error> {
    let request = arguments.common.request(false);
    let working = Working::open(&request, model, arguments.snapshot.as_deref(), engine).await?;
    let (schema, batches) = working.show(arguments.limit, arguments.filter.as_deref(), engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output())?);
    Ok(())
}

/// Says which of the selected tables are not in a snapshot: views, and what no run has built yet.
fn not_stored(manifest: &Manifest, selected: Option<&BTreeSet<TableName>>) -> String {
    let missing = selected.into_iter().flatten().filter(|name| !manifest.tables.contains_key(*name));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    match missing.as_slice() {
        [] => String::new(),
        [first, ..] => format!(
            "not stored in it: {}\n`tallyhouse show {first} --working` computes it as it is written now\n",
            missing.join(", ")
        ),
    }
}

fn listing(manifest: &Manifest, selected: Option<&BTreeSet<TableName>>, output: OutputFormat) -> String {
    let is_listed = |(name, _): &(&TableName, &Table)| selected.is_none_or(|selected| selected.contains(*name));
    let tables = manifest.tables.iter().filter(is_listed);
    match output {
        OutputFormat::Json => {
            let table = |(name, table): (&TableName, &Table)| serde_json::json!({ "table": name, "rows": table.rows(), "description": table.description });
            format!("{}\n", serde_json::json!(tables.map(table).collect::<Vec<_>>()))
        }
        OutputFormat::Text => {
            let line = |(name, table): (&TableName, &Table)| {
                let description = table.description.as_deref().and_then(|text| text.lines().next()).unwrap_or_default();
                format!("{:<32} {:>10} rows  {description}\n", name.to_string(), table.rows())
            };
            tables.map(line).collect::<Vec<_>>().concat() + &not_stored(manifest, selected)
        }
    }
}

/// Runs a query.
pub(super) async fn query(arguments: &QueryArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let form = arguments.format.unwrap_or_else(|| arguments.common.output().into());
    rows::refuse_binary(form, arguments.out.as_deref())?;
    let snapshot = Snapshot::open(&arguments.common.request(false), arguments.snapshot.as_deref())?;
    let (schema, batches) = snapshot.query(&arguments.sql, engine).await?;
    rows::write(form, arguments.out.as_deref(), &schema, &batches)?;
    Ok(ExitCode::SUCCESS)
}
