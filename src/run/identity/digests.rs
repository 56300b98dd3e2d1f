//! What each partition of an entity's sources says of records, as a hash. Where none says another thing than last night, whatever
//! else its rows hold, the ids of the last snapshot stand, and no record is read.
//!
//! ```text
//!  files of a source ─ the same ──────────────────────────────────────────────────► stands
//!                    └ others ─► rows of a partition ─ the same ──────────────────► stands
//!                                                    └ others ─► what they say ─ the same ─► stands
//!                                                                              └ another thing ─► all records are gathered
//! ```
//!
//! In: surveyed sources, what the last run found. Out: tonight's [`Digests`], or none where ids may be others. A record's values
//! follow from what partitions say one by one, since of two rows that were seen at the same time the later partition's wins
//! (see [`Order`]). Like all that is remembered they save time and nothing else; the key under which they are kept names
//! the tables that they are true of.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{
    Error,
    define::entity::Entity,
    engine::Parameters,
    identify::reduce::SourceRow,
    normalize::reduce::MOST_PLACES,
    record::PartitionValues,
    run::stage::{LiveRows, Piece, Surveyed},
};

use super::gather::{self, Layout, Texts};

/// What all sources of an entity said, in the order of their ranks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Digests(pub Vec<SourceDigests>);

/// What one source said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceDigests {
    /// Hash of all that decides its rows.
    fingerprint: String,
    partitions: Vec<(PartitionValues, PartitionDigest)>,
}

/// What one partition said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartitionDigest {
    /// Hash of which rows it has.
    rows: String,
    /// Hash of what they say of records.
    pub said: String,
    /// Hash of its keys and their ids.
    pub ids: String,
    /// For which run dates that holds.
    pub window: Window,
}

/// Run dates for which the same rows count, in days since 1970: from the first to before the second; None has no such end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    from: Option<i32>,
    until: Option<i32>,
}

impl Window {
    /// Narrows it by a day on which something begins to count.
    pub fn see(&mut self, day: i32, run_day: i32) {
        match day <= run_day {
            true => self.from = self.from.max(Some(day)),
            false => self.until = Some(self.until.map_or(day, |until| until.min(day))),
        }
    }

    /// Returns the days that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { from: self.from.max(other.from), until }
    }

    fn has(self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }

    /// Returns its ends as dates.
    pub fn dates(self) -> (NaiveDate, NaiveDate) {
        let date = |day: Option<i32>| day.and_then(NaiveDate::from_epoch_days);
        (date(self.from).unwrap_or(NaiveDate::MIN), date(self.until).unwrap_or(NaiveDate::MAX))
    }
}

/// How rows of one source are told to be earlier or later than others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Whether rows say when they were seen, or which version they are. Of those that agree in that, the later partition's wins,
    /// so that each partition speaks for itself; without, the later place among all rows does.
    pub is_timed: bool,
}

impl Order {
    /// Returns the place of a row, given its place among all rows and the position of its partition among all.
    pub fn place(self, place: u64, partition: usize) -> u64 {
        match self.is_timed {
            true => (partition as u64) << MOST_PLACES.trailing_zeros() | place,
            false => place,
        }
    }
}

/// Hashes what rows of one partition say, in whatever order they come.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// Of each row what it is ordered by, its place, and what it says.
    rows: Vec<(u64, u64, u128)>,
    bytes: Vec<u8>,
}

impl Saying {
    /// Takes a row.
    pub fn hear(&mut self, row: &SourceRow<'_>, order: Order) {
        let Self { rows, bytes } = self;
        bytes.clear();
        let (time, version, place) = row.rank;
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        };
        text(bytes, row.key);
        bytes.extend(time.to_le_bytes());
        bytes.extend(version.to_le_bytes());
        let of_moment = xxh3_64(bytes);
        bytes.push(u8::from(row.counts));
        // A row that does not count names its record, and nothing else of it matters.
        if row.counts {
            bytes.extend(row.date.map_or(i64::MIN, i64::from).to_le_bytes());
            for value in row.values.iter().copied().chain([row.belongs_to]) {
                text(bytes, value.unwrap_or_default());
            }
            if !order.is_timed {
                bytes.extend(place.to_le_bytes());
            }
        }
        rows.push((of_moment, place, xxh3_128(bytes)));
    }

    /// Returns the hash. Rows of one record and one moment are taken in their order, since the last of them wins.
    pub fn finish(mut self) -> String {
        self.rows.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        for (of_moment, _, says) in &self.rows {
            hasher.update(&of_moment.to_le_bytes()).update(&says.to_le_bytes());
        }
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    }
}

