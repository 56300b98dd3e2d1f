//! The tables of an entity, written through the usual writer; that of evidence is filled in `evidence`.
//!
//! In: records, ids, ties, changes. Out: tables of the new snapshot. Partitions whose rows are those of the last snapshot are
//! taken over from it: that of each source in the cross-reference, each month in the ledger.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
        StringBuilder,
    },
    compute::{cast, concat_batches},
    datatypes::SchemaRef,
};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use super::{
    reasons::{Reasons, rule},
    schema, titles,
};
use crate::{
    Error,
    define::{entity::Entity, project::Source},
    engine::{catalog, functions::folding::fold},
    identify::{
        doubtful::Doubtful,
        ledger::{Change, Event, Ledger},
        matched::{Forest, Matched},
        records::Records,
        survive::{Members, first_seen, winner},
    },
    publish::{TableSpec, TableWriter, WriterOptions, labelled},
    record::{
        Manifest, PartitionValues, TableName,
        manifest::{Label, Partition, Table},
    },
};

/// Everything that is known of an entity tonight.
#[derive(Clone, Copy)]
pub(super) struct Tonight<'a> {
    pub entity: &'a Entity,
    pub sources: &'a [Source],
    pub records: &'a Records,
    pub latest: &'a [i64],
    pub matched: &'a Matched,
    pub doubtful: &'a [Doubtful],
    pub forest: &'a Forest,
    pub ledger: &'a Ledger,
    pub run_date: NaiveDate,
}

/// Where tables are written, and what the last snapshot has.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub folder: &'a Path,
    pub parent: Option<&'a Manifest>,
    pub timezone: Tz,
    pub options: &'a WriterOptions,
}

/// A table to be written.
pub(super) struct Written<'a> {
    pub name: TableName,
    pub schema: SchemaRef,
    pub partition_by: &'a [&'a str],
    pub key: &'a [&'a str],
    pub description: String,
    pub labels: BTreeMap<String, Label>,
}

impl Place<'_> {
    /// Writes the partitions of a table, but for those of which the last snapshot has the same rows; `kept` are taken over.
    pub fn write(
        &self,
        table: Written<'_>,
        batches: Vec<(PartitionValues, RecordBatch)>,
        kept: Vec<Partition>,
    ) -> Result<Table, Error> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let before = self.parent.map(|parent| parent.partitions(&table.name)).unwrap_or_default();
        let mut partitions = kept;
        let mut fingerprints: BTreeMap<PartitionValues, String> = BTreeMap::new();
        let spec = TableSpec {
            name: table.name.clone(),
            schema: labelled(&table.schema, &table.labels),
            partition_by: names(table.partition_by),
            key: names(table.key),
            dates: Vec::new(),
            timezone: self.timezone,
        };
        let mut writer = TableWriter::create(spec, self.folder, self.options.clone())?;
        let shape = self.parent.and_then(|parent| parent.tables.get(&table.name));
        let declared = catalog::declared(&table.schema, names(table.partition_by), names(table.key));
        let is_same_shape = shape.is_some_and(|shape| shape.columns == declared.columns && shape.key == declared.key);
        for (values, batch) in batches {
            let fingerprint = fingerprint(&batch);
            let same = before.get(&values).filter(|before| is_same_shape && before.fingerprint == fingerprint);
            if let Some(same) = same {
                partitions.push((*same).clone());
                continue;
            }
            fingerprints.insert(values, fingerprint);
            writer.write(&batch)?;
        }
        if !fingerprints.is_empty() || (partitions.is_empty() && table.partition_by.is_empty()) {
            for written in writer.finish()? {
                let fingerprint = fingerprints.remove(&written.values).unwrap_or_default();
                partitions.push(Partition { fingerprint, ..written });
            }
        }
        partitions.sort_by(|one, other| one.values.cmp(&other.values));
        Ok(Table { partitions, description: Some(table.description), labels: table.labels, ..declared })
    }
}

