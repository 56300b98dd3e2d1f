//! Which columns identify a row: the smallest set of them in which no two rows of a file agree.
//!
//! In: hashed rows. Out: a set of at most three columns with what it rests on, or of a few more where the rows of other
//! files repeat it. Rows that are the same in every column are one row; rows without a value in one of the columns are
//! passed over. Deliberately takes no set for a key in which nothing looks like an identifier: a price may tell the rows
//! of a file apart and would then throw away the row of another file that has the same price.

use std::collections::HashMap;

use super::{
    columns::{Column, Columns},
    guess::{Guess, nearly_all},
    names::{self, Kind},
    sample::{NOTHING, Sampled},
};

/// Columns that are tried, and rows on which all sets of them are.
const CANDIDATES: usize = 12;
const TRIAL_ROWS: usize = 20_000;
/// Rows below which nothing is proven.
const LEAST_ROWS: u64 = 5;

/// What a column can be in a key, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// The number of an order, an invoice, …: where there is one, it is in the key.
    Document,
    /// Where in a document the row stands.
    Line,
    /// Another identifier.
    Code,
    /// One of a few words that tell the rows of one identifier apart.
    State,
    /// The day of a state.
    Date,
    /// Nothing, but it may tell rows apart.
    Other,
}

impl Role {
    /// Returns whether a key may consist of such columns alone.
    const fn identifies(self) -> bool {
        matches!(self, Self::Document | Self::Code)
    }
}

/// A set of columns that tells the rows of each file of the sample apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Indexes of columns.
    pub columns: Vec<usize>,
    /// Rows in which it was looked at.
    pub rows: u64,
    /// Rows whose key another file has too.
    pub repeated: u64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// The key, where one holds in the sample.
    pub key: Option<Key>,
    /// Without a key, columns that tell rows apart and identify nothing.
    pub unique: Option<Key>,
}

/// Finds the key.
pub(super) fn keys(columns: &Columns, guesses: &[Guess], parts: &[Sampled]) -> Keys {
    let rows: u64 = parts.iter().map(|part| part.rows).sum();
    if rows < LEAST_ROWS {
        return Keys::default();
    }
    let mut roles: Vec<(Role, usize)> = columns
        .all
        .iter()
        .zip(guesses)
        .enumerate()
        .filter_map(|(index, (column, guess))| {
            let role = role(column, guess)?;
            (column.places.len() == parts.len() && is_filled(column, role)).then_some((role, index))
        })
        .collect();
    roles.sort_unstable();
    roles.truncate(CANDIDATES);
    let wanted = roles.iter().map(|(role, _)| *role).find(|role| role.identifies());
    let is_key = |set: &[Role]| wanted.is_some_and(|wanted| set.contains(&wanted)) && !set.contains(&Role::Other);
    match found(columns, parts, &roles, &is_key) {
        Some(key) => Keys { key: Some(key), unique: None },
        None => Keys { key: None, unique: found(columns, parts, &roles, &|_| true) },
    }
}

/// Returns the best set of columns whose roles are allowed.
fn found(
    columns: &Columns,
    parts: &[Sampled],
    roles: &[(Role, usize)],
    allowed: &dyn Fn(&[Role]) -> bool,
) -> Option<Key> {
    let candidates: Vec<usize> = roles.iter().map(|(_, index)| *index).collect();
    let of = |set: &[usize]| -> Vec<Role> { set.iter().map(|at| roles[*at].0).collect() };
    let table = Table::new(columns, parts, &candidates);
    let sets = sets(candidates.len());
    let tried = sets.iter().filter(|set| allowed(&of(set)));
    let mut tried: Vec<(&Vec<usize>, Key)> =
        tried.filter_map(|set| Some((set, table.unique(set, TRIAL_ROWS)?))).collect();
    // A key that most rows share with another file identifies something else: a state of it.
    let worst_first = |set: &[usize]| {
        let mut roles = of(set);
        roles.sort_unstable_by(|one, other| other.cmp(one));
        roles
    };
    tried.sort_by_key(|(set, key)| (key.is_doubtful(), set.len(), worst_first(set), key.repeated, (*set).clone()));
    let key = tried.iter().find_map(|(set, _)| table.unique(set, usize::MAX))?;
    let codes: Vec<usize> = (0..roles.len()).filter(|at| roles[*at].0.identifies()).collect();
    let mut key = table.extended(key, &codes);
    key.columns = key.columns.iter().map(|at| candidates[*at]).collect();
    key.columns.sort_unstable();
    Some(key)
}

/// Returns what a column can be in a key; None where it measures something or says who and where somebody is.
fn role(column: &Column, guess: &Guess) -> Option<Role> {
    const NEVER: [Kind; 8] =
        [Kind::Money, Kind::Quantity, Kind::Tax, Kind::Email, Kind::Phone, Kind::Name, Kind::Address, Kind::Place];
    let headers: Vec<String> = column.headers.iter().map(|(name, _)| name.clone()).collect();
    let says = |kind| names::says(kind, &column.name, &headers);
    if guess.pii.is_some() || NEVER.into_iter().any(says) {
        return None;
    }
    let is_text = match guess.data_type.as_str() {
        "date" => return Some(Role::Date),
        "string" => true,
        "int" | "bigint" => false,
        _ => return None,
    };
    let profile = &column.profile;
    let is_amount = is_text && profile.amounts * 2 >= profile.values;
    let is_word = is_text && profile.different.is_some();
    Some(if says(Kind::Line) && !is_text {
        Role::Line
    } else if names::is_document(&column.name, &headers) {
        Role::Document
    } else if names::is_code(&column.name, &headers) {
        Role::Code
    } else if is_amount {
        return None;
    } else if is_text && is_coded(column) {
        Role::Code
    } else if is_word || says(Kind::State) {
        Role::State
    } else {
        Role::Other
    })
}

/// Returns whether nearly all values are letters and digits of one length.
fn is_coded(column: &Column) -> bool {
    column.profile.codes.values().max().is_some_and(|most| nearly_all(*most, column.profile.values))
}

/// Returns whether so many rows have a value that it may be part of a key; rows without the number of a document will be
/// rejected, which is better than a key without it.
fn is_filled(column: &Column, role: Role) -> bool {
    let (values, cells) = (column.profile.values, column.profile.cells());
    nearly_all(values, cells) || (role == Role::Document && values * 10 >= cells * 9)
}

impl Key {
    /// Returns whether so many rows share their key with another file that a column may be missing.
    const fn is_doubtful(&self) -> bool {
        self.repeated * 5 > self.rows
    }
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
