//! Clusters and what was before → ids that hold from night to night.
//!
//! In: which records are one thing tonight, and the id that each record bore last night. Out: the id of each record, and
//! what changed. A record keeps two things for life: an id of its own, made of its source and key, and its seniority, the
//! place at which it was first seen. A cluster bears the own id of its most senior record. From this follows all that is
//! wanted of ids:
//!
//! ```text
//!  merge    the older id stays, since its record is the more senior     a─A  b─B   ►  a─A  b─A
//!  split    the founder's part keeps the id                             a─A  b─A   ►  a─A  b─B
//!  late     an earlier record that arrives later is junior: no rename   b─B        ►  b─B  a─B
//!  gone     when a founder goes, its most senior companion inherits its id
//! ```
//!
//! Seniority is given, night by night, in the order of (date, with none before all; source rank; key). So a replay night by
//! night and one full run give the same ids as long as records are first seen in that order. Deliberately does not know
//! why records are one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{records::Records, texts::Numbering};

/// Letters of an id behind its prefix: 16 of 32, 80 bits of a hash.
const LETTERS: usize = 16;
/// Crockford's letters: none that looks like another one.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A record as the last night left it.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The rank of its source; None when the source is no longer one of the entity.
    pub source: Option<u16>,
    /// Its key within the source.
    pub key: &'a str,
    /// The id that it bore.
    pub id: &'a str,
    /// Its own id.
    pub own_id: &'a str,
    /// Its place among all records that were ever seen.
    pub seniority: i64,
    /// Since when it has borne the id, in days since 1970.
    pub since: i32,
}

/// What a record has tonight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Number of the id that it bears.
    pub id: u32,
    /// Number of its own id.
    pub own_id: u32,
    /// Its place among all records that were ever seen.
    pub seniority: i64,
    /// Since when it has borne the id, in days since 1970.
    pub since: i32,
}

/// What happened to an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It was given to records that had none.
    Assign,
    /// All of its records bear another one now, to which it leads.
    Merge,
    /// Some of its records bear another one now.
    Split,
    /// It has no records any more.
    Retire,
}

/// A change of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub event: Event,
    /// Number of the id to which it happened.
    pub id: u32,
    /// Number of the other id: to which a merge leads, or that split records bear now.
    pub other: Option<u32>,
    /// The most senior of the records that it is about; None when they are gone.
    pub record: Option<u32>,
    /// How many records it is about.
    pub records: u32,
}

/// The ledger of tonight.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Per record what it has.
    pub standings: Vec<Standing>,
    /// Ids by number.
    pub ids: Numbering,
    /// What changed, in order of events, ids and other ids.
    pub changes: Vec<Change>,
}

