//! `tallyhouse snapshots`

pub(super) mod diff;
mod vacuum;
mod verify;

use std::{fmt::Write, process::ExitCode};

use super::{
    arguments::{Common, OutputFormat, SnapshotsAction, SnapshotsArguments},
    print,
};
use crate::{
    Error,
    engine::Engine,
    record::Manifest,
    run::{self, Snapshots},
};

/// Lists, compares, proves or removes snapshots, takes one back or releases it.
pub(super) async fn snapshots(arguments: &SnapshotsArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let common = &arguments.common;
    match &arguments.action {
        None | Some(SnapshotsAction::Ls) => list(common)?,
        Some(SnapshotsAction::Rollback { id }) => rollback(common, id)?,
        Some(SnapshotsAction::Release) => release(common)?,
        Some(SnapshotsAction::Diff(arguments)) => diff::diff(common, arguments, engine).await?,
        Some(SnapshotsAction::Verify { id, all }) => return verify::verify(common, id.as_deref(), *all),
        Some(SnapshotsAction::Vacuum { keep, older_than, apply }) => {
            vacuum::vacuum(common, *keep, *older_than, *apply)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common) -> Result<(), Error> {
    let snapshots = run::snapshots(&common.request(false))?;
    match common.output() {
        OutputFormat::Text => print(&text(&snapshots)),
        OutputFormat::Json => {
            let all: Vec<_> = snapshots.manifests.iter().map(|manifest| json(&snapshots, manifest)).collect();
            print(&format!("{}\n", serde_json::json!(all)));
        }
    }
    Ok(())
}

fn text(snapshots: &Snapshots) -> String {
    if snapshots.manifests.is_empty() {
        return "no snapshot yet: `tallyhouse run` publishes the first\n".to_owned();
    }
    let mut out = String::new();
    for manifest in &snapshots.manifests {
        let mark = if snapshots.served.as_ref() == Some(&manifest.snapshot) { "*" } else { " " };
        let (rows, bytes) = totals(manifest);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{mark} {}  {}  as of {}  {} tables, {rows} rows, {:.1} MB{}{}",
            manifest.snapshot,
            manifest.created_at,
            manifest.run_date,
            manifest.tables.len(),
            megabytes(bytes),
            if snapshots.held.as_ref() == Some(&manifest.snapshot) { "  held" } else { "" },
            manifest.reason.as_ref().map(|reason| format!("  ({reason})")).unwrap_or_default()
        );
    }
    out
}

fn totals(manifest: &Manifest) -> (u64, u64) {
    manifest.tables.values().fold((0, 0), |(rows, bytes), table| (rows + table.rows(), bytes + table.bytes()))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn json(snapshots: &Snapshots, manifest: &Manifest) -> serde_json::Value {
    let (rows, bytes) = totals(manifest);
    serde_json::json!({
        "snapshot": manifest.snapshot,
        "parent": manifest.parent,
        "run": manifest.run,
        "created_at": manifest.created_at,
        "run_date": manifest.run_date.to_string(),
        "is_served": snapshots.served.as_ref() == Some(&manifest.snapshot),
        "held": snapshots.held.as_ref() == Some(&manifest.snapshot),
        "reason": manifest.reason,
        "tables": manifest.tables.len(),
        "rows": rows,
        "bytes": bytes,
    })
}

fn rollback(common: &Common, id: &str) -> Result<(), Error> {
    let manifest = run::rollback(&common.request(false), id)?;
    match common.output() {
        OutputFormat::Text => {
            let reason = manifest.reason.as_deref().unwrap_or("rollback");
            print(&format!("snapshot {} is served ({reason}) and held\n", manifest.snapshot));
            print("`tallyhouse snapshots release` lets the next run publish again\n");
        }
        OutputFormat::Json => {
            let id = Some(manifest.snapshot.clone());
            let snapshots = Snapshots { served: id.clone(), held: id, manifests: Vec::new() };
            print(&format!("{}\n", json(&snapshots, &manifest)));
        }
    }
    Ok(())
}

fn release(common: &Common) -> Result<(), Error> {
    let released = run::release(&common.request(false))?;
    match common.output() {
        OutputFormat::Text => print(match released {
            true => "released: the next run publishes again\n",
            false => "nothing was held\n",
        }),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!({ "released": released }))),
    }
    Ok(())
}
