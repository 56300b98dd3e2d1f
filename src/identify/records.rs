//! The records of an entity, column by column, every distinct value once.
//!
//! In: one row per record of every source. Out: [`Records`], sorted by source rank and key, so that neither the order
//! of delivery nor the night on which a record came can be seen in it. Deliberately knows nothing of what the values
//! mean: preparation, features and comparisons work on distinct values, records only point at them.
//!
//! ```text
//!  source  key        date    attribute `name`      values of `name`
//!  0       A-17       NULL    0 ─────────────────►  0 徐州重工有限公司
//!  1       D01/C9     19830   1 ─────────────────►  1 Xuzhou Heavy
//!  1       D07/C2     19001   0                     (ABSENT points at none)
//! ```

use std::cmp::Ordering;

use super::texts::{Numbering, Texts};

/// The number that stands for a missing value.
pub const ABSENT: u32 = u32::MAX;

/// One attribute of all records: a number per record, a text per number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interned {
    /// Per record the number of its value, or [`ABSENT`].
    pub numbers: Vec<u32>,
    /// The distinct values by number. A value that no record points at any more is allowed and means nothing.
    pub values: Texts,
}

impl Interned {
    /// Returns the value of a record.
    #[must_use]
    pub fn get(&self, record: u32) -> Option<&str> {
        let number = self.numbers[record as usize];
        (number != ABSENT).then(|| self.values.get(number as usize))
    }

    /// Returns per distinct value how many records have it, up to the last value that one has.
    #[must_use]
    pub fn counts(&self) -> Vec<u32> {
        let present = || self.numbers.iter().filter(|&&number| number != ABSENT);
        let mut counts = vec![0; present().max().map_or(0, |last| *last as usize + 1)];
        present().for_each(|&number| counts[number as usize] += 1);
        counts
    }
}

/// All records of an entity. A record's number is its position in the order of (source rank, key).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The rank of each record's source in the entity's list; 0 is the most trusted.
    pub sources: Vec<u16>,
    /// The key of each record within its source, its parts joined by `/`.
    pub keys: Texts,
    /// The smallest date of each record, in days since 1970; none is before all dates.
    pub dates: Vec<Option<i32>>,
    /// The key of the record that a record says it belongs to, in the source that `belongs_to` names.
    pub belongs_to: Interned,
    /// The attributes in the order of the caller's list.
    pub attributes: Vec<Interned>,
}

/// One record as its source delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The rank of its source.
    pub source: u16,
    /// Its key within the source.
    pub key: &'a str,
    /// Its smallest date, in days since 1970.
    pub date: Option<i32>,
    /// The key of the record it says it belongs to.
    pub belongs_to: Option<&'a str>,
    /// One value per attribute, in the order of the caller's list.
    pub values: &'a [Option<&'a str>],
}

/// Two rows name the same record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record `{key}` of source number {source_rank} comes twice; reduce its rows to one before they are linked")]
pub struct Twice {
    /// The rank of the source.
    pub source_rank: u16,
    /// The key within it.
    pub key: String,
}

impl Records {
    /// Returns how many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns the number of a record.
    #[must_use]
    pub fn find(&self, source: u16, key: &str) -> Option<u32> {
        let (place, is_there) = self.place(source, key);
        u32::try_from(place).ok().filter(|_| is_there)
    }

    /// Returns where a record stands or would stand, and whether it does.
    #[must_use]
    pub fn place(&self, source: u16, key: &str) -> (usize, bool) {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match (self.sources[middle], self.keys.get(middle)).cmp(&(source, key)) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return (middle, true),
            }
        }
        (low, false)
    }
}

/// Gathers rows into [`Records`].
#[derive(Debug)]
pub struct RecordsBuilder {
    sources: Vec<u16>,
    keys: Texts,
    dates: Vec<Option<i32>>,
    belongs_to: InternedBuilder,
    attributes: Vec<InternedBuilder>,
}

#[derive(Clone, Debug, Default)]
struct InternedBuilder {
    numbers: Vec<u32>,
    values: Numbering,
}

impl InternedBuilder {
    fn push(&mut self, value: Option<&str>) {
        self.numbers.push(value.map_or(ABSENT, |value| self.values.number(value)));
    }

    /// Adds a value whose number is written beside it, or will be.
    fn push_numbered(&mut self, value: Option<(&str, &mut u32)>) {
        let number = value.map_or(ABSENT, |(text, number)| {
            if *number == ABSENT {
                *number = self.values.number(text);
            }
            *number
        });
        self.numbers.push(number);
    }

    fn finish(self, order: Option<&[u32]>) -> Interned {
        Interned { numbers: ordered(self.numbers, order), values: self.values.into_texts() }
    }
}

