//! How much room a run needs on the disk, foretold before anything is read.
//!
//! ```text
//!  listed files ──► changed bytes of each source ──► packs, partitions of the staged table
//!                   (identity other than last time)        │ share of the source that changed
//!                                                          ▼
//!  last snapshot ──► size of every table and partition ──► partitions of the models above it
//! ```
//!
//! In: definitions, the parent's manifest, the listings. Out: a [`Forecast`]. It is an estimate: which partitions the changed
//! rows fall into is known only after they were read, so a table counts by the share of its input that changed, with at
//! least its largest partition; a new table counts as its largest input, or as a part of it. Deliberately absent: what
//! queries spill, which goes to the folder for temporary files.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{Definitions, Request, listings::Listings, stage};
use crate::{
    Error,
    define::{
        entity::Entity,
        project::{Format, OnLowSpace, Pipeline, Source},
    },
    extract::ExtractFile,
    record::{
        Manifest, TableName,
        manifest::{Input, InputFile, Partition, Table},
        table::STAGED,
    },
    storage::local::space,
};

/// Bytes of packs and of the staged table for each byte of a source that was never read. Ten million order lines and all
/// that comes with them were 0.8 and 0.15; lines of a few short cells are twice that.
const NEW_EXPANSION: Expansion = Expansion { packs: 1.0, staged: 0.5 };
/// Bytes of a table that was never built for each byte of its largest input, where that is a table of another model. Most
/// group or filter to next to nothing, some keep the rows: it is their sum that has to be right, and over ten million order
/// lines a hundred such tables together are about as large as what they read. One that reads a source may well hold all of it.
const NEW_TABLE: f64 = 0.05;
/// How much larger than it lies there a file may be; of a workbook most is the wrapping of its cells.
const PACKED: [(&str, f64); 10] = [
    (".gz", 6.0),
    (".zst", 6.0),
    (".xz", 8.0),
    (".bz2", 8.0),
    (".zip", 6.0),
    (".xlsx", 1.5),
    (".xlsb", 1.5),
    (".ods", 1.5),
    (".parquet", 4.0),
    (".tgz", 6.0),
];
/// What nobody foresees: manifests, folders, rows that lie less well than those before.
const RESERVE: f64 = 1.1;
/// Parts named in a message.
const NAMED: usize = 3;

/// What a run needs and what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Bytes needed, a reserve included.
    pub needed_bytes: u64,
    /// Bytes free on the warehouse's disk; None where nobody can tell.
    pub free_bytes: Option<u64>,
    /// What they are needed for, the largest first.
    pub parts: Vec<Part>,
}

/// What some of the bytes are needed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// A table; `normalized.<source>` stands for packs.
    pub table: TableName,
    /// Bytes.
    pub bytes: u64,
}

impl Forecast {
    /// Returns whether the disk can hold the run, as far as anybody can tell.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.free_bytes.is_none_or(|free| self.needed_bytes <= free)
    }

    /// Ends a run that does not fit, or warns, as the pipeline says.
    ///
    /// # Errors
    /// When it does not fit.
    pub(super) fn admit(&self, pipeline: &Pipeline) -> Result<Option<String>, Error> {
        self.admit_to(&pipeline.warehouse.value, pipeline.publish.on_low_space)
    }

    fn admit_to(&self, warehouse: &str, on_low_space: OnLowSpace) -> Result<Option<String>, Error> {
        let Some(free) = self.free_bytes.filter(|_| !self.fits()) else { return Ok(None) };
        let largest: Vec<String> =
            self.parts.iter().take(NAMED).map(|part| format!("{} for `{}`", shown(part.bytes), part.table)).collect();
        let message = format!(
            "the run needs about {} on the disk of `{}`, and {} are free: {}",
            shown(self.needed_bytes),
            warehouse,
            shown(free),
            largest.join(", ")
        );
        match on_low_space {
            OnLowSpace::Warn => Ok(Some(message)),
            OnLowSpace::Fail => Err(Error::Environment {
                message,
                hint: Some(
                    "free some space (`tallyhouse snapshots vacuum` tells what old snapshots hold), or let the run try \
                     with `publish: { on_low_space: warn }`"
                        .to_owned(),
                ),
            }),
        }
    }
}

