//! Odd files, read as a sensible person would read them.
//!
//! In: `tests/corpus/*.json`, each beside the file that it describes. Out: every cell, rejected line and error compared.
//! Knows no contract but the names that a case gives.
//!
//! ```json
//! { "file": "x.csv", "about": "why it is here",
//!   "given": { "delimiter": "|", "names": ["id!", "name"] },    what is declared; `!` marks a required column
//!   "finds": { "encoding": "gb18030" },                         what must be found out
//!   "header": ["id", "name"], "rows": [["1", "Li"]],
//!   "rejected": [{ "line": 3, "text": "2" }],                   physical line, original text; null: any text
//!   "error": true,                                              instead of the three above: the file cannot be read
//!   "differs": "why it is read otherwise today" }               only while that is so
//! ```

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde::Deserialize;
use tallyhouse::{
    define::project::{CsvOptions, Format},
    extract::{Hints, Limits, Part, RecordReader, open},
    record::RawBatch,
};

use crate::project::repository;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    file: String,
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    given: Given,
    #[serde(default)]
    finds: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    header: Vec<String>,
    #[serde(default)]
    rows: Vec<Vec<Option<String>>>,
    #[serde(default)]
    rejected: Vec<Rejected>,
    #[serde(default)]
    error: bool,
    differs: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    encoding: Option<String>,
    delimiter: Option<String>,
    quote: Option<String>,
    comment: Option<String>,
    header_row: Option<u64>,
    #[serde(default)]
    names: Vec<String>,
}

impl Given {
    fn format(&self) -> Format {
        let declared = CsvOptions {
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.as_ref().and_then(|text| text.parse().ok()),
            quote: self.quote.as_ref().and_then(|text| text.parse().ok()),
            comment: self.comment.as_ref().and_then(|text| text.parse().ok()),
            header_row: self.header_row,
            ..CsvOptions::default()
        };
        if declared == CsvOptions::default() { Format::Auto } else { Format::Csv(declared) }
    }

    fn hints(&self) -> Hints {
        let plain = |name: &String| name.trim_end_matches('!').to_owned();
        let required = self.names.iter().filter(|name| name.ends_with('!'));
        Hints {
            names: self.names.iter().map(plain).collect(),
            required: required.map(|name| vec![plain(name)]).collect(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Rejected {
    line: u64,
    text: Option<String>,
}

/// A file as it was read.
#[derive(Debug, Default, PartialEq)]
struct Found {
    header: Vec<String>,
    rows: BTreeMap<u64, Vec<Option<String>>>,
    rejected: BTreeMap<u64, String>,
}

#[test]
fn odd_files_are_read_as_a_person_reads_them() {
    let mut failures = Vec::new();
    let mut cases = 0;
    for (path, case) in corpus() {
        cases += 1;
        let difference = compare(&case);
        match (difference, case.differs) {
            (Some(_), Some(_)) | (None, None) => {}
            (Some(difference), None) => failures.push(format!("{path}: {difference}")),
            (None, Some(_)) => failures.push(format!("{path}: is read as expected now, remove `differs`")),
        }
    }
    assert!(cases > 150, "only {cases} cases");
    assert!(failures.is_empty(), "{} of {cases} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn odd_files_are_read_alike_in_turn_and_in_pieces() {
    for (path, case) in corpus().into_iter().filter(|(_, case)| !case.error) {
        let (Ok(in_turn), Ok(in_pieces)) = (opened(&case), opened(&case)) else { continue };
        assert_eq!(read_in_turn(in_turn), read_in_pieces(in_pieces), "{path}");
    }
}

fn corpus() -> Vec<(String, Case)> {
    let files = fs::read_dir(repository("tests/corpus")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files.iter().map(|path| (name_of(path), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn opened(case: &Case) -> Result<Box<dyn RecordReader>, String> {
    let bytes = fs::read(repository("tests/corpus").join(&case.file)).unwrap();
    let content = bytes::Bytes::from(bytes).into();
    let mut parts =
        open(&Arc::from(case.file.as_str()), &content, &case.given.format(), &case.given.hints(), &Limits::default())
            .map_err(|error| error.to_string())?;
    let Part { reader, .. } = parts.remove(0);
    Ok(reader)
}

/// Says how a file is read otherwise than expected.
fn compare(case: &Case) -> Option<String> {
    let reader = match opened(case) {
        Err(_) if case.error => return None,
        Err(error) => return Some(format!("error: {error}")),
        Ok(reader) => reader,
    };
    let shape = serde_json::to_value(reader.shape()).unwrap();
    let found = read_in_turn(reader);
    if case.error {
        return Some(format!("opened: {}", short(&found)));
    }
    let wrongly_found = case.finds.iter().find(|(key, value)| shape[key.as_str()] != **value);
    if let Some((key, value)) = wrongly_found {
        return Some(format!("{key}: {} instead of {value}", shape[key.as_str()]));
    }
    differences(case, &found)
}

fn differences(case: &Case, found: &Found) -> Option<String> {
    if found.header != case.header {
        return Some(format!("header: {} instead of {}", short(&found.header), short(&case.header)));
    }
    let rows: Vec<&Vec<Option<String>>> = found.rows.values().collect();
    let other = (0..rows.len().max(case.rows.len())).find(|&row| rows.get(row).copied() != case.rows.get(row));
    if let Some(row) = other {
        let rejected = short(&found.rejected);
        let (got, wanted) = (short(&rows.get(row)), short(&case.rows.get(row)));
        return Some(format!("row {}: {got} instead of {wanted}; rejected {rejected}", row + 1));
    }
    let is_same = |(wanted, (line, text)): (&Rejected, (&u64, &String))| {
        wanted.line == *line && wanted.text.as_ref().is_none_or(|wanted| wanted == text)
    };
    let all_same =
        case.rejected.len() == found.rejected.len() && case.rejected.iter().zip(&found.rejected).all(is_same);
    (!all_same).then(|| format!("rejected: {} instead of {}", short(&found.rejected), short(&case.rejected)))
}

fn short(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").chars().take(300).collect()
}

fn read_in_turn(mut reader: Box<dyn RecordReader>) -> Found {
    let mut found = Found { header: reader.shape().header.clone(), ..Found::default() };
    while let Some(batch) = reader.next_batch().unwrap() {
        found.take(&batch);
    }
    assert!(reader.lines().is_balanced(), "{:?}", reader.lines());
    found
}

fn read_in_pieces(mut reader: Box<dyn RecordReader>) -> Found {
    let mut found = Found { header: reader.shape().header.clone(), ..Found::default() };
    let mut rests = Vec::new();
    while let Some(piece) = reader.next_piece().unwrap() {
        let (batch, rest) = piece.cut();
        found.take(&batch);
        rests.extend(rest);
    }
    for rest in rests.into_iter().rev() {
        reader.take_back(rest);
    }
    if let Some(batch) = reader.finish().unwrap() {
        found.take(&batch);
    }
    assert!(reader.lines().is_balanced(), "{:?}", reader.lines());
    found
}

impl Found {
    fn take(&mut self, batch: &RawBatch) {
        for row in 0..batch.len() {
            let (line, width) = (batch.line(row), self.header.len().max(batch.width(row)));
            if batch.fault(row).is_some() {
                self.rejected.insert(line, batch.raw(row).to_owned());
                continue;
            }
            let cells = (0..width).map(|column| batch.cell(row, column).map(str::to_owned));
            self.rows.insert(line, cells.collect());
        }
    }
}
