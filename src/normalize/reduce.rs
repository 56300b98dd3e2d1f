//! Which of two rows with one key is served: the later version, then the later file, then the later line.
//!
//! In: accepted rows of all files of a source, in any order. Out: for each row whether it is the winner of its key. Two
//! passes: `observe` every batch, then `keep` every batch. Order does not matter, since a winner is a maximum. Rejected
//! rows are never observed, so a newer row that is rejected leaves the older one served.
//!
//! Memory: 33 bytes a slot, 38 to 75 a key by the load of the map. Keys are 128-bit hashes of Arrow's row encoding, in
//! which NULL equals NULL and nothing else; with 10^9 keys two of them collide with a chance below 10^-20.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, cast::as_primitive_array},
    compute::cast,
    datatypes::{DataType, Int64Type},
    row::{RowConverter, SortField},
};
use xxhash_rust::xxh3::xxh3_128;

use super::Error;

/// Bits of a place that count lines; the others count files.
const LINE_BITS: u32 = 40;
/// File ranks are below this.
pub const MAX_FILES: u64 = 1 << (64 - LINE_BITS);
/// Line numbers are below this.
pub const MAX_LINES: u64 = 1 << LINE_BITS;

/// The column that says which of two rows is later: a date, a timestamp or an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionColumn {
    /// Index in the contract.
    pub index: usize,
}

/// Where a row stands in the order of versions: its version, then file rank and line in one word.
type Order = (i64, u64);

/// The winners of all keys seen so far.
#[derive(Debug, Clone, Default)]
pub struct Reduction {
    key: Vec<usize>,
    version: Option<VersionColumn>,
    winners: HashMap<[u64; 2], Order, BuildHasherDefault<Identity>>,
    observed: u64,
}

impl Reduction {
    /// Starts a reduction by key columns (indexes); without any, every row is kept.
    #[must_use]
    pub fn new(key: &[usize], version: Option<VersionColumn>) -> Self {
        Self { key: key.to_vec(), version, ..Self::default() }
    }

    /// Takes note of a batch. `file_rank` counts files in the order of (version of the file, path).
    ///
    /// # Errors
    /// When the rank or a line is too large, a version column has a wrong type, or Arrow cannot compare the key.
    pub fn observe(&mut self, rows: &RecordBatch, file_rank: u32, lines: &[u64]) -> Result<(), Error> {
        if self.key.is_empty() {
            return Ok(());
        }
        let orders = self.orders(rows, file_rank, lines)?;
        self.winners.reserve(if self.winners.is_empty() { orders.len() } else { 0 });
        self.observed += u64::try_from(orders.len()).unwrap_or(u64::MAX);
        for (key, order) in self.keys(rows)?.into_iter().zip(orders) {
            let winner = self.winners.entry(key).or_insert(order);
            *winner = order.max(*winner);
        }
        Ok(())
    }

    /// Adds what another reduction of the same source has observed.
    pub fn merge(&mut self, other: Self) {
        self.observed += other.observed;
        for (key, order) in other.winners {
            let winner = self.winners.entry(key).or_insert(order);
            *winner = order.max(*winner);
        }
    }

    /// Returns for each row of an observed batch whether it won.
    ///
    /// # Errors
    /// As [`Reduction::observe`].
    pub fn keep(&self, rows: &RecordBatch, file_rank: u32, lines: &[u64]) -> Result<BooleanArray, Error> {
        if self.key.is_empty() {
            return Ok(BooleanArray::from(vec![true; rows.num_rows()]));
        }
        let orders = self.orders(rows, file_rank, lines)?;
        let keys = self.keys(rows)?;
        let won = |(key, order): (&[u64; 2], &Order)| self.winners.get(key) == Some(order);
        Ok(keys.iter().zip(&orders).map(won).collect::<Vec<bool>>().into())
    }

    /// Returns how many observed rows a later row of the same key has replaced.
    #[must_use]
    pub fn superseded(&self) -> u64 {
        self.observed - u64::try_from(self.winners.len()).unwrap_or(u64::MAX)
    }

