//! A statement's queries laid out flat: which SELECT reads which relations, and what each query gives.
//!
//! ```text
//!  Query ─┬─ common table expressions ─► Query …
//!         └─ body: branches of a UNION or the like, mostly one
//!              └─ Select ─┬─ relations: table, common table expression, subquery
//!                         ├─ roots: the expressions of its clauses
//!                         └─ queries inside of expressions ─► Query …, which may name the relations out here
//! ```
//!
//! In: a parsed query. Out: parts that refer to each other by number. What the outline does not understand (a function
//! that returns a table, a recursive reference) is there as a relation of which nothing is known.

mod build;

use datafusion::sql::sqlparser::{
    ast::{Cte, Expr, GroupByExpr, Ident, Query, Select, SelectItem, Value},
    tokenizer::Span,
};

use super::tables::Tables;
use crate::{engine::statement::known_as, record::TableName};

/// All queries of a statement.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    /// The statement's own query is the first one.
    pub queries: Vec<QueryPart<'a>>,
    pub selects: Vec<SelectPart<'a>>,
    pub ctes: Vec<CtePart<'a>>,
}

/// One query, with or without parts that are joined by set operators.
#[derive(Debug)]
pub(super) struct QueryPart<'a> {
    pub query: &'a Query,
    /// What it is written for.
    pub role: Role,
    pub branches: Vec<Branch>,
    /// How the branches are joined, if there are several.
    pub joined: Option<Joined>,
    /// Its columns; None where they are not known.
    pub outputs: Option<Vec<Output<'a>>>,
}

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It gives the table's rows.
    Table,
    /// It is read like a table.
    Relation,
    /// It is a value, or the right side of IN.
    Value,
    /// Only whether it has rows counts.
    Exists,
}

/// A part of a query's body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Branch {
    Select(usize),
    Query(usize),
    /// Rows of literals.
    Values,
    Unknown,
}

/// How the branches of a query are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// Rows stay as often as they come.
    All,
    /// No row comes twice.
    Distinct,
}

/// One column that a query gives.
#[derive(Debug, Clone)]
pub(super) struct Output<'a> {
    /// Its name, where it has one that can be referred to.
    pub name: Option<String>,
    /// What it is in each branch.
    pub items: Vec<Item<'a>>,
}

/// What a column is.
#[derive(Debug, Clone)]
pub(super) enum Item<'a> {
    /// An expression in a SELECT.
    Expr(usize, &'a Expr),
    /// A column of a relation, by `*`.
    Column(ColumnId),
    /// A column of another query by its place.
    Output(usize, usize),
}

/// A column of a relation of a SELECT.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ColumnId {
    pub select: usize,
    pub relation: usize,
    pub name: String,
}

/// One SELECT.
#[derive(Debug)]
pub(super) struct SelectPart<'a> {
    pub select: &'a Select,
    pub relations: Vec<Relation>,
    /// The SELECT around it, whose relations it may name.
    pub outer: Option<usize>,
    /// Every expression of its clauses, the ORDER BY of its query included.
    pub roots: Vec<(Clause, &'a Expr)>,
}

/// The clause that an expression belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Projection,
    /// The condition of the join that adds this relation.
    On(usize),
    Where,
    GroupBy,
    Having,
    OrderBy,
}

/// Something that a SELECT reads.
#[derive(Debug)]
pub(super) struct Relation {
    /// The name before its columns.
    pub alias: String,
    pub source: Origin,
    /// Other names of its first columns.
    pub columns: Vec<String>,
    pub span: Span,
    pub join: Join,
    /// Columns of a USING.
    pub using: Vec<String>,
    /// Whether an outer join may put NULLs in its place.
    pub may_be_null: bool,
    /// Whether it is computed for each row of those before it.
    pub is_lateral: bool,
}

/// Where a relation's rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Table(TableName),
    /// A subquery or a common table expression.
    Query(usize),
    Unknown,
}

/// How a relation is joined to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// It is the first one.
    First,
    /// A comma or CROSS JOIN.
    Cross,
    Inner,
    Left,
    Right,
    Full,
    /// A semi or anti join: its columns end with the condition.
    Filter,
    Natural,
}

/// A common table expression.
#[derive(Debug)]
pub(super) struct CtePart<'a> {
    pub cte: &'a Cte,
    pub name: String,
    pub query: usize,
    /// How often it is read, by itself not counted.
    pub uses: usize,
}

impl<'a> Outline<'a> {
    /// Lays out a statement's query.
    pub(super) fn new(query: &'a Query, tables: &Tables) -> Self {
        build::outline(query, tables)
    }

    /// Returns the place of a column among those that a query gives.
    pub(super) fn output(&self, query: usize, name: &str) -> Option<usize> {
        self.queries[query].outputs.as_ref()?.iter().position(|output| output.name.as_deref() == Some(name))
    }

    /// Returns the names of a relation's columns, None where they are not known.
    pub(super) fn column_names(&self, relation: &Relation, tables: &Tables) -> Option<Vec<String>> {
        let names: Vec<String> = match &relation.source {
            Origin::Table(table) => {
                let schema = &tables.get(table)?.schema;
                schema.fields().iter().map(|field| field.name().clone()).collect()
            }
            Origin::Query(query) => {
                let outputs = self.queries[*query].outputs.as_ref()?;
                outputs.iter().map(|output| output.name.clone().unwrap_or_default()).collect()
            }
            Origin::Unknown => return None,
        };
        let numbered = names.into_iter().enumerate();
        Some(numbered.map(|(index, name)| relation.columns.get(index).cloned().unwrap_or(name)).collect())
    }

