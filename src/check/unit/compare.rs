//! Expected rows against the rows that are there: which agree, and how the others differ.
//!
//! ```text
//!  expected ─┐                        ┌─► equal                      counted
//!            ├─ agree within tolerance┤
//!  actual  ──┘                        └─► the rest ─ by key, else by likeness ─┬─► different
//!                                                                              ├─► missing   (expected only)
//!                                                                              └─► surplus   (actual only)
//! ```
//!
//! Rows are compared as a bag: of two equal rows each needs its own partner. Where the order counts, the first is compared
//! with the first and so on.

use std::collections::{BTreeMap, HashMap};

use datafusion::common::ScalarValue;

use super::value::shown;
use crate::record::test_result::{CellDiff, RowDiff, RowsDiff};

/// A DOUBLE may differ by this share of the expected value …
const RELATIVE_TOLERANCE: f64 = 1e-9;
/// … or by this much, so that what is nearly 0 is 0.
const LEAST_TOLERANCE: f64 = 1e-12;
/// Pairs of rows above which nobody looks for a better partner: a test with so many rows that differ needs another eye.
const MOST_PAIRS: usize = 1_000_000;

/// The values of one row.
pub(super) type Values = Vec<ScalarValue>;

/// How rows are compared.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Positions of the columns that name a row; empty where that is not known.
    pub key: Vec<usize>,
    /// Whether the order counts.
    pub is_ordered: bool,
    /// By how much a DOUBLE may differ, absolutely; None is a small share of the expected value.
    pub tolerance: Option<f64>,
}

/// Compares rows; None where all agree.
pub(super) fn compare(expected: &[Values], actual: &[Values], rule: &Rule) -> Option<RowsDiff> {
    let partners = if rule.is_ordered { by_position(expected, actual) } else { by_likeness(expected, actual, rule) };
    let mut taken = vec![false; actual.len()];
    let mut diff = RowsDiff { columns: rule.columns.clone(), equal_rows: 0, rows: Vec::new() };
    for (row, partner) in expected.iter().zip(partners) {
        match partner {
            Some(index) => {
                taken[index] = true;
                match different(row, &actual[index], rule) {
                    Some(found) => diff.rows.push(found),
                    None => diff.equal_rows += 1,
                }
            }
            None => diff.rows.push(RowDiff::Missing(row.iter().map(shown).collect())),
        }
    }
    let surplus = actual.iter().zip(taken).filter(|(_, taken)| !taken);
    diff.rows.extend(surplus.map(|(row, _)| RowDiff::Surplus(row.iter().map(shown).collect())));
    (!diff.rows.is_empty()).then_some(diff)
}

fn different(expected: &Values, actual: &Values, rule: &Rule) -> Option<RowDiff> {
    let cell = |(expected, actual): (&ScalarValue, &ScalarValue)| match agree(expected, actual, rule) {
        true => CellDiff::Same(shown(actual)),
        false => CellDiff::Changed { expected: shown(expected), actual: shown(actual) },
    };
    let cells: Vec<CellDiff> = expected.iter().zip(actual).map(cell).collect();
    cells.iter().any(|cell| matches!(cell, CellDiff::Changed { .. })).then_some(RowDiff::Different(cells))
}

/// Returns whether two values agree: DOUBLEs within the tolerance, all others exactly.
fn agree(expected: &ScalarValue, actual: &ScalarValue, rule: &Rule) -> bool {
    match (expected, actual) {
        (ScalarValue::Float64(Some(expected)), ScalarValue::Float64(Some(actual))) => {
            let allowed = rule.tolerance.unwrap_or((RELATIVE_TOLERANCE * expected.abs()).max(LEAST_TOLERANCE));
            // Infinities are equal and not near.
            #[expect(clippy::float_cmp, reason = "equal values need no tolerance")]
            let is_equal = expected == actual || (expected.is_nan() && actual.is_nan());
            is_equal || (expected - actual).abs() <= allowed
        }
        _ => expected == actual,
    }
}

fn by_position(expected: &[Values], actual: &[Values]) -> Vec<Option<usize>> {
    (0..expected.len()).map(|index| (index < actual.len()).then_some(index)).collect()
}

fn by_likeness(expected: &[Values], actual: &[Values], rule: &Rule) -> Vec<Option<usize>> {
    let mut partners = agreeing(expected, actual, rule);
    let taken: Vec<usize> = partners.iter().flatten().copied().collect();
    let mut free = vec![true; actual.len()];
    for index in taken {
        free[index] = false;
    }
    match rule.key.is_empty() {
        true => by_equal_cells(expected, actual, rule, &mut partners, &mut free),
        false => by_key(expected, actual, rule, &mut partners, &mut free),
    }
    partners
}