impl SourceDigests {
    /// Writes down what was found of a source.
    ///
    /// # Errors
    /// When a pack cannot be read.
    pub fn new(
        surveyed: &Surveyed<'_>,
        mut said: HashMap<PartitionValues, (String, Window)>,
        mut ids: HashMap<PartitionValues, String>,
    ) -> Result<Self, Error> {
        let rows = surveyed.rows()?.fingerprints();
        let partition = |(values, rows): (PartitionValues, String)| {
            let (said, window) = said.remove(&values).unwrap_or_default();
            let ids = ids.remove(&values).unwrap_or_default();
            (values, PartitionDigest { rows, said, ids, window })
        };
        let mut partitions: Vec<_> = rows.into_iter().map(partition).collect();
        partitions.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Self { fingerprint: surveyed.fingerprint().to_owned(), partitions })
    }

    /// Returns the hash of the ids of each partition.
    pub fn ids(&self) -> HashMap<PartitionValues, String> {
        self.partitions.iter().map(|(values, known)| (values.clone(), known.ids.clone())).collect()
    }

    /// Returns what is known tonight, if that is what was known; None: something else is said.
    fn tonight(
        &self,
        entity: &Entity,
        rank: usize,
        surveyed: &Surveyed<'_>,
        parameters: &Parameters,
    ) -> Result<Option<Self>, Error> {
        let run_day = parameters.run_date.to_epoch_days();
        let is_same_files = self.fingerprint == surveyed.fingerprint();
        if is_same_files && self.partitions.iter().all(|(_, known)| known.window.has(run_day)) {
            return Ok(Some(self.clone()));
        }
        let live = surveyed.rows()?;
        let mut rows = live.fingerprints();
        if rows.len() != self.partitions.len() {
            return Ok(None);
        }
        let mut asked: HashSet<&PartitionValues> = HashSet::new();
        for (values, known) in &self.partitions {
            match rows.get(values) {
                None => return Ok(None),
                // Rows that stayed come in the order in which they came: their files' paths, which say it, are the same.
                Some(rows) if *rows == known.rows && known.window.has(run_day) => {}
                Some(_) => drop(asked.insert(values)),
            }
        }
        let records = &entity.records[rank];
        let layout = Layout::new(records, surveyed.source());
        let mut said = said(entity, &layout, live, &|values| asked.contains(values), parameters)?;
        let mut partitions = Vec::with_capacity(self.partitions.len());
        for (values, known) in &self.partitions {
            let known = match said.remove(values) {
                None => PartitionDigest { rows: rows.remove(values).unwrap_or_default(), ..known.clone() },
                Some((said, window)) if said == known.said => {
                    PartitionDigest { rows: rows.remove(values).unwrap_or_default(), window, ..known.clone() }
                }
                Some(_) => return Ok(None),
            };
            partitions.push((values.clone(), known));
        }
        Ok(Some(Self { fingerprint: surveyed.fingerprint().to_owned(), partitions }))
    }
}

impl Digests {
    /// Returns tonight's, if no partition says anything else of records; sources come in the order of their ranks.
    ///
    /// # Errors
    /// When a pack cannot be read.
    pub fn tonight(
        &self,
        entity: &Entity,
        surveyed: &[&Surveyed<'_>],
        parameters: &Parameters,
    ) -> Result<Option<Self>, Error> {
        if self.0.len() != surveyed.len() {
            return Ok(None);
        }
        let mut tonight = Vec::with_capacity(surveyed.len());
        for ((rank, known), surveyed) in (0..).zip(&self.0).zip(surveyed) {
            match known.tonight(entity, rank, surveyed, parameters)? {
                Some(known) => tonight.push(known),
                None => return Ok(None),
            }
        }
        Ok(Some(Self(tonight)))
    }

    /// Returns the run dates for which what is said stays the same.
    pub fn window(&self) -> Window {
        let all = self.0.iter().flat_map(|source| &source.partitions);
        all.fold(Window::default(), |window, (_, known)| window.and(known.window))
    }

    /// Returns whether both know the same.
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Returns what some partitions say, and until when.
fn said(
    entity: &Entity,
    layout: &Layout<'_>,
    rows: &LiveRows,
    is_asked: &(dyn Fn(&PartitionValues) -> bool + Sync),
    parameters: &Parameters,
) -> Result<HashMap<PartitionValues, (String, Window)>, Error> {
    let order = layout.order();
    let see = |piece: &Piece, (saying, window): &mut (Saying, Window)| {
        let texts = Texts::new(entity, layout, piece, parameters)?;
        *window = window.and(texts.window());
        texts.rows(piece, order, |row| saying.hear(row, order));
        Ok(())
    };
    let done = |(saying, window): (Saying, Window)| (saying.finish(), window);
    Ok(gather::each_partition(rows, layout, is_asked, see, done)?.into_iter().collect())
}
