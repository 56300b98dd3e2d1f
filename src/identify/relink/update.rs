//! Tonight's records: yesterday's, with what is new, changed or gone.
//!
//! In: yesterday's records, rows, keys. Out: [`Update`]: tonight's records, and where each of yesterday's went. Work beside
//! copying is in proportion to the rows. New values are added behind the known ones, which keep their numbers, and so
//! their codes; a value may come to stand there twice, which changes nothing but space.

use std::ops::Range;

use crate::identify::{
    records::{ABSENT, Interned, Records, Row, Twice},
    texts::Texts,
};

/// Yesterday's records and tonight's.
#[derive(Clone, Debug)]
pub struct Update {
    /// Yesterday's, without the texts of values: their numbers mean the values of tonight's records.
    pub before: Records,
    /// Tonight's.
    pub records: Records,
    /// Per record of yesterday its number tonight; [`ABSENT`] if it is gone or says something else.
    pub unchanged: Vec<u32>,
}

/// What happens at one place of the list.
#[derive(Clone, Copy, Debug)]
struct Splice<'a> {
    /// The record of yesterday before or at which it happens.
    at: usize,
    /// Whether that record is left out.
    leaves_out: bool,
    /// What stands there instead.
    row: Option<&'a Row<'a>>,
}

impl Update {
    /// Makes tonight's records. A key in `gone` that no record has, or that a row has too, is passed over.
    ///
    /// # Errors
    /// [`Twice`] when two rows have one source and key.
    pub fn new(mut before: Records, rows: &[Row<'_>], gone: &[(u16, &str)]) -> Result<Self, Twice> {
        let splices = splices(&before, rows, gone)?;
        let stays: Vec<bool> = splices.iter().map(|splice| splice.stays(&before)).collect();
        let runs = runs(&splices, before.len());
        let records = spliced(&mut before, &splices, &runs, &stays);
        let mut unchanged = vec![ABSENT; before.len()];
        let mut next = 0;
        for (position, run) in runs.into_iter().enumerate() {
            for record in run {
                unchanged[record] = next;
                next += 1;
            }
            if let Some(splice) = splices.get(position).filter(|splice| splice.row.is_some()) {
                if stays[position] {
                    unchanged[splice.at] = next;
                }
                next += 1;
            }
        }
        Ok(Self { before, records, unchanged })
    }

    /// Returns yesterday's records that are gone or say something else.
    #[must_use]
    pub fn left(&self) -> Vec<u32> {
        (0_u32..).zip(&self.unchanged).filter(|(_, record)| **record == ABSENT).map(|(record, _)| record).collect()
    }

    /// Returns tonight's records that are new or say something else.
    #[must_use]
    pub fn came(&self) -> Vec<u32> {
        let mut is_known = vec![false; self.records.len()];
        self.unchanged.iter().filter(|record| **record != ABSENT).for_each(|&record| is_known[record as usize] = true);
        (0_u32..).zip(is_known).filter(|(_, is_known)| !is_known).map(|(record, _)| record).collect()
    }
}

/// Returns how many records there are.
pub(super) fn count(records: &Records) -> u32 {
    u32::try_from(records.len()).unwrap_or(ABSENT)
}

fn splices<'a>(before: &Records, rows: &'a [Row<'a>], gone: &[(u16, &str)]) -> Result<Vec<Splice<'a>>, Twice> {
    let mut rows: Vec<&Row<'_>> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| (row.source, row.key));
    if let Some(pair) = rows.windows(2).find(|pair| (pair[0].source, pair[0].key) == (pair[1].source, pair[1].key)) {
        return Err(Twice { source_rank: pair[0].source, key: pair[0].key.to_owned() });
    }
    let of_row = |row: &&'a Row<'a>| {
        let (at, leaves_out) = before.place(row.source, row.key);
        Splice { at, leaves_out, row: Some(*row) }
    };
    let mut splices: Vec<Splice<'a>> = rows.iter().map(of_row).collect();
    let has_row =
        |source: u16, key: &str| rows.binary_search_by_key(&(source, key), |row| (row.source, row.key)).is_ok();
    for (source, key) in gone.iter().filter(|(source, key)| !has_row(*source, key)) {
        if let (at, true) = before.place(*source, key) {
            splices.push(Splice { at, leaves_out: true, row: None });
        }
    }
    // Rows before a record stand before what replaces it; the sort keeps the order of rows at one place.
    splices.sort_by_key(|splice| (splice.at, splice.leaves_out));
    splices.dedup_by_key(|splice| splice.row.map_or((splice.at, None), |row| (splice.at, Some((row.source, row.key)))));
    Ok(splices)
}

/// Returns the records that stay before each splice, and after the last one.
fn runs(splices: &[Splice<'_>], records: usize) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut runs = Vec::with_capacity(splices.len() + 1);
    for splice in splices {
        runs.push(start..splice.at);
        start = splice.at + usize::from(splice.leaves_out);
    }
    runs.push(start..records);
    runs
}

fn spliced(before: &mut Records, splices: &[Splice<'_>], runs: &[Range<usize>], stays: &[bool]) -> Records {
    let all = |splice: usize| splices[splice].row;
    let mut keys = Texts::default();
    for (position, run) in runs.iter().enumerate() {
        keys.extend_from(&before.keys, run.clone());
        splices.get(position).and_then(|splice| splice.row).into_iter().for_each(|row| keys.push(row.key));
    }
    let (belongs_to, attributes) = (&mut before.belongs_to, &mut before.attributes);
    let column = |interned: &mut Interned, value: &dyn Fn(&Row<'_>) -> Option<String>| {
        let mut values = std::mem::take(&mut interned.values);
        let numbers = merged(&interned.numbers, runs, |splice| {
            let row = all(splice)?;
            Some(match (stays[splice], value(row)) {
                (true, _) => interned.numbers[splices[splice].at],
                (false, None) => ABSENT,
                (false, Some(text)) => {
                    values.push(&text);
                    u32::try_from(values.len() - 1).unwrap_or(ABSENT)
                }
            })
        });
        Interned { numbers, values }
    };
    Records {
        belongs_to: column(belongs_to, &|row| row.belongs_to.map(str::to_owned)),
        attributes: attributes
            .iter_mut()
            .enumerate()
            .map(|(position, attribute)| {
                column(attribute, &|row| row.values.get(position).copied().flatten().map(str::to_owned))
            })
            .collect(),
        sources: merged(&before.sources, runs, |splice| all(splice).map(|row| row.source)),
        dates: merged(&before.dates, runs, |splice| all(splice).map(|row| row.date)),
        keys,
    }
}

fn merged<T: Copy>(before: &[T], runs: &[Range<usize>], mut row: impl FnMut(usize) -> Option<T>) -> Vec<T> {
    let mut merged = Vec::with_capacity(before.len() + runs.len());
    for (position, run) in runs.iter().enumerate() {
        merged.extend_from_slice(&before[run.clone()]);
        if position + 1 < runs.len() {
            merged.extend(row(position));
        }
    }
    merged
}

impl Splice<'_> {
    /// Returns whether the row says what the record that it replaces said.
    fn stays(&self, before: &Records) -> bool {
        let Some(row) = self.row.filter(|_| self.leaves_out) else { return false };
        let Ok(record) = u32::try_from(self.at) else { return false };
        let value = |position: usize| row.values.get(position).copied().flatten();
        let attributes = before.attributes.iter().enumerate();
        before.belongs_to.get(record) == row.belongs_to
            && attributes.into_iter().all(|(position, attribute)| attribute.get(record) == value(position))
    }
}
