//! Where things lie in a warehouse. Pure: paths in, paths out, no disk.
//!
//! ```text
//! <warehouse>/
//!   current -> snapshots/<id>         current.json   hold.json
//!   env/<name> -> ../snapshots/<id>   env/<name>.json env/<name>.hold.json
//!   snapshots/<id>/manifest.json  views.sql
//!                  <schema>/<table>/data/<partition>=<value>/<content>.parquet
//!                  <schema>/<table>/_delta_log/<version>.json
//!                  private/{staged,quarantine}/<table>/data/…
//!   staging/<run>/…                   the same below as in a snapshot
//!   runs/<run>.json                   lock
//! ```

use std::path::{Path, PathBuf};

use crate::record::TableName;

/// The folder of tables that may hold personal data.
pub(super) const PRIVATE: &str = "private";
/// The manifest's file name.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file of `DuckDB` views.
pub(super) const VIEWS: &str = "views.sql";
/// The folder of snapshots.
pub(super) const SNAPSHOTS: &str = "snapshots";

/// Returns a table's folder below a snapshot or a staging folder.
pub(super) fn table_path(table: &TableName) -> PathBuf {
    let path = Path::new(&table.schema).join(&table.table);
    if table.is_private() { Path::new(PRIVATE).join(path) } else { path }
}

/// Returns the folder of a table's data files below a snapshot or a staging folder.
pub(super) fn data_path(table: &TableName) -> PathBuf {
    table_path(table).join("data")
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

/// Which link a command reads and replaces: production's, or an environment's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The symbolic link.
    pub link: PathBuf,
    /// The same for readers without symbolic links.
    pub pointer: PathBuf,
    /// The hold after a rollback.
    pub hold: PathBuf,
    /// From the link's folder to the warehouse.
    up: &'static str,
}

impl Target {
    /// Returns production's files.
    pub fn production(warehouse: &Path) -> Self {
        let file = |name| warehouse.join(name);
        Self { link: file("current"), pointer: file("current.json"), hold: file("hold.json"), up: "" }
    }

    /// Returns an environment's files.
    pub fn environment(warehouse: &Path, name: &str) -> Self {
        let file = |end| warehouse.join("env").join(format!("{name}{end}"));
        Self { link: file(""), pointer: file(".json"), hold: file(".hold.json"), up: "../" }
    }

    /// Returns what the link holds when it serves a snapshot: relative, so that the warehouse can be moved.
    pub fn points_at(&self, snapshot: &str) -> PathBuf {
        PathBuf::from(format!("{}{SNAPSHOTS}/{snapshot}", self.up))
    }
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
        let warehouse = Path::new("/w");
        assert_eq!(Target::production(warehouse).points_at("000001-ab"), Path::new("snapshots/000001-ab"));
        let dev = Target::environment(warehouse, "dev");
        assert_eq!(dev.points_at("000001-ab"), Path::new("../snapshots/000001-ab"));
        assert_eq!((dev.link, dev.pointer), (PathBuf::from("/w/env/dev"), PathBuf::from("/w/env/dev.json")));
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
