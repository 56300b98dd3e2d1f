//! Scores of pairs, and what they are made of.
//!
//! In: a model, levels of pairs. Out: a score in thousandths of a bit: the prior, then each comparison's weight, then what
//! the rarity of an equal value adds. Deliberately decides nothing: where a link begins is the definition's word.

use super::{
    Millibits, Model,
    frequency::{Adjustment, Frequencies},
    levels::{Glance, Levels, SILENT},
    millibits, probability,
    siblings::Siblings,
};
use crate::{
    define::entity::{Comparison, Entity, Form, Measure},
    identify::{
        codes::{Codes, Prepared},
        records::Records,
    },
};

/// What the step is called that siblings take back.
pub const SIBLINGS: &str = "siblings";

/// Comparisons of a pair that can wait for others to speak first.
const WAITING: usize = 16;

/// Scores pairs.
#[derive(Clone)]
pub struct Scorer<'a> {
    levels: Levels<'a>,
    prior: Millibits,
    comparisons: Vec<Scored<'a>>,
    /// The most that all comparisons can add.
    most: Millibits,
    /// The comparisons in the order in which they are looked at.
    cheapest_first: Vec<usize>,
    siblings: Option<&'a Siblings>,
}

/// What one comparison adds.
#[derive(Clone, Debug)]
struct Scored<'a> {
    attribute: &'a str,
    weights: Vec<Millibits>,
    names: Vec<&'a str>,
    /// Per level what the rarity of the value adds, where it counts.
    rarity: Vec<Option<Adjustment<'a>>>,
    /// The most that a level from each one on can add, rarity included.
    most_from: Vec<Millibits>,
    /// Per level how much it looks like siblings.
    likeness: Vec<Millibits>,
}

/// Why two records have their score, in the order in which it adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waterfall {
    /// What two random records begin with.
    pub prior: Millibits,
    /// One step per comparison, and one for looking like siblings where the model knows some.
    pub steps: Vec<Step>,
    /// Where it ends.
    pub score: Millibits,
}

/// What one comparison says about a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The attribute.
    pub attribute: String,
    /// The level as the definition writes it; None: one of the values is missing or not valid.
    pub level: Option<String>,
    /// What the level adds.
    pub weight: Millibits,
    /// What the rarity of the value adds.
    pub rarity: Millibits,
}

impl Waterfall {
    /// Returns the probability that the pair is one thing.
    #[must_use]
    pub fn probability(&self) -> f64 {
        probability(self.score)
    }
}

impl<'a> Scorer<'a> {
    /// Scores by a model that [`Model::check`] has accepted.
    #[must_use]
    pub fn new(
        entity: &'a Entity,
        model: &'a Model,
        records: &'a Records,
        codes: &'a Codes,
        frequencies: &'a Frequencies,
        prepared: &'a dyn Prepared,
    ) -> Self {
        let mut likeness = likeness(model).into_iter();
        let scored = |(comparison, weights): (&'a Comparison, &'a super::model::Weights)| {
            // As often as any two records agree in the value of this level: in this one, or in a closer one of equal values.
            let agreeing = |position: usize| -> f64 {
                let equal = weights.levels.iter().zip(&comparison.levels).take(position + 1);
                let equal = equal.filter(|(_, level)| level.measure == Measure::Exact);
                equal.map(|(weight, _)| weight.u + model.prior * weight.m).sum()
            };
            let rarity = |position: usize| {
                let level = comparison.levels.get(position)?;
                let form = Form { attribute: comparison.attribute, form: level.form };
                let is_adjusted = comparison.term_frequency && level.measure == Measure::Exact;
                is_adjusted.then(|| Adjustment::new(frequencies, codes, form, agreeing(position), model.records))
            };
            Scored {
                attribute: &weights.attribute,
                weights: weights.levels.iter().map(super::model::Weight::millibits).collect(),
                names: weights.levels.iter().map(|weight| weight.level.as_str()).collect(),
                rarity: (0..weights.levels.len()).map(rarity).collect(),
                most_from: Vec::new(),
                likeness: likeness.next().unwrap_or_else(|| vec![0; weights.levels.len()]),
            }
        };
        let mut comparisons: Vec<Scored<'a>> = entity.comparisons.iter().zip(&model.comparisons).map(scored).collect();
        comparisons.iter_mut().for_each(Scored::bound);
        let most = comparisons.iter().map(Scored::most).sum();
        let prior = millibits(model.prior / (1.0 - model.prior).max(1e-12));
        let cheapest_first = cheapest_first(entity, &comparisons);
        let levels = Levels::new(entity, records, codes, prepared);
        Self { levels, prior, comparisons, most, cheapest_first, siblings: model.siblings.as_ref() }
    }

