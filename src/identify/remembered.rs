//! What linking found, as bytes and back: the records that it was found of, their codes, links, clusters.
//!
//! In: [`Records`] and what was found of them. Out: pieces, so that they are never all in memory: Arrow IPC streams of one row, a few for
//! each list of numbers, which are read without decoding. Read back it is what it was, so that `relink` can go on from it. Deliberately
//! knows neither where the bytes lie nor whether they are still true of anything: definition and model must be those that they were
//! made with.

mod columns;

#[cfg(test)]
mod tests;

use arrow::{
    datatypes::{Int32Type, UInt16Type, UInt32Type, UInt64Type},
    error::ArrowError,
};

use super::{
    block::{SplitBlock, bigrams},
    cluster::{
        Clusters, Cut,
        links::{Certain, Link, Verdict},
    },
    codes::Codes,
    records::{Interned, Records},
    whole::Identified,
};
use crate::define::entity::{Block, Entity};
use columns::{Columns, Read};

/// What stands for a missing date: no record was seen on that day.
const NO_DATE: i32 = i32::MIN;

/// Gives records and what was found of them to `keep`, in pieces that each begin with `head`.
///
/// # Errors
/// When they do not fit into Arrow's format.
pub fn write(
    records: &Records,
    found: &Identified,
    head: Vec<u8>,
    keep: &mut dyn FnMut(Vec<u8>),
) -> Result<(), ArrowError> {
    let mut columns = Columns::new(head, keep);
    let count = records.len();
    columns.push::<UInt16Type>(records.sources.iter().copied(), count);
    columns.texts(&records.keys);
    columns.push::<Int32Type>(records.dates.iter().map(|date| date.unwrap_or(NO_DATE)), count);
    for interned in std::iter::once(&records.belongs_to).chain(&records.attributes) {
        columns.push::<UInt32Type>(interned.numbers.iter().copied(), count);
        columns.texts(&interned.values);
    }
    codes(&found.codes, &mut columns);
    for order in &found.orders {
        columns.push::<UInt32Type>(order.iter().copied(), order.len());
    }
    columns.push::<UInt64Type>(found.split.iter().flat_map(split_numbers), GROUP * found.split.len());
    let link = |link: &Link| [link.left, link.right, link.score.cast_unsigned()];
    columns.push::<UInt32Type>(found.links.iter().flat_map(link), 3 * found.links.len());
    let certain = |link: &Certain| [link.left, link.right, link.rule.into()];
    columns.push::<UInt32Type>(found.certain.iter().flat_map(certain), 3 * found.certain.len());
    columns.push::<UInt64Type>(found.verdicts.iter().flat_map(verdict_numbers), GROUP * found.verdicts.len());
    columns.push::<UInt32Type>(found.clusters.of.iter().copied(), found.clusters.of.len());
    columns.push::<UInt64Type>(found.clusters.cut.iter().flat_map(cut_numbers), GROUP * found.clusters.cut.len());
    columns.finish()
}

/// Reads what [`write`] wrote of the same definition, in each piece behind the first `start` bytes; None where it is something else.
#[must_use]
pub fn read(entity: &Entity, pieces: &mut dyn Iterator<Item = Vec<u8>>, start: usize) -> Option<(Records, Identified)> {
    let mut columns = Read::new(pieces, start);
    let (sources, keys) = (columns.numbers::<UInt16Type>()?, columns.texts()?);
    let dates = columns.tuples::<Int32Type, 1, _>(|[date]| Some((date != NO_DATE).then_some(date)))?;
    let mut interned = || Some(Interned { numbers: columns.numbers::<UInt32Type>()?, values: columns.texts()? });
    let belongs_to = interned()?;
    let attributes: Vec<Interned> = entity.attributes.iter().map(|_| interned()).collect::<Option<_>>()?;
    let records = Records { sources, keys, dates, belongs_to, attributes };
    let mut codes = Codes::new(entity);
    fill(&mut codes, &mut columns)?;
    let orders = entity.blocks.iter().filter(|block| matches!(block, Block::Neighbours { .. }));
    let orders = orders.map(|_| columns.numbers::<UInt32Type>()).collect::<Option<Vec<_>>>()?;
    let split = columns.groups()?.map(split_block).collect::<Option<Vec<_>>>()?;
    let links = columns
        .tuples::<UInt32Type, 3, _>(|[left, right, score]| Some(Link { left, right, score: score.cast_signed() }))?;
    let certain = columns.tuples::<UInt32Type, 3, _>(|[left, right, rule]| {
        Some(Certain { left, right, rule: u16::try_from(rule).ok()? })
    })?;
    let verdicts = columns.groups()?.map(verdict).collect::<Option<Vec<_>>>()?;
    let of = columns.numbers::<UInt32Type>()?;
    let cut = columns.groups()?.map(cut).collect::<Option<Vec<_>>>()?;
    let clusters = Clusters { of, cut };
    let found = Identified { codes, orders, split, links, certain, verdicts, clusters, compared: 0 };
    (columns.is_at_end() && is_whole(&records, &found)).then_some((records, found))
}

