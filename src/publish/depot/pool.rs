//! A warehouse in an object store: one pool of files for all snapshots, and small objects that say which belong together.
//!
//! ```text
//! <prefix>/
//!   current.json   env/<name>.json          which snapshot is served; replaced only over the state that was seen
//!   lock.json                               who publishes now, see `lease`
//!   hold.json      env/<name>.hold.json
//!   snapshots/<id>/manifest.json  views.sql written once
//!   <schema>/<table>/data/<partition>=<value>/<content>.parquet
//!                    _delta_log/…       of production's snapshots
//!   private/{staged,quarantine,normalized,ops}/<table>/data/…
//!   runs/<run>.json
//! ```
//!
//! Files go first, then the manifest, then the pointer: whoever reads the pointer finds everything. A file's name is its
//! content, so a file that is there already is the file that was meant. Files leave with the last snapshot that has them.
//! Delta logs follow the pointer: they say nothing but what the manifests say, so whoever finds them behind can go on.
//!
//! In: a [`Vault`]. Deliberately absent: folders and links, which an object store does not have, and safety for readers
//! that list a table's folder: it holds files of several snapshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    Attempt, Depot, Hold, Served,
    lease::{self, Timing},
};
use crate::{
    publish::{
        Error, Staging,
        layout::{self, MANIFEST, SNAPSHOTS, Target, VIEWS},
        logs::{self, Step},
        views,
        warehouse::{Pointer, from_json, parse_manifest, to_json},
    },
    record::{
        Manifest, StoredAt, TableName,
        manifest::{DataFile, Table},
    },
    storage::{
        local::{
            self, OpenFile, PRIVATE_MODE,
            lock::{Holder, now},
        },
        vault::{Upload, Vault},
    },
};

/// A prefix of an object store.
#[derive(Debug)]
pub(in crate::publish) struct Pool {
    vault: Vault,
    /// `s3://bucket/prefix`.
    root: PathBuf,
    /// The local folder where runs of this machine collect files.
    scratch: PathBuf,
    timing: Timing,
}

impl Pool {
    pub fn new(vault: Vault, timing: Timing) -> Self {
        let root = vault.shown("");
        let name = &blake3::hash(root.as_bytes()).to_hex()[..16];
        let scratch = local::scratch(&format!("tallyhouse-{name}"));
        Self { vault, root: PathBuf::from(root), scratch, timing }
    }

    /// Returns every file of a manifest with its key.
    fn files(manifest: &Manifest) -> impl Iterator<Item = (TableName, &DataFile, String)> {
        manifest.files().map(|(name, file)| {
            let key = key(&name, file);
            (name, file, key)
        })
    }

    /// Returns the files that the parent does not have, which must have been staged.
    fn uploads(staging: &Staging, manifest: &Manifest) -> Result<Vec<Upload>, Error> {
        let there: BTreeSet<String> =
            staging.parent.iter().flat_map(|parent| Self::files(parent).map(|(.., key)| key)).collect();
        let mut uploads = BTreeMap::new();
        for (table, file, to) in Self::files(manifest).filter(|(.., key)| !there.contains(key)) {
            let from = staging.file(&table, file);
            if !local::exists(&from) {
                return Err(Error::MissingFile { table, path: file.path.clone() });
            }
            uploads.insert(to.clone(), Upload { from, bytes: file.bytes, to });
        }
        Ok(uploads.into_values().collect())
    }

    fn manifest(&self, id: &str) -> Result<Option<Manifest>, Error> {
        let name = format!("{SNAPSHOTS}/{id}/{MANIFEST}");
        self.read(&name)?.map(|bytes| parse_manifest(&self.root.join(&name), &bytes)).transpose()
    }

    fn write_documents(&self, manifest: &Manifest) -> Result<(), Error> {
        let folder = format!("{SNAPSHOTS}/{}", manifest.snapshot);
        let views = views::render(manifest, &|name, table| views::Files::Named(self.addresses(name, table)));
        self.vault.overwrite(&format!("{folder}/{VIEWS}"), views.into_bytes())?;
        // Written last: a snapshot with a manifest is whole.
        let name = format!("{folder}/{MANIFEST}");
        let bytes = to_json(&self.root.join(&name), manifest)?;
        if self.vault.create(&name, bytes.clone())?.is_some() || self.read(&name)?.as_ref() == Some(&bytes) {
            return Ok(());
        }
        Err(Error::moved(self.root.join(name), None, Some(&manifest.snapshot)))
    }

    fn addresses(&self, name: &TableName, table: &Table) -> Vec<String> {
        table.files().map(|file| self.vault.shown(&key(name, file))).collect()
    }

