//! What tonight's records have that yesterday's did not, and the other way round.
//!
//! In: two lists of records, both in their order. Out: [`Difference`], found in one walk over both; texts are compared once for
//! each distinct value.

use std::cmp::Ordering;

use super::{Update, update::count};
use crate::identify::records::{ABSENT, Interned, Records, Row, Twice};

/// Which records differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Tonight's that are new, or say or are dated something else.
    pub came: Vec<u32>,
    /// Yesterday's that are gone.
    pub gone: Vec<u32>,
}

impl Difference {
    /// Compares two nights.
    #[must_use]
    pub fn between(before: &Records, tonight: &Records) -> Self {
        let mut difference = Self::default();
        let mut columns = Columns::new(before, tonight);
        let (mut old, mut new) = (0, 0);
        while old < count(before) || new < count(tonight) {
            match order(before, old, tonight, new) {
                Ordering::Less => {
                    difference.gone.push(old);
                    old += 1;
                }
                Ordering::Greater => {
                    difference.came.push(new);
                    new += 1;
                }
                Ordering::Equal => {
                    if before.dates[old as usize] != tonight.dates[new as usize] || !columns.are_equal(old, new) {
                        difference.came.push(new);
                    }
                    (old, new) = (old + 1, new + 1);
                }
            }
        }
        difference
    }

    /// Returns how many records differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.came.len() + self.gone.len()
    }

    /// Returns whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the update that leads from yesterday's records to tonight's.
    ///
    /// # Errors
    /// Never: records have no key twice.
    pub fn update(&self, before: Records, tonight: &Records) -> Result<Update, Twice> {
        let said = |record: &u32| tonight.attributes.iter().map(|attribute| attribute.get(*record)).collect();
        let values: Vec<Vec<Option<&str>>> = self.came.iter().map(said).collect();
        let mut rows = Vec::with_capacity(self.came.len());
        for (record, values) in self.came.iter().zip(&values) {
            let (at, belongs_to) = (*record as usize, tonight.belongs_to.get(*record));
            let (source, key, date) = (tonight.sources[at], tonight.keys.get(at), tonight.dates[at]);
            rows.push(Row { source, key, date, belongs_to, values });
        }
        let key = |record: &u32| (before.sources[*record as usize], before.keys.get(*record as usize).to_owned());
        let gone: Vec<(u16, String)> = self.gone.iter().map(key).collect();
        let gone: Vec<(u16, &str)> = gone.iter().map(|(source, key)| (*source, key.as_str())).collect();
        Update::new(before, &rows, &gone)
    }
}

/// Returns what stands for a record in the order; None behind the last.
fn key(records: &Records, record: u32) -> Option<(u16, &str)> {
    let at = record as usize;
    (at < records.len()).then(|| (records.sources[at], records.keys.get(at)))
}

fn order(before: &Records, old: u32, tonight: &Records, new: u32) -> Ordering {
    match (key(before, old), key(tonight, new)) {
        (Some(old), Some(new)) => old.cmp(&new),
        // What is left over on one side only differs.
        (Some(_), None) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// The values of two nights, column by column, and which are known to be one text.
struct Columns<'a>(Vec<(&'a Interned, &'a Interned, Vec<u32>)>);

impl<'a> Columns<'a> {
    fn new(before: &'a Records, tonight: &'a Records) -> Self {
        let old = std::iter::once(&before.belongs_to).chain(&before.attributes);
        let new = std::iter::once(&tonight.belongs_to).chain(&tonight.attributes);
        Self(old.zip(new).map(|(old, new)| (old, new, vec![ABSENT; new.values.len()])).collect())
    }

    fn are_equal(&mut self, old: u32, new: u32) -> bool {
        self.0.iter_mut().all(|(before, tonight, twins)| {
            let (was, is) = (before.numbers[old as usize], tonight.numbers[new as usize]);
            if was == ABSENT || is == ABSENT {
                return was == is;
            }
            let twin = &mut twins[is as usize];
            if *twin != was && before.values.get(was as usize) == tonight.values.get(is as usize) {
                *twin = was;
            }
            *twin == was
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::identify::records::RecordsBuilder;

    fn built(rows: &[(u16, &str, Option<i32>, Option<&str>)]) -> Records {
        let mut builder = RecordsBuilder::new(1);
        for (source, key, date, value) in rows {
            builder.push(&Row { source: *source, key, date: *date, belongs_to: None, values: &[*value] });
        }
        builder.finish().unwrap()
    }

    #[test]
    fn what_is_new_gone_or_says_or_is_dated_something_else_differs() {
        let before = built(&[
            (0, "a", None, Some("x")),
            (0, "b", Some(1), Some("x")),
            (0, "c", Some(1), None),
            (1, "a", None, Some("y")),
            (1, "d", None, Some("z")),
        ]);
        let tonight = built(&[
            (0, "a", None, Some("x")),
            (0, "b", Some(2), Some("x")),
            (0, "c", Some(1), Some("x")),
            (0, "cc", None, None),
            (1, "d", None, Some("z")),
            (1, "e", None, Some("z")),
        ]);
        let difference = Difference::between(&before, &tonight);
        assert_eq!(difference, Difference { came: vec![1, 2, 3, 5], gone: vec![3] });
        assert!(Difference::between(&tonight, &tonight).is_empty());
        assert_eq!(Difference::between(&Records::default(), &before).came.len(), 5);
        assert_eq!(Difference::between(&before, &Records::default()).gone.len(), 5);
        let update = difference.update(before, &tonight).unwrap();
        assert_eq!(update.records.dates, tonight.dates);
        assert_eq!(update.records.keys, tonight.keys);
        for record in 0..6 {
            assert_eq!(update.records.attributes[0].get(record), tonight.attributes[0].get(record));
        }
        assert_eq!(update.unchanged, [0, 1, ABSENT, ABSENT, 4], "another date alone is no other record");
    }
}
