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

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

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

/// Rows of one partition that are listed at most, half a gigabyte of them. Of more their places count too, so that any row that
/// moves is news.
const MOST_LISTED: usize = 1 << 24;

/// What all sources of an entity said, in the order of their ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Digests {
    pub sources: Vec<SourceDigests>,
    /// What was worth a word when records were linked last, and still is.
    pub warnings: Vec<String>,
}

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
    /// Of each row a hash of its record and moment, its place, and a hash of what it says.
    listed: Vec<(u64, u64, u128)>,
    /// The sum of the hashes of rows that are not listed, in which their places are.
    sum: u128,
    is_long: bool,
    bytes: Vec<u8>,
}

impl Saying {
    /// Takes a row.
    pub fn hear(&mut self, row: &SourceRow<'_>, order: Order) {
        self.hear_within(row, order, MOST_LISTED);
    }

    fn hear_within(&mut self, row: &SourceRow<'_>, order: Order, most: usize) {
        let bytes = &mut self.bytes;
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
        }
        let says = xxh3_128(bytes);
        if self.listed.len() == most {
            self.is_long = true;
            for (_, place, says) in std::mem::take(&mut self.listed) {
                self.add(place, says);
            }
        }
        match self.is_long || !order.is_timed {
            true => self.add(place, says),
            false => self.listed.push((of_moment, place, says)),
        }
    }

    fn add(&mut self, place: u64, says: u128) {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&place.to_le_bytes());
        bytes[8..].copy_from_slice(&says.to_le_bytes());
        self.sum = self.sum.wrapping_add(xxh3_128(&bytes));
    }

    /// Returns the hash. Rows of one record and one moment are taken in their order, since the last of them wins.
    pub fn finish(mut self) -> String {
        self.listed.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.sum.to_le_bytes());
        for (of_moment, _, says) in &self.listed {
            hasher.update(&of_moment.to_le_bytes()).update(&says.to_le_bytes());
        }
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    }
}

/// What is to be asked of a source.
struct Asked<'a> {
    partitions: HashSet<&'a PartitionValues>,
    /// Hash of which rows each partition has; None where files and days are those of last night, so that nothing is to be asked.
    rows: Option<HashMap<PartitionValues, String>>,
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

    /// Returns which partitions must be asked tonight; None: there are others than were known.
    fn asked(&self, layout: &Layout<'_>, surveyed: &Surveyed<'_>, run_day: i32) -> Result<Option<Asked<'_>>, Error> {
        let is_same_files = self.fingerprint == surveyed.fingerprint();
        if is_same_files && self.partitions.iter().all(|(_, known)| known.window.has(run_day)) {
            return Ok(Some(Asked { partitions: HashSet::new(), rows: None }));
        }
        let rows = surveyed.rows()?.fingerprints();
        if rows.len() != self.partitions.len() || !self.partitions.iter().all(|(values, _)| rows.contains_key(values)) {
            return Ok(None);
        }
        // Rows that stayed come in the order in which they came, within their partition: their files' paths, which say it, are the
        // same. Where rows of all partitions stand in one order, those of others may have come between.
        let stands = |values: &PartitionValues, known: &PartitionDigest| {
            let are_same = is_same_files || (layout.order().is_timed && rows.get(values) == Some(&known.rows));
            are_same && known.window.has(run_day)
        };
        let asked = self.partitions.iter().filter(|(values, known)| !stands(values, known));
        let partitions = asked.map(|(values, _)| values).collect();
        Ok(Some(Asked { partitions, rows: Some(rows) }))
    }

    /// Returns what is known tonight, if the partitions that are asked say what they said; None: one says something else.
    fn tonight(
        &self,
        entity: &Entity,
        layout: &Layout<'_>,
        surveyed: &Surveyed<'_>,
        asked: Asked<'_>,
        parameters: &Parameters,
    ) -> Result<Option<Self>, Error> {
        let Asked { partitions: asked, rows: Some(mut rows) } = asked else { return Ok(Some(self.clone())) };
        let live = surveyed.rows()?;
        let known: HashMap<&PartitionValues, &str> =
            self.partitions.iter().map(|(values, known)| (values, known.said.as_str())).collect();
        let is_news = AtomicBool::new(false);
        let is_asked = |values: &PartitionValues| asked.contains(values) && !is_news.load(Ordering::Relaxed);
        let hear = |values: &PartitionValues, said: &str| {
            if known.get(values) != Some(&said) {
                is_news.store(true, Ordering::Relaxed);
            }
        };
        let mut said = said(entity, layout, live, &is_asked, &hear, parameters)?;
        if is_news.into_inner() {
            return Ok(None);
        }
        let partition = |(values, known): &(PartitionValues, PartitionDigest)| {
            let window = said.remove(values).unwrap_or(known.window);
            let rows = rows.remove(values).unwrap_or_default();
            (values.clone(), PartitionDigest { rows, window, ..known.clone() })
        };
        let partitions = self.partitions.iter().map(partition).collect();
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
        let run_day = parameters.run_date.to_epoch_days();
        let layouts: Vec<Layout<'_>> = entity
            .records
            .iter()
            .zip(surveyed)
            .map(|(records, surveyed)| Layout::new(records, surveyed.source()))
            .collect();
        if self.sources.len() != surveyed.len() || layouts.len() != surveyed.len() {
            return Ok(None);
        }
        // Whether all partitions are there is known of every source before one is read.
        let mut asked = Vec::with_capacity(surveyed.len());
        for ((known, layout), surveyed) in self.sources.iter().zip(&layouts).zip(surveyed) {
            match known.asked(layout, surveyed, run_day)? {
                Some(partitions) => asked.push(partitions),
                None => return Ok(None),
            }
        }
        let mut sources = Vec::with_capacity(surveyed.len());
        for (((known, layout), surveyed), asked) in self.sources.iter().zip(&layouts).zip(surveyed).zip(asked) {
            match known.tonight(entity, layout, surveyed, asked, parameters)? {
                Some(known) => sources.push(known),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { sources, warnings: self.warnings.clone() }))
    }

    /// Returns what each partition of each source says, and with which ids.
    pub fn said(&self) -> Vec<(usize, PartitionValues, String, String)> {
        let of = |(rank, source): (usize, &SourceDigests)| {
            let said = |(values, known): &(PartitionValues, PartitionDigest)| {
                (rank, values.clone(), known.said.clone(), known.ids.clone())
            };
            source.partitions.iter().map(said).collect::<Vec<_>>()
        };
        self.sources.iter().enumerate().flat_map(of).collect()
    }

    /// Returns the run dates for which what is said stays the same.
    pub fn window(&self) -> Window {
        let all = self.sources.iter().flat_map(|source| &source.partitions);
        all.fold(Window::default(), |window, (_, known)| window.and(known.window))
    }
}

