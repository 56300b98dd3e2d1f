//! What blocks, rules and vetoes need of each distinct value: numbers instead of texts.
//!
//! In: prepared values. Out: per form a hash of every distinct value, per bigram block its keys, per neighbour block its
//! place in the order. A value's codes depend on the value and the model alone, never on other records; so they are kept
//! from night to night and computed for new values only. Deliberately keeps no text.

use std::{borrow::Cow, collections::BTreeMap, ops::Range, thread};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    block::bigrams,
    key_set::KeySet,
    records::{ABSENT, Records},
};
use crate::define::entity::{Block, Entity, Form, FormName, Measure};

/// The code of a form that a value does not have, or not validly.
pub const NOTHING: u64 = 0;

/// The prepared values that codes and levels are taken from.
pub trait Prepared: Sync {
    /// Returns a form of a distinct value; None: the value is not valid or has no such form.
    fn form(&self, attribute: usize, value: u32, form: FormName) -> Option<Cow<'_, str>>;

    /// Returns the level that two distinct values reach in a comparison: 0 is the closest one, the number of levels
    /// is that of values that reach none. None: the values are evidence of nothing.
    fn level(&self, comparison: usize, left: u32, right: u32) -> Option<u8>;
}

/// One form of an attribute, as a number per distinct value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormCodes {
    /// Which form.
    pub form: Form,
    /// Per distinct value its hash, or [`NOTHING`].
    pub hashes: Vec<u64>,
}

/// The numbers of all distinct values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// The forms that rules, vetoes, blocks, splits and term frequencies use.
    pub forms: Vec<FormCodes>,
    /// Per `bigrams` block, in order: per distinct value its keys, [`NOTHING`] behind the last.
    pub bigrams: Vec<Vec<[u64; bigrams::KEYS]>>,
    /// Per form by which records are sorted (see [`sorted_forms`]): per distinct value the first 16 bytes of its text.
    pub orders: Vec<Vec<u128>>,
}

/// Returns the forms by which records are sorted: those of the `neighbours` blocks in order, and the normal form of the
/// first comparison, for blocks that nothing splits.
#[must_use]
pub fn sorted_forms(entity: &Entity) -> Vec<Form> {
    let neighbours = entity.blocks.iter().filter_map(|block| match block {
        Block::Neighbours { form, .. } => Some(*form),
        _ => None,
    });
    let first = entity.comparisons.first();
    neighbours.chain(first.map(|comparison| normal(comparison.attribute))).collect()
}

/// Returns the normal form of an attribute.
#[must_use]
pub const fn normal(attribute: usize) -> Form {
    Form { attribute, form: FormName::Normal }
}

/// Returns the forms that need a hash, each once.
fn hashed_forms(entity: &Entity) -> Vec<Form> {
    let rules = entity.rules.iter().flat_map(|rule| rule.equal.iter().copied());
    let vetoes = entity.vetoes.iter().flat_map(|veto| veto.differ.iter().copied());
    let blocks = entity.blocks.iter().flat_map(|block| match block {
        Block::Equal(forms) => forms.clone(),
        Block::Bigrams(form) | Block::Neighbours { form, .. } => vec![*form],
    });
    let compared = entity.comparisons.iter().flat_map(|comparison| {
        let exact = comparison.levels.iter().filter(|level| level.measure == Measure::Exact).map(|level| level.form);
        exact.chain([FormName::Normal]).map(|form| Form { attribute: comparison.attribute, form })
    });
    let mut forms = Vec::new();
    for form in rules.chain(vetoes).chain(blocks).chain(entity.split_by.iter().copied()).chain(compared) {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn bigram_forms(entity: &Entity) -> Vec<Form> {
    let of = |block: &Block| match block {
        Block::Bigrams(form) => Some(*form),
        _ => None,
    };
    entity.blocks.iter().filter_map(of).collect()
}

impl Codes {
    /// Begins with the codes of no value.
    #[must_use]
    pub fn new(entity: &Entity) -> Self {
        Self {
            forms: hashed_forms(entity).into_iter().map(|form| FormCodes { form, hashes: Vec::new() }).collect(),
            bigrams: vec![Vec::new(); bigram_forms(entity).len()],
            orders: vec![Vec::new(); sorted_forms(entity).len()],
        }
    }

    /// Adds the codes of the values that have none yet. `common` holds the pinned frequent bigrams of each block.
    pub fn extend(
        &mut self,
        entity: &Entity,
        records: &Records,
        prepared: &dyn Prepared,
        common: &[BTreeMap<String, u32>],
        threads: usize,
    ) {
        let missing = |form: Form, done: usize| done..records.attributes[form.attribute].values.len();
        for codes in &mut self.forms {
            let form = codes.form;
            let hash = |value: u32| prepared.form(form.attribute, value, form.form).map_or(NOTHING, |text| hash(&text));
            codes.hashes.extend(each(missing(form, codes.hashes.len()), threads, &hash));
        }
        for (position, (codes, form)) in self.bigrams.iter_mut().zip(bigram_forms(entity)).enumerate() {
            let ranks = bigrams::Ranks::new(common.get(position));
            let keys = |value: u32| {
                let text = prepared.form(form.attribute, value, form.form);
                text.map_or([NOTHING; bigrams::KEYS], |text| ranks.keys(&text))
            };
            codes.extend(each(missing(form, codes.len()), threads, &keys));
        }
        for (codes, form) in self.orders.iter_mut().zip(sorted_forms(entity)) {
            let place = |value: u32| {
                prepared.form(form.attribute, value, form.form).map_or(0, |text| beginning(text.as_bytes()))
            };
            codes.extend(each(missing(form, codes.len()), threads, &place));
        }
    }

    /// Returns the hashes of a form.
    #[must_use]
    pub fn of(&self, form: Form) -> &[u64] {
        self.forms.iter().find(|codes| codes.form == form).map_or(&[], |codes| &codes.hashes)
    }
}

/// Returns the hash of a text, which is never [`NOTHING`].
fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes()).max(1)
}

