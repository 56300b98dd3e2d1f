//! Rejected rows: shown, and given back as files that a person can correct.
//!
//! In: the served snapshot and, for corrections, the files as they lie there now. Out: rows with the reasons why they were
//! refused. Deliberately changes nothing: a corrected file takes part in the next run like any other.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Int64Type, Schema, SchemaRef},
};

use super::{Request, Snapshot, inputs};
use crate::{
    Error,
    define::project::{Format, Source, Version},
    engine::Engine,
    extract::{self, ExtractFile, Hints, RecordReader},
    record::{
        DecimalMark, FileShape, RawBatch, RawFault, TableName, manifest::InputFile, sql::literal, table::QUARANTINE,
    },
};

/// Columns that stand in front of a corrected file; no contract has such names, so the reader passes over them.
pub const CORRECTION_COLUMNS: [&str; 3] = ["_file", "_line", "_reason"];
/// The column behind the others that holds the raw row where it could not be cut into all of its cells.
pub const RAW_COLUMN: &str = "_text";
/// What the columns of cells beyond the header are called, with a number behind it.
pub const SURPLUS_COLUMN: &str = "_surplus_";

/// Returns whether a column stands only in corrected files, beside those of the contract.
pub(super) fn is_correction_column(name: &str) -> bool {
    CORRECTION_COLUMNS.contains(&name) || name == RAW_COLUMN || name.starts_with(SURPLUS_COLUMN)
}

/// Which rejected rows are meant.
#[derive(Debug, Clone, Default)]
pub struct RejectsFilter {
    /// Only this source.
    pub source: Option<String>,
    /// Only sources among these, where not a single one is meant.
    pub among: Option<BTreeSet<String>>,
    /// Only this file, as the table shows it.
    pub file: Option<String>,
    /// Only this rule.
    pub rule: Option<String>,
}

impl RejectsFilter {
    fn predicate(&self) -> String {
        let is = |(column, value): (&str, &Option<String>)| {
            value.as_ref().map(|value| format!("{column} = {}", literal(value)))
        };
        let all: Vec<String> = [("file", &self.file), ("rule", &self.rule)].into_iter().filter_map(is).collect();
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }
}

impl Snapshot {
    /// Returns rejected rows by file, line and rule; of all sources, each with its name, unless one is meant.
    ///
    /// # Errors
    /// When there is no such source, or a quarantine table cannot be read.
    pub async fn rejected(
        &self,
        filter: &RejectsFilter,
        limit: usize,
        engine: &Engine,
    ) -> Result<(SchemaRef, Vec<RecordBatch>), Error> {
        let predicate = filter.predicate();
        let order = format!("ORDER BY file, line, \"column\", rule LIMIT {limit}");
        if let Some(source) = &filter.source {
            let table = self.quarantine(source)?;
            return self.query(&format!("SELECT * FROM {table}{predicate} {order}"), engine).await;
        }
        let is_meant = |name: &&String| filter.among.as_ref().is_none_or(|among| among.contains(*name));
        let one = |name: &String| format!("SELECT '{name}' AS source, * FROM {QUARANTINE}.\"{name}\"{predicate}");
        let all: Vec<String> = self.quarantined().filter(is_meant).map(one).collect();
        if all.is_empty() {
            return Ok((Arc::new(Schema::empty()), Vec::new()));
        }
        self.query(
            &format!("{} ORDER BY source, file, line, \"column\", rule LIMIT {limit}", all.join(" UNION ALL ")),
            engine,
        )
        .await
    }

    /// Returns the sources that have a quarantine.
    pub fn quarantined(&self) -> impl Iterator<Item = &String> {
        self.manifest.tables.keys().filter(|name| name.schema == QUARANTINE).map(|name| &name.table)
    }

    /// Returns the quoted name of a source's quarantine table.
    fn quarantine(&self, source: &str) -> Result<String, Error> {
        if self.manifest.tables.contains_key(&TableName::quarantine(source)) {
            return Ok(format!("{QUARANTINE}.\"{source}\""));
        }
        let known = self.manifest.inputs.keys().map(String::as_str);
        Err(Error::Usage {
            message: format!("snapshot {} has no source `{source}`", self.manifest.snapshot),
            hint: Some(crate::record::diagnostic::nearest(source, known).map_or_else(
                || "`tallyhouse rejects` lists the sources with rejected rows".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )),
        })
    }
}

/// A file of rejected rows, in the form of the files they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Delimiter of those files.
    pub delimiter: String,
    /// Lines above the header, where the contract says on which line it stands.
    pub title_lines: u64,
    /// Their header.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<CorrectionRow>,
    /// How many of the rows come from a file that a later one followed, which may have brought their keys again.
    pub followed_rows: u64,
}

