//! The same input gives the same bytes: on any number of threads, in any folder, in any order of files.

use std::{fs, path::Path};

use crate::{
    project::{Project, repository},
    shipped,
    snapshot::files_below,
};

#[test]
fn one_thread_writes_the_bytes_that_two_write() {
    assert_same_bytes(&published_with("1"));
}

#[test]
fn seven_threads_write_the_bytes_that_two_write() {
    assert_same_bytes(&published_with("7"));
}

#[test]
fn files_that_come_in_another_order_give_the_same_bytes() {
    let mut project = Project::shipped();
    let extracts = project.path("extracts");
    copy_backwards(&repository("fixtures/extracts"), &extracts);
    project.read_extracts_from(&extracts);
    project.run();
    assert_same_bytes(&project);
}

#[test]
fn a_small_memory_limit_changes_no_byte() {
    let small = sales_project(200_000);
    small.run_with(&["--memory-limit", "64M", "--threads", "3"]);
    let large = sales_project(200_000);
    large.run_with(&["--memory-limit", "2G", "--threads", "1"]);
    assert_eq!(small.current().bytes(), large.current().bytes());
}

#[test]
fn the_shape_of_the_files_changes_no_row() {
    let (one, many) = (sales_project(0), sales_project(0));
    let rows: Vec<String> = (0..3_000).map(sale).collect();
    one.extract("sale/all_20240101.csv", with_header(rows.iter()));
    for (index, part) in rows.chunks(431).enumerate() {
        many.extract(&format!("sale/part{index}_20240101.csv"), with_header(part.iter().rev()));
    }
    one.run();
    many.run();
    let but_the_files = |project: &Project| {
        let mut bytes = project.current().bytes();
        bytes.retain(|path, _| !path.starts_with("ops.file/"));
        bytes
    };
    assert_eq!(but_the_files(&one), but_the_files(&many));
}

fn published_with(threads: &str) -> Project {
    let project = Project::shipped();
    project.run_with(&["--threads", threads]);
    project
}

fn assert_same_bytes(project: &Project) {
    let (expected, found) = (shipped::published().current(), project.current());
    let (expected_bytes, found_bytes) = (expected.bytes(), found.bytes());
    let differs = |file: &&String| expected_bytes.get(*file) != found_bytes.get(*file);
    let all = expected_bytes.keys().chain(found_bytes.keys());
    let different: std::collections::BTreeSet<&String> = all.filter(differs).collect();
    assert!(different.is_empty(), "{} files differ: {different:#?}", different.len());
    assert_eq!(expected.id()[7..], found.id()[7..], "the snapshots' hashes");
}

/// Copies files in the reverse of their order, each older than the one before.
fn copy_backwards(from: &Path, to: &Path) {
    let mut files = files_below(from);
    files.reverse();
    let mut time = std::time::SystemTime::now();
    for file in files {
        let copy = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, &copy).unwrap();
        time -= std::time::Duration::from_hours(7);
        fs::File::options().write(true).open(&copy).unwrap().set_modified(time).unwrap();
    }
}

/// Makes a project with one source, one model that sorts and joins, and so many order lines.
fn sales_project(rows: usize) -> Project {
    let project = Project::new();
    project.source(
        "sale",
        "key: [id]\npartition_by: [month]\nversion: { from_path: \"_(?<version>[0-9]{8})\" }\ncolumns:\n  \
         id: { type: int }\n  day: { type: date }\n  buyer: { type: string }\n  amount: { type: \"decimal(18,2)\" }\n  \
         month: { type: date, derive: \"date_trunc('month', day)\" }\n",
    );
    project.model(
        "core.rank",
        "/* ---\nkey: [id]\npartition_by: [month]\n--- */\n\
         SELECT sale.id, sale.month, sale.amount, rank() OVER (PARTITION BY sale.month ORDER BY sale.amount DESC) AS place,\n\
         buyer.total FROM staged.sale\n\
         JOIN (SELECT buyer, sum(amount) AS total FROM staged.sale GROUP BY buyer) AS buyer ON buyer.buyer = sale.buyer",
    );
    if rows > 0 {
        let lines: Vec<String> = (0..rows).map(sale).collect();
        project.extract("sale/all_20240101.csv", with_header(lines.iter()));
    }
    project
}

fn sale(id: usize) -> String {
    format!(
        "{id},2024-{:02}-{:02},buyer {},{}.{:02}",
        id * 7 % 12 + 1,
        id % 28 + 1,
        id * 31 % 97,
        id * 13 % 1009,
        id % 100
    )
}

fn with_header<'a>(lines: impl Iterator<Item = &'a String>) -> String {
    let lines: Vec<&str> = lines.map(String::as_str).collect();
    format!("id,day,buyer,amount\n{}\n", lines.join("\n"))
}

#[test]
fn a_join_of_more_than_the_memory_limit_spills_and_gives_the_same_rows() {
    let texts = |prefix: &str| -> String {
        let line =
            |row: u32| format!("{row},{prefix}{}\n", format!("{:08x}", row.wrapping_mul(2_654_435_761)).repeat(50));
        std::iter::once("id,text\n".to_owned()).chain((0..120_000).map(line)).collect()
    };
    let project = |limit: &str| {
        let project = Project::new();
        for name in ["left", "right"] {
            project.source(name, "key: [id]\ncolumns:\n  id: { type: int }\n  text: { type: string }\n");
            project.extract(&format!("{name}/a.csv"), texts(name));
        }
        project.model(
            "core.both",
            "/* ---\nkey: [id]\n--- */\n\
             SELECT l.id, l.text, r.text AS other FROM staged.\"left\" l JOIN staged.\"right\" r ON l.id = r.id",
        );
        project.run_with(&["--memory-limit", limit]);
        project
    };
    let (small, large) = (project("64M"), project("2G"));
    assert_eq!(small.query("SELECT count(*) AS n FROM core.both"), ["120000"]);
    assert_eq!(small.current().bytes(), large.current().bytes());
}

#[test]
fn a_part_that_a_model_names_twice_may_be_larger_than_its_share_of_the_memory() {
    let project = |limit: &str| {
        let project = sales_project(300_000);
        // Each sale is a group of its own, so the part is as long as the table, and has text that is no other's.
        project.model(
            "core.beside",
            "/* ---\nkey: [id]\n--- */\n\
             WITH part AS (SELECT id, max(concat(buyer, ' of ', id, ' bought for ', amount)) AS words FROM staged.sale GROUP BY id)\n\
             SELECT one.id, one.words, other.words AS other FROM part AS one JOIN part AS other ON other.id = one.id + 1",
        );
        project.run_with(&["--memory-limit", limit]);
        project
    };
    let (small, large) = (project("128M"), project("2G"));
    assert_eq!(small.query("SELECT count(*) AS n FROM core.beside"), ["299999"]);
    assert_eq!(small.current().bytes(), large.current().bytes());
}