/// Gives ids to the records of tonight.
///
/// `clusters` has a number per record, small and equal for those that are one thing; `sources` the name of each source by rank.
#[must_use]
pub fn settle(
    records: &Records,
    clusters: &[u32],
    past: &[Past<'_>],
    sources: &[&str],
    prefix: &str,
    tonight: i32,
) -> Ledger {
    let mut ids = Numbering::default();
    let known = Known::new(records, past, &mut ids);
    let mut standings = known.standings(records, tonight);
    known.inherit(&mut standings);
    found(records, &known, sources, prefix, &mut ids, &mut standings);
    let leaders = leaders(clusters, &standings);
    for (record, cluster) in clusters.iter().enumerate() {
        let id = standings[leaders[*cluster as usize] as usize].own_id;
        let kept = known.of[record].filter(|before| before.id == id);
        standings[record].id = id;
        standings[record].since = kept.map_or(tonight, |before| before.since);
    }
    let changes = known.changes(&standings, &ids);
    Ledger { standings, ids, changes }
}

/// What a record had last night.
#[derive(Clone, Copy, Debug)]
struct Before {
    id: u32,
    own_id: u32,
    seniority: i64,
    since: i32,
}

/// What was last night, as far as it is of use tonight.
struct Known {
    /// Per record of tonight.
    of: Vec<Option<Before>>,
    /// Those that are gone.
    gone: Vec<Before>,
    next_seniority: i64,
}

impl Known {
    fn new(records: &Records, past: &[Past<'_>], ids: &mut Numbering) -> Self {
        let mut known = Self { of: vec![None; records.len()], gone: Vec::new(), next_seniority: 0 };
        let mut next = 0;
        for past in past {
            let id = ids.number(past.id);
            let own_id = if past.own_id == past.id { id } else { ids.number(past.own_id) };
            let before = Before { id, own_id, seniority: past.seniority, since: past.since };
            known.next_seniority = known.next_seniority.max(past.seniority + 1);
            match past.source.and_then(|source| near(records, source, past.key, next)) {
                Some(record) => {
                    known.of[record as usize] = Some(before);
                    next = record + 1;
                }
                None => known.gone.push(before),
            }
        }
        known
    }

    /// Returns what records have that were there last night; the others come after them, in the order of first sight.
    fn standings(&self, records: &Records, tonight: i32) -> Vec<Standing> {
        let unknown = u32::MAX;
        let standing = |before: &Option<Before>| match before {
            Some(before) => {
                Standing { id: before.id, own_id: before.own_id, seniority: before.seniority, since: before.since }
            }
            None => Standing { id: unknown, own_id: unknown, seniority: i64::MAX, since: tonight },
        };
        let mut standings: Vec<Standing> = self.of.iter().map(standing).collect();
        for (record, seniority) in self.new_in_order(records).into_iter().zip(self.next_seniority..) {
            standings[record].seniority = seniority;
        }
        standings
    }

    /// Returns the records that were not there last night: by date, then source and key, which is their own order.
    fn new_in_order(&self, records: &Records) -> Vec<usize> {
        let mut new: Vec<usize> = (0..records.len()).filter(|record| self.of[*record].is_none()).collect();
        new.sort_by_key(|record| records.dates[*record]);
        new
    }

    /// Leaves the ids of founders that are gone to the most senior of those that bore them.
    fn inherit(&self, standings: &mut [Standing]) {
        let orphaned: HashSet<u32> =
            self.gone.iter().filter(|gone| gone.own_id == gone.id).map(|gone| gone.id).collect();
        if orphaned.is_empty() {
            return;
        }
        let mut heirs: HashMap<u32, usize> = HashMap::new();
        for (record, before) in self.of.iter().enumerate() {
            let Some(before) = before.filter(|before| orphaned.contains(&before.id)) else { continue };
            let heir = heirs.entry(before.id).or_insert(record);
            if before.seniority < standings[*heir].seniority {
                *heir = record;
            }
        }
        for (id, heir) in heirs {
            standings[heir].own_id = id;
        }
    }

    /// Compares the ids that were borne with those that are.
    fn changes(&self, standings: &[Standing], ids: &Numbering) -> Vec<Change> {
        let mut flows: BTreeMap<(u32, u32), Moved> = BTreeMap::new();
        let mut given: BTreeMap<u32, Moved> = BTreeMap::new();
        let mut borne = Marks::of(ids, self.gone.iter().map(|gone| gone.id));
        for (record, (before, now)) in self.of.iter().zip(standings).enumerate() {
            let moved = match before {
                Some(before) => {
                    borne.insert(before.id);
                    if before.id == now.id {
                        continue;
                    }
                    flows.entry((before.id, now.id)).or_default()
                }
                None => given.entry(now.id).or_default(),
            };
            moved.add(record, now.seniority);
        }
        let is_borne_now = Marks::of(ids, standings.iter().map(|standing| standing.id));
        let mut changes = Vec::new();
        for id in borne.all() {
            let targets: Vec<(u32, &Moved)> =
                flows.range((id, 0)..=(id, u32::MAX)).map(|((_, other), moved)| (*other, moved)).collect();
            of_id(id, &targets, is_borne_now.has(id), &mut changes);
        }
        let is_split: HashSet<u32> = changes.iter().filter_map(|change| change.other).collect();
        for (id, moved) in given {
            if !borne.has(id) && !is_split.contains(&id) {
                changes.push(moved.change(Event::Assign, id, None));
            }
        }
        let name = |id: Option<u32>| id.map(|id| ids.texts().get(id as usize));
        changes.sort_by_cached_key(|change| {
            (change.event, name(Some(change.id)).map(str::to_owned), name(change.other).map(str::to_owned))
        });
        changes
    }
}

/// Returns the number of a record that is most likely the one at a place: what was before comes in the order of records.
fn near(records: &Records, source: u16, key: &str, place: u32) -> Option<u32> {
    let at = place as usize;
    let is_there = at < records.len() && records.sources[at] == source && records.keys.get(at) == key;
    if is_there { Some(place) } else { records.find(source, key) }
}

/// Records that go the same way.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    senior: Option<(i64, u32)>,
    records: u32,
}

impl Moved {
    fn add(&mut self, record: usize, seniority: i64) {
        let this = (seniority, u32::try_from(record).unwrap_or(u32::MAX));
        self.senior = Some(self.senior.map_or(this, |senior| senior.min(this)));
        self.records += 1;
    }

    fn change(&self, event: Event, id: u32, other: Option<u32>) -> Change {
        Change { event, id, other, record: self.senior.map(|(_, record)| record), records: self.records }
    }
}

/// Says what happened to an id that was borne last night; `targets` are the other ids that its records bear now.
fn of_id(id: u32, targets: &[(u32, &Moved)], is_borne_now: bool, changes: &mut Vec<Change>) {
    let main = targets.iter().min_by_key(|(_, moved)| moved.senior).map(|(other, _)| *other);
    match main {
        None if !is_borne_now => changes.push(Moved::default().change(Event::Retire, id, None)),
        None => {}
        Some(main) => {
            for (other, moved) in targets {
                let is_merge = *other == main && !is_borne_now;
                let event = if is_merge { Event::Merge } else { Event::Split };
                changes.push(moved.change(event, id, Some(*other)));
            }
        }
    }
}

/// Gives new records an id of their own, in the order of first sight.
fn found(
    records: &Records,
    known: &Known,
    sources: &[&str],
    prefix: &str,
    ids: &mut Numbering,
    standings: &mut [Standing],
) {
    let owned = standings.iter().map(|standing| standing.own_id).filter(|own_id| *own_id != u32::MAX);
    let mut owned = Marks::of(ids, owned);
    for record in known.new_in_order(records) {
        let source = sources.get(records.sources[record] as usize).copied().unwrap_or_default();
        let free = (0..).find_map(|attempt: u32| {
            let id = ids.number(&own_id(prefix, source, records.keys.get(record), attempt));
            owned.insert(id).then_some(id)
        });
        standings[record].own_id = free.unwrap_or(u32::MAX);
    }
}

/// Returns the id that a record founds; `attempt` tells records apart whose hashes are equal.
#[must_use]
pub fn own_id(prefix: &str, source: &str, key: &str, attempt: u32) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(source.len() as u64).to_le_bytes()).update(source.as_bytes()).update(key.as_bytes());
    if attempt > 0 {
        hasher.update(&[0]).update(&attempt.to_le_bytes());
    }
    let hash = hasher.finalize();
    let bits = hash.as_bytes().iter().take(LETTERS * 5 / 8).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |place: usize| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
    prefix.chars().chain((0..LETTERS).rev().map(letter)).collect()
}

