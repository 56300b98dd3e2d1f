//! Queries, clause by clause: common table expressions in order, branches of a UNION, and the parts of a SELECT.
//!
//! In: a query as parsed, and what is around it. Out: findings, and the columns that it gives as far as they are known. What
//! failed becomes a relation of unknown columns, so that nothing is told that only follows from it.

use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion::{
    logical_expr::Expr as Logical,
    sql::sqlparser::ast::{Cte, Distinct, Expr, GroupByExpr, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr},
};

use super::{
    Walk,
    expression::{Checked, Clause},
    grouping::Groups,
    limits::position,
    scope::{Around, Columns, Scope},
    tree::{calls, key, parts},
};
use crate::engine::statement::known_as;

impl Walk<'_> {
    /// Looks at a query.
    pub(super) fn query(&mut self, query: &Query, around: Around<'_>) -> Columns {
        let mut ctes = around.ctes.clone();
        if let Some(with) = &query.with {
            for (at, cte) in with.cte_tables.iter().enumerate() {
                let columns = self.cte(cte, with.recursive, Around { ctes: &ctes, outer: around.outer });
                let name = known_as(&cte.alias.name);
                let is_again = with.cte_tables[..at].iter().any(|other| known_as(&other.alias.name) == name);
                if is_again {
                    self.doubled_cte(cte);
                }
                ctes.insert(name, if is_again { Columns::unknown() } else { columns });
            }
        }
        let around = Around { ctes: &ctes, outer: around.outer };
        self.limits(query, around);
        match query.body.as_ref() {
            SetExpr::Select(select) => {
                let is_doubled = self.doubled_results(&select.projection);
                let columns = self.select(select, query.order_by.as_ref(), around);
                // Of two columns one has lost its own name.
                Columns { is_open: columns.is_open || is_doubled, ..columns }
            }
            body => {
                let columns = self.body(body, around);
                let mut scope = Scope::empty(Around { ctes: &ctes, outer: None });
                scope.relations.push(self.unnamed(columns.clone()));
                for expr in ordered(query.order_by.as_ref()) {
                    match position(expr) {
                        Some(_) => self.position(expr, &columns),
                        None => drop(self.expression(expr, &scope, Clause::ORDER_BY)),
                    }
                }
                columns
            }
        }
    }

    /// Looks at a query inside an expression, which may name columns of the query around it.
    pub(super) fn subquery(&mut self, query: &Query, scope: &Scope<'_>) -> Columns {
        self.query(query, Around { ctes: scope.around.ctes, outer: Some(scope) })
    }

    fn cte(&mut self, cte: &Cte, is_recursive: bool, around: Around<'_>) -> Columns {
        let name = known_as(&cte.alias.name);
        let mut columns = match cte.query.body.as_ref() {
            SetExpr::SetOperation { left, .. } if is_recursive => {
                // What it reads of itself has the columns of the part that does not.
                let (before, slips) = (self.findings.len(), self.slips.len());
                let mut ctes = around.ctes.clone();
                ctes.insert(name.clone(), Columns::unknown());
                let first = self.body(left, Around { ctes: &ctes, ..around });
                self.findings.truncate(before);
                self.slips.truncate(slips);
                ctes.insert(name, renamed(first, cte));
                self.query(&cte.query, Around { ctes: &ctes, ..around })
            }
            _ => self.query(&cte.query, around),
        };
        self.named_columns(&cte.alias.columns, &mut columns);
        renamed(columns, cte)
    }

    /// Tells of a common table expression that has the name of an earlier one.
    fn doubled_cte(&mut self, cte: &Cte) {
        let range = self.source.range(cte.alias.name.span);
        let message = format!("two common table expressions are called `{}`", cte.alias.name.value);
        self.findings.push(self.source.error(range, message).hint("give one of them another name"));
        self.has_doubled_ctes = true;
    }

    pub(super) fn body(&mut self, body: &SetExpr, around: Around<'_>) -> Columns {
        match body {
            SetExpr::Select(select) => self.select(select, None, around),
            SetExpr::Query(query) => self.query(query, around),
            SetExpr::SetOperation { .. } => self.branches(body, around),
            SetExpr::Values(values) => {
                let rows: Vec<&Vec<Expr>> = values.rows.iter().map(|row| &row.content).collect();
                self.values(&rows, around)
            }
            _ => Columns::unknown(),
        }
    }

    /// Looks at every clause of a SELECT over its FROM.
    fn select(&mut self, select: &Select, order_by: Option<&OrderBy>, around: Around<'_>) -> Columns {
        self.unsupported(select);
        let mut scope = self.from(&select.from, around);
        scope.windows = &select.named_window;
        let mut columns = Columns::default();
        let mut items: Vec<Checked> = Vec::new();
        for item in &select.projection {
            items.extend(self.item(item, &scope, &mut columns));
        }
        scope.aliases.clone_from(&columns.list);
        if let Some(condition) = &select.selection {
            self.condition(condition, &scope, Clause::WHERE);
        }
        let groups = self.groups(select, &items, &columns, &scope);
        let mut later: Vec<Checked> = Vec::new();
        later.extend(select.having.as_ref().map(|having| self.condition(having, &scope, Clause::HAVING)));
        later.extend(select.qualify.as_ref().map(|qualify| self.condition(qualify, &scope, Clause::QUALIFY)));
        let distinct: &[Expr] = match &select.distinct {
            Some(Distinct::On(list)) => list,
            _ => &[],
        };
        later.extend(distinct.iter().map(|expr| self.expression(expr, &scope, Clause::ORDER_BY)));
        let first_order = later.len();
        for expr in ordered(order_by) {
            match position(expr) {
                Some(_) => self.position(expr, &columns),
                None => later.push(self.expression(expr, &scope, Clause::ORDER_BY)),
            }
        }
        self.other_order(&later[first_order - distinct.len()..first_order], &later[first_order..]);
        let all: Vec<&Checked> = items.iter().chain(&later).collect();
        if groups.as_ref().is_some_and(|groups| groups.end.is_none()) && self.having_for_where(select, &all) {
            return columns;
        }
        if let Some(groups) = groups.filter(|groups| groups.end.is_some() || self.is_aggregated(select, &all)) {
            self.check_groups(&groups, &all);
        }
        columns
    }

    /// Tells of an ORDER BY that begins with something else than DISTINCT ON names.
    fn other_order(&mut self, distinct: &[Checked], ordered: &[Checked]) {
        let is_other = |(one, other): &(&Checked, &Checked)| {
            one.planned.as_ref().zip(other.planned.as_ref()).is_some_and(|(one, other)| one.0 != other.0)
        };
        let Some((one, other)) = distinct.iter().zip(ordered).find(is_other) else { return };
        let named = self.source.slice(&self.source.exact(&one.sql)).to_owned();
        let range = self.source.exact(&other.sql);
        let finding = self.source.error(range.clone(), "ORDER BY begins with something else than DISTINCT ON");
        let place = self.source.place(range.start..range.start);
        self.findings.push(finding.hint(format!("put `{named}` first")).fix(place, format!("{named}, ")));
    }

    fn is_aggregated(&self, select: &Select, expressions: &[&Checked]) -> bool {
        select.having.is_some() || self.aggregates(expressions)
    }

    fn aggregates(&self, expressions: &[&Checked]) -> bool {
        let is_aggregate = |checked: &&Checked| {
            calls(&checked.sql).iter().any(|call| {
                call.over.is_none() && parts(&call.name).pop().is_some_and(|name| self.state_knows_aggregate(&name))
            })
        };
        expressions.iter().any(is_aggregate)
    }

    /// Tells of a HAVING where nothing is grouped, which is a WHERE.
    fn having_for_where(&mut self, select: &Select, expressions: &[&Checked]) -> bool {
        let Some(having) = select.having.as_ref().filter(|_| !self.aggregates(expressions)) else { return false };
        let start = self.source.exact(having).start;
        let before = self.source.behind(start).checked_sub(1).and_then(|at| self.source.tokens().get(at));
        let range = before.map(|(_, range)| range.clone());
        let is_keyword = |range: &Range<usize>| self.source.slice(range).eq_ignore_ascii_case("having");
        let Some(range) = range.filter(is_keyword) else { return false };
        let word = if select.selection.is_some() { "AND" } else { "WHERE" };
        let finding = self.source.error(range.clone(), "HAVING is a condition on groups, and nothing is grouped here");
        self.findings.push(finding.hint(format!("write `{word}`")).fix(self.source.place(range), word));
        true
    }

    /// Looks at what a SELECT groups by; None where every rule is the engine's (`GROUP BY ALL`) or something is wrong.
    fn groups(&mut self, select: &Select, items: &[Checked], columns: &Columns, scope: &Scope<'_>) -> Option<Groups> {
        let GroupByExpr::Expressions(written, _) = &select.group_by else { return None };
        let has_wildcard = items.len() != select.projection.len();
        let mut planned: Vec<Logical> = Vec::new();
        let mut is_known = true;
        for expr in written.iter().flat_map(sets) {
            let found = match position(expr) {
                Some(_) if has_wildcard => None,
                Some(at) => {
                    self.position(expr, columns);
                    let item = items.get(at.wrapping_sub(1)).filter(|item| !self.grouped_aggregate(expr, item, items));
                    item.and_then(|item| item.planned.clone())
                }
                None => self.group(expr, select, items, scope),
            };
            is_known &= found.is_some();
            planned.extend(found.map(|(plan, _)| plan));
        }
        let end = written.last().map(|last| self.source.exact(last).end);
        let is_plain =
            written.iter().all(|expr| !matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_)));
        let room = select
            .selection
            .as_ref()
            .map(|condition| self.source.exact(condition).end)
            .or_else(|| self.end_of_from(&select.from));
        is_known.then_some(Groups { planned, end: end.filter(|_| is_plain || !written.is_empty()), room })
    }

    /// Tells of a position in a GROUP BY that means an aggregate.
    fn grouped_aggregate(&mut self, expr: &Expr, item: &Checked, items: &[Checked]) -> bool {
        if !self.aggregates(&[item]) {
            return false;
        }
        let plain = (1..).zip(items).filter(|(_, item)| !self.aggregates(&[item]));
        let plain: Vec<String> = plain.map(|(at, _)| at.to_string()).collect();
        let aggregate = self.source.slice(&self.source.exact(&item.sql)).to_owned();
        let message = format!("`{expr}` means `{aggregate}`, which is an aggregate, and none is grouped by");
        let finding = self.source.error(self.source.exact(expr), message);
        self.findings.push(match plain.is_empty() {
            true => finding.hint("leave the GROUP BY out"),
            false => finding.hint(format!("did you mean `{}`?", plain.join(", "))),
        });
        true
    }

    /// Returns what one item of a GROUP BY is: an expression over the tables, or what the SELECT calls so.
    fn group(
        &mut self,
        expr: &Expr,
        select: &Select,
        items: &[Checked],
        scope: &Scope<'_>,
    ) -> Option<(Logical, DataType)> {
        let checked = self.expression(expr, scope, Clause::GROUP_BY);
        let alias = key(&checked.sql).and_then(|key| key.strip_prefix("alias "));
        let Some(alias) = alias else { return checked.planned };
        let named = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { alias: name, .. } if known_as(name) == alias);
        let at = select.projection.iter().position(|item| named(&item))?;
        items.get(at).filter(|_| items.len() == select.projection.len()).and_then(|item| item.planned.clone())
    }
}

/// Gives the columns of a common table expression the names that stand behind its own.
fn renamed(mut columns: Columns, cte: &Cte) -> Columns {
    for (column, name) in columns.list.iter_mut().zip(&cte.alias.columns) {
        column.name = Some(known_as(&name.name));
        column.given = None;
    }
    columns
}

fn ordered(order_by: Option<&OrderBy>) -> impl Iterator<Item = &Expr> {
    let list = match order_by.map(|order_by| &order_by.kind) {
        Some(OrderByKind::Expressions(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().map(|item| &item.expr)
}

/// Returns the items of a GROUP BY item: of `ROLLUP`, `CUBE` and `GROUPING SETS` those in their lists.
fn sets(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Rollup(lists) | Expr::Cube(lists) | Expr::GroupingSets(lists) => lists.iter().flatten().collect(),
        Expr::Tuple(list) => list.iter().collect(),
        other => vec![other],
    }
}
