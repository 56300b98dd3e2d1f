//! Tables of database servers, each started for its test: values as text, push-down, pulls by watermark.

use std::sync::Arc;

use tallyhouse::{
    define::{self, project::Source},
    extract::{self, ExtractFile, Hints, Pull},
    record::Text,
};

use crate::project::Project;

/// Checks a source as the command line would.
fn source(yaml: &str) -> Source {
    let text = |path: &str, body: &str| Arc::new(Text { path: path.to_owned(), body: body.to_owned() });
    let pipeline = "name: n\nwarehouse: w\ntimezone: UTC\nsources: s/*.yaml\nmodels: m\n";
    let pipeline = define::read_pipeline(text("p.yaml", pipeline), &|_| None).unwrap();
    let (project, _) =
        define::assemble(pipeline, vec![text("s/a.yaml", yaml)], Vec::new(), Vec::new(), &|_| None).unwrap();
    project.sources.into_iter().next().unwrap()
}

/// Lists the one pull of a source.
fn listed(source: &Source, since: Option<&str>) -> Result<ExtractFile, extract::Error> {
    let pull = Pull { since: since.map(str::to_owned) };
    let mut files = runtime().block_on(extract::list_since(source, &pull))?;
    assert_eq!(files.len(), 1);
    Ok(files.remove(0))
}

/// Makes a pull and reads it: the header, then the rows, NULL as `∅`.
fn pulled(source: &Source, file: &ExtractFile, names: &[&str]) -> Result<Vec<String>, extract::Error> {
    let hints = Hints { names: names.iter().map(|name| (*name).to_owned()).collect(), required: Vec::new() };
    let content = runtime().block_on(file.open(&hints))?;
    let again = runtime().block_on(file.open(&hints))?;
    assert_eq!(content.bytes().unwrap(), again.bytes().unwrap(), "an unchanged table gives the same bytes");
    let mut reader =
        extract::open(&file.path, &content, &source.format, &hints, &extract::Limits::default())?.remove(0).reader;
    let mut rows = vec![reader.shape().header.join("|")];
    while let Some(batch) = reader.next_batch()? {
        let row = |row: usize| {
            assert_eq!(batch.fault(row), None);
            let cells: Vec<&str> = (0..batch.width(row)).map(|column| batch.cell(row, column).unwrap_or("∅")).collect();
            cells.join("|")
        };
        rows.extend((0..batch.len()).map(row));
    }
    Ok(rows)
}

fn read(source: &Source, names: &[&str]) -> Vec<String> {
    pulled(source, &listed(source, None).unwrap(), names).unwrap()
}

