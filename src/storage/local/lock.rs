//! An exclusive lock on a file that says who holds it.
//!
//! In: the path of the lock file. Out: a [`LockFile`] that holds the lock until it is dropped, or the holder. The
//! operating system releases the lock when the process ends, however it ends, so a dead process never blocks. The file
//! itself stays: removing it would let two processes lock two files of one name.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{
    At, Error,
    journal::{Step, note},
};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Name of the machine.
    pub host: String,
    /// The run.
    pub run: String,
    /// Since when: RFC 3339, UTC.
    pub started_at: String,
}

impl Holder {
    /// Describes this process as the holder on behalf of a run.
    #[must_use]
    pub fn this_process(run: &str) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "this machine".to_owned() } else { host.trim().to_owned() };
        Self { pid: std::process::id(), host, run: run.to_owned(), started_at: now() }
    }
}

/// Returns the present time as the files of a warehouse write it: RFC 3339, UTC, to the second.
#[must_use]
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the present time to the millisecond, for what is renewed and must not look older than it is.
#[must_use]
pub fn now_precisely() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns how long ago a time was that [`now`] or [`now_precisely`] wrote; None for anything else, zero for a time to come.
#[must_use]
pub fn age(written: &str) -> Option<Duration> {
    let then: DateTime<Utc> = written.parse().ok()?;
    Some((Utc::now() - then).to_std().unwrap_or_default())
}

/// What became of an attempt to lock.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is held.
    Locked(LockFile),
    /// Another process holds it; None when it has not written its name yet.
    Busy(Option<Holder>),
}

/// A lock that is held; dropping it releases it.
#[derive(Debug)]
pub struct LockFile {
    file: File,
}

impl LockFile {
    /// Tries to take the lock without waiting, and writes the holder into the file.
    ///
    /// # Errors
    /// When the file cannot be opened or written, or the file system has no locks.
    pub fn attempt(path: &Path, holder: &Holder) -> Result<Attempt, Error> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path).at("open", path)?;
        note(Step::File(path));
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(read_holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(Error::new("lock", path, error)),
        }
        let text = serde_json::to_vec(holder).map_err(std::io::Error::from).at("write", path)?;
        file.set_len(0).and_then(|()| file.write_all(&text)).at("write", path)?;
        Ok(Attempt::Locked(Self { file }))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // The name of a run that is over would mislead; closing the file releases the lock in any case.
        let _ = self.file.set_len(0);
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_the_lock_and_gets_it_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Holder::this_process("first");
        let held = LockFile::attempt(&path, &first).unwrap();
        assert!(matches!(held, Attempt::Locked(_)));
        match LockFile::attempt(&path, &Holder::this_process("second")).unwrap() {
            Attempt::Busy(holder) => assert_eq!(holder, Some(first)),
            Attempt::Locked(_) => unreachable!("two hold the lock"),
        }
        drop(held);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        assert!(matches!(LockFile::attempt(&path, &Holder::this_process("third")).unwrap(), Attempt::Locked(_)));
    }

    #[test]
    fn what_a_dead_process_left_in_the_file_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(
            &path,
            r#"{"pid":1,"host":"a much longer name than ours","run":"dead","started_at":"2026-06-30T00:00:00Z"}"#,
        )
        .unwrap();
        let holder = Holder::this_process("alive");
        let _lock = LockFile::attempt(&path, &holder).unwrap();
        assert_eq!(serde_json::from_slice::<Holder>(&std::fs::read(&path).unwrap()).unwrap(), holder);
    }
}
