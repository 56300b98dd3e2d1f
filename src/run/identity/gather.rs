//! The rows of an entity's sources → its records.
//!
//! In: surveyed sources. Out: [`Gathered`]: one record for each key as of the run date, which keys each partition has, and a hash
//! of what it says.
//! Only the columns that the entity names are read. A row whose fact lies after the run date says nothing, but bears the id
//! of its record if there is one.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType},
};
use chrono::DateTime;
use chrono_tz::Tz;

use crate::{
    Error,
    define::{
        entity::{Entity, RecordSource},
        project::{Source, Version},
    },
    engine::Parameters,
    identify::{
        key,
        records::{ABSENT, Records, RecordsBuilder},
        reduce::{RecordKeys, Reducer, SourceRow},
    },
    record::{PartitionValues, Placed},
    run::stage::{LiveRows, Piece, Surveyed},
};

use super::digests::{Order, Saying, Window};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The records of an entity.
pub(super) struct Gathered {
    /// All records, in the order of source and key.
    pub records: Records,
    /// When each was last seen, as a number that only compares.
    pub latest: Vec<i64>,
    /// The sources in order of their ranks.
    pub sources: Vec<GatheredSource>,
}

/// The records of one source.
pub(super) struct GatheredSource {
    keys: RecordKeys,
    /// For each record of the source its number among all; [`ABSENT`] for one that names nothing.
    numbers: Vec<u32>,
    /// The records of each partition, in the order of their keys.
    pub partitions: HashMap<PartitionValues, Vec<u32>>,
    /// What each partition says, as a hash, and on which run dates.
    pub said: HashMap<PartitionValues, (String, Window)>,
}

impl GatheredSource {
    /// Returns the number of the record of a key.
    pub fn find(&self, key: &str) -> Option<u32> {
        self.number(self.keys.find(key)?)
    }

    /// Returns key and number of a record of a partition.
    pub fn record(&self, local: u32) -> (&str, Option<u32>) {
        (self.keys.get(local), self.number(local))
    }

    fn number(&self, local: u32) -> Option<u32> {
        Some(self.numbers[local as usize]).filter(|number| *number != ABSENT)
    }
}

/// Reads the records of all sources of an entity, which come in order of their ranks.
///
/// # Errors
/// When a pack cannot be read.
pub(super) fn gather(entity: &Entity, surveyed: &[&Surveyed<'_>], parameters: &Parameters) -> Result<Gathered, Error> {
    let mut read = Vec::new();
    for (records, surveyed) in entity.records.iter().zip(surveyed) {
        read.push(reduced(entity, records, surveyed.source(), surveyed.rows()?, parameters)?);
    }
    let named = named(entity, &read);
    let mut builder = RecordsBuilder::new(entity.attributes.len());
    let (mut latest, mut sources) = (Vec::new(), Vec::new());
    for ((rank, reduced), named) in (0..).zip(read).zip(named) {
        let mut numbers = vec![ABSENT; reduced.reducer.len()];
        let mut pushing = reduced.reducer.pushing(rank);
        for local in reduced.reducer.in_order().into_iter().filter(|local| named[*local as usize]) {
            numbers[local as usize] = u32::try_from(latest.len()).unwrap_or(ABSENT);
            latest.push(pushing.push(local, &mut builder));
        }
        let Reduced { reducer, partitions, said } = reduced;
        sources.push(GatheredSource { keys: reducer.into_keys(), numbers, partitions, said });
    }
    let records = builder.finish().map_err(|error| Error::Bug { message: error.to_string() })?;
    Ok(Gathered { records, latest, sources })
}

/// Returns which records name the entity: those with an attribute that does, and those that belong to one that names it.
fn named(entity: &Entity, read: &[Reduced]) -> Vec<Vec<bool>> {
    let has_name = |reduced: &Reduced| {
        let count = u32::try_from(reduced.reducer.len()).unwrap_or(u32::MAX);
        (0..count).map(|local| reduced.reducer.has_any(local, &entity.named_by)).collect::<Vec<bool>>()
    };
    let mut named: Vec<Vec<bool>> = read.iter().map(has_name).collect();
    // Who belongs to somebody may itself be whom another belongs to.
    for _ in &entity.records {
        for (rank, records) in entity.records.iter().enumerate() {
            let Some(other) = records.belongs_to.as_ref().map(|named| named.records) else { continue };
            for local in 0..named[rank].len() {
                let belongs_to = u32::try_from(local).ok().and_then(|local| read[rank].reducer.belongs_to(local));
                let known = belongs_to.and_then(|key| read[other].reducer.find(key));
                if known.is_some_and(|known| named[other][known as usize]) {
                    named[rank][local] = true;
                }
            }
        }
    }
    named
}

/// The rows of one source, folded.
struct Reduced {
    reducer: Reducer,
    partitions: HashMap<PartitionValues, Vec<u32>>,
    said: HashMap<PartitionValues, (String, Window)>,
}

/// What one thread knows of a partition.
#[derive(Default)]
struct Partition {
    seen: Vec<u32>,
    saying: Saying,
    window: Window,
}

fn reduced(
    entity: &Entity,
    records: &RecordSource,
    source: &Source,
    rows: &LiveRows,
    parameters: &Parameters,
) -> Result<Reduced, Error> {
    let layout = Layout::new(records, source);
    let has = |attribute: usize| records.columns.iter().any(|(named, _)| *named == attribute);
    let has: Vec<bool> = (0..entity.attributes.len()).map(has).chain([!layout.belongs_to.is_empty()]).collect();
    let reducer = Mutex::new(Reducer::new(&has));
    let order = layout.order();
    let see = |piece: &Piece, partition: &mut Partition| {
        let texts = Texts::new(entity, &layout, piece, parameters)?;
        let Partition { seen, saying, window } = partition;
        *window = window.and(texts.window());
        texts.rows(piece, order, |row| saying.hear(row, order));
        let mut reducer = reducer.lock().unwrap_or_else(PoisonError::into_inner);
        texts.rows(piece, order, |row| seen.push(reducer.observe(row)));
        // A record has many rows in a partition, and mostly together.
        seen.dedup();
        Ok(())
    };
    let done = |_: &PartitionValues, Partition { mut seen, saying, window }: Partition| {
        seen.sort_unstable();
        seen.dedup();
        (seen, (saying.finish(), window))
    };
    let read = each_partition(rows, &layout, &|_| true, see, done)?;
    let reducer = reducer.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut partitions, mut said) = (HashMap::new(), HashMap::new());
    for (values, (mut seen, says)) in read {
        seen.sort_by_key(|local| reducer.key(*local));
        said.insert(values.clone(), says);
        partitions.insert(values, seen);
    }
    Ok(Reduced { reducer, partitions, said })
}

