//! From records to clusters, on customers that were made from a seed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use super::{
    codes::Codes,
    records::Records,
    toy::{self, Toy},
    weigh::{Model, Scorer, frequency::Frequencies},
    whole::{Identified, Terms, learn, link},
};
use crate::define::entity::Entity;

fn linked(entity: &Entity, records: &Records, threads: usize) -> (Model, Identified) {
    let toy = Toy::new(entity, records);
    let model = learn(entity, records, &toy, threads);
    let identified = link(Terms { entity, verdicts: &[], threads }, records, &toy, &model).unwrap();
    (model, identified)
}

/// Counts pairs: found and true, found, true.
fn pairs(records: &Records, identified: &Identified, truth: &HashMap<(u16, String), usize>) -> (usize, usize, usize) {
    let mut cells: BTreeMap<(u32, usize), usize> = BTreeMap::new();
    for (record, cluster) in identified.clusters.of.iter().enumerate() {
        let key = (records.sources[record], records.keys.get(record).to_owned());
        *cells.entry((*cluster, truth[&key])).or_default() += 1;
    }
    let (mut found, mut real) = (BTreeMap::new(), BTreeMap::new());
    for ((cluster, customer), count) in &cells {
        *found.entry(cluster).or_insert(0) += count;
        *real.entry(customer).or_insert(0) += count;
    }
    let of = |counts: &mut dyn Iterator<Item = usize>| counts.map(|count| count * (count - 1) / 2).sum();
    (of(&mut cells.values().copied()), of(&mut found.into_values()), of(&mut real.into_values()))
}

#[test]
fn mistyped_customers_are_found_again_without_labels() {
    let entity = toy::entity();
    let (rows, customers) = toy::customers(7, 4000);
    let truth =
        rows.iter().zip(customers).map(|((source, key, _), customer)| ((*source, key.clone()), customer)).collect();
    let records = toy::records(&rows);
    let (model, identified) = linked(&entity, &records, 2);
    let (right, found, real) = pairs(&records, &identified, &truth);
    assert!(right * 1000 >= found * 995, "precision: {right} of {found}: {model:#?}");
    assert!(right * 100 >= real * 85, "recall: {right} of {real}: {model:#?}");
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_digit() {
    let entity = toy::entity();
    let (mut rows, _) = toy::customers(11, 900);
    let first = linked(&entity, &toy::records(&rows), 1);
    rows.reverse();
    let (model, identified) = linked(&entity, &toy::records(&rows), 3);
    assert_eq!(model, first.0);
    assert_eq!(identified.links, first.1.links);
    assert_eq!(identified.clusters, first.1.clusters);
    assert_eq!(identified.certain, first.1.certain);
}

#[test]
fn a_model_read_from_its_file_says_what_it_said_before() {
    let entity = toy::entity();
    let (rows, _) = toy::customers(5, 600);
    let records = toy::records(&rows);
    let (model, identified) = linked(&entity, &records, 1);
    let read: Model = serde_json::from_str(&serde_json::to_string_pretty(&model).unwrap()).unwrap();
    let toy = Toy::new(&entity, &records);
    let again = link(Terms { entity: &entity, verdicts: &[], threads: 1 }, &records, &toy, &read).unwrap();
    assert_eq!(again, identified);
}

#[test]
fn a_model_of_another_definition_is_refused() {
    let entity = toy::entity();
    let records = toy::records(&toy::customers(5, 60).0);
    let (model, _) = linked(&entity, &records, 1);
    let mut other = toy::entity();
    other.comparisons[1].levels.pop();
    let terms = Terms { entity: &other, verdicts: &[], threads: 1 };
    let problem = link(terms, &records, &Toy::new(&other, &records), &model).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "the model is not one of this definition: the levels of `phone` are exact, else in the definition; \
         train it again with `tallyhouse identity train`"
    );
}

#[test]
fn no_record_one_record_and_records_of_nothing_are_linked_to_nothing() {
    let entity = toy::entity();
    let nothing = |key: &str| (0, key.to_owned(), [const { String::new() }; 4]);
    for rows in [Vec::new(), vec![nothing("a")], vec![nothing("a"), nothing("b"), nothing("c")]] {
        let (model, identified) = linked(&entity, &toy::records(&rows), 2);
        let alone: Vec<u32> = (0..u32::try_from(rows.len()).unwrap()).collect();
        assert_eq!(identified.clusters.of, alone);
        assert!(model.check(&entity).is_ok());
    }
}

#[test]
fn an_attribute_that_never_varies_says_nothing() {
    let entity = toy::entity();
    let (mut rows, _) = toy::customers(9, 800);
    for (_, _, values) in &mut rows {
        "P".clone_into(&mut values[toy::PROVINCE]);
    }
    let (model, _) = linked(&entity, &toy::records(&rows), 1);
    assert!(model.comparisons[toy::PROVINCE].levels[0].bits.abs() < 0.02, "{model:#?}");
}

#[test]
fn a_waterfall_adds_up_to_the_score() {
    let entity = toy::entity();
    let records = toy::records(&toy::customers(5, 300).0);
    let toy = Toy::new(&entity, &records);
    let model = learn(&entity, &records, &toy, 1);
    let mut codes = Codes::new(&entity);
    codes.extend(&entity, &records, &toy, &model.frequent_bigrams, 1);
    let frequencies = Frequencies::of_all(&entity, &records, &codes);
    let scorer = Scorer::new(&entity, &model, &records, &codes, &frequencies, &toy);
    let count = u32::try_from(records.len()).unwrap();
    for (left, right) in (0..count - 1).map(|left| (left, left + 1)) {
        let waterfall = scorer.waterfall(left, right);
        let sum: i32 = waterfall.steps.iter().map(|step| step.weight + step.rarity).sum();
        assert_eq!(waterfall.score, waterfall.prior + sum);
        assert_eq!(scorer.score_from(waterfall.score, left, right), Some(waterfall.score));
        assert_eq!(scorer.score_from(waterfall.score + 1, left, right), None);
    }
}
