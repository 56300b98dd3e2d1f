//! The writer: same rows, same files.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
        RecordBatch, StringArray, StringViewArray, TimestampNanosecondArray,
    },
    compute::{concat_batches, take_record_batch},
    datatypes::{DataType, Int32Type, Schema, SchemaRef, TimestampMicrosecondType},
};
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use crate::{
    publish::{Error, TableSpec, TableWriter, WriterOptions},
    record::{
        PartitionValues, TableName,
        manifest::{DataFile, Partition},
    },
};

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

pub fn spec(schema: SchemaRef, partition_by: &[&str], key: &[&str]) -> TableSpec {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let (name, timezone) = (TableName::new("core", "sales"), chrono_tz::Asia::Shanghai);
    TableSpec { name, schema, partition_by: owned(partition_by), key: owned(key), dates: Vec::new(), timezone }
}

pub fn write(
    staging: &Path,
    spec: TableSpec,
    batches: &[RecordBatch],
    options: WriterOptions,
) -> Result<Vec<Partition>, Error> {
    let mut writer = TableWriter::create(spec, staging, options)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.finish()
}

fn write_one(spec: TableSpec, batches: &[RecordBatch]) -> (tempfile::TempDir, Vec<Partition>) {
    let staging = tempfile::tempdir().unwrap();
    let partitions = write(staging.path(), spec, batches, WriterOptions::default()).unwrap();
    (staging, partitions)
}

pub fn read(staging: &Path, file: &DataFile) -> RecordBatch {
    let path = staging.join("core/sales/data").join(&file.path);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), file.bytes);
    assert_eq!(blake3::hash(&std::fs::read(&path).unwrap()).to_hex().as_str(), file.blake3);
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn strings(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).unwrap();
    column.as_string::<i32>().iter().map(|value| value.map(str::to_owned)).collect()
}

pub fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn every_row_lands_in_its_partition_and_null_in_hives_default() {
    let rows = batch(vec![
        ("客户", Arc::new(StringArray::from(vec![Some("乙"), Some(""), None, Some("甲"), Some("丙")])) as ArrayRef),
        ("kind", Arc::new(StringArray::from(vec![Some("a/b'c"), None, Some("整机 1"), Some("a/b'c"), None]))),
        ("month", Arc::new(Date32Array::from(vec![Some(20_605), None, Some(20_605), Some(20_605), Some(-1)]))),
    ]);
    let (staging, partitions) = write_one(spec(rows.schema(), &["month", "kind"], &["客户"]), &[rows]);
    let found: Vec<_> = partitions
        .iter()
        .map(|partition| {
            let file = read(staging.path(), &partition.files[0]);
            assert_eq!(file.num_columns(), 1);
            let folder = partition.files[0].path.rsplit_once('/').unwrap().0;
            (partition.values.to_string(), folder.to_owned(), strings(&file, "客户"))
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        ("NULL, NULL", "month=__HIVE_DEFAULT_PARTITION__/kind=__HIVE_DEFAULT_PARTITION__", vec![some("")]),
        ("1969-12-31, NULL", "month=1969-12-31/kind=__HIVE_DEFAULT_PARTITION__", vec![some("丙")]),
        ("2026-06-01, a/b'c", "month=2026-06-01/kind=a%2Fb%27c", vec![some("乙"), some("甲")]),
        ("2026-06-01, 整机 1", "month=2026-06-01/kind=整机%201", vec![None]),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(v, p, r)| (v.to_owned(), p.to_owned(), r)).collect();
    assert_eq!(found, expected);
}

#[test]
fn numbers_booleans_dictionaries_and_views_can_partition() {
    let dictionary: DictionaryArray<Int32Type> = vec![Some("x"), None].into_iter().collect();
    let rows = batch(vec![
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), None])) as ArrayRef),
        ("b", Arc::new(BooleanArray::from(vec![Some(false), None]))),
        ("d", Arc::new(dictionary)),
        ("v", Arc::new(StringViewArray::from(vec![Some("a value longer than twelve bytes"), None]))),
        ("x", Arc::new(Float64Array::from(vec![f64::NAN, -0.0]))),
    ]);
    let (_staging, partitions) = write_one(spec(rows.schema(), &["i", "b", "d", "v"], &[]), &[rows]);
    let values: Vec<String> = partitions.iter().map(|partition| partition.values.to_string()).collect();
    assert_eq!(values, ["NULL, NULL, NULL, NULL", "-9223372036854775808, false, x, a value longer than twelve bytes"]);
}

