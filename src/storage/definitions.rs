//! Definition files: read as text, found by a glob or below a folder.

use std::{
    fs::DirEntry,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use globset::GlobBuilder;

use crate::record::Text;

/// Files that one thread reads as fast as several do.
const FEW_FILES: usize = 64;

/// A definition file or folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {reason}", path.display())]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// Why, in words.
    pub reason: String,
}

impl Error {
    fn new(path: &Path, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        Self { path: path.to_owned(), reason }
    }
}

/// Reads a definition file; a byte order mark is dropped.
///
/// # Errors
/// When there is no such file or it is not UTF-8.
pub fn read(path: &Path) -> Result<Arc<Text>, Error> {
    let body = std::fs::read_to_string(path).map_err(|error| Error::new(path, &error))?;
    let body = body.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(body);
    Ok(Arc::new(Text { path: path.display().to_string(), body }))
}

/// Reads many definition files on so many threads and returns them in their order.
///
/// # Errors
/// The first that cannot be read, as [`read`].
pub fn read_all(paths: &[PathBuf], threads: usize) -> Result<Vec<Arc<Text>>, Error> {
    let part = paths.len().div_ceil(threads.max(1)).max(FEW_FILES);
    let read_part = |paths: &[PathBuf]| paths.iter().map(|path| read(path)).collect::<Vec<_>>();
    let read = std::thread::scope(|scope| {
        let others: Vec<_> = paths.chunks(part).skip(1).map(|part| scope.spawn(move || read_part(part))).collect();
        let mut read = read_part(paths.get(..part).unwrap_or(paths));
        for other in others {
            read.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        read
    });
    read.into_iter().collect()
}

/// What the file system says of a definition file: two that are equal hold the same text, as far as one can know without
/// reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The file.
    pub path: PathBuf,
    /// Bytes, seconds and nanoseconds of their last writing, and the file's number, which another one of the same name has not.
    state: Option<(u64, i64, i64, u64)>,
}

/// Looks at definition files without reading them; one that is gone is seen as gone.
#[must_use]
pub fn look(paths: Vec<PathBuf>) -> Vec<Seen> {
    let state = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino()))
    };
    paths.into_iter().map(|path| Seen { state: state(&path), path }).collect()
}

/// Returns the files that a path with wildcards names, sorted.
///
/// # Errors
/// When the pattern is wrong or its folder cannot be listed.
pub fn glob(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let path = Path::new(pattern);
    let wrong = |error: &globset::Error| Error { path: path.to_owned(), reason: error.to_string() };
    let matcher =
        GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| wrong(&error))?.compile_matcher();
    let fixed: PathBuf = path
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
        .collect();
    if fixed == path {
        return Ok(vec![fixed]);
    }
    let mut found = below(&fixed)?;
    found.retain(|file| matcher.is_match(file));
    Ok(found)
}

/// Returns all files below a folder, sorted.
///
/// # Errors
/// When a folder cannot be listed.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut found = Vec::new();
    add_below(here, &mut found)?;
    Ok(found)
}

/// Adds the files below a folder in order of their paths: names of one folder are sorted quicker than paths.
fn add_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |error: io::Error| Error::new(folder, &error);
    let mut entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    entries.sort_by_cached_key(DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What the folder says of its entries is enough, but for links.
        let is_folder = match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => kind.is_dir(),
            _ => path.is_dir(),
        };
        if is_folder {
            add_below(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
