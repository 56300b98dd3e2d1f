//! A night among known records finds what linking everything finds: on random records and random nights, in a world so
//! small that blocks are split, values change their rarity and clusters are cut all the time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Difference, Update, relink};
use crate::{
    define::entity::Entity,
    identify::{
        cluster::links::Verdict,
        records::{Records, RecordsBuilder, Row},
        remembered,
        toy::{self, Dice, Toy},
        weigh::Model,
        whole::{Identified, Terms, learn, link},
    },
};

type World = BTreeMap<(u16, String), (Option<String>, [String; 4])>;

/// Small enough that everything collides.
fn small_entity() -> Entity {
    let mut entity = toy::entity();
    entity.block_limit = 4;
    entity.records[1].belongs_to = Some(crate::define::entity::BelongsTo { records: 0, key: Vec::new() });
    entity.link_from = 0.9;
    entity
}

fn row(dice: &mut Dice, source: u16) -> (Option<String>, [String; 4]) {
    let stems = ["徐工", "徐州工", "三一重", "三一重工", "柳工", "柳州工", "福田"];
    let name = stems[dice.chance(7)].to_owned() + ["机械", "机器", "贸易"][dice.chance(3)];
    let phone = format!("1390000{:02}", dice.chance(12));
    let tax_id = format!("T{}", dice.chance(9));
    let mut values = [name, phone, tax_id, format!("P{}", dice.chance(3))];
    for (value, missing) in values.iter_mut().zip([12, 3, 2, 6]) {
        if dice.chance(missing) == 0 {
            value.clear();
        }
    }
    let named = (source == 1 && dice.chance(4) == 0).then(|| format!("k{}", dice.chance(30)));
    (named, values)
}

fn with_rows<T>(world: &World, keys: &[(u16, String)], use_rows: impl FnOnce(&[Row<'_>]) -> T) -> T {
    let values: Vec<[Option<&str>; 4]> = keys
        .iter()
        .map(|key| world[key].1.each_ref().map(|value| (!value.is_empty()).then_some(value.as_str())))
        .collect();
    let rows: Vec<Row<'_>> = keys
        .iter()
        .zip(&values)
        .map(|((source, key), values)| {
            let belongs_to = world[&(*source, key.clone())].0.as_deref();
            Row { source: *source, key, date: None, belongs_to, values }
        })
        .collect();
    use_rows(&rows)
}

fn built(world: &World) -> Records {
    let keys: Vec<(u16, String)> = world.keys().cloned().collect();
    with_rows(world, &keys, |rows| {
        let mut builder = RecordsBuilder::new(4);
        for row in rows {
            builder.push(row);
        }
        builder.finish().unwrap()
    })
}

/// Sources and keys of records.
type RecordKeys = Vec<(u16, String)>;

/// Changes the world; returns the keys of what came, and of what is gone.
fn night(dice: &mut Dice, world: &mut World) -> (RecordKeys, RecordKeys) {
    let (mut came, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..dice.chance(6) {
        let key = (u16::from(dice.chance(2) == 1), format!("k{}", dice.chance(60)));
        world.insert(key.clone(), row(dice, key.0));
        came.push(key);
    }
    for _ in 0..dice.chance(5) {
        let keys: Vec<_> = world.keys().cloned().collect();
        if !keys.is_empty() {
            let key = keys[dice.chance(keys.len())].clone();
            world.remove(&key);
            came.retain(|other| *other != key);
            gone.push(key);
        }
    }
    came.sort();
    came.dedup();
    (came, gone)
}

fn verdicts(dice: &mut Dice, records: &Records) -> Vec<Verdict> {
    let mut said = Vec::new();
    for line in 1..=dice.chance(3) {
        let mut any = || u32::try_from(dice.chance(records.len())).unwrap();
        let (left, right) = (any(), any());
        if left != right {
            said.push(Verdict { left, right, is_same: dice.chance(2) == 0, line });
        }
    }
    if crate::identify::cluster::verdicts::check(&said).is_err() { Vec::new() } else { said }
}

fn linked(terms: Terms<'_>, records: &Records, model: &Model) -> Identified {
    link(terms, records, &Toy::new(terms.entity, records), model).unwrap()
}

fn assert_same(tonight: &Identified, afresh: &Identified, what: &str) {
    assert_eq!(tonight.orders, afresh.orders, "orders {what}");
    assert_eq!(tonight.split, afresh.split, "split blocks {what}");
    assert_eq!(tonight.links, afresh.links, "links {what}");
    assert_eq!(tonight.certain, afresh.certain, "certain links {what}");
    assert_eq!(tonight.clusters, afresh.clusters, "clusters {what}");
}

fn replay(seed: u64, start: usize, nights: usize) {
    let (entity, mut dice) = (small_entity(), Dice(seed));
    let mut world = World::new();
    for _ in 0..start {
        let key = (u16::from(dice.chance(2) == 1), format!("k{}", dice.chance(60)));
        let said = row(&mut dice, key.0);
        world.insert(key, said);
    }
    let mut records = built(&world);
    let model = learn(&entity, &records, &Toy::new(&entity, &records), 1);
    let mut found = linked(Terms { entity: &entity, verdicts: &[], threads: 1 }, &records, &model);
    for number in 0..nights {
        let (came, gone) = night(&mut dice, &mut world);
        let gone: Vec<(u16, &str)> = gone.iter().map(|(source, key)| (*source, key.as_str())).collect();
        let whole = built(&world);
        // What a run does, and what anybody may do who knows what came.
        let update = match number % 2 {
            0 => Difference::between(&records, &whole).update(records, &whole).unwrap(),
            _ => with_rows(&world, &came, |rows| Update::new(records, rows, &gone)).unwrap(),
        };
        let said = if whole.is_empty() { Vec::new() } else { verdicts(&mut dice, &whole) };
        let terms = Terms { entity: &entity, verdicts: &said, threads: 1 + number % 2 };
        let toy = Toy::new(&entity, &update.records);
        found = relink(terms, &update, found, &toy, &model).unwrap();
        assert_same(&found, &linked(terms, &whole, &model), &format!("in night {number} of {seed}"));
        let mut pieces = Vec::new();
        remembered::write(&update.records, &found, Vec::new(), &mut |piece| pieces.push(piece)).unwrap();
        let compared = found.compared;
        let (kept, again) = remembered::read(&entity, &mut pieces.into_iter(), 0).unwrap();
        assert_eq!((&kept, Identified { compared, ..again.clone() }), (&update.records, found));
        (records, found) = (kept, again);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_night_among_known_records_finds_what_linking_everything_finds(seed: u64, start in 0_usize..90) {
        replay(seed, start, 12);
    }
}
