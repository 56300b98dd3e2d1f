//! A warehouse in an object store: the same runs over servers that speak as S3 and Google do as over a folder.

use std::{collections::BTreeMap, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    project::{Project, is_night, repository},
    servers::{Served, serve},
};

const SALE: &str = "\
key: [order_no]
partition_by: [month]
reject_limit: { share: 0.5 }
columns:
  order_no: { type: string, required: true }
  month: { type: string }
  amount: { type: \"decimal(18,2)\" }
";

const BY_MONTH: &str = "/* ---
partition_by: [month]
key: [month]
checks: [{ not_null: [total] }]
--- */
SELECT month, sum(amount) AS total, count(*) AS orders FROM staged.sale GROUP BY month";

const TOTAL: &str = "SELECT sum(total) AS total FROM core.by_month";

/// Writes the same pipeline whatever it publishes into.
fn sales(project: &Project) {
    project.source("sale", SALE).model("core.by_month", BY_MONTH).model("core.total", TOTAL);
    for (month, amounts) in [("2026-01", [1, 2]), ("50% 客户's/一", [3, 4]), ("", [5, 6])] {
        let line = |(index, amount): (usize, &i32)| format!("{month}-{index},{month},{amount}.50\n");
        let lines: String = amounts.iter().enumerate().map(line).collect();
        let name = month.replace('/', "_");
        project.extract(&format!("sale/sale_{name}.csv"), format!("order_no,month,amount\n{lines}"));
    }
    project.extract("sale/odd.csv", "order_no,month,amount\nodd,2026-01,much\n");
}

/// Returns a project that publishes into a bucket of `s3:` or `gs:`, and the server.
fn in_bucket(scheme: &str) -> Option<(Project, Served)> {
    let mut project = Project::new();
    sales(&project);
    let kind = if scheme == "gs" { "google" } else { scheme };
    let served = serve(kind, &project.path("sql/none"), "house")?;
    publish_into(&mut project, &served.address, &format!("{scheme}://house/dw 仓库/"));
    Some((project, served))
}

fn publish_into(project: &mut Project, address: &str, warehouse: &str) {
    let pipeline = std::fs::read_to_string(project.path("pipelines/nightly.yaml")).unwrap();
    let line = pipeline.lines().find(|line| line.starts_with("warehouse:")).unwrap();
    project.file("pipelines/nightly.yaml", pipeline.replace(line, &format!("warehouse: \"{warehouse}\"")));
    let key = json!({
        "gcs_base_url": address, "disable_oauth": true,
        "client_email": "", "private_key": "geheim", "private_key_id": "",
    });
    project.file("key.json", key.to_string());
    let key = project.path("key.json").display().to_string();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", address),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "geheim"),
        ("GOOGLE_SERVICE_ACCOUNT", key.as_str()),
        ("TALLYHOUSE_RETRIES", "1"),
    ] {
        project.set(name, value);
    }
}

/// Returns what strangers find in the bucket, which must hold nothing that nobody knows. They speak S3, to Google too.
fn strangers_find(served: &Served) -> Value {
    let mut command = Command::new("python3");
    command.arg(repository("tests/outside/store.py")).args([&served.address, "house", "dw 仓库"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["unknown"], &found["missing"]), (&json!([]), &json!([])));
    found
}

fn rebuilt(report: &Value) -> BTreeMap<&str, usize> {
    let models = report["models"].as_array().unwrap().iter();
    models.map(|model| (model["table"].as_str().unwrap(), model["rebuilt"].as_array().unwrap().len())).collect()
}

const QUERY: &str = "SELECT month, total, orders FROM core.by_month ORDER BY month NULLS LAST";

#[test]
fn nights_over_a_bucket_are_those_over_a_folder() {
    nights_are_those_over_a_folder("s3");
}

#[test]
fn nights_over_a_google_bucket_are_those_over_a_folder() {
    nights_are_those_over_a_folder("gs");
}

