//! A table, view or query of a SQLite file.
//!
//! In: the file's bytes. Out: a pull; rows of a table in the order of their row numbers, values as text. SQLite wants a
//! file, so the bytes go to a temporary one, opened read-only. Changes that lie in a separate `-wal` file are not seen.

use std::{sync::Arc, time::Instant};

use rusqlite::{Connection, OpenFlags, Row as Record, types::ValueRef};

use super::{
    super::{Error, Hints, number_text},
    Span,
    pull::Writer,
    select::{self, Dialect, Rows},
};
use crate::{
    define::project::DatabaseOptions,
    record::{
        diagnostic::nearest,
        sql::{literal, quoted},
    },
    storage::{
        content::Content,
        read::{environment::Patience, temporary_file},
    },
};

/// Rows between two looks at the clock.
const ROWS_PER_LOOK: u64 = 4_096;

/// Pulls what a contract wants of a database file.
pub(super) fn pull(
    path: &Arc<str>,
    content: &Content,
    options: &DatabaseOptions,
    span: Option<&Span>,
    hints: &Hints,
    patience: &Patience,
) -> Result<Content, Error> {
    let database = Database::open(path, content, patience)?;
    let source = database.source(options)?;
    let rows = Rows { from: source.from.clone(), options };
    let watermark = match (&options.watermark, span) {
        (Some(name), Some(span)) => Some((database.column(&source, name)?, span)),
        _ => None,
    };
    let dialect = database.dialect(&rows, watermark.map(|(column, _)| column))?;
    let pulled = select::wanted(&source.columns, hints);
    let list: Vec<String> = pulled.iter().map(|at| dialect.name(&source.columns[*at])).collect();
    let list = if list.is_empty() { "NULL".to_owned() } else { list.join(", ") };
    let clause = rows.clause(&dialect, watermark);
    let order = source.row_id.map_or_else(String::new, |id| format!(" ORDER BY {id}"));
    let notes = select::notes(options, source.table.as_deref());
    let writer = Writer::new(source.columns.clone(), pulled.clone(), notes)?;
    database.copy(&format!("SELECT {list} {clause}{order}"), pulled.len(), writer)
}

/// Returns the largest value of the watermark column that is not below `since`.
pub(super) fn largest(
    path: &Arc<str>,
    content: &Content,
    options: &DatabaseOptions,
    since: Option<&str>,
    patience: &Patience,
) -> Result<Option<String>, Error> {
    let database = Database::open(path, content, patience)?;
    let source = database.source(options)?;
    let column = database.column(&source, options.watermark.as_deref().unwrap_or_default())?;
    let rows = Rows { from: source.from.clone(), options };
    let dialect = database.dialect(&rows, Some(column))?;
    let sql = format!("SELECT max({}) {}", dialect.name(column), rows.since(&dialect, column, since));
    let found = database.connection.query_row(&sql, [], |row| Ok(text(row.get_ref(0)?)));
    let found = found.map_err(|error| database.failed(&error))?;
    Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// A database file, opened.
struct Database<'a> {
    path: &'a Arc<str>,
    connection: Connection,
    /// Deleted after the connection is closed.
    _file: tempfile::NamedTempFile,
    began: Instant,
    patience: &'a Patience,
    /// Ends the watch that stops statements after too long.
    _watch: std::sync::mpsc::Sender<()>,
}

/// A table, view or query with its columns.
struct Source {
    from: String,
    columns: Vec<String>,
    table: Option<String>,
    /// A name of SQLite's own row numbers, where there are any.
    row_id: Option<&'static str>,
}

struct Sqlite {
    /// Whether the watermark column holds numbers.
    is_numeric: bool,
}

impl Dialect for Sqlite {
    fn name(&self, name: &str) -> String {
        quoted(name)
    }

    fn literal(&self, value: &str) -> String {
        if self.is_numeric && value.parse::<f64>().is_ok_and(f64::is_finite) {
            value.to_owned()
        } else {
            literal(value)
        }
    }
}

