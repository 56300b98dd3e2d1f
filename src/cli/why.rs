//! `tallyhouse why`

use std::{fmt::Write, process::ExitCode};

use super::{
    arguments::{OutputFormat, WhyArguments},
    print,
    progress::Progress,
};
use crate::{
    Error,
    engine::Engine,
    record::PartitionValues,
    run::{self, Explained, Fate, Why},
};

/// Partitions shown before a line says how many more there are.
const SHOWN: usize = 6;
/// Partitions of an input named in one line.
const NAMED: usize = 3;

/// Shows what the partitions of a table depend on, and what the next run would do with them.
pub(super) async fn why(arguments: &WhyArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let request = arguments.request()?;
    let progress = Progress::new(arguments.common.output());
    let answers = run::why(&arguments.values(), &request, engine, &progress).await;
    progress.finish();
    let answers = answers?;
    match arguments.common.output() {
        OutputFormat::Text => print(&answers.iter().map(text).collect::<Vec<_>>().join("\n")),
        OutputFormat::Json => match &answers[..] {
            [answer] => print(&format!("{}\n", serde_json::json!(answer))),
            answers => print(&format!("{}\n", serde_json::json!(answers))),
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn text(why: &Why) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_answer(&mut out, why);
    out
}

fn write_answer(out: &mut String, why: &Why) -> std::fmt::Result {
    let (rebuilt, kept) = (why.plan.rebuilt.len(), why.plan.kept_partitions);
    writeln!(out, "{}: {rebuilt} of {} known partitions to rebuild", why.table, rebuilt + kept)?;
    for ignored in &why.plan.ignored {
        writeln!(out, "  ignored, as its header says: {ignored}")?;
    }
    if rebuilt == 0 && !why.plan.open.is_empty() {
        writeln!(out, "  new partitions may appear: {}", reasons(&why.plan.open))?;
    }
    // What happens comes first, then what does not.
    let (busy, idle): (Vec<&Explained>, Vec<_>) = why.partitions.iter().partition(|one| one.fate != Fate::Kept);
    for partition in busy.iter().chain(&idle).take(SHOWN) {
        write_partition(out, why, partition)?;
    }
    let more = why.partitions.len().saturating_sub(SHOWN);
    if more > 0 {
        let column = why.partition_by.first().map_or("", String::as_str);
        writeln!(out, "… and {more} more: `--partition {column}=…` shows one, `--output json` all")?;
    }
    Ok(())
}

fn write_partition(out: &mut String, why: &Why, partition: &Explained) -> std::fmt::Result {
    let fate = match partition.fate {
        Fate::Kept => "kept, nothing that it reads has changed".to_owned(),
        Fate::Rebuilt => format!("rebuilt: {}", reasons(&partition.reasons)),
        Fate::Absent if partition.reasons.is_empty() => "not there, and nothing new can appear".to_owned(),
        Fate::Absent => format!("not there yet; it may appear: {}", reasons(&partition.reasons)),
    };
    writeln!(out, "\n{}: {fate}", name(&why.partition_by, &partition.values))?;
    for read in &partition.reads {
        let which = match &read.partitions {
            None if read.known_partitions == 1 => "whole table".to_owned(),
            None => format!("all {} partitions, as nothing proves less", read.known_partitions),
            Some(partitions) if partitions.is_empty() => format!("no partition of {}", read.known_partitions),
            Some(partitions) => {
                let named: Vec<String> = partitions.iter().take(NAMED).map(ToString::to_string).collect();
                let more = if partitions.len() > NAMED { ", …" } else { "" };
                format!("[{}{more}], {} of {} partitions", named.join(" | "), partitions.len(), read.known_partitions)
            }
        };
        let columns = match read.columns.is_empty() {
            true => "the number of rows".to_owned(),
            false => read.columns.join(", "),
        };
        let day = if read.follows_run_date { "; run_date, for rows after it" } else { "" };
        let ignored = if read.is_ignored { "; its changes are ignored" } else { "" };
        writeln!(out, "  reads {} {which}: {columns}{day}{ignored}", read.table)?;
    }
    Ok(())
}

fn reasons(reasons: &[run::Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn name(columns: &[String], values: &PartitionValues) -> String {
    if columns.is_empty() {
        return "whole table".to_owned();
    }
    let part = |(column, value): (&String, &Option<String>)| format!("{column}={}", value.as_deref().unwrap_or("NULL"));
    columns.iter().zip(&values.0).map(part).collect::<Vec<_>>().join(" ")
}
