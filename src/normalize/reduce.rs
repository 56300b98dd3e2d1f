//! Which of two rows with one key is served: the later version, then the later place.
//!
//! In: for every accepted row of all live files a hash of its key, its version and its place; a place is a number that
//! grows with (version of the file, path, part, line). Out: the places of the rows that lost. Order does not matter, since
//! a winner is a maximum. Rejected rows are never observed, so a newer row that is rejected leaves the older one served.
//!
//! ```text
//!  rows ─► key_hashes ─► KeyRecords::observe ─► by the hash's first bits into parts
//!                        (a pass takes a share                     │
//!                         of all hashes)                           ▼
//!                                               losers(part): one small table each
//! ```
//!
//! Memory: 24 bytes a row of one pass; whoever has more rows than memory makes more passes. Keys are hashes of their
//! values, in which NULL equals NULL and nothing else. Of their 128 bits 96 are compared: among 10^9 keys two are taken
//! for one with a chance below 10^-11.

use arrow::{
    array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, RecordBatch, cast::as_primitive_array},
    buffer::Buffer,
    compute::cast,
    datatypes::{DataType, Int64Type},
    row::{RowConverter, SortField},
};
use xxhash_rust::xxh3::xxh3_128;

use super::Error;

/// Bytes of a key's hash.
pub const KEY_BYTES: i32 = 16;
/// Parts into which the records of a pass are cut, so that each one's table fits a processor's cache.
const PARTS: usize = 256;
/// Records that are allocated at once.
const CHUNK_RECORDS: usize = 512;
/// Bits of a place.
const PLACE_BITS: u32 = 40;
/// Places that can be told apart: a million million.
pub const MOST_PLACES: u64 = 1 << PLACE_BITS;
/// Bytes of a row's record.
pub const RECORD_BYTES: u64 = size_of::<KeyRecord>() as u64;
/// A slot of a table that holds no record.
const EMPTY: u32 = u32::MAX;

/// The column that says which of two rows is later: a date, a timestamp or an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionColumn {
    /// Index in the contract.
    pub index: usize,
}

/// Returns a hash of each row's key columns.
///
/// # Errors
/// When Arrow cannot compare a key column.
pub fn key_hashes(rows: &RecordBatch, key: &[usize]) -> Result<FixedSizeBinaryArray, Error> {
    let columns: Vec<&ArrayRef> = key.iter().map(|index| rows.column(*index)).collect();
    let parts: Vec<KeyPart<'_>> = columns.into_iter().map(KeyPart::of).collect::<Result<_, _>>()?;
    let mut hashes = Vec::with_capacity(rows.num_rows() * 16);
    let mut bytes = Vec::new();
    for row in 0..rows.num_rows() {
        bytes.clear();
        for part in &parts {
            part.write(row, &mut bytes);
        }
        hashes.extend_from_slice(&xxh3_128(&bytes).to_le_bytes());
    }
    Ok(FixedSizeBinaryArray::try_new(KEY_BYTES, Buffer::from_vec(hashes), None)?)
}

/// A key column whose values can be written as bytes, no two of them alike.
enum KeyPart<'a> {
    Text(&'a arrow::array::StringArray),
    Number(arrow::array::Int64Array),
    Other(arrow::row::Rows),
}

impl<'a> KeyPart<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, Error> {
        Ok(match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string()),
            DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => {
                Self::Number(number(column)?)
            }
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                Self::Other(converter.convert_columns(std::slice::from_ref(column))?)
            }
        })
    }

    /// Appends a value: NULL is one byte, anything else begins with another one and says its own length.
    fn write(&self, row: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(column) if column.is_null(row) => bytes.push(0),
            Self::Text(column) => {
                let text = column.value(row).as_bytes();
                bytes.push(1);
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                bytes.extend_from_slice(text);
            }
            Self::Number(column) if column.is_null(row) => bytes.push(0),
            Self::Number(column) => {
                bytes.push(1);
                bytes.extend_from_slice(&column.value(row).to_le_bytes());
            }
            // The row format is self-delimiting and knows NULL.
            Self::Other(rows) => bytes.extend_from_slice(rows.row(row).data()),
        }
    }
}

