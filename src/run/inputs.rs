//! Files that were named on the command line: locations → their bytes, and how each is to be read.
//!
//! In: paths, globs, folders, addresses or `-`, and what was declared about the format. Out: inputs to be opened one
//! after the other. Deliberately knows no contract; what was declared is checked by `define`, as if a contract said it.

use std::{io::Read, path::Path, sync::Arc};

use super::load;
use crate::{
    Error,
    define::{
        self,
        project::{Format, Source},
    },
    extract::{self, ExtractFile, Hints, Limits, Part},
    record::Text,
    storage::{content::Content, local},
};

/// The name by which standard input is asked for.
const STANDARD_INPUT: &str = "-";
/// Bytes of standard input that are kept in memory.
const IN_MEMORY_BYTES: u64 = 8 << 20;
/// Options that only delimited text has, only workbooks and only databases.
const OWNERS: [(&str, &[&str]); 3] = [
    ("csv", &["encoding", "delimiter", "quote", "escape", "comment", "decimal_mark", "header"]),
    ("xlsx", &["sheet", "sheets"]),
    ("database", &["table", "query", "where"]),
];

/// One file to be read.
#[derive(Debug, Clone)]
pub struct Input {
    /// The path as a person would type it.
    pub name: Arc<str>,
    /// Path below the wildcard-free part of the location.
    pub below: Arc<str>,
    /// None for standard input.
    file: Option<ExtractFile>,
}

/// Lists the files of locations, in the order in which they were named; a folder stands for all files below it.
///
/// # Errors
/// When a location names nothing, or what was declared about the format is wrong.
pub async fn inputs(locations: &[String], how: &Reading) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    for location in locations {
        if location == STANDARD_INPUT {
            let name: Arc<str> = Arc::from("standard input");
            inputs.push(Input { below: Arc::clone(&name), name, file: None });
            continue;
        }
        let location = with_all_below(location);
        let files = extract::list(&how.source(&location)?).await?;
        if files.is_empty() {
            return Err(Error::Environment {
                message: format!("no file matches `{location}`"),
                hint: Some("`*` stays within one folder, `**` does not; hidden files are left out".to_owned()),
            });
        }
        inputs.extend(files.into_iter().map(|file| named(&location, file)));
    }
    Ok(inputs)
}

/// Returns the glob of all files below a folder, or the location as it is.
pub(super) fn with_all_below(location: &str) -> String {
    let is_folder = !location.contains("://") && local::is_dir(Path::new(location));
    if is_folder { format!("{}/**/*", location.trim_end_matches('/')) } else { location.to_owned() }
}

fn named(location: &str, file: ExtractFile) -> Input {
    let below = Arc::clone(&file.path);
    let folder = location.find(['*', '?', '[', '{']).map(|wildcard| &location[..wildcard]);
    let folder = folder.and_then(|fixed| fixed.rfind('/').map(|slash| &fixed[..=slash]));
    let name = match folder {
        _ if location.ends_with(&*below) => Arc::from(location),
        Some(folder) => Arc::from(format!("{folder}{below}")),
        // The pull of a database is named after its table.
        None => Arc::clone(&below),
    };
    Input { name, below, file: Some(file) }
}

impl Input {
    /// Returns whether it can be read only once.
    #[must_use]
    pub const fn is_standard_input(&self) -> bool {
        self.file.is_none()
    }

    /// Opens every table of the file; standard input is taken whole first.
    ///
    /// # Errors
    /// When it is gone, or cannot be read as what it was declared to be, or as anything.
    pub async fn open(&self, how: &Reading, standard_input: &mut dyn Read) -> Result<Vec<Part>, Error> {
        let content = match &self.file {
            Some(file) => file.open(&how.hints).await?,
            None => Content::copied_from(standard_input, IN_MEMORY_BYTES, u64::MAX).map_err(|error| {
                Error::Environment { message: format!("cannot read standard input: {error}"), hint: None }
            })?,
        };
        Ok(extract::open(&self.name, &content, &how.format(&self.name)?, &how.hints, &how.limits)?)
    }
}

/// What was declared about the format of files, as options of a contract's `format`.
#[derive(Debug, Clone, Default)]
pub struct FormatChoice {
    /// `csv`, `xlsx`, …; by the file where it is left out.
    pub name: Option<String>,
    /// Options by their names in a contract; the values are YAML.
    pub options: Vec<(String, String)>,
}

/// How files are read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    choice: FormatChoice,
    contract: Option<Format>,
    hints: Hints,
    limits: Limits,
}

impl Reading {
    /// Reads files by what was declared, with the names of a contract as hints where there is one.
    #[must_use]
    pub fn new(choice: FormatChoice, contract: Option<&Source>) -> Self {
        Self {
            choice,
            contract: contract.map(|source| source.format.clone()),
            hints: contract.map(hints).unwrap_or_default(),
            limits: contract.map(limits).unwrap_or_default(),
        }
    }

    /// Returns a location as the source of a contract that says nothing else.
    fn source(&self, location: &str) -> Result<Source, Error> {
        let source = declared(location, &self.written(location))?;
        Ok(match (&self.contract, self.choice.is_empty()) {
            (Some(format), true) => Source { format: format.clone(), ..source },
            _ => source,
        })
    }

    fn written(&self, path: &str) -> String {
        if self.choice.is_empty() { "auto".to_owned() } else { self.choice.yaml(path) }
    }

