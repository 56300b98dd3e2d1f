//! Files that lie elsewhere: servers that speak as S3 and Google do and a web server, each started for its test.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    project::Project,
    servers::{Served, serve},
};

const SALE: &str = "\
key: [order_no]
columns:
  order_no: { type: string, required: true }
  amount: { type: \"decimal(18,2)\" }
";

/// Makes a project whose source has a location.
fn reading(location: &str) -> Project {
    let mut project = Project::new();
    project.source("sale", &format!("location: {location}\n{SALE}"));
    project.set("TALLYHOUSE_RETRIES", "1");
    project
}

/// Lets a project read from an S3 server.
fn read_s3(project: &mut Project, served: &Served) {
    project.set("AWS_ENDPOINT_URL", served.address.clone());
    project.set("AWS_ALLOW_HTTP", "true");
    project.set("AWS_ACCESS_KEY_ID", "test");
    project.set("AWS_SECRET_ACCESS_KEY", "geheim");
}

/// Lets a project read from a server of Google's, as from a public bucket.
fn read_google(project: &mut Project, served: &Served) {
    project.set("GOOGLE_BASE_URL", served.address.clone());
    project.set("GOOGLE_SKIP_SIGNATURE", "true");
}

fn paths(report: &Value) -> Vec<&str> {
    let files = report["sources"][0]["files"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap()).collect()
}

/// Writes files of a few order lines each, under names that people give.
fn extracts() -> Project {
    let project = Project::new();
    let names = [
        "plain.csv",
        "2026/a b.csv",
        "2026/100%.csv",
        "2026/a%20b.csv",
        "2026/a#2+c.csv",
        "销售/二月 (1).csv",
        "x/y&z=1,;@.csv",
    ];
    for (index, name) in names.iter().enumerate() {
        project.extract(&format!("sale/{name}"), format!("order_no,amount\n{index}-1,1.50\n{index}-2,oops\n"));
    }
    project.extract("sale/.hidden/a.csv", "order_no\n9\n").extract("sale/2026/~$a.csv", "order_no\n9\n");
    project
}

#[test]
fn a_bucket_gives_the_same_tables_as_a_folder() {
    gives_the_same_tables_as_a_folder("s3", "s3://dealer-data", read_s3);
}

#[test]
fn a_google_bucket_gives_the_same_tables_as_a_folder() {
    gives_the_same_tables_as_a_folder("google", "gs://dealer-data", read_google);
}

fn gives_the_same_tables_as_a_folder(kind: &str, bucket: &str, read: fn(&mut Project, &Served)) {
    let local = extracts();
    let Some(served) = serve(kind, &local.path("extracts"), "dealer-data") else { return };
    local.source("sale", &format!("location: ../../extracts/sale/**/*.csv\n{SALE}"));
    let here = local.run();
    let mut project = reading(&format!("{bucket}/sale/**/*.csv"));
    read(&mut project, &served);
    let there = project.run();
    assert_eq!(paths(&here), paths(&there));
    assert_eq!(paths(&there).len(), 7);
    assert_eq!(project.rows("staged.sale"), local.rows("staged.sale"));
    assert_eq!(project.rows("quarantine.sale"), local.rows("quarantine.sale"));
    assert_eq!(project.run()["sources"][0]["is_unchanged"], true);
}

#[test]
fn one_object_is_named_letter_by_letter() {
    let local = extracts();
    let Some(served) = serve("s3", &local.path("extracts"), "bucket") else { return };
    for key in ["2026/100%.csv", "2026/a%20b.csv", "2026/a#2+c.csv", "销售/二月 (1).csv"] {
        let mut project = reading(&format!("\"s3://bucket/sale/{key}\""));
        read_s3(&mut project, &served);
        assert_eq!(paths(&project.run()), [key.rsplit('/').next().unwrap()]);
    }
    let mut project = reading("s3://bucket/sale/plan.csv");
    read_s3(&mut project, &served);
    let ran = project.tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("there is no file `s3://bucket/sale/plan.csv`"), "{}", ran.err);
    assert!(ran.error().contains("did you mean `plain.csv`?"), "{}", ran.err);
}

