//! A night's new records among many known ones.
//!
//! In: what yesterday found ([`Identified`]), tonight's records as an [`Update`], the same definition and model. Out: what
//! linking all of tonight's records from scratch finds, digit by digit. Compared are only pairs of records that came, and
//! pairs that stand together anew because a block changed; linear passes over what is remembered cost next to nothing.
//!
//! ```text
//!  remembered            tonight
//!  codes of values   ──► + codes of new values
//!  links, orders     ──► − who left, − pairs whose blocks were split   (unless another block still has them)
//!                        + pairs of who came, + pairs of blocks that changed ──► scored
//!  clusters          ──► only components that lost or won a link or a record
//! ```
//!
//! Remembered is no text but the records' own: numbers per value, per record, per link. Dropping it changes no result.

mod components;
mod difference;
mod keyed;
mod order;
mod touched;
pub mod update;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

pub use difference::Difference;
use keyed::{Changed, Nights};
use touched::Touched;
pub use update::Update;

use super::{
    block::{SplitBlock, keys::BlockKeys, on_each, split::Splitter},
    cluster::{
        links::{Certain, Link, REFERENCE, Rules, references, stars},
        verdicts,
    },
    codes::{Codes, Keys, NOTHING, Prepared},
    key_set::KeySet,
    records::ABSENT,
    weigh::{Model, Scorer, frequency::Frequencies},
    whole::{Identified, Problem, Terms, least_kept},
};
use crate::define::entity::Entity;

/// Pairs that one thread scores at a time.
const CHUNK: usize = 2000;

/// Links tonight's records. `prepared` must know the values of `update.records`.
///
/// # Errors
/// [`Problem`] when verdicts contradict each other, or the model is of another definition.
pub fn relink(
    terms: Terms<'_>,
    update: &Update,
    found: Identified,
    prepared: &dyn Prepared,
    model: &Model,
) -> Result<Identified, Problem> {
    let Terms { entity, verdicts, .. } = terms;
    model.check(entity)?;
    verdicts::check(verdicts)?;
    let mut codes = found.codes;
    codes.extend(entity, &update.records, prepared, &model.frequent_bigrams, 1);
    let touched = Touched::new(entity, update, &codes);
    let night = Night { terms, update, codes: &codes, touched: &touched, prepared, model };
    let mut blocks = night.blocks(&found.orders, &found.split);
    let (links, mut lost) = night.links(found.links, &mut blocks);
    let (certain, lost_certain) = night.certain(&found.certain);
    lost.extend(lost_certain);
    let remembered = components::Remembered { verdicts: &found.verdicts, clusters: &found.clusters };
    let clusters = night.clusters(&remembered, &links, &certain, lost);
    let Blocks { orders, split, compared, .. } = blocks;
    let verdicts = verdicts.to_vec();
    Ok(Identified { codes, orders, split, links, certain, verdicts, clusters, compared })
}

/// What a night's work looks at.
struct Night<'a> {
    terms: Terms<'a>,
    update: &'a Update,
    codes: &'a Codes,
    touched: &'a Touched,
    prepared: &'a dyn Prepared,
    model: &'a Model,
}

/// What a night changed in the blocks.
struct Blocks {
    orders: Vec<Vec<u32>>,
    split: Vec<SplitBlock>,
    fresh: Vec<(u32, u32)>,
    ended: Vec<(u32, u32)>,
    compared: u64,
}

