//! `tallyhouse tables`

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
    selection::SelectionArguments,
};
use crate::{
    Error,
    define::select::Selection,
    engine::Engine,
    record::diagnostic::nearest,
    run::{self, DocumentedColumn, DocumentedTable, Reference, Request},
};

/// `tables`
#[derive(Debug, Args)]
pub(super) struct TablesArguments {
    /// Show one table with its columns, such as segment.market, or several by a selector such as `segment.*`
    table: Option<String>,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    pub common: Common,
    /// Write the data dictionary of all tables as a page of Markdown
    #[arg(long, conflicts_with = "table")]
    markdown: bool,
}

/// Lists the tables that the models make, or shows some with their columns.
pub(super) async fn tables(arguments: &TablesArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.common.request(false);
    let tables = match &arguments.table {
        Some(name) if arguments.selection.is_empty() && Selection::is_full_name(name) => {
            vec![named(run::tables(&request, engine).await?, name)?]
        }
        word => {
            let selection = arguments.selection.asked_with(word);
            run::tables(&Request { selection, ..request }, engine).await?
        }
    };
    match arguments.common.output() {
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(tables))),
        OutputFormat::Text if arguments.markdown => print(&page(&tables)),
        OutputFormat::Text if arguments.table.is_some() => print(&tables.iter().map(shown).collect::<String>()),
        OutputFormat::Text => print(&tables.iter().map(listed).collect::<String>()),
    }
    Ok(ExitCode::SUCCESS)
}

fn named(tables: Vec<DocumentedTable>, name: &str) -> Result<DocumentedTable, Error> {
    let names: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`tallyhouse tables` lists them".to_owned(),
    };
    let found = tables.into_iter().find(|table| table.name.to_string() == name);
    found.ok_or_else(|| Error::Usage { message: format!("no model makes a table `{name}`"), hint: Some(hint) })
}

/// One line: the name and the first sentence of the description.
fn listed(table: &DocumentedTable) -> String {
    let text = one_line(table.description.as_deref().unwrap_or_default());
    let sentence = text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.');
    format!("{}\n    {sentence}\n", table.name)
}

fn shown(table: &DocumentedTable) -> String {
    let mut text = format!("{}\n", table.name);
    if let Some(description) = &table.description {
        let _ = writeln!(text, "\n{}", one_line(description));
    }
    for (what, value) in facts(table) {
        let _ = writeln!(text, "{what}: {value}");
    }
    text.push('\n');
    for column in &table.columns {
        let told = [column.label.description.as_deref(), column.label.unit.as_deref()];
        let told: Vec<&str> = told.into_iter().flatten().collect();
        let _ = writeln!(text, "  {} ({})  {}", column.name, column.data_type, titles(column));
        if !told.is_empty() {
            let _ = writeln!(text, "      {}", told.join(" · "));
        }
    }
    text
}

/// Returns what a table says of itself besides its description.
fn facts(table: &DocumentedTable) -> Vec<(&'static str, String)> {
    let list = |names: &[String]| names.join(", ");
    let reads: Vec<String> = table.reads.iter().map(ToString::to_string).collect();
    let all = [
        ("one row per", list(&table.key)),
        ("partitioned by", list(&table.partition_by)),
        ("owner", table.owner.clone().unwrap_or_default()),
        ("tags", list(&table.tags)),
        ("made of", list(&reads)),
        ("leads to", table.references.iter().map(lead).collect::<Vec<_>>().join(", ")),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Writes a reference: `region → core.region.region`.
fn lead(reference: &Reference) -> String {
    format!("{} → {}.{}", reference.column, reference.to, reference.field)
}

/// Writes the page: a section for each schema, a table of columns for each table.
fn page(tables: &[DocumentedTable]) -> String {
    let mut text = "# Data dictionary\n\nEvery table that the SQL models make, by schema. Written by `tallyhouse tables --markdown` from \
                    the headers of the models;\ndo not edit.\n"
        .to_owned();
    let mut schema = "";
    for table in tables {
        if table.name.schema != schema {
            schema = &table.name.schema;
            let _ = write!(text, "\n## {schema}\n");
        }
        text.push_str(&section(table));
    }
    text
}

fn section(table: &DocumentedTable) -> String {
    let mut text = format!("\n### {}\n", table.name);
    if let Some(description) = &table.description {
        let _ = write!(text, "\n{}\n", one_line(description));
    }
    let facts: Vec<String> = facts(table).into_iter().map(|(what, value)| format!("{what}: {value}")).collect();
    if !facts.is_empty() {
        let _ = write!(text, "\n*{}*\n", facts.join(" · "));
    }
    text.push_str("\n| column | type | unit | 标题 | title | what it says |\n|---|---|---|---|---|---|\n");
    for column in &table.columns {
        let label = &column.label;
        let cells = [&label.unit, &label.title_zh, &label.title_en, &label.description];
        let cells: Vec<String> = cells.map(|cell| cell_text(cell.as_deref().unwrap_or_default())).to_vec();
        let _ = writeln!(text, "| `{}` | {} | {} |", column.name, column.data_type, cells.join(" | "));
    }
    text
}

fn titles(column: &DocumentedColumn) -> String {
    let titles = column.label.title_zh.iter().chain(&column.label.title_en);
    titles.map(String::as_str).collect::<Vec<_>>().join(" / ")
}

/// Returns a text that stays within its cell of a table.
fn cell_text(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
