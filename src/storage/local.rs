//! The local disk of a warehouse: the few operations from which a snapshot is made durable and visible.
//!
//! In: paths. Out: bytes, names, or an [`Error`] that knows its path and tells a full disk from a missing right. It is the
//! only place that calls `std::fs` for the warehouse. Deliberately absent: object stores, and any idea of what a snapshot
//! is; the order of the calls, which makes a publication atomic, is `publish::commit`'s.

pub mod inventory;
pub(crate) mod journal;
pub mod lock;
pub mod space;
pub mod spill;

use std::{
    collections::BTreeSet,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use journal::{Step, note};

/// A file that is open, for modules that do not open any.
pub type OpenFile = File;

/// Mode of folders that may hold personal data.
pub const PRIVATE_MODE: u32 = 0o700;
/// Mode of data files: nobody writes to a file whose name is its content.
const DATA_MODE: u32 = 0o444;
/// Files and folders for which the disk is asked at once.
const SYNCED_AT_ONCE: usize = 16;
/// Folders from which on it takes less time to wait for all that the disk has to write than for each of them.
const WHOLE_DISK_FOLDERS: usize = 512;

/// An operation on the disk that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`: {}", .path.display(), describe(.source))]
pub struct Error {
    /// What was tried: `create`, `read`, `link`, …
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// The kinds of failures that a user answers in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No space, no inodes, or a quota is used up.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The user may not do this here.
    Permission,
    /// The path does not exist.
    Missing,
    /// Anything else.
    Other,
}

impl Error {
    /// Names the operation and the path of a failure of the operating system.
    #[must_use]
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// Returns which kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        kind(&self.source)
    }

    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self.kind() {
            Kind::Full => Some("free some space, or keep fewer snapshots (`publish.keep_snapshots`), and run again"),
            Kind::ReadOnly => Some("mount the file system writable, or set `warehouse` to another folder"),
            Kind::Permission => {
                Some("let the user who runs tallyhouse own the folder, or set `warehouse` to another one")
            }
            Kind::Missing => Some("create the folder above it, or correct `warehouse` in the pipeline file"),
            Kind::Other => None,
        }
    }
}

fn kind(source: &io::Error) -> Kind {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Kind::Full,
        ErrorKind::ReadOnlyFilesystem => Kind::ReadOnly,
        ErrorKind::PermissionDenied => Kind::Permission,
        ErrorKind::NotFound => Kind::Missing,
        _ => Kind::Other,
    }
}

fn describe(source: &io::Error) -> String {
    match kind(source) {
        Kind::Full => "the disk is full".to_owned(),
        Kind::ReadOnly => "the file system is read-only".to_owned(),
        Kind::Permission => "permission denied".to_owned(),
        Kind::Missing => "no such file or directory".to_owned(),
        Kind::Other if source.kind() == ErrorKind::NotADirectory => "not a directory".to_owned(),
        Kind::Other => source.to_string(),
    }
}

/// Adds action and path to an `io::Result`.
trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::new(action, path, source))
    }
}

/// Returns the path of a folder for what is of no use to anybody else; it need not exist.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(name)
}

/// Creates one folder and waits until the disk holds its name; one that exists is fine.
///
/// # Errors
/// When the folder above does not exist, or the disk refuses.
pub fn create_dir(path: &Path) -> Result<(), Error> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => {
            result.at("create", path)?;
            note(Step::Folder(path));
            sync_parent(path)
        }
    }
}

/// Creates a folder and those above it, each missing one with `mode` where that is given.
///
/// # Errors
/// When the disk refuses.
pub fn create_dir_all(path: &Path, mode: Option<u32>) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    if let Some(mode) = mode {
        builder.mode(mode);
    }
    builder.create(path).at("create", path).map(|()| note(Step::Folder(path)))
}

/// Creates a data file, which must not exist; it is read-only for everyone but the returned handle.
///
/// # Errors
/// When the file exists or the disk refuses.
pub fn create_data_file(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(DATA_MODE).open(path).at("create", path)?;
    note(Step::File(path));
    Ok(file)
}

/// Writes a data file, which must not exist, without waiting for the disk.
///
/// # Errors
/// When the file exists or the disk refuses.
pub fn write_data_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    create_data_file(path)?.write_all(bytes).at("write", path)
}