/// Returns a hash of the rows of a batch, in their order.
fn fingerprint(batch: &RecordBatch) -> String {
    let mut hasher = blake3::Hasher::new();
    for column in batch.columns() {
        let data = column.to_data();
        for buffer in data.buffers() {
            hasher.update(&(buffer.len() as u64).to_le_bytes()).update(buffer);
        }
        let nulls = column.nulls().map(|nulls| nulls.iter().collect::<Vec<bool>>()).unwrap_or_default();
        hasher.update(&nulls.iter().map(|is_valid| u8::from(*is_valid)).collect::<Vec<u8>>());
    }
    hasher.finalize().to_hex().as_str()[..32].to_owned()
}

impl Tonight<'_> {
    pub fn id(&self, number: u32) -> &str {
        self.ledger.ids.texts().get(number as usize)
    }

    pub fn source(&self, record: u32) -> &str {
        &self.entity.records[usize::from(self.records.sources[record as usize])].source.value
    }

    /// Writes the id of each record.
    pub fn xref(&self, place: Place<'_>) -> Result<Table, Error> {
        let table = Written {
            name: self.entity.xref_table(),
            schema: schema::xref(self.entity),
            partition_by: &["source"],
            key: &["source", "source_key"],
            description: format!(
                "Which {} each record of each source is, and by what it is tied.",
                self.entity.name.value
            ),
            labels: titles::of(self.entity, titles::XREF),
        };
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let mut batches = Vec::new();
        let mut start = 0;
        while start < count {
            let rank = self.records.sources[start as usize];
            let end = self.records.sources.partition_point(|source| *source <= rank);
            let end = u32::try_from(end).unwrap_or(u32::MAX);
            let values = PartitionValues(vec![Some(self.source(start).to_owned())]);
            batches.push((values, self.xref_rows(start..end, &table.schema)?));
            start = end;
        }
        place.write(table, batches, Vec::new())
    }

    fn xref_rows(&self, rows: std::ops::Range<u32>, schema: &SchemaRef) -> Result<RecordBatch, Error> {
        let standing = |record: u32| self.ledger.standings[record as usize];
        let by_row: Vec<_> =
            rows.clone().map(|record| self.forest.tie(record).map(|tie| self.matched.ties[tie as usize])).collect();
        let tied = || rows.clone().zip(&by_row).map(|(record, tie)| tie.map(|tie| (tie, tie.other(record))));
        let text = |of: &dyn Fn(u32) -> String| -> ArrayRef {
            Arc::new(rows.clone().map(|record| Some(of(record))).collect::<StringArray>())
        };
        let columns: Vec<ArrayRef> = vec![
            text(&|record| self.source(record).to_owned()),
            text(&|record| self.records.keys.get(record as usize).to_owned()),
            text(&|record| self.id(standing(record).id).to_owned()),
            Arc::new(tied().map(|tied| tied.map(|(tie, _)| rule(self.entity, tie).0)).collect::<StringArray>()),
            Arc::new(tied().map(|tied| tied.and_then(|(tie, _)| rule(self.entity, tie).1)).collect::<Float64Array>()),
            Arc::new(tied().map(|tied| tied.map(|(_, other)| self.source(other))).collect::<StringArray>()),
            Arc::new(
                tied()
                    .map(|tied| tied.map(|(_, other)| self.records.keys.get(other as usize)))
                    .collect::<StringArray>(),
            ),
            Arc::new(rows.clone().map(|record| Some(standing(record).since)).collect::<Date32Array>()),
            text(&|record| self.id(standing(record).own_id).to_owned()),
            Arc::new(rows.clone().map(|record| Some(standing(record).seniority)).collect::<Int64Array>()),
        ];
        batch(schema, columns, rows.len())
    }

    /// Writes what happened, behind what had happened before: `earlier` are the rows of the running month.
    pub fn events(&self, reasons: &Reasons<'_>, earlier: &[RecordBatch], place: Place<'_>) -> Result<Table, Error> {
        let name = self.entity.event_table();
        let schema = schema::event(self.entity);
        let month = self.run_date.with_day(1).unwrap_or(self.run_date);
        let values = PartitionValues(vec![Some(month.to_string())]);
        let before = place.parent.and_then(|parent| parent.tables.get(&name)).map(|table| &table.partitions[..]);
        let before = before.unwrap_or_default();
        let mut kept = before.to_vec();
        let mut batches = Vec::new();
        if !self.ledger.changes.is_empty() {
            kept.retain(|partition| partition.values != values);
            let next: u64 = before.iter().map(|partition| partition.rows).sum();
            let new = self.event_rows(next, month, reasons, &schema)?;
            let broken =
                |error: arrow::error::ArrowError| Error::Bug { message: format!("the ledger is broken: {error}") };
            let earlier = earlier.iter().map(|batch| batch.clone().with_schema(SchemaRef::clone(&schema)));
            let all = earlier.chain([Ok(new)]).collect::<Result<Vec<_>, _>>().map_err(broken)?;
            batches.push((values, concat_batches(&schema, &all).map_err(broken)?));
        }
        let table = Written {
            name,
            schema,
            partition_by: &[schema::EVENT_MONTH],
            key: &["number"],
            description: format!("What happened to the ids of each {}, and why.", self.entity.name.value),
            labels: titles::of(self.entity, titles::EVENT),
        };
        place.write(table, batches, kept)
    }

    fn event_rows(
        &self,
        next: u64,
        month: NaiveDate,
        reasons: &Reasons<'_>,
        schema: &SchemaRef,
    ) -> Result<RecordBatch, Error> {
        let changes = &self.ledger.changes;
        let told: Vec<_> = changes.iter().map(|change| reasons.of(change)).collect();
        let first = i64::try_from(next).unwrap_or(i64::MAX);
        let text = |of: &dyn Fn(&Change) -> Option<String>| -> ArrayRef {
            Arc::new(changes.iter().map(of).collect::<StringArray>())
        };
        let day =
            |date: NaiveDate| -> ArrayRef { Arc::new(Date32Array::from_value(date.to_epoch_days(), changes.len())) };
        let columns: Vec<ArrayRef> = vec![
            day(month),
            Arc::new((first..).take(changes.len()).map(Some).collect::<Int64Array>()),
            day(self.run_date),
            text(&|change| Some(word(change.event).to_owned())),
            text(&|change| Some(self.id(change.id).to_owned())),
            text(&|change| change.other.map(|other| self.id(other).to_owned())),
            text(&|change| change.record.map(|record| self.source(record).to_owned())),
            text(&|change| change.record.map(|record| self.records.keys.get(record as usize).to_owned())),
            Arc::new(changes.iter().map(|change| Some(i64::from(change.records))).collect::<Int64Array>()),
            Arc::new(told.iter().map(|reason| reason.rule.as_deref()).collect::<StringArray>()),
            Arc::new(told.iter().map(|reason| reason.score).collect::<Float64Array>()),
            Arc::new(told.iter().map(|reason| Some(reason.text.as_str())).collect::<StringArray>()),
        ];
        batch(schema, columns, changes.len())
    }

    /// Writes one row for each thing.
    pub fn identity(&self, place: Place<'_>) -> Result<Table, Error> {
        let table = Written {
            name: self.entity.identity_table(),
            schema: schema::identity(self.entity, self.sources),
            partition_by: &[],
            key: &[&self.entity.id_column.value],
            description: format!(
                "One row for each {}: the value of each attribute that won, and its source.",
                self.entity.name.value
            ),
            labels: titles::of(self.entity, titles::IDENTITY),
        };
        let rows = self.identity_rows(&table.schema)?;
        let batches = if rows.num_rows() == 0 { Vec::new() } else { vec![(PartitionValues::default(), rows)] };
        place.write(table, batches, Vec::new())
    }

    fn identity_rows(&self, schema: &SchemaRef) -> Result<RecordBatch, Error> {
        let (ids, members) = self.things();
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(ids.iter().map(|id| Some(self.id(*id))).collect::<StringArray>())];
        let mut sources: Vec<ArrayRef> = Vec::new();
        for (number, attribute) in self.entity.attributes.iter().enumerate() {
            let winners: Vec<Option<u32>> = (0..members.len())
                .map(|thing| winner(members.of(thing), number, &attribute.survivorship, self.records, self.latest))
                .collect();
            let value = |record: &Option<u32>| record.and_then(|record| self.records.attributes[number].get(record));
            let values: ArrayRef = Arc::new(winners.iter().map(value).collect::<StringArray>());
            let data_type = schema.field(columns.len()).data_type();
            let broken =
                |error| Error::Bug { message: format!("`{}` is not what it was: {error}", attribute.name.value) };
            columns.push(cast(&values, data_type).map_err(broken)?);
            if schema::has_key(attribute) {
                columns.push(Arc::new(keys(winners.iter().map(value))));
            }
            let source = |record: &Option<u32>| record.map(|record| self.source(record));
            sources.push(Arc::new(winners.iter().map(source).collect::<StringArray>()));
        }
        let seen: Vec<_> = (0..members.len()).map(|thing| first_seen(members.of(thing), self.records)).collect();
        let count = |number: usize| Some(i64::try_from(number).unwrap_or(i64::MAX));
        columns.extend(sources);
        columns.push(Arc::new(seen.iter().map(|(date, _)| *date).collect::<Date32Array>()));
        columns.push(Arc::new((0..members.len()).map(|thing| count(members.of(thing).len())).collect::<Int64Array>()));
        columns.push(Arc::new(seen.iter().map(|(_, sources)| count(*sources)).collect::<Int64Array>()));
        batch(schema, columns, ids.len())
    }

    /// Returns the ids that are borne, in the order of their texts, and the records of each.
    fn things(&self) -> (Vec<u32>, Members) {
        let mut ids: Vec<u32> = self.ledger.standings.iter().map(|standing| standing.id).collect();
        ids.sort_unstable();
        ids.dedup();
        sort_by_text(&mut ids, |id| self.id(id));
        let mut thing_of = vec![0; self.ledger.ids.texts().len()];
        for (thing, id) in (0_u32..).zip(&ids) {
            thing_of[*id as usize] = thing;
        }
        let things: Vec<u32> = self.ledger.standings.iter().map(|standing| thing_of[standing.id as usize]).collect();
        let members = Members::new(&things, ids.len());
        (ids, members)
    }
}

