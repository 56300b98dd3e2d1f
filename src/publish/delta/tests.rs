//! Logs from one snapshot to the next, without a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Schema},
    json::LineDelimitedWriter,
};
use bytes::Bytes;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{
        metadata::{ParquetMetaData, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::record::{
    PartitionValues,
    manifest::{Column, MANIFEST_VERSION, Partition, TableFormat},
};

/// Rows and bytes of every file here.
const SIZE: u64 = 7;

fn column(name: &str, data_type: &DataType) -> Column {
    Column { name: name.to_owned(), data_type: data_type.to_string(), nullable: true }
}

/// Makes a table of files, one in each partition.
fn table(partitions: &[Option<&str>]) -> Table {
    let partition_by = vec!["kind".to_owned()];
    let partition = |value: Option<&str>| {
        let values = PartitionValues(vec![value.map(str::to_owned)]);
        let path = format!("{}/0a.parquet", values.to_path(&partition_by));
        let (hash, latest_date) = (String::new(), None);
        let files = vec![DataFile { path, rows: SIZE, bytes: SIZE, blake3: hash.clone() }];
        let (fingerprint, content, column_contents) = (hash.clone(), hash, BTreeMap::new());
        Partition {
            values,
            fingerprint,
            content,
            column_contents,
            rows: SIZE,
            latest_date,
            files,
            file_columns: Vec::new(),
        }
    };
    Table {
        columns: vec![column("id", &DataType::Int32), column("kind", &DataType::Utf8)],
        partitions: partitions.iter().copied().map(partition).collect(),
        partition_by,
        key: Vec::new(),
        description: None,
        definition: None,
        defined_on: None,
        meanings: BTreeMap::new(),
        is_history: false,
        is_behind: false,
        event_date: None,
        as_of: Vec::new(),
        labels: BTreeMap::new(),
    }
}

fn name() -> TableName {
    TableName::new("core", "sale")
}

fn manifest(number: u64, table: Table) -> Manifest {
    Manifest {
        manifest_version: MANIFEST_VERSION,
        snapshot: format!("{number:06}-ab"),
        parent: None,
        run: format!("run-{number}"),
        created_at: format!("1970-01-01T00:{:02}:{:02}Z", number / 60, number % 60),
        run_date: chrono::NaiveDate::default(),
        pipeline: "nightly".to_owned(),
        tool_version: "0.1.0".to_owned(),
        reason: None,
        held: false,
        checks: String::new(),
        passed_checks: BTreeMap::new(),
        formats: BTreeSet::from([TableFormat::Parquet, TableFormat::Delta]),
        inputs: BTreeMap::new(),
        tables: BTreeMap::from([(name(), table)]),
        delta: BTreeMap::new(),
    }
}

/// A warehouse that keeps nothing but the newest log.
#[derive(Default)]
struct House {
    published: Option<Manifest>,
    log: BTreeMap<String, Vec<u8>>,
    snapshots: u64,
}

impl House {
    /// Publishes a table as the local disk does and returns whether that made a version.
    fn publish(&mut self, table: Table) -> bool {
        self.snapshots += 1;
        self.publish_as(manifest(self.snapshots, table)).unwrap()
    }

    fn publish_as(&mut self, mut manifest: Manifest) -> Result<bool, ArrowError> {
        let name = name();
        let before = self.published.as_ref();
        let before = before.map(|before| Before { table: &before.tables[&name], log: &before.delta[&name] });
        let Some(change) = Change::find(&manifest, (&name, &manifest.tables[&name]), before)? else {
            return Ok(false);
        };
        let earlier = change.earlier().iter().map(|name| Bytes::from(self.log[name].clone())).collect();
        let statistics = change.added().iter().map(|file| stats(&file.path, self.snapshots)).collect();
        self.log.extend(change.write(statistics, earlier)?);
        let log = change.log().clone();
        let kept: BTreeSet<String> = files(&log).into_iter().collect();
        assert!(kept.iter().all(|name| self.log.contains_key(name)), "{kept:?} of {:?}", self.log.keys());
        self.log.retain(|name, _| kept.contains(name));
        manifest.delta = BTreeMap::from([(name, log)]);
        self.published = Some(manifest);
        Ok(true)
    }

    fn log(&self) -> &DeltaLog {
        &self.published.as_ref().unwrap().delta[&name()]
    }

    fn version(&self, version: u64) -> Vec<Value> {
        json_lines(&self.log[&version_name(version)])
    }

    /// Replays the log as the protocol says: the last checkpoint, then all versions after it.
    fn live(&self) -> BTreeMap<String, Value> {
        let mut live = BTreeMap::new();
        let mut next = 0;
        if let Some(last) = self.log.get(LAST_CHECKPOINT) {
            let version = json_lines(last)[0]["version"].as_u64().unwrap();
            let actions = checkpoint_lines(&self.log[&checkpoint_name(version)]);
            assert_eq!(json_lines(last)[0]["size"], actions.len());
            apply(&actions, &mut live);
            next = version + 1;
        }
        for version in next..=self.log().version {
            apply(&self.version(version), &mut live);
        }
        live
    }
}

/// Returns statistics that show when a file was added.
fn stats(path: &str, snapshot: u64) -> String {
    json!({ "numRecords": SIZE, "path": path, "snapshot": snapshot }).to_string()
}

fn apply(actions: &[Value], live: &mut BTreeMap<String, Value>) {
    for action in actions {
        if let Some(removed) = action.get("remove") {
            assert!(live.remove(removed["path"].as_str().unwrap()).is_some(), "{removed} was not there");
        }
        if let Some(added) = action.get("add") {
            let path = added["path"].as_str().unwrap().to_owned();
            assert!(live.insert(path, added.clone()).is_none(), "{added} was there");
        }
    }
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn checkpoint_lines(bytes: &[u8]) -> Vec<Value> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    for batch in ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).unwrap().build().unwrap() {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.finish().unwrap();
    json_lines(&writer.into_inner())
}

#[test]
fn the_first_version_says_what_the_table_is() {
    let mut house = House::default();
    let mut table = table(&[Some("a b/ü%"), None]);
    table.description = Some("what is sold".to_owned());
    assert!(house.publish(table));
    let actions = house.version(0);
    assert_eq!(
        actions[0],
        json!({ "commitInfo": {
            "timestamp": 1000, "operation": "WRITE", "engineInfo": ENGINE,
            "operationParameters": { "run": "run-1", "snapshot": "000001-ab" },
        }})
    );
    assert_eq!(actions[1], json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } }));
    let schema = json!({ "type": "struct", "fields": [
        { "name": "id", "type": "integer", "nullable": true, "metadata": {} },
        { "name": "kind", "type": "string", "nullable": true, "metadata": {} },
    ]});
    assert_eq!(
        actions[2],
        json!({ "metaData": {
            "id": house.log().id, "name": "core.sale", "description": "what is sold",
            "format": { "provider": "parquet", "options": {} }, "schemaString": schema.to_string(),
            "partitionColumns": ["kind"], "configuration": {},
        }})
    );
    let path = "data/kind=a%2520b%252F%C3%BC%2525/0a.parquet";
    assert_eq!(actions[4]["add"]["path"], path);
    assert_eq!(actions[4]["add"]["partitionValues"], json!({ "kind": "a b/ü%" }));
    assert_eq!(actions[3]["add"]["partitionValues"], json!({ "kind": null }));
    assert_eq!(actions[3]["add"]["path"], "data/kind=__HIVE_DEFAULT_PARTITION__/0a.parquet");
    assert_eq!(actions[3]["add"]["modificationTime"], 1000);
    assert_eq!(actions.len(), 5);
}

