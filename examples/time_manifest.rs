//! Times a manifest of many files, written to the disk and read again, for the bench of `benches/warehouse`.
//!
//! In: a number of files and a folder. Out: a line of JSON with seconds and bytes. The table has a partition for each file
//! and six columns; the manifest is made durable as a publication does.

#![expect(clippy::print_stdout, reason = "a command line example")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    time::Instant,
};

use chrono::NaiveDate;
use tallyhouse::record::{
    Manifest, PartitionValues, TableName,
    manifest::{Column, DataFile, MANIFEST_VERSION, Partition, Table, TableFormat},
};

const COLUMNS: [&str; 6] = ["customer", "product", "quantity", "amount", "kind", "day"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let files: usize = arguments.next().unwrap_or_else(|| "100000".to_owned()).parse()?;
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let path = std::path::Path::new(&folder).join("manifest.json");
    let manifest = manifest(files);
    let started = Instant::now();
    let mut file = fs::File::create(&path)?;
    file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
    file.sync_all()?;
    let written = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let read: Manifest = serde_json::from_slice(&fs::read(&path)?)?;
    let reading = started.elapsed().as_secs_f64();
    let (equal, bytes) = (read == manifest, fs::metadata(&path)?.len());
    println!(
        "{{\"files\": {files}, \"bytes\": {bytes}, \"written\": {written}, \"read\": {reading}, \"equal\": {equal}}}"
    );
    Ok(())
}

fn manifest(files: usize) -> Manifest {
    let column = |name: &&str| Column { name: (*name).to_owned(), data_type: "Utf8".to_owned(), nullable: true };
    let table = Table {
        columns: COLUMNS.iter().map(column).collect(),
        partition_by: vec!["day".to_owned()],
        key: vec!["customer".to_owned()],
        description: None,
        definition: Some(hash("definition", 0)),
        defined_on: None,
        meanings: BTreeMap::new(),
        is_history: false,
        is_behind: false,
        event_date: None,
        as_of: Vec::new(),
        labels: BTreeMap::new(),
        partitions: (0..files).map(partition).collect(),
    };
    Manifest {
        manifest_version: MANIFEST_VERSION,
        snapshot: "000002-3f9a1c2b".to_owned(),
        parent: Some("000001-8d0b77aa".to_owned()),
        run: "20260701T010000Z".to_owned(),
        created_at: "2026-07-01T01:00:00Z".to_owned(),
        run_date: NaiveDate::default(),
        pipeline: "bench".to_owned(),
        tool_version: "0".to_owned(),
        reason: None,
        held: false,
        checks: String::new(),
        passed_checks: BTreeMap::new(),
        formats: BTreeSet::from([TableFormat::Parquet]),
        inputs: BTreeMap::new(),
        tables: BTreeMap::from([(TableName::new("core", "sales"), table)]),
        delta: BTreeMap::new(),
    }
}

fn partition(number: usize) -> Partition {
    let value = format!("{number:08}");
    let name = hash("file", number);
    let contents = COLUMNS[..5].iter().map(|column| ((*column).to_owned(), hash(column, number)[..32].to_owned()));
    Partition {
        fingerprint: hash("fingerprint", number),
        content: hash("content", number)[..32].to_owned(),
        column_contents: contents.collect(),
        file_columns: Vec::new(),
        rows: 1_000,
        latest_date: None,
        files: vec![DataFile {
            path: format!("day={value}/{}.parquet", &name[..32]),
            rows: 1_000,
            bytes: 40_000,
            blake3: name,
        }],
        values: PartitionValues(vec![Some(value)]),
    }
}

fn hash(what: &str, number: usize) -> String {
    blake3::hash(format!("{what} {number}").as_bytes()).to_hex().to_string()
}
