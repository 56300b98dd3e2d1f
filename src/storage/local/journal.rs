//! The order in which the disk of a warehouse is changed and waited for, told to tests.
//!
//! In: every [`Step`] of the folder above, once it is done. Out: for a test that listens, the steps below its folder, with
//! the bytes that each file then had; for the program nothing at all: a note costs no instruction there. From these steps
//! `publish::tests::power` makes every disk that a power cut may leave behind.

use std::path::Path;

/// One change of the disk, or one wait for it.
#[cfg_attr(not(test), expect(dead_code, reason = "nobody but tests looks at a step"))]
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// A folder, and those above it that were missing.
    Folder(&'a Path),
    /// An empty file.
    File(&'a Path),
    /// A symbolic link: what it holds, and where it is.
    Symlink(&'a Path, &'a Path),
    /// A second name.
    Link(&'a Path, &'a Path),
    /// A file under another name, in place of what was there.
    Rename(&'a Path, &'a Path),
    /// A file or folder is gone, with all that is in it.
    Remove(&'a Path),
    /// The disk holds a file's bytes, or the names in a folder.
    Sync(&'a Path),
}

/// Tells whoever listens what was done.
#[inline]
pub(super) fn note(step: Step<'_>) {
    #[cfg(test)]
    recorded::note(step);
    #[cfg(not(test))]
    let _ = step;
}

/// What tests hear.
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod recorded {
    use std::{
        path::{Path, PathBuf},
        sync::Mutex,
    };

    /// A step as it was, with the file's bytes where they matter from then on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum Step {
        Folder(PathBuf),
        File(PathBuf),
        Symlink(PathBuf, PathBuf),
        Link(PathBuf, PathBuf),
        Rename(PathBuf, PathBuf, Option<Vec<u8>>),
        Remove(PathBuf),
        Sync(PathBuf, Option<Vec<u8>>),
    }

    static LISTENING: Mutex<Vec<(PathBuf, Vec<Step>)>> = Mutex::new(Vec::new());

    /// Listens to what is done below a folder.
    pub(crate) struct Recording {
        folder: PathBuf,
    }

    impl Recording {
        pub(crate) fn start(folder: &Path) -> Self {
            LISTENING.lock().unwrap().push((folder.to_owned(), Vec::new()));
            Self { folder: folder.to_owned() }
        }

        pub(crate) fn finish(self) -> Vec<Step> {
            let mut listening = LISTENING.lock().unwrap();
            let position = listening.iter().position(|(folder, _)| *folder == self.folder).unwrap();
            listening.swap_remove(position).1
        }
    }

    pub(super) fn note(step: super::Step<'_>) {
        use super::Step as Done;
        let (Done::Folder(at)
        | Done::File(at)
        | Done::Symlink(_, at)
        | Done::Link(_, at)
        | Done::Rename(_, at)
        | Done::Remove(at)
        | Done::Sync(at)) = step;
        let mut listening = LISTENING.lock().unwrap();
        let Some((_, steps)) = listening.iter_mut().find(|(folder, _)| at.starts_with(folder)) else { return };
        let bytes = |path: &Path| path.is_file().then(|| std::fs::read(path).unwrap());
        steps.push(match step {
            Done::Folder(path) => Step::Folder(path.to_owned()),
            Done::File(path) => Step::File(path.to_owned()),
            Done::Symlink(target, path) => Step::Symlink(target.to_owned(), path.to_owned()),
            Done::Link(from, to) => Step::Link(from.to_owned(), to.to_owned()),
            Done::Rename(from, to) => Step::Rename(from.to_owned(), to.to_owned(), bytes(to)),
            Done::Remove(path) => Step::Remove(path.to_owned()),
            Done::Sync(path) => Step::Sync(path.to_owned(), bytes(path)),
        });
    }
}
