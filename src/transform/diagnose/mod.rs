//! Taking a model apart that cannot be planned: every mistake in it, each at its place.
//!
//! In: the text of a model, which need not be saved anywhere, its syntax tree, and the tables that it may read. Out: findings,
//! and the columns that it would give as far as they are known. Pure, and asked only when planning has failed: a model that
//! plans pays nothing for it. Deliberately decides nothing about the project: order, cycles and headers are told elsewhere.
//!
//! ```text
//!  text ──► syntax ──► repair ──► where it breaks, and the change with which it parses
//!   │
//!   └─────► query ► from ► select ► expression ► smallest wrong part ► explain
//!             │      │       │          └ names: what a name means, or was meant to mean
//!             │      │       └ grouping: neither grouped nor aggregated
//!             │      └ relations, joined; a failed one is open, and nothing that follows from it is told
//!             └ common table expressions in order, branches of a UNION column by column
//!
//!  findings ──► slips: the same unknown name is told once       nothing found ──► nested: a query that the engine does not run
//! ```

mod alone;
mod branches;
mod calls;
mod coercion;
mod dialects;
mod explain;
mod expression;
mod from;
mod grouping;
mod join;
mod limits;
mod literals;
mod names;
mod nested;
mod query;
mod readable;
mod repair;
mod results;
mod rows;
mod scope;
mod slips;
mod source;
mod syntax;
mod tree;
pub(super) mod types;
mod unsupported;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{ControlFlow, Range},
    sync::Arc,
};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::{
    error::DataFusionError,
    execution::SessionState,
    sql::sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Spanned, Value, visit_expressions, visit_relations},
};

use crate::{
    engine::{Parameters, statement::known_as},
    record::{Diagnostic, TableName, Text},
};
pub use alone::alone;
use nested::Nested;
use scope::{Around, Column, Columns, Ctes};
use slips::Slip;
use source::Source;

/// The tables of a project, as far as they are known.
#[derive(Debug, Default)]
pub struct Tables {
    known: BTreeMap<TableName, Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// None for a table that failed itself.
    schema: Option<SchemaRef>,
    /// The file of the model that makes it; None for a source's.
    path: Option<String>,
}

impl Tables {
    /// Notes a table of which only the name is known so far.
    pub fn announce(&mut self, name: &TableName, path: Option<&str>) {
        self.known.entry(name.clone()).or_default().path = path.map(str::to_owned);
    }

    /// Notes the columns of a table.
    pub fn describe(&mut self, name: &TableName, schema: SchemaRef) {
        self.known.entry(name.clone()).or_default().schema = Some(schema);
    }

    /// Returns whether somebody makes a table.
    #[must_use]
    pub fn holds(&self, name: &TableName) -> bool {
        self.known.contains_key(name)
    }

    /// Returns the columns of a table, which are unknown if it failed; None if nobody makes it.
    fn columns(&self, name: &TableName) -> Option<Columns> {
        let table = self.known.get(name)?;
        let Some(schema) = &table.schema else { return Some(Columns::unknown()) };
        let column = |field: &Arc<arrow::datatypes::Field>| Column {
            name: Some(field.name().clone()),
            data_type: Some(field.data_type().clone()),
            given: None,
            made_of: BTreeSet::new(),
        };
        Some(Columns { list: schema.fields().iter().map(column).collect(), is_open: false })
    }

    fn names(&self) -> Vec<&TableName> {
        self.known.keys().collect()
    }

    /// Returns the file that makes a table of a dotted name.
    fn path(&self, name: &str) -> Option<&str> {
        let name = TableName::try_from(name.to_owned()).ok()?;
        self.known.get(&name)?.path.as_deref()
    }

    /// Returns a table that has a column, with the file that makes it; one that a model makes first.
    fn with_column(&self, column: &str) -> Option<(&TableName, Option<&str>)> {
        let has = |table: &Table| table.schema.as_ref().is_some_and(|schema| schema.field_with_name(column).is_ok());
        let mut holding = self.known.iter().filter(|(_, table)| has(table));
        let made = holding.clone().find(|(_, table)| table.path.is_some());
        made.or_else(|| holding.next()).map(|(name, table)| (name, table.path.as_deref()))
    }
}

