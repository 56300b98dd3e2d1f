//! The Delta logs of a snapshot: what each of its public tables adds to its log.
//!
//! In: a manifest, and the one that it replaces. Out: a step for each table, which makes the bytes of new log files from
//! the footers of new data files. Deliberately absent: what stands in a log (`delta`) and where logs lie (`depot`).

use std::{borrow::Cow, num::NonZero, panic::resume_unwind, path::PathBuf, thread};

use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;

use super::{
    Error, Staging,
    delta::{self, Before, Change},
};
use crate::{
    record::{
        Manifest, TableName,
        manifest::{DataFile, DeltaLog, TableFormat},
    },
    storage::local::OpenFile,
};

/// What becomes of the log of one table.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub name: &'a TableName,
    /// None where the log stays as it is.
    change: Option<Change<'a>>,
    log: Cow<'a, DeltaLog>,
}

/// Returns a step for each public table, if the manifest wants logs.
pub(super) fn steps<'a>(manifest: &'a Manifest, replaced: Option<&'a Manifest>) -> Result<Vec<Step<'a>>, Error> {
    if !manifest.formats.contains(&TableFormat::Delta) {
        return Ok(Vec::new());
    }
    let public = manifest.tables.iter().filter(|(name, _)| !name.is_private());
    let step = |(name, table)| {
        let before = replaced
            .and_then(|replaced| Some(Before { table: replaced.tables.get(name)?, log: replaced.delta.get(name)? }));
        let change = Change::find(manifest, (name, table), before).map_err(|source| failed(name, source))?;
        let log = match (&change, before) {
            (Some(change), _) => Cow::Owned(change.log().clone()),
            (None, Some(before)) => Cow::Borrowed(before.log),
            (None, None) => {
                return Err(failed(name, ArrowError::ComputeError("neither a log nor a change".to_owned())));
            }
        };
        Ok(Step { name, change, log })
    };
    public.map(step).collect()
}

/// Says that a log file is gone which the next version needs.
pub(super) fn lost(path: PathBuf) -> Error {
    Error::Damaged { path, reason: "it is gone".to_owned() }
}

impl Staging {
    /// Returns the manifest of the snapshot that is replaced. After a rollback this is not the one that files come from.
    pub(super) fn replaced(&self, manifest: &Manifest) -> Result<Option<Cow<'_, Manifest>>, Error> {
        match (&manifest.parent, &self.parent) {
            (None, _) => Ok(None),
            (Some(id), Some(parent)) if parent.snapshot == *id => Ok(Some(Cow::Borrowed(parent))),
            (Some(id), _) => Ok(Some(Cow::Owned(self.warehouse.manifest(id)?))),
        }
    }
}

impl Step<'_> {
    /// Returns the log as it is from now on.
    pub fn log(&self) -> &DeltaLog {
        &self.log
    }

    /// Returns the log files that are new, given how to read earlier ones and how to open new data files.
    pub fn new_files(
        &self,
        read_earlier: &dyn Fn(&str) -> Result<Bytes, Error>,
        open: &(dyn Fn(&DataFile) -> Result<OpenFile, Error> + Sync),
    ) -> Result<Vec<delta::LogFile>, Error> {
        let Some(change) = &self.change else { return Ok(Vec::new()) };
        let earlier = change.earlier().iter().map(|name| read_earlier(name)).collect::<Result<_, _>>()?;
        change.write(self.statistics(change, open)?, earlier).map_err(|source| failed(self.name, source))
    }

    /// Reads the footers of new files, several at once.
    fn statistics(
        &self,
        change: &Change<'_>,
        open: &(dyn Fn(&DataFile) -> Result<OpenFile, Error> + Sync),
    ) -> Result<Vec<String>, Error> {
        let files = change.added();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let read_one = |file: &&DataFile| {
            let footer = ParquetMetaDataReader::new().parse_and_finish(&open(file)?);
            let footer = footer.map_err(ArrowError::from).and_then(|footer| change.statistics(file, &footer));
            footer.map_err(|source| failed(self.name, source))
        };
        let read_some = |some: &[&DataFile]| some.iter().map(read_one).collect::<Result<Vec<String>, Error>>();
        thread::scope(|scope| {
            let share = files.len().div_ceil(threads).max(1);
            let readers: Vec<_> = files.chunks(share).map(|some| scope.spawn(move || read_some(some))).collect();
            let mut all = Vec::with_capacity(files.len());
            for reader in readers {
                all.extend(reader.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(all)
        })
    }
}

fn failed(name: &TableName, source: ArrowError) -> Error {
    Error::Delta { table: name.clone(), source }
}
