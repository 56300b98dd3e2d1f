//! What people get wrong, and what disks and neighbours do: one clear message with its place, the right exit code, and the
//! old snapshot still served.

use std::{fs, process::Command};

use crate::project::{Project, Ran};

/// Makes a project with one source and one model, published once.
fn published() -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [order_no]\ncolumns:\n  order_no: { type: string }\n  day: { type: date }\n  amount: { type: \"decimal(18,2)\", required: true }\n",
    );
    project.model("core.sale", "SELECT order_no, day, amount\nFROM staged.sale\n");
    project.extract("sale/a.csv", "order_no,day,amount\n1,2024-01-05,10.00\n2,2024-02-06,5.00\n");
    project.run();
    project
}

/// Runs the pipeline, which must end so, and asserts that readers still see what they saw before.
fn run_in_vain(project: &Project, code: i32) -> Ran {
    let before = project.current();
    let ran = project.tallyhouse(&["run"]).ends(code);
    assert_eq!(project.current().path, before.path, "what is served");
    project.current().verify();
    assert_eq!(project.rows("core.sale"), ["1|2024-01-05|10.00", "2|2024-02-06|5.00"]);
    ran
}

#[test]
fn a_misspelt_column_in_a_model() {
    let project = published();
    project.model("core.sale", "SELECT order_no, day, amuont\nFROM staged.sale\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: unknown column `amuont`
     --> sql/core/sale.sql:1:23
      |
    1 | SELECT order_no, day, amuont
      |                       ^^^^^^
      |
      = help: did you mean `amount`?
    ");
}

#[test]
fn a_misspelt_table_in_a_model() {
    let project = published();
    project.model("core.sale", "SELECT order_no, day, amount\nFROM staged.sales\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: unknown table `staged.sales`
     --> sql/core/sale.sql:2:6
      |
    2 | FROM staged.sales
      |      ^^^^^^^^^^^^
      |
      = help: did you mean `staged.sale`?
    ");
}

#[test]
fn two_columns_that_only_case_tells_apart() {
    let project = published();
    project.model("core.sale", "SELECT order_no, day AS \"Day\", amount, day\nFROM staged.sale\n");
    let ran = run_in_vain(&project, 2);
    let told = "two columns of the result are named `day`, and case does not tell it from `Day`";
    assert!(ran.err.contains(told) && ran.err.contains("give one of them another alias"), "{}", ran.err);
}

#[test]
fn a_comparison_of_two_types_in_a_model() {
    let project = published();
    project.model("core.sale", "SELECT order_no, day, amount\nFROM staged.sale\nWHERE day > amount\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: cannot compare DATE with DECIMAL(18, 2)
     --> sql/core/sale.sql:3:7
      |
    3 | WHERE day > amount
      |       ^^^^^^^^^^^^
      |
      = help: dates compare with dates alone: one of the two is probably another column
    ");
}

#[test]
fn a_wrong_type_in_a_contract() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract.replace("type: date", "type: dat"));
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: unknown type `dat`
     --> pipelines/sources/sale.yaml:6:16
      |
    6 |   day: { type: dat }
      |                ^^^
      |
      = help: did you mean `date`?
    ");
}

#[test]
fn an_unknown_key_in_a_contract() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract.replace("required:", "requird:"));
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r#"
    error: unknown key `requird`
     --> pipelines/sources/sale.yaml:7:36
      |
    7 |   amount: { type: "decimal(18,2)", requird: true }
      |                                    ^^^^^^^
      |
      = help: did you mean `required`?
    "#);
}

#[test]
fn a_rule_that_names_no_column() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract + "rules:\n  - { name: positive, expr: \"amout > 0\" }\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r#"
    error: unknown column `amout`
      --> pipelines/sources/sale.yaml:10:30
       |
    10 |   - { name: positive, expr: "amout > 0" }
       |                              ^^^^^
       |
       = help: did you mean `amount`?

    note: `core.sale` is not checked: it waits for `staged.sale`
    "#);
}

