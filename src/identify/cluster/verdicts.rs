//! People's verdicts: what is the same stays together, what is different stays apart, and never both.
//!
//! In: verdicts. Out: nothing, or the first verdict that contradicts the others, with the lines of those. Two records are
//! the same also through others: A is B and B is C makes A and C the same.

use std::collections::{HashMap, VecDeque};

use super::links::Verdict;

/// A line of the overrides file that says the opposite of other lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {different} says `different` of two records that line{} {} `same`; remove one of them", if same.len() == 1 { "" } else { "s" }, said(same))]
pub struct Contradiction {
    /// The line that says `different`.
    pub different: usize,
    /// The lines by which its two records are the same, in order.
    pub same: Vec<usize>,
}

fn said(lines: &[usize]) -> String {
    let [before @ .., last] = lines else { return String::new() };
    let before: Vec<String> = before.iter().map(usize::to_string).collect();
    match before[..] {
        [] => format!("{last} says are"),
        _ => format!("{} and {last} say are", before.join(", ")),
    }
}

/// Checks that no two records are said to be the same and different.
///
/// # Errors
/// [`Contradiction`] names the lines.
pub fn check(verdicts: &[Verdict]) -> Result<(), Contradiction> {
    let mut same: HashMap<u32, Vec<(u32, usize)>> = HashMap::new();
    for verdict in verdicts.iter().filter(|verdict| verdict.is_same) {
        same.entry(verdict.left).or_default().push((verdict.right, verdict.line));
        same.entry(verdict.right).or_default().push((verdict.left, verdict.line));
    }
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_same) {
        if let Some(mut lines) = path(&same, verdict.left, verdict.right) {
            lines.sort_unstable();
            return Err(Contradiction { different: verdict.line, same: lines });
        }
    }
    Ok(())
}

/// Returns the lines on a shortest way from one record to another.
fn path(same: &HashMap<u32, Vec<(u32, usize)>>, from: u32, to: u32) -> Option<Vec<usize>> {
    let mut came: HashMap<u32, (u32, usize)> = HashMap::from([(from, (from, 0))]);
    let mut waiting = VecDeque::from([from]);
    while let Some(record) = waiting.pop_front() {
        if record == to {
            return Some(back(&came, from, to));
        }
        for &(other, line) in same.get(&record).into_iter().flatten() {
            came.entry(other).or_insert_with(|| {
                waiting.push_back(other);
                (record, line)
            });
        }
    }
    None
}

fn back(came: &HashMap<u32, (u32, usize)>, from: u32, to: u32) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut record = to;
    while let Some(&(before, line)) = came.get(&record).filter(|_| record != from) {
        lines.push(line);
        record = before;
    }
    lines
}