/// Writes a file that must not exist and waits until the disk holds it.
///
/// # Errors
/// When the file exists or the disk refuses.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).at("create", path)?;
    note(Step::File(path));
    file.write_all(bytes).at("write", path)?;
    sync_open(&file, path)
}

/// Removes all files below a folder but those that are wanted; folders stay.
///
/// # Errors
/// When the disk refuses.
pub fn remove_all_but(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<(), Error> {
    for name in list(folder)? {
        let path = folder.join(name);
        if is_dir(&path) {
            remove_all_but(&path, is_wanted)?;
        } else if !is_wanted(&path) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

/// Replaces a small file in one step: a reader sees the old bytes or the new ones.
///
/// # Errors
/// When the disk refuses; the old file is then still there.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = beside(path);
    remove_file(&temporary)?;
    write_new(&temporary, bytes)?;
    rename(&temporary, path)?;
    sync_parent(path)
}

/// Lets the symbolic link `link` point at `target` in one step: a reader resolves the old target or the new one.
///
/// # Errors
/// When the disk refuses; the old link is then still there.
pub fn replace_symlink(target: &Path, link: &Path) -> Result<(), Error> {
    let temporary = beside(link);
    remove_file(&temporary)?;
    std::os::unix::fs::symlink(target, &temporary).at("link", &temporary)?;
    note(Step::Symlink(target, &temporary));
    rename(&temporary, link)?;
    sync_parent(link)
}

/// How the hidden names of half-written files end.
const HALF_WRITTEN: &str = ".new";

/// A hidden name in the same folder, so that `rename(2)` stays within one file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{HALF_WRITTEN}"))
}

/// Removes what [`replace_file`] and [`replace_symlink`] leave in a folder when they are killed before their rename.
///
/// # Errors
/// When the folder cannot be listed or a file not removed; a folder that is not there has none.
pub fn remove_half_written(folder: &Path) -> Result<(), Error> {
    let is_half_written = |name: &&String| name.starts_with('.') && name.ends_with(HALF_WRITTEN);
    list(folder)?.iter().filter(is_half_written).try_for_each(|name| remove_file(&folder.join(name)))
}

/// How a file came to its second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// Both names are one file.
    Hard,
    /// The file system has no (more) links for it, so its bytes were copied.
    Copied,
}

/// Gives a file a second name, by a hard link or, where that is not possible, by a durable copy: other file system,
/// file system without links, or the file's links are used up (65,000 on ext4).
///
/// # Errors
/// When `from` is missing, `to` exists, or the disk refuses.
pub fn link_or_copy(from: &Path, to: &Path) -> Result<Linked, Error> {
    match std::fs::hard_link(from, to) {
        Ok(()) => {
            note(Step::Link(from, to));
            Ok(Linked::Hard)
        }
        Err(error) if cannot_link(&error) => copy(from, to).map(|()| Linked::Copied),
        Err(error) => Err(Error::new("link", if error.kind() == ErrorKind::NotFound { from } else { to }, error)),
    }
}

fn cannot_link(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | TooManyLinks | PermissionDenied | Unsupported)
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).at("read", from)?;
    let mut target = create_data_file(to)?;
    io::copy(&mut source, &mut target).at("write", to)?;
    sync_open(&target, to)
}

/// Renames a file or folder within one file system; a file or link of that name is replaced.
///
/// # Errors
/// When the disk refuses.
pub fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).at("rename", from).map(|()| note(Step::Rename(from, to)))
}

/// Waits until the disk holds the bytes of closed files, or the names within folders: several at once, since each wait is
/// a few milliseconds in which the disk can take others along. What the system failed to write back before is reported
/// here, to the first who asks.
///
/// # Errors
/// When the disk refuses one of them; the others may be durable or not.
pub fn sync_all(paths: &[PathBuf]) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let sync_some = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            // After a failure the other threads find nothing left.
            sync(path).inspect_err(|_| next.store(paths.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..paths.len().min(SYNCED_AT_ONCE)).map(|_| scope.spawn(sync_some)).collect();
        let own = sync_some();
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(others).collect()
    })
}

