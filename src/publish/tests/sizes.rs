//! Sizes of files: near the setting for narrow and wide rows, and the same for every memory and number of threads.

use std::{path::Path, sync::Arc};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use proptest::prelude::*;

use super::tables::{batch, cut, files_below, read, spec, write};
use crate::{
    publish::WriterOptions,
    record::manifest::{DataFile, Partition},
};

const KILOBYTE: usize = 1 << 10;
const MEGABYTE: usize = 1 << 20;

/// A text that compression makes smaller by an eighth and no more.
fn noise(seed: usize, length: usize) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed as u64 + 1) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&(state & 0x7F7F_7F7F_7F7F_7F7F).to_le_bytes());
    }
    bytes.truncate(length);
    String::from_utf8(bytes).unwrap()
}

/// One row for each length: its number, and a text of that length or NULL.
fn texts(lengths: &[Option<usize>]) -> RecordBatch {
    let keys: Int64Array = (0_i64..).take(lengths.len()).map(Some).collect();
    let texts = lengths.iter().enumerate().map(|(row, length)| length.map(|length| noise(row, length)));
    batch(vec![("k", Arc::new(keys) as ArrayRef), ("text", Arc::new(texts.collect::<StringArray>()))])
}

fn files(staging: &Path, rows: &RecordBatch, options: &WriterOptions) -> Vec<DataFile> {
    let batches = cut(rows, 3, 1_000);
    write(staging, spec(rows.schema(), &[], &["k"]), &batches, options.clone()).unwrap().remove(0).files
}

fn of_size(file_bytes: usize) -> WriterOptions {
    WriterOptions { file_bytes, ..WriterOptions::default() }
}

/// Checks that all files but the last are full, and that in their order they hold the rows of `rows`.
fn assert_near(rows: &RecordBatch, file_bytes: usize, percent: std::ops::RangeInclusive<u64>) -> Vec<DataFile> {
    let staging = tempfile::tempdir().unwrap();
    let files = files(staging.path(), rows, &of_size(file_bytes));
    let share = |bytes: u64| bytes * 100 / file_bytes as u64;
    for file in &files[..files.len() - 1] {
        assert!(percent.contains(&share(file.bytes)), "{} of {file_bytes} bytes: {files:?}", file.bytes);
    }
    assert!(share(files[files.len() - 1].bytes) <= *percent.end(), "{files:?}");
    let read: Vec<RecordBatch> = files.iter().map(|file| read(staging.path(), file)).collect();
    assert_eq!(arrow::compute::concat_batches(&rows.schema(), &read).unwrap(), *rows);
    files
}

#[test]
fn narrow_rows_fill_files_to_about_the_size() {
    let files = assert_near(&texts(&vec![Some(24); 100_000]), 256 * KILOBYTE, 70..=110);
    assert!(files.len() > 5, "{files:?}");
}

#[test]
fn wide_rows_fill_files_to_about_the_size() {
    let files = assert_near(&texts(&vec![Some(20 * KILOBYTE); 400]), MEGABYTE, 50..=110);
    assert!((7..=12).contains(&files.len()), "{files:?}");
}

#[test]
fn rows_that_compress_well_share_a_file() {
    let keys: Int64Array = (0..400_000).map(Some).collect();
    let same: StringArray = (0..400_000).map(|_| Some("the same text in every row")).collect();
    let rows = batch(vec![("k", Arc::new(keys) as ArrayRef), ("same", Arc::new(same))]);
    // Twelve megabytes of values, and hardly one in the file.
    assert_eq!(assert_near(&rows, 4 * MEGABYTE, 0..=100).len(), 1);
}

#[test]
fn a_giant_row_ends_its_file() {
    let mut lengths = vec![Some(10); 20_000];
    lengths[9_000] = Some(3 * MEGABYTE);
    lengths[9_001] = None;
    let staging = tempfile::tempdir().unwrap();
    let rows = texts(&lengths);
    let files = files(staging.path(), &rows, &of_size(MEGABYTE));
    assert_eq!(files.iter().map(|file| file.rows).collect::<Vec<_>>(), [9_001, 10_999]);
    assert!(files[0].bytes > MEGABYTE as u64 && files[1].bytes < MEGABYTE as u64, "{files:?}");
}

#[test]
fn a_row_group_of_wide_rows_is_closed_before_it_fills_the_memory() {
    let staging = tempfile::tempdir().unwrap();
    let files = files(staging.path(), &texts(&vec![Some(4 * MEGABYTE); 24]), &of_size(1 << 30));
    assert_eq!(files.len(), 1);
    let file = std::fs::File::open(staging.path().join("core/sales/data").join(&files[0].path)).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let bytes: Vec<i64> = metadata.row_groups().iter().map(RowGroupMetaData::compressed_size).collect();
    assert!(bytes.len() > 1 && bytes.iter().all(|bytes| *bytes < 80 << 20), "{bytes:?}");
}

/// Rows of every width: most have a few bytes, some thousands, a few a hundred thousand.
fn lengths() -> impl Strategy<Value = Vec<Option<usize>>> {
    let length = prop_oneof![
        8 => (0_usize..60).prop_map(Some),
        1 => Just(None),
        1 => (2_000_usize..20_000).prop_map(Some),
    ];
    (proptest::collection::vec(length, 1..1_500), proptest::option::of(0_usize..1_500)).prop_map(
        |(mut lengths, giant)| {
            if let Some(giant) = giant.filter(|giant| *giant < lengths.len()) {
                lengths[giant] = Some(200_000);
            }
            lengths
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn files_end_at_the_same_rows_with_any_memory_and_threads(
        lengths in lengths(),
        file_bytes in 10_000_usize..1_000_000,
        (seed, size) in (any::<u64>(), 1_usize..700),
        (threads, memory) in (1_usize..5, prop_oneof![Just(0_usize), 1_000_usize..400_000, Just(64_usize << 20)]),
    ) {
        let rows = texts(&lengths);
        let spec = spec(rows.schema(), &[], &["k"]);
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let whole: Vec<Partition> =
            write(one.path(), spec.clone(), std::slice::from_ref(&rows), of_size(file_bytes)).unwrap();
        let options = WriterOptions { threads, memory_bytes: memory, ..of_size(file_bytes) };
        let cut = write(other.path(), spec, &cut(&rows, seed, size), options).unwrap();
        prop_assert_eq!(&whole, &cut);
        prop_assert!(files_below(one.path()) == files_below(other.path()));
    }
}
