//! Nights of few records whose ids are known, and random nights whose ids must have the properties that are promised.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::identify::records::{RecordsBuilder, Row};

const SOURCES: [&str; 2] = ["account", "sale"];

/// A record, and the cluster in which it is.
type Member = (u16, String, Option<i32>, u32);

/// The nights of one warehouse.
#[derive(Default)]
struct House {
    past: Vec<(u16, String, String, String, i64, i32)>,
    night: i32,
}

/// What happened, with the ids replaced by the keys of the records that found them.
type Told = Vec<(Event, String, Option<String>)>;

impl House {
    /// Plays a night and returns the id of each key, and what happened.
    fn night(&mut self, members: &[Member]) -> (BTreeMap<String, String>, Told) {
        let mut builder = RecordsBuilder::new(0);
        for (source, key, date, _) in members {
            builder.push(&Row { source: *source, key, date: *date, belongs_to: None, values: &[] });
        }
        let records = builder.finish().unwrap();
        let clusters: Vec<u32> = (0..records.len())
            .map(|at| {
                let (source, key) = (records.sources[at], records.keys.get(at));
                members.iter().find(|member| member.0 == source && member.1 == key).unwrap().3
            })
            .collect();
        let past: Vec<Past<'_>> = self
            .past
            .iter()
            .map(|(source, key, id, own_id, seniority, since)| Past {
                source: Some(*source),
                key,
                id,
                own_id,
                seniority: *seniority,
                since: *since,
            })
            .collect();
        self.night += 1;
        let ledger = settle(&records, &clusters, &past, &SOURCES, "C", self.night);
        let text = |id: u32| ledger.ids.texts().get(id as usize).to_owned();
        let changes = ledger.changes.iter();
        let told = changes.map(|change| (change.event, text(change.id), change.other.map(text))).collect();
        self.past = ledger
            .standings
            .iter()
            .enumerate()
            .map(|(at, standing)| {
                let (id, own_id) = (text(standing.id), text(standing.own_id));
                (records.sources[at], records.keys.get(at).to_owned(), id, own_id, standing.seniority, standing.since)
            })
            .collect();
        (self.past.iter().map(|past| (past.1.clone(), past.2.clone())).collect(), told)
    }

    fn since(&self, key: &str) -> i32 {
        self.past.iter().find(|past| past.1 == key).unwrap().5
    }
}

fn sale(key: &str, date: i32, cluster: u32) -> Member {
    (1, key.to_owned(), Some(date), cluster)
}

fn account(key: &str, cluster: u32) -> Member {
    (0, key.to_owned(), None, cluster)
}

fn id(source: &str, key: &str) -> String {
    own_id("C", source, key, 0)
}

#[test]
fn an_id_is_a_prefix_and_sixteen_letters_of_the_founding_record() {
    let id = own_id("C", "account", "A1", 0);
    assert_eq!(id.len(), 17);
    assert!(id.starts_with('C') && id[1..].bytes().all(|letter| ALPHABET.contains(&letter)), "{id}");
    assert_eq!(id, own_id("C", "account", "A1", 0));
    let others = [own_id("C", "account", "A1", 1), own_id("C", "accountA", "1", 0), own_id("C", "account", "A2", 0)];
    assert!(!others.contains(&id));
}

#[test]
fn the_founder_is_the_record_without_a_date_or_else_the_earliest() {
    let mut house = House::default();
    let (ids, told) = house.night(&[sale("s1", 5, 0), account("a1", 0), sale("s2", 9, 1), sale("s3", 7, 1)]);
    assert_eq!(ids["s1"], id("account", "a1"));
    assert_eq!(ids["s2"], id("sale", "s3"));
    let mut expected = vec![id("account", "a1"), id("sale", "s3")];
    expected.sort();
    assert_eq!(told, expected.into_iter().map(|id| (Event::Assign, id, None)).collect::<Vec<_>>());
}

#[test]
fn a_merge_keeps_the_older_id_and_a_split_gives_it_back() {
    let mut house = House::default();
    house.night(&[sale("a", 1, 0), sale("b", 2, 1)]);
    let (a, b) = (id("sale", "a"), id("sale", "b"));
    let (ids, told) = house.night(&[sale("a", 1, 0), sale("b", 2, 0), sale("c", 3, 0)]);
    assert_eq!(ids.values().collect::<BTreeSet<_>>(), BTreeSet::from([&a]));
    assert_eq!(told, [(Event::Merge, b.clone(), Some(a.clone()))]);
    assert_eq!((house.since("a"), house.since("b")), (1, 2));
    let (ids, told) = house.night(&[sale("a", 1, 0), sale("b", 2, 1), sale("c", 3, 1)]);
    assert_eq!((&ids["a"], &ids["b"], &ids["c"]), (&a, &b, &b));
    assert_eq!(told, [(Event::Split, a, Some(b))]);
}

