//! SQLite files: what becomes text, what is asked for, what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
    Format::Database(DatabaseOptions { table: Some(name.to_owned()), ..DatabaseOptions::default() })
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

fn visits() -> Vec<u8> {
    database(
        "CREATE TABLE visit (id INTEGER PRIMARY KEY, region TEXT, updated_at TEXT, amount REAL);
         INSERT INTO visit VALUES (1, 'east', '2026-01-01', 1.5), (2, 'west', '2026-01-02', 2), (3, 'east', '2026-01-03', 3),
         (4, 'east', NULL, 4);",
    )
}

fn options(change: impl FnOnce(&mut DatabaseOptions)) -> DatabaseOptions {
    let mut options = DatabaseOptions { table: Some("visit".to_owned()), ..DatabaseOptions::default() };
    change(&mut options);
    options
}

#[test]
fn only_named_columns_and_wanted_rows_are_asked_for() {
    let options = options(|options| options.filter = Some("region = 'east' -- only".to_owned()));
    let found = read("crm.sqlite", visits(), &Format::Database(options), &["Region", "amount"]);
    assert_eq!(found.shape.header, ["id", "region", "updated_at", "amount"]);
    assert_eq!(found.rows, ["1: ∅|east|∅|1.5", "2: ∅|east|∅|3", "3: ∅|east|∅|4"]);
    assert_eq!(found.shape.notes, ["table `visit`", "where `region = 'east' -- only`", "2 of 4 columns asked for"]);
}

#[test]
fn a_query_stands_for_a_table() {
    let options = |query: &str| DatabaseOptions { query: Some(query.to_owned()), ..DatabaseOptions::default() };
    let sql = "SELECT region, count(*) AS visits FROM visit GROUP BY region ORDER BY region";
    let found = read("crm.sqlite", visits(), &Format::Database(options(sql)), &[]);
    assert_eq!(found.rows, ["1: east|3", "2: west|1"]);
    for (sql, expected) in [
        ("DELETE FROM visit", "syntax error"),
        ("SELECT absent FROM visit", "no such column: absent"),
        ("SELECT 1); DROP TABLE visit; --", "cannot read `crm.sqlite`"),
    ] {
        let message = fail("crm.sqlite", visits(), &Format::Database(options(sql)));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_pull_takes_what_is_not_below_the_last_watermark() {
    let (path, content) = (Arc::from("crm.sqlite"), Content::from(bytes::Bytes::from(visits())));
    let patience = Patience::from_environment();
    let options = options(|options| options.watermark = Some("updated_at".to_owned()));
    let top = |since: Option<&str>| largest(&path, &content, &options, since, &patience).unwrap();
    assert_eq!(top(None).as_deref(), Some("2026-01-03"));
    assert_eq!(top(Some("2026-01-02")).as_deref(), Some("2026-01-03"));
    assert_eq!(top(Some("2026-02-01")), None);
    let span = Span { from: Some("2026-01-02".to_owned()), to: Some("2026-01-03".to_owned()) };
    let pulled = pull(&path, &content, &options, Some(&span), &Hints::default(), &patience).unwrap();
    let found = read("crm", pulled.bytes().unwrap(), &Format::Database(options.clone()), &[]);
    assert_eq!(found.rows, ["1: 2|west|2026-01-02|2", "2: 3|east|2026-01-03|3", "3: 4|east|∅|4"]);
}

#[test]
fn a_whole_number_watermark_is_compared_as_a_number() {
    let bytes = database(
        "CREATE TABLE visit (id INTEGER, n INTEGER);
         WITH RECURSIVE c(i) AS (SELECT 8 UNION ALL SELECT i + 1 FROM c WHERE i < 12) INSERT INTO visit SELECT i, i FROM c;",
    );
    let (path, content) = (Arc::from("crm.sqlite"), Content::from(bytes::Bytes::from(bytes)));
    let patience = Patience::from_environment();
    let options = options(|options| options.watermark = Some("n".to_owned()));
    assert_eq!(largest(&path, &content, &options, Some("9"), &patience).unwrap().as_deref(), Some("12"));
    let span = Span { from: Some("9".to_owned()), to: Some("10".to_owned()) };
    let pulled = pull(&path, &content, &options, Some(&span), &Hints::default(), &patience).unwrap();
    let found = read("crm", pulled.bytes().unwrap(), &Format::Database(options.clone()), &[]);
    assert_eq!(found.rows, ["1: 9|9", "2: 10|10"]);
}

#[test]
fn a_statement_without_end_is_stopped() {
    let patience = Patience { statement: std::time::Duration::from_secs(1), ..Patience::from_environment() };
    let (path, content) = (Arc::from("crm.sqlite"), Content::from(bytes::Bytes::from(visits())));
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0";
    let options = DatabaseOptions { query: Some(endless.to_owned()), ..DatabaseOptions::default() };
    let error = pull(&path, &content, &options, None, &Hints::default(), &patience).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `crm.sqlite`: the statement took too long");
}