    /// Returns what two random records begin with.
    #[must_use]
    pub const fn prior(&self) -> Millibits {
        self.prior
    }

    /// Returns the score of a pair.
    #[must_use]
    pub fn score(&self, left: u32, right: u32) -> Millibits {
        self.prior + self.evidence(left, right).0
    }

    /// Returns what the values of a pair say, without the prior, and whether some attribute speaks against one thing.
    #[must_use]
    pub fn evidence(&self, left: u32, right: u32) -> (Millibits, bool) {
        let (mut added, mut likeness, mut disagrees) = (0, 0, false);
        for comparison in 0..self.comparisons.len() {
            let said = self.one(comparison, left, right);
            added += said.added;
            likeness += said.likeness;
            // Not by its rarity, which may take bits from what is equal.
            let weights = &self.comparisons[comparison].weights;
            disagrees |= said.level != SILENT && weights[usize::from(said.level)] < 0;
        }
        (added - self.loss(likeness), disagrees)
    }

    /// Returns the score of a pair if it reaches `least`; stops comparing as soon as it cannot.
    #[must_use]
    pub fn score_from(&self, least: Millibits, left: u32, right: u32) -> Option<Millibits> {
        let (mut most, mut likeness) = (self.prior + self.most, 0);
        // First a glance at all; what it says too little of waits, bounded.
        let mut waiting = [(0, 0); WAITING];
        let mut waiters = 0;
        for &comparison in &self.cheapest_first {
            let scored = &self.comparisons[comparison];
            let glance = self.levels.glance(comparison, left, right);
            if waiters < WAITING && !matches!(glance, Glance::Level(_)) {
                let bound = scored.bound_of(glance);
                waiting[waiters] = (comparison, bound);
                waiters += 1;
                most += bound - scored.most();
            } else {
                let said = self.one(comparison, left, right);
                most += said.added - scored.most();
                likeness += said.likeness;
            }
            if most < least {
                return None;
            }
        }
        for &(comparison, bound) in &waiting[..waiters] {
            let said = self.said(comparison, self.levels.look(comparison, left, right), left);
            most += said.added - bound;
            likeness += said.likeness;
            if most < least {
                return None;
            }
        }
        // Nothing is bounded any more: the most is the score.
        let score = most - self.loss(likeness);
        (score >= least).then_some(score)
    }

    fn loss(&self, likeness: Millibits) -> Millibits {
        self.siblings.map_or(0, |siblings| siblings.loss(likeness))
    }

    fn one(&self, comparison: usize, left: u32, right: u32) -> Said {
        self.said(comparison, self.levels.one(comparison, left, right), left)
    }

    /// Returns what reaching a level says of a pair of which one record is `left`.
    fn said(&self, comparison: usize, level: u8, left: u32) -> Said {
        if level == SILENT {
            return Said { level, added: 0, likeness: 0 };
        }
        let (scored, position) = (&self.comparisons[comparison], usize::from(level));
        let value = || self.levels.value(comparison, left);
        let rarity = scored.rarity[position].as_ref().map_or(0, |rarity| rarity.of(value()));
        let (added, likeness) = (scored.weights[position], scored.likeness[position]);
        // What both share is as rare in siblings as in matches.
        let likeness = if likeness > 0 { likeness + rarity } else { likeness };
        Said { level, added: added + rarity, likeness }
    }