    fn keys(&self, rows: &RecordBatch) -> Result<Vec<[u64; 2]>, Error> {
        let columns: Vec<ArrayRef> = self.key.iter().map(|index| rows.column(*index).clone()).collect();
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let encoded = RowConverter::new(fields)?.convert_columns(&columns)?;
        Ok(encoded.iter().map(|row| halves(xxh3_128(row.as_ref()))).collect())
    }

    fn orders(&self, rows: &RecordBatch, file_rank: u32, lines: &[u64]) -> Result<Vec<Order>, Error> {
        let rank = u64::from(file_rank);
        if let Some(line) = lines.iter().copied().find(|line| rank >= MAX_FILES || *line >= MAX_LINES) {
            return Err(Error::TooMany { file_rank, line });
        }
        let places = lines.iter().map(|line| (rank << LINE_BITS) | line);
        Ok(match self.version {
            None => places.map(|place| (0, place)).collect(),
            Some(column) => versions(rows.column(column.index))?.into_iter().zip(places).collect(),
        })
    }
}

/// Returns versions as numbers that order as the values do; NULL is the smallest.
fn versions(column: &ArrayRef) -> Result<Vec<i64>, Error> {
    let data_type = column.data_type();
    let numbers = match data_type {
        DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) => cast(column, &DataType::Int64)?,
        DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
        other => return Err(Error::VersionType { data_type: other.to_string() }),
    };
    let numbers = as_primitive_array::<Int64Type>(&numbers);
    Ok(numbers.iter().map(|number| number.unwrap_or(i64::MIN)).collect())
}

fn halves(hash: u128) -> [u64; 2] {
    let bytes = hash.to_le_bytes();
    [word(bytes.first_chunk()), word(bytes.last_chunk())]
}

