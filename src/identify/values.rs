//! All values of an entity's records, prepared: what codes and levels are taken from.
//!
//! In: records and their definition. Out: [`Values`], which has the features of every distinct value of every attribute that
//! blocks, rules, vetoes or comparisons look at. Made at once, for a first run, or value by value when asked for, for a night
//! on which few are.

use std::{borrow::Cow, sync::OnceLock};

use super::{
    codes::{self, Prepared},
    compare,
    prepare::{Features, Preparer, Wanted},
    records::Records,
};
use crate::define::entity::{Block, Comparison, Entity, Form, FormName};

/// The prepared values of all attributes.
#[derive(Debug)]
pub struct Values<'a> {
    records: &'a Records,
    comparisons: &'a [Comparison],
    attributes: Vec<Column>,
}

/// The values of one attribute.
#[derive(Debug)]
struct Column {
    /// None: the attribute is only carried.
    preparer: Option<Preparer>,
    features: Kept,
}

#[derive(Debug)]
enum Kept {
    /// Of every value, by its number.
    All(Vec<Option<Features>>),
    /// Of those that were asked for.
    Asked(Vec<OnceLock<Option<Box<Features>>>>),
}

impl<'a> Values<'a> {
    /// Prepares every value, on several threads.
    #[must_use]
    pub fn all(entity: &'a Entity, records: &'a Records, threads: usize) -> Self {
        Self::made(entity, records, |preparer, attribute| {
            let values = &records.attributes[attribute].values;
            let features = |value: u32| preparer?.features(values.get(value as usize));
            let count = if preparer.is_some() { values.len() } else { 0 };
            Kept::All(codes::each(0..count, threads, &features))
        })
    }

    /// Prepares a value when it is first asked for.
    #[must_use]
    pub fn on_demand(entity: &'a Entity, records: &'a Records) -> Self {
        Self::made(entity, records, |preparer, attribute| {
            let count = preparer.map_or(0, |_| records.attributes[attribute].values.len());
            Kept::Asked((0..count).map(|_| OnceLock::new()).collect())
        })
    }

    fn made(entity: &'a Entity, records: &'a Records, keep: impl Fn(Option<&Preparer>, usize) -> Kept) -> Self {
        let column = |(attribute, definition): (usize, &crate::define::entity::Attribute)| {
            let wanted = wanted(entity, attribute);
            let preparer = definition.preparation.as_ref().map(|preparation| Preparer::new(preparation, wanted));
            let features = keep(preparer.as_ref(), attribute);
            Column { preparer, features }
        };
        let attributes = entity.attributes.iter().enumerate().map(column).collect();
        Self { records, comparisons: &entity.comparisons, attributes }
    }

    fn features(&self, attribute: usize, value: u32) -> Option<&Features> {
        let Column { preparer, features } = &self.attributes[attribute];
        match features {
            Kept::All(features) => features.get(value as usize)?.as_ref(),
            Kept::Asked(features) => {
                let text = || self.records.attributes[attribute].values.get(value as usize);
                let make = || preparer.as_ref()?.features(text()).map(Box::new);
                features.get(value as usize)?.get_or_init(make).as_deref()
            }
        }
    }
}

impl Prepared for Values<'_> {
    fn form(&self, attribute: usize, value: u32, form: FormName) -> Option<Cow<'_, str>> {
        self.features(attribute, value)?.form(form).map(Cow::Borrowed)
    }

    fn level(&self, comparison: usize, left: u32, right: u32) -> Option<u8> {
        let comparison = &self.comparisons[comparison];
        let (left, right) = (self.features(comparison.attribute, left)?, self.features(comparison.attribute, right)?);
        u8::try_from(compare::level(&comparison.levels, left, right)).ok()
    }
}

/// Returns what the definition looks at of an attribute's values.
fn wanted(entity: &Entity, attribute: usize) -> Wanted {
    let rules = entity.rules.iter().flat_map(|rule| &rule.equal);
    let vetoes = entity.vetoes.iter().flat_map(|veto| &veto.differ);
    let blocks = entity.blocks.iter().flat_map(|block| match block {
        Block::Equal(forms) => forms.as_slice(),
        Block::Bigrams(form) | Block::Neighbours { form, .. } => std::slice::from_ref(form),
    });
    let of = |form: &&Form| form.attribute == attribute;
    let forms = rules.chain(vetoes).chain(blocks).chain(&entity.split_by).filter(of);
    // Term frequencies and rules of the model look at the normal form.
    let wanted = forms.fold(Wanted::default().form(FormName::Normal), |wanted, form| wanted.form(form.form));
    let comparisons = entity.comparisons.iter().filter(|comparison| comparison.attribute == attribute);
    comparisons.fold(wanted, Wanted::comparison)
}
