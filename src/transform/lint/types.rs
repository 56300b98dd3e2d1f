//! The type of an expression where it stands, and whether it may be NULL.
//!
//! In: the outline, the columns of tables, and the engine's own planner for everything above a column. Out: an answer, or
//! None where something in the expression is not known; whoever asks is then silent. Each column is worked out once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::datatypes::{DataType, Field};
use datafusion::{
    common::{DFSchema, TableReference},
    execution::SessionState,
    logical_expr::ExprSchemable,
    sql::sqlparser::ast::{BinaryOperator, Expr, ExprWithAlias},
};

use super::{
    outline::{Clause, ColumnId, Item, Origin, Outline},
    tables::Tables,
    walk,
};
use crate::record::TableName;

/// A type, and whether a value of it may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    pub data_type: DataType,
    pub may_be_null: bool,
}

/// Answers for one statement.
pub(super) struct Types<'a, 'o> {
    outline: &'o Outline<'a>,
    tables: &'o Tables,
    state: &'o SessionState,
    known: RefCell<HashMap<ColumnId, Option<Typed>>>,
}

impl<'a, 'o> Types<'a, 'o> {
    pub(super) fn new(outline: &'o Outline<'a>, tables: &'o Tables, state: &'o SessionState) -> Self {
        Self { outline, tables, state, known: RefCell::default() }
    }

    /// Returns the type of an expression of a SELECT.
    pub(super) fn of(&self, select: usize, expr: &Expr) -> Option<Typed> {
        if let Some(column) = self.outline.column(select, expr, self.tables) {
            return self.column(&column);
        }
        let schema = self.schema(select, expr)?;
        let expr = ExprWithAlias { expr: expr.clone(), alias: None };
        let planned = self.state.create_logical_expr_from_sql_expr(expr, &schema).ok()?;
        let (_, field) = planned.to_field(&schema).ok()?;
        Some(Typed { data_type: field.data_type().clone(), may_be_null: field.is_nullable() })
    }

    /// Returns the type of a column where its SELECT reads it.
    pub(super) fn column(&self, column: &ColumnId) -> Option<Typed> {
        if let Some(known) = self.known.borrow().get(column) {
            return known.clone();
        }
        let found = self.compute(column);
        self.known.borrow_mut().insert(column.clone(), found.clone());
        found
    }

    /// Returns the table's column that a column is, passed on unchanged.
    pub(super) fn origin(&self, column: &ColumnId) -> Option<(TableName, String)> {
        let relation = self.outline.relation(column);
        if let Origin::Table(table) = &relation.source {
            return Some((table.clone(), column.name.clone()));
        }
        let (query, index) = self.outline.place_in_query(relation, &column.name)?;
        self.origin_of_output(query, index)
    }

    fn origin_of_output(&self, query: usize, index: usize) -> Option<(TableName, String)> {
        let [item] = self.outline.queries[query].outputs.as_ref()?.get(index)?.items.as_slice() else { return None };
        match item {
            Item::Expr(select, expr) => self.origin(&self.outline.column(*select, expr, self.tables)?),
            Item::Column(column) => self.origin(column),
            Item::Output(query, index) => self.origin_of_output(*query, *index),
        }
    }

    fn compute(&self, column: &ColumnId) -> Option<Typed> {
        let relation = self.outline.relation(column);
        let mut typed = if let Origin::Table(table) = &relation.source {
            let (data_type, may_be_null) = self.tables.get(table)?.column(&column.name)?;
            Typed { data_type, may_be_null }
        } else {
            let (query, index) = self.outline.place_in_query(relation, &column.name)?;
            self.output(query, index)?
        };
        typed.may_be_null = (typed.may_be_null || relation.may_be_null) && !self.is_filtered(column);
        Some(typed)
    }

    /// Returns the type of a column that a query gives: where branches differ, None.
    pub(super) fn output(&self, query: usize, index: usize) -> Option<Typed> {
        let output = self.outline.queries[query].outputs.as_ref()?.get(index)?;
        let mut typed: Option<Typed> = None;
        for item in &output.items {
            let next = match item {
                Item::Expr(select, expr) => self.of(*select, expr)?,
                Item::Column(column) => self.column(column)?,
                Item::Output(query, index) => self.output(*query, *index)?,
            };
            match &mut typed {
                None => typed = Some(next),
                Some(typed) if typed.data_type == next.data_type => typed.may_be_null |= next.may_be_null,
                Some(_) => return None,
            }
        }
        typed
    }

    /// Returns whether its SELECT lets only rows through in which a column is not NULL.
    fn is_filtered(&self, column: &ColumnId) -> bool {
        let is_it = |expr: &Expr| self.outline.column(column.select, expr, self.tables).as_ref() == Some(column);
        let refuses_null = |term: &&Expr| match term {
            Expr::IsNotNull(inner) => is_it(inner),
            Expr::BinaryOp { left, op, right } => is_comparison(op) && (is_it(left) || is_it(right)),
            Expr::Between { expr, .. } | Expr::InList { expr, .. } => is_it(expr),
            _ => false,
        };
        let wheres = self.outline.selects[column.select].roots.iter().filter(|(clause, _)| *clause == Clause::Where);
        wheres.flat_map(|(_, root)| walk::conjuncts(root)).any(|term| refuses_null(&term))
    }

    /// Returns a schema of the columns that an expression names.
    fn schema(&self, select: usize, expr: &Expr) -> Option<DFSchema> {
        let mut columns: BTreeMap<ColumnId, Option<Typed>> = BTreeMap::new();
        let mut is_known = true;
        walk::walk(expr, &mut |inner| match inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                match self.outline.column(select, inner, self.tables) {
                    Some(column) => drop(columns.entry(column.clone()).or_insert_with(|| self.column(&column))),
                    None => is_known = false,
                }
            }
            other => is_known &= walk::query(other).is_none(),
        });
        if !is_known {
            return None;
        }
        let field = |(column, typed): (ColumnId, Option<Typed>)| {
            let typed = typed?;
            let relation = self.outline.relation(&column);
            let qualifier = match &relation.source {
                Origin::Table(table) if relation.alias == table.table => {
                    TableReference::partial(table.schema.clone(), table.table.clone())
                }
                _ => TableReference::bare(relation.alias.clone()),
            };
            Some((Some(qualifier), Arc::new(Field::new(&column.name, typed.data_type, typed.may_be_null))))
        };
        let fields: Option<Vec<_>> = columns.into_iter().map(field).collect();
        DFSchema::new_with_metadata(fields?, HashMap::new()).ok()
    }
}

/// Returns whether an operator compares, so that NULL on either side gives NULL.
pub(super) fn is_comparison(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}
