//! Drafting a contract: samples of files → a source file that a person corrects.
//!
//! ```text
//!  files ─► sample ─► columns ─► guess ─► keys ─► draft ─┐
//!      ▲    counts    headers    types            YAML   │
//!      │              joined       ▲                     ▼
//!      └── once, by the draft      └── too many faults ─ try: the normalizer reads the sample under the draft
//! ```
//!
//! Deliberately writes nothing that was not seen, and lets `normalize` have the last word: a type under which it would
//! reject more than one value in fifty becomes text.

mod columns;
mod dates;
mod draft;
mod guess;
mod keys;
mod names;
mod place;
mod profile;
mod sample;
mod yaml;

use std::{collections::BTreeMap, io::Read, path::PathBuf, sync::Arc};

use self::{
    columns::{Column, Columns},
    draft::{Draft, Tried},
    guess::{Guess, nearly_all},
    profile::Profile,
    sample::Sampled,
};
use super::{
    Request,
    inputs::{FormatChoice, Input, Reading, inputs},
    load,
};
use crate::{
    Error,
    define::{self, project::Source},
    engine::Parameters,
    normalize::Contract,
    record::{DecimalMark, Text},
};

/// How often types are widened before a draft is given out as it is.
const ATTEMPTS: usize = 4;

/// What is to be drafted.
#[derive(Debug, Clone)]
pub struct Inference {
    /// Files, globs or folders.
    pub files: Vec<String>,
    /// What was declared about their format.
    pub format: FormatChoice,
    /// Name of the source; after the folder or file where it is left out.
    pub name: Option<String>,
    /// Rows of all files together that are looked at; 0 for all.
    pub sample_rows: u64,
    /// Where the contract will lie, so that its location is relative to it.
    pub contract: Option<PathBuf>,
    /// `$run_date`, `$timezone` and the pipeline's variables.
    pub parameters: Parameters,
}

/// A drafted contract.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// Name of the source.
    pub name: String,
    /// The contract.
    pub yaml: String,
    /// Files that were looked at.
    pub files: usize,
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows of them that the draft rejects.
    pub rejected: u64,
}

/// Returns the parameters under which a draft is tried: those of the pipeline, where there is one.
#[must_use]
pub fn parameters_for_drafts(request: &Request) -> Parameters {
    let pipeline = load::pipeline(request).ok();
    let timezone = pipeline.as_ref().map_or(chrono_tz::Tz::Asia__Shanghai, |pipeline| pipeline.timezone);
    let today = request.now.with_timezone(&timezone).date_naive();
    let variables = pipeline.and_then(|pipeline| load::variables(&pipeline, request).ok()).unwrap_or_default();
    Parameters { run_date: request.run_date.unwrap_or(today), timezone, variables }
}

/// Drafts a contract.
///
/// # Errors
/// Files that are not there or cannot be read, and files without any column.
pub async fn infer(inference: &Inference, standard_input: &mut dyn Read) -> Result<Inferred, Error> {
    let how = Reading::new(inference.format.clone(), None);
    let files = inputs(&inference.files, &how).await.map_err(told_of_paths)?;
    let rows_each = match inference.sample_rows {
        0 => u64::MAX,
        rows => rows.div_ceil(files.len() as u64),
    };
    let sampling = Sampling::new(inference, &files, rows_each);
    let parts = sample::sample(&files, &how, rows_each, standard_input).await.map_err(told_of_paths)?;
    let columns = joined(&parts, files.len())?;
    // Standard input was read once and is gone.
    if files.iter().any(Input::is_standard_input) {
        return sampling.drafted(&how, &parts, &columns).await;
    }
    // A run knows the contract, and finds the sheets and headers that have its names: so does the draft.
    let how = sampling.reading(&parts, &columns)?;
    let parts = sample::sample(&files, &how, rows_each, standard_input).await?;
    let columns = joined(&parts, files.len())?;
    sampling.drafted(&how, &parts, &columns).await
}

/// Joins the columns of all parts.
fn joined(parts: &[Sampled], files: usize) -> Result<Columns, Error> {
    if parts.is_empty() {
        return Err(Error::Data {
            message: format!("no column in any of {files} files"),
            hint: Some("name files with a header and a few rows".to_owned()),
        });
    }
    let columns = Columns::of(parts);
    if columns.all.is_empty() {
        return Err(Error::Data {
            message: "no column of the files has a name".to_owned(),
            hint: Some(
                "say where the header is with `--header-row`, or that there is none with `--no-header`".to_owned(),
            ),
        });
    }
    Ok(columns)
}

/// Returns an error about files as it is told where no contract names them.
fn told_of_paths(error: Error) -> Error {
    let told = |hint: Option<String>| hint.map(|hint| hint.replace("`location` in the source's contract", "the path"));
    match error {
        Error::Environment { message, hint } => Error::Environment { message, hint: told(hint) },
        Error::Data { message, hint } => Error::Data { message, hint: told(hint) },
        other => other,
    }
}

/// Files that are looked at, and what is known of the draft before any is opened.
struct Sampling<'a> {
    inference: &'a Inference,
    files: &'a [Input],
    rows_each: u64,
    name: String,
    location: String,
    /// Paths below the wildcard-free part of the location.
    below: Vec<String>,
}

impl<'a> Sampling<'a> {
    fn new(inference: &'a Inference, files: &'a [Input], rows_each: u64) -> Self {
        let names: Vec<String> = files.iter().map(|file| file.name.to_string()).collect();
        let location = place::location(&inference.files, &names, inference.contract.as_deref());
        let name = inference.name.clone().unwrap_or_else(|| place::source_name(&location));
        let below = files.iter().map(|file| file.below.to_string()).collect();
        Self { inference, files, rows_each, name, location, below }
    }

