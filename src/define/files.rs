//! How a source treats its files: what settles, what may vanish, what may change, how large they may be.
//!
//! In: the keys as written. Out: [`FilePolicy`]. Deliberately knows no columns.

use super::{
    file,
    findings::Findings,
    project::{Drift, FileLimits, FilePolicy},
    spans::At,
};

/// Checks the keys of a source that are about its files.
pub fn policy(written: file::FileKeys, findings: &mut Findings) -> FilePolicy {
    FilePolicy {
        settle_seconds: written.settle_seconds.unwrap_or(0),
        on_missing: written.on_missing.unwrap_or_default(),
        on_unreadable: written.on_unreadable.unwrap_or_default(),
        drift: written.drift.map_or_else(Drift::default, drift),
        limits: written.limits.map_or_else(FileLimits::default, |limits| self::limits(limits, findings)),
    }
}

fn drift(written: At<file::Drift>) -> Drift {
    let (written, usual) = (written.value, Drift::default());
    Drift {
        column_added: written.column_added.unwrap_or(usual.column_added),
        column_removed: written.column_removed.unwrap_or(usual.column_removed),
        renamed: written.renamed.unwrap_or(usual.renamed),
        reordered: written.reordered.unwrap_or(usual.reordered),
        retyped: written.retyped.unwrap_or(usual.retyped),
        new_code: written.new_code.unwrap_or(usual.new_code),
    }
}

fn limits(written: At<file::FileLimits>, findings: &mut Findings) -> FileLimits {
    let usual = FileLimits::default();
    let mut positive = |name: &str, value: Option<At<u64>>, usual: u64| match value {
        Some(value) if value.value == 0 => {
            findings.error(&value.range, format!("`{name}` is 0"), "write the largest number that is still sane");
            usual
        }
        Some(value) => value.value,
        None => usual,
    };
    FileLimits {
        file_bytes: positive("file_bytes", written.value.file_bytes, usual.file_bytes),
        decompressed_bytes: positive("decompressed_bytes", written.value.decompressed_bytes, usual.decompressed_bytes),
        rows: positive("rows", written.value.rows, usual.rows),
    }
}
