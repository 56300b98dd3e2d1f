//! `views.sql`, as text; `tests/it` reads it with DuckDB.

use super::snapshots::publish;
use crate::publish::Warehouse;

#[test]
fn views_name_the_snapshot_and_show_public_tables_only() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(&folder.path().join("a [b]"), None).unwrap();
    let manifest = publish(&warehouse, "run-1", &["a"]);
    let sql = std::fs::read_to_string(warehouse.path().join("current/views.sql")).unwrap();
    let root = std::fs::canonicalize(folder.path()).unwrap();
    let expected = format!(
        "-- Snapshot {id} of pipeline nightly, as of 2026-06-30. In DuckDB: .read views.sql
-- The views read the snapshot's own files, so they never see two snapshots at once.

CREATE SCHEMA IF NOT EXISTS \"core\";

CREATE OR REPLACE VIEW \"core\".\"sales\" AS
SELECT \"k\", \"kind\"
FROM read_parquet('{root}/a [[]b]/snapshots/{id}/core/sales/data/**/*.parquet', hive_partitioning = true, \
         hive_types = {{'kind': VARCHAR}});
COMMENT ON VIEW \"core\".\"sales\" IS '客户''s sales';
",
        id = manifest.snapshot,
        root = root.display()
    );
    assert_eq!(sql, expected);
}

#[test]
fn a_partitioned_table_without_rows_has_typed_columns() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(&folder.path().join("w"), None).unwrap();
    publish(&warehouse, "run-1", &[]);
    let sql = std::fs::read_to_string(warehouse.path().join("current/views.sql")).unwrap();
    assert!(
        sql.contains("SELECT CAST(NULL AS BIGINT) AS \"k\", CAST(NULL AS VARCHAR) AS \"kind\"\nWHERE false;"),
        "{sql}"
    );
}
