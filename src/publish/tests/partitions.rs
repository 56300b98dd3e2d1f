//! The parts of the writer: partitions from several threads, many runs, and hashes that see values only.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use arrow::{
    array::{ArrayRef, Int64Array, Int64Builder, ListArray, ListBuilder, RecordBatch, StringArray, StructArray},
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    compute::concat_batches,
    datatypes::{DataType, Field},
};
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    basic::Encoding,
    file::metadata::{ColumnChunkMetaData, ParquetMetaData},
};

use super::tables::{awkward, batch, cut, files_below, spec, write};
use crate::{
    publish::{Error, PartitionWriter, TableSpec, WriterOptions},
    record::{PartitionValues, manifest::Partition},
};

/// The rows of every partition in pieces, as a staging collects them.
fn collected(writer: &PartitionWriter, batches: &[RecordBatch]) -> Vec<(Arc<PartitionValues>, Vec<RecordBatch>)> {
    let mut router = writer.router();
    let mut found: Vec<(Arc<PartitionValues>, Vec<RecordBatch>)> = Vec::new();
    for rows in batches {
        let rows = writer.conform(rows).unwrap();
        for (values, numbers) in router.route(&rows).unwrap() {
            let piece = router.gather(&rows, numbers.as_ref()).unwrap();
            match found.iter_mut().find(|(known, _)| *known == values) {
                Some((_, pieces)) => pieces.push(piece),
                None => found.push((values, vec![piece])),
            }
        }
    }
    found
}

/// Writes partitions from several threads that share one writer.
fn write_from_threads(staging: &Path, spec: TableSpec, batches: &[RecordBatch], memory: usize) -> Vec<Partition> {
    let writer = PartitionWriter::create(spec, staging, WriterOptions::default()).unwrap();
    let queue = Mutex::new(collected(&writer, batches));
    let done = Mutex::new(Vec::new());
    let write_some = || {
        while let Some((values, pieces)) = { queue.lock().unwrap().pop() } {
            let rows = pieces.into_iter().map(Ok::<_, Error>);
            done.lock().unwrap().push(writer.write(&values, rows, memory).unwrap());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(write_some);
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|one, other| one.values.cmp(&other.values));
    done
}

#[test]
fn partitions_from_several_threads_are_those_of_one_table_writer() {
    let rows = awkward(6_000, 11);
    let spec = spec(rows.schema(), &["kind", "day"], &["k"]);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = write(one.path(), spec.clone(), std::slice::from_ref(&rows), WriterOptions::default()).unwrap();
    let found = write_from_threads(other.path(), spec, &cut(&rows, 3, 450), 20_000);
    assert_eq!(expected, found);
    assert!(expected.len() > 10);
    assert_eq!(files_below(one.path()), files_below(other.path()));
}

#[test]
fn more_runs_than_are_merged_at_once_are_merged_in_steps() {
    let rows = awkward(9_000, 5);
    let spec = spec(rows.schema(), &[], &["k"]);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = write(one.path(), spec.clone(), std::slice::from_ref(&rows), WriterOptions::default()).unwrap();
    // Without memory every piece becomes a run: 180, of which 64 are merged at once.
    let pieces = cut(&rows, 9, 50);
    assert_eq!(pieces.len(), 180);
    let found = write_from_threads(other.path(), spec, &pieces, 0);
    assert_eq!(expected, found);
    assert_eq!(files_below(one.path()), files_below(other.path()));
}

#[test]
fn an_error_among_the_rows_ends_a_partition() {
    let rows = awkward(100, 1);
    let staging = tempfile::tempdir().unwrap();
    let spec = spec(rows.schema(), &[], &["k"]);
    let writer = PartitionWriter::create(spec, staging.path(), WriterOptions::default()).unwrap();
    let broken = || Error::OnlyPartitionColumns { table: crate::record::TableName::new("a", "b") };
    let found = writer.write(&PartitionValues::default(), [Ok(rows), Err(broken())].into_iter(), 1 << 20);
    assert_eq!(found.unwrap_err().to_string(), broken().to_string());
}

fn partition(batches: &[RecordBatch], key: &[&str]) -> Partition {
    let staging = tempfile::tempdir().unwrap();
    let spec = spec(batches[0].schema(), &[], key);
    write(staging.path(), spec, batches, WriterOptions::default()).unwrap().remove(0)
}

fn lists(values: &[Option<Vec<Option<i64>>>]) -> ListArray {
    let mut lists = ListBuilder::new(Int64Builder::new());
    for list in values {
        lists.append_option(list.clone());
    }
    lists.finish()
}

fn nested(marks: &[Option<Vec<Option<i64>>>], names: &[Option<&str>]) -> RecordBatch {
    let keys: Int64Array = (0_i64..).take(marks.len()).map(Some).collect();
    let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
    let people = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8, true)), names)]);
    batch(vec![("k", Arc::new(keys) as ArrayRef), ("marks", Arc::new(lists(marks))), ("people", Arc::new(people))])
}

