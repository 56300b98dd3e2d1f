//! Interim: who is who by equal texts alone, until preparation and evidence stand.

use std::collections::HashMap;

use super::{
    matched::{By, Groups, Matched, Parted, Tie},
    records::{ABSENT, Records},
};
use crate::define::entity::Entity;

/// What people said of two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One record.
    pub left: u32,
    /// The other record.
    pub right: u32,
    /// Whether they are one thing.
    pub is_same: bool,
    /// The line of the file, from 1.
    pub line: usize,
}

/// Joins records that a rule or a reference joins.
#[must_use]
pub fn matched(entity: &Entity, records: &Records, verdicts: &[Verdict]) -> Matched {
    let count = u32::try_from(records.len()).unwrap_or(ABSENT);
    let mut ties: Vec<Tie> = Vec::new();
    for verdict in verdicts.iter().filter(|verdict| verdict.is_same) {
        let (left, right) = (verdict.left.min(verdict.right), verdict.left.max(verdict.right));
        ties.push(Tie { left, right, by: By::Verdict(verdict.line) });
    }
    for record in 0..count {
        let named = entity.records[records.sources[record as usize] as usize].belongs_to.as_ref();
        let other = named
            .zip(records.belongs_to.get(record))
            .and_then(|(named, key)| records.find(u16::try_from(named.records).ok()?, key));
        if let Some(other) = other.filter(|other| *other != record) {
            ties.push(Tie { left: record.min(other), right: record.max(other), by: By::Rule(0) });
        }
    }
    for (rule, number) in entity.rules.iter().zip(1..) {
        let mut first: HashMap<Vec<u32>, u32> = HashMap::new();
        for record in 0..count {
            let key: Vec<u32> =
                rule.equal.iter().map(|form| records.attributes[form.attribute].numbers[record as usize]).collect();
            if !key.contains(&ABSENT) {
                let left = *first.entry(key).or_insert(record);
                if left != record {
                    ties.push(Tie { left, right: record, by: By::Rule(number) });
                }
            }
        }
    }
    let mut groups = Groups((0..count).collect());
    let differ = |left: u32, right: u32| {
        let said = |verdict: &&Verdict| {
            !verdict.is_same && [(verdict.left, verdict.right), (verdict.right, verdict.left)].contains(&(left, right))
        };
        verdicts.iter().find(said).is_some()
    };
    let mut parted = Vec::new();
    ties.retain(|tie| {
        if differ(tie.left, tie.right) {
            parted.push((tie.left, tie.right, Parted::Verdict));
            return false;
        }
        groups.join(tie.left, tie.right);
        true
    });
    Matched { clusters: (0..count).map(|record| groups.find(record)).collect(), ties, parted, notes: Vec::new() }
}
