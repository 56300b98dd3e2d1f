//! `tallyhouse rejects`

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    arguments::{Common, OutputFormat, RejectsAction, RejectsArguments, ShowRejectsArguments},
    note, print,
    selection::SelectionArguments,
    table,
};
use crate::{
    Error,
    define::{project::CheckSeverity, select::Selection},
    engine::Engine,
    record::{TableName, csv},
    run::{
        self, CORRECTION_COLUMNS, CheckFailures, Correction, FailedCheck, RAW_COLUMN, Rejects, RejectsFilter, Request,
        SURPLUS_COLUMN, Snapshot,
    },
};

/// Looks at rejected rows.
pub(super) async fn rejects(arguments: &RejectsArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let common = &arguments.common;
    // What stands before the action counts as much as what stands behind it.
    let asked = |selection: &SelectionArguments| {
        let Selection { mut select, mut exclude } = arguments.selection.asked();
        let more = selection.asked();
        select.extend(more.select);
        exclude.extend(more.exclude);
        Request { selection: Selection { select, exclude }, ..common.request(false) }
    };
    match &arguments.action {
        None => list(common, &asked(&SelectionArguments::default()), engine).await?,
        Some(RejectsAction::Ls { selection }) => list(common, &asked(selection), engine).await?,
        Some(RejectsAction::Show(shown)) => show(common, &asked(&shown.selection), shown, engine).await?,
        Some(RejectsAction::Export { source, selection, file, rule, out }) => {
            let filter = RejectsFilter { file: file.clone(), rule: rule.clone(), ..RejectsFilter::default() };
            export(common, &asked(selection), source.as_ref(), &filter, out.clone(), engine).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is rejected or failed, of what a request selects.
struct Found {
    /// None where nothing is published yet: the first run may have stopped at a check.
    snapshot: Option<Snapshot>,
    failures: CheckFailures,
    /// The sources; None for all.
    sources: Option<BTreeSet<String>>,
}

impl Found {
    async fn open(request: &Request, check: Option<&str>, engine: &Engine) -> Result<Self, Error> {
        let failures = run::check_failures(request, engine).await;
        let snapshot = match (Snapshot::open(request, None), &failures) {
            (Ok(snapshot), _) => Some(snapshot),
            (Err(_), Ok(failures)) if !failures.rows.is_empty() => None,
            (Err(error), _) => return Err(error),
        };
        let tables = match &snapshot {
            Some(snapshot) => snapshot.selected(request, engine).await?,
            None => run::selected(request, engine).await?.map(|selected| selected.tables),
        };
        let mut failures = failures?;
        if let Some(tables) = &tables {
            failures.keep_tables(tables);
        }
        check.map_or(Ok(()), |check| failures.keep_check(check))?;
        let sources = match &snapshot {
            Some(snapshot) => selected_sources(snapshot, tables.as_ref(), request, engine).await?,
            None => tables.as_ref().map(sources),
        };
        Ok(Self { snapshot, failures, sources })
    }

    fn has_source(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(source))
    }
}

/// Returns the sources whose staged or whose rejected rows are among tables.
fn sources(tables: &BTreeSet<TableName>) -> BTreeSet<String> {
    let is_its =
        |name: &&TableName| **name == TableName::staged(&name.table) || **name == TableName::quarantine(&name.table);
    tables.iter().filter(is_its).map(|name| name.table.clone()).collect()
}

/// Returns the sources of the tables that a request selects; None for all. A source has two tables, and is left out with either.
async fn selected_sources(
    snapshot: &Snapshot,
    tables: Option<&BTreeSet<TableName>>,
    request: &Request,
    engine: &Engine,
) -> Result<Option<BTreeSet<String>>, Error> {
    let Some(mut selected) = tables.map(sources) else { return Ok(None) };
    let exclude = request.selection.exclude.clone();
    if !exclude.is_empty() {
        let selection = Selection { select: exclude, exclude: Vec::new() };
        let away = snapshot.selected(&Request { selection, ..request.clone() }, engine).await?;
        let away = away.as_ref().map(sources).unwrap_or_default();
        selected.retain(|source| !away.contains(source));
    }
    Ok(Some(selected))
}

async fn list(common: &Common, request: &Request, engine: &Engine) -> Result<(), Error> {
    let found = Found::open(request, None, engine).await?;
    let mut rejects = match &found.snapshot {
        Some(snapshot) => snapshot.rejects(engine).await?,
        None => Vec::new(),
    };
    rejects.retain(|reject| found.has_source(&reject.source));
    let failures = &found.failures;
    match common.output() {
        OutputFormat::Text => print(&tables(text(&rejects, failures), &failed_text(failures))),
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

async fn show(
    common: &Common,
    request: &Request,
    arguments: &ShowRejectsArguments,
    engine: &Engine,
) -> Result<(), Error> {
    let ShowRejectsArguments { source, only, file, rule, .. } = arguments;
    let filter = RejectsFilter { file: file.clone(), rule: rule.clone(), ..RejectsFilter::default() };
    let is_selected = !request.selection.is_everything();
    match source.as_ref().or(only.as_ref()) {
        Some(table) if !is_selected && only.is_none() && Selection::is_full_name(table) => {
            show_failures(common, table, arguments, engine).await
        }
        Some(word) if !is_selected && (only.is_some() || is_source(word, request)) => {
            show_source(common, &RejectsFilter { source: Some(word.clone()), ..filter }, arguments.limit, engine).await
        }
        None if !is_selected && arguments.check.is_none() => {
            show_source(common, &filter, arguments.limit, engine).await
        }
        word => {
            let selection = request.selection.clone().and(word.cloned());
            show_selected(common, &Request { selection, ..request.clone() }, filter, arguments, engine).await
        }
    }
}

/// Returns whether a word that is no selector names a source of the served snapshot.
fn is_source(word: &str, request: &Request) -> bool {
    let snapshot = Snapshot::open(request, None);
    !Selection::is_selector(word) && snapshot.is_ok_and(|snapshot| snapshot.quarantined().any(|source| source == word))
}

async fn show_failures(
    common: &Common,
    table: &str,
    arguments: &ShowRejectsArguments,
    engine: &Engine,
) -> Result<(), Error> {
    let table = TableName::try_from(table.to_owned()).map_err(|message| Error::Usage { message, hint: None })?;
    let failures = run::check_failures(&common.request(false), engine).await?;
    let (schema, batches) = failures.of(&table, arguments.check.as_deref(), arguments.limit)?;
    show_rows(&schema, &batches, common.output(), "no such row of a check is kept\n")
}

async fn show_source(common: &Common, filter: &RejectsFilter, limit: usize, engine: &Engine) -> Result<(), Error> {
    let snapshot = Snapshot::open(&common.request(false), None)?;
    let (schema, batches) = snapshot.rejected(filter, limit, engine).await?;
    if let (Some(file), Some(source), true) =
        (&filter.file, &filter.source, batches.iter().all(|batch| batch.num_rows() == 0))
    {
        return Err(nothing_of_file(file, source, filter.rule.as_deref()));
    }
    show_rows(&schema, &batches, common.output(), "no such row was rejected\n")
}

/// Shows rows, or says in words that there are none: an empty grid would look like a fault.
fn show_rows(schema: &SchemaRef, batches: &[RecordBatch], output: OutputFormat, none: &str) -> Result<(), Error> {
    match output {
        OutputFormat::Text if batches.iter().all(|batch| batch.num_rows() == 0) => print(none),
        _ => print(&table::render(schema, batches, output)?),
    }
    Ok(())
}

/// Shows the rejected rows of the selected sources, then the failing rows of the selected tables. An option that means something for
/// one of the two leaves the other out.
async fn show_selected(
    common: &Common,
    request: &Request,
    filter: RejectsFilter,
    arguments: &ShowRejectsArguments,
    engine: &Engine,
) -> Result<(), Error> {
    let found = Found::open(request, arguments.check.as_deref(), engine).await?;
    let mut parts: Vec<(SchemaRef, Vec<RecordBatch>)> = Vec::new();
    if let (Some(snapshot), None) = (&found.snapshot, &arguments.check) {
        let filter = RejectsFilter { among: found.sources.clone(), ..filter.clone() };
        parts.push(snapshot.rejected(&filter, arguments.limit, engine).await?);
    }
    if filter.file.is_none() && filter.rule.is_none() {
        let failed = found.failures.batch(arguments.limit)?;
        parts.push((failed.schema(), vec![failed]));
    }
    parts.retain(|(_, batches)| batches.iter().any(|batch| batch.num_rows() > 0));
    let output = common.output();
    let shown = parts.iter().map(|(schema, batches)| table::render(schema, batches, output));
    let shown = shown.collect::<Result<Vec<String>, Error>>()?;
    match output {
        OutputFormat::Text if shown.is_empty() => print("no row was rejected, and none fails a check\n"),
        OutputFormat::Text => print(&shown.join("\n")),
        OutputFormat::Json => print(&format!("{}\n", one_list(&shown)?)),
    }
    Ok(())
}

/// Joins lists of objects into one.
fn one_list(lists: &[String]) -> Result<serde_json::Value, Error> {
    let read = |list: &String| serde_json::from_str::<Vec<serde_json::Value>>(list);
    let lists = lists.iter().map(read).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| Error::Bug { message: format!("rows became no JSON: {error}") })?;
    Ok(lists.into_iter().flatten().collect())
}

fn nothing_of_file(file: &str, source: &str, rule: Option<&str>) -> Error {
    let by = rule.map(|rule| format!(" by rule `{rule}`")).unwrap_or_default();
    Error::Usage {
        message: format!("no row of `{file}` was rejected{by}, or source `{source}` has no such file"),
        hint: Some(format!("`tallyhouse query \"select distinct file from quarantine.{source}\"` lists the files")),
    }
}

/// Writes rejected rows so that they can be corrected.
async fn export(
    common: &Common,
    request: &Request,
    source: Option<&String>,
    filter: &RejectsFilter,
    out: Option<PathBuf>,
    engine: &Engine,
) -> Result<(), Error> {
    let exported = match source {
        Some(source) if request.selection.is_everything() && !Selection::is_selector(source) => vec![source.clone()],
        word => {
            exported_sources(
                &Request { selection: request.selection.clone().and(word.cloned()), ..request.clone() },
                engine,
            )
            .await?
        }
    };
    let mut corrections: Vec<(String, Correction)> = Vec::new();
    for source in &exported {
        let filter = RejectsFilter { source: Some(source.clone()), ..filter.clone() };
        let found = run::corrections(request, &filter, engine).await?;
        corrections.extend(found.into_iter().map(|correction| (source.clone(), correction)));
    }
    if let (Some(file), true) = (&filter.file, corrections.is_empty()) {
        return Err(nothing_of_file(file, &exported.join("`, `"), filter.rule.as_deref()));
    }
    warn_of_newer_rows(corrections.iter().map(|(_, correction)| correction.followed_rows).sum());
    let out = out.filter(|path| path.as_os_str() != "-");
    let is_folder = |path: &PathBuf| run::is_folder(path) || path.as_os_str().to_string_lossy().ends_with('/');
    let mut files: Vec<(PathBuf, u64)> = Vec::new();
    match (out, corrections.as_slice()) {
        (Some(folder), all) if is_folder(&folder) => {
            run::output_folder(&folder)?;
            for (name, correction) in numbered(all) {
                let path = folder.join(name);
                write(&path, correction)?;
                files.push((path, correction.rows.len() as u64));
            }
        }
        (_, all) if all.len() > 1 => return Err(several_forms(&exported, all.len())),
        (Some(path), all) => {
            let empty = Correction {
                delimiter: ",".to_owned(),
                title_lines: 0,
                header: Vec::new(),
                rows: Vec::new(),
                followed_rows: 0,
            };
            let correction = all.first().map_or(&empty, |(_, correction)| correction);
            write(&path, correction)?;
            files.push((path, correction.rows.len() as u64));
        }
        (None, all) => {
            print(&all.iter().map(|(_, correction)| corrected(correction)).collect::<String>());
            return Ok(());
        }
    }
    tell_files(common.output(), &files);
    Ok(())
}

/// Says how many rows, fed back as the latest version, would go before newer ones of their keys.
fn warn_of_newer_rows(rows: u64) {
    if rows == 0 {
        return;
    }
    let (noun, key) = if rows == 1 { ("row comes", "its key") } else { ("rows come", "their keys") };
    note(&format!(
        "{rows} {noun} from a file that a later one followed: corrected under a name that sorts last, {key} would lose newer \
         rows; give the corrected file the version of `_file`\n"
    ));
}

/// Returns the selected sources that have a quarantine.
async fn exported_sources(request: &Request, engine: &Engine) -> Result<Vec<String>, Error> {
    let snapshot = Snapshot::open(request, None)?;
    let tables = snapshot.selected(request, engine).await?;
    let selected = selected_sources(&snapshot, tables.as_ref(), request, engine).await?;
    let is_selected = |source: &&String| selected.as_ref().is_none_or(|selected| selected.contains(*source));
    let found: Vec<String> = snapshot.quarantined().filter(is_selected).cloned().collect();
    if found.is_empty() {
        return Err(Error::Usage {
            message: "no source is selected".to_owned(),
            hint: Some("`+TABLE` selects the sources of a table too, `source:NAME` one of them".to_owned()),
        });
    }
    Ok(found)
}

/// Names a file for each form of each source.
fn numbered(corrections: &[(String, Correction)]) -> impl Iterator<Item = (String, &Correction)> {
    (1..).zip(corrections).map(|(place, (source, correction))| {
        let number = corrections[..place].iter().filter(|(other, _)| other == source).count();
        (format!("{source}_rejects_{number}.csv"), correction)
    })
}

fn several_forms(sources: &[String], forms: usize) -> Error {
    Error::Usage {
        message: format!(
            "the rejected rows of `{}` come from files of {forms} forms (header, delimiter, decimal mark), which no single \
             file can hold",
            sources.join("`, `")
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
    let surplus = (1..=surplus).map(|number| Some(format!("{SURPLUS_COLUMN}{number}")));
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
