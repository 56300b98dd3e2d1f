//! A source's contract, compiled: the typed schema, one parser per column, planned derived columns and row rules.
//!
//! In: a validated [`Source`] and the run's parameters. Out: what `bind` and `normalize` need, or every finding of the
//! contract at its place. Deliberately does not check what `define` has checked: names, keys, doubled columns.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{
    Binding, Error, Normalized, Unbound, VersionColumn, bind,
    cell::{CellRule, Reading},
    codes,
    expression::{self, Compiled},
    fingerprint,
    format::Format,
    kind::Kind,
    rows, text,
};
use crate::{
    define::project::{Alias, CodeTable, Column, Numerals, Source, Version},
    engine::Parameters,
    record::{Diagnostic, FileShape, Place, RawBatch},
};

/// A compiled contract. Cheap to share behind an `Arc`; normalizing takes it by reference from any thread.
#[derive(Debug, Clone)]
pub struct Contract {
    pub(super) name: String,
    pub(super) schema: SchemaRef,
    /// Columns that stand in files, in declared order.
    pub(super) plain: Vec<PlainColumn>,
    /// Columns made of others, in declared order.
    pub(super) derived: Vec<DerivedColumn>,
    pub(super) rules: Vec<RowRule>,
    /// Plain columns, then derived ones, all nullable: what expressions are planned over.
    pub(super) working: SchemaRef,
    key: Vec<usize>,
    version: Option<VersionColumn>,
    base_fingerprint: blake3::Hash,
}

/// A column that stands in files.
#[derive(Debug, Clone)]
pub(super) struct PlainColumn {
    /// Index in the contract.
    pub index: usize,
    pub name: String,
    pub from: Vec<Alias>,
    /// Finds its text in the path of a file, where it is in no header.
    pub from_path: Option<regex::Regex>,
    /// Whether a file without it cannot be read.
    pub is_needed: bool,
    pub rule: CellRule,
    pub numerals: Numerals,
    pub kind: Kind,
}

/// A column made of others.
#[derive(Debug, Clone)]
pub(super) struct DerivedColumn {
    /// Index in the contract.
    pub index: usize,
    pub name: String,
    pub required: bool,
    pub expression: Compiled,
}

/// A row rule.
#[derive(Debug, Clone)]
pub(super) struct RowRule {
    pub name: String,
    pub expression: Compiled,
}

/// Where a column's codes stand, when they stand in another source's staged table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeTableRef {
    /// The source.
    pub source: String,
    /// Its column of codes.
    pub from: String,
    /// Its column of meanings.
    pub to: String,
}

impl Contract {
    /// Compiles a source's contract.
    ///
    /// # Errors
    /// Every wrong format, default, code meaning, derived column and rule, each at its place.
    pub fn compile(source: &Source, parameters: &Parameters) -> Result<Self, Vec<Diagnostic>> {
        let mut findings = Vec::new();
        let plain = plain_columns(source, parameters, &mut findings);
        let (derived, working) = derived_columns(source, parameters, &mut findings);
        let rules = row_rules(source, &working, parameters, &mut findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        let expressions = derived.iter().map(|column| (column.name.as_str(), &column.expression));
        let expressions = expressions.chain(rules.iter().map(|rule| (rule.name.as_str(), &rule.expression)));
        Ok(Self {
            name: source.name.value.clone(),
            schema: schema(source),
            base_fingerprint: fingerprint::contract(source, parameters, expressions),
            key: source.key.iter().filter_map(|column| index_of(source, &column.value)).collect(),
            version: version_column(source),
            plain,
            derived,
            rules,
            working,
        })
    }

    /// Returns the staged table's schema: columns in declared order, nullable unless required.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns a hash of everything that decides normalized values, with the code tables set so far.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let books = self.plain.iter().filter_map(|column| column.rule.codes.as_ref());
        fingerprint::with_codes(self.base_fingerprint, books)
    }

    /// Returns the tables of other sources that hold codes of this one, each once.
    #[must_use]
    pub fn code_tables(&self) -> Vec<CodeTableRef> {
        let books = self.plain.iter().filter_map(|column| column.rule.codes.as_ref());
        let mut tables: Vec<CodeTableRef> = books.filter_map(|book| book.table.clone()).collect();
        tables.sort();
        tables.dedup();
        tables
    }

