//! Readers that share no code with this one: DuckDB, Polars, pyarrow and delta-rs over the published fixtures, a plain Python
//! computation of every answer, and a JSON Schema validator over the shipped definitions.

use std::process::Command;

use crate::{
    evolve,
    project::{is_outside_required, repository},
    shipped,
};

/// What the scripts import.
const PACKAGES: &str = "import deltalake, duckdb, polars, pyarrow, jsonschema, yaml";

#[test]
fn duckdb_polars_and_pyarrow_read_what_the_manifest_says() {
    let warehouse = shipped::published().warehouse.display().to_string();
    let truth = repository("fixtures/truth/totals.csv").display().to_string();
    python("readers.py", &[&warehouse, "--totals", &truth]);
}

#[test]
fn every_table_of_the_fixtures_is_a_delta_table() {
    let current = shipped::published().warehouse.join("current").display().to_string();
    python("delta.py", &[&current]);
}

#[test]
fn every_answer_is_what_plain_python_computes() {
    let current = shipped::published().warehouse.join("current").display().to_string();
    python("answers.py", &[&current, "--run-date", "2026-06-30"]);
}

#[test]
fn the_shipped_definitions_satisfy_their_schemas() {
    python("schemas.py", &[repository("").to_str().unwrap()]);
}

#[test]
fn duckdb_polars_and_pyarrow_read_old_and_new_files_of_a_table_that_evolved() {
    for is_mixed in [false, true] {
        let project = evolve::grown(is_mixed);
        let current = project.path("warehouse/current").display().to_string();
        let columns = "id, month, units, CAST(amount AS VARCHAR) AS amount, seen, note";
        let rows = project.query(&format!("SELECT {columns} FROM core.sale ORDER BY id"));
        python("evolved.py", &[&current, "core.sale", &rows.join("\n")]);
    }
}

/// Runs a script of `tests/outside/`, which must succeed; without the packages it is skipped, unless that is forbidden.
pub fn python(script: &str, arguments: &[&str]) {
    let packages = Command::new("python3").args(["-c", PACKAGES]).output();
    if !packages.is_ok_and(|output| output.status.success()) {
        let missing =
            format!("python3 with deltalake, duckdb, polars, pyarrow, jsonschema and pyyaml is needed for {script}");
        assert!(!is_outside_required(), "{missing}");
        eprintln!("skipped: {missing}; `.ci/run` installs them");
        return;
    }
    let output =
        Command::new("python3").arg(repository("tests/outside").join(script)).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script} says:\n{}{}", text(&output.stdout), text(&output.stderr));
}
