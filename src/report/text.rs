//! The run report as text: what changed first, what needs a person last.

use std::fmt::Write;

use super::{EntityReport, Linking, ModelReport, Outcome, RunReport, SourceReport};
use crate::record::CheckResult;

/// Partitions named in a line before it says how many more there are.
const NAMED_PARTITIONS: usize = 4;

/// Renders a report.
pub(super) fn render(report: &RunReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_report(&mut out, report);
    out
}

fn write_report(out: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(out, "pipeline {} as of {} · run {}", report.pipeline, report.run_date, report.run)?;
    write_sources(out, &report.sources)?;
    write_entities(out, &report.entities)?;
    write_models(out, report)?;
    write_verification(out, report)?;
    write_checks(out, report)?;
    for warning in &report.warnings {
        writeln!(out, "  warning: {warning}")?;
    }
    write_outcome(out, report)
}

fn write_sources(out: &mut String, sources: &[SourceReport]) -> std::fmt::Result {
    let read: Vec<&SourceReport> = sources.iter().filter(|source| !source.is_unchanged).collect();
    writeln!(out, "\nsources: {} read, {} unchanged", read.len(), sources.len() - read.len())?;
    for source in read {
        let rows = &source.rows;
        writeln!(
            out,
            "  {:<24} {:>4} files {:>9} rows = {} staged + {} rejected + {} superseded",
            source.source,
            source.files.len(),
            rows.rows,
            rows.staged,
            rows.rejected,
            rows.superseded
        )?;
        if !source.faults.is_empty() {
            let faults: Vec<String> = source.faults.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
            writeln!(out, "  {:<24} faults: {}", "", faults.join(", "))?;
        }
    }
    Ok(())
}

fn write_entities(out: &mut String, entities: &[EntityReport]) -> std::fmt::Result {
    if entities.is_empty() {
        return Ok(());
    }
    let found: Vec<&EntityReport> = entities.iter().filter(|entity| !entity.is_unchanged).collect();
    writeln!(out, "\nentities: {} identified, {} unchanged", found.len(), entities.len() - found.len())?;
    for entity in found {
        writeln!(
            out,
            "  {:<24} {} records of {} things: {} new, {} merged, {} split, {} retired",
            entity.entity, entity.records, entity.things, entity.assigned, entity.merged, entity.split, entity.retired
        )?;
        entity.linking.iter().try_for_each(|linking| write_linking(out, linking))?;
    }
    Ok(())
}

fn write_linking(out: &mut String, linking: &Linking) -> std::fmt::Result {
    match &linking.all_because {
        Some(why) => writeln!(out, "  {:<24} all records linked: {why}", "")?,
        None => writeln!(
            out,
            "  {:<24} linked: {} new or changed, {} gone, {} pairs compared",
            "", linking.came, linking.gone, linking.compared
        )?,
    }
    match linking.is_proved {
        Some(true) => writeln!(out, "  {:<24} linking all records finds the same", ""),
        Some(false) => writeln!(out, "  {:<24} linking all records finds something else", ""),
        None => Ok(()),
    }
}

fn write_models(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let models = &report.models;
    let is_built = |model: &&ModelReport| !model.rebuilt.is_empty() || !model.dropped.is_empty() || model.is_evolved;
    let built: Vec<&ModelReport> = models.iter().filter(is_built).collect();
    let left = match report.left_out.len() {
        0 => String::new(),
        left => format!(", {left} not selected"),
    };
    writeln!(out, "\nmodels: {} rebuilt, {} unchanged{left}", built.len(), models.len() - built.len())?;
    for model in built {
        let changed = model.rebuilt.iter().filter(|partition| partition.is_changed).count();
        writeln!(
            out,
            "  {:<26} {} rebuilt ({changed} changed), {} kept, {} rows, {:.1} s",
            model.table.to_string(),
            plural(model.rebuilt.len(), "partition"),
            model.kept_partitions,
            model.rows,
            model.seconds
        )?;
        write_schema_changes(out, model)?;
        write_partitions(out, model)?;
    }
    Ok(())
}

fn write_schema_changes(out: &mut String, model: &ModelReport) -> std::fmt::Result {
    if model.schema_changes.is_empty() {
        return Ok(());
    }
    let changes = model.schema_changes.join(", ");
    match model.is_evolved {
        true => writeln!(out, "    columns evolve: {changes}; kept partitions keep their files"),
        false => writeln!(out, "    columns change: {changes}"),
    }
}