    /// Returns the format of a file: what was declared, else what the contract says, else whatever the file is.
    ///
    /// # Errors
    /// Options that no format has, or that belong to another one.
    pub fn format(&self, path: &str) -> Result<Format, Error> {
        match (&self.contract, self.choice.is_empty()) {
            (Some(format), true) => Ok(format.clone()),
            _ => Ok(declared("x", &self.written(path))?.format),
        }
    }
}

impl FormatChoice {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.options.is_empty()
    }

    /// Returns the choice as a contract would write it.
    #[must_use]
    pub fn yaml(&self, path: &str) -> String {
        let name = self.name.clone().unwrap_or_else(|| self.owner(path).to_owned());
        if self.options.is_empty() {
            return name;
        }
        let options: Vec<String> = self.options.iter().map(|(option, value)| format!("{option}: {value}")).collect();
        format!("{{ type: {name}, {} }}", options.join(", "))
    }

    /// Returns the format to which the options belong; what several have goes by the file's name. A workbook stays one, which then
    /// says that it has no such option; only what is called `.xls` is often text.
    fn owner(&self, path: &str) -> &'static str {
        let has = |owned: &[&str]| self.options.iter().any(|(option, _)| owned.contains(&option.as_str()));
        let by_option = OWNERS.iter().find(|(_, owned)| has(owned)).map(|(owner, _)| *owner);
        match (extension(path).as_str(), by_option) {
            ("xlsx" | "xlsm" | "xlsb" | "ods", None | Some("csv")) | ("xls", None) => "xlsx",
            (_, by_option) => by_option.unwrap_or("csv"),
        }
    }
}

/// Returns what a file's name ends in, in small letters and below what packed it.
fn extension(path: &str) -> String {
    let path = path.to_lowercase();
    let packed = [".gz", ".zst", ".bz2", ".xz", ".zip"].iter().find_map(|ending| path.strip_suffix(ending));
    packed.unwrap_or(&path).rsplit_once('.').map(|(_, extension)| extension.to_owned()).unwrap_or_default()
}

/// Checks a location and a format as a contract would have them.
fn declared(location: &str, format: &str) -> Result<Source, Error> {
    // A JSON string is a YAML string whatever it holds.
    let location = serde_json::Value::from(location);
    let body = format!("format: {format}\nlocation: {location}\nname: files\ncolumns: {{ x: {{ type: string }} }}\n");
    let text = Arc::new(Text { path: "command line".to_owned(), body });
    define::read_source(text, &|_| None).map(|(source, _)| source).map_err(Error::Definition)
}

/// Returns how much a file of a source may grow while it is unpacked.
pub(super) fn limits(source: &Source) -> Limits {
    Limits { most_bytes: source.files.limits.decompressed_bytes, ..Limits::default() }
}

/// Returns what a contract tells about headers.
pub(super) fn hints(source: &Source) -> Hints {
    let columns = || source.columns.iter().filter(|column| column.derive.is_none());
    let names = |column: &define::project::Column| column.from.iter().map(|alias| alias.name.clone()).collect();
    Hints {
        names: columns().flat_map(|column| column.from.iter().map(|alias| alias.name.clone())).collect(),
        required: columns().filter(|column| column.required && column.default.is_none()).map(names).collect(),
    }
}

/// Returns a source of a request's pipeline.
///
/// # Errors
/// When a definition is wrong, or the pipeline has no such source.
pub fn source(request: &super::Request, name: &str) -> Result<Source, Error> {
    let (project, _) = load::load(request)?;
    let known: Vec<String> = project.sources.iter().map(|source| source.name.value.clone()).collect();
    project.sources.into_iter().find(|source| source.name.value == name).ok_or_else(|| Error::Usage {
        message: format!("the pipeline has no source `{name}`"),
        hint: crate::record::diagnostic::nearest(name, known.iter().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?")),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn choice(options: &[(&str, &str)]) -> FormatChoice {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        FormatChoice { name: None, options }
    }

    #[test]
    fn an_option_belongs_to_the_format_that_has_it_else_to_the_files_own() {
        assert_eq!(choice(&[("delimiter", "\";\"")]).yaml("a.dat"), "{ type: csv, delimiter: \";\" }");
        assert_eq!(choice(&[("sheet", "\"数据*\"")]).yaml("a.dat"), "{ type: xlsx, sheet: \"数据*\" }");
        assert_eq!(choice(&[("header_row", "3")]).yaml("A.XLSX"), "{ type: xlsx, header_row: 3 }");
        assert_eq!(choice(&[("header_row", "3")]).yaml("a.csv.gz"), "{ type: csv, header_row: 3 }");
        assert_eq!(choice(&[("header", "none")]).yaml("a.xlsx"), "{ type: xlsx, header: none }");
        assert_eq!(choice(&[("header", "none")]).yaml("text.xls"), "{ type: csv, header: none }");
    }

    #[test]
    fn options_are_checked_as_those_of_a_contract() {
        let reading = |options| Reading::new(choice(options), None).format("a.csv");
        assert!(matches!(reading(&[]).unwrap(), Format::Auto));
        assert!(matches!(reading(&[("header_row", "3")]).unwrap(), Format::Csv(_)));
        assert!(matches!(reading(&[("encoding", "\"klingon\"")]), Err(Error::Definition(_))));
    }
}