/// Shows what some partitions say to `hear`, and returns on which run dates.
fn said(
    entity: &Entity,
    layout: &Layout<'_>,
    rows: &LiveRows,
    is_asked: &(dyn Fn(&PartitionValues) -> bool + Sync),
    hear: &(dyn Fn(&PartitionValues, &str) + Sync),
    parameters: &Parameters,
) -> Result<HashMap<PartitionValues, Window>, Error> {
    let order = layout.order();
    let see = |piece: &Piece, (saying, window): &mut (Saying, Window)| {
        let texts = Texts::new(entity, layout, piece, parameters)?;
        *window = window.and(texts.window());
        texts.rows(piece, order, |row| saying.hear(row, order));
        Ok(())
    };
    let done = |values: &PartitionValues, (saying, window): (Saying, Window)| {
        hear(values, &saying.finish());
        window
    };
    Ok(gather::each_partition(rows, layout, is_asked, see, done)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMED: Order = Order { is_timed: true };

    fn row<'a>(key: &'a str, time: i64, place: u64, values: &'a [Option<&'a str>]) -> SourceRow<'a> {
        SourceRow { key, counts: true, date: Some(1), rank: (time, 0, place), belongs_to: None, values }
    }

    fn said(rows: &[SourceRow<'_>], order: Order, most: usize) -> String {
        let mut saying = Saying::default();
        for row in rows {
            saying.hear_within(row, order, most);
        }
        saying.finish()
    }

    #[test]
    fn rows_say_the_same_in_any_order_and_another_thing_where_another_one_wins() {
        let [north, south] = [[Some("North")], [Some("South")]];
        let rows = [row("a", 1, 10, &north), row("a", 1, 20, &south), row("b", 2, 15, &north)];
        let backwards = [rows[2], rows[1], rows[0]];
        // All rows lie elsewhere, in the same order; then the two of one moment the other way round.
        let moved = [row("a", 1, 110, &north), row("a", 1, 120, &south), row("b", 2, 5, &north)];
        let turned = [row("a", 1, 20, &north), row("a", 1, 10, &south), row("b", 2, 15, &north)];
        for (order, most) in [(TIMED, MOST_LISTED), (TIMED, 0), (TIMED, 2), (Order { is_timed: false }, MOST_LISTED)] {
            let known = said(&rows, order, most);
            assert_eq!(said(&backwards, order, most), known, "{order:?}, {most}");
            assert_ne!(said(&turned, order, most), known, "{order:?}, {most}");
            // Where places count, a row that moves is news.
            assert_eq!(said(&moved, order, most) == known, order.is_timed && most == MOST_LISTED, "{order:?}, {most}");
        }
    }

    #[test]
    fn everything_that_a_row_says_counts_and_nothing_of_one_that_does_not() {
        let values = [Some("North"), None];
        let known = row("a", 1, 10, &values);
        let others = [
            SourceRow { key: "b", ..known },
            SourceRow { counts: false, ..known },
            SourceRow { date: None, ..known },
            SourceRow { rank: (2, 0, 10), ..known },
            SourceRow { rank: (1, 1, 10), ..known },
            SourceRow { belongs_to: Some("b"), ..known },
            SourceRow { values: &[None, Some("North")], ..known },
        ];
        let alone = |row: SourceRow<'_>| said(&[row], TIMED, MOST_LISTED);
        for other in others {
            assert_ne!(alone(other), alone(known), "{other:?}");
        }
        assert_eq!(
            alone(SourceRow { values: &[Some("North"), Some("")], ..known }),
            alone(known),
            "an empty text is none"
        );
        let later = SourceRow { counts: false, ..known };
        assert_eq!(alone(SourceRow { date: Some(9), values: &[None, None], ..later }), alone(later));
    }

    #[test]
    fn a_window_ends_where_something_begins_to_count() {
        let mut window = Window::default();
        for day in [3, 7, 12] {
            window.see(day, 8);
        }
        assert_eq!([6, 7, 11, 12].map(|day| window.has(day)), [false, true, true, false]);
        let mut other = Window::default();
        other.see(9, 8);
        assert_eq!([7, 8, 9].map(|day| window.and(other).has(day)), [true, true, false]);
        assert_eq!(Window::default().dates(), (NaiveDate::MIN, NaiveDate::MAX));
    }
}
