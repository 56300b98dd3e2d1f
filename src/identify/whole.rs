//! From records to clusters, all of them at once.
//!
//! In: records, their prepared values, a definition, a model or none, verdicts. Out: [`Identified`]: clusters, the links
//! that they are made of, what was split or cut on the way, and what the next night needs to do only its own work (see
//! `relink`). The result depends on neither the order of the records nor the number of threads.

use super::{
    block::{self, Remembered, SplitBlock},
    cluster::{
        self, Clusters, Evidence, Links, Said,
        links::{Certain, Link, Rules, Verdict, certain},
        verdicts,
    },
    codes::{Codes, Prepared},
    records::Records,
    weigh::{Millibits, Model, Scorer, frequency::Frequencies, score_of, train},
};
use crate::define::entity::Entity;

/// Links of a piece.
const PIECE: usize = 1 << 16;

/// Why records could not be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// People say two things of one pair.
    #[error(transparent)]
    Contradiction(#[from] verdicts::Contradiction),
    /// The pinned model is of another definition.
    #[error(transparent)]
    Mismatch(#[from] super::weigh::model::Mismatch),
}

/// What linking depends on beside the records.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The definition.
    pub entity: &'a Entity,
    /// What people said.
    pub verdicts: &'a [Verdict],
    /// How many threads work on it; they change nothing but the time.
    pub threads: usize,
}

/// Who is who, and what is remembered of how that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The codes of their values.
    pub codes: Codes,
    /// Per `neighbours` block the records in its order.
    pub orders: Vec<Vec<u32>>,
    /// Blocks that were too large, in order of block and key.
    pub split: Vec<SplitBlock>,
    /// Pairs that reach `review_from` and that no rule ties, in order.
    pub links: Vec<Link>,
    /// Pairs that a rule joins, in order.
    pub certain: Vec<Certain>,
    /// What people said.
    pub verdicts: Vec<Verdict>,
    /// Clusters, and the links that were cut.
    pub clusters: Clusters,
    /// How many pairs were compared this time.
    pub compared: u64,
}

impl Evidence for Scorer<'_> {
    fn of(&self, left: u32, right: u32) -> Said {
        let (values, disagrees) = self.evidence(left, right);
        Said { score: self.prior() + values, values, disagrees }
    }
}

/// Learns a model from records.
#[must_use]
pub fn learn(entity: &Entity, records: &Records, prepared: &dyn Prepared, threads: usize) -> Model {
    let frequent = train::frequent_bigrams(entity, records, prepared);
    let mut codes = Codes::new(entity);
    codes.extend(entity, records, prepared, &frequent, threads);
    train::train(entity, records, &codes, frequent, prepared, threads)
}

/// Links all records.
///
/// # Errors
/// [`Problem`] when verdicts contradict each other, or the model is of another definition.
pub fn link(
    terms: Terms<'_>,
    records: &Records,
    prepared: &dyn Prepared,
    model: &Model,
) -> Result<Identified, Problem> {
    let Terms { entity, verdicts, threads } = terms;
    model.check(entity)?;
    verdicts::check(verdicts)?;
    let mut codes = Codes::new(entity);
    codes.extend(entity, records, prepared, &model.frequent_bigrams, threads);
    let frequencies = Frequencies::of_all(entity, records, &codes);
    let scorer = Scorer::new(entity, model, records, &codes, &frequencies, prepared);
    let rules = Rules::new(entity, records, &codes);
    let (links, compared, Remembered { orders, split }) =
        compared(entity, (records, &codes), (&scorer, &rules), threads);
    let certain = certain(entity, records, &codes);
    let joining = Links { verdicts, certain: &certain, evidence: &links };
    let clusters = cluster::clusters(entity, records, &codes, joining, &scorer);
    Ok(Identified { orders, split, links, certain, verdicts: verdicts.to_vec(), clusters, compared, codes })
}

/// Returns the score from which a pair is kept.
pub(super) fn least_kept(entity: &Entity) -> Millibits {
    score_of(entity.review_from.min(entity.link_from))
}

/// What one thread compared.
#[derive(Default)]
struct Compared {
    pairs: u64,
    /// Pairs that are kept, in pieces: one list would be there twice whenever it grows, and again when the lists become one.
    links: Vec<Vec<Link>>,
}

impl Compared {
    fn keep(&mut self, link: Option<Link>) {
        let Some(link) = link else { return };
        if self.links.last().is_none_or(|piece| piece.len() == PIECE) {
            self.links.push(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.links.last_mut() {
            piece.push(link);
        }
    }
}

/// Compares all pairs that stand together in a block.
fn compared(
    entity: &Entity,
    (records, codes): (&Records, &Codes),
    (scorer, rules): (&Scorer<'_>, &Rules<'_>),
    threads: usize,
) -> (Vec<Link>, u64, Remembered) {
    let least = least_kept(entity);
    let each = |state: &mut Compared, left: u32, right: u32| {
        state.pairs += 1;
        let score = scorer.score_from(least, left, right).filter(|_| !rules.tie(left, right));
        state.keep(score.map(|score| Link { left, right, score }));
    };
    let (gathered, remembered) = block::visit((entity, records, codes), threads, &Compared::default, &each);
    let compared = gathered.iter().map(|compared| compared.pairs).sum();
    let pieces: Vec<Vec<Link>> = gathered.into_iter().flat_map(|compared| compared.links).collect();
    let mut links = Vec::with_capacity(pieces.iter().map(Vec::len).sum());
    for piece in pieces {
        links.extend(piece);
    }
    links.sort_unstable();
    (links, compared, remembered)
}