    /// Returns whether a relation has a column, None where its columns are not known.
    fn has_column(&self, relation: &Relation, name: &str, tables: &Tables) -> Option<bool> {
        match &relation.source {
            Origin::Table(table) if relation.columns.is_empty() => {
                Some(tables.get(table)?.schema.field_with_name(name).is_ok())
            }
            Origin::Query(query) => {
                self.queries[*query].outputs.as_ref()?;
                Some(self.place_in_query(relation, name).is_some())
            }
            _ => Some(self.column_names(relation, tables)?.iter().any(|known| known == name)),
        }
    }

    /// Returns the place of a relation's column among the columns of its query.
    pub(super) fn place_in_query(&self, relation: &Relation, name: &str) -> Option<(usize, usize)> {
        let Origin::Query(query) = relation.source else { return None };
        if let Some(index) = relation.columns.iter().position(|column| column == name) {
            return Some((query, index));
        }
        let index = self.output(query, name)?;
        (index >= relation.columns.len()).then_some((query, index))
    }

    /// Returns the relation of a column.
    pub(super) fn relation(&self, column: &ColumnId) -> &Relation {
        &self.selects[column.select].relations[column.relation]
    }

    /// Finds the column that an expression names, in a SELECT or those around it; None for any other expression.
    pub(super) fn column(&self, select: usize, expr: &Expr, tables: &Tables) -> Option<ColumnId> {
        match super::walk::bare(expr) {
            Expr::Identifier(ident) => self.resolve(select, &[], &known_as(ident), tables),
            Expr::CompoundIdentifier(parts) => {
                let (last, before) = parts.split_last()?;
                self.resolve(select, before, &known_as(last), tables)
            }
            _ => None,
        }
    }

    fn resolve(&self, select: usize, before: &[Ident], column: &str, tables: &Tables) -> Option<ColumnId> {
        let part = &self.selects[select];
        let before: Vec<String> = before.iter().map(known_as).collect();
        for (index, relation) in part.relations.iter().enumerate() {
            let is_named = before.is_empty() || relation.is_named(&before);
            let has = || self.has_column(relation, column, tables);
            match is_named.then(has) {
                None | Some(Some(false)) => {}
                Some(Some(true)) => {
                    return Some(ColumnId { select, relation: index, name: column.to_owned() });
                }
                Some(None) => return None,
            }
        }
        self.resolve_outside(part.outer?, &before, column, tables)
    }

    fn resolve_outside(&self, select: usize, before: &[String], column: &str, tables: &Tables) -> Option<ColumnId> {
        let idents: Vec<Ident> = before.iter().map(|part| Ident::with_quote('"', part)).collect();
        self.resolve(select, &idents, column, tables)
    }

    /// Returns the only SELECT of a query, if it is nothing else.
    pub(super) fn only_select(&self, query: usize) -> Option<usize> {
        match self.queries[query].branches.as_slice() {
            [Branch::Select(select)] => Some(*select),
            [Branch::Query(inner)] => self.only_select(*inner),
            _ => None,
        }
    }

    /// Returns whether a query reads no table at all, however deep.
    pub(super) fn is_constant(&self, query: usize) -> bool {
        self.queries[query].branches.iter().all(|branch| match branch {
            Branch::Values => true,
            Branch::Unknown => false,
            Branch::Query(query) => self.is_constant(*query),
            Branch::Select(select) => self.selects[*select].relations.iter().all(|relation| match &relation.source {
                Origin::Query(query) => self.is_constant(*query),
                Origin::Table(_) | Origin::Unknown => false,
            }),
        })
    }
}

impl SelectPart<'_> {
    /// Returns what it groups by; None for several groupings at once, whose rows no column tells apart.
    pub(super) fn groups(&self) -> Option<Vec<&Expr>> {
        let GroupByExpr::Expressions(exprs, modifiers) = &self.select.group_by else { return None };
        let is_plain = |expr: &Expr| !matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_));
        (modifiers.is_empty() && exprs.iter().all(is_plain)).then(|| exprs.iter().collect())
    }

    /// Returns what stands behind a GROUP BY's ordinal or alias, else the expression itself.
    pub(super) fn spelled_out<'a>(&'a self, expr: &'a Expr) -> &'a Expr {
        let item = match super::walk::bare(expr) {
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) => {
                    number.parse::<usize>().ok().and_then(|place| self.select.projection.get(place.checked_sub(1)?))
                }
                _ => None,
            },
            Expr::Identifier(ident) => {
                let is_alias = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { alias, .. } if known_as(alias) == known_as(ident));
                self.select.projection.iter().find(is_alias)
            }
            _ => None,
        };
        match item {
            Some(SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr)) => expr,
            _ => expr,
        }
    }
}

impl Relation {
    /// Returns whether these words before a column mean this relation.
    fn is_named(&self, words: &[String]) -> bool {
        match (words, &self.source) {
            ([alias], _) => *alias == self.alias,
            ([schema, table], Origin::Table(name)) => *schema == name.schema && *table == name.table,
            _ => false,
        }
    }
}
