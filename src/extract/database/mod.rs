//! A table or view of a SQLite database file.
//!
//! In: the file's bytes and a table's name. Out: its rows in their natural order, values as text. SQLite wants a file, so
//! the bytes go to a temporary one, opened read-only. Deliberately no queries: what a source needs is its
//! contract's affair. Changes that lie in a separate `-wal` file are not seen.

use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, Row as Record, types::ValueRef};

use super::{BATCH_ROWS, Error, RecordReader, number_text, row::Row};
use crate::{
    record::{FileShape, LineCount, RawBatch, RawFault, diagnostic::nearest},
    storage::read::temporary_file,
};

/// Opens a table; without a name, the database's only one.
pub(super) fn open(path: &Arc<str>, bytes: &[u8], table: Option<&str>) -> Result<Box<dyn RecordReader>, Error> {
    let file = temporary_file(bytes)?;
    let failed = |error: rusqlite::Error| unreadable(path, &error);
    let url = url::Url::from_file_path(file.path())
        .map_err(|()| Error::unreadable(path, "no temporary path", "set TMPDIR"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(format!("{url}?immutable=1"), flags).map_err(failed)?;
    refuse_damaged(path, &database)?;
    let tables = tables(&database).map_err(failed)?;
    let table = choose(path, &tables, table)?;
    let header = columns(&database, &table.name).map_err(failed)?;
    let page = page(table, &header);
    // Row numbers may be negative.
    let first_mark = if page.by_row_id { i64::MIN } else { 0 };
    let shape = shape(header, &table.name);
    Ok(Box::new(Reader {
        path: Arc::clone(path),
        database,
        _file: file,
        page,
        last: first_mark,
        shape,
        count: LineCount::default(),
    }))
}

/// Refuses a database whose pages do not add up: SQLite would go round in a damaged tree without end.
fn refuse_damaged(path: &Arc<str>, database: &Connection) -> Result<(), Error> {
    let found: Result<String, rusqlite::Error> = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match found.map_err(|error| unreadable(path, &error))?.as_str() {
        "ok" => Ok(()),
        damage => {
            Err(Error::unreadable(path, format!("the database is damaged: {damage}"), "copy it again with `.backup`"))
        }
    }
}

fn unreadable(path: &Arc<str>, error: &rusqlite::Error) -> Error {
    Error::unreadable(path, error.to_string(), "check that it is a whole SQLite database without a password")
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

fn choose<'a>(path: &Arc<str>, tables: &'a [Table], name: Option<&str>) -> Result<&'a Table, Error> {
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let list = format!("its tables are: {}", names.join(", "));
    let Some(name) = name else {
        let hint = format!("declare `format: {{ type: database, table: … }}`; {list}");
        return if let [only] = tables {
            Ok(only)
        } else {
            Err(Error::unreadable(path, "it has several tables or none", hint))
        };
    };
    tables.iter().find(|table| table.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let hint = nearest(name, names).map_or(list, |near| format!("did you mean `{near}`?"));
        Error::unreadable(path, format!("there is no table `{name}`"), hint)
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let statement = database.prepare(&format!("SELECT * FROM {}", quoted(table)))?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// How the next rows are asked for; the parameter is the last row's mark.
struct Page {
    sql: String,
    /// Whether the mark is a row number, the first column, and not the count of rows.
    by_row_id: bool,
}

/// Pages by row number where there is one; a view or a table without row numbers is counted off.
fn page(table: &Table, header: &[String]) -> Page {
    let is_free = |id: &&str| !header.iter().any(|column| column.eq_ignore_ascii_case(id));
    let row_id = ["rowid", "_rowid_", "oid"].into_iter().find(is_free).filter(|_| table.has_row_id);
    let name = quoted(&table.name);
    let sql = match row_id {
        Some(id) => format!("SELECT {id}, * FROM {name} WHERE {id} > ?1 ORDER BY {id} LIMIT {BATCH_ROWS}"),
        None => format!("SELECT * FROM {name} LIMIT {BATCH_ROWS} OFFSET ?1"),
    };
    Page { sql, by_row_id: row_id.is_some() }
}

fn shape(header: Vec<String>, table: &str) -> FileShape {
    FileShape { header, notes: vec![format!("table `{table}`")], ..FileShape::binary("database") }
}

struct Reader {
    path: Arc<str>,
    // Dropped before its file.
    database: Connection,
    _file: tempfile::NamedTempFile,
    page: Page,
    last: i64,
    shape: FileShape,
    count: LineCount,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let (batch, last) = self.read_page().map_err(|error| unreadable(&self.path, &error))?;
        self.last = last;
        self.count.lines += batch.len() as u64;
        self.count.rows += batch.len() as u64;
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

impl Reader {
    fn read_page(&self) -> rusqlite::Result<(RawBatch, i64)> {
        let mut statement = self.database.prepare_cached(&self.page.sql)?;
        let mut records = statement.query([self.last])?;
        let first = usize::from(self.page.by_row_id);
        let (mut batch, mut row, mut last) = (RawBatch::default(), Row::default(), self.last);
        while let Some(record) = records.next()? {
            last = if self.page.by_row_id { record.get(0)? } else { last + 1 };
            row.start(self.count.lines + batch.len() as u64 + 1);
            fill(&mut row, record, first..first + self.shape.header.len())?;
            row.write(&mut batch, self.shape.header.len());
        }
        Ok((batch, last))
    }
}

fn fill(row: &mut Row, record: &Record<'_>, columns: std::ops::Range<usize>) -> rusqlite::Result<()> {
    for column in columns {
        match record.get_ref(column)? {
            ValueRef::Null => row.push_joined(None),
            ValueRef::Integer(value) => row.push_joined(Some(&value.to_string())),
            ValueRef::Real(value) => row.push_joined(Some(&number_text(value))),
            ValueRef::Blob(bytes) => row.push_joined(Some(&hexadecimal(bytes))),
            ValueRef::Text(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    row.fault = Some(RawFault::Encoding);
                }
                row.push_joined(Some(&text));
            }
        }
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::{
        define::project::Format,
        extract::testing::{fail, read},
    };

    fn database(sql: &str) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let connection = Connection::open(file.path()).unwrap();
        connection.execute_batch(sql).unwrap();
        connection.close().unwrap();
        std::fs::read(file.path()).unwrap()
    }

    fn table(name: &str) -> Format {
        Format::Database { table: name.to_owned() }
    }

    #[test]
    fn values_of_all_kinds_become_text() {
        let bytes = database(
            "CREATE TABLE \"vi\"\"sit\" (id TEXT PRIMARY KEY, n INTEGER, r REAL, b BLOB, rowid TEXT);
             INSERT INTO \"vi\"\"sit\" VALUES ('广州', -5, 0.1, x'00ff', 'own'), ('b', NULL, 3.0, NULL, NULL);
             INSERT INTO \"vi\"\"sit\" (id) VALUES (CAST(x'61ff' AS TEXT));",
        );
        let found = read("crm.sqlite", bytes, &table("vi\"sit"), &[]);
        assert_eq!(found.shape.header, ["id", "n", "r", "b", "rowid"]);
        let expected = ["1: 广州|-5|0.1|00ff|own", "2: b|∅|3|∅|∅", "3: Encoding a\u{FFFD}\t\t\t\t"];
        assert_eq!(found.rows, expected);
        assert_eq!((found.count(), found.raw[0].as_str()), ("3 = 3 rows".to_owned(), "广州\t-5\t0.1\t00ff\town"));
    }

    #[test]
    fn tables_views_and_tables_without_row_numbers_are_paged() {
        let bytes = database(
            "CREATE TABLE a (x INTEGER); CREATE TABLE b (x INTEGER PRIMARY KEY) WITHOUT ROWID; CREATE VIEW v AS SELECT x FROM a;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO a SELECT i FROM n;
             INSERT INTO b SELECT x FROM a; DELETE FROM a WHERE x = 5; UPDATE a SET rowid = -3 WHERE x = 4;",
        );
        let found = read("a.db", bytes.clone(), &table("a"), &[]);
        assert_eq!(
            (found.rows.len(), found.rows[0].as_str(), found.rows[19_998].as_str()),
            (19_999, "1: 4", "19999: 20000")
        );
        assert_eq!(read("a.db", bytes.clone(), &table("V"), &[]).rows.len(), 19_999);
        assert_eq!(read("a.db", bytes, &table("b"), &[]).rows[19_999], "20000: 20000");
    }

    #[test]
    fn the_only_table_needs_no_name_and_others_a_right_one() {
        let one = database("CREATE TABLE visit (id); INSERT INTO visit VALUES (1);");
        assert_eq!(read("a.sqlite", one, &Format::Auto, &[]).rows, ["1: 1"]);
        let two = database("CREATE TABLE visit (id); CREATE TABLE stage (id);");
        let hint = "declare `format: { type: database, table: … }`; its tables are: stage, visit";
        assert_eq!(
            fail("a.sqlite", two.clone(), &Format::Auto),
            format!("cannot read `a.sqlite`: it has several tables or none; {hint}")
        );
        assert_eq!(
            fail("a.sqlite", two, &table("vist")),
            "cannot read `a.sqlite`: there is no table `vist`; did you mean `visit`?"
        );
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        let message = fail("a.sqlite", "no database, but long enough to hold a header".repeat(30), &table("a"));
        assert!(message.starts_with("cannot read `a.sqlite`: file is not a database"), "{message}");
    }

    #[test]
    fn a_database_in_write_ahead_mode_is_read() {
        let bytes = database("PRAGMA journal_mode = WAL; CREATE TABLE a (x); INSERT INTO a VALUES ('y');");
        assert_eq!(read("a.db", bytes, &table("a"), &[]).rows, ["1: y"]);
    }
}
