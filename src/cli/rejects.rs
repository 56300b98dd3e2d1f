//! `tallyhouse rejects`

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    arguments::{Common, OutputFormat, RejectsAction, RejectsArguments},
    print, table,
};
use crate::{
    Error,
    define::project::CheckSeverity,
    engine::Engine,
    record::{TableName, csv},
    run::{
        self, CORRECTION_COLUMNS, CheckFailures, Correction, FailedCheck, RAW_COLUMN, Rejects, RejectsFilter, Snapshot,
    },
};

/// Looks at rejected rows.
pub(super) async fn rejects(arguments: &RejectsArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let common = &arguments.common;
    match arguments.action.clone() {
        None | Some(RejectsAction::Ls) => list(common, engine).await?,
        Some(RejectsAction::Show { source: Some(table), check, limit, .. }) if table.contains('.') => {
            show_failures(common, table, check.as_deref(), limit, engine).await?;
        }
        Some(RejectsAction::Show { source, only, file, rule, limit, .. }) => {
            show(common, &RejectsFilter { source: source.or(only), file, rule }, limit, engine).await?;
        }
        Some(RejectsAction::Export { source, file, rule, out }) => {
            export(common, &RejectsFilter { source: Some(source), file, rule }, out, engine).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(common: &Common, engine: &Engine) -> Result<(), Error> {
    let request = common.request(false);
    let failures = run::check_failures(&request, engine).await;
    let rejects = match (Snapshot::open(&request, None), &failures) {
        (Ok(snapshot), _) => snapshot.rejects(engine).await?,
        // The first run may have stopped at a check.
        (Err(_), Ok(failures)) if !failures.rows.is_empty() => Vec::new(),
        (Err(error), _) => return Err(error),
    };
    let failures = failures?;
    match common.output() {
        OutputFormat::Text => print(&tables(text(&rejects, &failures), &failed_text(&failures))),
        OutputFormat::Json => {
            let rejected = rejects.iter().map(|reject| serde_json::json!(reject));
            let failed = failures.by_check().into_iter().map(|check| serde_json::json!(check));
            print(&format!("{}\n", rejected.chain(failed).collect::<serde_json::Value>()));
        }
    }
    Ok(())
}

fn text(rejects: &[Rejects], failures: &CheckFailures) -> String {
    if rejects.is_empty() {
        return if failures.rows.is_empty() { "no row was rejected\n".to_owned() } else { String::new() };
    }
    let mut out = String::new();
    for reject in rejects {
        let column = reject.column.as_deref().unwrap_or("(whole row)");
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<24} {:<20} {:<22} {:>6} faults in {} files",
            reject.source, reject.rule, column, reject.faults, reject.files
        );
    }
    out + "\n`tallyhouse rejects show SOURCE` shows the rows\n"
}

/// Joins the two lists, a blank line between them.
fn tables(rejected: String, failed: &str) -> String {
    let blank = if rejected.is_empty() || failed.is_empty() { "" } else { "\n" };
    rejected + blank + failed
}

fn failed_text(failures: &CheckFailures) -> String {
    let checks = failures.by_check();
    if checks.is_empty() {
        return String::new();
    }
    let whose = match &failures.stopped {
        Some(run) => format!("run {run}, which published nothing"),
        None => "the served snapshot".to_owned(),
    };
    let mut out = format!("checks of {whose}:\n");
    for FailedCheck { table, check, severity, failed_rows, kept_rows } in checks {
        let severity = match (severity, &failures.stopped) {
            (CheckSeverity::Warn, _) => "warning",
            // What is served was published, so a threshold bears the rows.
            (CheckSeverity::Error, None) => "tolerated",
            (CheckSeverity::Error, Some(_)) => "error",
        };
        let fail = if failed_rows == 1 { "row fails" } else { "rows fail" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<24} {check:<43} {failed_rows:>6} {fail}, {kept_rows} kept ({severity})",
            table.to_string()
        );
    }
    out + "\n`tallyhouse rejects show SCHEMA.TABLE` shows the rows\n"
}

async fn show_failures(
    common: &Common,
    table: String,
    check: Option<&str>,
    limit: usize,
    engine: &Engine,
) -> Result<(), Error> {
    let table = TableName::try_from(table).map_err(|message| Error::Usage { message, hint: None })?;
    let failures = run::check_failures(&common.request(false), engine).await?;
    let (schema, batches) = failures.of(&table, check, limit)?;
    print(&table::render(&schema, &batches, common.output())?);
    Ok(())
}

async fn show(common: &Common, filter: &RejectsFilter, limit: usize, engine: &Engine) -> Result<(), Error> {
    let snapshot = Snapshot::open(&common.request(false), None)?;
    let (schema, batches) = snapshot.rejected(filter, limit, engine).await?;
    if let (Some(file), Some(source), true) =
        (&filter.file, &filter.source, batches.iter().all(|batch| batch.num_rows() == 0))
    {
        return Err(nothing_of_file(file, source, filter.rule.as_deref()));
    }
    print(&table::render(&schema, &batches, common.output())?);
    Ok(())
}

