//! `tallyhouse plan`

use std::{fmt::Write, process::ExitCode};

use super::{
    arguments::{OutputFormat, PlanArguments},
    print,
    progress::Progress,
};
use crate::{
    Error,
    engine::Engine,
    run::{self, ModelPlan, SourcePlan},
};

/// Partitions named before a line says how many more there are.
const NAMED: usize = 12;

/// Shows what a run would rebuild, and why.
pub(super) async fn plan(arguments: &PlanArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let progress = Progress::new(arguments.common.output);
    let planned = run::plan(&arguments.request(), engine, &progress).await;
    progress.finish();
    let (sources, models) = planned?;
    match arguments.common.output {
        OutputFormat::Text => print(&text(&sources, &models)),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!({ "sources": sources, "models": models }))),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(sources: &[SourcePlan], models: &[ModelPlan]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_sources(&mut out, sources);
    let _ = write_models(&mut out, models);
    out
}

fn write_sources(out: &mut String, sources: &[SourcePlan]) -> std::fmt::Result {
    let changed: Vec<&SourcePlan> = sources.iter().filter(|source| !source.is_unchanged).collect();
    writeln!(out, "sources: {} changed, {} unchanged", changed.len(), sources.len() - changed.len())?;
    for source in changed {
        let partitions = source.changed_partitions.len();
        writeln!(out, "  {:<24} {partitions} changed partitions, {} rows", source.source, source.rows.rows)?;
    }
    Ok(())
}

fn write_models(out: &mut String, models: &[ModelPlan]) -> std::fmt::Result {
    let is_busy = |model: &&ModelPlan| !model.rebuilt.is_empty() || !model.open.is_empty();
    let busy: Vec<&ModelPlan> = models.iter().filter(is_busy).collect();
    writeln!(out, "models: {} to rebuild, {} unchanged", busy.len(), models.len() - busy.len())?;
    for model in models {
        for ignored in &model.ignored {
            writeln!(out, "  {:<24} ignores, as its header says: {ignored}", model.table.to_string())?;
        }
    }
    for model in busy {
        writeln!(
            out,
            "  {:<24} {} of {} known partitions",
            model.table.to_string(),
            model.rebuilt.len(),
            model.rebuilt.len() + model.kept_partitions
        )?;
        for (values, reasons) in model.rebuilt.iter().take(NAMED) {
            let name = if values.0.is_empty() { "whole table".to_owned() } else { values.to_string() };
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            writeln!(out, "    {name}: {}", reasons.join("; "))?;
        }
        if model.rebuilt.len() > NAMED {
            writeln!(out, "    … and {} more", model.rebuilt.len() - NAMED)?;
        }
        if model.rebuilt.is_empty() {
            let reasons: Vec<String> = model.open.iter().map(ToString::to_string).collect();
            writeln!(out, "    new partitions may appear: {}", reasons.join("; "))?;
        }
    }
    Ok(())
}
