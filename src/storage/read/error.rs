//! What can go wrong between a location and its bytes, said so that somebody can do something about it.
//!
//! Deliberately no error of a library in here: those name addresses with everything that stands in them.

use std::io;

/// A location that cannot be listed or an object that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The location has no wildcard and nothing is there.
    #[error("there is no file `{path}`")]
    Missing {
        /// The file.
        path: String,
        /// What to do.
        hint: String,
    },
    /// The location is in a kind of storage that is not read.
    #[error("`{scheme}://` locations are not read")]
    Unsupported {
        /// Its scheme; the rest may hold a password.
        scheme: String,
    },
    /// The location holds a user or password, which would stand in reports.
    #[error("a `{scheme}://` location may not hold a user and password")]
    Secret {
        /// Its scheme.
        scheme: String,
    },
    /// The location is no path, or its glob no glob.
    #[error("`{location}` is no location: {reason}")]
    Location {
        /// The location.
        location: String,
        /// Why.
        reason: String,
    },
    /// The folder cannot be listed.
    #[error("cannot list `{location}`: {source}")]
    List {
        /// The folder.
        location: String,
        /// What the disk said.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the disk said.
        source: io::Error,
    },
    /// An object store said no, or nothing.
    #[error("cannot {action} `{path}`: {reason}")]
    Store {
        /// `list` or `read`.
        action: &'static str,
        /// The object or the folder.
        path: String,
        /// What the store said, in plain words.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The object was replaced while it was read.
    #[error("`{path}` changed while it was read")]
    Changed {
        /// The object.
        path: String,
    },
    /// A variable of a location is not set.
    #[error("environment variable `{name}`, which the location uses, is not set")]
    Variable {
        /// Its name.
        name: String,
    },
    /// A temporary file cannot be written.
    #[error("cannot write a temporary file under `{folder}`: {source}")]
    TemporaryFile {
        /// The folder of temporary files.
        folder: String,
        /// What the disk said.
        source: io::Error,
    },
}

impl Error {
    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Missing { hint, .. } => Some(hint),
            Self::Store { hint, .. } => hint.as_deref(),
            Self::Unsupported { scheme } => Some(match scheme.as_str() {
                "postgres" | "postgresql" | "mysql" | "mariadb" => "declare `format: { type: database, table: … }`",
                _ => "write a path, or an address with file, s3, gs, az, abfss, http or https",
            }),
            Self::Secret { .. } => Some(
                "give credentials in the environment: AWS_ACCESS_KEY_ID, GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_KEY",
            ),
            Self::Location { .. } => {
                Some("write a path, a glob below a folder, or an address such as `s3://bucket/x/*.csv`")
            }
            Self::List { .. } | Self::Read { .. } => Some("check the permissions of the folder and its files"),
            Self::Changed { .. } => Some("run again when the file is complete"),
            Self::Variable { .. } => Some("set it where the command runs"),
            Self::TemporaryFile { .. } => Some("free space there, or point TMPDIR at another folder"),
        }
    }
}
