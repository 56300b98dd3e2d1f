//! `tallyhouse show` and `tallyhouse query`

use std::process::ExitCode;

use super::{
    arguments::{OutputFormat, QueryArguments, ShowArguments},
    print, rows, table,
};
use crate::{
    Error,
    engine::Engine,
    record::{Manifest, TableName, manifest::Table},
    run::{self, Request, Selected, Snapshot, Working},
};

/// Shows a few rows of a table.
pub(super) async fn show(arguments: &ShowArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if let (true, Some(model)) = (arguments.working, &arguments.table) {
        return show_working(model, arguments, engine).await;
    }
    let snapshot = Snapshot::open(&arguments.common.request(false), arguments.snapshot.as_deref())?;
    let Some(table) = &arguments.table else {
        let request = Request { selection: arguments.selection.asked(), ..arguments.common.request(false) };
        let selected = run::selected(&request, engine).await?;
        print(&listing(&snapshot.manifest, selected.as_ref(), arguments.common.output()));
        return Ok(ExitCode::SUCCESS);
    };
    let name = TableName::try_from(table.clone()).map_err(|message| Error::Usage {
        message,
        hint: Some("name the schema too, such as `core.sales`".to_owned()),
    })?;
    let (schema, batches) = snapshot.show(&name, arguments.limit, arguments.filter.as_deref(), engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output())?);
    Ok(ExitCode::SUCCESS)
}

/// Shows a few rows that a model gives as it is written now.
async fn show_working(model: &str, arguments: &ShowArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let working = Working::open(&request, model, arguments.snapshot.as_deref(), engine).await?;
    let (schema, batches) = working.show(arguments.limit, arguments.filter.as_deref(), engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output())?);
    Ok(ExitCode::SUCCESS)
}

fn listing(manifest: &Manifest, selected: Option<&Selected>, output: OutputFormat) -> String {
    let is_listed = |(name, _): &(&TableName, &Table)| selected.is_none_or(|selected| selected.tables.contains(*name));
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
            tables.map(line).collect::<Vec<_>>().concat()
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
