//! Which columns identify a row: the smallest set of them in which no two rows of a file agree.
//!
//! In: hashed rows. Out: a set of at most three columns with what it rests on, or of a few more where the rows of other
//! files repeat it. Rows that are the same in every column are one row; rows without a value in one of the columns are
//! passed over. Deliberately tries only columns that are nearly always filled, measure nothing and are no time of day.

use std::collections::HashMap;

use super::{
    columns::{Column, Columns},
    guess::{Guess, nearly_all},
    names,
    sample::{NOTHING, Sampled},
};

/// Columns that are tried, and rows on which all sets of them are.
const CANDIDATES: usize = 12;
const TRIAL_ROWS: usize = 20_000;
/// Rows below which nothing is proven.
const LEAST_ROWS: u64 = 5;

/// A key that holds in the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Indexes of columns.
    pub columns: Vec<usize>,
    /// Rows in which it was looked at.
    pub rows: u64,
    /// Rows whose key another file has too.
    pub repeated: u64,
}

/// Finds the key.
pub(super) fn key(columns: &Columns, guesses: &[Guess], parts: &[Sampled]) -> Option<Key> {
    let rows: u64 = parts.iter().map(|part| part.rows).sum();
    if rows < LEAST_ROWS {
        return None;
    }
    let candidates = candidates(&columns.all, guesses, parts.len());
    let table = Table::new(columns, parts, &candidates);
    let sets = sets(candidates.len());
    let tried = sets.iter().filter_map(|set| Some((set, table.unique(set, TRIAL_ROWS)?)));
    // A key that most rows share with another file identifies something else: a state of it.
    let mut tried: Vec<(&Vec<usize>, Key)> = tried.collect();
    let others = |set: &[usize]| set.iter().filter(|index| !is_code(&columns.all[candidates[**index]])).count();
    tried.sort_by_key(|(set, key)| (key.is_doubtful(), set.len(), others(set), key.repeated, (*set).clone()));
    let key = tried.iter().find_map(|(set, _)| table.unique(set, usize::MAX))?;
    let codes: Vec<usize> = (0..candidates.len()).filter(|index| is_code(&columns.all[candidates[*index]])).collect();
    let mut key = table.extended(key, &codes);
    key.columns = key.columns.iter().map(|index| candidates[*index]).collect();
    key.columns.sort_unstable();
    Some(key)
}

fn is_code(column: &Column) -> bool {
    let headers: Vec<String> = column.headers.iter().map(|(name, _)| name.clone()).collect();
    names::is_code(&column.name, &headers)
}

impl Key {
    /// Returns whether so many rows share their key with another file that a column may be missing.
    const fn is_doubtful(&self) -> bool {
        self.repeated * 5 > self.rows
    }
}

/// Returns the columns that may be part of a key, those that are named like one first.
fn candidates(columns: &[Column], guesses: &[Guess], parts: usize) -> Vec<usize> {
    let is_filled = |column: &Column| nearly_all(column.profile.values, column.profile.cells());
    let identifies = |guess: &Guess| matches!(guess.data_type.as_str(), "string" | "int" | "bigint" | "date");
    let usable = columns.iter().zip(guesses).enumerate().filter(|(_, (column, guess))| {
        let is_whole = column.places.len() == parts && is_filled(column);
        is_whole && identifies(guess) && guess.pii.is_none() && !names::is_money(&column.name)
    });
    let mut ranked: Vec<(bool, usize)> = usable.map(|(index, (column, _))| (!is_code(column), index)).collect();
    ranked.sort_unstable();
    ranked.truncate(CANDIDATES);
    ranked.into_iter().map(|(_, index)| index).collect()
}

/// Returns all sets of one to three of so many things.
fn sets(count: usize) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = (0..count).map(|one| vec![one]).collect();
    for one in 0..count {
        sets.extend((one + 1..count).map(|two| vec![one, two]));
    }
    for one in 0..count {
        for two in one + 1..count {
            sets.extend((two + 1..count).map(|three| vec![one, two, three]));
        }
    }
    sets
}

/// Hashed rows of the candidates.
struct Table {
    /// Part, hash of the whole row, then the candidates.
    rows: Vec<(usize, u64, Vec<u64>)>,
}

impl Table {
    fn new(columns: &Columns, parts: &[Sampled], candidates: &[usize]) -> Self {
        let mut rows = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let places: Vec<usize> =
                candidates.iter().filter_map(|column| columns.all[*column].places.get(&index).copied()).collect();
            for cells in part.hashed_rows() {
                let whole = combined(cells.iter().copied());
                rows.push((index, whole, places.iter().map(|place| cells[*place]).collect()));
            }
        }
        Self { rows }
    }

    /// Returns the set as a key, if no two different rows of a file agree on it.
    fn unique(&self, set: &[usize], most: usize) -> Option<Key> {
        let mut seen: HashMap<u64, (usize, u64)> = HashMap::new();
        let (mut looked_at, mut repeated, mut doubled) = (0, 0, 0);
        for (part, whole, cells) in self.rows.iter().take(most) {
            if set.iter().any(|index| cells[*index] == NOTHING) {
                continue;
            }
            looked_at += 1;
            match seen.insert(combined(set.iter().map(|index| cells[*index])), (*part, *whole)) {
                Some((before, other)) if before == *part && other != *whole => return None,
                Some((before, _)) if before != *part => repeated += 1,
                Some(_) => doubled += 1,
                None => {}
            }
        }
        // Where whole rows stand twice, a key would hide that there are two.
        (looked_at > 0 && doubled * 50 <= looked_at).then(|| Key { columns: set.to_vec(), rows: looked_at, repeated })
    }

    /// Adds columns that are named like a key, as long as that lets most rows stop repeating those of other files.
    fn extended(&self, key: Key, codes: &[usize]) -> Key {
        let mut best = key;
        while best.is_doubtful() {
            let more = codes.iter().filter(|code| !best.columns.contains(code));
            let wider = more.filter_map(|code| self.unique(&[best.columns.as_slice(), &[*code]].concat(), usize::MAX));
            match wider.min_by_key(|key| key.repeated).filter(|key| key.repeated * 2 <= best.repeated) {
                Some(key) => best = key,
                None => break,
            }
        }
        best
    }
}

/// Combines hashes so that their order counts.
fn combined(hashes: impl Iterator<Item = u64>) -> u64 {
    hashes.fold(0x9E37_79B9_7F4A_7C15, |all, hash| {
        (all ^ hash).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29) ^ hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_sets_come_first() {
        assert_eq!(sets(3), [vec![0], vec![1], vec![2], vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]]);
    }

    #[test]
    fn a_key_must_tell_the_rows_of_a_file_apart() {
        let row = |part, whole, cells: [u64; 2]| (part, whole, cells.to_vec());
        let table = Table { rows: vec![row(0, 1, [1, 1]), row(0, 2, [1, 2]), row(1, 3, [1, 1])] };
        assert_eq!(table.unique(&[0], 10), None);
        let doubled = Table { rows: vec![row(0, 1, [1, 1]), row(0, 1, [1, 1])] };
        assert_eq!(doubled.unique(&[0, 1], 10), None, "a row that stands twice is not hidden");
        assert_eq!(table.unique(&[0, 1], 10), Some(Key { columns: vec![0, 1], rows: 3, repeated: 1 }));
    }
}