#[test]
fn an_id_is_a_uuid_and_no_other_tables() {
    let (one, other) = (manifest(1, table(&[])), manifest(2, table(&[])));
    let id = new_id(&one, &name());
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert_eq!((&id[14..15], &id[19..20]), ("8", "8"), "version and variant of a free UUID");
    assert_eq!(new_id(&one, &name()), id);
    assert_ne!(new_id(&other, &name()), id);
    assert_ne!(new_id(&one, &TableName::new("core", "order")), id);
}

#[test]
fn a_rollback_is_told_as_one() {
    let mut house = House::default();
    house.publish(table(&[Some("a")]));
    house.publish(table(&[Some("b")]));
    let reason = Some("rollback to 000001-ab".to_owned());
    assert!(house.publish_as(Manifest { reason, ..manifest(3, table(&[Some("a")])) }).unwrap());
    let actions = house.version(2);
    assert_eq!(actions[0]["commitInfo"]["operation"], "RESTORE");
    assert_eq!(actions[0]["commitInfo"]["operationParameters"]["reason"], "rollback to 000001-ab");
    assert_eq!(actions[1]["remove"]["path"], "data/kind=b/0a.parquet");
    assert_eq!(actions[1]["remove"]["deletionTimestamp"], 3000);
    assert_eq!(actions[2]["add"]["path"], "data/kind=a/0a.parquet");
}

