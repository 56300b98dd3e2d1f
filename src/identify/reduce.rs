//! The rows of a source → one record for each key.
//!
//! In: rows in any order, each with when it was seen and which of two is later. Out: per record its smallest date, and per
//! attribute the most recent value that is there. A row that does not count yet, because its fact lies after the run date,
//! names a record without saying anything about it. Deliberately does not know what attributes mean.

use std::collections::HashMap;

use super::{
    records::{ABSENT, RecordsBuilder},
    texts::Numbering,
};

/// Which of two rows is the later: by time, by version, by place.
pub type RowRank = (i64, i64, u64);

/// A row as far as identification reads it.
#[derive(Clone, Copy, Debug)]
pub struct SourceRow<'a> {
    /// The key of its record.
    pub key: &'a str,
    /// Whether it says anything: its fact exists as of the run date.
    pub counts: bool,
    /// When it was seen, in days since 1970.
    pub date: Option<i32>,
    /// Which of two rows is the later.
    pub rank: RowRank,
    /// The key of the record that it belongs to.
    pub belongs_to: Option<&'a str>,
    /// One value per attribute.
    pub values: &'a [Option<&'a str>],
}

/// The smallest date of the rows that count.
#[derive(Clone, Copy, Debug)]
enum Earliest {
    /// No row counts yet.
    Unseen,
    /// A row without a date, which is before all dates.
    Missing,
    On(i32),
}

impl Earliest {
    fn with(self, date: Option<i32>) -> Self {
        match (self, date) {
            (Self::Missing, _) | (_, None) => Self::Missing,
            (Self::Unseen, Some(date)) => Self::On(date),
            (Self::On(earliest), Some(date)) => Self::On(earliest.min(date)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    date: Earliest,
    /// The latest row that counts.
    latest: RowRank,
}

/// Folds rows into records.
#[derive(Debug)]
pub struct Reducer {
    keys: Numbering,
    seen: Vec<Seen>,
    /// Per record one slot for each attribute that the source has and one for what it belongs to: the number of the text, or
    /// [`ABSENT`].
    said: Vec<u32>,
    /// The rows that said what the latest row of its record left out. Few are such, so no slot has room for a rank of its own.
    earlier: HashMap<(u32, u16), RowRank>,
    /// Per attribute and for what a record belongs to its slot, if the source has it.
    slots: Vec<Option<u16>>,
    texts: Vec<Numbering>,
}

/// The keys of a source's records by their numbers.
#[derive(Debug)]
pub struct RecordKeys(Numbering);

impl RecordKeys {
    /// Returns the number of a record by its key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<u32> {
        self.0.find(key)
    }

    /// Returns the key of a record.
    #[must_use]
    pub fn get(&self, record: u32) -> &str {
        self.0.texts().get(record as usize)
    }
}

impl Reducer {
    /// Begins without rows; `has` says of each attribute, and last of what a record belongs to, whether the source has it.
    #[must_use]
    pub fn new(has: &[bool]) -> Self {
        let mut next = 0..u16::MAX;
        let slots: Vec<Option<u16>> = has.iter().map(|has| if *has { next.next() } else { None }).collect();
        Self {
            keys: Numbering::default(),
            seen: Vec::new(),
            said: Vec::new(),
            earlier: HashMap::new(),
            texts: vec![Numbering::default(); slots.iter().flatten().count()],
            slots,
        }
    }

    /// Takes a row and returns the number of its record.
    pub fn observe(&mut self, row: &SourceRow<'_>) -> u32 {
        let record = self.keys.number(row.key);
        if record as usize == self.seen.len() {
            self.seen.push(Seen { date: Earliest::Unseen, latest: (i64::MIN, i64::MIN, 0) });
            self.said.resize(self.said.len() + self.texts.len(), ABSENT);
        }
        if !row.counts {
            return record;
        }
        let seen = &mut self.seen[record as usize];
        seen.date = seen.date.with(row.date);
        let before = seen.latest;
        seen.latest = before.max(row.rank);
        let is_latest = row.rank > before;
        let values = row.values.iter().copied().chain([row.belongs_to]);
        for (slot, value) in self.slots.iter().zip(values) {
            let Some(slot) = *slot else { continue };
            let said = &mut self.said[record as usize * self.texts.len() + usize::from(slot)];
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                if is_latest && *said != ABSENT {
                    self.earlier.entry((record, slot)).or_insert(before);
                }
                continue;
            };
            if is_latest {
                *said = self.texts[usize::from(slot)].number(value);
                self.earlier.remove(&(record, slot));
            } else if *said == ABSENT || self.earlier.get(&(record, slot)).is_some_and(|said_by| *said_by < row.rank) {
                *said = self.texts[usize::from(slot)].number(value);
                self.earlier.insert((record, slot), row.rank);
            }
        }
        record
    }

    /// Returns the number of a record by its key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<u32> {
        self.keys.find(key)
    }

    /// Returns the key of a record.
    #[must_use]
    pub fn key(&self, record: u32) -> &str {
        self.keys.texts().get(record as usize)
    }

    /// Forgets all but the keys.
    #[must_use]
    pub fn into_keys(self) -> RecordKeys {
        RecordKeys(self.keys)
    }

    /// Returns how many records there are, those that say nothing included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Returns whether a record has one of some attributes.
    #[must_use]
    pub fn has_any(&self, record: u32, attributes: &[usize]) -> bool {
        attributes.iter().any(|attribute| self.text(record, *attribute).is_some())
    }