/// Returns versions as numbers that order as the values do; NULL is the smallest.
///
/// # Errors
/// When the column is neither date, timestamp nor integer.
pub fn versions(column: &ArrayRef) -> Result<Vec<i64>, Error> {
    if !matches!(column.data_type(), DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) | DataType::Date32) {
        return Err(Error::VersionType { data_type: column.data_type().to_string() });
    }
    Ok(number(column)?.iter().map(|number| number.unwrap_or(i64::MIN)).collect())
}

fn number(column: &ArrayRef) -> Result<arrow::array::Int64Array, Error> {
    let numbers = match column.data_type() {
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        _ => cast(column, &DataType::Int64)?,
    };
    Ok(as_primitive_array::<Int64Type>(&numbers).clone())
}

/// A row as far as the reduction goes, in 24 bytes. Of its key's hash it holds 88 bits; eight more are its part.
#[derive(Debug, Clone, Copy)]
pub struct KeyRecord {
    key: u64,
    version: i64,
    /// More of the key above [`PLACE_BITS`] bits of the place.
    key_and_place: u64,
}

impl KeyRecord {
    const fn is_same_key(&self, other: &Self) -> bool {
        self.key == other.key && self.key_and_place >> PLACE_BITS == other.key_and_place >> PLACE_BITS
    }

    const fn place(&self) -> u64 {
        self.key_and_place & (MOST_PLACES - 1)
    }
}

/// The records of one pass, by part. They stand in chunks: a list that grows would take twice the memory that is promised.
#[derive(Debug)]
pub struct KeyRecords {
    pass: u64,
    passes: u64,
    parts: Vec<Vec<Vec<KeyRecord>>>,
}

impl KeyRecords {
    /// Begins pass `pass` of `passes`, which takes its share of all keys.
    #[must_use]
    pub fn new(pass: u64, passes: u64) -> Self {
        Self { pass, passes: passes.max(1), parts: (0..PARTS).map(|_| Vec::new()).collect() }
    }

    /// Takes note of a row if its key belongs to this pass. Its place is below [`MOST_PLACES`]; rows without a version
    /// all have the same one.
    pub fn observe(&mut self, key: &[u8], version: i64, place: u64) {
        let [first, last] = [word(key.first_chunk()), word(key.last_chunk())];
        if self.passes > 1 && last % self.passes != self.pass {
            return;
        }
        let record = KeyRecord { key: last, version, key_and_place: first << PLACE_BITS | place };
        let part = &mut self.parts[usize::from(first.to_be_bytes()[0])];
        if let Some(chunk) = part.last_mut().filter(|chunk| chunk.len() < CHUNK_RECORDS) {
            chunk.push(record);
        } else {
            let mut chunk = Vec::with_capacity(CHUNK_RECORDS);
            chunk.push(record);
            part.push(chunk);
        }
    }

    /// Puts the parts of several threads together: element `n` holds the chunks of part `n` of all.
    #[must_use]
    pub fn joined(all: Vec<Self>) -> Vec<Vec<Vec<KeyRecord>>> {
        let mut parts: Vec<Vec<Vec<KeyRecord>>> = (0..PARTS).map(|_| Vec::new()).collect();
        for records in all {
            records.parts.into_iter().zip(&mut parts).for_each(|(mut chunks, part)| part.append(&mut chunks));
        }
        parts
    }
}

/// Returns the places of all records of one part that a later record with the same key has replaced.
#[must_use]
pub fn losers(part: &[Vec<KeyRecord>]) -> Vec<u64> {
    let count: usize = part.iter().map(Vec::len).sum();
    let mask = (count * 2).next_power_of_two() - 1;
    let mut winners: Vec<KeyRecord> = Vec::with_capacity(count);
    let mut table = vec![EMPTY; mask + 1];
    let mut lost = Vec::new();
    let slot_of = |key: u64| usize::try_from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).unwrap_or(0) & mask;
    for record in part.iter().flatten() {
        // The first bits chose the part, so others choose the slot.
        let mut slot = slot_of(record.key);
        loop {
            match table[slot] {
                EMPTY => {
                    table[slot] = u32::try_from(winners.len()).unwrap_or(EMPTY - 1);
                    winners.push(*record);
                    break;
                }
                known => {
                    let winner = &mut winners[known as usize];
                    if winner.is_same_key(record) {
                        let is_later = (record.version, record.place()) > (winner.version, winner.place());
                        lost.push(if is_later { winner.place() } else { record.place() });
                        if is_later {
                            *winner = *record;
                        }
                        break;
                    }
                    slot = (slot + 1) & mask;
                }
            }
        }
    }
    lost
}

