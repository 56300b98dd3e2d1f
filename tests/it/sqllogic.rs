//! DataFusion's own sqllogictest files: a session of the engine answers as a stock session does.
//!
//! In: the folder of the crate `datafusion-sqllogictest`, unpacked, in `TALLYHOUSE_SQLLOGICTEST`; `.ci/night` fetches it. Each file
//! is played twice, every statement in turn, and the two answers are compared with each other: what the files expect is
//! the business of DataFusion's own tests. Rows are compared in any order, errors as errors; of `EXPLAIN` only whether it
//! fails. What may differ, and why, stands in `tests/sqllogic/exceptions.txt`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use datafusion::prelude::{SessionConfig, SessionContext};
use tallyhouse::engine::{Engine, Settings};

use crate::project::repository;

/// After so long a statement has no answer.
const LONGEST: Duration = Duration::from_secs(30);

/// What a session says to a statement: its rows, sorted, or that it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Rows(Vec<String>),
    Fails,
}

#[test]
#[ignore = "needs TALLYHOUSE_SQLLOGICTEST, and works in that folder: `.ci/night` runs it alone"]
fn a_session_answers_as_a_stock_session_does() {
    let folder = PathBuf::from(
        std::env::var_os("TALLYHOUSE_SQLLOGICTEST").expect("TALLYHOUSE_SQLLOGICTEST is the crate's folder"),
    );
    std::env::set_current_dir(&folder).unwrap();
    let (mut same, mut different) = (0_usize, BTreeMap::new());
    for file in files(Path::new("test_files")) {
        let statements = statements(&file);
        let (stock, ours) = (play(&file, &statements, stock), play(&file, &statements, ours));
        for ((sql, stock), ours) in statements.iter().zip(stock).zip(ours) {
            if stock == ours {
                same += 1;
            } else {
                let name = file.strip_prefix("test_files").unwrap().display().to_string();
                eprintln!("{name}: {}\n  stock {stock:.300?}\n  ours  {ours:.300?}", sql.replace('\n', " "));
                different.entry(name).or_insert_with(Vec::new).push(sql.clone());
            }
        }
    }
    eprintln!("{same} statements alike, {} different", different.values().map(Vec::len).sum::<usize>());
    let listed = exceptions();
    let unlisted: Vec<_> = different.iter().filter(|(file, found)| listed.get(*file) != Some(&found.len())).collect();
    assert!(unlisted.is_empty(), "unlisted: {unlisted:#?}");
    let idle: Vec<_> = listed.keys().filter(|file| !different.contains_key(*file)).collect();
    assert!(idle.is_empty(), "listed, and alike: {idle:?}");
}

/// Reads `file: statements that differ, why`.
fn exceptions() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(repository("tests/sqllogic/exceptions.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = |line: &str| {
        let (file, rest) = line.split_once(": ").unwrap();
        (file.to_owned(), rest.split(' ').next().unwrap().parse().unwrap())
    };
    lines.map(read).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let only = std::env::var("TALLYHOUSE_SQLLOGICTEST_ONLY").unwrap_or_default();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "slt") && path.to_string_lossy().contains(&only)
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the statements of a file and of those that it includes, records for other databases left out.
fn statements(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut found = Vec::new();
    let mut is_skipped = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("onlyif"), Some(engine)) => is_skipped |= !engine.eq_ignore_ascii_case("datafusion"),
            (Some("skipif"), Some(engine)) => is_skipped |= engine.eq_ignore_ascii_case("datafusion"),
            (Some("include"), Some(pattern)) => {
                let pattern = file.parent().unwrap().join(pattern);
                found.extend(included(&pattern).iter().flat_map(|file| statements(file)));
            }
            (Some("statement" | "query"), _) => {
                let sql: Vec<&str> =
                    lines.by_ref().take_while(|line| !line.trim().is_empty() && *line != "----").collect();
                if !is_skipped {
                    found.push(sql.join("\n"));
                }
                is_skipped = false;
            }
            _ => {}
        }
    }
    found
}

fn included(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().unwrap().to_string_lossy().into_owned();
    let is_meant = globset::Glob::new(&name).unwrap().compile_matcher();
    let Ok(entries) = fs::read_dir(pattern.parent().unwrap()) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| is_meant.is_match(path.file_name().unwrap()));
    found.sort();
    found
}

/// Plays the statements of a file in a new session; what they write is removed before.
fn play(file: &Path, statements: &[String], session: fn() -> SessionContext) -> Vec<Answer> {
    let scratch = Path::new("test_files/scratch");
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir_all(scratch.join(file.file_stem().unwrap())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let session = session();
    let answers = statements.iter().map(|sql| {
        let (session, sql) = (session.clone(), sql.clone());
        let task = runtime.spawn(async move { tokio::time::timeout(LONGEST, answer(&session, &sql)).await });
        // A panic of the engine is a failure of the statement.
        runtime.block_on(task).ok().and_then(Result::ok).unwrap_or(Answer::Fails)
    });
    answers.collect()
}

async fn answer(session: &SessionContext, sql: &str) -> Answer {
    let collected = async { session.sql(sql).await?.collect().await }.await;
    let Ok(batches) = collected else { return Answer::Fails };
    if sql.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("explain")) {
        return Answer::Rows(Vec::new());
    }
    let Ok(table) = arrow::util::pretty::pretty_format_batches(&batches) else { return Answer::Fails };
    let mut rows: Vec<String> = table.to_string().lines().filter(|line| line.starts_with('|')).map(squeezed).collect();
    rows.sort();
    Answer::Rows(rows)
}

/// Takes out what aligns the columns.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stock() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(4))
}

fn ours() -> SessionContext {
    let settings = Settings { threads: 4, memory_limit_bytes: 2 << 30, spill_folder: None };
    Engine::new(settings).unwrap().session([]).unwrap()
}