    /// Returns what the snapshot adds to the logs. Only production has logs: an environment's files lie in the same folders.
    fn log_steps<'a>(
        target: &Target,
        manifest: &'a Manifest,
        replaced: Option<&'a Manifest>,
    ) -> Result<Vec<Step<'a>>, Error> {
        if *target == Target::production() { logs::steps(manifest, replaced) } else { Ok(Vec::new()) }
    }

    /// Writes what a snapshot adds to the logs; what is there already is what it would be.
    fn write_logs(
        &self,
        target: &Target,
        manifest: &Manifest,
        replaced: Option<&Manifest>,
        open: &(dyn Fn(&TableName, &DataFile) -> Result<OpenFile, Error> + Sync),
    ) -> Result<(), Error> {
        for step in Self::log_steps(target, manifest, replaced)? {
            let folder = layout::log_path(step.name).display().to_string();
            let read = |name: &str| {
                let key = format!("{folder}/{name}");
                self.vault.read(&key)?.map(|found| found.bytes).ok_or_else(|| logs::lost(self.root.join(&key)))
            };
            // `_last_checkpoint` is a hint that moves on; all others are written once.
            for (name, bytes) in step.new_files(&read, &|file| open(step.name, file))? {
                let key = format!("{folder}/{name}");
                match name.starts_with('_') {
                    true => self.vault.overwrite(&key, bytes)?,
                    false => drop(self.vault.create(&key, bytes)?),
                }
            }
        }
        let dropped = replaced.iter().flat_map(|replaced| replaced.delta.keys());
        for name in dropped.filter(|name| *target == Target::production() && !manifest.delta.contains_key(name)) {
            self.vault.remove(self.vault.keys(&layout::log_path(name).display().to_string())?)?;
        }
        Ok(())
    }

    /// Writes the logs of the served snapshot as far as a run could not that was killed.
    fn repair_logs(&self, published: &[Manifest]) -> Result<(), Error> {
        let target = Target::production();
        let Some(id) = self.served(&target)?.snapshot else { return Ok(()) };
        let find = |id: &String| published.iter().find(|manifest| manifest.snapshot == *id);
        let Some(served) = find(&id) else { return Ok(()) };
        let replaced = served.parent.as_ref().and_then(find);
        // Without the snapshot before nobody can tell the difference to it; it goes only after the logs are written.
        if served.parent.is_some() && replaced.is_none() {
            return Ok(());
        }
        let open = |name: &TableName, file: &DataFile| {
            // Two files may have the same bytes, and be fetched at the same time.
            let key = key(name, file);
            let path = self.scratch.join(blake3::hash(key.as_bytes()).to_hex().as_str());
            self.fetch(&key, &path)?;
            let open = local::open(&path)?;
            local::remove_file(&path)?;
            Ok(open)
        };
        self.write_logs(&target, served, replaced, &open)
    }
}

/// Returns the key of a table's file.
fn key(table: &TableName, file: &DataFile) -> String {
    format!("{}/{}", layout::data_path(table).display(), file.path)
}