#[test]
fn nested_values_are_hashed_by_value_and_column() {
    let marks = [Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(2)])];
    let names = [Some("甲"), None, Some(""), Some("乙")];
    let rows = nested(&marks, &names);
    let whole = partition(std::slice::from_ref(&rows), &["k"]);
    assert_eq!(whole, partition(&[rows.slice(2, 2), rows.slice(0, 2)], &["k"]));
    // A list without values is not NULL, and where one list ends matters.
    for changed in [Some(vec![]), Some(vec![None]), Some(vec![Some(1)])] {
        let other = nested(&[marks[0].clone(), changed, marks[2].clone(), marks[3].clone()], &names);
        let other = partition(&[other], &["k"]);
        assert_ne!(whole.column_contents["marks"], other.column_contents["marks"]);
        assert_eq!(whole.column_contents["people"], other.column_contents["people"]);
        assert_ne!(whole.content, other.content);
    }
    let other = partition(&[nested(&marks, &[Some("甲"), Some(""), Some(""), Some("乙")])], &["k"]);
    assert_ne!(whole.column_contents["people"], other.column_contents["people"]);
    assert_eq!(whole.column_contents["marks"], other.column_contents["marks"]);
}

#[test]
fn what_lies_below_a_null_is_not_hashed() {
    let nulls = || Some(NullBuffer::from(vec![true, false, true]));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 1, 7, 8]));
    let texts = StringArray::new(offsets, Buffer::from("ahiddenz".as_bytes()), nulls());
    let numbers = Int64Array::new(vec![1, 77, 3].into(), nulls());
    assert_eq!((texts.value(1), numbers.value(1)), ("hidden", 77));
    let rows = |texts: StringArray, numbers: Int64Array| {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2]));
        batch(vec![("k", keys), ("text", Arc::new(texts)), ("number", Arc::new(numbers))])
    };
    let clean = rows(vec![Some("a"), None, Some("z")].into(), vec![Some(1), None, Some(3)].into());
    let dirty = rows(texts, numbers);
    for key in [&[][..], &["k"], &["text", "number"]] {
        assert_eq!(partition(std::slice::from_ref(&clean), key), partition(std::slice::from_ref(&dirty), key));
    }
}

/// Columns in which values repeat or not, at the ends of their types too.
fn distinct(count: i64) -> RecordBatch {
    use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int32Array, TimestampMicrosecondArray};
    let spread = |row: i64| row.wrapping_mul(0x5851_F42D_4C95_7F2D);
    let narrow = |row: i64| i32::try_from(spread(row) >> 32).unwrap();
    let some = |row: i64| row % 7 > 0;
    let decimal =
        |digits, values: Vec<Option<i128>>| Decimal128Array::from(values).with_precision_and_scale(digits, 2).unwrap();
    let amounts = |most: i64| (0..count).map(|row| some(row).then(|| i128::from(spread(row) % most))).collect();
    batch(vec![
        ("key", Arc::new((0..count).map(|row| Some(format!("SO2026{row:07}"))).collect::<StringArray>()) as ArrayRef),
        ("kind", Arc::new((0..count).map(|row| Some(format!("整机 {}", row % 5))).collect::<StringArray>())),
        (
            "name",
            Arc::new((0..count).map(|row| some(row).then(|| format!("{:x}", spread(row)))).collect::<StringArray>()),
        ),
        ("long", Arc::new((0..count).map(|row| some(row).then(|| spread(row))).collect::<Int64Array>())),
        ("int", Arc::new((0..count).map(|row| some(row).then(|| narrow(row))).collect::<Int32Array>())),
        ("day", Arc::new((0..count).map(|row| some(row).then(|| narrow(row) % 90_000)).collect::<Date32Array>())),
        (
            "at",
            Arc::new(
                (0..count)
                    .map(|row| some(row).then(|| spread(row) / 64))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        ("small", Arc::new(decimal(9, amounts(999_999_999)))),
        ("amount", Arc::new(decimal(18, amounts(999_999_999_999_999_999)))),
        ("large", Arc::new(decimal(30, amounts(i64::MAX)))),
        ("x", Arc::new((0..count).map(|row| Some(f64::from(narrow(row)) / 7.0)).collect::<Float64Array>())),
    ])
}

fn encodings(metadata: &ParquetMetaData) -> Vec<(String, Encoding)> {
    let values = |column: &ColumnChunkMetaData| {
        let mut found = column.encodings().filter(|encoding| *encoding != Encoding::RLE);
        (column.column_path().string(), found.find(|_| true).unwrap())
    };
    metadata.row_group(0).columns().iter().map(values).collect()
}

#[test]
fn columns_whose_values_differ_are_encoded_without_a_dictionary_and_read_back() {
    let rows = distinct(20_000);
    let staging = tempfile::tempdir().unwrap();
    let partition = write(
        staging.path(),
        spec(rows.schema(), &[], &["key"]),
        std::slice::from_ref(&rows),
        WriterOptions::default(),
    )
    .unwrap()
    .remove(0);
    let path = staging.path().join("core/sales/data").join(&partition.files[0].path);
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let packed = Encoding::DELTA_BINARY_PACKED;
    let expected = [
        ("key", Encoding::DELTA_BYTE_ARRAY),
        ("kind", Encoding::PLAIN),
        ("name", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("long", packed),
        ("int", packed),
        ("day", packed),
        ("at", packed),
        ("small", packed),
        ("amount", packed),
        ("large", Encoding::PLAIN),
        ("x", Encoding::PLAIN),
    ];
    assert_eq!(encodings(builder.metadata()), expected.map(|(column, encoding)| (column.to_owned(), encoding)));
    assert!(builder.metadata().row_group(0).column(1).dictionary_page_offset().is_some());
    assert!(builder.metadata().row_group(0).column(2).dictionary_page_offset().is_none());
    let schema = builder.schema().clone();
    let found: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(concat_batches(&schema, &found).unwrap().columns(), rows.columns());
}
