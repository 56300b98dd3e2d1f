//! Edits between two texts, as far as anybody asks.
//!
//! In: two texts and the most edits of interest. Out: how many there are, or that there are more. An edit is a character more, one
//! less, another one, or two neighbours swapped, and no part is edited twice (optimal string alignment; Damerau 1964).

use super::Characters;

/// Columns of a row that fit on the stack.
const COLUMNS: usize = 64;

/// How many edits there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edits {
    /// So many.
    Exactly(u32),
    /// More than asked for.
    TooMany,
}

impl Edits {
    pub fn at_most(self, most: u32) -> bool {
        matches!(self, Self::Exactly(edits) if edits <= most)
    }
}

/// Counts the edits up to `most`.
pub(super) fn between(left: &str, right: &str, most: u32) -> Edits {
    if left == right {
        return Edits::Exactly(0);
    }
    match Characters::of(left, right) {
        Characters::Ascii(left, right) => count(left, right, most),
        Characters::Any(left, right) => count(&left, &right, most),
    }
}

fn count<C: Copy + PartialEq>(left: &[C], right: &[C], most: u32) -> Edits {
    let limit = most as usize;
    if left.len().abs_diff(right.len()) > limit {
        return Edits::TooMany;
    }
    let (left, right) = without_ends(left, right);
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let edits = match (short, long) {
        ([], _) => long.len(),
        ([_], [_]) => 1,
        ([first, second], [one, two]) if first == two && second == one => 1,
        _ if limit < 2 => return Edits::TooMany,
        _ if long.len() < COLUMNS => {
            rows(short, long, limit, &mut [[0; COLUMNS]; 3].each_mut().map(|row| &mut row[..]))
        }
        _ => {
            let mut space = [vec![0; long.len() + 1], vec![0; long.len() + 1], vec![0; long.len() + 1]];
            rows(short, long, limit, &mut space.each_mut().map(|row| &mut row[..]))
        }
    };
    if edits > limit { Edits::TooMany } else { Edits::Exactly(u32::try_from(edits).unwrap_or(u32::MAX)) }
}

/// Leaves away what both begin and end with, which no shortest way edits.
fn without_ends<'a, C: PartialEq>(left: &'a [C], right: &'a [C]) -> (&'a [C], &'a [C]) {
    let start = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[start..], &right[start..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    (&left[..left.len() - end], &right[..right.len() - end])
}

/// Fills the table of distances row by row, only as far from its diagonal as `limit` edits reach.
fn rows<C: Copy + PartialEq>(short: &[C], long: &[C], limit: usize, space: &mut [&mut [usize]; 3]) -> usize {
    let out_of_reach = limit + 1;
    let [earlier, before, row] = space;
    for (column, distance) in before.iter_mut().enumerate().take(long.len() + 1) {
        *distance = column.min(out_of_reach);
    }
    for (place, character) in short.iter().enumerate() {
        let (start, end) = ((place + 1).saturating_sub(limit), (place + 1 + limit).min(long.len()));
        row[..=long.len()].fill(out_of_reach);
        if start == 0 {
            row[0] = place + 1;
        }
        let mut least = row[0];
        for column in start.max(1)..=end {
            let other = long[column - 1];
            let replaced = before[column - 1] + usize::from(other != *character);
            let mut distance = replaced.min(before[column] + 1).min(row[column - 1] + 1);
            if place > 0 && column > 1 && short[place - 1] == other && long[column - 2] == *character {
                distance = distance.min(earlier[column - 2] + 1);
            }
            row[column] = distance.min(out_of_reach);
            least = least.min(row[column]);
        }
        // A swap reaches over one row, so two rows must be lost.
        if least > limit && before[..=long.len()].iter().all(|distance| *distance > limit) {
            return out_of_reach;
        }
        std::mem::swap(earlier, before);
        std::mem::swap(before, row);
    }
    before[long.len()]
}