impl Night<'_> {
    fn entity(&self) -> &Entity {
        self.terms.entity
    }

    /// Compares every block with what it was yesterday.
    fn blocks(&self, orders: &[Vec<u32>], split: &[SplitBlock]) -> Blocks {
        let before = BlockKeys::of(self.entity(), &self.update.before, self.codes);
        let after = BlockKeys::of(self.entity(), &self.update.records, self.codes);
        let split_before = Splitter::new(self.entity(), &self.update.before, self.codes);
        let split_after = Splitter::new(self.entity(), &self.update.records, self.codes);
        let order_of =
            |block: usize| after[..block].iter().filter(|keys| matches!(keys, BlockKeys::Neighbours(..))).count();
        let changed = |block: usize| match &after[block] {
            keys @ BlockKeys::Neighbours(..) => {
                let (order, changed) = order::changed(&orders[order_of(block)], keys, self.touched);
                (Some(order), changed)
            }
            keys => {
                let (split_before, split_after) = (&split_before, &split_after);
                let nights = Nights {
                    block,
                    before: &before[block],
                    after: keys,
                    split_before,
                    split_after,
                    touched: self.touched,
                };
                (None, nights.changed())
            }
        };
        let changed = on_each(self.terms.threads, after.len(), &changed);
        self.gathered(changed, split)
    }

    fn gathered(&self, changed: Vec<(Option<Vec<u32>>, Changed)>, known: &[SplitBlock]) -> Blocks {
        let looked_at =
            |block: &SplitBlock| changed[block.block].1.keys.as_ref().is_some_and(|keys| keys.contains(block.key));
        let unchanged = known.iter().filter(|block| !looked_at(block));
        let tonight = |block: &SplitBlock| Some(SplitBlock { example: self.touched.tonight(block.example)?, ..*block });
        let mut split: Vec<SplitBlock> = unchanged.filter_map(tonight).collect();
        let (mut orders, mut fresh, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for (order, changed) in changed {
            orders.extend(order);
            split.extend(changed.split);
            fresh.extend(changed.fresh);
            ended.extend(changed.ended);
        }
        split.sort_unstable();
        for pairs in [&mut fresh, &mut ended] {
            pairs.sort_unstable();
            pairs.dedup();
        }
        let compared = fresh.len() as u64;
        Blocks { orders, split, fresh, ended, compared }
    }

    /// Returns tonight's links, and records that lost one or won one.
    fn links(&self, known: Vec<Link>, blocks: &mut Blocks) -> (Vec<Link>, Vec<u32>) {
        let mut changed = Vec::new();
        let ended = self.really_ended(&known, blocks);
        let mut links: Vec<Link> = Vec::with_capacity(known.len());
        for link in known {
            let ends = [link.left, link.right].map(|record| self.touched.tonight(record));
            match ends {
                [Some(left), Some(right)] if !ended.contains(&(left, right)) => {
                    links.push(Link { left, right, ..link });
                }
                _ => changed.extend(ends.into_iter().flatten()),
            }
        }
        let fresh = self.scored(&blocks.fresh);
        changed.extend(fresh.iter().flat_map(|link| [link.left, link.right]));
        (merged(links, fresh), changed)
    }

    /// Returns the links whose records no longer stand together in any block.
    fn really_ended(&self, known: &[Link], blocks: &Blocks) -> HashSet<(u32, u32)> {
        let tonight = |link: &Link| Some((self.touched.tonight(link.left)?, self.touched.tonight(link.right)?));
        if blocks.ended.is_empty() {
            return HashSet::new();
        }
        let linked = known.iter().filter_map(tonight).filter(|pair| blocks.ended.binary_search(pair).is_ok());
        let keys = BlockKeys::of(self.entity(), &self.update.records, self.codes);
        let splitter = Splitter::new(self.entity(), &self.update.records, self.codes);
        let standing = Standing { keys: &keys, splitter: &splitter, blocks, records: self.update.records.len() };
        let pairs: Vec<(u32, u32)> = linked.collect();
        let members = standing.members(&pairs);
        pairs.into_iter().filter(|pair| !standing.together(*pair, &members)).collect()
    }

    /// Scores pairs; returns those that are kept, in order.
    fn scored(&self, pairs: &[(u32, u32)]) -> Vec<Link> {
        let entity = self.entity();
        let ends = pairs.iter().flat_map(|(left, right)| [*left, *right]);
        let frequencies = Frequencies::of_records(entity, &self.update.records, self.codes, &ends);
        let scorer = Scorer::new(entity, self.model, &self.update.records, self.codes, &frequencies, self.prepared);
        let rules = Rules::new(entity, &self.update.records, self.codes);
        let least = least_kept(entity);
        let score = |chunk: usize| {
            let of = |&(left, right): &(u32, u32)| {
                let score = scorer.score_from(least, left, right).filter(|_| !rules.tie(left, right));
                score.map(|score| Link { left, right, score })
            };
            pairs[chunk * CHUNK..pairs.len().min((chunk + 1) * CHUNK)].iter().filter_map(of).collect::<Vec<Link>>()
        };
        on_each(self.terms.threads, pairs.len().div_ceil(CHUNK), &score).into_iter().flatten().collect()
    }

    /// Returns tonight's certain links, and records that may have lost or won one.
    fn certain(&self, known: &[Certain]) -> (Vec<Certain>, Vec<u32>) {
        let entity = self.entity();
        let (records, before) = (&self.update.records, &self.update.before);
        let mut links = references(entity, records);
        let mut changed = Vec::new();
        let mut looked_at: Vec<(Keys<'_>, KeySet)> = Vec::new();
        for (rule, number) in entity.rules.iter().zip(1..) {
            let (was, is) = (Keys::new(before, self.codes, &rule.equal), Keys::new(records, self.codes, &rule.equal));
            let left = self.touched.left.iter().map(|record| was.get(*record));
            let keys: KeySet = left.chain(self.touched.came.iter().map(|record| is.get(*record))).collect();
            let left = self.touched.left.iter().map(|record| was.first(*record));
            let first = left.chain(self.touched.came.iter().map(|record| is.first(*record))).collect();
            let all = is.candidates(&first).map(|record| (is.get(record), record));
            let touched: Vec<(u64, u32)> = all.filter(|(key, _)| keys.contains(*key)).collect();
            changed.extend(touched.iter().map(|(_, record)| *record));
            links.extend(stars(touched, number));
            looked_at.push((is, keys));
        }
        for link in known {
            let (left, right) = (self.touched.tonight(link.left), self.touched.tonight(link.right));
            if let (Some(left), Some(right), Some(rule)) = (left, right, usize::from(link.rule).checked_sub(1)) {
                let (keys, touched) = &looked_at[rule];
                if !touched.contains(keys.get(left)) {
                    links.push(Certain { left, right, ..*link });
                }
            }
        }
        links.sort_unstable();
        changed.extend(self.changed_references(known, &links));
        (links, changed)
    }

    /// Returns the records that lost or won a reference.
    fn changed_references(&self, known: &[Certain], links: &[Certain]) -> Vec<u32> {
        let is_reference = |link: &&Certain| link.rule == REFERENCE;
        let ends = |link: &Certain| [link.left, link.right].map(|record| self.touched.tonight(record));
        let mut changed = Vec::new();
        let mut stayed = HashSet::new();
        for ends in known.iter().filter(is_reference).map(ends) {
            match ends {
                [Some(left), Some(right)] => drop(stayed.insert((left, right))),
                ends => changed.extend(ends.into_iter().flatten()),
            }
        }
        for link in links.iter().filter(is_reference) {
            if !stayed.remove(&(link.left, link.right)) {
                changed.extend([link.left, link.right]);
            }
        }
        changed.extend(stayed.into_iter().flat_map(|(left, right)| [left, right]));
        changed
    }
}

/// Joins two lists of links that are in order; a pair that both have was scored again and has the same score.
fn merged(known: Vec<Link>, fresh: Vec<Link>) -> Vec<Link> {
    let mut all = Vec::with_capacity(known.len() + fresh.len());
    let (mut known, mut fresh) = (known.into_iter().peekable(), fresh.into_iter().peekable());
    while let Some(next) = match (known.peek(), fresh.peek()) {
        (Some(left), Some(right)) if left <= right => known.next(),
        (Some(_), None) => known.next(),
        _ => fresh.next(),
    } {
        if all.last() != Some(&next) {
            all.push(next);
        }
    }
    all
}

/// Whether pairs stand together in some block tonight.
struct Standing<'a> {
    keys: &'a [BlockKeys<'a>],
    splitter: &'a Splitter<'a>,
    blocks: &'a Blocks,
    records: usize,
}