/// Finds for as many rows as possible one that agrees with it.
fn agreeing(expected: &[Values], actual: &[Values], rule: &Rule) -> Vec<Option<usize>> {
    let mut buckets: HashMap<Vec<&ScalarValue>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (index, row) in expected.iter().enumerate() {
        buckets.entry(exact(row)).or_default().0.push(index);
    }
    for (index, row) in actual.iter().enumerate() {
        buckets.entry(exact(row)).or_default().1.push(index);
    }
    let mut partners = vec![None; expected.len()];
    for (rows, candidates) in buckets.into_values() {
        for (row, partner) in pairs(&rows, &candidates, |row, other| all_agree(&expected[row], &actual[other], rule)) {
            partners[row] = Some(partner);
        }
    }
    partners
}

/// Returns the values that must be equal.
fn exact(row: &Values) -> Vec<&ScalarValue> {
    row.iter().filter(|value| !matches!(value, ScalarValue::Float64(Some(_)))).collect()
}

fn all_agree(expected: &Values, actual: &Values, rule: &Rule) -> bool {
    expected.iter().zip(actual).all(|(expected, actual)| agree(expected, actual, rule))
}

/// Pairs rows with candidates: each takes the first that is free, and who finds none asks those before it to move on
/// (Kuhn's augmenting paths), since within a tolerance one row may agree with several.
fn pairs(rows: &[usize], candidates: &[usize], agree: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let mut owners: Vec<Option<usize>> = vec![None; candidates.len()];
    let mut left = Vec::new();
    for (index, &row) in rows.iter().enumerate() {
        match (0..candidates.len()).find(|&at| owners[at].is_none() && agree(row, candidates[at])) {
            Some(at) => owners[at] = Some(index),
            None => left.push(index),
        }
    }
    if rows.len().saturating_mul(candidates.len()) <= MOST_PAIRS {
        for index in left {
            let mut seen = vec![false; candidates.len()];
            settle(index, &mut owners, &mut seen, &|index, at| agree(rows[index], candidates[at]));
        }
    }
    owners.iter().zip(candidates).filter_map(|(owner, &candidate)| Some((rows[(*owner)?], candidate))).collect()
}

fn settle(
    index: usize,
    owners: &mut Vec<Option<usize>>,
    seen: &mut Vec<bool>,
    agree: &dyn Fn(usize, usize) -> bool,
) -> bool {
    for at in 0..owners.len() {
        if seen[at] || !agree(index, at) {
            continue;
        }
        seen[at] = true;
        let can_move = match owners[at] {
            Some(owner) => settle(owner, owners, seen, agree),
            None => true,
        };
        if can_move {
            owners[at] = Some(index);
            return true;
        }
    }
    false
}

/// Pairs what is left by the key, where it names one row on each side.
fn by_key(expected: &[Values], actual: &[Values], rule: &Rule, partners: &mut [Option<usize>], free: &mut [bool]) {
    let key = |row: &Values| rule.key.iter().map(|&column| row[column].clone()).collect::<Vec<_>>();
    let mut rows: HashMap<Vec<ScalarValue>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for index in (0..expected.len()).filter(|&index| partners[index].is_none()) {
        rows.entry(key(&expected[index])).or_default().0.push(index);
    }
    for index in (0..actual.len()).filter(|&index| free[index]) {
        rows.entry(key(&actual[index])).or_default().1.push(index);
    }
    for found in rows.into_values() {
        if let ([row], [other]) = (found.0.as_slice(), found.1.as_slice()) {
            partners[*row] = Some(*other);
            free[*other] = false;
        }
    }
}

