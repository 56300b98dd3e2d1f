//! UNION, EXCEPT and INTERSECT: branches alone, then column by column.
//!
//! In: a query of several branches. Out: findings, and the columns that all of them give together.

use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, SetQuantifier, Spanned};

use super::{
    Walk, coercion,
    names::listed,
    readable::Beside,
    scope::{Around, Columns},
    source::join,
    tree,
    types::spelled,
};
use crate::engine::clash;

impl Walk<'_> {
    /// Looks at the branches of a UNION, EXCEPT or INTERSECT: each alone, then column by column.
    pub(super) fn branches(&mut self, body: &SetExpr, around: Around<'_>) -> Columns {
        let mut leaves = Vec::new();
        flatten(body, &mut leaves);
        if let Some(SetExpr::Select(first)) = leaves.first() {
            self.doubled_results(&first.projection);
        }
        let given: Vec<Columns> = leaves.iter().map(|leaf| self.body(leaf, around)).collect();
        if is_by_name(body) {
            return united_by_name(given);
        }
        let mut united = given.first().cloned().unwrap_or_default();
        if given.iter().any(|columns| columns.is_open) {
            return Columns { is_open: true, ..united };
        }
        for (leaf, columns) in leaves.iter().zip(&given).skip(1) {
            if columns.list.len() != united.list.len() {
                let (first, this) = (united.list.len(), columns.list.len());
                let message = format!("this branch gives {this} columns and the first one {first}");
                let finding = self.source.error(self.list_range(leaf), message);
                self.findings.push(finding.hint(counterparts(&united, columns)));
                return Columns::unknown();
            }
        }
        for at in 0..united.list.len() {
            let of_branch = |(leaf, columns): (&&SetExpr, &Columns)| match item(leaf, at) {
                // The engine reads it as what the others are.
                Some(expr) if given.len() > 1 && tree::is_text_literal(expr) => Some(DataType::Null),
                _ => columns.list[at].data_type.clone(),
            };
            let types: Option<Vec<_>> = leaves.iter().zip(&given).map(of_branch).collect();
            let types = types.map(|types| texts_if_nothing_else(types, &given, at));
            united.list[at].data_type = types.as_ref().and_then(coercion::united);
            if let Some(expected) = united.list[at].data_type.clone() {
                for literal in leaves.iter().filter_map(|leaf| item(leaf, at)) {
                    self.unreadable(literal, &expected, Beside::Branch);
                }
            }
            if let Some((odd, expected)) = types.as_ref().and_then(|types| coercion::odd_one(types)) {
                self.odd_branch(leaves[odd], at, &types.unwrap_or_default()[odd], &expected);
            }
        }
        united
    }

    fn odd_branch(&mut self, branch: &SetExpr, at: usize, given: &DataType, expected: &DataType) {
        let expr = item(branch, at);
        let range = expr.map_or_else(|| self.list_range(branch), |expr| self.source.exact(expr));
        let message =
            format!("column {} of this branch is {}, that of another is {}", at + 1, spelled(given), spelled(expected));
        let finding = self.source.error(range.clone(), message);
        let to = if coercion::is_castable(given, expected) { spelled(expected) } else { "VARCHAR".to_owned() };
        if clash::counts_days(given, expected) {
            return self.findings.push(finding.hint("a column holds dates or numbers, not both"));
        }
        let text = format!("CAST({} AS {to})", self.source.slice(&range));
        let finding = finding.hint(format!("cast it so: `{text}`"));
        let is_mended = expr.is_some() && to != "VARCHAR";
        self.findings.push(if is_mended { finding.fix(self.source.place(range), text) } else { finding });
    }

    /// Returns the range of what a branch selects.
    fn list_range(&self, branch: &SetExpr) -> Range<usize> {
        match branch {
            SetExpr::Select(select) => {
                let ranges = select.projection.iter().map(|item| self.source.range(item.span()));
                ranges.reduce(|all, range| join(&all, &range)).unwrap_or_else(|| self.source.range(branch.span()))
            }
            SetExpr::Query(query) => self.list_range(&query.body),
            _ => self.source.range(branch.span()),
        }
    }
}

/// Returns the types as they are where only text literals make up a column.
fn texts_if_nothing_else(types: Vec<DataType>, given: &[Columns], at: usize) -> Vec<DataType> {
    if types.iter().any(|data_type| *data_type != DataType::Null) {
        return types;
    }
    given.iter().filter_map(|columns| columns.list[at].data_type.clone()).collect()
}

fn flatten<'a>(body: &'a SetExpr, leaves: &mut Vec<&'a SetExpr>) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            flatten(left, leaves);
            flatten(right, leaves);
        }
        leaf => leaves.push(leaf),
    }
}

/// Returns whether branches are joined by the names of their columns, wherever these stand.
fn is_by_name(body: &SetExpr) -> bool {
    use SetQuantifier::{AllByName, ByName, DistinctByName};
    match body {
        SetExpr::SetOperation { left, right, set_quantifier, .. } => {
            matches!(set_quantifier, AllByName | ByName | DistinctByName) || is_by_name(left) || is_by_name(right)
        }
        _ => false,
    }
}

/// Returns the columns of all branches, each name once; of a name with types that have none in common the type is unknown.
fn united_by_name(given: Vec<Columns>) -> Columns {
    let mut united = Columns::default();
    for columns in given {
        united.is_open |= columns.is_open;
        for column in columns.list {
            match united.list.iter_mut().find(|known| known.name == column.name) {
                None => united.list.push(column),
                Some(known) => {
                    let types = known.data_type.iter().chain(&column.data_type);
                    known.data_type = if types.clone().count() == 2 { coercion::united(types) } else { None };
                }
            }
        }
    }
    united
}

/// Returns the expression of a branch's column, where no wildcard hides it.
fn item(branch: &SetExpr, at: usize) -> Option<&Expr> {
    match branch {
        SetExpr::Query(query) => item(&query.body, at),
        SetExpr::Select(select) => {
            let expr = |item| match item {
                &SelectItem::UnnamedExpr(ref expr) | &SelectItem::ExprWithAlias { ref expr, .. } => Some(expr),
                _ => None,
            };
            select.projection.iter().map(expr).collect::<Option<Vec<_>>>()?.get(at).copied()
        }
        _ => None,
    }
}

/// Says which columns of two branches have no counterpart.
fn counterparts(first: &Columns, this: &Columns) -> String {
    let names = |columns: &Columns| columns.list.iter().filter_map(|column| column.name.clone()).collect::<Vec<_>>();
    let (first, this) = (names(first), names(this));
    let missing: Vec<&String> = first.iter().filter(|name| !this.contains(name)).collect();
    let surplus: Vec<&String> = this.iter().filter(|name| !first.contains(name)).collect();
    match (missing.as_slice(), surplus.as_slice()) {
        ([], []) => "select the same columns in every branch".to_owned(),
        (missing, []) => format!("the first one has {} too", listed(missing)),
        (_, surplus) => format!("the first one has no {}", listed(surplus)),
    }
}