/// Waits until the disk holds the names within folders. Very many are waited for at once by asking their file systems to
/// write down all that they have: names lie in a journal, which one request takes along whole.
///
/// # Errors
/// When the disk refuses one of them; the others may be durable or not.
pub fn sync_dirs(folders: &[PathBuf]) -> Result<(), Error> {
    if folders.len() < WHOLE_DISK_FOLDERS || !cfg!(target_os = "linux") {
        return sync_all(folders);
    }
    let mut asked = BTreeSet::new();
    for folder in folders {
        let opened = File::open(folder).at("sync", folder)?;
        if asked.insert(opened.metadata().at("sync", folder)?.dev()) {
            sync_file_system(&opened).at("sync", folder)?;
        }
    }
    for folder in folders {
        note(Step::Sync(folder));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync_file_system(within: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(within)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(within: &File) -> io::Result<()> {
    within.sync_all()
}

/// Waits until the disk holds the names within a folder.
///
/// # Errors
/// When the disk refuses.
pub fn sync_dir(path: &Path) -> Result<(), Error> {
    sync(path)
}

fn sync(path: &Path) -> Result<(), Error> {
    sync_open(&File::open(path).at("sync", path)?, path)
}

fn sync_open(file: &File, path: &Path) -> Result<(), Error> {
    file.sync_all().at("sync", path).map(|()| note(Step::Sync(path)))
}

fn sync_parent(path: &Path) -> Result<(), Error> {
    path.parent().map_or(Ok(()), sync_dir)
}

/// Removes a file or link and waits until the disk has forgotten its name; one that does not exist is fine.
///
/// # Errors
/// When the disk refuses.
pub fn remove_for_good(path: &Path) -> Result<(), Error> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(());
    }
    remove_file(path)?;
    sync_parent(path)
}

/// Removes a folder with all that is in it; one that does not exist is fine.
///
/// # Errors
/// When the disk refuses.
pub fn remove_dir_all(path: &Path) -> Result<(), Error> {
    gone(std::fs::remove_dir_all(path)).at("remove", path).map(|()| note(Step::Remove(path)))
}

/// Removes a file or link; one that does not exist is fine.
///
/// # Errors
/// When the disk refuses.
pub fn remove_file(path: &Path) -> Result<(), Error> {
    gone(std::fs::remove_file(path)).at("remove", path).map(|()| note(Step::Remove(path)))
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Reads a small file; None when it does not exist.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    optional(std::fs::read(path)).at("read", path)
}

/// Opens a file for reading.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<File, Error> {
    File::open(path).at("read", path)
}

/// Returns where a symbolic link points; None when it does not exist.
///
/// # Errors
/// When the path is no link or cannot be read.
pub fn read_link(path: &Path) -> Result<Option<PathBuf>, Error> {
    optional(std::fs::read_link(path)).at("read the link", path)
}

fn optional<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the names in a folder, sorted; none when it does not exist. Names that are no UTF-8 are left out.
///
/// # Errors
/// When it cannot be read.
pub fn list(path: &Path) -> Result<Vec<String>, Error> {
    let Some(entries) = optional(std::fs::read_dir(path)).at("list", path)? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.at("list", path)?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Returns the absolute path of an existing folder, symbolic links resolved.
///
/// # Errors
/// When it does not exist.
pub fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().at("resolve", path)
}

