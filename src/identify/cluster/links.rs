//! What joins two records: people's verdicts, certain links, evidence.
//!
//! In: records and their codes. Out: certain links. A group of equal records is linked as a star around its first one, so that
//! a name which ten thousand records have makes ten thousand links and not fifty million.

use crate::{
    define::entity::Entity,
    identify::{
        codes::{Codes, Keys, NOTHING},
        records::{ABSENT, Records},
        weigh::Millibits,
    },
};

/// The built-in rule: a record names the other one.
pub const REFERENCE: u16 = 0;

/// Two records that evidence joins, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The smaller record.
    pub left: u32,
    /// The larger record.
    pub right: u32,
    /// Its score.
    pub score: Millibits,
}

/// Two records that a rule joins, the smaller first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Certain {
    /// The smaller record.
    pub left: u32,
    /// The larger record.
    pub right: u32,
    /// Which rule: [`REFERENCE`], or 1 for the first rule of the definition.
    pub rule: u16,
}

/// What people said of two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One record.
    pub left: u32,
    /// The other record.
    pub right: u32,
    /// Whether they are one thing.
    pub is_same: bool,
    /// The line of the file, from 1.
    pub line: usize,
}

/// Which pairs the rules tie.
///
/// Evidence for such a pair is not kept: its star joins it unless a verdict or a veto forbids that, and most pairs that are alike at
/// all are such pairs.
#[derive(Clone, Debug)]
pub struct Rules<'a>(Vec<Keys<'a>>);

impl<'a> Rules<'a> {
    /// Takes the rules of a definition.
    #[must_use]
    pub fn new(entity: &Entity, records: &'a Records, codes: &'a Codes) -> Self {
        Self(entity.rules.iter().map(|rule| Keys::new(records, codes, &rule.equal)).collect())
    }

    /// Returns whether a rule ties two records: whether they stand in one star.
    #[must_use]
    pub fn tie(&self, left: u32, right: u32) -> bool {
        self.0.iter().any(|keys| keys.agree(left, right))
    }
}

/// Returns the stars of certain links that are in order of their rules: those of one rule around one record. A reference is
/// a star of its own, as two records that name a third need not be one thing.
pub fn by_star(links: &[Certain]) -> impl Iterator<Item = &[Certain]> {
    links.chunk_by(|one, other| one.rule != REFERENCE && (one.rule, one.left) == (other.rule, other.left))
}

/// Returns the certain links of all records, in order.
#[must_use]
pub fn certain(entity: &Entity, records: &Records, codes: &Codes) -> Vec<Certain> {
    let mut links = references(entity, records);
    for (rule, number) in entity.rules.iter().zip(1..) {
        let keys = Keys::new(records, codes, &rule.equal);
        let all = (0..u32::try_from(records.len()).unwrap_or(ABSENT)).map(|record| (keys.get(record), record));
        links.extend(stars(all.filter(|(key, _)| *key != NOTHING).collect(), number));
    }
    links.sort_unstable();
    links
}

/// Links the records of each key to its first one.
pub(crate) fn stars(mut keyed: Vec<(u64, u32)>, rule: u16) -> Vec<Certain> {
    keyed.sort_unstable();
    let groups = keyed.chunk_by(|left, right| left.0 == right.0);
    groups
        .flat_map(|group| group[1..].iter().map(|(_, right)| Certain { left: group[0].1, right: *right, rule }))
        .collect()
}

/// Links records to those that they say they belong to.
pub(crate) fn references(entity: &Entity, records: &Records) -> Vec<Certain> {
    let naming = (0_u32..).zip(&records.belongs_to.numbers).filter(|(_, number)| **number != ABSENT);
    let link = |(record, _): (u32, &u32)| {
        let named = entity.records[usize::from(records.sources[record as usize])].belongs_to.as_ref()?;
        let source = u16::try_from(named.records).ok()?;
        let other = records.find(source, records.belongs_to.get(record)?)?;
        (other != record).then(|| Certain { left: record.min(other), right: record.max(other), rule: REFERENCE })
    };
    let mut links: Vec<Certain> = naming.filter_map(link).collect();
    links.sort_unstable();
    links.dedup();
    links
}
