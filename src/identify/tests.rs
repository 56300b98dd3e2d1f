//! From records to clusters, on customers that were made from a seed.

use std::collections::{BTreeMap, HashMap};

use super::{
    records::Records,
    toy::{self, Toy},
    weigh::Model,
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
