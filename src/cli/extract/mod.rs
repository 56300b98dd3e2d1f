//! `tallyhouse extract`

pub(super) mod csv;
mod document;
mod hints;
mod json;
mod parquet;
mod table;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use self::{csv::RejectsCsv, document::Documents, hints::with_options};
use super::{
    arguments::{ExtractArguments, OutputFormat, RowsFormat},
    diagnostics, print, tell,
};
use crate::{
    Error,
    define::select::Selection,
    engine::Settings,
    record::{RawBatch, SkippedLines},
    run::{self, Extracted, FormatChoice, Head, Input, PartReport, Reading, Request, Sink, Unread},
};

/// Rows of a table that are shown unless `--limit` says otherwise.
const TABLE_ROWS: u64 = 40;

/// Shows what the reader sees.
pub(super) fn extract(arguments: &ExtractArguments) -> Result<ExitCode, Error> {
    let to_standard_output = [&arguments.report, &arguments.rejects].into_iter().flatten().filter(|path| is_dash(path));
    if to_standard_output.count() > 1 {
        return Err(usage("only one of `--report` and `--rejects` can be printed", "name a file for the other"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| environment(format!("cannot start threads: {error}")))?;
    let shown = runtime.block_on(shown(arguments));
    shown.map_err(|error| told(error, arguments))
}

/// Returns an error as it is told here: without a contract its hint names options.
fn told(error: Error, arguments: &ExtractArguments) -> Error {
    if arguments.contract.is_none() { with_options(error) } else { error }
}

async fn shown(arguments: &ExtractArguments) -> Result<ExitCode, Error> {
    let reading = reading(arguments)?;
    let inputs = run::inputs(&arguments.files, &reading).await?;
    refuse_to_replace(&inputs, arguments)?;
    let mut sink = Shown::new(arguments)?;
    let reads_all = arguments.limit.is_none() || arguments.report.is_some() || arguments.rejects.is_some();
    let extracted = run::extract(&inputs, &reading, reads_all, &mut io::stdin().lock(), &mut sink).await;
    let finished = match extracted {
        Ok(mut extracted) => {
            let failed = extracted.failed.into_iter();
            extracted.failed =
                failed.map(|failed| run::Failed { error: told(failed.error, arguments), ..failed }).collect();
            sink.finish(&extracted).map(|()| extracted)
        }
        Err(run::Stopped::Output(error)) => Err(output_failed(&error)),
    };
    match finished {
        Ok(extracted) => conclude(&extracted, arguments),
        // A reader that went away has seen enough.
        Err(Error::Usage { message, .. }) if message.is_empty() => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

fn reading(arguments: &ExtractArguments) -> Result<Reading, Error> {
    let choice: FormatChoice = arguments.format.choice();
    let source = match &arguments.contract {
        Some(name) => Some(run::source(&request(&arguments.pipeline), name)?),
        None => None,
    };
    let reading = Reading::new(choice, source.as_ref());
    // What is wrong with the options is wrong for every file.
    reading.format(arguments.files.first().map_or("", String::as_str))?;
    Ok(reading)
}

/// Returns what it takes to read a pipeline's definitions.
fn request(pipeline: &Path) -> Request {
    Request {
        pipeline: pipeline.to_owned(),
        run_date: None,
        variables: BTreeMap::new(),
        environment: None,
        full: false,
        rebuild: run::Rebuild::default(),
        selection: Selection::default(),
        verify: false,
        accepted: Vec::new(),
        rehash: false,
        settings: Settings { threads: 1, memory_limit_bytes: 0, spill_folder: None },
        process_environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        now: chrono::Utc::now(),
    }
}

/// Refuses to write over a file that is to be read.
fn refuse_to_replace(inputs: &[Input], arguments: &ExtractArguments) -> Result<(), Error> {
    let written = [&arguments.out, &arguments.report, &arguments.rejects].into_iter().flatten();
    for path in written.filter(|path| !is_dash(path)) {
        if inputs.iter().any(|input| run::is_same_file(Path::new(&*input.name), path)) {
            let message = format!("`{}` is one of the files to be read", path.display());
            return Err(usage(&message, "name another file to write to"));
        }
    }
    Ok(())
}

/// Says how it went, and turns files that could not be read into the exit code.
fn conclude(extracted: &Extracted, arguments: &ExtractArguments) -> Result<ExitCode, Error> {
    let lines: String = extracted.parts.iter().map(|part| summary(part, arguments)).collect();
    let _ = io::stderr().write_all(lines.as_bytes());
    let Some(last) = extracted.failed.last() else { return Ok(ExitCode::SUCCESS) };
    if extracted.failed.len() == 1 && extracted.parts.is_empty() && arguments.report.is_none() {
        return Err(copied(&last.error));
    }
    for failed in &extracted.failed {
        // Standard output holds rows or a report already.
        tell(&failed.error, OutputFormat::Text);
    }
    Ok(ExitCode::from(last.error.exit_code()))
}

fn copied(error: &Error) -> Error {
    let (message, hint) = (error.to_string(), error.hint().map(str::to_owned));
    match error.exit_code() {
        1 => Error::Data { message, hint },
        2 => Error::Usage { message, hint },
        3 => Error::Environment { message, hint },
        _ => Error::Bug { message },
    }
}

/// Says in one line what was found out about a part.
fn summary(part: &PartReport, arguments: &ExtractArguments) -> String {
    let shape = &part.shape;
    let mut words = vec![shape.format.to_owned()];
    words.extend(shape.encoding.clone());
    words.extend(
        shape.delimiter.as_ref().map(|delimiter| format!("delimiter {}", visible(&ToString::to_string(delimiter)))),
    );
    if shape.header_line > 0 {
        words.push(format!("header on line {}", shape.header_line));
    }
    words.push(format!("{:.0} % sure", shape.confidence * 100.0));
    words.push(counted(shape.header.len() as u64, "column"));
    let at_least = if part.is_cut_short { "at least " } else { "" };
    words.push(format!("{at_least}{}", counted(part.rows, "row")));
    if part.rejected > 0 {
        words.push(format!("{} not read (`--rejects` shows them)", part.rejected));
    }
    words.extend(part.lines.skipped.iter().filter_map(|(kind, lines)| skipped(*kind, *lines)));
    if let Some(limit) = limit(arguments).filter(|limit| part.rows > *limit) {
        words.push(format!("the first {limit} shown (`--limit 0` shows all)"));
    }
    let mut text = format!("{}: {}\n", part.part, words.join(", "));
    for note in &shape.notes {
        let _ = writeln!(text, "  {note}");
    }
    text
}

fn skipped(kind: SkippedLines, lines: u64) -> Option<String> {
    let kind = serde_json::to_value(kind).ok()?.as_str()?.replace('_', " ");
    (kind != "header" && lines > 0).then(|| counted(lines, &format!("{kind} line")))
}

fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn visible(delimiter: &str) -> String {
    match delimiter {
        "\t" => "tab".to_owned(),
        text if text.contains(char::is_control) => {
            text.chars().map(|c| format!("U+{:04X}", u32::from(c))).collect::<Vec<_>>().join(" ")
        }
        text => format!("`{text}`"),
    }
}

/// Returns how many rows of a part are shown; None for all.
fn limit(arguments: &ExtractArguments) -> Option<u64> {
    let default = if arguments.output == RowsFormat::Table && arguments.out.is_none() { TABLE_ROWS } else { 0 };
    Some(arguments.limit.unwrap_or(default)).filter(|limit| *limit > 0)
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn usage(message: &str, hint: &str) -> Error {
    Error::Usage { message: message.to_owned(), hint: Some(hint.to_owned()) }
}

fn environment(message: String) -> Error {
    Error::Environment { message, hint: None }
}

/// Returns what a failing output means; a reader that went away is an error without words.
fn output_failed(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Error::Usage { message: String::new(), hint: None },
        ErrorKind::InvalidInput => {
            usage(&error.to_string(), "name a folder with `--out FOLDER/`: it gets a file for each table")
        }
        _ => environment(format!("cannot write the rows: {error}")),
    }
}

/// Passes rows to the document in work, and rows that could not be read to theirs.
struct Shown {
    /// None where a report or rejects are printed instead.
    documents: Option<Documents>,
    rejects: Option<RejectsCsv>,
    report: Option<PathBuf>,
    limit: Option<u64>,
    /// Rows of the part in work that were shown.
    rows: u64,
}

impl Shown {
    fn new(arguments: &ExtractArguments) -> Result<Self, Error> {
        let printed = [&arguments.report, &arguments.rejects].into_iter().flatten().any(|path| is_dash(path));
        let is_wanted = !printed || arguments.out.is_some();
        Ok(Self {
            documents: is_wanted.then(|| Documents::new(arguments.output, arguments.out.clone())),
            rejects: arguments.rejects.as_deref().map(RejectsCsv::create).transpose()?,
            report: arguments.report.clone(),
            limit: limit(arguments),
            rows: 0,
        })
    }

    fn finish(self, extracted: &Extracted) -> Result<(), Error> {
        if let Some(documents) = self.documents {
            documents.finish()?;
        }
        if let Some(rejects) = self.rejects {
            rejects.finish()?;
        }
        self.report.map_or(Ok(()), |path| write_report(&path, extracted))
    }
}

impl Sink for Shown {
    fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        self.rows = 0;
        self.documents.as_mut().map_or(Ok(()), |documents| documents.begin(head))
    }

    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<bool> {
        let Some(documents) = &mut self.documents else { return Ok(true) };
        if self.limit.is_some_and(|limit| self.rows >= limit) {
            return Ok(false);
        }
        self.rows += 1;
        documents.row(batch, row)?;
        Ok(true)
    }

    fn unread(&mut self, row: Unread<'_>) -> io::Result<()> {
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.row(row))
    }

    fn end(&mut self) -> io::Result<()> {
        self.documents.as_mut().map_or(Ok(()), Documents::end)
    }
}

/// Writes what was found out as one JSON document.
fn write_report(path: &Path, extracted: &Extracted) -> Result<(), Error> {
    let failed = |failed: &run::Failed| {
        let findings: Vec<serde_json::Value> = match &failed.error {
            Error::Definition(findings) => findings.iter().map(diagnostics::to_json).collect(),
            _ => Vec::new(),
        };
        let (error, hint) = (failed.error.to_string(), failed.error.hint());
        serde_json::json!({ "file": failed.file, "error": error, "hint": hint, "exit_code": failed.error.exit_code(), "findings": findings })
    };
    let failed: Vec<serde_json::Value> = extracted.failed.iter().map(failed).collect();
    let report = serde_json::json!({ "parts": extracted.parts, "failed": failed });
    let text = serde_json::to_string_pretty(&report).map_err(|error| Error::Bug { message: error.to_string() })? + "\n";
    if is_dash(path) {
        print(&text);
        return Ok(());
    }
    run::write_output(path, text.as_bytes(), false)
}
