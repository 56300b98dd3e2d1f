//! The file in which people say which records are one thing and which are not.
//!
//! In: CSV with a header. Out: verdicts over tonight's records, or what is wrong with the file, by line. A line about a
//! record that is not there is a finding: whoever wrote it expects it to count.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc};

use crate::{
    Error,
    define::{entity::Entity, suggestion},
    identify::{
        cluster::{links::Verdict, verdicts},
        records::Records,
    },
    record::{Diagnostic, Place, Text},
    run::output,
    storage::definitions,
    transform::seed::{self, Cell},
};

/// The columns of the file.
pub(super) const COLUMNS: [&str; 6] = ["left_source", "left_key", "right_source", "right_key", "verdict", "reason"];

/// Source and key of two records.
pub(super) type Pair<'a> = [[&'a str; 2]; 2];

/// Returns two records so that it does not matter which is written first.
pub(super) fn ordered<'a>(left: [&'a str; 2], right: [&'a str; 2]) -> Pair<'a> {
    if left <= right { [left, right] } else { [right, left] }
}

/// What people decided of two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Override {
    pub left: (String, String),
    pub right: (String, String),
    pub is_same: bool,
    pub reason: String,
    /// Line of the file, from 1.
    pub line: usize,
}

/// The file as read.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    text: Option<Arc<Text>>,
    pub all: Vec<Override>,
}

impl Overrides {
    /// Reads the file of an entity; one that is not there says nothing.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn read(entity: &Entity) -> Result<Self, Error> {
        let Some(path) = &entity.overrides else { return Ok(Self::default()) };
        if !output::exists(&path.value) {
            return Ok(Self::default());
        }
        let text = definitions::read(&path.value)
            .map_err(|error| Error::Definition(vec![Diagnostic::error(error.to_string(), path.place.clone())]))?;
        let (all, findings) = parsed(&text, entity);
        match findings.is_empty() {
            true => Ok(Self { text: Some(text), all }),
            false => Err(Error::Definition(findings)),
        }
    }

    /// Returns the text, which decides who is who.
    pub fn body(&self) -> &str {
        self.text.as_ref().map(|text| text.body.as_str()).unwrap_or_default()
    }

    /// Returns the verdicts over records, and what to say of lines about records that are not there: they may have been, or
    /// come again, so that such a line says nothing tonight and stops no night.
    pub fn verdicts(&self, entity: &Entity, records: &Records) -> (Vec<Verdict>, Vec<String>) {
        let (mut verdicts, mut unheard) = (Vec::new(), Vec::new());
        for one in &self.all {
            let mut find = |(source, key): &(String, String)| {
                let rank = entity.records_of(source).and_then(|(rank, _)| u16::try_from(rank).ok());
                let found = rank.and_then(|rank| records.find(rank, key));
                if found.is_none() {
                    let message = format!("`{source}` has no record `{key}` that names a {}", entity.name.value);
                    let at = self.finding(one.line, message);
                    let place = at.place.map(|place| format!("{place}: ")).unwrap_or_default();
                    unheard.push(format!(
                        "{place}{}, so the line says nothing; keys of several parts are joined by `/`",
                        at.message
                    ));
                }
                found
            };
            let (left, right) = (find(&one.left), find(&one.right));
            if let (Some(left), Some(right)) = (left, right) {
                verdicts.push(Verdict { left, right, is_same: one.is_same, line: one.line });
            }
        }
        (verdicts, unheard)
    }

    /// Returns the verdicts with numbers of their own for the records, whether or not these are there.
    fn numbered(&self) -> Vec<Verdict> {
        let mut numbers: HashMap<&(String, String), u32> = HashMap::new();
        let mut number = |record| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(record).or_insert(next)
        };
        let verdict = |one: &Override| (one.is_same, one.line);
        let all = self.all.iter().map(|one| (number(&one.left), number(&one.right), verdict(one)));
        all.map(|(left, right, (is_same, line))| Verdict { left, right, is_same, line }).collect()
    }

    /// Returns every pair that the file speaks of, in the order of [`ordered`], and whether it says that they are the same.
    pub fn said(&self) -> impl Iterator<Item = (Pair<'_>, bool)> {
        self.all.iter().map(|one| {
            let [left, right] = [&one.left, &one.right].map(|(source, key)| [source.as_str(), key.as_str()]);
            (ordered(left, right), one.is_same)
        })
    }

    /// Returns an error at a line of the file.
    pub fn finding(&self, line: usize, message: String) -> Diagnostic {
        match &self.text {
            Some(text) => {
                let start: usize = text.body.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
                let length = text.body[start..].lines().next().map_or(0, str::len);
                Diagnostic::error(message, place(text, &(start..start + length)))
            }
            None => Diagnostic::error_without_place(message),
        }
    }
}

