//! Folding the stages' rich errors into the few behaviours of [`crate::Error`].

use datafusion::error::DataFusionError;

use crate::{Error, extract, normalize, record::TableName, storage::read};

impl From<extract::Error> for Error {
    fn from(error: extract::Error) -> Self {
        let hint = error.hint().map(str::to_owned);
        match error {
            extract::Error::Storage(read::Error::Location { .. } | read::Error::Unsupported { .. }) => {
                Self::Usage { message: error.to_string(), hint }
            }
            extract::Error::Storage(_) => Self::Environment { message: error.to_string(), hint },
            _ => Self::Data { message: error.to_string(), hint },
        }
    }
}

impl From<normalize::Error> for Error {
    fn from(error: normalize::Error) -> Self {
        Self::Bug { message: error.to_string() }
    }
}

/// Returns what a failure of the engine while it makes a table means to the user.
pub(super) fn engine_failure(table: &TableName, error: &DataFusionError) -> Error {
    let words = error.find_root().strip_backtrace();
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Error::Environment {
            message: format!("`{table}` needs more memory than the limit: {words}"),
            hint: Some(
                "raise `--memory-limit`, or split the model so that less is joined or sorted at once".to_owned(),
            ),
        },
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => {
            Error::Environment { message: format!("cannot make `{table}`: {words}"), hint: None }
        }
        DataFusionError::Internal(_) => Error::Bug { message: format!("cannot make `{table}`: {words}") },
        _ => Error::Data {
            message: format!("`{table}` cannot be computed from these rows: {words}"),
            hint: Some("`TRY_CAST` gives NULL where a value does not fit".to_owned()),
        },
    }
}

/// Returns the failure of a thread that should not have ended.
pub(super) fn lost_thread(error: &tokio::task::JoinError) -> Error {
    Error::Bug { message: format!("a worker ended early: {error}") }
}