/// Foretells what a run needs that writes into a folder.
///
/// # Errors
/// When the free space cannot be asked for. A source that could not be listed counts nothing: reading it will say why.
pub(super) fn forecast(
    request: &Request,
    definitions: &Definitions,
    listings: &Listings,
    parent: Option<&Manifest>,
    folder: &Path,
) -> Result<Forecast, Error> {
    let mut growth = Growth { parent, shares: BTreeMap::new(), sizes: BTreeMap::new(), parts: Vec::new() };
    for source in &definitions.project.sources {
        let name = &source.name.value;
        let before = parent.and_then(|parent| parent.inputs.get(name));
        let reads_otherwise = request.rehash && request.full
            || before.zip(definitions.contracts.get(name)).is_some_and(|(before, contract)| {
                // Codes are part of a contract and not known yet.
                contract.code_tables().is_empty() && stage::reads_as(source, contract) != before.contract
            });
        let listed = listings.get(name).map(Vec::as_slice);
        growth.source(source, &changes(source, listed, before, reads_otherwise), before);
    }
    for entity in &definitions.project.entities {
        growth.entity(entity);
    }
    for model in &definitions.graph.models {
        let known = parent.and_then(|parent| parent.tables.get(&model.model.name));
        let is_other = known.is_some_and(|table| table.definition.as_ref() != Some(&model.definition));
        growth.model(&model.model.name, &model.statement.tables, request.full || is_other);
    }
    let free_bytes = space::free(folder).map_err(crate::publish::Error::from)?;
    Ok(growth.finish(free_bytes))
}

/// How much of a source is other than at the last run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Changes {
    /// Bytes of files that will be read.
    changed: f64,
    /// Bytes of all its files.
    all: f64,
}

fn changes(source: &Source, listed: Option<&[ExtractFile]>, before: Option<&Input>, reads_otherwise: bool) -> Changes {
    let known = before.map(|before| &before.files[..]).unwrap_or_default();
    let all = known.iter().map(|file| bytes(file.size)).sum();
    if matches!(source.format, Format::Database(_)) {
        // What a query gives is known when it has given it; the last pull is as good a guess as any.
        let last = known.last().map_or(0.0, |file| bytes(file.size));
        return Changes { changed: if reads_otherwise { all } else { last }, all };
    }
    let Some(listed) = listed else { return Changes { changed: 0.0, all } };
    let known: BTreeMap<&str, &InputFile> = known.iter().map(|file| (file.path.as_str(), file)).collect();
    let is_same = |file: &&ExtractFile| {
        known.get(&*file.path).is_some_and(|known| match (&known.identity, &file.identity) {
            (Some(identity), Some(now)) if !known.is_young => identity == now,
            // Where nobody knew, the content will be hashed, and mostly it is the same.
            _ => known.size == file.size,
        })
    };
    let sizes = |files: &mut dyn Iterator<Item = &ExtractFile>| -> f64 {
        files.map(|file| bytes(file.size) * unpacked(&file.path, before.is_none())).sum()
    };
    let changed = sizes(&mut listed.iter().filter(|file| reads_otherwise || !is_same(file)));
    Changes { changed, all: sizes(&mut listed.iter()).max(all) }
}

/// Returns how much larger than it lies there a file is; once a source was read, its own figures say so.
fn unpacked(path: &str, is_new: bool) -> f64 {
    let path = path.to_ascii_lowercase();
    let packed = PACKED.iter().find(|(end, _)| is_new && path.ends_with(end));
    packed.map_or(1.0, |(_, times)| *times)
}

/// Bytes written for each byte read.
#[derive(Debug, Clone, Copy)]
struct Expansion {
    packs: f64,
    staged: f64,
}

/// The sum so far.
struct Growth<'a> {
    parent: Option<&'a Manifest>,
    /// Which share of each table is written anew; tables of which nothing is are not there.
    shares: BTreeMap<TableName, f64>,
    /// How large each table will be.
    sizes: BTreeMap<TableName, f64>,
    parts: Vec<(TableName, f64)>,
}