    /// Returns the key that a record says it belongs to.
    #[must_use]
    pub fn belongs_to(&self, record: u32) -> Option<&str> {
        let (slot, number) = self.text(record, self.slots.len() - 1)?;
        Some(self.texts[slot].texts().get(number))
    }

    /// Returns the slot of an attribute and the number of a record's text there.
    fn text(&self, record: u32, attribute: usize) -> Option<(usize, usize)> {
        let slot = usize::from(self.slots[attribute]?);
        let number = self.said[record as usize * self.texts.len() + slot];
        (number != ABSENT).then_some((slot, number as usize))
    }

    /// Returns records in the order of their keys.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.seen.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by_key(|&record| self.key(record));
        order
    }

    /// Begins to add records to those of all sources.
    #[must_use]
    pub fn pushing(&self, source: u16) -> Pushing<'_> {
        let numbers = |slot: &Option<u16>| {
            slot.map_or_else(Vec::new, |slot| vec![ABSENT; self.texts[usize::from(slot)].texts().len()])
        };
        Pushing { reducer: self, source, numbers: self.slots.iter().map(numbers).collect() }
    }
}

/// Adds the records of one source to those of all.
#[derive(Debug)]
pub struct Pushing<'a> {
    reducer: &'a Reducer,
    source: u16,
    /// Per attribute and number of a text its number among those of all sources.
    numbers: Vec<Vec<u32>>,
}

impl Pushing<'_> {
    /// Adds a record, and returns the latest time at which it was seen.
    pub fn push(&mut self, record: u32, into: &mut RecordsBuilder) -> i64 {
        let Self { reducer, source, numbers } = self;
        let Seen { date, latest } = reducer.seen[record as usize];
        let date = match date {
            Earliest::On(date) => Some(date),
            Earliest::Unseen | Earliest::Missing => None,
        };
        let values = (0..).zip(numbers).map(|(attribute, numbers)| {
            let (slot, number) = reducer.text(record, attribute)?;
            Some((reducer.texts[slot].texts().get(number), &mut numbers[number]))
        });
        into.push_numbered(*source, reducer.key(record), date, values);
        latest.0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn row<'a>(key: &'a str, date: Option<i32>, rank: u64, values: &'a [Option<&'a str>]) -> SourceRow<'a> {
        let time = date.map_or(i64::MIN, i64::from);
        SourceRow { key, counts: true, date, rank: (time, 0, rank), belongs_to: None, values }
    }

    /// Key, date and both attributes of a record.
    type Reduced = (String, Option<i32>, Option<String>, Option<String>);

    fn records(rows: &[SourceRow<'_>]) -> Vec<Reduced> {
        let mut reducer = Reducer::new(&[true; 3]);
        for row in rows {
            reducer.observe(row);
        }
        let mut builder = RecordsBuilder::new(2);
        let mut pushing = reducer.pushing(0);
        for record in reducer.in_order() {
            pushing.push(record, &mut builder);
        }
        let records = builder.finish().unwrap();
        let value = |attribute: usize, record: u32| records.attributes[attribute].get(record).map(str::to_owned);
        (0..records.len())
            .map(|at| {
                let record = u32::try_from(at).unwrap();
                (records.keys.get(at).to_owned(), records.dates[at], value(0, record), value(1, record))
            })
            .collect()
    }

    #[test]
    fn a_record_has_the_smallest_date_and_of_each_attribute_the_latest_value_that_is_there() {
        let rows = [
            row("b", Some(5), 1, &[Some("five"), Some("x")]),
            row("b", Some(9), 2, &[Some("nine"), None]),
            row("b", Some(3), 3, &[Some("three"), Some("y")]),
            row("a", None, 4, &[None, Some("")]),
        ];
        let expected = vec![
            ("a".to_owned(), None, None, None),
            ("b".to_owned(), Some(3), Some("nine".to_owned()), Some("x".to_owned())),
        ];
        assert_eq!(records(&rows), expected);
        let mut backwards = rows;
        backwards.reverse();
        assert_eq!(records(&backwards), expected);
    }

    #[test]
    fn a_row_that_does_not_count_yet_says_nothing() {
        let mut reducer = Reducer::new(&[true, false]);
        let later = SourceRow { counts: false, ..row("a", Some(1), 1, &[Some("x")]) };
        let number = reducer.observe(&later);
        assert!(!reducer.has_any(number, &[0]));
        assert_eq!(reducer.observe(&row("a", Some(7), 2, &[Some("y")])), number);
        assert!(reducer.has_any(number, &[0]));
        let mut builder = RecordsBuilder::new(1);
        assert_eq!(reducer.pushing(0).push(number, &mut builder), 7);
        assert_eq!(builder.finish().unwrap().dates, [Some(7)]);
    }

    #[test]
    fn whatever_the_order_of_rows_each_attribute_is_that_of_the_latest_row_that_has_it() {
        let values = [[Some("0"), None], [None, Some("1")], [Some("2"), Some("2")], [None, None], [Some("4"), None]];
        for first in 0..120_usize {
            // All orders of five rows.
            let mut left: Vec<u64> = (0..5).collect();
            let mut digits = first;
            let order: Vec<u64> = (1..=5).rev().map(|count| (left.remove(digits % count), digits /= count).0).collect();
            let rows: Vec<SourceRow<'_>> =
                order.iter().map(|rank| row("a", Some(1), *rank, &values[usize::try_from(*rank).unwrap()])).collect();
            let expected = ("a".to_owned(), Some(1), Some("4".to_owned()), Some("2".to_owned()));
            assert_eq!(records(&rows), [expected], "{order:?}");
        }
    }
}