/// A rejected row, cut into cells again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionRow {
    /// Its file.
    pub file: String,
    /// Its first physical line.
    pub line: u64,
    /// Every fault.
    pub reason: String,
    /// Its cells; more than the header has where cells were too many.
    pub cells: Vec<Option<String>>,
    /// The whole row as it stands in the file, where it was not cut into all of its cells.
    pub text: Option<String>,
}

/// A rejected row as the quarantine has it.
struct Rejected {
    line: u64,
    reason: String,
    text: String,
}

/// Returns the rejected rows of a source, as one file for each form (header, delimiter, decimal mark) that its files have.
///
/// # Errors
/// When there is no such source, or its files cannot be listed.
pub async fn corrections(request: &Request, filter: &RejectsFilter, engine: &Engine) -> Result<Vec<Correction>, Error> {
    let name = filter.source.clone().unwrap_or_default();
    let snapshot = Snapshot::open(request, None)?;
    let rejected = rejected(&snapshot, filter, engine).await?;
    let source = inputs::source(request, &name)?;
    let listed = extract::list(&source).await.unwrap_or_default();
    let read = snapshot.manifest.inputs.get(&name).map(|input| &input.files[..]).unwrap_or_default();
    let mut corrections = Corrections::new(&source);
    let mut followed: BTreeSet<String> = BTreeSet::new();
    for (file, rows) in rejected {
        let part = match listed.iter().find(|listed| holds(&listed.path, &file)) {
            Some(listed) => reader(listed, &file, &source).await,
            None => None,
        };
        corrections.add(&file, rows, part);
        if is_followed(&file, &source, read) {
            followed.insert(file);
        }
    }
    let count =
        |correction: &Correction| correction.rows.iter().filter(|row| followed.contains(&row.file)).count() as u64;
    let corrections = corrections.by_form.into_values();
    Ok(corrections.map(|correction| Correction { followed_rows: count(&correction), ..correction }).collect())
}

/// Returns whether a file came after the one of a part, so that its rows go before the part's where they have the same key.
fn is_followed(part: &str, source: &Source, read: &[InputFile]) -> bool {
    let Some(file) = read.iter().find(|file| holds(&file.path, part)).filter(|_| !source.key.is_empty()) else {
        return false;
    };
    match &source.version {
        Version::Path => read.iter().any(|other| other.path > file.path),
        Version::FromPath(_) => read.iter().any(|other| other.version > file.version),
        // A corrected row has its version with it.
        Version::FromColumn(_) => false,
    }
}

/// Returns whether a part is the file, a member of it, or a sheet.
fn holds(file: &str, part: &str) -> bool {
    part.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with(['!', '#']))
}

/// Opens a part of a file once more; None where that is no longer possible.
async fn reader(listed: &ExtractFile, part: &str, source: &Source) -> Option<Box<dyn RecordReader>> {
    let hints: Hints = inputs::hints(source);
    let content = listed.open(&hints).await.ok()?;
    let parts = extract::open(&listed.path, &content, &source.format, &hints, &inputs::limits(source)).ok()?;
    parts.into_iter().find(|found| &*found.name == part).map(|found| found.reader)
}

/// Returns the rows of the quarantine by file, each once with all its faults.
async fn rejected(
    snapshot: &Snapshot,
    filter: &RejectsFilter,
    engine: &Engine,
) -> Result<BTreeMap<String, Vec<Rejected>>, Error> {
    let table = snapshot.quarantine(filter.source.as_deref().unwrap_or_default())?;
    // A row is exported with all of its faults, whichever of them was asked for.
    let wanted = format!("SELECT DISTINCT file, line FROM {table}{}", filter.predicate());
    let sql = format!(
        "SELECT f.file, f.line, f.\"column\", f.reason, f.text FROM {table} f JOIN ({wanted}) w \
         ON f.file = w.file AND f.line = w.line ORDER BY f.file, f.line, f.\"column\", f.rule"
    );
    let mut by_file: BTreeMap<String, Vec<Rejected>> = BTreeMap::new();
    for batch in snapshot.query(&sql, engine).await?.1 {
        let bug = |error: arrow::error::ArrowError| Error::Bug { message: error.to_string() };
        let text = |index: usize| cast(batch.column(index), &DataType::Utf8).map_err(bug);
        let (files, columns, reasons, texts) = (text(0)?, text(2)?, text(3)?, text(4)?);
        let (files, columns) = (files.as_string::<i32>(), columns.as_string::<i32>());
        let (reasons, texts) = (reasons.as_string::<i32>(), texts.as_string::<i32>());
        let lines = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let reason = reasons.value(row);
            let reason =
                if columns.is_valid(row) { format!("{}: {reason}", columns.value(row)) } else { reason.to_owned() };
            let line = u64::try_from(lines.value(row)).unwrap_or_default();
            let rows = by_file.entry(files.value(row).to_owned()).or_default();
            match rows.last_mut().filter(|last| last.line == line) {
                Some(last) => last.reason = format!("{}; {reason}", last.reason),
                None => rows.push(Rejected { line, reason, text: texts.value(row).to_owned() }),
            }
        }
    }
    Ok(by_file)
}