fn nights_are_those_over_a_folder(scheme: &str) {
    let Some((bucket, served)) = in_bucket(scheme) else { return };
    let folder = Project::new();
    sales(&folder);
    let same = |step: &str| {
        let (here, there) = (folder.run(), bucket.run());
        for key in ["outcome", "warnings", "failed_checks"] {
            let without_ids =
                |report: &Value| report[key].to_string().replace(|letter: char| letter.is_ascii_hexdigit(), "");
            assert_eq!(without_ids(&here), without_ids(&there), "{step}");
        }
        assert_eq!(rebuilt(&here), rebuilt(&there), "{step}");
        assert_eq!(folder.query(QUERY), bucket.query(QUERY), "{step}");
        let found = strangers_find(&served);
        for table in ["core.by_month", "core.total"] {
            assert_eq!(found["tables"][table].as_array().unwrap().len(), folder.rows(table).len(), "{step}");
            assert_eq!(found["polars"][table], folder.rows(table).len(), "{step}");
            assert_eq!(found["delta"][table].as_array().unwrap().len(), folder.rows(table).len(), "{step}");
        }
        there
    };
    same("the first night");
    assert_eq!(bucket.query(QUERY), ["2026-01|4.0|2", "50% 客户's/一|8.0|2", "NULL|12.0|2"]);
    let idle = same("nothing changed");
    assert_eq!(idle["sources"][0]["is_unchanged"], true);
    for project in [&folder, &bucket] {
        project.extract(
            "sale/sale_2026-01.csv",
            "order_no,month,amount\n2026-01-0,2026-01,9.50\n2026-01-1,2026-01,2.50\n",
        );
    }
    let corrected = same("a corrected line");
    assert_eq!(rebuilt(&corrected), BTreeMap::from([("core.by_month", 1), ("core.total", 1)]));
    for project in [&folder, &bucket] {
        project.withdraw("sale/sale_.csv");
    }
    same("a withdrawn file");
    assert_eq!(bucket.query("SELECT * FROM core.total"), ["20.0"]);
    let shown = bucket.tallyhouse(&["rejects", "--output", "json"]).succeeds().json();
    assert_eq!(shown[0]["faults"], 1);
    let plan = bucket.tallyhouse(&["plan", "--output", "json"]).succeeds().json();
    assert_eq!(plan["models"][0]["rebuilt"], json!([]));
}

#[test]
fn snapshots_of_a_bucket_are_listed_rolled_back_and_released() {
    let Some((bucket, served)) = in_bucket("s3") else { return };
    bucket.run();
    bucket.extract("sale/more.csv", "order_no,month,amount\nx,2026-02,1\n");
    bucket.run();
    let listed = bucket.tallyhouse(&["snapshots", "--output", "json"]).succeeds().json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let diff = bucket.tallyhouse(&["snapshots", "diff", "--output", "json"]).succeeds().json();
    let by_month = diff["tables"].as_array().unwrap().iter().find(|table| table["table"] == "core.by_month").unwrap();
    assert_eq!(by_month["rows"]["added"], 1, "{by_month}");
    let verified = bucket.tallyhouse(&["snapshots", "verify", "--all", "--output", "json"]).succeeds().json();
    assert_eq!(verified["findings"], json!([]));
    bucket.tallyhouse(&["snapshots", "rollback", "1"]).succeeds();
    assert_eq!(bucket.query("SELECT count(*) FROM core.by_month"), ["3"]);
    let held = bucket.tallyhouse(&["run"]).ends(1);
    assert!(held.error().contains("is held (rollback to 000001-"), "{}", held.err);
    bucket.tallyhouse(&["snapshots", "release"]).succeeds();
    bucket.run();
    assert_eq!(bucket.query("SELECT count(*) FROM core.by_month"), ["4"]);
    bucket.extract("sale/dev.csv", "order_no,month,amount\ny,2026-03,1\n");
    bucket.run_with(&["--env", "dev"]);
    assert_eq!(bucket.query("SELECT count(*) FROM core.by_month"), ["4"]);
    let dev =
        bucket.tallyhouse(&["query", "SELECT count(*) AS n FROM core.by_month", "--env", "dev", "--output", "json"]);
    assert_eq!(dev.succeeds().json(), json!([{ "n": 5 }]));
    strangers_find(&served);
    bucket.tallyhouse(&["snapshots", "vacuum", "--keep", "1", "--apply"]).succeeds();
    assert_eq!(bucket.query("SELECT count(*) FROM core.by_month"), ["4"]);
    strangers_find(&served);
    let address = format!("{}/house/dw%20%E4%BB%93%E5%BA%93/core/total/data/litter.parquet", served.address);
    let put = "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], b'x', method='PUT'))";
    let put = Command::new("python3").args(["-c", put, &address]).status().unwrap();
    assert!(put.success());
    let verified = bucket.tallyhouse(&["snapshots", "verify", "--output", "json"]).ends(1).json();
    assert_eq!(verified["findings"][0]["path"], "core/total/data/litter.parquet");
}