#[test]
fn what_cannot_stand_in_a_path_is_refused() {
    let staging = tempfile::tempdir().unwrap();
    let attempt = |rows: &RecordBatch, partition_by: &[&str]| {
        let spec = spec(rows.schema(), partition_by, &[]);
        write(staging.path(), spec, std::slice::from_ref(rows), WriterOptions::default()).unwrap_err()
    };
    let texts = |text: &str| {
        batch(vec![
            ("kind", Arc::new(StringArray::from(vec![text])) as ArrayRef),
            ("x", Arc::new(Float64Array::from(vec![0.5]))),
        ])
    };
    let empty = attempt(&texts(""), &["kind"]);
    assert_eq!(
        empty.to_string(),
        "table `core.sales`: partition column `kind` holds an empty string, which readers take for NULL"
    );
    let reserved = attempt(&texts("__HIVE_DEFAULT_PARTITION__"), &["kind"]);
    assert!(reserved.to_string().contains("holds `__HIVE_DEFAULT_PARTITION__`"), "{reserved}");
    let typed = attempt(&texts("a"), &["x"]);
    assert_eq!(typed.to_string(), "table `core.sales`: column `x` of type `Float64` cannot be in `partition_by`");
    assert!(typed.hint().unwrap().contains("local_date"));
    assert!(matches!(attempt(&texts("a"), &["y"]), Error::UnknownColumn { column, .. } if column == "y"));
    let only = batch(vec![("kind", Arc::new(StringArray::from(vec!["a"])) as ArrayRef)]);
    assert!(matches!(attempt(&only, &["kind"]), Error::OnlyPartitionColumns { .. }));
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let other = batch(vec![("b", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let staging = tempfile::tempdir().unwrap();
    let error = write(staging.path(), spec(rows.schema(), &[], &[]), &[other], WriterOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "a batch of `core.sales` has the columns `b` instead of `a`");
}

#[test]
fn an_empty_table_shows_its_columns_unless_it_is_partitioned() {
    let schema = batch(vec![
        ("a", Arc::new(Int64Array::from(Vec::<i64>::new())) as ArrayRef),
        ("b", Arc::new(StringArray::from(Vec::<&str>::new()))),
    ])
    .schema();
    let (staging, partitions) = write_one(spec(schema.clone(), &[], &["a"]), &[]);
    assert_eq!(partitions.len(), 1);
    assert_eq!((partitions[0].rows, partitions[0].files.len(), partitions[0].files[0].rows), (0, 1, 0));
    let file = read(staging.path(), &partitions[0].files[0]);
    assert_eq!((file.num_rows(), file.schema().fields().clone()), (0, schema.fields().clone()));
    assert_eq!(write_one(spec(schema.clone(), &["b"], &["a"]), &[RecordBatch::new_empty(schema)]).1, []);
}

#[test]
fn null_is_not_the_empty_string_and_contents_say_which_column_changed() {
    let rows = |a: Vec<Option<&str>>, b: Vec<i64>| {
        batch(vec![
            ("k", Arc::new(Int64Array::from((0..).take(a.len()).collect::<Vec<i64>>())) as ArrayRef),
            ("a", Arc::new(StringArray::from(a))),
            ("b", Arc::new(Int64Array::from(b))),
        ])
    };
    let partition = |rows: RecordBatch| write_one(spec(rows.schema(), &[], &["k"]), &[rows]).1.remove(0);
    let (null, empty) = (partition(rows(vec![None], vec![1])), partition(rows(vec![Some("")], vec![1])));
    assert_ne!(null.content, empty.content);
    assert_ne!(null.column_contents["a"], empty.column_contents["a"]);
    assert_eq!(null.column_contents["b"], empty.column_contents["b"]);
    assert_eq!(null.column_contents["k"], empty.column_contents["k"]);
    let swapped = partition(rows(vec![Some("y"), Some("x")], vec![1, 1]));
    let straight = partition(rows(vec![Some("x"), Some("y")], vec![1, 1]));
    assert_ne!(swapped.column_contents["a"], straight.column_contents["a"]);
    assert_eq!(swapped.column_contents["b"], straight.column_contents["b"]);
}

#[test]
fn values_swapped_between_rows_of_one_key_do_not_go_unnoticed() {
    let rows = |b: [i64; 2]| {
        batch(vec![
            ("k", Arc::new(Int64Array::from(vec![1, 1])) as ArrayRef),
            ("a", Arc::new(Int64Array::from(vec![1, 2]))),
            ("b", Arc::new(Int64Array::from(b.to_vec()))),
        ])
    };
    let contents = |b| {
        let rows = rows(b);
        write_one(spec(rows.schema(), &[], &["k"]), &[rows]).1.remove(0).column_contents
    };
    assert_ne!(contents([1, 2]), contents([2, 1]));
}

#[test]
fn equal_files_of_a_table_without_a_key_do_not_overwrite_each_other() {
    let rows = batch(vec![("a", Arc::new(Int64Array::from(vec![7; 3])) as ArrayRef)]);
    let staging = tempfile::tempdir().unwrap();
    let options = WriterOptions { file_bytes: 1, ..WriterOptions::default() };
    let partitions = write(staging.path(), spec(rows.schema(), &[], &[]), &[rows], options).unwrap();
    let files = &partitions[0].files;
    assert_eq!(files.iter().map(|file| file.rows).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(files[0].blake3, files[1].blake3);
    assert_eq!(files[1].path, format!("{}-1.parquet", &files[0].blake3[..32]));
    assert_eq!(files.iter().map(|file| read(staging.path(), file).num_rows()).sum::<usize>(), 3);
}

#[test]
fn times_are_stored_as_utc_microseconds_and_dated_locally() {
    let nanoseconds = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_nanos_opt();
    let at = vec![nanoseconds("2026-06-29T15:59:59Z"), nanoseconds("2026-06-29T16:00:00Z"), None];
    let rows = batch(vec![
        ("at", Arc::new(TimestampNanosecondArray::from(at).with_timezone("Asia/Shanghai")) as ArrayRef),
        ("day", Arc::new(Date32Array::from(vec![None, Some(20_000), None]))),
        ("month", Arc::new(Date32Array::from(vec![Some(20_605), Some(20_605), None]))),
    ]);
    let mut spec = spec(rows.schema(), &["month"], &[]);
    spec.dates = vec!["day".to_owned(), "at".to_owned()];
    let (staging, partitions) = write_one(spec.clone(), std::slice::from_ref(&rows));
    assert_eq!(partitions[0].latest_date, None);
    assert_eq!(partitions[1].latest_date, NaiveDate::from_ymd_opt(2026, 6, 30));
    let file = read(staging.path(), &partitions[1].files[0]);
    assert_eq!(file.column(0).data_type().to_string(), "Timestamp(µs, \"UTC\")");
    assert_eq!(file.column(0).as_primitive::<TimestampMicrosecondType>().value(0), 1_782_748_799_000_000);
    spec.dates = vec!["month".to_owned()];
    assert_eq!(write_one(spec, &[rows]).1[1].latest_date, NaiveDate::from_ymd_opt(2026, 6, 1));
}

#[test]
fn files_carry_metadata_statistics_bloom_filters_and_their_order() {
    let keys: Vec<String> = (0..20_000).map(|number| format!("客户{number:05}")).collect();
    let rows = batch(vec![("k", Arc::new(StringArray::from(keys)) as ArrayRef)]);
    let field = rows.schema().field(0).clone().with_metadata([("title".to_owned(), "客户".to_owned())].into());
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), rows.columns().to_vec()).unwrap();
    let (staging, partitions) = write_one(spec(rows.schema(), &[], &["k"]), &[rows]);
    let path = staging.path().join("core/sales/data").join(&partitions[0].files[0].path);
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    assert_eq!(builder.schema().field(0).metadata()["title"], "客户");
    let metadata = builder.metadata().clone();
    let group = metadata.row_group(0);
    assert_eq!(group.sorting_columns().unwrap()[0].column_idx, 0);
    assert!(group.column(0).bloom_filter_offset().is_some() && group.column(0).column_index_offset().is_some());
    assert_eq!(group.column(0).statistics().unwrap().min_bytes_opt(), Some("客户00000".as_bytes()));
    assert_eq!(metadata.file_metadata().created_by(), Some(concat!("tallyhouse version ", env!("CARGO_PKG_VERSION"))));
}

/// Rows of every awkward kind, from a seed.
#[expect(clippy::from_iter_instead_of_collect, reason = "a table of columns reads better with the type in front")]
pub fn awkward(count: usize, seed: u64) -> RecordBatch {
    let number = |row: usize, salt: u64| xxhash_rust::xxh3::xxh3_64_with_seed(&row.to_le_bytes(), seed ^ salt);
    let small = |row, salt, below: u64| i64::try_from(number(row, salt) % below).unwrap();
    let texts = ["", "甲", "a/b", "it's", "__", "客户名称有限公司", "\u{0}", "=%"];
    let text = |row, salt| match small(row, salt, 9) {
        8 => None,
        other => Some(texts[usize::try_from(other).unwrap()]),
    };
    let kind = |row| text(row, 1).filter(|text| !text.is_empty());
    let float = |row| [0.0, -0.0, f64::NAN, 1.5, f64::NEG_INFINITY][usize::try_from(small(row, 5, 5)).unwrap()];
    let rows = 0..count;
    batch(vec![
        ("kind", Arc::new(StringArray::from_iter(rows.clone().map(kind))) as ArrayRef),
        ("k", Arc::new(Int64Array::from_iter(rows.clone().map(|row| Some(small(row, 2, 40)).filter(|k| *k > 0))))),
        (
            "day",
            Arc::new(Date32Array::from_iter(
                rows.clone().map(|row| Some(i32::try_from(small(row, 3, 3)).unwrap()).filter(|day| *day > 0)),
            )),
        ),
        ("note", Arc::new(StringArray::from_iter(rows.clone().map(|row| text(row, 4))))),
        ("x", Arc::new(Float64Array::from_iter_values(rows.clone().map(float)))),
        (
            "amount",
            Arc::new(
                Decimal128Array::from_iter_values(rows.map(|row| i128::from(small(row, 6, 7))))
                    .with_precision_and_scale(18, 2)
                    .unwrap(),
            ),
        ),
    ])
}

/// Shuffles and cuts rows.
pub fn cut(rows: &RecordBatch, seed: u64, size: usize) -> Vec<RecordBatch> {
    let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap()).collect();
    order.sort_by_key(|row| xxhash_rust::xxh3::xxh3_64_with_seed(&row.to_le_bytes(), seed));
    let shuffled = take_record_batch(rows, &arrow::array::UInt32Array::from(order)).unwrap();
    (0..rows.num_rows()).step_by(size).map(|at| shuffled.slice(at, size.min(rows.num_rows() - at))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn equal_rows_give_equal_files_however_they_come(
        (count, seed, size) in (0_usize..3_000, any::<u64>(), 1_usize..700),
        (threads, memory) in (1_usize..8, prop_oneof![Just(0_usize), 1_000_usize..400_000]),
        by in prop_oneof![Just(vec![]), Just(vec!["kind"]), Just(vec!["day", "kind"])],
        key in prop_oneof![Just(vec![]), Just(vec!["k"]), Just(vec!["day", "note"])],
        file_bytes in prop_oneof![Just(128_usize << 20), 0_usize..40_000],
    ) {
        let rows = awkward(count, seed);
        let spec = spec(rows.schema(), &by, &key);
        // A row has fifty bytes: no more than twenty or so files.
        let plain = WriterOptions { file_bytes: file_bytes.max(count), ..WriterOptions::default() };
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = write(one.path(), spec.clone(), std::slice::from_ref(&rows), plain.clone()).unwrap();
        let options = WriterOptions { threads, memory_bytes: memory, ..plain };
        let found = write(other.path(), spec, &cut(&rows, seed, size), options).unwrap();
        prop_assert_eq!(&expected, &found);
        prop_assert!(files_below(one.path()) == files_below(other.path()));
        prop_assert_eq!(expected.iter().map(|partition| partition.rows).sum::<u64>(), count as u64);
        let listed: usize = expected.iter().map(|partition| partition.files.len()).sum();
        prop_assert_eq!(files_below(one.path()).len(), listed);
        prop_assert_eq!(rows_of(one.path(), &expected), sorted_rows(&rows, &by));
    }
}

/// Every row as text with its partition, sorted.
fn rows_of(staging: &Path, partitions: &[Partition]) -> Vec<String> {
    let mut found = Vec::new();
    for partition in partitions {
        for file in &partition.files {
            found.extend(lines(&read(staging, file), |_| partition.values.clone()));
        }
    }
    found.sort();
    found
}

fn sorted_rows(rows: &RecordBatch, by: &[&str]) -> Vec<String> {
    let schema = rows.schema();
    let others: Vec<usize> =
        (0..schema.fields().len()).filter(|&column| !by.contains(&schema.field(column).name().as_str())).collect();
    let values: Vec<ArrayRef> = by.iter().map(|name| rows.column_by_name(name).unwrap().clone()).collect();
    let mut found = lines(&rows.project(&others).unwrap(), |row| PartitionValues::from_row(&values, row).unwrap());
    found.sort();
    found
}

fn lines(rows: &RecordBatch, values: impl Fn(usize) -> PartitionValues) -> Vec<String> {
    let cell = |column: &ArrayRef, row| datafusion::common::ScalarValue::try_from_array(column, row).unwrap();
    let line = |row| {
        let cells: Vec<String> = rows.columns().iter().map(|column| format!("{:?}", cell(column, row))).collect();
        format!("{:?} {}", values(row), cells.join("|"))
    };
    (0..rows.num_rows()).map(line).collect()
}

#[test]
fn large_partitions_are_merged_from_many_runs() {
    let rows = awkward(150_000, 7);
    let spec = spec(rows.schema(), &["day"], &["k"]);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = write(one.path(), spec.clone(), std::slice::from_ref(&rows), WriterOptions::default()).unwrap();
    let small = WriterOptions { memory_bytes: 1 << 20, threads: 2, ..WriterOptions::default() };
    let found = write(other.path(), spec, &cut(&rows, 1, 8_192), small).unwrap();
    assert_eq!(expected, found);
    assert_eq!(files_below(one.path()), files_below(other.path()));
}

#[test]
fn a_column_that_is_null_throughout_is_text() {
    let rows = batch(vec![
        ("k", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("n", arrow::array::new_null_array(&DataType::Null, 1)),
    ]);
    let (staging, partitions) = write_one(spec(rows.schema(), &[], &["k"]), &[rows]);
    assert_eq!(strings(&read(staging.path(), &partitions[0].files[0]), "n"), [None]);
}
