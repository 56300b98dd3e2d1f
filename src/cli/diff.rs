//! `tallyhouse diff`

use std::{fmt::Write, process::ExitCode};

use clap::Args;

use super::{
    arguments::{Common, OutputFormat},
    print,
};
use crate::{
    Error,
    engine::Engine,
    run::{self, Change, Links, Touched},
};

/// Lines about one changed column before one says how many more there are.
const SHOWN: usize = 12;

/// `diff`
#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// Compare the definitions with those of a git revision, and say which published columns the change touches
    #[arg(long, value_name = "REV", required = true)]
    lineage: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

/// Says what a change makes other.
pub(super) async fn diff(arguments: &DiffArguments, engine: &Engine) -> Result<ExitCode, Error> {
    if let Some(revision) = &arguments.lineage {
        let touched = run::touched(&arguments.common.request(false), revision, engine).await?;
        match arguments.common.output() {
            OutputFormat::Text => print(&text(&touched, revision)),
            OutputFormat::Json => print(&format!("{}\n", json(&touched))),
        }
    }
    Ok(ExitCode::SUCCESS)
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
