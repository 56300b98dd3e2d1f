//! Thousands of partitions are proved at once, and exactly as few of them are read as one by one.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use arrow::datatypes::{DataType, Field, Schema};
use chrono::{Days, NaiveDate};

use super::{incremental::planned, world::name};
use crate::{
    engine::{Catalog, CatalogTable, Engine, Settings, catalog},
    record::{PartitionValues, StoredAt, manifest::Partition},
    transform::{Prover, depend::Inputs},
};

/// A day for each output partition, each of which reads its own day and all of a dimension.
#[tokio::test]
async fn ten_thousand_partitions_are_proved_at_once() {
    let catalog: Catalog = [table("staged.sale", 10_000), table("core.dealer", 0)].into();
    let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 256 << 20, spill_folder: None }).unwrap();
    let sql = "/* ---\npartition_by: [day]\n--- */\nSELECT s.day, d.region, sum(s.amount) AS amount, \
               rank() OVER (PARTITION BY s.day ORDER BY sum(s.amount)) AS place \
               FROM staged.sale AS s LEFT JOIN core.dealer AS d ON d.dealer = s.dealer GROUP BY s.day, d.region";
    let model = planned(sql, &catalog, &engine).await;
    let session = engine.session(catalog::providers(&catalog).unwrap()).unwrap();
    let partitions = &catalog[&name("staged.sale")].table.partitions;
    let values: Vec<&PartitionValues> = partitions.iter().map(|partition| &partition.values).collect();
    let started = Instant::now();
    let proofs = Prover::new(&model, Inputs::now(&catalog), &session).await.unwrap().prove(&values).unwrap();
    let took = started.elapsed();
    for (index, proof) in proofs.iter().enumerate() {
        let read: Vec<Vec<usize>> = proof.reads.iter().map(|read| read.partitions.to_vec()).collect();
        assert_eq!(read, [vec![0], vec![index]]);
    }
    // A fifth of a second on two idle cores, not optimized; a plan for each partition would take minutes.
    assert!(took.as_secs() < 20, "{took:?}");
}

fn table(table: &str, days: u64) -> (crate::record::TableName, CatalogTable) {
    let field = |(name, data_type): (&str, DataType)| Field::new(name, data_type, true);
    let columns = [
        ("day", DataType::Date32),
        ("dealer", DataType::Utf8),
        ("region", DataType::Utf8),
        ("amount", DataType::Int64),
    ];
    let schema = std::sync::Arc::new(Schema::new(columns.map(field).to_vec()));
    let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    let values = |day: u64| PartitionValues(vec![Some(first.checked_add_days(Days::new(day)).unwrap().to_string())]);
    let partition_by = if days == 0 { Vec::new() } else { vec!["day".to_owned()] };
    let mut declared = catalog::declared(&schema, partition_by, Vec::new());
    declared.partitions = match days {
        0 => vec![partition(PartitionValues::default())],
        days => (0..days).map(|day| partition(values(day))).collect(),
    };
    (name(table), CatalogTable::new(declared, schema, None, &|_| StoredAt::Disk(PathBuf::new())))
}

fn partition(values: PartitionValues) -> Partition {
    let content = blake3::hash(format!("{values:?}").as_bytes()).to_hex().to_string();
    let columns = ["dealer", "region", "amount"].map(|column| (column.to_owned(), content.clone()));
    Partition {
        values,
        fingerprint: String::new(),
        content,
        column_contents: BTreeMap::from(columns),
        rows: 1,
        latest_date: None,
        files: Vec::new(),
        file_columns: Vec::new(),
    }
}
