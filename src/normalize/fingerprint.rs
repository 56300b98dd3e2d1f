//! The identity of a contract: a hash of everything that decides normalized values.
//!
//! Titles, descriptions, units, limits, comments and the layout of YAML and SQL do not enter. A parameter enters through
//! the expressions that use it, the pipeline's zone through the timestamps that have none of their own.

use arrow::datatypes::DataType;

use super::{codes::CodeBook, expression::Compiled};
use crate::{
    define::project::{CodeTable, Codes, Column, Source, Version},
    engine::Parameters,
};

/// Changes when the meaning of a contract changes with the code of this module, not with its text.
const GENERATION: &str = "normalize 3";

/// Hashes strings so that no two lists of strings look the same.
struct Writer(blake3::Hasher);

impl Writer {
    fn text(&mut self, text: &str) {
        self.0.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn list<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        texts.into_iter().for_each(|text| self.text(text));
        self.0.update(&u64::MAX.to_le_bytes());
    }
}

/// Hashes a contract with its planned expressions.
pub(super) fn contract<'a>(
    source: &Source,
    parameters: &Parameters,
    expressions: impl Iterator<Item = (&'a str, &'a Compiled)>,
) -> blake3::Hash {
    let mut writer = Writer(blake3::Hasher::new());
    writer.text(GENERATION);
    writer.text(&source.name.value);
    writer.text(&format!("{:?}", source.format));
    writer.list(source.key.iter().map(|column| column.value.as_str()));
    writer.list(source.partition_by.iter().map(|column| column.value.as_str()));
    writer.text(&version(source));
    source.columns.iter().for_each(|entry| column(&mut writer, entry, parameters));
    for (name, expression) in expressions {
        writer.list([name, expression.canonical.as_str()]);
    }
    writer.0.finalize()
}

/// Hashes one column; a derived one with its expression.
pub(super) fn one_column(entry: &Column, parameters: &Parameters, derived: Option<&str>) -> String {
    let mut writer = Writer(blake3::Hasher::new());
    column(&mut writer, entry, parameters);
    writer.list(derived);
    writer.0.finalize().to_hex().to_string()
}

/// Hashes what decides about rows as a whole.
pub(super) fn rows<'a>(source: &Source, rules: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut writer = Writer(blake3::Hasher::new());
    writer.list(source.key.iter().map(|column| column.value.as_str()));
    writer.text(&version(source));
    rules.for_each(|(name, rule)| writer.list([name, rule]));
    writer.0.finalize().to_hex().to_string()
}

fn version(source: &Source) -> String {
    match &source.version {
        Version::Path => "path".to_owned(),
        Version::FromPath(pattern) => format!("from_path {}", pattern.as_str()),
        Version::FromColumn(column) => format!("from_column {}", column.value),
    }
}

/// Adds the content of the code tables that were set.
pub(super) fn with_codes<'a>(base: blake3::Hash, books: impl Iterator<Item = &'a CodeBook>) -> String {
    let mut writer = Writer(blake3::Hasher::new());
    writer.0.update(base.as_bytes());
    for book in books.filter(|book| book.table.is_some()) {
        writer.list(book.sorted());
    }
    writer.0.finalize().to_hex().to_string()
}

fn column(writer: &mut Writer, column: &Column, parameters: &Parameters) {
    writer.text(&column.name.value);
    writer.text(&format!("{:?} {} {:?}", column.data_type, column.required, column.clean));
    for alias in &column.from {
        writer.list([alias.name.as_str(), &format!("{:?}", alias.scale)]);
    }
    // Nothing is written of a column in the rows, so that the older contracts keep their hash.
    if let Some(pattern) = &column.from_path {
        writer.list(["from_path", pattern.as_str()]);
    }
    writer.list(column.formats.iter().map(String::as_str));
    writer.list(column.null_words.iter().map(String::as_str));
    writer.list(column.default.as_deref());
    if let Some(codes) = &column.codes {
        self::codes(writer, codes);
    }
    writer.list(column.words.yes.iter().chain(&column.words.no).map(String::as_str));
    writer.text(&format!("{:?} {} {}", column.numerals, column.trim, column.validate));
    writer.text(&format!("{} {:?} {}", column.year_pivot, column.max_length, column.words.yes.len()));
    writer.list(column.pattern.as_ref().map(|pattern| pattern.text.as_str()));
    let is_counted = column.formats.iter().any(|format| format.starts_with("unix_"));
    if (matches!(column.data_type, DataType::Timestamp(..)) && column.derive.is_none()) || is_counted {
        writer.text(column.timezone.unwrap_or(parameters.timezone).name());
    }
}

fn codes(writer: &mut Writer, codes: &Codes) {
    writer.text(&format!("{:?}", codes.unknown));
    match &codes.table {
        CodeTable::Inline(meanings) => {
            writer.list(meanings.iter().flat_map(|(code, meaning)| [code.as_str(), meaning]));
        }
        CodeTable::Source { source, from, to } => writer.list([source, from, to].map(|name| name.value.as_str())),
    }
}