#[test]
fn a_check_that_asks_for_the_run_date() {
    let project = published();
    project.model(
        "core.a",
        "/* ---\nchecks:\n  - expr: order_no <> CAST($run_date AS VARCHAR)\n--- */\nSELECT order_no FROM staged.sale\n",
    );
    let said = run_in_vain(&project, 2).err;
    assert!(said.contains("`$run_date` has no value in a check, which asks about rows alone"), "{said}");
    assert!(said.contains("sql/core/a.sql:3:11"), "{said}");
}

#[test]
fn models_that_read_each_other_in_a_circle() {
    let project = published();
    project.model("core.a", "SELECT order_no FROM core.b\n");
    project.model("core.b", "SELECT order_no FROM core.c\n");
    project.model("core.c", "SELECT order_no FROM core.a\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: models read each other in a circle: core.a → core.b → core.c → core.a
     --> sql/core/a.sql:1:22
      |
    1 | SELECT order_no FROM core.b
      |                      ^^^^^^
      |
      = help: take one of these reads out, or move the shared part into a model of its own
    ");
}

#[test]
fn mistakes_in_several_files_are_told_at_once() {
    let project = published();
    project.model("core.a", "SELECT one FROM staged.sale\n").model("core.b", "SELECT two FROM staged.sale\n");
    let said = run_in_vain(&project, 2).err;
    assert!(said.contains("unknown column `one`") && said.contains("unknown column `two`"), "{said}");
}

#[test]
fn a_model_that_reads_the_clock() {
    let project = published();
    project.model("core.sale", "SELECT order_no, now() AS read_at\nFROM staged.sale\n");
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: `now` does not give the same value on every run
     --> sql/core/sale.sql:1:18
      |
    1 | SELECT order_no, now() AS read_at
      |                  ^^^
      |
      = help: use `$run_date` for today; a model reads no clock and throws no dice
    ");
}

#[test]
fn a_folder_of_models_that_is_not_there() {
    let project = published();
    fs::remove_dir_all(project.path("sql")).unwrap();
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: cannot read `sql`: there is no such file
     --> pipelines/nightly.yaml:6:9
      |
    6 | models: ../sql
      |         ^^^^^^
      |
      = help: paths are relative to the pipeline file
    ");
}

#[test]
fn a_folder_of_sources_that_is_not_there() {
    let project = published();
    fs::remove_dir_all(project.path("pipelines/sources")).unwrap();
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: cannot read `pipelines/sources`: there is no such file
     --> pipelines/nightly.yaml:5:10
      |
    5 | sources: sources/*.yaml
      |          ^^^^^^^^^^^^^^
      |
      = help: paths are relative to the pipeline file
    ");
}

#[test]
fn a_glob_of_sources_that_matches_nothing() {
    let project = published();
    fs::remove_file(project.path("pipelines/sources/sale.yaml")).unwrap();
    insta::assert_snapshot!(run_in_vain(&project, 2).err, @r"
    error: no file matches `pipelines/sources/*.yaml`
     --> pipelines/nightly.yaml:5:10
      |
    5 | sources: sources/*.yaml
      |          ^^^^^^^^^^^^^^
      |
      = help: paths are relative to the pipeline file
    ");
}

#[test]
fn a_pipeline_that_is_not_there() {
    let project = published();
    insta::assert_snapshot!(project.tallyhouse(&["run", "--pipeline", "pipelines/weekly.yaml"]).ends(2).err, @r"
    error: cannot read `pipelines/weekly.yaml`: there is no such file
      hint: name the pipeline file with `--pipeline path/to/pipeline.yaml`
    ");
}

#[test]
fn an_extract_that_is_not_there() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract.replace("sale/*", "sale/b.csv"));
    insta::assert_snapshot!(run_in_vain(&project, 3).err, @r"
    error: source `sale`: there is no file `<project>/extracts/sale/b.csv`
      hint: did you mean `a.csv`?
    ");
}

#[test]
fn a_workbook_that_cannot_be_read() {
    let project = published();
    project.extract("sale/b.xlsx", [0x1f; 3_000]);
    insta::assert_snapshot!(run_in_vain(&project, 1).error(), @r"
    error: source `sale`: cannot read `b.xlsx`: its bytes are no workbook's
      hint: save it again as a workbook, or declare `format` in the source's contract; or say `on_unreadable: keep_previous`, or narrow `location`
    ");
}

#[test]
fn a_workbook_that_was_cut_off() {
    let project = published();
    let path = project.path("whole.xlsx");
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().write(0, 0, "order_no").unwrap();
    workbook.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    project.extract("sale/b.xlsx", &whole[..whole.len() / 2]);
    let said = run_in_vain(&project, 1);
    assert!(said.error().starts_with("error: source `sale`: cannot read `b.xlsx`: "), "{}", said.err);
}

#[test]
fn a_header_without_a_required_column() {
    let project = published();
    project.extract("sale/b.csv", "order_no,day\n3,2024-01-01\n");
    insta::assert_snapshot!(run_in_vain(&project, 1).error(), @r"
    error: source `sale`: cannot read `b.csv`: the header lacks the required column `amount`; it has order_no, day
      hint: expected `amount` as amount; add the file's own name to `from`, or declare its header row; or say `on_unreadable: keep_previous`, or narrow `location`
    ");
}

#[test]
fn more_rejected_rows_than_the_contract_allows() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract + "reject_limit: { share: 0.3 }\n");
    project.extract("sale/b.csv", "order_no,day,amount\n3,2024-01-05,ten\n4,2024-13-01,4\n");
    insta::assert_snapshot!(run_in_vain(&project, 1).error(), @r"
    error: source `sale` has 2 rejected rows of 4 (50.0 %), more than its `reject_limit`: type 2
        b.csv:2, `amount`: type: `ten` is not a number
        b.csv:3, `day`: type: `2024-13-01`: there is no day 2024-13-01
      hint: ask for the files again, mend the contract, or raise `reject_limit`
    ");
}

#[test]
fn as_many_rejected_rows_as_the_contract_allows_are_published() {
    let project = published();
    let contract = fs::read_to_string(project.path("pipelines/sources/sale.yaml")).unwrap();
    project.file("pipelines/sources/sale.yaml", contract + "reject_limit: { share: 0.5, rows: 2 }\n");
    project.extract("sale/b.csv", "order_no,day,amount\n3,2024-01-05,ten\n4,2024-13-01,4\n");
    assert_eq!(project.run()["outcome"], "published");
}

#[test]
fn a_check_that_fails_stops_the_publication() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nchecks:\n  - expr: amount < 6\n    name: small\n--- */\nSELECT order_no, amount FROM staged.sale\n",
    );
    let ran = run_in_vain(&project, 1);
    let end = ran.out.find("\nchecks:").unwrap() + 1;
    let served = project.current().id().to_owned();
    insta::assert_snapshot!(ran.out[end..].replace(&served, "<served>"), @r#"
    checks: 1 run, 1 failed, 0 warnings
      error: core.sale small fails for 1 row (sql/core/sale.sql:3:5)
        {"amount":10.00}

    stopped before publishing: a check failed: core.sale small; snapshot <served> is still served
    "#);
}

#[test]
fn a_check_that_only_warns_lets_the_publication_pass() {
    let project = published();
    project.model(
        "core.sale",
        "/* ---\nchecks:\n  - expr: amount < 6\n    severity: warn\n    name: small\n--- */\nSELECT order_no, amount FROM staged.sale\n",
    );
    let report = project.run();
    assert_eq!(report["outcome"], "published");
    assert_eq!(report["failed_checks"][0]["check"], "small");
    assert_eq!(report["failed_checks"][0]["failed_rows"], 1);
    assert_eq!(project.rows("core.sale"), ["1|10.00", "2|5.00"]);
}

#[test]
fn a_check_of_every_kind_finds_its_row() {
    let project = published();
    let failing = [
        ("not_null: [day]", "not_null"),
        ("unique: [customer]", "unique"),
        ("accepted_values: { column: customer, values: [a] }", "accepted_values"),
        ("relationships: { column: customer, to: core.sale, field: order_no }", "relationships"),
        ("expr: amount > 0", "expr"),
        ("row_count: { min: 10 }", "row_count"),
    ];
    let sql = "SELECT 'b' AS customer, CAST(NULL AS DATE) AS day, -1 AS amount UNION ALL SELECT 'b', CAST('2024-01-01' AS DATE), 1";
    for (check, name) in failing {
        project.model("core.odd", &format!("/* ---\nchecks:\n  - {check}\n--- */\n{sql}\n"));
        let report = project.tallyhouse(&["run", "--output", "json"]).ends(1).json();
        let failed = report["failed_checks"].as_array().unwrap();
        assert_eq!(failed.len(), 1, "{check}");
        assert!(failed[0]["check"].as_str().unwrap().starts_with(name), "{failed:?}");
        assert_eq!(failed[0]["written_at"], "sql/core/odd.sql:3:5");
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_model() {
    let project = published();
    project.model("core.sale", "SELECT CAST('x' || order_no AS INT) AS number FROM staged.sale\n");
    let said = run_in_vain(&project, 1).error().to_owned();
    assert!(said.starts_with("error: `core.sale` cannot be computed from these rows: "), "{said}");
    assert!(said.ends_with("\n  hint: `TRY_CAST` gives NULL where a value does not fit\n"), "{said}");
}

#[test]
fn a_warehouse_below_a_file() {
    let project = published();
    project.file("file", "");
    project.file("pipelines/nightly.yaml", with_warehouse(&project, "../file/warehouse"));
    let said = project.tallyhouse(&["run"]).ends(3).err;
    assert!(said.starts_with("error: cannot create `<project>/file/warehouse`: not a directory"), "{said}");
}

#[test]
fn a_warehouse_that_is_a_file() {
    let project = published();
    project.file("file", "");
    project.file("pipelines/nightly.yaml", with_warehouse(&project, "../file"));
    insta::assert_snapshot!(project.tallyhouse(&["run"]).ends(3).err, @"error: cannot open the warehouse `<project>/file`: not a directory");
}

#[test]
fn a_warehouse_whose_folder_above_is_missing() {
    let project = published();
    project.file("pipelines/nightly.yaml", with_warehouse(&project, "../disk/warehouse"));
    insta::assert_snapshot!(project.tallyhouse(&["run"]).ends(3).err, @r"
    error: cannot create `<project>/disk/warehouse`: no such file or directory
      hint: create the folder above it, or correct `warehouse` in the pipeline file
    ");
}

fn with_warehouse(project: &Project, path: &str) -> String {
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    pipeline.replace("${TALLYHOUSE_WAREHOUSE:-../warehouse}", path)
}

#[test]
fn a_read_only_warehouse_is_told_and_still_read() {
    let project = published();
    let Some(said) = mounted(
        &project,
        "$TALLYHOUSE run 2>&1 >/dev/null | grep -v '^[a-z]*ing\\|^staged\\|^built'\n\
         printf 'order_no,day,amount\\n3,2024-01-05,1\\n' > extracts/sale/b.csv\n\
         mount -o remount,ro warehouse\n\
         $TALLYHOUSE run > /dev/null; echo \"exit $?\"\n\
         $TALLYHOUSE query 'SELECT count(*) AS rows FROM core.sale' --output json\n",
    ) else {
        return;
    };
    insta::assert_snapshot!(said, @r#"
    error: cannot open `<project>/warehouse/lock`: the file system is read-only
      hint: mount the file system writable, or set `warehouse` to another folder
    exit 3
    [{"rows":2}]
    "#);
}

#[test]
fn a_full_disk_stops_the_run_and_the_next_one_goes_on() {
    let project = published();
    // The forecast would refuse the run before it begins.
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "publish: { on_low_space: warn }\n");
    let Some(said) = mounted(
        &project,
        "$TALLYHOUSE run > /dev/null 2>&1\n\
         readlink warehouse/current > served\n\
         printf 'order_no,day,amount\\n3,2024-01-05,1\\n' > extracts/sale/b.csv\n\
         for spare in 0 4 8 12 16 20 24 28 32 36 40 44 48 52 56 60; do\n\
           dd if=/dev/zero of=warehouse/ballast bs=4k 2> /dev/null\n\
           truncate -s -${spare}k warehouse/ballast\n\
           $TALLYHOUSE run > /dev/null 2> said; code=$?\n\
           [ \"$(readlink warehouse/current)\" = \"$(cat served)\" ] || break\n\
           grep -A1 '^error' said | sed \"s/\\`[^\\`]*\\`/…/g\"; echo \"exit $code\"\n\
         done | sort | uniq -c | sort -rn | sed 's/^ *[0-9]* //'\n\
         rm -f warehouse/ballast\n\
         $TALLYHOUSE run > /dev/null 2>&1; echo \"then exit $?\"\n\
         $TALLYHOUSE query 'SELECT count(*) AS rows FROM core.sale' --output json\n\
         ls -A warehouse/staging\n",
    ) else {
        return;
    };
    let lines: std::collections::BTreeSet<&str> = said.lines().collect();
    let is_known = |line: &&&str| {
        line.starts_with("error: ") && line.ends_with(": the disk is full")
            || ["exit 3", "then exit 0", "[{\"rows\":3}]"].contains(line)
            || line.trim_start().starts_with("hint: free some space")
    };
    let strange: Vec<_> = lines.iter().filter(|line| !is_known(line)).collect();
    assert!(strange.is_empty(), "{said}");
    assert!(["exit 3", "then exit 0", "[{\"rows\":3}]"].iter().all(|line| lines.contains(line)), "{said}");
}

/// Runs a shell script in which `warehouse` is an empty disk of 1 MB; None, with a printed reason, where the system does
/// not let this user mount one.
fn mounted(project: &Project, script: &str) -> Option<String> {
    let namespaces = [vec!["--mount"], vec!["--user", "--map-root-user", "--mount"]];
    let may_mount = |flags: &&Vec<&str>| {
        let attempt = Command::new("unshare").args(*flags).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
        attempt.is_ok_and(|output| output.status.success())
    };
    let Some(flags) = namespaces.iter().find(may_mount) else {
        eprintln!("skipped: this user may not mount a disk, which `unshare --user --map-root-user --mount` would need");
        return None;
    };
    fs::remove_dir_all(project.path("warehouse")).unwrap();
    fs::create_dir(project.path("warehouse")).unwrap();
    let script = format!("exec 2>&1\nmount -t tmpfs -o size=1m tmpfs warehouse\n{script}");
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", &script]).current_dir(project.path(""));
    command.env("TALLYHOUSE", env!("CARGO_BIN_EXE_tallyhouse"));
    let output = command.output().unwrap();
    let root = project.path("").canonicalize().unwrap();
    Some(String::from_utf8(output.stdout).unwrap().replace(root.to_str().unwrap(), "<project>"))
}

#[test]
fn a_second_run_at_once() {
    let project = published();
    let lock = fs::File::options().write(true).open(project.path("warehouse/lock")).unwrap();
    lock.lock().unwrap();
    fs::write(
        project.path("warehouse/lock"),
        r#"{"pid":7,"host":"etl1","run":"20260630T010000Z-7","started_at":"2026-06-30T01:00:00Z"}"#,
    )
    .unwrap();
    insta::assert_snapshot!(run_in_vain(&project, 4).err, @"error: run `20260630T010000Z-7` (process 7 on `etl1`, since 2026-06-30T01:00:00Z) holds the warehouse `<project>/warehouse`");
    insta::assert_snapshot!(project.tallyhouse(&["snapshots", "rollback", "1"]).ends(4).err, @"error: run `20260630T010000Z-7` (process 7 on `etl1`, since 2026-06-30T01:00:00Z) holds the warehouse `<project>/warehouse`");
    drop(lock);
    project.tallyhouse(&["run"]).succeeds();
}

#[test]
fn an_unknown_variable() {
    let project = published();
    insta::assert_snapshot!(project.tallyhouse(&["run", "--var", "churn_days=3"]).ends(2).err, @"error: the pipeline declares no variable `churn_days`");
    let pipeline = fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline + "variables: { churn_days: 365 }\n");
    insta::assert_snapshot!(project.tallyhouse(&["run", "--var", "chrun_days=3"]).ends(2).err, @r"
    error: the pipeline declares no variable `chrun_days`
      hint: did you mean `churn_days`?
    ");
    insta::assert_snapshot!(project.tallyhouse(&["run", "--var", "churn_days=long"]).ends(2).err, @r"
    error: `--var churn_days=long` is no integer
      hint: a variable keeps the type of its value in the pipeline file
    ");
}

#[test]
fn an_unknown_table_to_show() {
    let project = published();
    let said = project.tallyhouse(&["show", "core.sal"]).ends(2).err;
    let served = project.current().id().to_owned();
    insta::assert_snapshot!(said.replace(&served, "<served>"), @r"
    error: snapshot <served> has no table `core.sal`
      hint: did you mean `core.sale`?
    ");
    insta::assert_snapshot!(project.tallyhouse(&["show", "sal"]).ends(2).err, @r"
    error: no table fits `sal`
      hint: did you mean `sale`?
    ");
}

#[test]
fn a_question_before_the_first_run() {
    let project = Project::new();
    project.source("sale", "columns:\n  id: { type: int }\n");
    for arguments in [vec!["show", "staged.sale"], vec!["query", "SELECT 1"], vec!["rejects"]] {
        insta::allow_duplicates!(insta::assert_snapshot!(project.tallyhouse(&arguments).ends(2).err, @r"
        error: `warehouse` serves no snapshot yet
          hint: `tallyhouse run` publishes the first
        "));
    }
}

#[test]
fn a_misspelt_column_in_a_query() {
    let project = published();
    insta::assert_snapshot!(project.tallyhouse(&["query", "SELECT amuont FROM core.sale"]).ends(2).err, @r"
    error: unknown column `amuont`
     --> query:1:8
      |
    1 | SELECT amuont FROM core.sale
      |        ^^^^^^
      |
      = help: did you mean `amount`?
    ");
}

#[test]
fn a_statement_that_is_no_query() {
    let project = published();
    let said = project.tallyhouse(&["query", "DELETE FROM core.sale"]).ends(2).err;
    assert!(said.starts_with("error: expected a query\n --> query:1:1\n"), "{said}");
    assert_eq!(project.rows("core.sale").len(), 2);
}

#[test]
fn an_unknown_option() {
    let project = published();
    let said = project.tallyhouse(&["run", "--ful"]).ends(2).err;
    assert!(said.starts_with("error: unexpected argument '--ful' found\n"), "{said}");
}

#[test]
fn a_program_gets_the_mistake_as_json() {
    let project = published();
    project.model("core.sale", "SELECT order_no, day, amuont\nFROM staged.sale\n");
    let told = project.tallyhouse(&["check", "--output", "json"]).ends(2).json();
    assert_eq!(
        told,
        serde_json::json!({
            "error": "1 problem(s) in the definitions", "hint": null, "exit_code": 2,
            "findings": [{
                "code": null, "severity": "error", "message": "unknown column `amuont`", "file": "sql/core/sale.sql",
                "line": 1, "column": 23, "end_line": 1, "end_column": 29, "start_byte": 22, "end_byte": 28,
                "label": null, "hint": "did you mean `amount`?",
                "fix": {
                    "line": 1, "column": 23, "end_line": 1, "end_column": 29, "start_byte": 22, "end_byte": 28,
                    "text": "amount",
                },
                "also": [],
            }],
        })
    );
}