    /// Sets the content of one of [`Contract::code_tables`], code to meaning, for every column that uses it.
    pub fn set_codes(&mut self, source: &str, from: &str, to: &str, meanings: BTreeMap<String, String>) {
        let index = codes::index(meanings);
        let books = self.plain.iter_mut().filter_map(|column| column.rule.codes.as_mut());
        for book in books {
            let table = book.table.as_ref();
            if table.is_some_and(|table| table.source == source && table.from == from && table.to == to) {
                book.set(Arc::clone(&index));
            }
        }
    }

    /// Returns every name that a column may have in a header, and the names of each column that must have a value.
    #[must_use]
    pub fn hints(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let names = |column: &PlainColumn| column.from.iter().map(|alias| alias.name.clone()).collect::<Vec<_>>();
        let all = self.plain.iter().flat_map(names).collect();
        (all, self.plain.iter().filter(|column| column.is_needed).map(names).collect())
    }

    /// Finds the contract's columns in a file's header.
    ///
    /// # Errors
    /// Required columns that the header lacks. A header without any name (an empty file) lacks none.
    pub fn bind(&self, shape: &FileShape) -> Result<Binding, Unbound> {
        bind::bind(&self.plain, self.schema.fields().len(), shape)
    }

    /// The same for the file at `path`, below the location of its source: columns whose text is in the path have it.
    ///
    /// # Errors
    /// As [`Contract::bind`].
    pub fn bind_file(&self, path: &str, shape: &FileShape) -> Result<Binding, Unbound> {
        Ok(Binding { path_texts: bind::path_texts(&self.plain, path), ..self.bind(shape)? })
    }

    /// Types a batch of raw records; rows with a fault become rejections.
    ///
    /// # Errors
    /// When a code table was not set, or Arrow refuses a batch. Bad data is never an error.
    pub fn normalize(&self, binding: &Binding, file: &Arc<str>, batch: &RawBatch) -> Result<Normalized, Error> {
        rows::normalize(self, binding, file, batch)
    }

    /// Returns the name of its source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the indexes of the key columns.
    #[must_use]
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Returns the column that says which of two rows with one key is later; None where the file decides.
    #[must_use]
    pub const fn version(&self) -> Option<VersionColumn> {
        self.version
    }
}

/// Returns the staged table's schema.
fn schema(source: &Source) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name.value, column.data_type.clone(), !column.required);
    Arc::new(Schema::new(source.columns.iter().map(field).collect::<Vec<_>>()))
}

fn index_of(source: &Source, name: &str) -> Option<usize> {
    source.columns.iter().position(|column| column.name.value == name)
}

fn version_column(source: &Source) -> Option<VersionColumn> {
    match &source.version {
        Version::FromColumn(name) => index_of(source, &name.value).map(|index| VersionColumn { index }),
        Version::Path | Version::FromPath(_) => None,
    }
}

fn plain_columns(source: &Source, parameters: &Parameters, findings: &mut Vec<Diagnostic>) -> Vec<PlainColumn> {
    let columns = source.columns.iter().enumerate().filter(|(_, column)| column.derive.is_none());
    columns.filter_map(|(index, column)| plain_column(index, column, parameters, findings)).collect()
}

fn plain_column(
    index: usize,
    column: &Column,
    parameters: &Parameters,
    findings: &mut Vec<Diagnostic>,
) -> Option<PlainColumn> {
    let formats = formats(column, findings);
    let zone = column.timezone.unwrap_or(parameters.timezone);
    let Some(kind) = Kind::of(column, formats, zone) else {
        let message = format!("a contract cannot read type {}", column.data_type);
        findings.push(Diagnostic::error(message, column.name.place.clone()));
        return None;
    };
    findings.extend(wrong_literals(column, &kind));
    Some(PlainColumn {
        index,
        name: column.name.value.clone(),
        from: column.from.clone(),
        from_path: column.from_path.clone(),
        is_needed: column.required && column.default.is_none() && column.from_path.is_none(),
        rule: CellRule::new(column, column.data_type == DataType::Utf8),
        numerals: column.numerals,
        kind,
    })
}

