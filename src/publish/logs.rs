//! The Delta logs of a snapshot on a local disk.
//!
//! In: a snapshot whose data files are in place. Out: `_delta_log/` beside the `data/` of every public table. Each snapshot
//! has its logs whole: what the snapshot before had is linked, and a log goes on from there, whatever others hold.
//! Deliberately absent: what stands in a log (`delta`).

use std::{borrow::Cow, collections::BTreeMap, num::NonZero, panic::resume_unwind, path::PathBuf, thread};

use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaDataReader;

use super::{
    Error, Staging,
    commit::Folders,
    delta::{self, Before, Change},
    layout,
};
use crate::{
    record::{
        Manifest, TableName,
        manifest::{DataFile, DeltaLog, TableFormat},
    },
    storage::local,
};

/// Writes the logs that a manifest wants, of its public tables, and returns them.
pub(super) fn write(
    staging: &Staging,
    manifest: &Manifest,
    folders: &mut Folders,
) -> Result<BTreeMap<TableName, DeltaLog>, Error> {
    if !manifest.formats.contains(&TableFormat::Delta) {
        return Ok(BTreeMap::new());
    }
    let replaced = replaced(staging, manifest)?;
    let replaced = replaced.as_deref();
    let public = manifest.tables.iter().filter(|(name, _)| !name.is_private());
    let mut logs = BTreeMap::new();
    for (name, table) in public {
        let before = replaced
            .and_then(|replaced| Some(Before { table: replaced.tables.get(name)?, log: replaced.delta.get(name)? }));
        let folder = |snapshot: &str| staging.warehouse.snapshot_path(snapshot).join(layout::log_path(name));
        let log = Log {
            name,
            data: staging.warehouse.snapshot_path(&manifest.snapshot).join(layout::data_path(name)),
            folder: folder(&manifest.snapshot),
            earlier: replaced.map(|replaced| folder(&replaced.snapshot)).unwrap_or_default(),
        };
        folders.create(&log.folder)?;
        let change = Change::find(manifest, (name, table), before).map_err(|source| log.failed(source))?;
        logs.insert(name.clone(), log.write(change.as_ref(), before, folders)?);
    }
    Ok(logs)
}

/// Returns the manifest of the snapshot that is replaced. After a rollback this is not the one that files come from.
fn replaced<'a>(staging: &'a Staging, manifest: &Manifest) -> Result<Option<Cow<'a, Manifest>>, Error> {
    match (&manifest.parent, &staging.parent) {
        (None, _) => Ok(None),
        (Some(id), Some(parent)) if parent.snapshot == *id => Ok(Some(Cow::Borrowed(parent))),
        (Some(id), _) => Ok(Some(Cow::Owned(staging.warehouse.manifest(id)?))),
    }
}

/// The log of one table.
struct Log<'a> {
    name: &'a TableName,
    /// The table's data files in this snapshot.
    data: PathBuf,
    /// The log in this snapshot.
    folder: PathBuf,
    /// The log in the snapshot before.
    earlier: PathBuf,
}

impl Log<'_> {
    /// Links what stays of the log before and adds what a change asks for.
    fn write(
        &self,
        change: Option<&Change<'_>>,
        before: Option<Before<'_>>,
        folders: &mut Folders,
    ) -> Result<DeltaLog, Error> {
        let new = change.map_or(Ok(Vec::new()), |change| self.new_files(change))?;
        for (name, bytes) in &new {
            let path = self.folder.join(name);
            local::write_data_file(&path, bytes)?;
            folders.moved.push(path);
        }
        let Some(log) = change.map(Change::log).or(before.map(|before| before.log)) else {
            return Err(self.failed(ArrowError::ComputeError("neither a log nor a change".to_owned())));
        };
        let is_new = |name: &String| new.iter().any(|(written, _)| written == name);
        for name in delta::files(log).iter().filter(|name| !is_new(name)) {
            local::link_or_copy(&self.earlier.join(name), &self.folder.join(name))?;
        }
        Ok(log.clone())
    }

    fn new_files(&self, change: &Change<'_>) -> Result<Vec<delta::LogFile>, Error> {
        let earlier = change.earlier().iter().map(|name| self.read_earlier(name)).collect::<Result<_, _>>()?;
        change.write(self.statistics(change)?, earlier).map_err(|source| self.failed(source))
    }

    fn read_earlier(&self, name: &str) -> Result<Bytes, Error> {
        let path = self.earlier.join(name);
        let lost = || Error::Damaged { path: path.clone(), reason: "it is gone".to_owned() };
        local::read(&path)?.map(Bytes::from).ok_or_else(lost)
    }

    /// Reads the footers of new files, several at once.
    fn statistics(&self, change: &Change<'_>) -> Result<Vec<String>, Error> {
        let files = change.added();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let read_some = |some: &[&DataFile]| -> Result<Vec<String>, Error> {
            some.iter().map(|file| self.statistics_of(change, file)).collect()
        };
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

    fn statistics_of(&self, change: &Change<'_>, file: &DataFile) -> Result<String, Error> {
        let open = local::open(&self.data.join(&file.path))?;
        let footer = ParquetMetaDataReader::new().parse_and_finish(&open);
        footer
            .map_err(ArrowError::from)
            .and_then(|footer| change.statistics(file, &footer))
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: ArrowError) -> Error {
        Error::Delta { table: self.name.clone(), source }
    }
}