/// Shows pieces of those partitions that are asked for to several threads, and returns what came of each partition.
///
/// # Errors
/// The first that `see` gives, or a pack that cannot be read.
pub(super) fn each_partition<S: Default, T: Send>(
    rows: &LiveRows,
    layout: &Layout<'_>,
    is_asked: &(dyn Fn(&PartitionValues) -> bool + Sync),
    see: impl Fn(&Piece, &mut S) -> Result<(), Error> + Sync,
    done: impl Fn(&PartitionValues, S) -> T + Sync,
) -> Result<Vec<(PartitionValues, T)>, Error> {
    let all = Mutex::new(Vec::new());
    let done = |values: &PartitionValues, state: S| {
        let done = done(values, state);
        all.lock().unwrap_or_else(PoisonError::into_inner).push((values.clone(), done));
        Ok(())
    };
    rows.each(&layout.names(), is_asked, see, done)?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Which columns are read, and what each is for.
pub(super) struct Layout<'a> {
    columns: Vec<&'a str>,
    key: Vec<usize>,
    event_date: Option<usize>,
    date: Option<usize>,
    recent_by: Option<usize>,
    belongs_to: Vec<usize>,
    /// Attribute, its column, and whether it is NULL while it lies after the run date.
    attributes: Vec<(usize, usize, bool)>,
    is_versioned: bool,
}

impl<'a> Layout<'a> {
    pub fn new(records: &'a RecordSource, source: &'a Source) -> Self {
        let mut columns: Vec<&'a str> = Vec::new();
        let mut position = |name: &'a Placed<String>| {
            columns.iter().position(|known| *known == name.value).unwrap_or_else(|| {
                columns.push(&name.value);
                columns.len() - 1
            })
        };
        let key = records.key.iter().map(&mut position).collect();
        let event_date = source.event_date.as_ref().map(&mut position);
        let date = records.date.as_ref().map(&mut position);
        let recent_by = records.recent_by.as_ref().map(&mut position).or(date);
        let belongs_to = records.belongs_to.iter().flat_map(|named| &named.key).map(&mut position).collect();
        let is_stage = |name: &Placed<String>| source.as_of.iter().any(|stage| stage.value == name.value);
        let attributes =
            records.columns.iter().map(|(attribute, name)| (*attribute, position(name), is_stage(name))).collect();
        // Packs hold versions only where one row takes another's key.
        let is_versioned = matches!(source.version, Version::FromColumn(_)) && !source.key.is_empty();
        Self { columns, key, event_date, date, recent_by, belongs_to, attributes, is_versioned }
    }

    /// Returns how rows are told to be earlier or later than others.
    pub const fn order(&self) -> Order {
        Order { is_timed: self.recent_by.is_some() || self.is_versioned }
    }

    fn names(&self) -> Vec<&'a str> {
        self.columns.clone()
    }
}