    /// Returns why a pair has its score.
    #[must_use]
    pub fn waterfall(&self, left: u32, right: u32) -> Waterfall {
        let step = |(position, scored): (usize, &Scored<'_>)| {
            let Said { level, added, .. } = self.one(position, left, right);
            let weight = if level == SILENT { 0 } else { scored.weights[usize::from(level)] };
            let level = (level != SILENT).then(|| scored.names[usize::from(level)].to_owned());
            Step { attribute: scored.attribute.to_owned(), level, weight, rarity: added - weight }
        };
        let mut steps: Vec<Step> = self.comparisons.iter().enumerate().map(step).collect();
        let score = self.score(left, right);
        if self.siblings.is_some() {
            let before: Millibits = self.prior + steps.iter().map(|step| step.weight + step.rarity).sum::<Millibits>();
            let level = Some("as siblings share".to_owned());
            steps.push(Step { attribute: SIBLINGS.to_owned(), level, weight: score - before, rarity: 0 });
        }
        Waterfall { prior: self.prior, steps, score }
    }
}

/// What one comparison says of a pair.
struct Said {
    level: u8,
    added: Millibits,
    likeness: Millibits,
}

/// Returns per comparison and level how much it looks like siblings; nothing where there are none.
fn likeness(model: &Model) -> Vec<Vec<Millibits>> {
    let of = |share: fn(&super::model::Weight) -> f64| -> Vec<Vec<f64>> {
        model.comparisons.iter().map(|weights| weights.levels.iter().map(share).collect()).collect()
    };
    let weights = |siblings: &Siblings| siblings.weights(&of(|weight| weight.m), &of(|weight| weight.u));
    model.siblings.as_ref().map(weights).unwrap_or_default()
}

/// Returns the comparisons in the order in which they are looked at: what is quickly known first, and of that what can speak
/// against a pair the most.
fn cheapest_first(entity: &Entity, comparisons: &[Scored<'_>]) -> Vec<usize> {
    let cost = |measure: &Measure| match measure {
        Measure::Exact => 0,
        Measure::DateDays(_) | Measure::NumberDistance(_) => 1,
        Measure::DamerauLevenshtein(_) | Measure::TokenOverlap(_) => 2,
        Measure::JaroWinkler(_) | Measure::BigramJaccard(_) => 3,
    };
    let costs = |position: usize| entity.comparisons[position].levels.iter().map(|level| cost(&level.measure)).max();
    let worst = |position: usize| comparisons[position].weights.iter().min();
    let mut order: Vec<usize> = (0..comparisons.len()).collect();
    order.sort_by_key(|position| (costs(*position), worst(*position)));
    order
}

impl Scored<'_> {
    /// Finds the most that levels can add: what is rarer than the average adds to it.
    fn bound(&mut self) {
        let rarest = |rarity: &Option<Adjustment<'_>>| rarity.as_ref().map_or(0, Adjustment::most);
        let all = self.weights.iter().zip(&self.rarity).map(|(weight, rarity)| weight + rarest(rarity));
        self.most_from = all.collect();
        for level in (1..self.most_from.len()).rev() {
            self.most_from[level - 1] = self.most_from[level - 1].max(self.most_from[level]);
        }
    }

    /// Returns the most that this comparison can add: at least nothing, for values may be missing.
    fn most(&self) -> Millibits {
        self.most_from.first().map_or(0, |most| *most.max(&0))
    }

    /// Returns the most that it can add after a glance.
    fn bound_of(&self, glance: Glance) -> Millibits {
        match glance {
            Glance::Beyond(levels) => self.most_from.get(levels).copied().unwrap_or(0),
            _ => self.most(),
        }
    }
}