fn codes(codes: &Codes, columns: &mut Columns<'_>) {
    for form in &codes.forms {
        columns.push::<UInt64Type>(form.hashes.iter().copied(), form.hashes.len());
    }
    for keys in &codes.bigrams {
        columns.push::<UInt64Type>(keys.iter().flatten().copied(), bigrams::KEYS * keys.len());
    }
    for order in &codes.orders {
        columns.push::<UInt64Type>(order.iter().flat_map(|place| halves(*place)), 2 * order.len());
    }
}

fn fill(codes: &mut Codes, columns: &mut Read<'_>) -> Option<()> {
    for form in &mut codes.forms {
        form.hashes = columns.numbers::<UInt64Type>()?;
    }
    for keys in &mut codes.bigrams {
        *keys = columns.tuples::<UInt64Type, { bigrams::KEYS }, _>(Some)?;
    }
    for order in &mut codes.orders {
        *order = columns.tuples::<UInt64Type, 2, _>(|[high, low]| Some(u128::from(high) << 64 | u128::from(low)))?;
    }
    Some(())
}

/// Returns whether all lists are as long as they must be.
fn is_whole(records: &Records, found: &Identified) -> bool {
    let count = records.len();
    let interned = std::iter::once(&records.belongs_to).chain(&records.attributes);
    records.keys.len() == count
        && records.dates.len() == count
        && interned.into_iter().all(|interned| interned.numbers.len() == count)
        && found.codes.forms.iter().all(|codes| {
            records.attributes.get(codes.form.attribute).is_some_and(|known| known.values.len() == codes.hashes.len())
        })
        && found.clusters.of.len() == count
}

/// Returns the upper and the lower half of a number.
fn halves(number: u128) -> [u64; 2] {
    let bytes = number.to_be_bytes();
    [0, 8].map(|start| bytes[start..start + 8].iter().fold(0, |half, byte| half << 8 | u64::from(*byte)))
}

fn split_numbers(split: &SplitBlock) -> [u64; GROUP] {
    let SplitBlock { block, key, example, records, forms, parts, near_only } = *split;
    [block as u64, key, u64::from(example), records as u64, forms as u64, parts as u64, near_only as u64]
}

fn split_block(numbers: [u64; GROUP]) -> Option<SplitBlock> {
    let [block, key, example, records, forms, parts, near_only] = numbers;
    Some(SplitBlock {
        block: size(block)?,
        key,
        example: u32::try_from(example).ok()?,
        records: size(records)?,
        forms: size(forms)?,
        parts: size(parts)?,
        near_only: size(near_only)?,
    })
}

fn verdict_numbers(verdict: &Verdict) -> [u64; GROUP] {
    let Verdict { left, right, is_same, line } = *verdict;
    [u64::from(left), u64::from(right), u64::from(is_same), line as u64, 0, 0, 0]
}

fn verdict([left, right, is_same, line, ..]: [u64; GROUP]) -> Option<Verdict> {
    let (left, right) = (u32::try_from(left).ok()?, u32::try_from(right).ok()?);
    Some(Verdict { left, right, is_same: is_same == 1, line: size(line)? })
}

fn cut_numbers((left, right, why): &(u32, u32, Cut)) -> [u64; GROUP] {
    let (kind, veto) = match why {
        Cut::Verdict => (0, 0),
        Cut::Veto(number) => (1, *number as u64),
        Cut::Cohesion => (2, 0),
    };
    [u64::from(*left), u64::from(*right), kind, veto, 0, 0, 0]
}

fn cut([left, right, kind, veto, ..]: [u64; GROUP]) -> Option<(u32, u32, Cut)> {
    let why = match kind {
        0 => Cut::Verdict,
        1 => Cut::Veto(size(veto)?),
        2 => Cut::Cohesion,
        _ => return None,
    };
    Some((u32::try_from(left).ok()?, u32::try_from(right).ok()?, why))
}

fn size(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Numbers of one of the few things that are written as they are.
const GROUP: usize = 7;