/// What taking a model apart has shown.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// Every mistake, in the order of the text.
    pub findings: Vec<Diagnostic>,
    /// The names of its columns with their types as far as they are right; None where not even the names are known.
    pub columns: Option<Vec<(String, Option<DataType>)>>,
    /// Queries inside of it.
    nested: Vec<Nested>,
}

impl Diagnosis {
    /// Returns the place of what the engine refuses though nothing is wrong with any part of it, if that is known.
    #[must_use]
    pub fn refused(&self, text: &Arc<Text>, error: &DataFusionError) -> Option<Diagnostic> {
        let source = Source::new(text);
        nested::refused(&source, &self.nested, error).or_else(|| unsupported::refused(&source, error))
    }
}

/// Takes a query apart, whose parameters are literals at the places where they were written.
#[must_use]
pub fn diagnose(text: &Arc<Text>, query: &Query, tables: &Tables, state: &SessionState) -> Diagnosis {
    let source = Source::new(text);
    let mut walk = Walk::new(&source, tables, state);
    let columns = walk.query(query, Around { ctes: &Ctes::new(), outer: None });
    let mut findings = slips::once(&source, walk.findings, walk.slips, &walk.read);
    // A result in which something is wrong may have another name once it is right.
    let is_right = |result: &Diagnostic| {
        let range = result.place.as_ref().map(|place| place.range.clone()).unwrap_or_default();
        !findings.iter().filter_map(|other| other.place.as_ref()).any(|place| range.contains(&place.range.start))
    };
    let doubled: Vec<Diagnostic> = walk.doubled.into_iter().filter(is_right).collect();
    findings.extend(doubled);
    findings.extend(walk.ignored);
    findings.extend(unsupported::ignored(&source, query, state));
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range.start));
    findings.dedup();
    let named = |column: Column| Some((column.name?, column.data_type));
    let columns = if columns.is_open { None } else { columns.list.into_iter().map(named).collect() };
    Diagnosis { findings, columns, nested: walk.nested }
}

/// Returns what is wrong with names behind a `*`, as in `* EXCLUDE (name)`: the engine plans a query in which they mean nothing.
#[must_use]
pub fn ignored_names(text: &Arc<Text>, query: &Query, tables: &Tables, state: &SessionState) -> Vec<Diagnostic> {
    // Nearly all models have none, and are not taken apart.
    let lower = text.body.to_ascii_lowercase();
    if !["exclude", "except", "replace"].iter().any(|word| lower.contains(word)) || !results::names_behind_star(query) {
        return Vec::new();
    }
    let source = Source::new(text);
    let mut walk = Walk::new(&source, tables, state);
    walk.query(query, Around { ctes: &Ctes::new(), outer: None });
    let mut ignored = walk.ignored;
    ignored.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range.start));
    ignored.dedup();
    ignored
}

/// Returns what is wrong with a text that does not parse into one query, or that names parameters which do not exist.
#[must_use]
pub fn unparsed(text: &Arc<Text>, error: &DataFusionError, parameters: &Parameters) -> Vec<Diagnostic> {
    let source = Source::new(text);
    if let Some(error) = syntax::parser_error(error) {
        return vec![syntax::finding(&source, error)];
    }
    let known: Vec<&str> = parameters.names().collect();
    let unknown = syntax::unknown_parameters(&source, &known);
    if unknown.is_empty() { vec![syntax::not_one_query(&source)] } else { unknown }
}

/// Returns the place at which the last query of a text computes a column of its result.
#[must_use]
pub fn output_place(text: &Arc<Text>, query: &Query, name: &str, nth: usize) -> Option<Range<usize>> {
    let source = Source::new(text);
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_named = |item: &&SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => known_as(alias) == name,
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => known_as(ident) == name,
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
            parts.last().is_some_and(|last| known_as(last) == name)
        }
        _ => false,
    };
    let item = select.projection.iter().filter(is_named).nth(nth)?;
    Some(match item {
        SelectItem::ExprWithAlias { expr, alias } => source.exact(expr).start..source.range(alias.span).end,
        SelectItem::UnnamedExpr(expr) => source.exact(expr),
        other => source.range(other.span()),
    })
}