fn formats(column: &Column, findings: &mut Vec<Diagnostic>) -> Vec<(String, Format)> {
    let mut formats = Vec::new();
    let is_timed = matches!(column.data_type, DataType::Date32 | DataType::Timestamp(..));
    if !is_timed && !column.formats.is_empty() {
        let message = format!("`formats` of `{}` are for dates and timestamps only", column.name.value);
        findings.push(Diagnostic::error(message, column.name.place.clone()).hint("remove `formats` or change `type`"));
        return formats;
    }
    for format in &column.formats {
        match Format::compile(format, column.year_pivot) {
            Ok(compiled) => formats.push((format.clone(), compiled)),
            Err(why) => {
                let place = place_after(&column.name.place, format);
                findings.push(Diagnostic::error(format!("the format `{format}` {why}"), place));
            }
        }
    }
    formats
}

/// Checks that a default and the meanings of inline codes are values of the column's type.
fn wrong_literals(column: &Column, kind: &Kind) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut check = |what: &str, text: &String| {
        if let Err(fault) = kind.check(&text::fold(text::trim(text)), Reading::literal(column.numerals)) {
            let place = place_after(&column.name.place, text);
            let message = format!("{what} of `{}` is no value of its type: {}", column.name.value, fault.reason);
            findings.push(Diagnostic::error(message, place));
        }
    };
    if let Some(default) = &column.default {
        check("the default", default);
    }
    if let Some(CodeTable::Inline(meanings)) = column.codes.as_ref().map(|codes| &codes.table) {
        meanings
            .values()
            .filter(|meaning| !column.null_words.contains(meaning))
            .for_each(|meaning| check("a code's meaning", meaning));
    }
    findings
}

/// Returns the place of the first `text` behind a column's name, or of the name.
fn place_after(name: &Place, text: &str) -> Place {
    let start = name.range.end;
    let found = name.text.body.get(start..).filter(|_| !text.is_empty()).and_then(|tail| tail.find(text));
    match found {
        Some(at) => Place { text: Arc::clone(&name.text), range: start + at..start + at + text.len() },
        None => name.clone(),
    }
}

/// Plans derived columns, each over the columns of files and the derived ones above it, and returns the schema that
/// rules see. A column that cannot be planned still stands in the schema, so that rules over it are not reported too.
fn derived_columns(
    source: &Source,
    parameters: &Parameters,
    findings: &mut Vec<Diagnostic>,
) -> (Vec<DerivedColumn>, SchemaRef) {
    let field = |column: &Column| Field::new(&column.name.value, column.data_type.clone(), true);
    let mut fields: Vec<Field> = source.columns.iter().filter(|column| column.derive.is_none()).map(field).collect();
    let made: Vec<_> = source.columns.iter().enumerate().filter(|(_, column)| column.derive.is_some()).collect();
    let names: Vec<&str> = made.iter().map(|(_, column)| column.name.value.as_str()).collect();
    let mut derived = Vec::new();
    for (position, (index, column)) in made.iter().enumerate() {
        findings.extend(misplaced_keys(column));
        let working: SchemaRef = Arc::new(Schema::new(fields.clone()));
        fields.push(field(column));
        let Some(text) = &column.derive else { continue };
        match expression::derived(text, &column.data_type, &working, parameters, &names[position + 1..]) {
            Ok(expression) => derived.push(DerivedColumn {
                index: *index,
                name: column.name.value.clone(),
                required: column.required,
                expression,
            }),
            Err(finding) => findings.push(finding),
        }
    }
    (derived, Arc::new(Schema::new(fields)))
}

/// Returns a finding for what only a cell can have.
fn misplaced_keys(column: &Column) -> Option<Diagnostic> {
    let misplaced = [
        ("default", column.default.is_some()),
        ("codes", column.codes.is_some()),
        ("clean", !column.clean.is_empty()),
        ("formats", !column.formats.is_empty()),
    ];
    let (key, _) = misplaced.iter().find(|(_, is_there)| *is_there)?;
    let message = format!("`{key}` has no effect on the derived column `{}`", column.name.value);
    Some(Diagnostic::error(message, column.name.place.clone()).hint("say it within the `derive` expression"))
}

fn row_rules(
    source: &Source,
    working: &SchemaRef,
    parameters: &Parameters,
    findings: &mut Vec<Diagnostic>,
) -> Vec<RowRule> {
    let mut rules = Vec::new();
    for rule in &source.rules {
        match expression::rule(&rule.expr, working, parameters) {
            Ok(expression) => rules.push(RowRule { name: rule.name.value.clone(), expression }),
            Err(finding) => findings.push(finding),
        }
    }
    rules
}
