//! What a name can mean at a place: the tables of a FROM with their columns, aliases, and the query around.
//!
//! In: relations as they are joined. Out: the column that a name means, or why it means none. A relation whose columns are
//! not known (it failed, and that is told where it stands) is open: what might be its column is never called wrong.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;
use datafusion::{
    common::TableReference,
    sql::sqlparser::ast::{Ident, NamedWindowDefinition},
};

use super::slips::Given;
use crate::engine::statement::known_as;

/// A column of a relation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// Its name; None for an expression without an alias.
    pub(super) name: Option<String>,
    /// Its type; None where the expression behind it is wrong.
    pub(super) data_type: Option<DataType>,
    /// Where this text gives it its name.
    pub(super) given: Option<Given>,
    /// Names of the columns that it is made of in this text, at however many steps.
    pub(super) made_of: BTreeSet<String>,
}

/// The columns that a query gives.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) list: Vec<Column>,
    /// Whether there may be others, which are not known.
    pub(super) is_open: bool,
}

impl Columns {
    /// Returns columns of which nothing is known.
    pub(super) const fn unknown() -> Self {
        Self { list: Vec::new(), is_open: true }
    }
}

/// A table of a FROM.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// What stands before the dot of its columns.
    pub(super) name: Option<TableReference>,
    pub(super) columns: Columns,
    /// The table or common table expression behind it: the same for two that have the same columns.
    pub(super) origin: String,
    /// Where its alias stands.
    pub(super) alias: Option<Given>,
}

impl Relation {
    fn is_called(&self, qualifier: &TableReference) -> bool {
        self.name.as_ref().is_some_and(|name| name.resolved_eq(qualifier))
    }

    fn is_lenient(&self) -> bool {
        self.columns.is_open || self.columns.list.iter().any(|column| column.name.is_none())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.columns.list.iter().position(|column| column.name.as_deref() == Some(name))
    }
}

/// Common table expressions by name.
pub(super) type Ctes = BTreeMap<String, Columns>;

/// What is around a query.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) ctes: &'a Ctes,
    /// What the query around a subquery can name.
    pub(super) outer: Option<&'a Scope<'a>>,
}

/// What can be named in the expressions of one SELECT.
pub(super) struct Scope<'a> {
    pub(super) around: Around<'a>,
    pub(super) relations: Vec<Relation>,
    /// Columns that USING made one of two.
    pub(super) merged: BTreeSet<String>,
    /// What the SELECT calls its results.
    pub(super) aliases: Vec<Column>,
    pub(super) windows: &'a [NamedWindowDefinition],
    /// Whether two tables are called the same: then no name is looked up with certainty.
    pub(super) is_doubled: bool,
}

/// What a name means.
pub(super) enum Meaning {
    /// A column: the same key for the same one, its type if known, and where the names are given by which it is known.
    Column { key: String, data_type: Option<DataType>, given: Vec<usize> },
    /// Perhaps a column of something that is not known.
    Open,
    /// Nothing; the name stands in no table.
    UnknownColumn,
    /// The table before the dot is there, and has no such column.
    UnknownIn(usize),
    /// No table is called so.
    UnknownTable,
    /// A column of several tables.
    Ambiguous(Vec<usize>),
}

/// Whether and when a name may be an alias of the same SELECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aliases {
    Unseen,
    /// Where no table has such a column.
    Last,
    /// Before the columns of the tables.
    First,
}

impl<'a> Scope<'a> {
    /// Returns a scope without tables.
    pub(super) const fn empty(around: Around<'a>) -> Self {
        Self {
            around,
            relations: Vec::new(),
            merged: BTreeSet::new(),
            aliases: Vec::new(),
            windows: &[],
            is_doubled: false,
        }
    }

    /// Returns what a name with its parts before dots means here.
    pub(super) fn meaning(&self, name: &[Ident], aliases: Aliases) -> Meaning {
        match self.found(name, aliases) {
            Meaning::UnknownTable | Meaning::UnknownIn(_) | Meaning::Ambiguous(_) if self.is_doubled => Meaning::Open,
            meaning => meaning,
        }
    }

    /// Returns the scope in which a name is wrong, and what it means there: a table of a query around may be right, and its column not.
    pub(super) fn blamed(&self, name: &[Ident], meaning: Meaning) -> (&Self, Meaning) {
        if !matches!(meaning, Meaning::UnknownTable | Meaning::UnknownColumn) {
            return (self, meaning);
        }
        for outer in self.outers() {
            let found = outer.meaning(name, Aliases::Unseen);
            if matches!(found, Meaning::UnknownIn(_) | Meaning::Ambiguous(_)) {
                return (outer, found);
            }
        }
        (self, meaning)
    }

    /// Returns the scopes of the queries around, the next one first.
    pub(super) fn outers(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(self.around.outer, |outer| outer.around.outer)
    }