/// Sorts numbers of texts by the texts, of which mostly the first bytes decide: they are looked up once.
fn sort_by_text<'a>(numbers: &mut [u32], text: impl Fn(u32) -> &'a str) {
    let beginning = |number: u32| {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(text(number).bytes()).for_each(|(place, byte)| *place = byte);
        u128::from_be_bytes(bytes)
    };
    let mut keyed: Vec<(u128, u32)> = numbers.iter().map(|number| (beginning(*number), *number)).collect();
    keyed.sort_unstable_by(|one, other| one.0.cmp(&other.0).then_with(|| text(one.1).cmp(text(other.1))));
    numbers.iter_mut().zip(keyed).for_each(|(number, (_, sorted))| *number = sorted);
}

/// Returns what the SQL function `name_key` gives.
fn keys<'a>(names: impl Iterator<Item = Option<&'a str>>) -> StringArray {
    let mut keys = StringBuilder::new();
    let mut folded = String::new();
    for name in names {
        let key = name.map(|name| {
            fold(name, &mut folded);
            folded.split_ascii_whitespace().collect::<String>()
        });
        keys.append_option(key.filter(|key| !key.is_empty()));
    }
    keys.finish()
}

const fn word(event: Event) -> &'static str {
    match event {
        Event::Assign => "assign",
        Event::Merge => "merge",
        Event::Split => "split",
        Event::Retire => "retire",
    }
}

pub(super) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
        .map_err(|error| Error::Bug { message: format!("a table of ids is broken: {error}") })
}