#[test]
fn a_run_over_a_bucket_that_is_killed_leaves_a_whole_snapshot_and_no_litter() {
    let Some((bucket, served)) = in_bucket("s3") else { return };
    bucket.run();
    for night in 0..if is_night() { 100_u64 } else { 6 } {
        let line = |line: u32| format!("n{night}-{line},2026-{:02},1\n", line % 12 + 1);
        let lines: String = (0..200).map(line).collect();
        bucket.extract(&format!("sale/night_{night:03}.csv"), format!("order_no,month,amount\n{lines}"));
        let mut run = bucket.start(&["run"]);
        thread::sleep(Duration::from_millis(night * 97 % 800));
        run.kill().unwrap();
        run.wait().unwrap();
        let orders = bucket.query("SELECT CAST(sum(orders) AS BIGINT) FROM core.by_month");
        let before = 6 + 200 * night;
        assert!([before.to_string(), (before + 200).to_string()].contains(&orders[0]), "{orders:?} after {before}");
        bucket.run();
        assert_eq!(bucket.query("SELECT CAST(sum(orders) AS BIGINT) FROM core.by_month"), [(before + 200).to_string()]);
        strangers_find(&served);
    }
}

#[test]
fn of_two_runs_over_a_bucket_one_publishes() {
    of_two_runs_one_publishes("s3");
}

#[test]
fn of_two_runs_over_a_google_bucket_one_publishes() {
    of_two_runs_one_publishes("gs");
}

fn of_two_runs_one_publishes(scheme: &str) {
    let Some((bucket, served)) = in_bucket(scheme) else { return };
    bucket.run();
    for night in 0..4 {
        bucket.extract(&format!("sale/{night}.csv"), format!("order_no,month,amount\n{night},2026-05,1\n"));
        let mut first = bucket.start(&["run"]);
        let second = bucket.tallyhouse(&["run"]);
        let first = first.wait().unwrap().code().unwrap();
        assert!([0, 4].contains(&first) && [0, 4].contains(&second.code), "{first} {}: {}", second.code, second.err);
        assert!(first == 0 || second.code == 0);
        if second.code == 4 {
            let said = format!("holds the warehouse `{scheme}://house/dw 仓库`");
            assert!(second.error().contains(&said), "{}", second.err);
        }
        strangers_find(&served);
    }
}

#[test]
fn a_store_that_refuses_is_named_with_advice() {
    let mut project = Project::new();
    sales(&project);
    publish_into(&mut project, "http://127.0.0.1:9", "s3://house/dw");
    let ran = project.tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("`s3://house/dw/"), "{}", ran.err);
    assert!(ran.error().contains("nobody answers: connection refused after 2 attempts"), "{}", ran.err);
    for (warehouse, said) in [
        ("https://host/dw", "a web server cannot be written"),
        ("s3://key:geheim@house/dw", "may not hold a user and password"),
        ("s3:///dw", "the bucket or container is not named"),
        ("ftp://house/dw", "`ftp://` locations are not read"),
    ] {
        publish_into(&mut project, "http://127.0.0.1:9", warehouse);
        let ran = project.tallyhouse(&["check"]).ends(2);
        assert!(ran.error().contains(said), "{}", ran.err);
        assert!(!ran.err.contains("geheim") && ran.error().contains("nightly.yaml"), "{}", ran.err);
    }
    let Some(served) = serve("s3", &project.path("sql/none"), "house") else { return };
    publish_into(&mut project, &served.address, "s3://another/dw");
    let ran = project.tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("there is no bucket `another`"), "{}", ran.err);
}