fn refused(source: &Source) -> String {
    let error = listed(source, None).and_then(|file| pulled(source, &file, &[])).unwrap_err();
    format!("{error}; {}", error.hint().unwrap_or_default())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

const COLUMNS: &str = "key: [id]\ncolumns:\n  id: { type: bigint, required: true }\n  note: { type: string }\n";

fn contract(address: &str, format: &str) -> Source {
    source(&format!("name: visit\nlocation: \"{address}\"\nformat: {{ type: database, {format} }}\n{COLUMNS}"))
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::*;
    use crate::servers::{self, Served};

    const TABLES: &str = r#"
        CREATE SCHEMA crm;
        CREATE TABLE crm."Visit" (id bigint PRIMARY KEY, note text, region text, updated_at timestamptz);
        INSERT INTO crm."Visit" VALUES
            (1, E'tab\there\nline \\N 销售', 'east', '2026-01-01 08:00:00+08'), (2, '', 'west', '2026-01-02 00:00:00.5Z'),
            (3, NULL, 'east', '2026-01-03 00:00:00Z'), (4, '\N', 'east', NULL);
        CREATE DOMAIN whole AS boolean;
        CREATE TABLE every (a numeric, b double precision, c real, d boolean, e whole, f bytea, g jsonb, h int[], i date, j timestamp,
            k timestamptz, l time, m interval, n uuid, o money, p char(3), q bigint);
        INSERT INTO every VALUES (12345678901234567890.123456789, 0.1, 0.1, true, false, '\x00ff', '{"k": [1, null]}', '{1,NULL}',
            '2024-02-29', '2024-02-29 12:00:00.000001', '2024-02-29 12:00:00+08', '23:59:59', '1 day 2 hours',
            '00000000-0000-0000-0000-000000000001', 1234.5, 'ab', -9223372036854775808);
        INSERT INTO every DEFAULT VALUES;
    "#;

    fn server() -> Option<Served> {
        let served = servers::postgres(TABLES)?;
        Some(served)
    }

    /// Puts the user into an address: sockets of the test know only one.
    fn contract_of(served: &Served, format: &str) -> Source {
        contract(&served.address.replacen(":///", "://tally@/", 1), format)
    }

    #[test]
    fn every_type_becomes_text_without_loss() {
        let Some(served) = server() else { return };
        let rows = read(&contract_of(&served, "table: every"), &[]);
        let expected = "12345678901234567890.123456789|0.1|0.1|true|false|00ff|{\"k\": [1, null]}|{1,NULL}|2024-02-29|\
            2024-02-29 12:00:00.000001|2024-02-29 04:00:00Z|23:59:59|P1DT2H|00000000-0000-0000-0000-000000000001|1234.50|\
            ab |-9223372036854775808";
        assert_eq!(rows[1], expected);
        assert_eq!(rows[2], ["∅"; 17].join("|"));
    }

    #[test]
    fn columns_and_predicates_are_pushed_down() {
        let Some(served) = server() else { return };
        let wanted = contract_of(&served, "table: crm.visit, where: \"region = 'east' -- only\"");
        assert_eq!(
            read(&wanted, &["ID", "note"]),
            ["id|note|region|updated_at", "1|tab\there\nline \\N 销售|∅|∅", "3|∅|∅|∅", "4|\\N|∅|∅"]
        );
        let query = "query: 'SELECT region, count(*) AS n FROM crm.\"Visit\" GROUP BY 1 ORDER BY 1;'";
        assert_eq!(read(&contract_of(&served, query), &[]), ["region|n", "east|3", "west|1"]);
    }

    #[test]
    fn a_pull_goes_on_where_the_last_one_ended() {
        let Some(served) = server() else { return };
        let source = contract_of(&served, "table: crm.visit, watermark: updated_at");
        let first = listed(&source, None).unwrap();
        assert_eq!(&*first.path, "crm.visit@..2026-01-03 00:00:00+00");
        assert_eq!(first.version.as_deref(), Some("2026-01-03 00:00:00+00"));
        assert_eq!(pulled(&source, &first, &["id"]).unwrap().len(), 1 + 4);
        servers::postgres_sql(
            &served,
            "INSERT INTO crm.\"Visit\" VALUES (5, 'late', 'east', '2026-01-03Z'), (6, 'new', 'east', '2026-01-04Z')",
        );
        let next = listed(&source, first.watermark.as_deref()).unwrap();
        assert_eq!(&*next.path, "crm.visit@2026-01-03 00:00:00+00..2026-01-04 00:00:00+00");
        assert_eq!(pulled(&source, &next, &["id"]).unwrap()[1..], ["3|∅|∅|∅", "4|∅|∅|∅", "5|∅|∅|∅", "6|∅|∅|∅"]);
        servers::postgres_sql(&served, "DELETE FROM crm.\"Visit\" WHERE id > 2");
        let none = listed(&source, next.watermark.as_deref()).unwrap();
        assert_eq!(none.watermark, next.watermark);
        assert_eq!(pulled(&source, &none, &["id"]).unwrap(), ["id|note|region|updated_at"]);
    }

    #[test]
    fn what_the_server_refuses_is_said_with_what_to_do() {
        let Some(served) = server() else { return };
        let says = |format: &str, expected: &str| {
            let said = refused(&contract_of(&served, format));
            assert!(said.contains(expected), "{said}");
        };
        says("table: crm.vist", "there is no table `crm.vist`; did you mean `crm.Visit`?");
        says(
            "table: crm.visit, where: regoin = 1",
            "column \"regoin\" does not exist (42703); check `table`, `query` and `where`",
        );
        says(
            "table: crm.visit, watermark: updatd_at",
            "no column `updatd_at` for the watermark; did you mean `updated_at`?",
        );
        says("query: DELETE FROM every", "syntax error");
        says("query: \"SELECT 1 AS a, 2 AS a\"", "two columns named `a`");
        says("query: \"SELECT pg_sleep(0), nextval('pg_class')\"", "cannot read `query`");
        let elsewhere = served.address.replacen(":///postgres", "://tally@/nowhere", 1);
        let said = refused(&contract(&elsewhere, "table: every"));
        assert!(said.contains("database \"nowhere\" does not exist"), "{said}");
    }

    #[test]
    fn a_pipeline_stages_a_table_and_finds_it_unchanged() {
        let Some(served) = server() else { return };
        let mut project = Project::new();
        project.set("PGUSER", "tally");
        project.set("TALLYHOUSE_RETRIES", "1");
        let format = "{ type: database, table: crm.visit, where: \"id < 4\" }";
        project.source("visit", &format!("location: \"{}\"\nformat: {format}\n{COLUMNS}", served.address));
        project.run();
        assert_eq!(project.rows("staged.visit"), ["1|tab\there\nline \\N 销售", "2|NULL", "3|NULL"]);
        assert_eq!(project.run()["sources"][0]["is_unchanged"], true);
        drop(served);
        let ran = project.tallyhouse(&["run"]).ends(3);
        assert!(ran.error().contains("cannot reach"), "{}", ran.err);
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use super::*;
    use crate::servers;

    const TABLES: &str = r#"SET NAMES utf8mb4
CREATE DATABASE crm CHARACTER SET utf8mb4
CREATE TABLE crm.visit (id bigint PRIMARY KEY, note text, region varchar(9), n int)
INSERT INTO crm.visit VALUES (1, 'tab\there\nline \\N 销售', 'east', 8), (2, '', 'west', 9), (3, NULL, 'east', 10), (4, 'it''s', 'east', NULL)
CREATE TABLE crm.every (a decimal(38,9), b double, c float, d boolean, f varbinary(9), g json, i date, j datetime(6), k timestamp, l time, n bit(9), q bigint unsigned, r year)
SET time_zone = '+08:00'
INSERT INTO crm.every VALUES (12345678901234567890.123456789, 0.1, 16777.217, true, x'00ff', '{"k": 1}', '2024-02-29', '2024-02-29 12:00:00.000001', '2024-02-29 12:00:00', '23:59:59', b'101', 18446744073709551615, 2024)
"#;

    #[test]
    fn mariadb_is_read_as_text_with_push_down_and_watermark() {
        let Some(served) = servers::mariadb(TABLES.trim()) else { return };
        let rows = read(&contract(&served.address, "table: every"), &[]);
        let expected = "12345678901234567890.123456789|0.1|16777.217|1|00ff|{\"k\": 1}|2024-02-29|2024-02-29 12:00:00.000001|\
            2024-02-29 04:00:00Z|23:59:59|5|18446744073709551615|2024";
        assert_eq!(rows[1], expected);
        let wanted = contract(&served.address, "table: crm.VISIT, where: \"region = 'east' -- only\"");
        assert_eq!(
            read(&wanted, &["ID", "note"]),
            ["id|note|region|n", "1|tab\there\nline \\N 销售|∅|∅", "3|∅|∅|∅", "4|it's|∅|∅"]
        );
        let source = contract(&served.address, "table: visit, watermark: n");
        let next = listed(&source, Some("9")).unwrap();
        assert_eq!((&*next.path, next.watermark.as_deref()), ("visit@9..10", Some("10")));
        assert_eq!(next.version.as_deref(), Some("00000000000000000010"));
        assert_eq!(pulled(&source, &next, &["id", "n"]).unwrap()[1..], ["2|∅|∅|9", "3|∅|∅|10", "4|∅|∅|∅"]);
        for (format, expected) in [
            ("table: vist", "there is no table `vist`; did you mean `visit`?"),
            ("table: visit, where: regoin = 1", "Unknown column 'regoin'"),
            ("query: DELETE FROM crm.visit", "SQL syntax"),
        ] {
            let said = refused(&contract(&served.address, format));
            assert!(said.contains(expected), "{said}");
        }
    }
}