impl Standing<'_> {
    /// Returns the keys under which a pair stands in one block of the definition.
    fn common(&self, block: usize, pair: (u32, u32)) -> Vec<u64> {
        let keys = &self.keys[block];
        let of = |record: u32| (0..keys.slots()).map(move |slot| keys.get(record, slot)).filter(|key| *key != NOTHING);
        of(pair.0).filter(|key| of(pair.1).any(|other| other == *key)).collect()
    }

    fn is_split(&self, block: usize, key: u64) -> bool {
        let place = self.blocks.split.partition_point(|split| (split.block, split.key) < (block, key));
        self.blocks.split.get(place).is_some_and(|split| (split.block, split.key) == (block, key))
    }

    fn keyed(&self) -> impl Iterator<Item = usize> {
        (0..self.keys.len()).filter(|block| !matches!(self.keys[*block], BlockKeys::Neighbours(..)))
    }

    /// Gathers the members of split blocks in which pairs may still stand together.
    fn members(&self, pairs: &[(u32, u32)]) -> HashMap<(usize, u64), Vec<u32>> {
        let mut members: HashMap<(usize, u64), Vec<u32>> = HashMap::new();
        for block in self.keyed() {
            let common = pairs.iter().flat_map(|pair| self.common(block, *pair));
            let wanted: KeySet = common.filter(|key| self.is_split(block, *key)).collect();
            if wanted.is_empty() {
                continue;
            }
            for record in 0..u32::try_from(self.records).unwrap_or(ABSENT) {
                for slot in 0..self.keys[block].slots() {
                    let key = self.keys[block].get(record, slot);
                    if wanted.contains(key) {
                        members.entry((block, key)).or_default().push(record);
                    }
                }
            }
        }
        members
    }

    fn together(&self, pair: (u32, u32), members: &HashMap<(usize, u64), Vec<u32>>) -> bool {
        let in_block = |block: usize| {
            self.common(block, pair).into_iter().any(|key| match members.get(&(block, key)) {
                Some(members) => keyed::stand_together(self.splitter, key, members, pair),
                None => !self.is_split(block, key),
            })
        };
        let orders = self.keys.iter().filter(|keys| matches!(keys, BlockKeys::Neighbours(..))).zip(&self.blocks.orders);
        self.keyed().any(in_block) || orders.into_iter().any(|(keys, order)| order::are_near(order, keys, pair))
    }
}
