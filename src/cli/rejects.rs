//! `tallyhouse rejects`

use std::{fmt::Write, process::ExitCode};

use super::{
    arguments::{Common, OutputFormat, RejectsAction, RejectsArguments},
    print, table,
};
use crate::{
    Error,
    engine::Engine,
    record::TableName,
    run::{Rejects, Snapshot},
};

/// Looks at rejected rows.
pub(super) async fn rejects(arguments: &RejectsArguments, engine: &Engine) -> Result<ExitCode, Error> {
    match &arguments.action {
        None | Some(RejectsAction::Ls) => list(&arguments.common, engine).await?,
        Some(RejectsAction::Show { source, file, limit }) => {
            show(&arguments.common, source, file.as_deref(), *limit, engine).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(common: &Common, engine: &Engine) -> Result<(), Error> {
    let rejects = Snapshot::open(&common.request(false), None)?.rejects(engine).await?;
    match common.output {
        OutputFormat::Text => print(&text(&rejects)),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(rejects))),
    }
    Ok(())
}

fn text(rejects: &[Rejects]) -> String {
    if rejects.is_empty() {
        return "no row was rejected\n".to_owned();
    }
    let mut out = String::new();
    for reject in rejects {
        let column = reject.column.as_deref().unwrap_or("(whole row)");
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<24} {:<20} {:<22} {:>6} faults in {} files",
            reject.source, reject.rule, column, reject.faults, reject.files
        );
    }
    out + "\n`tallyhouse rejects show SOURCE` shows the rows\n"
}

async fn show(common: &Common, source: &str, file: Option<&str>, limit: usize, engine: &Engine) -> Result<(), Error> {
    let snapshot = Snapshot::open(&common.request(false), None)?;
    let filter = file.map(|file| format!("file = '{}'", file.replace('\'', "''")));
    let (schema, batches) = snapshot.show(&TableName::quarantine(source), limit, filter.as_deref(), engine).await?;
    if let (Some(file), true) = (file, batches.iter().all(|batch| batch.num_rows() == 0)) {
        return Err(Error::Usage {
            message: format!("no row of `{file}` was rejected, or source `{source}` has no such file"),
            hint: Some(format!("`tallyhouse query \"select distinct file from quarantine.{source}\"` lists the files")),
        });
    }
    print(&table::render(&schema, &batches, common.output)?);
    Ok(())
}