    fn found(&self, name: &[Ident], aliases: Aliases) -> Meaning {
        let parts: Vec<String> = name.iter().map(known_as).collect();
        if let ([only], true) = (parts.as_slice(), aliases == Aliases::First)
            && let Some(found) = self.alias(only)
        {
            return found;
        }
        let here = match parts.as_slice() {
            [] => Meaning::Open,
            [column] => self.unqualified(column),
            _ => self.qualified(&parts),
        };
        if !matches!(here, Meaning::UnknownColumn | Meaning::UnknownTable) {
            return here;
        }
        if let ([only], Aliases::Last) = (parts.as_slice(), aliases)
            && let Some(found) = self.alias(only)
        {
            return found;
        }
        match self.around.outer.map(|outer| outer.meaning(name, Aliases::Unseen)) {
            Some(Meaning::Column { key, data_type, given }) => {
                Meaning::Column { key: format!("outer {key}"), data_type, given }
            }
            Some(Meaning::UnknownColumn | Meaning::UnknownTable) | None => here,
            Some(other) => match other {
                // Places in the outer query's list of tables mean nothing here.
                Meaning::UnknownIn(_) | Meaning::Ambiguous(_) => here,
                other => other,
            },
        }
    }

    fn alias(&self, name: &str) -> Option<Meaning> {
        let found = self.aliases.iter().find(|alias| alias.name.as_deref() == Some(name))?;
        Some(Meaning::Column { key: format!("alias {name}"), data_type: found.data_type.clone(), given: Vec::new() })
    }

    fn unqualified(&self, name: &str) -> Meaning {
        let holds = |relation: &&(usize, &Relation)| relation.1.position(name).is_some();
        let relations: Vec<(usize, &Relation)> = self.relations.iter().enumerate().collect();
        let holding: Vec<usize> = relations.iter().filter(holds).map(|(index, _)| *index).collect();
        match holding.as_slice() {
            [] if self.relations.iter().any(Relation::is_lenient) => Meaning::Open,
            [] => Meaning::UnknownColumn,
            [only] => self.column(*only, name),
            [first, ..] if self.merged.contains(name) => self.column(*first, name),
            several => Meaning::Ambiguous(several.to_vec()),
        }
    }

    fn qualified(&self, parts: &[String]) -> Meaning {
        let (qualifier, column) = match parts {
            [table, column] => (TableReference::bare(table.as_str()), column),
            [schema, table, column] => (TableReference::partial(schema.as_str(), table.as_str()), column),
            _ => return Meaning::Open,
        };
        let called: Vec<usize> =
            (0..self.relations.len()).filter(|at| self.relations[*at].is_called(&qualifier)).collect();
        match called.as_slice() {
            [] if self.is_field(&parts[0]) => Meaning::Open,
            [] => Meaning::UnknownTable,
            several => {
                let holding = several.iter().find(|at| self.relations[**at].position(column).is_some());
                match holding {
                    Some(at) => self.column_of(*at, column),
                    None if several.iter().any(|at| self.relations[*at].is_lenient()) => Meaning::Open,
                    None => Meaning::UnknownIn(several[0]),
                }
            }
        }
    }

    /// Returns whether a name before a dot is a column, whose field is then meant.
    fn is_field(&self, name: &str) -> bool {
        !matches!(self.unqualified(name), Meaning::UnknownColumn | Meaning::Open)
    }

    fn column(&self, at: usize, name: &str) -> Meaning {
        let relation = &self.relations[at];
        let column = relation.columns.list.get(relation.position(name).unwrap_or_default());
        let data_type = column.and_then(|column| column.data_type.clone());
        let given = column.and_then(|column| column.given.as_ref()).map(|given| given.at.start);
        Meaning::Column { key: format!("{at} {name}"), data_type, given: given.into_iter().collect() }
    }

    /// Returns a column before whose name stands that of its table.
    fn column_of(&self, at: usize, name: &str) -> Meaning {
        match self.column(at, name) {
            Meaning::Column { key, data_type, mut given } => {
                given.extend(self.relations[at].alias.as_ref().map(|alias| alias.at.start));
                Meaning::Column { key, data_type, given }
            }
            other => other,
        }
    }

    /// Returns what stands before the dot of a relation's columns.
    pub(super) fn called(&self, at: usize) -> Option<String> {
        self.relations.get(at)?.name.as_ref().map(TableReference::to_string)
    }

    /// Returns the names of all tables.
    pub(super) fn tables(&self) -> Vec<String> {
        self.relations.iter().filter_map(|relation| relation.name.as_ref().map(ToString::to_string)).collect()
    }

    /// Returns the tables that have a column.
    pub(super) fn holders(&self, column: &str) -> Vec<usize> {
        (0..self.relations.len()).filter(|at| self.relations[*at].position(column).is_some()).collect()
    }

    /// Returns the names of the columns of all tables, each once.
    pub(super) fn columns(&self) -> Vec<&str> {
        let all = self.relations.iter().flat_map(|relation| &relation.columns.list);
        let names: BTreeSet<&str> = all.filter_map(|column| column.name.as_deref()).collect();
        names.into_iter().collect()
    }
}