fn word(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use arrow::{
        array::{Date32Array, Int64Array, StringArray},
        datatypes::{Field, Schema},
    };
    use proptest::prelude::*;

    use super::*;

    type Row = (Option<&'static str>, i64, Option<i32>);

    fn batch(rows: &[Row]) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>()),
            Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.2).collect::<Date32Array>()),
        ];
        let fields = columns.iter().map(|column| Field::new("c", column.data_type().clone(), true));
        RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap()
    }

    /// Reduces rows whose places are their positions, in passes and spread over threads.
    fn lost(rows: &[Row], key: &[usize], with_version: bool, passes: u64, threads: usize) -> Vec<u64> {
        let rows = batch(rows);
        let hashes = key_hashes(&rows, key).unwrap();
        let versions = versions(rows.column(2)).unwrap();
        let mut all = Vec::new();
        for pass in 0..passes {
            let mut spread: Vec<KeyRecords> = (0..threads).map(|_| KeyRecords::new(pass, passes)).collect();
            for row in 0..rows.num_rows() {
                let version = if with_version { versions[row] } else { 0 };
                spread[row % threads].observe(hashes.value(row), version, row as u64);
            }
            all.extend(KeyRecords::joined(spread).iter().flat_map(|part| losers(part)));
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn the_later_place_wins() {
        let rows = [(Some("a"), 1, None), (Some("b"), 1, None), (Some("a"), 1, None), (Some("b"), 2, None)];
        assert_eq!(lost(&rows, &[0, 1], false, 1, 1), [0]);
        assert_eq!(lost(&rows, &[0], false, 1, 1), [0, 1]);
    }

    #[test]
    fn a_version_comes_before_the_place_and_null_is_oldest() {
        let rows = [
            (Some("a"), 1, Some(20_000)),
            (Some("b"), 1, None),
            (Some("a"), 1, Some(19_000)),
            (Some("b"), 1, Some(-5)),
        ];
        assert_eq!(lost(&rows, &[0], true, 1, 1), [1, 2]);
    }

    #[test]
    fn null_is_a_key_of_its_own_and_not_the_empty_text() {
        let rows = [(None, 1, None), (Some(""), 1, None), (None, 1, None)];
        assert_eq!(lost(&rows, &[0], false, 1, 1), [0]);
    }

    #[test]
    fn neighbouring_texts_are_not_cut_differently() {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(vec!["ab", "a"])), Arc::new(StringArray::from(vec!["c", "bc"]))];
        let fields = vec![Field::new("x", DataType::Utf8, true), Field::new("y", DataType::Utf8, true)];
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let hashes = key_hashes(&rows, &[0, 1]).unwrap();
        assert_ne!(hashes.value(0), hashes.value(1));
    }

    #[test]
    fn a_text_is_no_version() {
        assert!(matches!(versions(batch(&[]).column(0)), Err(Error::VersionType { .. })));
    }

    const NAMES: [Option<&str>; 4] = [Some("a"), Some("b"), Some(""), None];

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..4_usize, 0..20_i64, proptest::option::of(0..3_i32));
        proptest::collection::vec(row.prop_map(|(name, number, day)| (NAMES[name], number, day)), 0..200)
    }

    proptest! {
        #[test]
        fn exactly_one_row_of_each_key_wins_however_the_work_is_split(
            rows in any_rows(), with_version in any::<bool>(), passes in 1..4_u64, threads in 1..4_usize,
        ) {
            let mut winners: BTreeMap<_, (Option<i32>, usize)> = BTreeMap::new();
            for (place, row) in rows.iter().enumerate() {
                let order = (row.2.filter(|_| with_version), place);
                let winner = winners.entry((row.0, row.1)).or_insert(order);
                *winner = order.max(*winner);
            }
            let won: Vec<usize> = winners.values().map(|winner| winner.1).collect();
            let expected: Vec<u64> = (0..rows.len()).filter(|place| !won.contains(place)).map(|place| place as u64).collect();
            prop_assert_eq!(lost(&rows, &[0, 1], with_version, passes, threads), expected);
        }
    }
}