impl RecordsBuilder {
    /// Begins with no row, for records with so many attributes.
    #[must_use]
    pub fn new(attributes: usize) -> Self {
        Self {
            sources: Vec::new(),
            keys: Texts::default(),
            dates: Vec::new(),
            belongs_to: InternedBuilder::default(),
            attributes: vec![InternedBuilder::default(); attributes],
        }
    }

    /// Adds a row. Values beyond the number of attributes are left aside, missing ones are NULL.
    pub fn push(&mut self, row: &Row<'_>) {
        self.sources.push(row.source);
        self.keys.push(row.key);
        self.dates.push(row.date);
        self.belongs_to.push(row.belongs_to);
        for (position, attribute) in self.attributes.iter_mut().enumerate() {
            attribute.push(row.values.get(position).copied().flatten());
        }
    }

    /// Adds a row as [`Self::push`] does: of each attribute, and last of what it belongs to, the text and the place of its number,
    /// which is [`ABSENT`] until the text was added once. So no text is looked up twice.
    pub fn push_numbered<'a>(
        &mut self,
        source: u16,
        key: &str,
        date: Option<i32>,
        mut values: impl Iterator<Item = Option<(&'a str, &'a mut u32)>>,
    ) {
        self.sources.push(source);
        self.keys.push(key);
        self.dates.push(date);
        for column in self.attributes.iter_mut().chain([&mut self.belongs_to]) {
            column.push_numbered(values.next().flatten());
        }
    }

    /// Sorts the rows.
    ///
    /// # Errors
    /// [`Twice`] when two rows have one source and key.
    pub fn finish(self) -> Result<Records, Twice> {
        let identity = |row: u32| (self.sources[row as usize], self.keys.get(row as usize));
        let mut order: Vec<u32> = (0..u32::try_from(self.sources.len()).unwrap_or(u32::MAX)).collect();
        let is_sorted = order.is_sorted_by_key(|&row| identity(row));
        if !is_sorted {
            order.sort_unstable_by_key(|&row| identity(row));
        }
        if let Some(pair) = order.windows(2).find(|pair| identity(pair[0]) == identity(pair[1])) {
            let (source_rank, key) = identity(pair[0]);
            return Err(Twice { source_rank, key: key.to_owned() });
        }
        // Millions of records that come in order are not copied.
        let order = (!is_sorted).then_some(order.as_slice());
        Ok(Records {
            keys: match order {
                Some(order) => order.iter().map(|&row| self.keys.get(row as usize)).collect(),
                None => self.keys,
            },
            sources: ordered(self.sources, order),
            dates: ordered(self.dates, order),
            belongs_to: self.belongs_to.finish(order),
            attributes: self.attributes.into_iter().map(|attribute| attribute.finish(order)).collect(),
        })
    }
}

/// Puts values into an order of their positions; None: they stand in it.
fn ordered<T: Copy>(mut values: Vec<T>, order: Option<&[u32]>) -> Vec<T> {
    let Some(order) = order else {
        values.shrink_to_fit();
        return values;
    };
    order.iter().map(|&row| values[row as usize]).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn built(rows: &[(u16, &str, [Option<&str>; 2])]) -> Result<Records, Twice> {
        let mut builder = RecordsBuilder::new(2);
        for (source, key, values) in rows {
            builder.push(&Row { source: *source, key, date: None, belongs_to: None, values });
        }
        builder.finish()
    }

    #[test]
    fn records_stand_in_the_order_of_source_and_key() {
        let records =
            built(&[(1, "b", [Some("x"), None]), (0, "z", [None, Some("y")]), (1, "a", [Some("x"), Some("y")])])
                .unwrap();
        assert_eq!(records.sources, [0, 1, 1]);
        assert_eq!(records.keys.iter().collect::<Vec<_>>(), ["z", "a", "b"]);
        assert_eq!(records.attributes[0].get(0), None);
        assert_eq!(records.attributes[0].get(2), Some("x"));
        assert_eq!(records.attributes[1].counts(), [2]);
        assert_eq!(records.find(1, "b"), Some(2));
        assert_eq!(records.find(0, "a"), None);
    }

    #[test]
    fn a_record_that_comes_twice_is_named() {
        let twice = built(&[(1, "b", [None, None]), (0, "b", [None, None]), (1, "b", [None, None])]).unwrap_err();
        assert_eq!(twice, Twice { source_rank: 1, key: "b".to_owned() });
    }

    #[test]
    fn no_rows_are_no_records() {
        assert!(built(&[]).unwrap().is_empty());
    }
}
