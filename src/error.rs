//! The few ways in which a command can fail, each with its exit code. Stages keep rich errors; this is what is left
//! of them at the door.

use crate::record::{Diagnostic, Severity};

/// A failure of a whole command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data said no: too many rejects, a failed check, an unreadable file. The old snapshot is still served.
    #[error("{message}")]
    Data {
        /// What, where.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A definition or contract is wrong.
    #[error("{} problem(s) in the definitions", .0.iter().filter(|finding| finding.severity == Severity::Error).count())]
    Definition(Vec<Diagnostic>),
    /// The command line asks for something that is not there.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A file, database or storage failed.
    #[error("{message}")]
    Environment {
        /// What, where.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// What was asked for needs more memory than the limit.
    #[error("{message}")]
    Memory {
        /// What, where.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Another run holds the warehouse.
    #[error("{message}")]
    Busy {
        /// Who holds it.
        message: String,
    },
    /// An invariant of this program is broken.
    #[error("{message}")]
    Bug {
        /// Which one.
        message: String,
    },
}

impl Error {
    /// Returns the exit code of `docs/commands.md`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Data { .. } => 1,
            Self::Definition(_) | Self::Usage { .. } => 2,
            Self::Environment { .. } | Self::Memory { .. } => 3,
            Self::Busy { .. } => 4,
            Self::Bug { .. } => 70,
        }
    }

    /// Returns what to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Data { hint, .. }
            | Self::Usage { hint, .. }
            | Self::Environment { hint, .. }
            | Self::Memory { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}