/// Returns whether the path exists, as a file, a folder or a link to either.
#[must_use]
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Returns whether the path is a folder.
#[must_use]
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_missing_right() {
        let error = |kind| Error::new("write", Path::new("/w/销售/a'b"), io::Error::from(kind));
        assert_eq!(error(ErrorKind::StorageFull).to_string(), "cannot write `/w/销售/a'b`: the disk is full");
        assert_eq!(error(ErrorKind::StorageFull).kind(), Kind::Full);
        assert_eq!(error(ErrorKind::QuotaExceeded).kind(), Kind::Full);
        assert_eq!(
            error(ErrorKind::ReadOnlyFilesystem).to_string(),
            "cannot write `/w/销售/a'b`: the file system is read-only"
        );
        assert_eq!(error(ErrorKind::PermissionDenied).kind(), Kind::Permission);
        assert!(error(ErrorKind::StorageFull).hint().unwrap().contains("keep_snapshots"));
        assert_eq!(error(ErrorKind::InvalidInput).hint(), None);
    }

    #[test]
    fn a_device_that_is_full_is_reported_as_full() {
        let device = Path::new("/dev/full");
        if !device.exists() {
            return;
        }
        let error = std::fs::write(device, b"x").at("write", device).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (Kind::Full, "cannot write `/dev/full`: the disk is full".to_owned())
        );
    }

    #[test]
    fn a_link_shares_the_file_and_a_missing_source_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        write_new(&from, b"x").unwrap();
        assert_eq!(link_or_copy(&from, &to).unwrap(), Linked::Hard);
        assert_eq!(std::fs::metadata(&from).unwrap().ino(), std::fs::metadata(&to).unwrap().ino());
        let error = link_or_copy(&folder.path().join("none"), &folder.path().join("c")).unwrap_err();
        assert!(error.to_string().ends_with("none`: no such file or directory"), "{error}");
    }

    #[test]
    fn another_file_system_gets_a_copy() {
        let shared = Path::new("/dev/shm");
        let (here, Ok(there)) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in(shared)) else { return };
        let (from, to) = (here.path().join("a"), there.path().join("b"));
        write_new(&from, b"bytes").unwrap();
        if std::fs::metadata(here.path()).unwrap().dev() == std::fs::metadata(there.path()).unwrap().dev() {
            return;
        }
        assert_eq!(link_or_copy(&from, &to).unwrap(), Linked::Copied);
        assert_eq!(read(&to).unwrap().unwrap(), b"bytes");
    }

    #[test]
    fn replacing_leaves_no_litter_and_survives_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("current"), folder.path().join("current.json"));
        std::os::unix::fs::symlink("half", folder.path().join(".current.new")).unwrap();
        for target in ["snapshots/1", "snapshots/2"] {
            replace_symlink(Path::new(target), &link).unwrap();
            replace_file(&file, target.as_bytes()).unwrap();
        }
        assert_eq!(read_link(&link).unwrap().unwrap(), Path::new("snapshots/2"));
        assert_eq!(read(&file).unwrap().unwrap(), b"snapshots/2");
        assert_eq!(list(folder.path()).unwrap(), ["current", "current.json"]);
    }

    #[test]
    fn many_paths_are_synced_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut paths: Vec<PathBuf> = (0..100).map(|number| folder.path().join(number.to_string())).collect();
        for path in &paths {
            create_data_file(path).unwrap().write_all(b"x").unwrap();
        }
        paths.push(folder.path().to_owned());
        sync_all(&paths).unwrap();
        sync_all(&[]).unwrap();
        paths.insert(50, folder.path().join("none"));
        let error = sync_all(&paths).unwrap_err();
        assert!(error.to_string().starts_with("cannot sync") && error.kind() == Kind::Missing, "{error}");
    }

    #[test]
    fn very_many_folders_are_synced_and_a_missing_one_is_named() {
        let root = tempfile::tempdir().unwrap();
        let mut folders: Vec<PathBuf> =
            (0..WHOLE_DISK_FOLDERS).map(|number| root.path().join(number.to_string())).collect();
        for folder in &folders {
            create_dir(folder).unwrap();
        }
        sync_dirs(&folders).unwrap();
        sync_dirs(&folders[..3]).unwrap();
        folders.push(root.path().join("none"));
        let error = sync_dirs(&folders).unwrap_err();
        assert!(error.to_string().starts_with("cannot sync") && error.kind() == Kind::Missing, "{error}");
    }

    #[test]
    fn private_folders_and_data_files_have_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("private/staged");
        create_dir_all(&private, Some(PRIVATE_MODE)).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&private), mode(private.parent().unwrap())), (0o700, 0o700));
        create_data_file(&private.join("a")).unwrap();
        assert_eq!(mode(&private.join("a")) & 0o222, 0);
    }

    #[test]
    fn what_is_missing_is_no_error_where_absence_is_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none");
        assert_eq!(read(&none).unwrap(), None);
        assert_eq!(read_link(&none).unwrap(), None);
        assert_eq!(list(&none).unwrap(), Vec::<String>::new());
        remove_dir_all(&none).unwrap();
        remove_file(&none).unwrap();
        let error = create_dir(&none.join("deeper")).unwrap_err();
        assert_eq!(error.kind(), Kind::Missing);
    }
}
