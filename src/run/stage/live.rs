//! Which files count: those that are there, and those whose rows stay though they are not.
//!
//! In: the last snapshot's files and what became of each listed one. Out: the live files in the order of their versions,
//! (version, path), and what a person should know. Deliberately reads nothing.

use std::collections::{BTreeSet, HashMap};

use super::read::Outcome;
use crate::{
    Error,
    define::project::{OnMissing, Source},
    record::manifest::{Input, InputFile},
    report::FileReport,
};

/// Headers that are remembered; with more forms than that drift means nothing.
const MOST_HEADERS: usize = 1_000;
/// Files that a message names.
const NAMED: usize = 3;

/// Files by path.
type ByPath<'a> = HashMap<&'a str, &'a InputFile>;

/// The files whose rows the staged table is made of.
#[derive(Debug, Default)]
pub(super) struct LiveFiles {
    pub files: Vec<InputFile>,
    /// What was found out about those read now.
    pub reports: Vec<FileReport>,
    pub headers: Vec<Vec<String>>,
    pub warnings: Vec<String>,
}

/// Returns the last snapshot's files by path: all, and those whose rows can be used as they are.
pub(super) fn before(parent: Option<&Input>, reads_the_same: bool) -> (ByPath<'_>, ByPath<'_>) {
    let all: ByPath<'_> = match parent {
        Some(parent) => parent.files.iter().map(|file| (file.path.as_str(), file)).collect(),
        None => HashMap::new(),
    };
    let known = if reads_the_same { all.clone() } else { HashMap::new() };
    (all, known)
}

impl LiveFiles {
    /// Gathers what counts.
    ///
    /// # Errors
    /// When all files are gone that must not be, or rows should stay that no longer fit the contract.
    pub fn gather(
        source: &Source,
        parent: Option<&Input>,
        reads_the_same: bool,
        outcomes: Vec<Outcome>,
    ) -> Result<Self, Error> {
        let mut live = Self::default();
        let mut stand_ins = Vec::new();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        let count = outcomes.len();
        for outcome in outcomes {
            match outcome {
                Outcome::Kept(file) => live.files.push(file),
                Outcome::Read { file, reports, headers, warnings } => {
                    live.files.push(file);
                    live.reports.extend(reports);
                    live.headers.extend(headers);
                    live.warnings.extend(warnings);
                }
                Outcome::Postponed { previous, warning } => {
                    live.warnings.push(format!("source `{}`: {warning}", source.name.value));
                    if let Some(previous) = previous {
                        listed.insert(previous.path.clone());
                        stand_ins.push(previous);
                    }
                }
            }
        }
        listed.extend(live.files.iter().map(|file| file.path.clone()));
        let earlier = parent.map(|parent| &parent.files[..]).unwrap_or_default();
        let is_gone = |file: &&InputFile| !listed.contains(&file.path);
        // Where the contract changed, a new pull from the beginning takes the place of all earlier ones.
        let is_replaced = |file: &&InputFile| file.watermark.is_some() && !reads_the_same;
        let gone: Vec<&InputFile> = earlier.iter().filter(|file| is_gone(file) && !is_replaced(file)).collect();
        refuse_vanished(source, count, &gone)?;
        stand_ins.extend(live.missing(source, &gone));
        refuse_stand_ins(source, &stand_ins, reads_the_same)?;
        live.files.extend(stand_ins);
        live.files.sort_by(|a, b| (&a.version, &a.path).cmp(&(&b.version, &b.path)));
        live.remember(parent);
        Ok(live)
    }

    /// Returns the files whose rows stay although they are gone.
    fn missing(&mut self, source: &Source, gone: &[&InputFile]) -> Vec<InputFile> {
        let is_pull = |file: &InputFile| file.watermark.is_some();
        let stays = |file: &InputFile| is_pull(file) || source.files.on_missing == OnMissing::Keep;
        let gone: Vec<&InputFile> = gone.iter().copied().filter(|file| stays(file)).collect();
        let new: Vec<&InputFile> = gone.iter().copied().filter(|file| !file.is_missing && !is_pull(file)).collect();
        if !new.is_empty() {
            let (verb, rows) = if new.len() == 1 { ("is", "its rows stay") } else { ("are", "their rows stay") };
            let warning = format!("source `{}`: {} {verb} gone, {rows}", source.name.value, named(&new));
            self.warnings.push(warning);
        }
        gone.iter().map(|file| InputFile { is_missing: true, ..(*file).clone() }).collect()
    }

    /// Adds the headers of earlier nights in front.
    fn remember(&mut self, parent: Option<&Input>) {
        let mut seen = BTreeSet::new();
        let earlier = parent.map(|parent| parent.headers.clone()).unwrap_or_default();
        let all = earlier.into_iter().chain(std::mem::take(&mut self.headers));
        self.headers = all.filter(|header| !header.is_empty() && seen.insert(header.clone())).collect();
        let surplus = self.headers.len().saturating_sub(MOST_HEADERS);
        self.headers.drain(..surplus);
    }
}

/// Refuses a source of which every file is gone, if their rows would go too: an unmounted disk must not empty a table.
fn refuse_vanished(source: &Source, listed: usize, gone: &[&InputFile]) -> Result<(), Error> {
    if listed > 0 || gone.is_empty() || source.files.on_missing == OnMissing::Keep {
        return Ok(());
    }
    Err(Error::Data {
        message: format!("no file matches `{}`, where the last snapshot read {}", source.location.value, gone.len()),
        hint: Some("bring the files back; to go on without the source, remove its contract".to_owned()),
    })
}

/// Refuses rows that were typed by an older contract, where the file is not there to be read again.
fn refuse_stand_ins(source: &Source, stand_ins: &[InputFile], reads_the_same: bool) -> Result<(), Error> {
    if reads_the_same || stand_ins.is_empty() {
        return Ok(());
    }
    let files: Vec<&InputFile> = stand_ins.iter().collect();
    Err(Error::Data {
        message: format!("the contract changed, but {} cannot be read again", named(&files)),
        hint: Some(format!(
            "bring the files back, or let `on_missing: drop` of source `{}` remove their rows",
            source.name.value
        )),
    })
}

fn named(files: &[&InputFile]) -> String {
    let names: Vec<String> = files.iter().take(NAMED).map(|file| format!("`{}`", file.path)).collect();
    let more = files.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}