/// Pairs what is left by the number of values that agree, the likest first; at least half of them must.
fn by_equal_cells(
    expected: &[Values],
    actual: &[Values],
    rule: &Rule,
    partners: &mut [Option<usize>],
    free: &mut [bool],
) {
    let rows: Vec<usize> = (0..expected.len()).filter(|&index| partners[index].is_none()).collect();
    let others: Vec<usize> = (0..actual.len()).filter(|&index| free[index]).collect();
    if rows.len().saturating_mul(others.len()) > MOST_PAIRS {
        return;
    }
    let equal = |row: usize, other: usize| {
        expected[row].iter().zip(&actual[other]).filter(|(expected, actual)| agree(expected, actual, rule)).count()
    };
    let is_alone = rows.len() == 1 && others.len() == 1;
    let mut ranked: BTreeMap<(usize, usize, usize), (usize, usize)> = BTreeMap::new();
    for &row in &rows {
        for &other in &others {
            let differing = expected[row].len() - equal(row, other);
            if differing * 2 <= expected[row].len() || is_alone {
                ranked.insert((differing, row, other), (row, other));
            }
        }
    }
    for (row, other) in ranked.into_values() {
        if partners[row].is_none() && free[other] {
            partners[row] = Some(other);
            free[other] = false;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn rule(key: &[usize]) -> Rule {
        let columns = ["name", "units", "share"].map(str::to_owned).to_vec();
        Rule { columns, key: key.to_vec(), is_ordered: false, tolerance: None }
    }

    fn row(name: &str, units: impl Into<Option<i64>>, share: impl Into<Option<f64>>) -> Values {
        vec![
            ScalarValue::Utf8(Some(name.to_owned())),
            ScalarValue::Int64(units.into()),
            ScalarValue::Float64(share.into()),
        ]
    }

    fn kinds(diff: &RowsDiff) -> String {
        let kind = |row: &RowDiff| match row {
            RowDiff::Missing(_) => '-',
            RowDiff::Surplus(_) => '+',
            RowDiff::Different(_) => '~',
        };
        diff.rows.iter().map(kind).collect()
    }

    #[test]
    fn rows_agree_in_any_order_and_each_needs_its_own_partner() {
        let (one, two) = (row("a", 1, 0.5), row("b", None, None));
        assert_eq!(compare(&[one.clone(), two.clone()], &[two.clone(), one.clone()], &rule(&[])), None);
        let diff = compare(&[one.clone(), one.clone()], std::slice::from_ref(&one), &rule(&[])).unwrap();
        assert_eq!((kinds(&diff).as_str(), diff.equal_rows), ("-", 1));
        let diff = compare(std::slice::from_ref(&one), &[one.clone(), one.clone()], &rule(&[])).unwrap();
        assert_eq!((kinds(&diff).as_str(), diff.expected_rows(), diff.actual_rows()), ("+", 1, 2));
    }

    #[test]
    fn a_double_may_be_off_by_a_billionth_and_a_null_is_no_number() {
        assert_eq!(compare(&[row("a", 1, 1.0 / 3.0)], &[row("a", 1, 0.333_333_333_5)], &rule(&[])), None);
        assert_eq!(compare(&[row("a", 1, 0.0)], &[row("a", 1, 1e-13)], &rule(&[])), None);
        assert_eq!(compare(&[row("a", 1, f64::NAN)], &[row("a", 1, f64::NAN)], &rule(&[])), None);
        assert!(compare(&[row("a", 1, 0.333)], &[row("a", 1, 1.0 / 3.0)], &rule(&[])).is_some());
        assert!(compare(&[row("a", 1, 0.0)], &[row("a", 1, None)], &rule(&[])).is_some());
        let wide = Rule { tolerance: Some(0.001), ..rule(&[]) };
        assert_eq!(compare(&[row("a", 1, 0.333)], &[row("a", 1, 1.0 / 3.0)], &wide), None);
    }

    #[test]
    fn a_row_that_agrees_with_two_leaves_the_one_that_another_needs() {
        let near = Rule { tolerance: Some(0.1), ..rule(&[]) };
        let expected = [row("a", 1, 1.0), row("a", 1, 1.15)];
        assert_eq!(compare(&expected, &[row("a", 1, 1.08), row("a", 1, 0.95)], &near), None);
    }

    #[test]
    fn rows_with_one_key_are_one_row_that_differs() {
        let diff = compare(&[row("a", 1, 0.1), row("b", 2, 0.2)], &[row("b", 3, 0.3), row("c", 2, 0.2)], &rule(&[0]));
        let diff = diff.unwrap();
        assert_eq!(kinds(&diff), "-~+");
        let RowDiff::Different(cells) = &diff.rows[1] else { unreachable!("a different row") };
        let changed = |expected: &str, actual: &str| CellDiff::Changed {
            expected: Some(expected.to_owned()),
            actual: Some(actual.to_owned()),
        };
        assert_eq!(cells[..], [CellDiff::Same(Some("b".to_owned())), changed("2", "3"), changed("0.2", "0.3")]);
    }

    #[test]
    fn without_a_key_the_likest_rows_are_paired() {
        let expected = [row("a", 1, 0.5), row("b", 2, 0.25)];
        let diff = compare(&expected, &[row("b", 2, 0.5), row("z", 9, 0.75)], &rule(&[])).unwrap();
        assert_eq!(kinds(&diff), "-~+");
    }

    #[test]
    fn where_the_order_counts_a_swap_is_a_difference() {
        let (one, two) = (row("a", 1, 0.5), row("b", 2, 0.25));
        let ordered = Rule { is_ordered: true, ..rule(&[0]) };
        assert_eq!(compare(&[one.clone(), two.clone()], &[one.clone(), two.clone()], &ordered), None);
        assert_eq!(kinds(&compare(&[one.clone(), two.clone()], &[two, one], &ordered).unwrap()), "~~");
    }

    #[test]
    fn ten_thousand_rows_are_compared_at_once() {
        let rows: Vec<Values> = (0..10_000).map(|index| row("a", index, 0.5)).collect();
        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(compare(&rows, &turned, &rule(&[1])), None);
        let other: Vec<Values> = (0..10_000).map(|index| row("b", index, 0.5)).collect();
        assert_eq!(kinds(&compare(&rows, &other, &rule(&[1])).unwrap()), "~".repeat(10_000));
        assert_eq!(kinds(&compare(&rows, &other, &rule(&[])).unwrap()).len(), 20_000);
    }
}