fn word(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Takes the first word of a key as its hash: keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct Identity(Option<u64>);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0.unwrap_or_default()
    }

    fn write(&mut self, bytes: &[u8]) {
        // Arrays of words are hashed as their bytes: the first eight are the first word.
        self.0.get_or_insert(word(bytes.first_chunk()));
    }

    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

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

    fn kept(reduction: &Reduction, rows: &RecordBatch, rank: u32, lines: &[u64]) -> Vec<bool> {
        reduction.keep(rows, rank, lines).unwrap().iter().flatten().collect()
    }

    const DATE: Option<VersionColumn> = Some(VersionColumn { index: 2 });

    #[test]
    fn the_later_file_wins_then_the_later_line() {
        let first = batch(&[(Some("a"), 1, None), (Some("b"), 1, None), (Some("a"), 1, None)]);
        let second = batch(&[(Some("b"), 1, None)]);
        let mut reduction = Reduction::new(&[0, 1], None);
        reduction.observe(&second, 1, &[2]).unwrap();
        reduction.observe(&first, 0, &[2, 3, 4]).unwrap();
        assert_eq!(kept(&reduction, &first, 0, &[2, 3, 4]), [false, false, true]);
        assert_eq!(kept(&reduction, &second, 1, &[2]), [true]);
        assert_eq!(reduction.superseded(), 2);
    }

    #[test]
    fn a_version_column_comes_before_the_file_and_null_is_oldest() {
        let older_file = batch(&[(Some("a"), 1, Some(20_000)), (Some("b"), 1, None)]);
        let newer_file = batch(&[(Some("a"), 1, Some(19_000)), (Some("b"), 1, Some(-5))]);
        let mut reduction = Reduction::new(&[0], DATE);
        reduction.observe(&older_file, 0, &[2, 3]).unwrap();
        reduction.observe(&newer_file, 1, &[2, 3]).unwrap();
        assert_eq!(kept(&reduction, &older_file, 0, &[2, 3]), [true, false]);
        assert_eq!(kept(&reduction, &newer_file, 1, &[2, 3]), [false, true]);
    }

    #[test]
    fn null_is_a_key_of_its_own_and_not_the_empty_text() {
        let rows = batch(&[(None, 1, None), (Some(""), 1, None), (None, 1, None)]);
        let mut reduction = Reduction::new(&[0], None);
        reduction.observe(&rows, 0, &[1, 2, 3]).unwrap();
        assert_eq!(kept(&reduction, &rows, 0, &[1, 2, 3]), [false, true, true]);
    }

    #[test]
    fn without_a_key_every_row_is_kept() {
        let rows = batch(&[(Some("a"), 1, None), (Some("a"), 1, None)]);
        let mut reduction = Reduction::new(&[], None);
        reduction.observe(&rows, 0, &[1, 2]).unwrap();
        assert_eq!(kept(&reduction, &rows, 0, &[1, 2]), [true, true]);
        assert_eq!(reduction.superseded(), 0);
    }

    #[test]
    fn what_cannot_be_ordered_is_an_error() {
        let rows = batch(&[(Some("a"), 1, None)]);
        let mut reduction = Reduction::new(&[0], Some(VersionColumn { index: 0 }));
        assert!(matches!(reduction.observe(&rows, 0, &[1]), Err(Error::VersionType { .. })));
        let mut reduction = Reduction::new(&[0], None);
        assert!(matches!(reduction.observe(&rows, 1 << 24, &[1]), Err(Error::TooMany { .. })));
        assert!(matches!(reduction.observe(&rows, 0, &[MAX_LINES]), Err(Error::TooMany { .. })));
        assert!(reduction.observe(&rows, (1 << 24) - 1, &[MAX_LINES - 1]).is_ok());
    }

    const NAMES: [Option<&str>; 4] = [Some("a"), Some("b"), Some(""), None];

    fn any_file() -> impl Strategy<Value = Vec<Row>> {
        let row = (0..4_usize, 0..2_i64, proptest::option::of(0..3_i32));
        proptest::collection::vec(row.prop_map(|(name, number, day)| (NAMES[name], number, day)), 0..12)
    }

    proptest! {
        #[test]
        fn winners_do_not_depend_on_the_order_of_files_nor_on_how_the_work_is_split(
            files in proptest::collection::vec(any_file(), 1..6),
            order in any::<prop::sample::Index>(),
            split in any::<prop::sample::Index>(),
        ) {
            let batches: Vec<(u32, RecordBatch, Vec<u64>)> = (0..).zip(&files)
                .map(|(rank, rows)| (rank, batch(rows), (2..).take(rows.len()).collect()))
                .collect();
            let observe = |batches: &[(u32, RecordBatch, Vec<u64>)]| {
                let mut reduction = Reduction::new(&[0, 1], DATE);
                for (rank, rows, lines) in batches {
                    reduction.observe(rows, *rank, lines).unwrap();
                }
                reduction
            };
            let in_order = observe(&batches);
            let mut turned = batches.clone();
            turned.rotate_left(order.index(batches.len()));
            turned.reverse();
            let (left, right) = turned.split_at(split.index(turned.len()));
            let mut merged = observe(left);
            merged.merge(observe(right));

            let mut expected: std::collections::BTreeMap<_, _> = std::collections::BTreeMap::new();
            for (rank, rows) in (0_u32..).zip(&files) {
                for (line, row) in (2_u64..).zip(rows) {
                    let order = (row.2, rank, line);
                    let winner = expected.entry((row.0, row.1)).or_insert(order);
                    *winner = order.max(*winner);
                }
            }
            for (rank, rows, lines) in &batches {
                let wanted: Vec<bool> = files[*rank as usize].iter().zip(lines)
                    .map(|(row, line)| expected[&(row.0, row.1)] == (row.2, *rank, *line))
                    .collect();
                prop_assert_eq!(&kept(&in_order, rows, *rank, lines), &wanted);
                prop_assert_eq!(&kept(&merged, rows, *rank, lines), &wanted);
            }
            let total: usize = files.iter().map(Vec::len).sum();
            prop_assert_eq!(in_order.superseded(), (total - expected.len()) as u64);
            prop_assert_eq!(merged.superseded(), in_order.superseded());
        }
    }
}
