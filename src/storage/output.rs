//! A file that a person asked for by name: written beside its place, put there in one step when it is whole.
//!
//! In: a path and whether the file may hold personal data. Out: something to write to. Deliberately keeps an older file
//! of that name until the new one is complete; what is not committed is removed.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::local::Error;

/// Mode of files that may hold personal data.
const PRIVATE_FILE_MODE: u32 = 0o600;

/// A file in the making.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    /// Where the bytes go until they are complete; None where they go to the path at once (a pipe, a device).
    temporary: Option<tempfile::TempPath>,
    writer: BufWriter<File>,
}

impl OutputFile {
    /// Begins a file; what has that name stays there until [`OutputFile::commit`].
    ///
    /// # Errors
    /// When the folder does not exist or may not be written to.
    pub fn create(path: &Path, is_private: bool) -> Result<Self, Error> {
        let failed = |source| Error::new("write", path, source);
        if path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let device = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(Self { path: path.to_owned(), temporary: None, writer: BufWriter::new(device) });
        }
        if path.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tallyhouse-").suffix(".new");
        if !is_private {
            // As any other new file: what the process's mask leaves of it.
            builder.permissions(Permissions::from_mode(0o666));
        }
        let (file, temporary) = builder.tempfile_in(folder).map_err(failed)?.into_parts();
        if is_private {
            file.set_permissions(Permissions::from_mode(PRIVATE_FILE_MODE)).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned(), temporary: Some(temporary), writer: BufWriter::new(file) })
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// When the disk refuses the last bytes or the name.
    pub fn commit(mut self) -> Result<(), Error> {
        let path = self.path;
        self.writer.flush().map_err(|source| Error::new("write", &path, source))?;
        match self.temporary {
            Some(temporary) => temporary.persist(&path).map_err(|error| Error::new("write", &path, error.error)),
            None => Ok(()),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_unfinished_file_leaves_the_old_one_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        let mut file = OutputFile::create(&path, false).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_private_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (open, closed) = (folder.path().join("open.csv"), folder.path().join("closed.csv"));
        for (path, is_private) in [(&open, false), (&closed, true)] {
            let mut file = OutputFile::create(path, is_private).unwrap();
            file.write_all(b"x").unwrap();
            file.commit().unwrap();
        }
        assert_eq!(mode(&closed), 0o600);
        assert_eq!(mode(&open) & 0o600, 0o600);
        assert_eq!(std::fs::read(&closed).unwrap(), b"x");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = OutputFile::create(folder.path(), false).unwrap_err();
        assert!(error.to_string().starts_with("cannot write `"), "{error}");
    }
}