#[test]
fn a_large_object_comes_whole_in_parts() {
    let local = Project::new();
    let mut text = "order_no,amount\n".to_owned();
    for line in 0..900_000 {
        writeln!(text, "order-{line:010},{line}.25").unwrap();
    }
    assert!(text.len() > 2 * (8 << 20), "two parts and a rest");
    local.extract("sale/large.csv", &text);
    let Some(served) = serve("s3", &local.path("extracts"), "bucket") else { return };
    let mut project = reading("s3://bucket/sale/*");
    read_s3(&mut project, &served);
    project.model("mart.total", "SELECT count(*) AS rows, sum(amount) AS amount FROM staged.sale");
    project.run();
    assert_eq!(project.rows("mart.total"), ["900000|404999775000.00"]);
}

#[test]
fn what_a_store_refuses_is_said_in_words_and_without_secrets() {
    let local = extracts();
    let Some(served) = serve("s3", &local.path("extracts"), "bucket") else { return };
    let Some(locked) = serve("locked-s3", &local.path("extracts"), "bucket") else { return };
    let Some(google) = serve("google", &local.path("extracts"), "bucket") else { return };
    let Some(locked_google) = serve("locked-google", &local.path("extracts"), "bucket") else { return };
    let says = |location: &str, served: &Served, code: i32| {
        let mut project = reading(location);
        let read = if location.starts_with("gs:") { read_google } else { read_s3 };
        read(&mut project, served);
        let ran = project.tallyhouse(&["run"]).ends(code);
        assert!(!ran.err.contains("geheim"), "{}", ran.err);
        ran.error().to_owned()
    };
    for (root, served) in [("s3://nobody", &served), ("gs://nobody", &google)] {
        for file in ["*.csv", "plain.csv"] {
            let said = says(&format!("{root}/sale/{file}"), served, 3);
            assert!(said.contains("there is no bucket `nobody`"), "{said}");
        }
    }
    let said = says("s3://bucket/sale/*.csv", &locked, 3);
    assert!(said.contains("access is denied") && said.contains("set AWS_ACCESS_KEY_ID"), "{said}");
    let said = says("gs://bucket/sale/*.csv", &locked_google, 3);
    assert!(said.contains("access is denied") && said.contains("set GOOGLE_SERVICE_ACCOUNT"), "{said}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let began = std::time::Instant::now();
    let mut project = reading("s3://bucket/sale/*.csv");
    project.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    project.set("AWS_ALLOW_HTTP", "true");
    project.set("AWS_ACCESS_KEY_ID", "test");
    project.set("AWS_SECRET_ACCESS_KEY", "geheim");
    let ran = project.tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("cannot list `s3://bucket/sale`: nobody answers: connection refused"), "{}", ran.err);
    assert!(ran.error().contains("after 2 attempts") && !ran.err.contains("geheim"), "{}", ran.err);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn a_web_server_gives_one_file_and_lists_none() {
    let local = extracts();
    let Some(served) = serve("http", &local.path("extracts"), "") else { return };
    let project = reading(&format!("{}/sale/2026/100%25.csv?month=2026-06", served.address));
    assert_eq!(paths(&project.run()), ["100%.csv"]);
    assert_eq!(project.rows("staged.sale"), ["2-1|1.50"]);
    let ran = reading(&format!("{}/sale/none.csv", served.address)).tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("there is no file `http://127.0.0.1:"), "{}", ran.err);
    let ran = reading(&format!("{}/sale/*.csv", served.address)).tallyhouse(&["run"]).ends(3);
    assert!(ran.error().contains("the web server cannot list a folder"), "{}", ran.err);
}

#[test]
fn a_password_in_a_location_is_refused_and_not_repeated() {
    for location in ["https://me:geheim@host/a.csv", "s3://key:geheim@b/a.csv", "postgres://me:geheim@host/crm"] {
        let ran = reading(location).tallyhouse(&["check"]).ends(2);
        assert!(ran.err.contains("`location` holds a password"), "{}", ran.err);
        assert!(!ran.err.contains("geheim") && !ran.out.contains("geheim"), "{}", ran.err);
    }
}
