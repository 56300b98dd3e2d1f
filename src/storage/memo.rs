//! What was found out once and can be found out again: small files in a folder of the user's cache, each under its key.
//!
//! In: a folder, keys and bytes. Out: the bytes that were kept under a key, or nothing. A key is a hash of all that decides the
//! bytes, so nothing is ever out of date. A file that is damaged counts as absent, and so does a folder that cannot be used: what is
//! here saves time and nothing else. Two processes may use one folder at once: a file comes into its place whole. Deliberately knows
//! nothing of what the bytes mean.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    local,
    output::OutputFile,
    seal::{SEAL_BYTES, is_sealed, seal},
};

/// Files of a folder at most; the oldest go first.
const MOST_FILES: usize = 100;
/// Bytes of all files of a folder at most.
const MOST_BYTES: u64 = 256 << 20;
/// Bytes of a program's beginning, in which linkers put a hash of the whole.
const BEGINNING_BYTES: u64 = 64 << 10;

/// A folder of things to remember.
#[derive(Debug, Clone)]
pub struct Memo {
    folder: PathBuf,
}

impl Memo {
    /// Names the folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns what was kept under a key.
    #[must_use]
    pub fn recall(&self, key: &blake3::Hash) -> Option<Vec<u8>> {
        let mut kept = fs::read(self.path(key)).ok().filter(|kept| is_sealed(key, kept))?;
        kept.drain(..SEAL_BYTES);
        Some(kept)
    }

    /// Keeps bytes under a key, for the owner of the folder alone, and lets the oldest ones go.
    pub fn keep(&self, key: &blake3::Hash, bytes: &[u8]) {
        // Nobody waits for what is kept here: where the disk refuses, it is found out again.
        let _ = self.try_to_keep(key, bytes);
    }

    fn try_to_keep(&self, key: &blake3::Hash, bytes: &[u8]) -> Result<(), local::Error> {
        let path = self.path(key);
        local::create_dir_all(&self.folder, Some(local::PRIVATE_MODE))?;
        let mut file = OutputFile::create(&path, true)?;
        let written = file.write_all(seal(key, bytes).as_bytes()).and_then(|()| file.write_all(bytes));
        written.map_err(|error| local::Error::new("write", &path, error))?;
        file.commit()?;
        self.let_go();
        Ok(())
    }

    /// Removes the oldest files until those that are left are few and small enough.
    fn let_go(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let seen = entries.flatten().filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some(((metadata.mtime(), metadata.mtime_nsec()), entry.path(), metadata.len()))
        });
        let mut files: Vec<((i64, i64), PathBuf, u64)> = seen.collect();
        files.sort_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        for (place, (_, path, length)) in files.iter().enumerate() {
            bytes += length;
            // The newest stays, however large.
            if place > 0 && (place >= MOST_FILES || bytes > MOST_BYTES) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn path(&self, key: &blake3::Hash) -> PathBuf {
        self.folder.join(key.to_hex().as_str())
    }
}

/// Returns what tells this program from every other build of it: its length, when it was written, and its beginning.
///
/// None where the system does not say which file the process runs.
#[must_use]
pub fn program() -> Option<blake3::Hash> {
    let path = std::env::current_exe().ok()?;
    let file = fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let seen = format!("{} {} {}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    let mut beginning = Vec::new();
    file.take(BEGINNING_BYTES).read_to_end(&mut beginning).ok()?;
    Some(blake3::Hasher::new().update(seen.as_bytes()).update(&beginning).finalize())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn key(number: usize) -> blake3::Hash {
        blake3::hash(&number.to_le_bytes())
    }

    #[test]
    fn what_is_kept_is_there_for_its_owner_alone_and_nothing_else_is() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let memo = Memo::new(&folder.path().join("a/b"));
        assert_eq!(memo.recall(&key(1)), None);
        memo.keep(&key(1), b"one");
        memo.keep(&key(2), b"");
        assert_eq!(memo.recall(&key(1)).unwrap(), b"one");
        assert_eq!(memo.recall(&key(2)).unwrap(), b"");
        assert_eq!(memo.recall(&key(3)), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&memo.folder), 0o700);
        assert_eq!(mode(&memo.path(&key(1))), 0o600);
    }

    #[test]
    fn a_damaged_file_counts_as_absent_and_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let memo = Memo::new(folder.path());
        memo.keep(&key(1), b"one");
        let whole = fs::read(memo.path(&key(1))).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(memo.path(&key(1)), damaged).unwrap();
            assert_eq!(memo.recall(&key(1)), None, "byte {at}");
            fs::write(memo.path(&key(1)), &whole[..at]).unwrap();
            assert_eq!(memo.recall(&key(1)), None, "{at} bytes");
        }
        fs::write(memo.path(&key(2)), &whole).unwrap();
        assert_eq!(memo.recall(&key(2)), None, "under another key");
        memo.keep(&key(1), b"one");
        assert_eq!(memo.recall(&key(1)).unwrap(), b"one");
    }

    #[test]
    fn the_oldest_files_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let memo = Memo::new(folder.path());
        let written = std::time::SystemTime::UNIX_EPOCH;
        for number in 0..=MOST_FILES {
            memo.keep(&key(number), b"x");
            let file = fs::File::options().write(true).open(memo.path(&key(number))).unwrap();
            file.set_modified(written + std::time::Duration::from_secs(number as u64)).unwrap();
        }
        memo.keep(&key(MOST_FILES + 1), b"x");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MOST_FILES);
        assert_eq!(
            (0..=MOST_FILES + 1).filter(|number| memo.recall(&key(*number)).is_none()).collect::<Vec<_>>(),
            [0, 1]
        );
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let memo = Memo::new(&folder.path().join("file"));
        memo.keep(&key(1), b"one");
        assert_eq!(memo.recall(&key(1)), None);
    }

    #[test]
    fn many_threads_keep_and_recall_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let memo = Memo::new(folder.path());
        std::thread::scope(|scope| {
            for thread in 0..4_usize {
                let memo = &memo;
                scope.spawn(move || {
                    for round in 0..50 {
                        let number = (thread + round) % 5;
                        memo.keep(&key(number), &vec![u8::try_from(number).unwrap(); 10_000]);
                        let found = memo.recall(&key(number)).unwrap();
                        assert!(found.len() == 10_000 && found.iter().all(|byte| usize::from(*byte) == number));
                    }
                });
            }
        });
    }
}