#[test]
fn an_earlier_record_that_arrives_later_renames_nothing() {
    let mut house = House::default();
    house.night(&[sale("b", 5, 0)]);
    let (ids, told) = house.night(&[sale("b", 5, 0), sale("a", 1, 0), account("x", 0)]);
    assert_eq!(ids.values().collect::<BTreeSet<_>>(), BTreeSet::from([&id("sale", "b")]));
    assert_eq!(told, []);
}

#[test]
fn an_id_outlives_its_founder_and_retires_with_its_last_record() {
    let mut house = House::default();
    house.night(&[sale("a", 1, 0), sale("b", 2, 0), sale("c", 3, 0)]);
    let a = id("sale", "a");
    let (ids, told) = house.night(&[sale("b", 2, 0), sale("c", 3, 0)]);
    assert_eq!((ids["b"].as_str(), told), (a.as_str(), vec![]));
    // The founder comes back as somebody else, and may not take the id along.
    let (ids, told) = house.night(&[sale("a", 1, 1), sale("b", 2, 0), sale("c", 3, 0)]);
    let returned = own_id("C", "sale", "a", 1);
    assert_eq!((&ids["a"], &ids["b"]), (&returned, &a));
    assert_eq!(told, [(Event::Assign, returned.clone(), None)]);
    let (_, told) = house.night(&[sale("b", 2, 0)]);
    assert_eq!(told, [(Event::Retire, returned, None)]);
}

#[test]
fn a_record_that_goes_over_is_a_split_with_its_new_id() {
    let mut house = House::default();
    house.night(&[sale("a", 1, 0), sale("b", 2, 0), sale("c", 3, 1)]);
    let (ids, told) = house.night(&[sale("a", 1, 0), sale("b", 2, 1), sale("c", 3, 1)]);
    // `b` was seen before `c`, so that what they are together begins with it.
    let (a, b, c) = (id("sale", "a"), id("sale", "b"), id("sale", "c"));
    assert_eq!((&ids["b"], &ids["c"]), (&b, &b));
    assert_eq!(told, [(Event::Merge, c, Some(b.clone())), (Event::Split, a, Some(b))]);
}

/// A world of records that come in the order of their dates, and change their companions at random.
struct World {
    members: Vec<Member>,
    random: ChaCha8Rng,
}

impl World {
    fn grow(&mut self, night: i32) {
        for _ in 0..self.random.random_range(0..4) {
            let key = format!("r{:03}", self.members.len());
            let cluster = self.random.random_range(0..8);
            self.members.push((1, key, Some(night * 10), cluster));
        }
        for _ in 0..self.random.random_range(0..3) {
            if !self.members.is_empty() {
                let at = self.random.random_range(0..self.members.len());
                self.members[at].3 = self.random.random_range(0..8);
            }
        }
    }
}

#[test]
fn a_replay_night_by_night_and_one_full_run_give_the_same_ids() {
    for seed in 0..200 {
        let mut world = World { members: Vec::new(), random: ChaCha8Rng::seed_from_u64(seed) };
        let mut house = House::default();
        for night in 0..15 {
            world.grow(night);
            let (ids, told) = house.night(&world.members);
            let (full, _) = House::default().night(&world.members);
            assert_eq!(ids, full, "seed {seed}, night {night}");
            let (again, nothing) = house.night(&world.members);
            assert_eq!((again, nothing), (ids, vec![]), "seed {seed}, night {night}: {told:?}");
        }
    }
}

#[test]
fn whatever_comes_and_goes_two_things_never_share_an_id_and_every_change_is_told() {
    for seed in 0..200 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut house = House::default();
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        for night in 0..15 {
            let all = (0..12).map(|record| (1, format!("r{record}"), Some(record % 5), random.random_range(0..5)));
            let all: Vec<Member> = all.collect();
            let members: Vec<Member> = all.into_iter().filter(|_| random.random_bool(0.7)).collect();
            let (ids, told) = house.night(&members);
            let of_cluster = |id: &String| -> BTreeSet<u32> {
                members.iter().filter(|member| ids[&member.1] == *id).map(|member| member.3).collect()
            };
            assert!(ids.values().all(|id| of_cluster(id).len() == 1), "seed {seed}, night {night}");
            for (key, id) in &ids {
                let was = before.get(key);
                let is_told = was.is_none_or(|was| {
                    was == id || told.iter().any(|(_, from, to)| from == was && to.as_ref() == Some(id))
                });
                assert!(is_told, "seed {seed}, night {night}: {key} went from {was:?} to {id}: {told:?}");
            }
            let borne: BTreeSet<&String> = ids.values().collect();
            for id in before.values().filter(|id| !borne.contains(id)) {
                let ends =
                    told.iter().filter(|(event, from, _)| from == id && matches!(event, Event::Merge | Event::Retire));
                assert_eq!(ends.count(), 1, "seed {seed}, night {night}: {id} ended once: {told:?}");
            }
            before = ids;
        }
    }
}
