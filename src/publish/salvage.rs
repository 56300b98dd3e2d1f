//! What a run had finished that published nothing: the next one takes it over instead of doing it again.
//!
//! ```text
//!  staging/<run>/done/source-<name>.json           a source: its files, packs and tables
//!                    /model-<schema>.<table>.json  a model's table, and the state of all that it was made of
//! ```
//!
//! A run notes what it has finished beside its files. When it is killed, or leaves them since a model failed or a check
//! stopped it, both stay, and the next run moves the folder to its own name. A note counts only if every file that it names is there with the bytes that it names: after a power cut
//! nothing else is known of them. Whether what is noted is still what is wanted is for the conductor to say.
//!
//! In: finished tables. Out: those of the run before. Deliberately absent: notes of a run that published, or that failed for
//! want of room, which it gives back.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Error, Finder, Staging,
    warehouse::{from_json, to_json},
};
use crate::{
    record::{
        Manifest, TableName,
        manifest::{DataFile, Input, Table},
    },
    storage::local::{self, inventory},
};

/// The folder of notes.
const DONE: &str = "done";

/// A finished source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishedSource {
    /// Version of the tool that made it; filled in when it is noted.
    pub tool_version: String,
    /// Its name.
    pub source: String,
    /// Its files and packs.
    pub input: Input,
    /// Its accepted rows.
    pub staged: Table,
    /// Its rejected rows.
    pub quarantine: Table,
    /// What its files were warned of.
    pub warnings: Vec<String>,
}

/// A finished model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishedModel {
    /// Version of the tool that made it.
    pub tool_version: String,
    /// Its table.
    pub name: TableName,
    /// Hash of everything that its rows depend on.
    pub state: String,
    /// Its rows.
    pub table: Table,
}

/// What a killed run had finished, checked file by file.
#[derive(Debug, Default)]
pub struct Salvage {
    sources: BTreeMap<String, FinishedSource>,
    models: BTreeMap<TableName, FinishedModel>,
}

impl Salvage {
    /// Returns a source as it was left.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&FinishedSource> {
        self.sources.get(name)
    }

    /// Returns a model's table, if it was made of just what it would be made of now.
    #[must_use]
    pub fn model(&self, name: &TableName, state: &dyn Fn() -> String) -> Option<&Table> {
        self.models.get(name).filter(|model| model.state == state()).map(|model| &model.table)
    }

    /// Reads the notes in a run's folder; one that cannot be read, or names a file that is not whole, counts for nothing.
    /// All other files are removed.
    pub(super) fn read(folder: &Path, finder: &Finder, parent: Option<&Manifest>) -> Result<Self, Error> {
        let mut salvage = Self::default();
        let verify = Verify { finder, inherited: inherited(parent) };
        for name in local::list(&folder.join(DONE))? {
            let path = folder.join(DONE).join(&name);
            if let Some(found) = note::<FinishedSource>(&path).filter(|found| found.tool_version == version())
                && verify.source(&found)
            {
                salvage.sources.insert(found.source.clone(), found);
            } else if let Some(found) = note::<FinishedModel>(&path).filter(|found| found.tool_version == version())
                && verify.table(&found.name, &found.table)
            {
                salvage.models.insert(found.name.clone(), found);
            } else {
                local::remove_file(&path)?;
            }
        }
        let named = salvage.files(finder);
        let notes = folder.join(DONE);
        local::remove_all_but(folder, &|path| named.contains(path) || path.parent() == Some(&notes))?;
        Ok(salvage)
    }

    /// Returns the paths of all files that are noted, as far as they lie in the run's folder.
    fn files(&self, finder: &Finder) -> HashSet<PathBuf> {
        let of_table = |name: &TableName, table: &Table| -> Vec<PathBuf> {
            table.files().map(|file| finder.staged(name, file)).collect()
        };
        let of_source = |found: &FinishedSource| -> Vec<PathBuf> {
            let packs = found.input.all_packs();
            let mut files: Vec<PathBuf> =
                packs.map(|file| finder.staged(&TableName::normalized(&found.source), file)).collect();
            files.extend(of_table(&TableName::staged(&found.source), &found.staged));
            files.extend(of_table(&TableName::quarantine(&found.source), &found.quarantine));
            files
        };
        let sources = self.sources.values().flat_map(of_source);
        sources.chain(self.models.values().flat_map(|found| of_table(&found.name, &found.table))).collect()
    }
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn note<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = local::read(path).ok()??;
    from_json(path, &bytes).ok()
}