fn nothing_of_file(file: &str, source: &str, rule: Option<&str>) -> Error {
    let by = rule.map(|rule| format!(" by rule `{rule}`")).unwrap_or_default();
    Error::Usage {
        message: format!("no row of `{file}` was rejected{by}, or source `{source}` has no such file"),
        hint: Some(format!("`tallyhouse query \"select distinct file from quarantine.{source}\"` lists the files")),
    }
}

/// Writes rejected rows so that they can be corrected.
async fn export(common: &Common, filter: &RejectsFilter, out: Option<PathBuf>, engine: &Engine) -> Result<(), Error> {
    let corrections = run::corrections(&common.request(false), filter, engine).await?;
    let source = filter.source.as_deref().unwrap_or_default();
    if let (Some(file), true) = (&filter.file, corrections.is_empty()) {
        return Err(nothing_of_file(file, source, filter.rule.as_deref()));
    }
    let out = out.filter(|path| path.as_os_str() != "-");
    let is_folder = |path: &PathBuf| run::is_folder(path) || path.as_os_str().to_string_lossy().ends_with('/');
    let mut files: Vec<(PathBuf, u64)> = Vec::new();
    match (out, corrections.as_slice()) {
        (Some(folder), all) if is_folder(&folder) => {
            run::output_folder(&folder)?;
            for (number, correction) in (1..).zip(all) {
                let path = folder.join(format!("{source}_rejects_{number}.csv"));
                write(&path, correction)?;
                files.push((path, correction.rows.len() as u64));
            }
        }
        (_, all) if all.len() > 1 => return Err(several_forms(source, all)),
        (Some(path), all) => {
            let empty = Correction { delimiter: ",".to_owned(), title_lines: 0, header: Vec::new(), rows: Vec::new() };
            let correction = all.first().unwrap_or(&empty);
            write(&path, correction)?;
            files.push((path, correction.rows.len() as u64));
        }
        (None, all) => {
            print(&all.iter().map(corrected).collect::<String>());
            return Ok(());
        }
    }
    tell_files(common.output(), &files);
    Ok(())
}

fn several_forms(source: &str, corrections: &[Correction]) -> Error {
    Error::Usage {
        message: format!(
            "the rejected rows of `{source}` come from files of {} forms (header, delimiter, decimal mark), which no \
             single file can hold",
            corrections.len()
        ),
        hint: Some("write a file for each form with `--out FOLDER/`, or choose one with `--file`".to_owned()),
    }
}

fn tell_files(output: OutputFormat, files: &[(PathBuf, u64)]) {
    let text = match output {
        OutputFormat::Json => {
            let file =
                |(path, rows): &(PathBuf, u64)| serde_json::json!({ "file": path.display().to_string(), "rows": rows });
            format!("{}\n", serde_json::json!(files.iter().map(file).collect::<Vec<_>>()))
        }
        OutputFormat::Text if files.is_empty() => "no row was rejected\n".to_owned(),
        OutputFormat::Text => {
            let line = |(path, rows): &(PathBuf, u64)| {
                format!("{}: {rows} {}\n", path.display(), if *rows == 1 { "row" } else { "rows" })
            };
            files.iter().map(line).collect()
        }
    };
    print(&text);
}

/// Writes one file, for its owner alone: raw rows may hold personal data.
fn write(path: &Path, correction: &Correction) -> Result<(), Error> {
    run::write_output(path, corrected(correction).as_bytes(), true)
}

/// Returns the rows in the form of the files they came from. The byte order mark says that it is UTF-8, whatever the
/// contract says of other files.
fn corrected(correction: &Correction) -> String {
    let mut text = "\u{feff}".to_owned();
    text.extend((0..correction.title_lines).map(|_| "corrected rows\n"));
    let surplus = correction.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let surplus = surplus.saturating_sub(correction.header.len());
    let surplus = (1..=surplus).map(|number| Some(format!("_surplus_{number}")));
    let header = CORRECTION_COLUMNS.iter().map(|name| Some((*name).to_owned()));
    let mut header: Vec<Option<String>> =
        header.chain(correction.header.iter().cloned().map(Some)).chain(surplus).collect();
    let width = header.len();
    let has_raw = correction.rows.iter().any(|row| row.text.is_some());
    header.extend(has_raw.then(|| Some(RAW_COLUMN.to_owned())));
    push_row(&mut text, &header, &correction.delimiter);
    for row in &correction.rows {
        let mut cells = vec![Some(row.file.clone()), Some(row.line.to_string()), Some(row.reason.clone())];
        cells.extend(row.cells.iter().cloned());
        cells.resize(width, None);
        cells.extend(has_raw.then(|| row.text.clone()));
        push_row(&mut text, &cells, &correction.delimiter);
    }
    text
}

fn push_row(text: &mut String, cells: &[Option<String>], delimiter: &str) {
    let cells: Vec<_> = cells.iter().map(|cell| csv::cell(cell.as_deref().unwrap_or_default(), delimiter)).collect();
    text.push_str(&cells.join(delimiter));
    text.push('\n');
}
