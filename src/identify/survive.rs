//! Which value wins where the records of one thing disagree.
//!
//! In: the records of each thing, and for each attribute in which order sources, time, frequency and length decide. Out: per
//! thing and attribute the record whose value it is, so that its source is known too. Ties end with the order of records,
//! so that the answer is the same in any night.

use std::collections::HashMap;

use super::records::{ABSENT, Records};
use crate::define::entity::Survival;

/// The things of tonight with their records.
#[derive(Debug)]
pub struct Members {
    starts: Vec<usize>,
    records: Vec<u32>,
}

impl Members {
    /// Groups records by a number below `things`.
    #[must_use]
    pub fn new(thing_of: &[u32], things: usize) -> Self {
        let mut starts = vec![0; things + 1];
        for thing in thing_of {
            starts[*thing as usize + 1] += 1;
        }
        for thing in 0..things {
            starts[thing + 1] += starts[thing];
        }
        let (mut next, mut records) = (starts.clone(), vec![0; thing_of.len()]);
        for (record, thing) in (0..).zip(thing_of) {
            records[next[*thing as usize]] = record;
            next[*thing as usize] += 1;
        }
        Self { starts, records }
    }

    /// Returns how many things there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the records of a thing, in their own order.
    #[must_use]
    pub fn of(&self, thing: usize) -> &[u32] {
        &self.records[self.starts[thing]..self.starts[thing + 1]]
    }
}

/// Returns the record whose value of an attribute wins; None when none has one. `latest` is the latest time at which each
/// record was seen.
#[must_use]
pub fn winner(members: &[u32], attribute: usize, order: &[Survival], records: &Records, latest: &[i64]) -> Option<u32> {
    let column = &records.attributes[attribute];
    let has_value = |record: &&u32| column.numbers[**record as usize] != ABSENT;
    let mut candidates = members.iter().filter(has_value).copied();
    let first = candidates.next()?;
    let others: Vec<u32> = candidates.collect();
    if others.is_empty() {
        return Some(first);
    }
    // By text: a value may have two numbers.
    let mut counts: HashMap<Option<&str>, u32> = HashMap::new();
    let is_counted = order.contains(&Survival::MostFrequent);
    for record in others.iter().chain([&first]).filter(|_| is_counted) {
        *counts.entry(column.get(*record)).or_default() += 1;
    }
    // Each place is the smaller the better.
    let place = |record: u32, survival: Survival| -> i128 {
        match survival {
            Survival::MostTrusted => i128::from(records.sources[record as usize]),
            Survival::MostRecent => -i128::from(latest[record as usize]),
            Survival::MostFrequent => -i128::from(counts[&column.get(record)]),
            Survival::Longest => {
                let characters = column.get(record).map_or(0, |value| value.chars().count());
                -i128::try_from(characters).unwrap_or(i128::MAX)
            }
        }
    };
    let rank = |record: &u32| {
        let places: Vec<i128> = order.iter().map(|survival| place(*record, *survival)).collect();
        (places, *record)
    };
    std::iter::once(first).chain(others).min_by_key(rank)
}

/// Returns the first day on which any of some records was seen, and of how many sources they are.
#[must_use]
pub fn first_seen(members: &[u32], records: &Records) -> (Option<i32>, usize) {
    let mut sources: Vec<u16> = members.iter().map(|record| records.sources[*record as usize]).collect();
    sources.sort_unstable();
    sources.dedup();
    (members.iter().filter_map(|record| records.dates[*record as usize]).min(), sources.len())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::identify::records::{RecordsBuilder, Row};

    /// Source, key, date, value.
    const ROWS: [(u16, &str, i32, Option<&str>); 5] = [
        (0, "a", 10, Some("short")),
        (1, "b", 30, Some("frequent")),
        (1, "c", 20, Some("frequent")),
        (2, "d", 40, Some("the longest of all")),
        (2, "e", 50, None),
    ];

    fn wins(order: &[Survival]) -> &'static str {
        let mut builder = RecordsBuilder::new(1);
        for (source, key, date, value) in ROWS {
            builder.push(&Row { source, key, date: Some(date), belongs_to: None, values: &[value] });
        }
        let records = builder.finish().unwrap();
        let latest: Vec<i64> = ROWS.iter().map(|row| i64::from(row.2)).collect();
        let members = Members::new(&[0, 0, 0, 0, 0], 1);
        assert_eq!(first_seen(members.of(0), &records), (Some(10), 3));
        ROWS[winner(members.of(0), 0, order, &records, &latest).unwrap() as usize].1
    }

    #[test]
    fn each_word_chooses_its_own_record() {
        assert_eq!(wins(&[Survival::MostTrusted]), "a");
        assert_eq!(wins(&[Survival::MostRecent]), "d");
        assert_eq!(wins(&[Survival::Longest]), "d");
        assert_eq!(wins(&[Survival::MostFrequent]), "b");
        assert_eq!(wins(&[Survival::MostFrequent, Survival::MostRecent]), "b");
        assert_eq!(wins(&[]), "a");
    }

    #[test]
    fn things_have_their_records_in_order_and_some_have_none() {
        let members = Members::new(&[2, 0, 2, 0], 4);
        assert_eq!((members.of(0), members.of(1), members.of(2)), (&[1, 3][..], &[][..], &[0, 2][..]));
        assert_eq!((members.len(), members.is_empty()), (4, false));
    }
}