/// The columns of a piece as identification reads them.
pub(super) struct Texts {
    keys: StringArray,
    /// Local day of each row's fact; None where the source has no event date.
    events: Option<Vec<Option<i32>>>,
    dates: Option<Vec<Option<i32>>>,
    times: Option<Vec<i64>>,
    belongs_to: Option<StringArray>,
    /// One for each attribute of the entity.
    values: Vec<Option<StringArray>>,
    run_day: i32,
    window: Window,
}

impl Texts {
    /// Reads a piece.
    ///
    /// # Errors
    /// When staged rows are not what their contract says.
    pub fn new(entity: &Entity, layout: &Layout<'_>, piece: &Piece, parameters: &Parameters) -> Result<Self, Error> {
        let column = |position: usize| &piece.columns[position];
        let broken =
            |error: arrow::error::ArrowError| Error::Bug { message: format!("staged rows are no text: {error}") };
        let joined = |positions: &[usize]| {
            let parts: Vec<ArrayRef> = positions.iter().map(|position| ArrayRef::clone(column(*position))).collect();
            key::joined(&parts).map_err(broken)
        };
        let zone = parameters.timezone;
        let run_day = parameters.run_date.to_epoch_days();
        let local = |position: Option<usize>| position.map(|position| days(column(position), zone));
        let events = local(layout.event_date);
        let mut window = Window::default();
        let mut see = |days: &[Option<i32>]| days.iter().flatten().for_each(|day| window.see(*day, run_day));
        if let Some(days) = &events {
            see(days);
        }
        let mut values: Vec<Option<StringArray>> = vec![None; entity.attributes.len()];
        for (attribute, position, is_stage) in &layout.attributes {
            let text = key::text(column(*position)).map_err(broken)?;
            values[*attribute] = Some(if *is_stage {
                let days = days(column(*position), zone);
                see(&days);
                until(&text, &days, run_day)
            } else {
                text
            });
        }
        Ok(Self {
            keys: joined(&layout.key)?,
            events,
            dates: local(layout.date),
            times: layout.recent_by.map(|position| micros(column(position))),
            belongs_to: match layout.belongs_to.is_empty() {
                true => None,
                false => Some(joined(&layout.belongs_to)?),
            },
            values,
            run_day,
            window,
        })
    }

    /// Returns for which run dates the same is said.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Shows the rows that name a record.
    pub fn rows(&self, piece: &Piece, order: Order, mut see: impl FnMut(&SourceRow<'_>)) {
        let mut values: Vec<Option<&str>> = vec![None; self.values.len()];
        for (row, (version, place)) in piece.places.iter().enumerate() {
            if self.keys.is_null(row) {
                continue;
            }
            for (value, texts) in values.iter_mut().zip(&self.values) {
                *value = texts.as_ref().filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row));
            }
            let event = self.events.as_ref().map(|events| events[row]);
            let time = self.times.as_ref().map_or(i64::MIN, |times| times[row]);
            see(&SourceRow {
                key: self.keys.value(row),
                // As the cut of scans: a fact without a date is none.
                counts: event.is_none_or(|day| day.is_some_and(|day| day <= self.run_day)),
                date: self.dates.as_ref().and_then(|dates| dates[row]),
                rank: (time, *version, order.place(*place, piece.partition)),
                belongs_to: self.belongs_to.as_ref().filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row)),
                values: &values,
            });
        }
    }
}

/// Returns texts that are NULL where their day lies after another one.
fn until(texts: &StringArray, days: &[Option<i32>], last: i32) -> StringArray {
    texts.iter().zip(days).map(|(text, day)| text.filter(|_| day.is_some_and(|day| day <= last))).collect()
}

/// Returns the local day of each date or timestamp, in days since 1970.
fn days(column: &ArrayRef, zone: Tz) -> Vec<Option<i32>> {
    match column.data_type() {
        DataType::Date32 => column.as_primitive::<Date32Type>().iter().collect(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let local = |micros: i64| {
                let instant = DateTime::from_timestamp_micros(micros)?;
                Some(instant.with_timezone(&zone).date_naive().to_epoch_days())
            };
            column.as_primitive::<TimestampMicrosecondType>().iter().map(|micros| micros.and_then(local)).collect()
        }
        _ => vec![None; column.len()],
    }
}

/// Returns each date or timestamp as microseconds; none is before all.
fn micros(column: &ArrayRef) -> Vec<i64> {
    match column.data_type() {
        DataType::Date32 => {
            let micros = |day: Option<i32>| day.map_or(i64::MIN, |day| i64::from(day) * DAY);
            column.as_primitive::<Date32Type>().iter().map(micros).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            times.iter().map(|micros| micros.unwrap_or(i64::MIN)).collect()
        }
        _ => vec![i64::MIN; column.len()],
    }
}