/// Returns what the parent's files are called.
fn inherited(parent: Option<&Manifest>) -> HashSet<(TableName, &str)> {
    parent.into_iter().flat_map(Manifest::files).map(|(name, file)| (name, file.path.as_str())).collect()
}

struct Verify<'a> {
    finder: &'a Finder,
    inherited: HashSet<(TableName, &'a str)>,
}

impl Verify<'_> {
    fn source(&self, found: &FinishedSource) -> bool {
        let name = TableName::normalized(&found.source);
        found.input.all_packs().all(|file| self.file(&name, file))
            && self.table(&TableName::staged(&found.source), &found.staged)
            && self.table(&TableName::quarantine(&found.source), &found.quarantine)
    }

    fn table(&self, name: &TableName, table: &Table) -> bool {
        table.files().all(|file| self.file(name, file))
    }

    /// Returns whether a file is the parent's, or lies here with the bytes that it should have.
    fn file(&self, table: &TableName, file: &DataFile) -> bool {
        let staged = self.finder.staged(table, file);
        match local::exists(&staged) {
            true => inventory::hash(&staged).is_ok_and(|hash| hash == file.blake3),
            false => self.inherited.contains(&(table.clone(), file.path.as_str())),
        }
    }
}

impl Staging {
    /// Returns what a run that was killed had finished.
    #[must_use]
    pub const fn salvage(&self) -> &Salvage {
        &self.salvage
    }

    /// Notes that a source is finished.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note_source(&self, mut source: FinishedSource) -> Result<(), Error> {
        version().clone_into(&mut source.tool_version);
        self.note(&format!("source-{}.json", source.source), &source)
    }

    /// Notes that a model is finished.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note_model(&self, name: &TableName, state: &str, table: &Table) -> Result<(), Error> {
        let (name, state, table) = (name.clone(), state.to_owned(), table.clone());
        let file = format!("model-{name}.json");
        self.note(&file, &FinishedModel { tool_version: version().to_owned(), name, state, table })
    }

    fn note(&self, file: &str, note: &impl Serialize) -> Result<(), Error> {
        let folder = self.path().join(DONE);
        local::create_dir_all(&folder, Some(local::PRIVATE_MODE))?;
        let (partial, path) = (folder.join(format!(".{file}.new")), folder.join(file));
        local::remove_file(&partial)?;
        local::write_data_file(&partial, &to_json(&path, note)?)?;
        // A run may be killed in the middle of writing, which must not cost what is noted.
        Ok(local::rename(&partial, &path)?)
    }

    /// Moves the folder of the run before to this one's name, or makes a new one; all others are removed.
    pub(super) fn adopt(root: &Path, path: &Path) -> Result<(), Error> {
        local::create_dir_all(root, Some(local::PRIVATE_MODE))?;
        // A run's name begins with its time.
        let runs = local::list(root)?;
        let has_notes = |run: &&String| local::list(&root.join(run).join(DONE)).is_ok_and(|notes| !notes.is_empty());
        let last = runs.last().filter(has_notes);
        for run in runs.iter().filter(|run| Some(*run) != last) {
            local::remove_dir_all(&root.join(run))?;
        }
        match last.map(|last| root.join(last)).filter(|last| last != path) {
            Some(last) => local::rename(&last, path)?,
            None => local::create_dir_all(path, Some(local::PRIVATE_MODE))?,
        }
        Ok(())
    }
}