/// Returns the place at which the last query of a text gives a column of its result its name.
#[must_use]
pub fn name_place(text: &Arc<Text>, query: &Query, name: &str) -> Option<Range<usize>> {
    let source = Source::new(text);
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    select.projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } if known_as(alias) == name => Some(source.range(alias.span)),
        _ => None,
    })
}

/// Returns where a query calls a function with this text as its first argument, in whatever syntax.
#[must_use]
pub fn argument_places(text: &Arc<Text>, query: &Query, function: &str, argument: &str) -> Vec<Range<usize>> {
    let (source, mut ranges) = (Source::new(text), Vec::new());
    let _ = visit_expressions(query, |expr| {
        if let Expr::Function(call) = expr
            && tree::parts(&call.name).last().is_some_and(|name| name == function)
            && let Some(Expr::Value(value)) = tree::arguments(call).first()
            && matches!(&value.value, Value::SingleQuotedString(written) if written == argument)
        {
            ranges.push(source.range(value.span));
        }
        // EXTRACT is a call of it, with its first argument before FROM.
        if let Expr::Extract { field, .. } = expr
            && function == "date_part"
            && field.to_string().eq_ignore_ascii_case(argument)
        {
            let call = source.exact(expr);
            ranges.extend(source.tokens().get(source.behind(call.start) + 2).map(|(_, field)| field.clone()));
        }
        ControlFlow::<()>::Continue(())
    });
    ranges
}

/// Returns where a query reads a table.
#[must_use]
pub fn read_place(text: &Arc<Text>, query: &Query, table: &TableName) -> Option<Range<usize>> {
    let mut found = None;
    let _ = visit_relations(query, |name| {
        let parts = tree::parts(name);
        let is_it = matches!(parts.as_slice(), [.., schema, name] if *schema == table.schema && *name == table.table);
        if is_it && found.is_none() {
            found = Some(name.span());
        }
        ControlFlow::<()>::Continue(())
    });
    found.map(|span| Source::new(text).range(span))
}

/// Returns where a query calls a function.
#[must_use]
pub fn call_places(text: &Arc<Text>, query: &Query, function: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let _ = visit_expressions(query, |expr| {
        if let Expr::Function(call) = expr
            && tree::parts(&call.name).last().is_some_and(|name| name == function)
        {
            spans.push(call.name.span());
        }
        ControlFlow::<()>::Continue(())
    });
    let source = Source::new(text);
    spans.into_iter().map(|span| source.range(span)).collect()
}

/// A walk through one model.
struct Walk<'a> {
    source: &'a Source,
    tables: &'a Tables,
    state: &'a SessionState,
    findings: Vec<Diagnostic>,
    /// Those of the findings that are about names which mean nothing.
    slips: Vec<Slip>,
    /// Where the names are given that were read.
    read: BTreeSet<usize>,
    /// Findings about results that are called the same.
    doubled: Vec<Diagnostic>,
    /// Queries inside of others.
    nested: Vec<Nested>,
    /// How many names were found in a query around the one in which they stand.
    outer_names: usize,
    /// Findings about what the engine ignores.
    ignored: Vec<Diagnostic>,
    /// Tables without a name of their own.
    unnamed: usize,
    /// Tables that were told to be unknown.
    unknown: BTreeSet<String>,
    /// Whether two common table expressions are called the same: one of them has lost its own name.
    has_doubled_ctes: bool,
}

impl<'a> Walk<'a> {
    const fn new(source: &'a Source, tables: &'a Tables, state: &'a SessionState) -> Self {
        Self {
            source,
            tables,
            state,
            findings: Vec::new(),
            slips: Vec::new(),
            read: BTreeSet::new(),
            doubled: Vec::new(),
            nested: Vec::new(),
            outer_names: 0,
            ignored: Vec::new(),
            unnamed: 0,
            unknown: BTreeSet::new(),
            has_doubled_ctes: false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests;
