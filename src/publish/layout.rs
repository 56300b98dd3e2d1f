//! Where things lie in a warehouse on the disk (in an object store: `depot::pool`). Pure: names in, names out.
//!
//! ```text
//! <warehouse>/
//!   current -> snapshots/<id>         current.json   hold.json
//!   env/<name> -> ../snapshots/<id>   env/<name>.json env/<name>.hold.json
//!   snapshots/<id>/manifest.json  views.sql
//!                  <schema>/<table>/data/<partition>=<value>/<content>.parquet
//!                  <schema>/<table>/_delta_log/<version>.json
//!                  private/{staged,quarantine,ops}/<table>/data/…
//!   staging/<run>/…                   the same below as in a snapshot
//!   remembered/<table>                what the next run need not find out again; <environment>@<table>; further pieces <table>~1 …
//!   runs/<run>.json                   lock
//! ```

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::record::TableName;

/// The folder of tables that may hold personal data.
pub(super) const PRIVATE: &str = "private";
/// The manifest's file name.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file of `DuckDB` views.
pub(super) const VIEWS: &str = "views.sql";
/// The folder of snapshots.
pub(super) const SNAPSHOTS: &str = "snapshots";
/// The folder of environments' links.
pub(super) const ENVIRONMENTS: &str = "env";
/// The folder of runs' records.
pub(super) const RUNS: &str = "runs";
/// The folder where runs collect files.
pub(super) const STAGING: &str = "staging";

/// The folder of what runs remember, beside all snapshots.
pub(super) const REMEMBERED: &str = "remembered";

/// Returns a table's folder below a snapshot or a staging folder.
pub(super) fn table_path(table: &TableName) -> PathBuf {
    let path = Path::new(&table.schema).join(&table.table);
    if table.is_private() { Path::new(PRIVATE).join(path) } else { path }
}

/// Returns the folder of a table's data files below a snapshot or a staging folder.
pub(super) fn data_path(table: &TableName) -> PathBuf {
    table_path(table).join("data")
}

/// Returns whether a schema's name is that of something else in a snapshot or beside the tables of a store.
pub(super) fn is_taken(schema: &str) -> bool {
    [PRIVATE, SNAPSHOTS, ENVIRONMENTS, RUNS, STAGING, REMEMBERED].contains(&schema)
}

/// Returns the folder of a table's Delta log below a snapshot.
pub(super) fn log_path(table: &TableName) -> PathBuf {
    table_path(table).join("_delta_log")
}

/// Returns whether a name can be a file's without meaning another place.
pub(super) fn is_file_name(name: &str) -> bool {
    let plain = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// Which link a command reads and replaces: production's, or an environment's. Names below the warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The symbolic link.
    pub link: String,
    /// The same for readers without symbolic links.
    pub pointer: String,
    /// The hold after a rollback.
    pub hold: String,
    /// From the link's folder to the warehouse.
    up: &'static str,
}

impl Target {
    /// Returns production's files.
    pub fn production() -> Self {
        let [link, pointer, hold] = ["current", "current.json", "hold.json"].map(str::to_owned);
        Self { link, pointer, hold, up: "" }
    }

    /// Returns an environment's files.
    pub fn environment(name: &str) -> Self {
        let file = |end| format!("{ENVIRONMENTS}/{name}{end}");
        Self { link: file(""), pointer: file(".json"), hold: file(".hold.json"), up: "../" }
    }

    /// Returns how the names of what its runs remember begin.
    pub fn prefix(&self) -> String {
        self.link.strip_prefix(&format!("{ENVIRONMENTS}/")).map(|name| format!("{name}@")).unwrap_or_default()
    }

    /// Returns what the link holds when it serves a snapshot: relative, so that the warehouse can be moved.
    pub fn points_at(&self, snapshot: &str) -> PathBuf {
        PathBuf::from(format!("{}{SNAPSHOTS}/{snapshot}", self.up))
    }
}

/// Returns production's target and those of all environments, of which some files are there.
pub(super) fn targets(files: &[String]) -> Vec<Target> {
    let names: BTreeSet<&str> =
        files.iter().filter_map(|file| file.split('.').next()).filter(|name| !name.is_empty()).collect();
    std::iter::once(Target::production()).chain(names.into_iter().map(Target::environment)).collect()
}

/// Returns the sequence number of a snapshot id, `000042-3f9a1c2b`.
pub(super) fn sequence(snapshot: &str) -> Option<u64> {
    snapshot.split_once('-').and_then(|(number, _)| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_tables_lie_apart() {
        assert_eq!(data_path(&TableName::new("core", "销售")), Path::new("core/销售/data"));
        assert_eq!(data_path(&TableName::staged("dealer_sales")), Path::new("private/staged/dealer_sales/data"));
        assert_eq!(table_path(&TableName::quarantine("a")), Path::new("private/quarantine/a"));
    }

    #[test]
    fn links_are_relative() {
        assert_eq!(Target::production().points_at("000001-ab"), Path::new("snapshots/000001-ab"));
        let dev = Target::environment("dev");
        assert_eq!(dev.points_at("000001-ab"), Path::new("../snapshots/000001-ab"));
        assert_eq!((dev.link, dev.pointer), ("env/dev".to_owned(), "env/dev.json".to_owned()));
    }

    #[test]
    fn names_that_mean_another_place_are_refused() {
        let names = ["dev", "开发", "2026-06-30T01", "", "..", ".hidden", "a/b", "a b"];
        assert_eq!(names.map(is_file_name), [true, true, true, false, false, false, false, false]);
    }

    #[test]
    fn a_sequence_is_read_from_an_id() {
        assert_eq!(sequence("000042-3f9a1c2b"), Some(42));
        assert_eq!(sequence("1000000-3f9a1c2b"), Some(1_000_000));
        assert_eq!((sequence("lost+found"), sequence("x-1")), (None, None));
    }
}