fn write_partitions(out: &mut String, model: &ModelReport) -> std::fmt::Result {
    if model.kept_partitions == 0 && model.rebuilt.iter().all(|partition| partition.reasons == ["new model"]) {
        return Ok(());
    }
    for partition in model.rebuilt.iter().take(NAMED_PARTITIONS) {
        let name = if partition.values.0.is_empty() { "whole table".to_owned() } else { partition.values.to_string() };
        let state = if partition.is_changed { "" } else { " (same rows)" };
        writeln!(out, "    {name}{state}: {}", partition.reasons.join("; "))?;
    }
    if model.rebuilt.len() > NAMED_PARTITIONS {
        writeln!(out, "    … and {} more", model.rebuilt.len() - NAMED_PARTITIONS)?;
    }
    Ok(())
}

/// Says which partitions are not what a full rebuild makes of them, if that was asked.
fn write_verification(out: &mut String, report: &RunReport) -> std::fmt::Result {
    for model in &report.models {
        for ignored in &model.ignored {
            writeln!(out, "  {:<26} ignores, as its header says: {ignored}", model.table.to_string())?;
        }
    }
    if !report.is_verified {
        return Ok(());
    }
    let differences: usize = report.models.iter().map(|model| model.differences.len()).sum();
    let models = plural(report.models.len(), "model");
    writeln!(out, "\nverified: {models} computed whole, differing partitions: {differences}")?;
    for model in &report.models {
        for difference in &model.differences {
            let name =
                if difference.values.0.is_empty() { "whole table".to_owned() } else { difference.values.to_string() };
            let expected = if difference.is_expected { " (it ignores changes)" } else { "" };
            writeln!(
                out,
                "  {:<26} {name}: {} rows too many, {} missing{expected}",
                model.table.to_string(),
                difference.wrong_rows,
                difference.missing_rows
            )?;
        }
    }
    Ok(())
}

fn write_checks(out: &mut String, report: &RunReport) -> std::fmt::Result {
    let (tolerated, failed): (Vec<&CheckResult>, _) = report.failed_checks.iter().partition(|check| check.is_tolerated);
    let errors = failed.iter().filter(|check| check.is_fatal()).count();
    let accepted = failed.iter().filter(|check| check.is_accepted).count();
    let warnings = plural(failed.len() - errors - accepted, "warning");
    let unchanged = match report.unchanged_checks {
        0 => String::new(),
        unchanged => format!(" ({unchanged} unchanged)"),
    };
    let counted = |count: usize, word: &str| if count == 0 { String::new() } else { format!(", {count} {word}") };
    let (tolerated, accepted) = (counted(tolerated.len(), "tolerated"), counted(accepted, "accepted"));
    writeln!(out, "\nchecks: {} run{unchanged}, {errors} failed, {warnings}{tolerated}{accepted}", report.checks)?;
    for check in &report.failed_checks {
        write_check(out, check)?;
    }
    report.check_notes.iter().try_for_each(|note| writeln!(out, "  note: {note}"))
}

fn write_check(out: &mut String, check: &CheckResult) -> std::fmt::Result {
    let severity = match check {
        CheckResult { is_tolerated: true, .. } => "tolerated",
        CheckResult { is_accepted: true, .. } => "accepted",
        check if check.is_fatal() => "error",
        _ => "warning",
    };
    let rows = plural(usize::try_from(check.failed_rows).unwrap_or(usize::MAX), "row");
    let fails = match (check.looked_at_rows, &check.reason) {
        (Some(looked_at), Some(tolerance)) => format!("fails for {rows} of {looked_at}, {tolerance}"),
        (None, Some(reason)) if check.failed_rows > 1 => format!("fails {} times: {reason}", check.failed_rows),
        (None, Some(reason)) => format!("fails: {reason}"),
        (_, None) => format!("fails for {rows}"),
    };
    writeln!(out, "  {severity}: {} {} {fails} ({})", check.table, check.check, check.written_at)?;
    check.samples.iter().take(2).try_for_each(|sample| writeln!(out, "    {sample}"))
}

fn write_outcome(out: &mut String, report: &RunReport) -> std::fmt::Result {
    writeln!(out)?;
    match &report.outcome {
        Outcome::Published { snapshot } => writeln!(out, "published snapshot {snapshot} in {:.1} s", report.seconds),
        Outcome::Unchanged { snapshot } => {
            writeln!(out, "nothing changed: snapshot {snapshot} stays, nothing was published ({:.1} s)", report.seconds)
        }
        Outcome::Stopped { reason, snapshot } => {
            let served = snapshot
                .as_deref()
                .map_or("no snapshot is served yet".to_owned(), |id| format!("snapshot {id} is still served"));
            writeln!(out, "stopped before publishing: {reason}; {served}")
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
