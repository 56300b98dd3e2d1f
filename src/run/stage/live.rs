//! Which files count: those that are there, and those whose rows stay though they are not.
//!
//! In: the last snapshot's files and what became of each listed one. Out: the live files in the order of their versions,
//! (version, path), and what a person should know. Deliberately reads nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{drift, read::Outcome, whereabouts::Whereabouts};
use crate::{
    Error,
    define::project::{OnMissing, Source, Version},
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
    /// Gathers what counts; `whereabouts` knows where files lie that are not listed.
    ///
    /// # Errors
    /// When all files are gone that must not be, or rows should stay that no longer fit the contract.
    pub fn gather(
        source: &Source,
        parent: Option<&Input>,
        reads_the_same: bool,
        outcomes: Vec<Outcome>,
        whereabouts: &Whereabouts<'_>,
    ) -> Result<Self, Error> {
        let mut live = Self::default();
        let mut stand_ins = Vec::new();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        let earlier = parent.map(|parent| &parent.files[..]).unwrap_or_default();
        let count = outcomes.len();
        let mut drifted = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Kept(file) => live.files.push(file),
                Outcome::Read { file, reports, headers, warnings } => {
                    live.warnings.extend(emptied(source, &file, earlier));
                    live.files.push(file);
                    live.reports.extend(reports);
                    live.headers.extend(headers);
                    drifted.extend(warnings);
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
        let told = drift::told(drifted).into_iter();
        live.warnings.extend(told.map(|warning| format!("source `{}`: {warning}", source.name.value)));
        listed.extend(live.files.iter().map(|file| file.path.clone()));
        let is_gone = |file: &&InputFile| !listed.contains(&file.path);
        // Where the contract changed, a new pull from the beginning takes the place of all earlier ones.
        let is_replaced = |file: &&InputFile| file.watermark.is_some() && !reads_the_same;
        let gone: Vec<&InputFile> = earlier.iter().filter(|file| is_gone(file) && !is_replaced(file)).collect();
        refuse_vanished(source, count, &gone)?;
        let stays = |file: &InputFile| file.watermark.is_some() || source.files.on_missing == OnMissing::Keep;
        let mut gone: Vec<&InputFile> = gone.into_iter().filter(|file| stays(file)).collect();
        let moves = live.moves(earlier, &mut gone, whereabouts);
        live.warnings.extend(told_moves(source, &moves));
        stand_ins.extend(live.missing(source, &gone, whereabouts));
        refuse_stand_ins(source, &stand_ins, reads_the_same, whereabouts)?;
        live.files.extend(stand_ins);
        live.files.sort_by(|a, b| (&a.version, &a.path).cmp(&(&b.version, &b.path)));
        live.warnings.extend(live.missed(source, count));
        live.remember(parent);
        Ok(live)
    }

    /// Takes those from the files that are gone that have moved: they are new files under another path, which would count
    /// twice. Returns the old and the new paths.
    fn moves(
        &self,
        earlier: &[InputFile],
        gone: &mut Vec<&InputFile>,
        whereabouts: &Whereabouts<'_>,
    ) -> Vec<(String, String)> {
        let before: HashSet<&str> = earlier.iter().map(|file| file.path.as_str()).collect();
        let mut moves = Vec::new();
        for file in self.files.iter().filter(|file| !before.contains(file.path.as_str())) {
            if let Some(at) = gone.iter().position(|old| whereabouts.are_one(old, file)) {
                moves.push((gone.remove(at).path.clone(), file.path.clone()));
            }
        }
        moves
    }

    /// Returns the files whose rows stay although they are gone, or left out by the location.
    fn missing(&mut self, source: &Source, gone: &[&InputFile], whereabouts: &Whereabouts<'_>) -> Vec<InputFile> {
        let is_new = |file: &&InputFile| !file.is_missing && file.watermark.is_none();
        let (left_out, new): (Vec<&InputFile>, Vec<&InputFile>) =
            gone.iter().copied().filter(is_new).partition(|file| whereabouts.hold(file));
        let name = &source.name.value;
        let rows = |files: &[&InputFile]| if files.len() == 1 { "its rows stay" } else { "their rows stay" };
        if !new.is_empty() {
            let verb = if new.len() == 1 { "is" } else { "are" };
            self.warnings.push(format!("source `{name}`: {} {verb} gone, {}", named(&new), rows(&new)));
        }
        if !left_out.is_empty() {
            let (files, rows) = (no_longer_matching(&left_out), rows(&left_out));
            self.warnings.push(format!("source `{name}`: {files}; {rows}; `on_missing: drop` removes them"));
        }
        gone.iter().map(|file| InputFile { is_missing: true, ..(*file).clone() }).collect()
    }

    /// Returns what the contract looks for in vain: files, or versions in their paths.
    fn missed(&self, source: &Source, listed: usize) -> Option<String> {
        let name = &source.name.value;
        if listed == 0 && self.files.is_empty() {
            return Some(format!("source `{name}`: no file matches its location"));
        }
        let Version::FromPath(pattern) = &source.version else { return None };
        let is_unversioned = !self.files.is_empty() && self.files.iter().all(|file| file.version.is_none());
        let count = self.files.len();
        is_unversioned.then(|| {
            format!(
                "source `{name}`: 0 of {count} files have a version by `{pattern}`, so the later path is the later file"
            )
        })
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
fn refuse_stand_ins(
    source: &Source,
    stand_ins: &[InputFile],
    reads_the_same: bool,
    whereabouts: &Whereabouts<'_>,
) -> Result<(), Error> {
    if reads_the_same || stand_ins.is_empty() {
        return Ok(());
    }
    let left_out: Vec<&InputFile> = stand_ins.iter().filter(|file| file.is_missing && whereabouts.hold(file)).collect();
    if !left_out.is_empty() {
        return Err(Error::Data {
            message: format!(
                "the contract changed, but {}, so rows of the older contract would stay",
                no_longer_matching(&left_out)
            ),
            hint: Some(format!(
                "let `on_missing: drop` of source `{}` remove these rows, or widen `location` again",
                source.name.value
            )),
        });
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

/// Says that a file had rows and has none any more, as after a transfer that failed.
fn emptied(source: &Source, file: &InputFile, earlier: &[InputFile]) -> Option<String> {
    if file.lines.rows > 0 {
        return None;
    }
    let rows = earlier.iter().find(|before| before.path == file.path)?.lines.rows;
    let (rows, are) = match rows {
        0 => return None,
        1 => ("1 row".to_owned(), "is"),
        rows => (format!("{rows} rows"), "are"),
    };
    let (name, path) = (&source.name.value, &file.path);
    Some(format!("source `{name}`: `{path}` is empty now; it had {rows}, which {are} gone with it"))
}

fn told_moves(source: &Source, moves: &[(String, String)]) -> Option<String> {
    let pairs = moves.iter().map(|(from, to)| format!("`{from}` → `{to}`"));
    (!moves.is_empty()).then(|| format!("source `{}`: moved: {}", source.name.value, first_few(pairs)))
}

fn no_longer_matching(files: &[&InputFile]) -> String {
    let verb = if files.len() == 1 { "matches" } else { "match" };
    format!("{} no longer {verb} `location`", named(files))
}

fn named(files: &[&InputFile]) -> String {
    first_few(files.iter().map(|file| format!("`{}`", file.path)))
}

fn first_few(texts: impl ExactSizeIterator<Item = String>) -> String {
    let more = texts.len().saturating_sub(NAMED);
    let texts: Vec<String> = texts.take(NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", texts.join(", "))
}