/// Which rows can stand in one file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    header: Vec<String>,
    delimiter: String,
    has_decimal_comma: bool,
}

/// Files in the making.
struct Corrections<'a> {
    source: &'a Source,
    by_form: BTreeMap<Form, Correction>,
}

impl<'a> Corrections<'a> {
    const fn new(source: &'a Source) -> Self {
        Self { source, by_form: BTreeMap::new() }
    }

    /// Adds the rows of one file, as it is read now or, where that is not what was rejected, as raw text.
    fn add(&mut self, file: &str, rows: Vec<Rejected>, reader: Option<Box<dyn RecordReader>>) {
        let mut wanted: BTreeMap<u64, Rejected> = rows.into_iter().map(|row| (row.line, row)).collect();
        if let Some(mut reader) = reader {
            let shape = reader.shape().clone();
            // What cannot be read any more is given out as raw text.
            while let (false, Ok(Some(batch))) = (wanted.is_empty(), reader.next_batch()) {
                self.take(file, &mut wanted, &batch, &shape);
            }
        }
        for row in wanted.into_values() {
            self.add_raw(file, row);
        }
    }

    fn take(&mut self, file: &str, wanted: &mut BTreeMap<u64, Rejected>, batch: &RawBatch, shape: &FileShape) {
        for row in 0..batch.len() {
            let Entry::Occupied(found) = wanted.entry(batch.line(row)) else { continue };
            if found.get().text != batch.raw(row) {
                continue;
            }
            let rejected = found.remove();
            let cell = |column| batch.cell(row, column).map(str::to_owned);
            let cells: Vec<Option<String>> = (0..batch.width(row)).map(cell).collect();
            // Readers may drop what lies beyond the header, and cannot cut what is not text, or no record at all.
            let is_whole =
                |fault: RawFault| !cells.is_empty() && fault == RawFault::Shape(cells.len(), shape.header.len());
            let text = batch.fault(row).is_some_and(|fault| !is_whole(fault));
            let (line, reason) = (rejected.line, rejected.reason);
            let text = text.then_some(rejected.text);
            self.form(shape).rows.push(CorrectionRow { file: file.to_owned(), line, reason, cells, text });
        }
    }

    fn form(&mut self, shape: &FileShape) -> &mut Correction {
        let has_decimal_comma = shape.decimal_mark == DecimalMark::Comma;
        let delimiter = shape.delimiter.as_ref().map_or_else(|| ",".to_owned(), ToString::to_string);
        let header = shape.header.clone();
        let title_lines = title_lines(&self.source.format);
        let form = Form { header: header.clone(), delimiter: delimiter.clone(), has_decimal_comma };
        self.by_form.entry(form).or_insert_with(|| Correction {
            delimiter,
            title_lines,
            header,
            rows: Vec::new(),
            followed_rows: 0,
        })
    }

    fn add_raw(&mut self, file: &str, row: Rejected) {
        let columns = self.source.columns.iter().filter(|column| column.derive.is_none() && column.from_path.is_none());
        let names = columns.map(|column| column.name.value.clone());
        let header: Vec<String> = names.collect();
        let form = Form { header: header.clone(), delimiter: ",".to_owned(), has_decimal_comma: false };
        let title_lines = title_lines(&self.source.format);
        let correction = self.by_form.entry(form).or_insert_with(|| Correction {
            delimiter: ",".to_owned(),
            title_lines,
            header,
            rows: Vec::new(),
            followed_rows: 0,
        });
        let Rejected { line, reason, text } = row;
        correction.rows.push(CorrectionRow {
            file: file.to_owned(),
            line,
            reason,
            cells: Vec::new(),
            text: Some(text),
        });
    }
}

/// Returns the lines that have to stand above a header which the contract expects further down.
fn title_lines(format: &Format) -> u64 {
    match format {
        Format::Csv(options) => options.header_row.map_or(0, |row| row.saturating_sub(1)),
        _ => 0,
    }
}
