//! Folding the stages' rich errors into the few behaviours of [`crate::Error`].

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use crate::{
    Error,
    engine::scarcity::{is_out_of_memory, operator_without_memory},
    extract, normalize,
    record::TableName,
    storage::{pack, read},
};

/// A failure, and the table that could not be made, if it was one.
#[derive(Debug)]
pub(super) struct Failure {
    pub table: Option<TableName>,
    pub error: Error,
}

impl Failure {
    /// Says which table could not be made.
    pub fn of(table: &TableName, error: Error) -> Self {
        Self { table: Some(table.clone()), error }
    }
}

/// Says what the engine could not do with what was found right: a fault of the program.
pub(super) fn bug(error: &DataFusionError) -> Error {
    Error::Bug { message: error.strip_backtrace() }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { table: None, error }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<crate::publish::Error> for Failure {
    fn from(error: crate::publish::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<extract::Error> for Error {
    fn from(error: extract::Error) -> Self {
        let hint = error.hint().map(str::to_owned);
        match error {
            extract::Error::Storage(
                read::Error::Location { .. } | read::Error::Unsupported { .. } | read::Error::Secret { .. },
            ) => Self::Usage { message: error.to_string(), hint },
            extract::Error::Unreachable { .. } | extract::Error::Storage(_) => {
                Self::Environment { message: error.to_string(), hint }
            }
            _ => Self::Data { message: error.to_string(), hint },
        }
    }
}

impl From<normalize::Error> for Error {
    fn from(error: normalize::Error) -> Self {
        Self::Bug { message: error.to_string() }
    }
}

impl From<pack::Error> for Error {
    fn from(error: pack::Error) -> Self {
        match error {
            pack::Error::Disk(error) => crate::publish::Error::from(error).into(),
            damaged => Self::Environment {
                message: damaged.to_string(),
                hint: Some("run with `--rehash --full`, which reads every file again".to_owned()),
            },
        }
    }
}

/// Returns what a failure of the engine while it makes a table means to the user.
pub(super) fn engine_failure(table: &TableName, error: &DataFusionError) -> Error {
    let words = error.find_root().strip_backtrace();
    let words = words.lines().next().unwrap_or_default().to_owned();
    if is_denied(error) {
        return Error::Environment {
            message: format!("no right to read what `{table}` needs: {words}"),
            hint: Some("`private/` of a snapshot is readable by the user who publishes, and nobody else".to_owned()),
        };
    }
    if is_out_of_memory(error) {
        return without_memory(table, error, &words);
    }
    match error.find_root() {
        DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::ArrowError(_, _)
            if is_io(error) =>
        {
            Error::Environment { message: format!("cannot make `{table}`: {words}"), hint: None }
        }
        DataFusionError::Internal(_) | DataFusionError::ExecutionJoin(_) => {
            Error::Bug { message: format!("cannot make `{table}`: {words}") }
        }
        DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) | DataFusionError::SchemaError(_, _) => {
            Error::Usage { message: format!("`{table}` cannot be planned: {words}"), hint: None }
        }
        _ => Error::Data {
            message: match table.schema.as_str() {
                "query" => format!("the query fails on these rows: {words}"),
                _ => format!("`{table}` cannot be computed from these rows: {words}"),
            },
            hint: Some(hint_for_rows(&words).to_owned()),
        },
    }
}

/// Returns how a query gets past rows that it cannot compute.
fn hint_for_rows(words: &str) -> &'static str {
    match words.contains("Divide by zero") {
        true => "divide by `nullif(…, 0)`, which gives NULL where there is nothing to divide by",
        false => "`TRY_CAST` gives NULL where a value does not fit",
    }
}

/// Names the operator and the settings that would help.
fn without_memory(table: &TableName, error: &DataFusionError, words: &str) -> Error {
    let subject = match table.schema.as_str() {
        "query" => "the query".to_owned(),
        _ => format!("`{table}`"),
    };
    let found = match operator_without_memory(error) {
        Some(operator) => format!("{operator} found none left"),
        None => words.to_owned(),
    };
    Error::Memory {
        message: format!("{subject} needs more memory than the limit: {found}"),
        hint: Some(
            "raise `--memory-limit` (`TALLYHOUSE_MEMORY_LIMIT`), lower `--threads`, or join and sort less at once; \
             joins by equal columns, sorts and aggregations spill, others must fit"
                .to_owned(),
        ),
    }
}

/// Returns whether the disk or a file is at fault, and not a value.
fn is_io(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::ArrowError(error, _) => matches!(**error, ArrowError::IoError(_, _)),
        _ => true,
    }
}

fn is_denied(error: &DataFusionError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = error.source();
    }
    false
}
