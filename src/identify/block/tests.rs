//! Every pair that a definition asks for is compared, and once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Blocking, Built, SplitBlock, build_keyed, keys::BlockKeys, split::Splitter, visit};
use crate::{
    define::entity::{Block, Entity, FormName},
    identify::{
        codes::Codes,
        records::Records,
        toy::{self, Toy},
    },
};

fn codes(entity: &Entity, records: &Records) -> Codes {
    let mut codes = Codes::new(entity);
    codes.extend(entity, records, &Toy::new(entity, records), &[BTreeMap::new()], 1);
    codes
}

/// Returns the pairs, after making sure that none came twice, and the blocks that were split.
fn visited(entity: &Entity, records: &Records, threads: usize) -> (BTreeSet<(u32, u32)>, Vec<SplitBlock>) {
    let codes = codes(entity, records);
    let push = |pairs: &mut Vec<_>, left, right| pairs.push((left, right));
    let (gathered, remembered) = visit((entity, records, &codes), threads, &Vec::new, &push);
    let once = |gathered: Vec<Vec<(u32, u32)>>| {
        let all: Vec<(u32, u32)> = gathered.into_iter().flatten().collect();
        let once: BTreeSet<(u32, u32)> = all.iter().copied().collect();
        assert_eq!(all.len(), once.len(), "a pair came twice");
        once
    };
    let pairs = once(gathered);
    let (drawn, stands_for) =
        Blocking::new(entity, records, &codes, threads).visit_some(u64::MAX, threads, &Vec::new, &push);
    assert_eq!(once(drawn), pairs, "of all blocks at once as of one after the other");
    assert!((stands_for - 1.0).abs() < 1e-9 || pairs.is_empty(), "{stands_for}");
    (pairs, remembered.split)
}

fn pairs(entity: &Entity, records: &Records, threads: usize) -> BTreeSet<(u32, u32)> {
    visited(entity, records, threads).0
}

fn named(names: &[&str]) -> Records {
    let row = |(number, name): (usize, &&str)| {
        let values = [(*name).to_owned(), String::new(), String::new(), format!("P{}", number % 2)];
        (0, format!("{number:08}"), values)
    };
    toy::records(&names.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn only(block: Block) -> Entity {
    Entity { blocks: vec![block], ..toy::entity() }
}

#[test]
fn equal_forms_stand_together_and_missing_ones_nowhere() {
    let entity = only(Block::Equal(vec![toy::form(toy::NAME, FormName::Stem)]));
    let records = named(&["abcXX", "abcYY", "", "abdXX", "abcZZ", ""]);
    assert_eq!(pairs(&entity, &records, 1), BTreeSet::from([(0, 1), (0, 4), (1, 4)]));
}

#[test]
fn neighbours_reach_as_far_as_their_window() {
    let entity = only(Block::Neighbours { form: toy::form(toy::NAME, FormName::Normal), window: 3 });
    let records = named(&["d", "a", "c", "", "b"]);
    let expected = BTreeSet::from([(1, 4), (1, 2), (2, 4), (0, 4), (0, 2)]);
    assert_eq!(pairs(&entity, &records, 2), expected);
}

#[test]
fn records_share_a_bigram_block_once_however_many_bigrams_they_share() {
    let entity = only(Block::Bigrams(toy::form(toy::NAME, FormName::Normal)));
    let records = named(&["徐州重工", "徐州重机", "柳州重工", "三一"]);
    assert_eq!(pairs(&entity, &records, 2), BTreeSet::from([(0, 1), (0, 2), (1, 2)]));
}

#[test]
fn a_block_above_the_limit_is_split_and_reported_and_no_record_is_dropped() {
    let entity = Entity { block_limit: 3, ..only(Block::Equal(vec![toy::form(toy::NAME, FormName::Stem)])) };
    let records = named(&["abcAA", "abcBB", "abcCC", "abcDD", "abcEE", "abcFF"]);
    let (pairs, split) = visited(&entity, &records, 1);
    let split = split[0];
    assert_eq!(
        (split.block, split.example, split.records, split.forms, split.parts, split.near_only),
        (0, 0, 6, 1, 2, 0)
    );
    let even = [(0, 2), (0, 4), (2, 4), (1, 3), (1, 5), (3, 5)];
    assert_eq!(pairs, BTreeSet::from(even));
}

#[test]
fn a_hub_that_nothing_splits_is_compared_with_what_is_near() {
    let row = |number: usize| {
        let values = [format!("name {:04}", number / 2), "13800000000".to_owned(), String::new(), "P".to_owned()];
        (0, format!("{number:08}"), values)
    };
    let records = toy::records(&(0..5000).map(row).collect::<Vec<_>>());
    let mut entity = only(Block::Equal(vec![toy::form(toy::PHONE, FormName::Normal)]));
    entity.split_by = vec![toy::form(toy::PROVINCE, FormName::Normal)];
    let (pairs, split) = visited(&entity, &records, 2);
    assert_eq!((split[0].records, split[0].near_only), (5000, 5000));
    assert!((0..2500).all(|name| pairs.contains(&(2 * name, 2 * name + 1))), "equal names are near");
    assert_eq!(pairs.len(), 5000 * 20 - 20 * 21 / 2);
}

#[test]
fn threads_do_not_change_the_pairs() {
    let (rows, _) = toy::customers(3, 700);
    let records = toy::records(&rows);
    let entity = Entity { block_limit: 6, ..toy::entity() };
    assert_eq!(pairs(&entity, &records, 1), pairs(&entity, &records, 3));
}

#[test]
fn no_records_two_records_and_records_of_nothing_have_the_pairs_they_have() {
    assert!(pairs(&toy::entity(), &named(&[]), 2).is_empty());
    assert_eq!(pairs(&toy::entity(), &named(&["same", "same"]), 2), BTreeSet::from([(0, 1)]));
    let nothing =
        vec![(0, "a".to_owned(), [const { String::new() }; 4]), (0, "b".to_owned(), [const { String::new() }; 4])];
    assert!(pairs(&toy::entity(), &toy::records(&nothing), 2).is_empty());
}

#[test]
fn into_how_many_shares_keys_are_cut_changes_nothing() {
    let entity = toy::entity();
    let records = toy::records(&toy::customers(3, 2000).0);
    let codes = codes(&entity, &records);
    let (keys, splitter) = (BlockKeys::of(&entity, &records, &codes), Splitter::new(&entity, &records, &codes));
    for (block, keys) in keys.iter().enumerate().filter(|(_, keys)| !matches!(keys, BlockKeys::Neighbours(..))) {
        let built = |passes, threads| build_keyed(block, keys, &splitter, (records.len(), passes), threads);
        let whole = built(1, 1);
        assert_ne!(whole, Built::default());
        for (passes, threads) in [(2, 1), (8, 2), (64, 3)] {
            assert_eq!(built(passes, threads), whole, "block {block}");
        }
    }
}