impl Growth<'_> {
    fn source(&mut self, source: &Source, changes: &Changes, before: Option<&Input>) {
        let (staged, packs) = (source.table(), TableName::normalized(&source.name.value));
        let size = |name: &TableName| self.table(name).map_or(0.0, |table| bytes(table.bytes()));
        let rejected = size(&TableName::quarantine(&source.name.value));
        let before = before.filter(|before| before.files.iter().any(|file| file.size > 0));
        let expansion = before.map_or(NEW_EXPANSION, |before| {
            let read: f64 = before.files.iter().map(|file| bytes(file.size)).sum();
            let packed: f64 =
                before.packs.iter().chain(&before.reject_packs).map(|file| bytes(file.bytes)).sum::<f64>() + rejected;
            Expansion { packs: packed / read, staged: size(&staged) / read }
        });
        let new = changes.changed * expansion.staged;
        self.sizes.insert(staged.clone(), size(&staged).max(changes.all * expansion.staged));
        if changes.changed > 0.0 {
            let share = (changes.changed / changes.all.max(1.0)).min(1.0);
            self.parts.push((packs, changes.changed * expansion.packs));
            let rewritten = self.table(&staged).map_or(0.0, |table| rewritten(table, share));
            self.parts.push((staged.clone(), new.max(rewritten)));
            self.shares.insert(staged, share);
        }
    }

    /// Counts the tables of an entity, which are about as large as last time, and written whole where a source changed.
    fn entity(&mut self, entity: &Entity) {
        let changed: Vec<TableName> =
            entity.records.iter().map(|records| TableName::staged(&records.source.value)).collect();
        let is_changed = changed.iter().any(|table| self.shares.contains_key(table));
        for name in entity.tables() {
            let size = self.table(&name).map_or(0.0, |table| bytes(table.bytes()));
            self.sizes.insert(name.clone(), size);
            if is_changed {
                self.parts.push((name.clone(), size));
                self.shares.insert(name, 1.0);
            }
        }
    }

    fn model(&mut self, name: &TableName, inputs: &[TableName], is_whole: bool) {
        let share = inputs.iter().filter_map(|input| self.shares.get(input)).copied().fold(0.0, f64::max);
        let held = |input: &TableName| if input.schema == STAGED { 1.0 } else { NEW_TABLE };
        let largest = inputs.iter().filter_map(|input| Some(self.sizes.get(input)? * held(input))).fold(0.0, f64::max);
        let known = self.parent.and_then(|parent| parent.tables.get(name));
        let size = known.map_or(largest, |table| bytes(table.bytes()));
        let share = if is_whole || known.is_none() { 1.0 } else { share };
        self.sizes.insert(name.clone(), size);
        if share > 0.0 {
            let written = known.map_or(size, |table| rewritten(table, share));
            self.parts.push((name.clone(), written));
            self.shares.insert(name.clone(), share);
        }
    }

    fn table(&self, name: &TableName) -> Option<&Table> {
        self.parent.and_then(|parent| parent.tables.get(name))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of an estimate, rounded up")]
    fn finish(self, free_bytes: Option<u64>) -> Forecast {
        let part = |(table, bytes): (TableName, f64)| Part { table, bytes: bytes.ceil() as u64 };
        let needed: f64 = self.parts.iter().map(|(_, bytes)| bytes * RESERVE).sum();
        let mut parts: Vec<Part> = self.parts.into_iter().map(part).filter(|part| part.bytes > 0).collect();
        parts.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.table.cmp(&other.table)));
        Forecast { needed_bytes: needed.ceil() as u64, free_bytes, parts }
    }
}

/// Returns the bytes of the partitions that are written anew when such a share of the input changed.
fn rewritten(table: &Table, share: f64) -> f64 {
    let size = |partition: &Partition| partition.files.iter().map(|file| file.bytes).sum::<u64>();
    let largest = table.partitions.iter().map(size).max().unwrap_or(0);
    (bytes(table.bytes()) * share).max(bytes(largest))
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

/// Returns bytes for people.
#[must_use]
pub fn shown(count: u64) -> String {
    let (unit, divisor) = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6)]
        .into_iter()
        .find(|(_, divisor)| bytes(count) >= *divisor)
        .unwrap_or(("MB", 1e6));
    format!("{:.1} {unit}", bytes(count) / divisor)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn forecast(needed_bytes: u64, free_bytes: Option<u64>) -> Forecast {
        let part = |name: &str, bytes| Part { table: TableName::new("core", name), bytes };
        let parts = vec![part("sale", 3_000_000_000), part("share", 1_000_000_000), part("a", 9), part("b", 8)];
        Forecast { needed_bytes, free_bytes, parts }
    }

    #[test]
    fn a_run_that_does_not_fit_is_refused_with_what_it_needs() {
        let error = forecast(4_400_000_000, Some(1_260_000_000)).admit_to("/w", OnLowSpace::Fail).unwrap_err();
        assert_eq!(
            (error.exit_code(), error.to_string()),
            (
                3,
                "the run needs about 4.4 GB on the disk of `/w`, and 1.3 GB are free: 3.0 GB for `core.sale`, 1.0 GB for \
                 `core.share`, 0.0 MB for `core.a`"
                    .to_owned()
            )
        );
        assert!(error.hint().unwrap().contains("on_low_space: warn"));
        let warning = forecast(2, Some(1)).admit_to("/w", OnLowSpace::Warn).unwrap();
        assert!(warning.unwrap().starts_with("the run needs about 0.0 MB"));
    }

    #[test]
    fn a_run_that_fits_or_a_disk_that_says_nothing_is_admitted() {
        assert_eq!(forecast(5, Some(5)).admit_to("/w", OnLowSpace::Fail).unwrap(), None);
        assert_eq!(forecast(u64::MAX, None).admit_to("/w", OnLowSpace::Fail).unwrap(), None);
    }

    #[test]
    fn packed_files_of_a_new_source_are_larger_than_they_lie_there() {
        assert!(unpacked("a/B.CSV.GZ", true) > 5.0);
        assert_eq!((unpacked("a.csv.gz", false), unpacked("a.csv", true)), (1.0, 1.0));
    }
}