/// Checks what a file would say.
///
/// # Errors
/// Everything that is wrong in it.
pub(super) fn check(path: &Path, body: &str, entity: &Entity) -> Result<(), Error> {
    let text = Arc::new(Text { path: path.display().to_string(), body: body.to_owned() });
    let (all, findings) = parsed(&text, entity);
    if !findings.is_empty() {
        return Err(Error::Definition(findings));
    }
    let would = Overrides { text: Some(text), all };
    verdicts::check(&would.numbered())
        .map_err(|said_twice| Error::Definition(vec![would.finding(said_twice.different, said_twice.to_string())]))
}

fn parsed(text: &Arc<Text>, entity: &Entity) -> (Vec<Override>, Vec<Diagnostic>) {
    let rows = match seed::records(text) {
        Ok(rows) => rows,
        Err(finding) => return (Vec::new(), vec![finding]),
    };
    let (mut all, mut findings): (Vec<Override>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<&str> = row.iter().map(|cell| cell.value.as_deref().unwrap_or_default().trim()).collect();
        if number == 0 {
            if cells != COLUMNS {
                let finding = Diagnostic::error("the header is another one", whole(text, row));
                return (Vec::new(), vec![finding.hint(format!("write `{}`", COLUMNS.join(",")))]);
            }
            continue;
        }
        let line = line_of(text, row);
        match one(&cells, line, entity) {
            Ok(one) => all.push(one),
            Err((at, message, hint)) => {
                let place = at.and_then(|at| row.get(at)).map(|cell| place(text, &cell.range));
                findings.push(Diagnostic::error(message, place.unwrap_or_else(|| whole(text, row))).hint(hint));
            }
        }
    }
    (all, findings)
}

fn place(text: &Arc<Text>, range: &Range<usize>) -> Place {
    Place { text: Arc::clone(text), range: range.clone() }
}

fn whole(text: &Arc<Text>, row: &[Cell]) -> Place {
    let start = row.first().map_or(0, |cell| cell.range.start);
    place(text, &(start..row.last().map_or(start, |cell| cell.range.end)))
}

fn line_of(text: &Arc<Text>, row: &[Cell]) -> usize {
    whole(text, row).line_column().0
}

/// What is wrong with a line: in which cell, what, and what to do about it.
type Wrong = (Option<usize>, String, String);

fn one(cells: &[&str], line: usize, entity: &Entity) -> Result<Override, Wrong> {
    let &[left_source, left_key, right_source, right_key, verdict, reason] = cells else {
        let hint = format!("write `{}`; what holds a comma stands in quotes", COLUMNS.join(","));
        return Err((None, format!("the line has {} cells", cells.len()), hint));
    };
    let is_same = match verdict {
        "same" => true,
        "different" => false,
        other => return Err((Some(4), format!("`{other}` is no verdict"), "write `same` or `different`".to_owned())),
    };
    for (at, source) in [(0, left_source), (2, right_source)] {
        if entity.records_of(source).is_none() {
            let known = entity.records.iter().map(|records| records.source.value.as_str());
            let message = format!("`{source}` is no source of `{}`", entity.name.value);
            return Err((Some(at), message, suggestion(source, known)));
        }
    }
    if (left_source, left_key) == (right_source, right_key) {
        return Err((None, "the line names one record twice".to_owned(), "name two records".to_owned()));
    }
    if reason.is_empty() {
        return Err((Some(5), "the line gives no reason".to_owned(), "say why, for whoever asks in a year".to_owned()));
    }
    let record = |source: &str, key: &str| (source.to_owned(), key.to_owned());
    let (left, right) = (record(left_source, left_key), record(right_source, right_key));
    Ok(Override { left, right, is_same, reason: reason.to_owned(), line })
}
