//! Blocks of neighbours: the order of records, and the pairs that a night's changes push apart or bring together.
//!
//! In: yesterday's order, what was touched. Out: tonight's order and what changed. Records are put in by binary search; pairs
//! are looked at only where something was put in or taken out within a window's reach.

use super::{keyed::Changed, touched::Touched};
use crate::identify::{block::keys::BlockKeys, codes::NOTHING, records::ABSENT};

/// Returns tonight's order, and the pairs that changed.
pub(crate) fn changed(yesterday: &[u32], keys: &BlockKeys<'_>, touched: &Touched) -> (Vec<u32>, Changed) {
    let BlockKeys::Neighbours(order, window) = keys else { return (Vec::new(), Changed::default()) };
    let window = *window as usize;
    // Yesterday's order with tonight's numbers; who left is a gap.
    let before: Vec<u32> = yesterday.iter().map(|&record| touched.unchanged[record as usize]).collect();
    let stayed: Vec<u32> = before.iter().copied().filter(|record| *record != ABSENT).collect();
    let came = touched.came.iter().filter(|&&record| keys.get(record, 0) != NOTHING);
    let mut came: Vec<_> = came.map(|&record| order.place(record)).collect();
    came.sort_unstable();
    let mut after = Vec::with_capacity(stayed.len() + came.len());
    let mut start = 0;
    for place in came {
        let end = start + stayed[start..].partition_point(|&record| order.place(record) < place);
        after.extend_from_slice(&stayed[start..end]);
        after.push(place.2);
        start = end;
    }
    after.extend_from_slice(&stayed[start..]);
    let changed = compared(&before, &after, window, touched);
    (after, changed)
}

fn compared(before: &[u32], after: &[u32], window: usize, touched: &Touched) -> Changed {
    let is_gap = |record: u32| record == ABSENT;
    let is_new = |record: u32| touched.is_new[record as usize];
    let (gaps, comings) = (places(before, is_gap), places(after, is_new));
    let mut changed = Changed::default();
    for &place in &comings {
        let near = place.saturating_sub(window)..after.len().min(place + window + 1);
        let others = near.filter(|&other| other < place || (other > place && !is_new(after[other])));
        changed.fresh.extend(others.map(|other| ordered(after[place], after[other])));
    }
    // Both lists have the records that stayed in the same order: they are walked together.
    let (mut gap, mut coming, mut place) = (0, 0, 0);
    for (was, &record) in before.iter().enumerate().filter(|(_, record)| !is_gap(**record)) {
        while is_new(after[place]) {
            place += 1;
        }
        while gaps.get(gap).is_some_and(|gap| *gap < was) {
            gap += 1;
        }
        while comings.get(coming).is_some_and(|coming| *coming < place) {
            coming += 1;
        }
        let is_near = |next: Option<&usize>, from: usize| next.is_some_and(|next| *next <= from + window);
        if is_near(gaps.get(gap), was) || is_near(comings.get(coming), place) {
            let old = partners(before, was, window, is_gap);
            let new = partners(after, place, window, is_new);
            changed.fresh.extend(new.iter().filter(|other| !old.contains(other)).map(|&other| ordered(record, other)));
            changed.ended.extend(old.iter().filter(|other| !new.contains(other)).map(|&other| ordered(record, other)));
        }
        place += 1;
    }
    changed
}

fn places(order: &[u32], is_wanted: impl Fn(u32) -> bool) -> Vec<usize> {
    (0..order.len()).filter(|&place| is_wanted(order[place])).collect()
}

/// Returns the records behind a place, within reach, that are there on both nights.
fn partners(order: &[u32], place: usize, window: usize, is_left_out: impl Fn(u32) -> bool) -> Vec<u32> {
    let near = &order[place + 1..order.len().min(place + window + 1)];
    near.iter().copied().filter(|&record| !is_left_out(record)).collect()
}

const fn ordered(left: u32, right: u32) -> (u32, u32) {
    if left < right { (left, right) } else { (right, left) }
}

/// Returns whether two records are neighbours in an order.
pub(crate) fn are_near(order: &[u32], keys: &BlockKeys<'_>, pair: (u32, u32)) -> bool {
    let BlockKeys::Neighbours(by, window) = keys else { return false };
    if keys.get(pair.0, 0) == NOTHING || keys.get(pair.1, 0) == NOTHING {
        return false;
    }
    let place = |record: u32| order.partition_point(|&other| by.place(other) < by.place(record));
    place(pair.0).abs_diff(place(pair.1)) <= *window as usize
}
