//! The rows of a source → one record for each key.
//!
//! In: rows in any order, each with when it was seen and which of two is later. Out: per record its smallest date, and per
//! attribute the most recent value that is there. A row that does not count yet, because its fact lies after the run date,
//! names a record without saying anything about it. Deliberately does not know what attributes mean.

use super::{
    records::{ABSENT, RecordsBuilder},
    texts::Numbering,
};

/// A row as far as identification reads it.
#[derive(Clone, Copy, Debug)]
pub struct SourceRow<'a> {
    /// The key of its record.
    pub key: &'a str,
    /// Whether it says anything: its fact exists as of the run date.
    pub counts: bool,
    /// When it was seen, in days since 1970.
    pub date: Option<i32>,
    /// Which of two rows is the later: by time, by version, by place.
    pub rank: (i64, i64, u64),
    /// The key of the record that it belongs to.
    pub belongs_to: Option<&'a str>,
    /// One value per attribute.
    pub values: &'a [Option<&'a str>],
}

/// A value and the row that said it.
#[derive(Clone, Copy, Debug)]
struct Said {
    number: u32,
    rank: (i64, i64, u64),
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
    latest: i64,
}

/// Folds rows into records.
#[derive(Debug)]
pub struct Reducer {
    keys: Numbering,
    seen: Vec<Seen>,
    /// Per record one slot for each attribute and one for what it belongs to.
    said: Vec<Option<Said>>,
    texts: Vec<Numbering>,
}

impl Reducer {
    /// Begins without rows, for so many attributes.
    #[must_use]
    pub fn new(attributes: usize) -> Self {
        let texts = vec![Numbering::default(); attributes + 1];
        Self { keys: Numbering::default(), seen: Vec::new(), said: Vec::new(), texts }
    }

    /// Takes a row and returns the number of its record.
    pub fn observe(&mut self, row: &SourceRow<'_>) -> u32 {
        let number = self.keys.number(row.key);
        let slots = self.texts.len();
        let record = number as usize;
        if record == self.seen.len() {
            self.seen.push(Seen { date: Earliest::Unseen, latest: i64::MIN });
            self.said.resize(self.said.len() + slots, None);
        }
        if !row.counts {
            return number;
        }
        let seen = &mut self.seen[record];
        seen.date = seen.date.with(row.date);
        seen.latest = seen.latest.max(row.rank.0);
        let values = row.values.iter().copied().chain([row.belongs_to]);
        for (slot, value) in values.enumerate().take(slots) {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            let said = &mut self.said[record * slots + slot];
            if said.is_none_or(|said| said.rank < row.rank) {
                *said = Some(Said { number: self.texts[slot].number(value), rank: row.rank });
            }
        }
        number
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
        let start = record as usize * self.texts.len();
        attributes.iter().any(|attribute| self.said[start + attribute].is_some())
    }

    /// Returns the key that a record says it belongs to.
    #[must_use]
    pub fn belongs_to(&self, record: u32) -> Option<&str> {
        let slots = self.texts.len();
        let said = self.said[record as usize * slots + slots - 1]?;
        Some(self.texts[slots - 1].texts().get(said.number as usize))
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
        let numbers = self.texts.iter().map(|texts| vec![ABSENT; texts.texts().len()]).collect();
        Pushing { reducer: self, source, numbers }
    }
}

/// Adds the records of one source to those of all.
#[derive(Debug)]
pub struct Pushing<'a> {
    reducer: &'a Reducer,
    source: u16,
    /// Per slot and number of a text its number among those of all sources.
    numbers: Vec<Vec<u32>>,
}

impl Pushing<'_> {
    /// Adds a record, and returns the latest time at which it was seen.
    pub fn push(&mut self, record: u32, into: &mut RecordsBuilder) -> i64 {
        let Reducer { said, texts, seen, .. } = self.reducer;
        let (slots, at) = (texts.len(), record as usize);
        let said = &said[at * slots..(at + 1) * slots];
        let date = match seen[at].date {
            Earliest::On(date) => Some(date),
            Earliest::Unseen | Earliest::Missing => None,
        };
        let values = said.iter().zip(texts).zip(&mut self.numbers).map(|((said, texts), numbers)| {
            let number = said.as_ref()?.number as usize;
            Some((texts.texts().get(number), &mut numbers[number]))
        });
        into.push_numbered(self.source, self.reducer.key(record), date, values);
        seen[at].latest
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
        let mut reducer = Reducer::new(2);
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
        let mut reducer = Reducer::new(1);
        let later = SourceRow { counts: false, ..row("a", Some(1), 1, &[Some("x")]) };
        let number = reducer.observe(&later);
        assert!(!reducer.has_any(number, &[0]));
        assert_eq!(reducer.observe(&row("a", Some(7), 2, &[Some("y")])), number);
        assert!(reducer.has_any(number, &[0]));
        let mut builder = RecordsBuilder::new(1);
        assert_eq!(reducer.pushing(0).push(number, &mut builder), 7);
        assert_eq!(builder.finish().unwrap().dates, [Some(7)]);
    }
}
