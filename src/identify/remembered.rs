//! What linking found, as bytes and back: the records that it was found of, their codes, links, clusters.
//!
//! In: [`Records`] and what was found of them. Out: Arrow IPC streams of one row, one for each list of numbers, which are read
//! without decoding. Read back it is what it was, so that `relink` can go on from it. Deliberately knows neither where
//! the bytes lie nor whether they are still true of anything: definition and model must be those that they were made with.

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
    texts::Texts,
    whole::Identified,
};
use crate::define::entity::{Block, Entity};
use columns::{Columns, Read};

/// What stands for a missing date: no record was seen on that day.
const NO_DATE: i32 = i32::MIN;

/// Appends records and what was found of them to some bytes.
///
/// # Errors
/// When they do not fit into Arrow's format.
pub fn write(records: &Records, found: &Identified, mut into: Vec<u8>) -> Result<Vec<u8>, ArrowError> {
    into.reserve(room(records, found));
    let mut columns = Columns::behind(into);
    columns.push::<UInt16Type>(records.sources.iter().copied());
    columns.texts(&records.keys);
    columns.push::<Int32Type>(records.dates.iter().map(|date| date.unwrap_or(NO_DATE)));
    for interned in std::iter::once(&records.belongs_to).chain(&records.attributes) {
        columns.push::<UInt32Type>(interned.numbers.iter().copied());
        columns.texts(&interned.values);
    }
    codes(&found.codes, &mut columns);
    for order in &found.orders {
        columns.push::<UInt32Type>(order.iter().copied());
    }
    columns.push::<UInt64Type>(found.split.iter().flat_map(split_numbers));
    columns.push::<UInt32Type>(found.links.iter().flat_map(|link| [link.left, link.right]));
    columns.push::<Int32Type>(found.links.iter().map(|link| link.score));
    columns.push::<UInt32Type>(found.certain.iter().flat_map(|link| [link.left, link.right]));
    columns.push::<UInt16Type>(found.certain.iter().map(|link| link.rule));
    columns.push::<UInt64Type>(found.verdicts.iter().flat_map(verdict_numbers));
    columns.push::<UInt32Type>(found.clusters.of.iter().copied());
    columns.push::<UInt64Type>(found.clusters.cut.iter().flat_map(cut_numbers));
    columns.into_bytes()
}

/// Returns about as many bytes as will be written, and rather more: room that is not used is never touched, and bytes that grow
/// are there twice.
fn room(records: &Records, found: &Identified) -> usize {
    let texts = |texts: &Texts| texts.all().len() + 8 * texts.len();
    let interned = |interned: &Interned| 4 * interned.numbers.len() + texts(&interned.values);
    let of_records: usize =
        std::iter::once(&records.belongs_to).chain(&records.attributes).map(interned).sum::<usize>()
            + texts(&records.keys)
            + 6 * records.len();
    let Codes { forms, bigrams, orders } = &found.codes;
    let of_codes = 8 * forms.iter().map(|form| form.hashes.len()).sum::<usize>()
        + 8 * bigrams::KEYS * bigrams.iter().map(Vec::len).sum::<usize>()
        + 16 * orders.iter().map(Vec::len).sum::<usize>();
    let groups = found.split.len() + found.verdicts.len() + found.clusters.cut.len();
    let numbers = found.orders.iter().map(Vec::len).sum::<usize>() + found.clusters.of.len();
    let all = of_records + of_codes + 8 * GROUP * groups + 4 * numbers + 12 * (found.links.len() + found.certain.len());
    all + all / 16 + 64 * 1024
}

/// Reads what [`write`] wrote of the same definition, behind the first `start` bytes; None where it is something else.
#[must_use]
pub fn read(entity: &Entity, bytes: Vec<u8>, start: usize) -> Option<(Records, Identified)> {
    let mut columns = Read::new(bytes, start);
    let (sources, keys) = (columns.numbers::<UInt16Type>()?, columns.texts()?);
    let dates: Vec<i32> = columns.numbers::<Int32Type>()?;
    let mut interned = || Some(Interned { numbers: columns.numbers::<UInt32Type>()?, values: columns.texts()? });
    let belongs_to = interned()?;
    let attributes: Vec<Interned> = entity.attributes.iter().map(|_| interned()).collect::<Option<_>>()?;
    let dates = dates.into_iter().map(|date| (date != NO_DATE).then_some(date)).collect();
    let records = Records { sources, keys, dates, belongs_to, attributes };
    let mut codes = Codes::new(entity);
    fill(&mut codes, &mut columns)?;
    let orders = entity.blocks.iter().filter(|block| matches!(block, Block::Neighbours { .. }));
    let orders = orders.map(|_| columns.numbers::<UInt32Type>()).collect::<Option<Vec<_>>>()?;
    let split = columns.groups()?.map(split_block).collect::<Option<Vec<_>>>()?;
    let (ends, scores) = (columns.numbers::<UInt32Type>()?, columns.numbers::<Int32Type>()?);
    let links = ends.chunks_exact(2).zip(scores).map(|(ends, score)| Link { left: ends[0], right: ends[1], score });
    let links = links.collect();
    let (ends, rules) = (columns.numbers::<UInt32Type>()?, columns.numbers::<UInt16Type>()?);
    let certain = ends.chunks_exact(2).zip(rules).map(|(ends, rule)| Certain { left: ends[0], right: ends[1], rule });
    let certain = certain.collect();
    let verdicts = columns.groups()?.map(verdict).collect::<Option<Vec<_>>>()?;
    let of = columns.numbers::<UInt32Type>()?;
    let cut = columns.groups()?.map(cut).collect::<Option<Vec<_>>>()?;
    let clusters = Clusters { of, cut };
    let found = Identified { codes, orders, split, links, certain, verdicts, clusters, compared: 0 };
    (columns.is_at_end() && is_whole(&records, &found)).then_some((records, found))
}

fn codes(codes: &Codes, columns: &mut Columns) {
    for form in &codes.forms {
        columns.push::<UInt64Type>(form.hashes.iter().copied());
    }
    for keys in &codes.bigrams {
        columns.push::<UInt64Type>(keys.iter().flatten().copied());
    }
    for order in &codes.orders {
        columns.push::<UInt64Type>(order.iter().flat_map(|place| halves(*place)));
    }
}

fn fill(codes: &mut Codes, columns: &mut Read) -> Option<()> {
    for form in &mut codes.forms {
        form.hashes = columns.numbers::<UInt64Type>()?;
    }
    for keys in &mut codes.bigrams {
        let numbers = columns.numbers::<UInt64Type>()?;
        *keys = numbers.as_chunks::<{ bigrams::KEYS }>().0.to_vec();
    }
    for order in &mut codes.orders {
        let numbers = columns.numbers::<UInt64Type>()?;
        *order =
            numbers.as_chunks::<2>().0.iter().map(|[high, low]| u128::from(*high) << 64 | u128::from(*low)).collect();
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