impl Depot for Pool {
    fn root(&self) -> &Path {
        &self.root
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.vault.read(name)?.map(|found| found.bytes.to_vec()))
    }

    fn exists(&self, name: &str) -> Result<bool, Error> {
        Ok(self.vault.exists(name)?)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        Ok(self.vault.names(folder)?)
    }

    fn write(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        Ok(self.vault.overwrite(name, bytes)?)
    }

    fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.write(name, bytes)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        Ok(self.vault.remove([name.to_owned()])?)
    }

    /// A run that takes over from one that stopped answering first changes every pointer: should the other one wake up,
    /// it finds that what it saw is no more.
    fn lock(&self, holder: &Holder) -> Result<Attempt, Error> {
        let lease = match lease::take(&self.vault, holder, self.timing)? {
            lease::Taken::Ours(lease) => lease,
            lease::Taken::Theirs(holder) => return Ok(Attempt::Busy(holder)),
        };
        if lease.is_inherited() {
            for target in layout::targets(&self.names(layout::ENVIRONMENTS)?) {
                let seen = self.served(&target)?;
                let pointer = Pointer { epoch: seen.epoch + 1, ..Pointer::of(seen.snapshot.as_deref(), now()) };
                let bytes = to_json(&self.root.join(&target.pointer), &pointer)?;
                if self.vault.replace(&target.pointer, bytes, seen.mark.as_ref())?.is_none() {
                    return Ok(Attempt::Busy(None));
                }
            }
        }
        Ok(Attempt::Locked(Box::new(lease)))
    }

    fn served(&self, target: &Target) -> Result<Served, Error> {
        let Some(found) = self.vault.read(&target.pointer)? else { return Ok(Served::default()) };
        let pointer: Pointer = from_json(&self.root.join(&target.pointer), &found.bytes)?;
        Ok(Served { snapshot: pointer.snapshot, mark: Some(found.mark), epoch: pointer.epoch })
    }

    fn serve(&self, target: &Target, snapshot: &str, instead_of: &Served) -> Result<(), Error> {
        let pointer = Pointer { epoch: instead_of.epoch, ..Pointer::to(snapshot, now()) };
        let path = self.root.join(&target.pointer);
        let replaced = self.vault.replace(&target.pointer, to_json(&path, &pointer)?, instead_of.mark.as_ref())?;
        if replaced.is_some() {
            return Ok(());
        }
        // An answer may have been lost and the request sent twice.
        let found = self.served(target)?.snapshot;
        if found.as_deref() == Some(snapshot) {
            return Ok(());
        }
        Err(Error::moved(path, instead_of.snapshot.as_deref(), found.as_deref()))
    }

    fn repair(&self, _: &Target) -> Result<(), Error> {
        Ok(())
    }

    fn staging(&self) -> PathBuf {
        self.scratch.join(layout::STAGING)
    }

    fn clear(&self, published: &dyn Fn() -> Result<Vec<Manifest>, Error>, hold: &dyn Hold) -> Result<(), Error> {
        local::create_dir_all(&self.scratch, Some(PRIVATE_MODE))?;
        if !hold.is_inherited() {
            return Ok(());
        }
        let published = published()?;
        // Files that no snapshot has are what a run left that stopped answering.
        self.vault.remove(self.unnamed(&published)?)?;
        self.repair_logs(&published)
    }

    fn put_together(&self, staging: &Staging, manifest: &mut Manifest) -> Result<(), Error> {
        let replaced = staging.replaced(manifest)?;
        let steps = Self::log_steps(&staging.warehouse.target, manifest, replaced.as_deref())?;
        manifest.delta = steps.iter().map(|step| (step.name.clone(), step.log().clone())).collect();
        let uploads = Self::uploads(staging, manifest)?;
        let mut new = Vec::new();
        let written =
            self.vault.upload(&uploads, &mut new).map_err(Error::from).and_then(|()| self.write_documents(manifest));
        if written.is_err()
            && let Err(error) = self.vault.remove(new)
        {
            tracing::warn!("{error}");
        }
        written
    }

    /// Writes the Delta logs. They follow the pointer, so that no reader of a log sees what was never published; should
    /// that fail, the next run does it.
    fn complete(&self, staging: &Staging, manifest: &Manifest) -> Result<(), Error> {
        let replaced = staging.replaced(manifest)?;
        let target = &staging.warehouse.target;
        let open = |name: &TableName, file: &DataFile| Ok(local::open(&staging.finder().fetch(name, file)?)?);
        let written = self.write_logs(target, manifest, replaced.as_deref(), &open);
        if written.is_err() {
            staging.lock.hold.abandon();
        }
        written
    }

    fn stored_at(&self, _: &str, table: &TableName, file: &DataFile) -> StoredAt {
        StoredAt::Store(key(table, file))
    }

    fn unnamed(&self, published: &[Manifest]) -> Result<Vec<String>, Error> {
        let named: BTreeSet<String> =
            published.iter().flat_map(|manifest| Self::files(manifest).map(|(.., key)| key)).collect();
        let is_data = |key: &String| key.split('/').any(|part| part == "data");
        let apart = [SNAPSHOTS, layout::RUNS, layout::ENVIRONMENTS, layout::REMEMBERED];
        let mut unnamed = Vec::new();
        for folder in self.vault.names("")?.iter().filter(|name| !name.contains('.') && !apart.contains(&name.as_str()))
        {
            let keys = self.vault.keys(folder)?.into_iter();
            unnamed.extend(keys.filter(|key| is_data(key) && !named.contains(key)));
        }
        Ok(unnamed)
    }

    fn fetch(&self, key: &str, to: &Path) -> Result<(), Error> {
        Ok(self.vault.download(key, to)?)
    }

    /// Most often a snapshot that goes has nothing that the newest does not have; only else all others are asked.
    fn remove_snapshots(&self, gone: &[String], others: &[String]) -> Result<(), Error> {
        let mut doomed = BTreeSet::new();
        for id in gone {
            let manifest = self.manifest(id)?;
            doomed.extend(manifest.iter().flat_map(|manifest| Self::files(manifest).map(|(.., key)| key)));
        }
        for id in others {
            if doomed.is_empty() {
                break;
            }
            if let Some(manifest) = self.manifest(id)? {
                Self::files(&manifest).for_each(|(.., key)| {
                    doomed.remove(&key);
                });
            }
        }
        for id in gone {
            // The manifest goes first: a half-removed snapshot is litter then, not one with holes.
            self.remove(&format!("{SNAPSHOTS}/{id}/{MANIFEST}"))?;
            self.vault.remove(self.vault.keys(&format!("{SNAPSHOTS}/{id}"))?)?;
        }
        Ok(self.vault.remove(doomed)?)
    }
}
