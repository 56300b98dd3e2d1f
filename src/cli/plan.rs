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
    run::{self, Forecast, ModelPlan, Plan, SourcePlan, shown},
};

/// Partitions named before a line says how many more there are.
const NAMED: usize = 12;

/// Shows what a run would rebuild, and why.
pub(super) async fn plan(arguments: &PlanArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let progress = Progress::new(arguments.common.output());
    let planned = run::plan(&arguments.request(), engine, &progress).await;
    progress.finish();
    let plan = planned?;
    match arguments.common.output() {
        OutputFormat::Text => print(&text(&plan)),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(plan))),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_sources(&mut out, &plan.sources);
    let _ = write_models(&mut out, &plan.models);
    let _ = write_space(&mut out, &plan.space);
    for warning in &plan.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
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

fn write_space(out: &mut String, forecast: &Forecast) -> std::fmt::Result {
    if forecast.needed_bytes == 0 {
        return Ok(());
    }
    let free = forecast.free_bytes.map_or("an unknown amount".to_owned(), shown);
    let verdict = if forecast.fits() { "" } else { ": too little" };
    writeln!(out, "space: about {} needed, {free} free{verdict}", shown(forecast.needed_bytes))
}

fn write_models(out: &mut String, models: &[ModelPlan]) -> std::fmt::Result {
    let is_busy = |model: &&ModelPlan| !model.rebuilt.is_empty() || !model.open.is_empty() || model.is_evolved;
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
        write_schema_changes(out, model)?;
        for (values, reasons) in model.rebuilt.iter().take(NAMED) {
            let name = if values.0.is_empty() { "whole table".to_owned() } else { values.to_string() };
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            writeln!(out, "    {name}: {}", reasons.join("; "))?;
        }
        if model.rebuilt.len() > NAMED {
            writeln!(out, "    … and {} more", model.rebuilt.len() - NAMED)?;
        }
        if model.rebuilt.is_empty() && !model.open.is_empty() {
            let reasons: Vec<String> = model.open.iter().map(ToString::to_string).collect();
            writeln!(out, "    new partitions may appear: {}", reasons.join("; "))?;
        }
    }
    Ok(())
}

fn write_schema_changes(out: &mut String, model: &ModelPlan) -> std::fmt::Result {
    let changes: Vec<String> = model.schema_changes.iter().map(ToString::to_string).collect();
    match (changes.is_empty(), model.is_evolved) {
        (true, _) => Ok(()),
        (false, true) => {
            writeln!(out, "    columns evolve: {}; kept partitions keep their files", changes.join(", "))
        }
        (false, false) => writeln!(out, "    columns change: {}", changes.join(", ")),
    }
}