#[test]
fn another_description_or_column_is_a_version_without_files() {
    let mut house = House::default();
    house.publish(table(&[Some("a")]));
    house.publish(Table { description: Some("new".to_owned()), ..table(&[Some("a")]) });
    let mut wider = table(&[Some("a")]);
    wider.columns.push(column("note", &DataType::Utf8));
    house.publish(wider);
    for version in [1, 2] {
        let kinds: Vec<String> = house
            .version(version)
            .iter()
            .map(|action| action.as_object().unwrap().keys().next().unwrap().clone())
            .collect();
        assert_eq!(kinds, ["commitInfo", "metaData"]);
        assert_eq!(house.version(version)[1]["metaData"]["id"], house.log().id);
    }
    assert_eq!(house.version(1)[1]["metaData"]["description"], "new");
}

#[test]
fn a_checkpoint_holds_the_table_its_files_and_what_was_told_of_them() {
    let mut house = House::default();
    house.publish(table(&[Some("old"), Some("0")]));
    for night in 1..=20 {
        house.publish(table(&[Some("old"), Some(&night.to_string())]));
    }
    assert_eq!(house.log(), &DeltaLog { version: 20, checkpoint: Some(20), oldest: 10, ..house.log().clone() });
    let actions = checkpoint_lines(&house.log[&checkpoint_name(20)]);
    assert_eq!(actions.len(), 4);
    assert_eq!(actions[0], json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } }));
    assert_eq!(actions[1]["metaData"]["partitionColumns"], json!(["kind"]));
    assert_eq!(actions[1]["metaData"]["format"]["provider"], "parquet");
    let add = |path: &str, snapshot: u64, kind: &str| {
        let stats = stats(&format!("kind={kind}/0a.parquet"), snapshot);
        json!({ "add": {
            "path": path, "partitionValues": { "kind": kind }, "size": SIZE, "modificationTime": snapshot * 1000,
            "dataChange": false, "stats": stats,
        }})
    };
    assert_eq!(actions[2], add("data/kind=20/0a.parquet", 21, "20"));
    assert_eq!(actions[3], add("data/kind=old/0a.parquet", 1, "old"), "as told twenty versions and a checkpoint ago");
}

#[test]
fn a_damaged_log_is_an_error_when_a_checkpoint_needs_it() {
    let mut house = House::default();
    for night in 0..=9 {
        house.publish(table(&[Some(&night.to_string())]));
    }
    house.log.insert(version_name(4), b"{\"add\":{\"path\"".to_vec());
    let error = house.publish_as(manifest(11, table(&[]))).unwrap_err();
    assert!(error.to_string().contains("EOF while parsing"), "{error}");
}

#[test]
fn types_without_a_name_in_delta_are_refused() {
    let said = |data_type: &DataType| {
        let table = Table { columns: vec![column("x", data_type)], ..table(&[]) };
        schema::schema_string(&table)
            .map(|text| serde_json::from_str::<Value>(&text).unwrap()["fields"][0]["type"].as_str().unwrap().to_owned())
    };
    let zoned = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(said(&zoned).unwrap(), "timestamp");
    assert_eq!(said(&DataType::Decimal128(38, 10)).unwrap(), "decimal(38,10)");
    assert_eq!(
        said(&DataType::UInt64).unwrap_err().to_string(),
        "Schema error: Delta has no type for the column `x` of type UInt64"
    );
}

/// Writes row groups of one column and returns what a log would say of the file.
fn told(row_groups: &[ArrayRef], properties: Option<WriterProperties>) -> Value {
    let batch = |column: &ArrayRef| RecordBatch::try_from_iter_with_nullable([("x", column.clone(), true)]).unwrap();
    let schema = batch(&row_groups[0]).schema();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), properties).unwrap();
    for group in row_groups {
        writer.write(&batch(group)).unwrap();
        writer.flush().unwrap();
    }
    let bytes = Bytes::from(writer.into_inner().unwrap());
    let footer: ParquetMetaData = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
    assert_eq!(footer.num_row_groups(), row_groups.len());
    let rows = row_groups.iter().map(|group| group.len() as u64).sum();
    let schema: &Schema = &schema;
    serde_json::from_str(&statistics::of_footer(&footer, schema, rows).unwrap()).unwrap()
}

fn array(column: impl arrow::array::Array + 'static) -> ArrayRef {
    Arc::new(column)
}

