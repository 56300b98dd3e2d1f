//! The keys of a record under one block of the definition.
//!
//! In: records with the codes of their values. Out: for each slot of a block a key; records with one key stand in one
//! block. A block of equal forms has one slot, one of bigrams has several; neighbours have none, they have an order.

use super::bigrams;
use crate::{
    define::entity::{Block, Entity, Form},
    identify::{
        codes::{Codes, Keys, NOTHING, normal, sorted_forms},
        key_set::KeySet,
        records::{ABSENT, Records},
    },
};

/// Where the keys of one block come from.
#[derive(Clone, Debug)]
pub(crate) enum BlockKeys<'a> {
    /// Equal forms.
    Equal(Keys<'a>),
    /// Rare bigrams.
    Bigrams {
        /// The number of each record's value.
        numbers: &'a [u32],
        /// The keys of each value.
        keys: &'a [[u64; bigrams::KEYS]],
    },
    /// Neighbours in an order, and how far apart they are at most.
    Neighbours(Order<'a>, u32),
}

/// The place of each record in the order of a form.
#[derive(Clone, Debug)]
pub(crate) struct Order<'a> {
    numbers: &'a [u32],
    beginnings: &'a [u128],
    rest: Keys<'a>,
}

impl<'a> BlockKeys<'a> {
    /// Looks up the keys of every block of an entity.
    pub(crate) fn of(entity: &Entity, records: &'a Records, codes: &'a Codes) -> Vec<Self> {
        let (mut bigrams, mut neighbours) = (0..codes.bigrams.len(), 0..);
        let numbers = |form: &Form| records.attributes[form.attribute].numbers.as_slice();
        let of = |block: &Block| match block {
            Block::Equal(forms) => Self::Equal(Keys::new(records, codes, forms)),
            Block::Bigrams(form) => {
                let keys = bigrams.next().map_or(&[] as &[_], |position| &codes.bigrams[position]);
                Self::Bigrams { numbers: numbers(form), keys }
            }
            Block::Neighbours { form, window } => {
                let order = Order::new(records, codes, *form, neighbours.next().unwrap_or(0), &[*form]);
                Self::Neighbours(order, u32::try_from(window.saturating_sub(1)).unwrap_or(u32::MAX))
            }
        };
        entity.blocks.iter().map(of).collect()
    }

    /// Returns how many keys a record has at most.
    pub(crate) const fn slots(&self) -> usize {
        match self {
            Self::Equal(_) | Self::Neighbours(..) => 1,
            Self::Bigrams { .. } => bigrams::KEYS,
        }
    }

    /// Returns the records that may have one of the given keys, in order; `first` are the first forms of those that do.
    pub(crate) fn candidates(&self, keys: &KeySet, first: &KeySet) -> Vec<u32> {
        match self {
            Self::Equal(forms) => forms.candidates(first).collect(),
            Self::Neighbours(order, _) => order.rest.candidates(first).collect(),
            Self::Bigrams { numbers, keys: of_values } => {
                let has_one = |of_value: &[u64; bigrams::KEYS]| of_value.iter().any(|key| keys.contains(*key));
                let marks: Vec<bool> = of_values.iter().map(has_one).collect();
                let is_marked = |number: u32| number != ABSENT && marks[number as usize];
                (0_u32..).zip(*numbers).filter(|(_, number)| is_marked(**number)).map(|(record, _)| record).collect()
            }
        }
    }

    /// Returns the hash of the first form of a record, where keys are made of forms.
    pub(crate) fn first(&self, record: u32) -> u64 {
        match self {
            Self::Equal(forms) => forms.first(record),
            Self::Neighbours(order, _) => order.rest.first(record),
            Self::Bigrams { .. } => NOTHING,
        }
    }

    /// Returns the key of a record in a slot, or [`NOTHING`].
    pub(crate) fn get(&self, record: u32, slot: usize) -> u64 {
        match self {
            Self::Equal(keys) => keys.get(record),
            Self::Bigrams { numbers, keys } => match numbers[record as usize] {
                ABSENT => NOTHING,
                number => keys[number as usize][slot],
            },
            Self::Neighbours(order, _) => order.rest.get(record),
        }
    }
}

impl<'a> Order<'a> {
    fn new(records: &'a Records, codes: &'a Codes, form: Form, position: usize, rest: &[Form]) -> Self {
        Self {
            numbers: &records.attributes[form.attribute].numbers,
            beginnings: &codes.orders[position],
            rest: Keys::new(records, codes, rest),
        }
    }

    /// Returns the order in which likely equal records stand together: by the first comparison, then by the others.
    pub(crate) fn of_comparisons(entity: &Entity, records: &'a Records, codes: &'a Codes) -> Option<Self> {
        let first = normal(entity.comparisons.first()?.attribute);
        let rest: Vec<Form> = entity.comparisons[1..].iter().map(|other| normal(other.attribute)).collect();
        Some(Self::new(records, codes, first, sorted_forms(entity).len() - 1, &rest))
    }

    /// Returns what a record is sorted by; equal ones stand in the order of their numbers.
    pub(crate) fn place(&self, record: u32) -> (u128, u64, u32) {
        let number = self.numbers[record as usize];
        let beginning = if number == ABSENT { 0 } else { self.beginnings[number as usize] };
        (beginning, self.rest.get(record), record)
    }
}
