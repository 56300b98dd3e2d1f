//! Sorts rows in memory.
//!
//! In: batches of the files' columns. Out: a [`MemoryRun`], from which as many rows are taken as one likes. The order is
//! by the key, then by all other columns, so that equal sets of rows give equal bytes: rows that compare equal are equal,
//! and which of them comes first does not matter. Deliberately absent: rows on disk, which `merge` adds.

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::{interleave, interleave_record_batch},
    row::Rows,
};

use super::{
    plan::Plan,
    portion::Portion,
    prefix::{self, PLACE_BITS, Prefix},
};
use crate::publish::Error;

/// Rows of a batch, so that a place fits into 32 bits.
const MOST_BATCH_ROWS: usize = 1 << (PLACE_BITS / 2);
/// Batches of a run.
pub(super) const MOST_BATCHES: usize = 1 << (PLACE_BITS / 2);
/// Bytes that a row costs while it is sorted, besides its own.
pub(super) const SORTED_ROW_BYTES: usize = size_of::<Prefix>() + 2 * size_of::<u32>();
/// Rows with equal prefixes that are compared whole at once.
const TIED_ROWS: usize = 65_536;

/// Rows in memory and the order in which they are taken.
pub(super) struct MemoryRun {
    batches: Vec<RecordBatch>,
    /// Bytes of each row of each batch.
    bytes: Vec<Vec<u32>>,
    /// Batch in the upper half, row in the lower.
    order: std::vec::IntoIter<u32>,
}

impl MemoryRun {
    /// Sorts batches: at most [`MOST_BATCHES`] of [`MOST_BATCH_ROWS`] rows, after large ones were cut.
    pub fn new(batches: Vec<RecordBatch>, plan: &Plan) -> Result<Self, Error> {
        let batches: Vec<RecordBatch> = batches.into_iter().flat_map(cut).collect();
        let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
        let columns: Vec<Vec<ArrayRef>> = plan
            .sort_columns
            .iter()
            .map(|&column| batches.iter().map(|batch| batch.column(column).clone()).collect())
            .collect();
        let mut prefixes = prefix::pack(&columns, &rows);
        // Finds out in one pass when they are in order already.
        prefixes.sort_unstable();
        order_ties(&mut prefixes, &columns, plan)?;
        let order: Vec<u32> = prefixes.into_iter().map(place).collect();
        let bytes = batches.iter().map(|batch| plan.row_bytes.of(batch)).collect();
        Ok(Self { batches, bytes, order: order.into_iter() })
    }

    /// Returns the next portion of rows, a smaller one at the end, None after it.
    pub fn next(&mut self, portion: Portion, plan: &Plan) -> Result<Option<RecordBatch>, Error> {
        let mut filling = portion.begin();
        let takes = |&&place: &&u32| filling.takes(self.bytes[at(place).0][at(place).1]);
        let count = self.order.as_slice().iter().take_while(takes).count();
        let next = &self.order.as_slice()[..count];
        let (Some(&first), Some(&last)) = (next.first(), next.last()) else {
            self.batches.clear();
            return Ok(None);
        };
        let rows = if is_range(next) {
            let (batch, row) = at(first);
            self.batches[batch].slice(row, at(last).1 + 1 - row)
        } else {
            let batches: Vec<&RecordBatch> = self.batches.iter().collect();
            let found: Vec<(usize, usize)> = next.iter().map(|&place| at(place)).collect();
            interleave_record_batch(&batches, &found).map_err(|source| plan.rows_error(source))?
        };
        self.order.nth(count - 1);
        Ok(Some(rows))
    }
}

/// Cuts a batch into those of which a place can name the rows.
fn cut(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let rows = batch.num_rows();
    (0..rows).step_by(MOST_BATCH_ROWS).map(move |start| batch.slice(start, MOST_BATCH_ROWS.min(rows - start)))
}

/// Returns whether rows follow each other in one batch, so that they need not be copied.
fn is_range(places: &[u32]) -> bool {
    places.windows(2).all(|pair| pair[0] + 1 == pair[1]) && at(places[0]).0 == at(places[places.len() - 1]).0
}

#[expect(clippy::cast_possible_truncation, reason = "the lower bits of a prefix are its place")]
const fn place(prefix: Prefix) -> u32 {
    prefix as u32
}

const fn at(place: u32) -> (usize, usize) {
    ((place >> (PLACE_BITS / 2)) as usize, place as usize & (MOST_BATCH_ROWS - 1))
}

/// Puts the rows with equal prefixes in order by comparing all their columns.
fn order_ties(prefixes: &mut [Prefix], columns: &[Vec<ArrayRef>], plan: &Plan) -> Result<(), Error> {
    let mut groups: Vec<&mut [Prefix]> = Vec::new();
    let mut rows = 0;
    for group in prefixes.chunk_by_mut(|one, other| one >> PLACE_BITS == other >> PLACE_BITS) {
        if group.len() == 1 {
            continue;
        }
        rows += group.len();
        groups.push(group);
        if rows >= TIED_ROWS {
            order_groups(&mut groups, columns, plan)?;
            rows = 0;
        }
    }
    order_groups(&mut groups, columns, plan)
}

fn order_groups(groups: &mut Vec<&mut [Prefix]>, columns: &[Vec<ArrayRef>], plan: &Plan) -> Result<(), Error> {
    let tied: Vec<(usize, usize)> =
        groups.iter().flat_map(|group| group.iter().map(|&prefix| at(place(prefix)))).collect();
    if tied.is_empty() {
        return Ok(());
    }
    let encoded = encode_rows(&tied, columns, plan)?;
    let mut start = 0;
    for group in groups.drain(..) {
        let mut order: Vec<usize> = (start..start + group.len()).collect();
        start += group.len();
        order.sort_unstable_by(|&one, &other| encoded.row(one).cmp(&encoded.row(other)));
        let sorted: Vec<Prefix> = order.iter().map(|row| group[row + group.len() - start]).collect();
        group.copy_from_slice(&sorted);
    }
    Ok(())
}

/// Encodes some rows so that comparing their bytes compares the rows.
fn encode_rows(rows: &[(usize, usize)], columns: &[Vec<ArrayRef>], plan: &Plan) -> Result<Rows, Error> {
    let taken = columns.iter().map(|arrays| {
        let arrays: Vec<&dyn arrow::array::Array> = arrays.iter().map(AsRef::as_ref).collect();
        interleave(&arrays, rows)
    });
    let taken = taken.collect::<Result<Vec<_>, _>>().map_err(|source| plan.rows_error(source))?;
    plan.converter(&plan.sort_columns)?.convert_columns(&taken).map_err(|source| plan.rows_error(source))
}
