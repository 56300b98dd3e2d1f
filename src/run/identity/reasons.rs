//! Why ids changed, in words.
//!
//! In: a change of the ledger, and what ties the records. Out: the rule and score that did it, and a sentence that names the
//! records, never their values.

use std::collections::HashMap;

use crate::{
    define::entity::Entity,
    identify::{
        cluster::{Cut, links::REFERENCE},
        ledger::{Change, Event, Ledger},
        matched::{By, Forest, Matched, Tie},
        records::Records,
        weigh::Waterfall,
    },
};

/// Ties of a way that a sentence names at most.
const NAMED: usize = 4;

/// What explains a change.
pub(super) struct Reason {
    pub rule: Option<String>,
    pub score: Option<f64>,
    pub text: String,
}

/// Returns the name of the rule that a tie stands on, and its score if it is evidence.
pub(super) fn rule(entity: &Entity, tie: Tie) -> (String, Option<f64>) {
    match tie.by {
        By::Verdict(_) => ("override".to_owned(), None),
        By::Rule(REFERENCE) => ("reference".to_owned(), None),
        By::Rule(number) => {
            let rule = entity.rules.get(usize::from(number) - 1);
            (rule.map_or_else(|| "rule".to_owned(), |rule| rule.name.value.clone()), None)
        }
        By::Evidence(probability) => ("evidence".to_owned(), Some(probability)),
    }
}

/// What a step is called that two random records begin with.
pub(super) const PRIOR: &str = "prior";
/// What the level of a step is called that the rarity of an equal value makes.
pub(super) const RARITY: &str = "rarity";

/// Returns how evidence adds up, in bits: what is compared, the level that is reached, what it adds. A comparison without a level
/// had nothing to compare.
pub(super) fn steps(waterfall: &Waterfall) -> Vec<(String, Option<String>, f64)> {
    let bits = |millibits: i32| f64::from(millibits) / 1000.0;
    let mut steps = vec![(PRIOR.to_owned(), None, bits(waterfall.prior))];
    for step in &waterfall.steps {
        steps.push((step.attribute.clone(), step.level.clone(), bits(step.weight)));
        if step.rarity != 0 {
            steps.push((step.attribute.clone(), Some(RARITY.to_owned()), bits(step.rarity)));
        }
    }
    steps
}

/// Explains changes of one night.
pub(super) struct Reasons<'a> {
    entity: &'a Entity,
    records: &'a Records,
    matched: &'a Matched,
    forest: &'a Forest,
    ledger: &'a Ledger,
    /// Ties that did not hold, by the ids of their records.
    parted: HashMap<(u32, u32), (u32, u32, Cut)>,
}

impl<'a> Reasons<'a> {
    pub fn new(
        entity: &'a Entity,
        records: &'a Records,
        matched: &'a Matched,
        forest: &'a Forest,
        ledger: &'a Ledger,
    ) -> Self {
        let mut parted = HashMap::new();
        for (left, right, why) in &matched.parted {
            let id = |record: &u32| ledger.standings[*record as usize].id;
            let (one, other) = (id(left), id(right));
            parted.entry((one.min(other), one.max(other))).or_insert((*left, *right, *why));
        }
        Self { entity, records, matched, forest, ledger, parted }
    }

    /// Explains a change.
    pub fn of(&self, change: &Change) -> Reason {
        let plain = |text: String| Reason { rule: None, score: None, text };
        match (change.event, change.record) {
            (Event::Assign, Some(record)) => {
                plain(format!("new, founded by {}", self.name(self.founder(change.id, record))))
            }
            (Event::Merge, Some(record)) => self.joined(record, ""),
            (Event::Split, Some(record)) => {
                let why = self.parting(change);
                match self.forest.tie(record) {
                    None => plain(format!("{} stands alone: {why}", self.name(record))),
                    Some(_) => self.joined(record, &format!("{why}; ")),
                }
            }
            (Event::Retire, _) | (_, None) => plain("its last record is not delivered any more".to_owned()),
        }
    }

    /// Returns the record whose own id an id is.
    fn founder(&self, id: u32, record: u32) -> u32 {
        let way = self.forest.way(record, &self.matched.ties);
        let leader = way.last().map_or(record, |(_, leader)| *leader);
        if self.ledger.standings[leader as usize].own_id == id { leader } else { record }
    }

    /// Tells the way from a record to the founder of its cluster; the weakest tie is its rule and score.
    fn joined(&self, record: u32, before: &str) -> Reason {
        let way = self.forest.way(record, &self.matched.ties);
        let mut words = vec![self.name(record)];
        for (tie, to) in way.iter().take(NAMED) {
            let (rule, score) = rule(self.entity, *tie);
            let score = score.map(|score| format!(" {score:.4}")).unwrap_or_default();
            words.push(format!("is {} by {rule}{score}", self.name(*to)));
        }
        if way.len() > NAMED {
            words.push(format!("and {} more ties", way.len() - NAMED));
        }
        // A way is as strong as its weakest tie; ties are numbered by strength.
        let weakest = std::iter::successors(Some(record), |at| {
            self.forest.tie(*at).map(|tie| self.matched.ties[tie as usize].other(*at))
        });
        let weakest = weakest.filter_map(|at| self.forest.tie(at)).max();
        let (rule, score) = weakest.map_or((None, None), |tie| {
            let (rule, score) = rule(self.entity, self.matched.ties[tie as usize]);
            (Some(rule), score)
        });
        Reason { rule, score, text: format!("{before}{}", words.join(", which ").replacen(", which ", " ", 1)) }
    }

    /// Says what keeps the records of two ids apart.
    fn parting(&self, change: &Change) -> String {
        let other = change.other.unwrap_or(change.id);
        let key = (change.id.min(other), change.id.max(other));
        match self.parted.get(&key) {
            Some((left, right, Cut::Verdict)) => {
                format!("an override says that {} and {} differ", self.name(*left), self.name(*right))
            }
            Some((left, right, Cut::Veto(number))) => {
                let veto = self.entity.vetoes.get(*number).map_or("a veto", |veto| veto.name.value.as_str());
                format!("{veto} between {} and {}", self.name(*left), self.name(*right))
            }
            Some((left, right, Cut::Cohesion)) => format!(
                "the tie of {} and {} is too weak to hold their companions together",
                self.name(*left),
                self.name(*right)
            ),
            None => "nothing ties it to its former companions any more".to_owned(),
        }
    }

    fn name(&self, record: u32) -> String {
        let source = &self.entity.records[usize::from(self.records.sources[record as usize])].source.value;
        format!("{source} {}", self.records.keys.get(record as usize))
    }
}
