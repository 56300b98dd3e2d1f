//! Clusters of links that were written by hand, chains and hubs among them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use super::{
    Clusters, Cut, Evidence, Links, Said, clusters,
    links::{Certain, Link, REFERENCE, Verdict},
    verdicts,
};
use crate::{
    define::entity::Entity,
    identify::{
        codes::Codes,
        records::Records,
        toy::{self, Toy},
        weigh::{Millibits, score_of},
    },
};

/// Scores of pairs, and what the values of a pair are worth that has none.
struct Scores(HashMap<(u32, u32), Millibits>, Millibits);

impl Evidence for Scores {
    fn of(&self, left: u32, right: u32) -> Said {
        let score = self.0.get(&(left, right));
        Said { score: *score.unwrap_or(&-30_000), values: *score.unwrap_or(&self.1), disagrees: false }
    }
}

/// Records whose tax ids are given; an empty one is NULL.
fn records(tax_ids: &[&str]) -> Records {
    let row = |(number, tax_id): (usize, &&str)| {
        let values = [String::new(), String::new(), (*tax_id).to_owned(), String::new()];
        (0, format!("{number:08}"), values)
    };
    toy::records(&tax_ids.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn found(
    entity: &Entity,
    tax_ids: &[&str],
    evidence: &[(u32, u32, f64)],
    certain: &[Certain],
    said: &[Verdict],
) -> Clusters {
    found_beside(-30_000, entity, tax_ids, evidence, certain, said)
}

/// Clusters records of whom the pairs without evidence are worth so much.
fn found_beside(
    others: Millibits,
    entity: &Entity,
    tax_ids: &[&str],
    evidence: &[(u32, u32, f64)],
    certain: &[Certain],
    said: &[Verdict],
) -> Clusters {
    let records = records(tax_ids);
    let mut codes = Codes::new(entity);
    codes.extend(entity, &records, &Toy::new(entity, &records), &[], 1);
    let link = |(left, right, probability): &(u32, u32, f64)| Link {
        left: *left,
        right: *right,
        score: score_of(*probability),
    };
    let links: Vec<Link> = evidence.iter().map(link).collect();
    let scores = Scores(links.iter().map(|link| ((link.left, link.right), link.score)).collect(), others);
    clusters(entity, &records, &codes, Links { verdicts: said, certain, evidence: &links }, &scores)
}

fn said(left: u32, right: u32, is_same: bool, line: usize) -> Verdict {
    Verdict { left, right, is_same, line }
}

#[test]
fn linked_records_are_one_and_others_stay_alone() {
    let clusters = found(&toy::entity(), &[""; 4], &[(0, 2, 0.99), (1, 3, 0.5)], &[], &[]);
    assert_eq!(clusters.of, [0, 1, 0, 3]);
    assert!(clusters.cut.is_empty());
}

#[test]
fn a_chain_whose_ends_have_nothing_in_common_breaks_at_its_weaker_links() {
    let chain = [(0, 1, 0.97), (1, 2, 0.96), (2, 3, 0.98)];
    let clusters = found(&toy::entity(), &[""; 4], &chain, &[], &[]);
    assert_eq!(clusters.of, [0, 0, 2, 2]);
    assert_eq!(clusters.cut, [(1, 2, Cut::Cohesion)]);
}

#[test]
fn two_groups_that_one_false_link_bridges_stay_two() {
    let mut links = vec![(2, 4, 0.999)];
    for group in [0, 4] {
        for left in 0..4 {
            links.extend((left + 1..4).map(|right| (group + left, group + right, 0.97)));
        }
    }
    let clusters = found(&toy::entity(), &[""; 8], &links, &[], &[]);
    // The bridge is the strongest link, so 2 and 4 come first; each of the others then speaks against one of them.
    let sizes = |of: &[u32]| {
        of.iter().fold(HashMap::new(), |mut sizes, first| {
            *sizes.entry(*first).or_insert(0) += 1;
            sizes
        })
    };
    assert!(sizes(&clusters.of).values().all(|size| *size <= 4), "{clusters:?}");
}

#[test]
fn without_a_limit_of_cohesion_bits_are_weighed_against_bits() {
    let mut entity = toy::entity();
    entity.cohesion = None;
    // 5.0 bits, 4.6 bits and 5.6 bits: the middle link is tried last, and three pairs across it speak against.
    let chain = [(0, 1, 0.97), (1, 2, 0.96), (2, 3, 0.98)];
    let beside = |others| found_beside(others, &entity, &[""; 4], &chain, &[], &[]);
    assert_eq!(beside(-1_500).of, [0; 4]);
    let parted = beside(-1_550);
    assert_eq!((parted.of, parted.cut), (vec![0, 0, 2, 2], vec![(1, 2, Cut::Cohesion)]));
}

#[test]
fn silent_pairs_do_not_speak_against_a_cluster() {
    // 0 and 2 share no filled attribute: a phone joins 0 and 1, a tax id 1 and 2.
    let mut without = toy::entity();
    without.cohesion = None;
    for entity in [toy::entity(), without] {
        let links = [(0, 1, 0.97), (1, 2, 0.97)];
        assert_eq!(found_beside(0, &entity, &[""; 3], &links, &[], &[]).of, [0; 3]);
    }
}

#[test]
fn a_veto_holds_through_a_chain_and_cuts_its_weakest_link() {
    let chain = [(0, 1, 0.99), (1, 2, 0.97), (2, 3, 0.99), (0, 2, 0.96), (1, 3, 0.96), (0, 3, 0.96)];
    let clusters = found(&toy::entity(), &["A", "", "", "B"], &chain, &[], &[]);
    assert_eq!(clusters.of, [0, 0, 2, 2]);
    assert_eq!(clusters.cut.len(), 4);
    assert!(clusters.cut.iter().all(|(.., why)| *why == Cut::Veto(0)));
}

#[test]
fn a_certain_link_joins_before_evidence_and_does_not_pass_a_veto() {
    let certain = [Certain { left: 0, right: 1, rule: 2 }, Certain { left: 1, right: 2, rule: 2 }];
    let clusters = found(&toy::entity(), &["A", "", "B"], &[(1, 2, 0.999)], &certain, &[]);
    assert_eq!(clusters.of, [0, 0, 2]);
    assert_eq!(clusters.cut, [(1, 2, Cut::Veto(0))]);
}

#[test]
fn records_of_a_star_that_may_not_be_one_with_its_middle_are_one_among_themselves() {
    let star = [1, 2, 3, 4].map(|right| Certain { left: 0, right, rule: 1 });
    let clusters = found(&toy::entity(), &["A", "B", "C", "B", ""], &[], &star, &[]);
    assert_eq!(clusters.of, [0, 1, 2, 1, 0]);
    assert_eq!(clusters.cut, [(0, 1), (0, 2), (0, 3), (1, 2)].map(|(left, right)| (left, right, Cut::Veto(0))));
}

#[test]
fn records_of_a_name_that_thousands_bear_are_one_where_their_tax_ids_are() {
    let count = 20_000;
    let tax_ids: Vec<String> = (0..count).map(|record| format!("T{}", record * 7 % (count / 2))).collect();
    let tax_ids: Vec<&str> = tax_ids.iter().map(String::as_str).collect();
    let star: Vec<Certain> = (1..count).map(|right| Certain { left: 0, right, rule: 2 }).collect();
    let clusters = found(&toy::entity(), &tax_ids, &[], &star, &[]);
    for record in 0..count / 2 {
        assert_eq!(clusters.of[record as usize], record);
        assert_eq!(clusters.of[(record + count / 2) as usize], record);
    }
}

#[test]
fn two_records_that_name_a_third_are_not_one_by_that() {
    let named = [1, 2].map(|right| Certain { left: 0, right, rule: REFERENCE });
    let clusters = found(&toy::entity(), &["A", "B", "B"], &[], &named, &[]);
    assert_eq!(clusters.of, [0, 1, 2]);
}

#[test]
fn people_join_what_a_veto_forbids_and_part_what_a_rule_joins() {
    let certain = [Certain { left: 0, right: 1, rule: 1 }, Certain { left: 2, right: 3, rule: 1 }];
    let verdicts = [said(0, 3, true, 2), said(2, 3, false, 3)];
    let clusters = found(&toy::entity(), &["A", "A", "B", "B"], &[], &certain, &verdicts);
    assert_eq!(clusters.of, [0, 0, 2, 0]);
    assert_eq!(clusters.cut, [(2, 3, Cut::Verdict)]);
}

#[test]
fn said_to_differ_holds_through_others() {
    let links = [(0, 1, 0.99), (1, 2, 0.98), (0, 2, 0.97)];
    let clusters = found(&toy::entity(), &[""; 3], &links, &[], &[said(0, 2, false, 7)]);
    assert_eq!(clusters.of, [0, 0, 2]);
}

#[test]
fn verdicts_that_contradict_each_other_are_named_by_their_lines() {
    let error = verdicts::check(&[said(0, 1, true, 2), said(3, 2, true, 3), said(2, 1, true, 5), said(0, 3, false, 9)])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 9 says `different` of two records that lines 2, 3 and 5 say are `same`; remove one of them"
    );
    let error = verdicts::check(&[said(0, 1, false, 4), said(1, 0, true, 6)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 4 says `different` of two records that line 6 says are `same`; remove one of them"
    );
    assert!(verdicts::check(&[said(0, 1, true, 1), said(1, 2, false, 2)]).is_ok());
}

#[test]
fn a_chain_of_100000_records_is_cut_into_short_ones_in_time() {
    let count = 100_000_u32;
    let links: Vec<(u32, u32, f64)> = (1..count).map(|right| (right - 1, right, 0.96)).collect();
    let clusters = found(&toy::entity(), &vec![""; count as usize], &links, &[], &[]);
    let mut sizes: HashMap<u32, u32> = HashMap::new();
    clusters.of.iter().for_each(|first| *sizes.entry(*first).or_default() += 1);
    assert!(sizes.values().all(|size| *size == 2));
}

#[test]
fn a_hub_that_everything_is_linked_to_does_not_make_everything_one() {
    let links: Vec<(u32, u32, f64)> = (1..5000).map(|right| (0, right, 0.96)).collect();
    let clusters = found(&toy::entity(), &vec![""; 5000], &links, &[], &[]);
    assert_eq!(clusters.of.iter().filter(|first| **first == 0).count(), 2);
}