    /// Returns how a run would read the files under a first draft.
    fn reading(&self, parts: &[Sampled], columns: &Columns) -> Result<Reading, Error> {
        let source = checked(&self.draft(parts, columns, &guesses(columns), None).to_yaml())?;
        Ok(Reading::new(self.inference.format.clone(), Some(&source)))
    }

    /// Drafts, tries the draft on the sample, and widens types that do not hold.
    async fn drafted(&self, how: &Reading, parts: &[Sampled], columns: &Columns) -> Result<Inferred, Error> {
        let mut guesses = guesses(columns);
        let mut tried = None;
        for _ in 0..ATTEMPTS {
            let source = checked(&self.draft(parts, columns, &guesses, None).to_yaml())?;
            let found = self.try_out(&source, how).await?;
            let wrong = wrong(columns, &guesses, &found);
            for index in &wrong {
                let widened = Guess::text(&columns.all[*index].profile);
                let note = format!(
                    "looks like `{}`, which {} values are not",
                    guesses[*index].data_type, found.faults[&columns.all[*index].name]
                );
                guesses[*index] = Guess { notes: vec![note], pii: guesses[*index].pii, ..widened };
            }
            tried = Some(found);
            if wrong.is_empty() {
                break;
            }
        }
        let rejected = tried.as_ref().map_or(0, |tried| tried.rejected);
        let yaml = self.draft(parts, columns, &guesses, tried).to_yaml();
        checked(&yaml)?;
        let rows = parts.iter().map(|part| part.rows + part.unread).sum();
        Ok(Inferred { name: self.name.clone(), yaml, files: self.files.len(), rows, rejected })
    }

    fn draft<'b>(
        &'b self,
        parts: &'b [Sampled],
        columns: &'b Columns,
        guesses: &'b [Guess],
        tried: Option<Tried>,
    ) -> Draft<'b> {
        let declared = &self.inference.format;
        let is_declared = declared.name.is_some() || !declared.options.is_empty();
        let first = self.files.first().map_or("", |file| &*file.name);
        Draft {
            name: &self.name,
            location: &self.location,
            format: is_declared.then(|| declared.yaml(first)),
            version: place::version(&self.below),
            columns,
            guesses,
            keys: keys::keys(columns, guesses, parts),
            parts,
            tried,
        }
    }

    /// Reads the sample under a draft.
    async fn try_out(&self, source: &Source, how: &Reading) -> Result<Tried, Error> {
        let contract = Contract::compile(source, &self.inference.parameters).map_err(Error::Definition)?;
        let mut tried = Tried::default();
        for file in self.files {
            // Standard input was read once and is gone.
            if file.is_standard_input() {
                continue;
            }
            for mut part in file.open(how, &mut std::io::empty()).await? {
                let Ok(binding) = contract.bind(part.reader.shape()) else { continue };
                let mut rows = 0;
                while rows < self.rows_each {
                    let Some(batch) = part.reader.next_batch()? else { break };
                    rows += batch.len() as u64;
                    let normalized = contract.normalize(&binding, &part.name, &batch)?;
                    tried.rejected += normalized.rejected_rows;
                    for rejection in normalized.rejections {
                        let what = rejection.column.unwrap_or(rejection.rule);
                        *tried.faults.entry(what).or_default() += 1;
                    }
                }
                tried.rows += rows;
            }
        }
        Ok(tried)
    }
}

/// Guesses what each column is. Where some are written with a decimal comma and no number needs a point, all numbers are
/// taken to be, so that `1.234` is not a fraction in one column and grouped in the next.
fn guesses(columns: &Columns) -> Vec<Guess> {
    let guesses: Vec<Guess> = columns.all.iter().map(|column| first_guess(column, &column.profile)).collect();
    let fits = |(column, guess): (&Column, &Guess)| {
        !guess.is_number() || nearly_all(column.profile.comma_figures.numbers, column.profile.values)
    };
    let has_comma = guesses.iter().any(|guess| guess.decimal_mark == Some(DecimalMark::Comma));
    if !has_comma || !columns.all.iter().zip(&guesses).all(fits) {
        return guesses;
    }
    columns.all.iter().map(|column| first_guess(column, &column.profile.with_comma())).collect()
}

fn first_guess(column: &Column, profile: &Profile) -> Guess {
    let headers: Vec<String> = column.headers.iter().map(|(name, _)| name.clone()).collect();
    guess::guess(&column.name, &headers, profile)
}

/// Checks a draft as any contract is checked.
fn checked(yaml: &str) -> Result<Source, Error> {
    let text = Arc::new(Text { path: "the drafted contract".to_owned(), body: yaml.to_owned() });
    define::read_source(text, &|_| None).map(|(source, _)| source).map_err(Error::Definition)
}

/// Returns the columns whose type too many values are not.
fn wrong(columns: &Columns, guesses: &[Guess], tried: &Tried) -> Vec<usize> {
    let faults: &BTreeMap<String, u64> = &tried.faults;
    let is_wrong = |index: &usize| {
        let column = &columns.all[*index];
        let faults = faults.get(&column.name).copied().unwrap_or(0);
        let values = column.profile.values.max(faults);
        guesses[*index].data_type != "string" && faults > 0 && !nearly_all(values - faults, values)
    };
    (0..columns.all.len()).filter(is_wrong).collect()
}
