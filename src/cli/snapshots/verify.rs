//! `tallyhouse snapshots verify`

use std::{fmt::Write, process::ExitCode};

use super::super::{
    arguments::{Common, OutputFormat},
    print,
};
use crate::{
    Error,
    run::{self, Verified},
};

/// Compares snapshots with their manifests and shows each finding.
pub(super) fn verify(common: &Common, id: Option<&str>, all: bool) -> Result<ExitCode, Error> {
    let verified = run::verify(&common.request(false), id, all)?;
    match common.output() {
        OutputFormat::Text => print(&text(&verified)),
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!(verified))),
    }
    Ok(if verified.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn text(verified: &Verified) -> String {
    let mut out = String::new();
    for finding in &verified.findings {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}/{} {}", finding.snapshot, finding.path, finding.problem);
    }
    let many = verified.snapshots.len();
    let snapshots = if many == 1 { verified.snapshots[0].clone() } else { format!("{many} snapshots") };
    let (files, megabytes) = (verified.files, super::megabytes(verified.hashed_bytes));
    let found = match verified.findings.len() {
        0 => "nothing is wrong".to_owned(),
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    };
    let _ = writeln!(out, "{snapshots}: {files} files, {megabytes:.1} MB read: {found}");
    out
}
