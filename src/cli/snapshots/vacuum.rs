//! `tallyhouse snapshots vacuum`

use std::fmt::Write;

use super::super::{
    arguments::{Common, OutputFormat},
    print,
};
use crate::{
    Error,
    run::{self, Vacuum},
};

/// Says which snapshots go, and removes them if that is asked for.
pub(super) fn vacuum(common: &Common, keep: Option<u32>, days: Option<u64>, is_applied: bool) -> Result<(), Error> {
    let keep = keep.map(|keep| usize::try_from(keep).unwrap_or(usize::MAX));
    let vacuum = run::vacuum(&common.request(false), keep, days, is_applied)?;
    match common.output() {
        OutputFormat::Text => print(&text(&vacuum, is_applied)),
        OutputFormat::Json => {
            let mut json = serde_json::json!(vacuum);
            json["applied"] = is_applied.into();
            print(&format!("{json}\n"));
        }
    }
    Ok(())
}

fn text(vacuum: &Vacuum, is_applied: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for gone in &vacuum.snapshots {
        let megabytes = super::megabytes(gone.bytes);
        let _ = writeln!(out, "  {}  {}  {} files, {megabytes:.1} MB", gone.snapshot, gone.created_at, gone.files);
    }
    let (gone, megabytes) = (vacuum.snapshots.len(), super::megabytes(vacuum.bytes));
    let freed = format!("{} files of their own, {megabytes:.1} MB; {} stay", vacuum.files, vacuum.kept);
    let _ = match (gone, is_applied) {
        (0, _) => writeln!(out, "no snapshot goes: {} stay", vacuum.kept),
        (_, true) => writeln!(out, "removed {gone} snapshots with {freed}"),
        (_, false) => writeln!(out, "{gone} snapshots would go with {freed}\n`--apply` removes them"),
    };
    out
}
