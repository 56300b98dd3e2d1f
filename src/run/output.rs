//! Files that a person asked for by name.

use std::{io::Write, path::Path};

use crate::{
    Error,
    storage::{
        local::{self, Kind},
        output::OutputFile,
    },
};

/// Begins a file; what has that name stays there until it is committed. A private one is for its owner alone.
///
/// # Errors
/// When its folder does not exist or may not be written to.
pub fn output(path: &Path, is_private: bool) -> Result<OutputFile, Error> {
    OutputFile::create(path, is_private).map_err(|error| refused(&error))
}

/// Puts a complete file in its place.
///
/// # Errors
/// When the disk refuses.
pub fn commit(file: OutputFile) -> Result<(), Error> {
    file.commit().map_err(|error| refused(&error))
}

/// Writes a whole file. A private one is for its owner alone.
///
/// # Errors
/// When its folder does not exist or may not be written to, or the disk refuses.
pub fn write_output(path: &Path, bytes: &[u8], is_private: bool) -> Result<(), Error> {
    let mut file = output(path, is_private)?;
    file.write_all(bytes).map_err(|error| Error::Environment {
        message: format!("cannot write `{}`: {error}", path.display()),
        hint: None,
    })?;
    commit(file)
}

/// Creates a folder for several files; one that exists is fine.
///
/// # Errors
/// When the disk refuses.
pub fn output_folder(path: &Path) -> Result<(), Error> {
    local::create_dir_all(path, None).map_err(|error| refused(&error))
}

/// Returns whether a path is a folder.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    local::is_dir(path)
}

fn refused(error: &local::Error) -> Error {
    let hint = match error.kind() {
        Kind::Missing => "create the folder first, or name another file",
        Kind::Full => "free some space, or name a file on another disk",
        Kind::Permission | Kind::ReadOnly => "name a file in a folder that you may write to",
        Kind::Other => "name another file",
    };
    Error::Environment { message: error.to_string(), hint: Some(hint.to_owned()) }
}

/// Returns whether two paths are one file, by whatever name.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    match (local::canonical(one), local::canonical(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Returns whether a path exists.
#[must_use]
pub fn exists(path: &Path) -> bool {
    local::exists(path)
}