/// Returns the first 16 bytes as a number that sorts as the bytes do.
fn beginning(text: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text[..length]);
    u128::from_be_bytes(bytes)
}

/// Computes something for every value of a range, on several threads, in order.
pub(super) fn each<T: Send>(range: Range<usize>, threads: usize, make: &(dyn Fn(u32) -> T + Sync)) -> Vec<T> {
    let number = |value: usize| u32::try_from(value).unwrap_or(ABSENT);
    let share = range.len().div_ceil(threads.max(1));
    if share < 1000 {
        return range.map(|value| make(number(value))).collect();
    }
    let shares = (range.start..range.end).step_by(share).map(|start| start..(start + share).min(range.end));
    thread::scope(|scope| {
        let begun: Vec<_> =
            shares.map(|part| scope.spawn(move || part.map(|value| make(number(value))).collect::<Vec<T>>())).collect();
        begun
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)))
            .collect()
    })
}

/// The hashes of some forms, looked up by record.
#[derive(Clone, Debug)]
pub struct Keys<'a> {
    parts: Vec<(&'a [u32], &'a [u64])>,
}

impl<'a> Keys<'a> {
    /// Looks up the given forms.
    #[must_use]
    pub fn new(records: &'a Records, codes: &'a Codes, forms: &[Form]) -> Self {
        let part = |form: &Form| (records.attributes[form.attribute].numbers.as_slice(), codes.of(*form));
        Self { parts: forms.iter().map(part).collect() }
    }

    /// Returns the records whose key may be that of one of the given ones, in order: their first form is. Much faster than
    /// asking each for its key.
    pub(super) fn candidates(&self, first: &KeySet) -> impl Iterator<Item = u32> {
        let (numbers, hashes) = self.parts.first().copied().unwrap_or_default();
        let marks = first.marks(hashes);
        let is_marked = move |number: u32| number != ABSENT && marks[number as usize];
        (0_u32..).zip(numbers).filter(move |(_, number)| is_marked(**number)).map(|(record, _)| record)
    }

    /// Returns the hash of the first form of a record.
    pub(super) fn first(&self, record: u32) -> u64 {
        self.parts.first().map_or(NOTHING, |part| hash_of(*part, record))
    }

    /// Returns whether two records have all forms, and the same; most pairs differ in the first already.
    pub(super) fn agree(&self, left: u32, right: u32) -> bool {
        self.parts.iter().all(|part| {
            let left = hash_of(*part, left);
            left != NOTHING && left == hash_of(*part, right)
        })
    }

    /// Returns one number for all forms of a record; [`NOTHING`] when one of them is missing.
    #[must_use]
    pub fn get(&self, record: u32) -> u64 {
        let mut key = NOTHING;
        for (position, part) in self.parts.iter().enumerate() {
            let hash = hash_of(*part, record);
            if hash == NOTHING {
                return NOTHING;
            }
            key = if position == 0 { hash } else { mixed(key, hash) };
        }
        key
    }
}

/// Returns the hash of a record's value: records number their values, and values have hashes.
fn hash_of((numbers, hashes): (&[u32], &[u64]), record: u32) -> u64 {
    let number = numbers[record as usize];
    if number == ABSENT { NOTHING } else { hashes[number as usize] }
}

/// Joins two hashes, in order, into one that is never [`NOTHING`].
#[must_use]
pub fn mixed(left: u64, right: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&left.to_le_bytes());
    bytes[8..].copy_from_slice(&right.to_le_bytes());
    xxh3_64(&bytes).max(1)
}