#[test]
fn bounds_span_all_row_groups_and_null_ones_do_not_count() {
    let groups = [
        array(Int32Array::from(vec![Some(3), None])),
        array(Int32Array::from(vec![None, None, None])),
        array(Int32Array::from(vec![-8, 5])),
    ];
    assert_eq!(
        told(&groups, None),
        json!({ "numRecords": 7, "minValues": { "x": -8 }, "maxValues": { "x": 5 }, "nullCount": { "x": 4 } })
    );
}

#[test]
fn bounds_have_every_digit() {
    let decimals = Decimal128Array::from(vec![-5, 123_456_789_012_345_678_901_234_567_890_i128]);
    let column = array(decimals.with_precision_and_scale(38, 2).unwrap());
    let schema = RecordBatch::try_from_iter_with_nullable([("x", column.clone(), true)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.schema(), None).unwrap();
    writer.write(&schema).unwrap();
    let bytes = Bytes::from(writer.into_inner().unwrap());
    let footer = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
    let text = statistics::of_footer(&footer, &schema.schema(), 2).unwrap();
    assert!(
        text.contains("\"minValues\":{\"x\":-0.05},\"maxValues\":{\"x\":1234567890123456789012345678.90}"),
        "{text}"
    );
}

#[test]
fn dates_and_times_are_texts() {
    let days = told(&[array(Date32Array::from(vec![-1, 20_000]))], None);
    assert_eq!((&days["minValues"]["x"], &days["maxValues"]["x"]), (&json!("1969-12-31"), &json!("2024-10-04")));
    let far = told(&[array(Date32Array::from(vec![0, 3_000_000]))], None);
    assert_eq!((&far["minValues"], &far["maxValues"]), (&json!({ "x": "1970-01-01" }), &json!({})), "year 10183");
    let times = TimestampMicrosecondArray::from(vec![-1, 1_700_000_000_123_456]).with_timezone("UTC");
    let times = told(&[array(times)], None);
    assert_eq!(times["minValues"]["x"], "1969-12-31T23:59:59.999999Z");
    assert_eq!(times["maxValues"]["x"], "2023-11-14T22:13:20.123456Z");
}

#[test]
fn a_long_text_has_a_bound_above_it() {
    let long = "中".repeat(100);
    let told = told(&[array(StringArray::from(vec![long.clone(), "a\"b".to_owned()]))], None);
    let greatest = told["maxValues"]["x"].as_str().unwrap();
    assert!(greatest >= long.as_str(), "{greatest}");
    assert!(greatest.len() < long.len(), "{greatest}");
    assert_eq!(told["minValues"]["x"], "a\"b");
}

#[test]
fn what_is_not_known_is_not_told() {
    let floats = told(&[array(Float64Array::from(vec![1.0, f64::NAN]))], None);
    assert_eq!(floats, json!({ "numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": { "x": 0 } }));
    let flags = told(&[array(BooleanArray::from(vec![Some(true), None]))], None);
    assert_eq!(flags, json!({ "numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": { "x": 1 } }));
    let none = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).build();
    let nothing = told(&[array(Int32Array::from(vec![1]))], Some(none));
    assert_eq!(nothing, json!({ "numRecords": 1, "minValues": {}, "maxValues": {}, "nullCount": {} }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is published, the log has the table's files, each with what was told when it came.
    #[test]
    fn a_log_has_the_files_of_the_table(nights in prop::collection::vec(prop::collection::btree_set(0_u8..5, 0..4), 1..35)) {
        let mut house = House::default();
        let (mut versions, mut before) = (0, None);
        let mut came: BTreeMap<u8, u64> = BTreeMap::new();
        for (night, kinds) in (1..).zip(nights) {
            let values: Vec<String> = kinds.iter().map(u8::to_string).collect();
            let values: Vec<Option<&str>> = values.iter().map(|value| Some(value.as_str())).collect();
            let is_version = house.publish(table(&values));
            prop_assert_eq!(is_version, before.as_ref() != Some(&kinds));
            versions += u64::from(is_version);
            prop_assert_eq!(house.log().version + 1, versions);
            came.retain(|kind, _| kinds.contains(kind));
            for kind in &kinds {
                came.entry(*kind).or_insert(night);
            }
            let live = house.live();
            let expected: BTreeMap<String, String> = came
                .iter()
                .map(|(kind, night)| {
                    let path = format!("kind={kind}/0a.parquet");
                    (format!("data/{path}"), stats(&path, *night))
                })
                .collect();
            let found: BTreeMap<String, String> = live
                .into_iter()
                .map(|(path, add)| (path, add["stats"].as_str().unwrap_or_default().to_owned()))
                .collect();
            prop_assert_eq!(found, expected);
            before = Some(kinds);
        }
    }
}