/// Returns per number of a cluster its most senior record.
fn leaders(clusters: &[u32], standings: &[Standing]) -> Vec<u32> {
    let mut leaders = vec![u32::MAX; clusters.iter().max().map_or(0, |last| *last as usize + 1)];
    for (record, cluster) in (0..).zip(clusters) {
        let leader = &mut leaders[*cluster as usize];
        let is_first = *leader == u32::MAX;
        if is_first || standings[record as usize].seniority < standings[*leader as usize].seniority {
            *leader = record;
        }
    }
    leaders
}

/// A set of ids, by their numbers.
#[derive(Debug)]
struct Marks(Vec<bool>);

impl Marks {
    fn of(ids: &Numbering, marked: impl Iterator<Item = u32>) -> Self {
        let mut marks = Self(vec![false; ids.texts().len()]);
        for id in marked {
            marks.insert(id);
        }
        marks
    }

    fn has(&self, id: u32) -> bool {
        self.0.get(id as usize).is_some_and(|is_marked| *is_marked)
    }

    /// Adds an id and returns whether it was not there.
    fn insert(&mut self, id: u32) -> bool {
        let at = id as usize;
        if at >= self.0.len() {
            self.0.resize(at + 1, false);
        }
        !std::mem::replace(&mut self.0[at], true)
    }

    fn all(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).filter(|(_, is_marked)| **is_marked).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests;