impl<'a> Database<'a> {
    fn open(path: &'a Arc<str>, content: &Content, patience: &'a Patience) -> Result<Self, Error> {
        let file = temporary_file(content)?;
        let failed = |error: rusqlite::Error| unreadable(path, &error);
        let url = url::Url::from_file_path(file.path())
            .map_err(|()| Error::unreadable(path, "no temporary path", "set TMPDIR"))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(format!("{url}?immutable=1"), flags).map_err(failed)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF").map_err(failed)?;
        let (watch, ends) = std::sync::mpsc::channel::<()>();
        let (handle, longest) = (connection.get_interrupt_handle(), patience.statement);
        std::thread::spawn(move || {
            if ends.recv_timeout(longest) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let database = Self { path, connection, _file: file, began: Instant::now(), patience, _watch: watch };
        database.refuse_damaged()?;
        Ok(database)
    }

    /// Refuses a database whose pages do not add up: SQLite would go round in a damaged tree without end.
    fn refuse_damaged(&self) -> Result<(), Error> {
        let found: Result<String, rusqlite::Error> =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match found.map_err(|error| self.failed(&error))?.as_str() {
            "ok" => Ok(()),
            damage => {
                let reason = format!("the database is damaged: {damage}");
                Err(Error::unreadable(self.path, reason, "copy it again with `.backup`"))
            }
        }
    }

    fn failed(&self, error: &rusqlite::Error) -> Error {
        unreadable(self.path, error)
    }

    fn source(&self, options: &DatabaseOptions) -> Result<Source, Error> {
        let (from, table, has_row_id) = if let Some(query) = &options.query {
            (select::query_as_table(query), None, false)
        } else {
            let table = self.choose(options.table.as_deref())?;
            (quoted(&table.name), Some(table.name), table.has_row_id)
        };
        let statement =
            self.connection.prepare(&format!("SELECT * FROM {from}")).map_err(|error| self.failed(&error))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let is_free = |id: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(id));
        let row_id = ["rowid", "_rowid_", "oid"].into_iter().find(is_free).filter(|_| has_row_id);
        Ok(Source { from, columns, table, row_id })
    }

    fn choose(&self, name: Option<&str>) -> Result<Table, Error> {
        let tables = tables(&self.connection).map_err(|error| self.failed(&error))?;
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let list = format!("its tables are: {}", names.join(", "));
        let Some(name) = name else {
            let hint = format!("declare `format: {{ type: database, table: … }}`; {list}");
            let mut tables = tables.into_iter();
            return match (tables.next(), tables.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(Error::unreadable(self.path, "it has several tables or none", hint)),
            };
        };
        let bare = name.strip_prefix("main.").unwrap_or(name);
        tables.into_iter().find(|table| table.name.eq_ignore_ascii_case(bare)).ok_or_else(|| {
            let near = nearest(name, names.iter().map(String::as_str));
            let hint = near.map_or(list, |near| format!("did you mean `{near}`?"));
            Error::unreadable(self.path, format!("there is no table `{name}`"), hint)
        })
    }

    fn column<'s>(&self, source: &'s Source, name: &str) -> Result<&'s str, Error> {
        select::column(&source.columns, name).map_err(|hint| {
            Error::unreadable(self.path, format!("there is no column `{name}` for the watermark"), hint)
        })
    }

    /// Finds out whether the watermark column holds numbers.
    fn dialect(&self, rows: &Rows<'_>, watermark: Option<&str>) -> Result<Sqlite, Error> {
        let Some(column) = watermark else { return Ok(Sqlite { is_numeric: false }) };
        let sql = format!("SELECT typeof({0}) FROM {1} WHERE {0} IS NOT NULL LIMIT 1", quoted(column), rows.from);
        let kind: Result<String, _> = self.connection.query_row(&sql, [], |row| row.get(0));
        match kind {
            Ok(kind) => Ok(Sqlite { is_numeric: kind == "integer" || kind == "real" }),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Sqlite { is_numeric: false }),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Writes every row of a statement.
    fn copy(&self, sql: &str, width: usize, mut writer: Writer) -> Result<Content, Error> {
        let failed = |error: rusqlite::Error| self.failed(&error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        if !statement.readonly() {
            return Err(Error::unreadable(self.path, "the query writes", "write a SELECT"));
        }
        let mut records = statement.query([]).map_err(failed)?;
        let mut count = 0_u64;
        while let Some(record) = records.next().map_err(failed)? {
            count += 1;
            if count.is_multiple_of(ROWS_PER_LOOK) && self.began.elapsed() > self.patience.statement {
                return Err(failed(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT),
                    None,
                )));
            }
            row(record, width, &mut writer).map_err(failed)?;
            writer.end_row()?;
        }
        Ok(writer.finish()?)
    }
}

fn row(record: &Record<'_>, width: usize, writer: &mut Writer) -> rusqlite::Result<()> {
    for column in 0..width {
        match record.get_ref(column)? {
            ValueRef::Text(bytes) => writer.cell(Some(bytes)),
            other => writer.cell(text(other).as_deref()),
        }
    }
    Ok(())
}

/// Writes a value as text.
fn text(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string().into_bytes()),
        ValueRef::Real(value) => Some(number_text(value).into_bytes()),
        ValueRef::Blob(bytes) => Some(hexadecimal(bytes).into_bytes()),
        ValueRef::Text(bytes) => Some(bytes.to_vec()),
    }
}

fn unreadable(path: &Arc<str>, error: &rusqlite::Error) -> Error {
    // The SQL in it may have several lines.
    let words = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => {
            let hint = "TALLYHOUSE_STATEMENT_SECONDS sets how long a statement may take";
            Error::unreadable(path, "the statement took too long", hint)
        }
        Some(rusqlite::ErrorCode::Unknown) | None => Error::unreadable(path, words, "check `query` and `where`"),
        _ => Error::unreadable(path, words, "check that it is a whole SQLite database without a password"),
    }
}

/// A table or view.
#[derive(Debug)]
struct Table {
    name: String,
    /// Whether its rows have SQLite's own row numbers.
    has_row_id: bool,
}

fn tables(database: &Connection) -> rusqlite::Result<Vec<Table>> {
    let sql = "SELECT name, type = 'table' AND wr = 0 FROM pragma_table_list \
               WHERE schema = 'main' AND type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = database.prepare(sql)?;
    let tables = statement.query_map([], |row| Ok(Table { name: row.get(0)?, has_row_id: row.get(1)? }))?;
    tables.collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests;
