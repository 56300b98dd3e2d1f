//! Queries, clause by clause: common table expressions in order, branches of a UNION, and the parts of a SELECT.
//!
//! In: a query as parsed, and what is around it. Out: findings, and the columns that it gives as far as they are known. What
//! failed becomes a relation of unknown columns, so that nothing is told that only follows from it.

use std::ops::Range;

use datafusion::{
    logical_expr::Expr as Logical,
    sql::sqlparser::ast::{
        Cte, Distinct, Expr, GroupByExpr, LimitClause, OrderBy, OrderByKind, Query, Select, SelectItem,
        SelectItemQualifiedWildcardKind, SetExpr, Spanned, Value, WildcardAdditionalOptions,
    },
};

use super::{
    Walk, coercion,
    expression::{Checked, Clause},
    grouping::Groups,
    scope::{Around, Column, Columns, Scope},
    source::join,
    tree::{calls, folded, parts},
    types::spelled,
};

impl Walk<'_> {
    /// Looks at a query.
    pub(super) fn query(&mut self, query: &Query, around: Around<'_>) -> Columns {
        let mut ctes = around.ctes.clone();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                let columns = self.cte(cte, with.recursive, Around { ctes: &ctes, outer: around.outer });
                ctes.insert(folded(&cte.alias.name), columns);
            }
        }
        let around = Around { ctes: &ctes, outer: around.outer };
        self.limits(query, around);
        match query.body.as_ref() {
            SetExpr::Select(select) => {
                self.doubled_results(&select.projection);
                self.select(select, query.order_by.as_ref(), around)
            }
            body => {
                let columns = self.body(body, around);
                let mut scope = Scope::empty(Around { ctes: &ctes, outer: None });
                scope.relations.push(super::scope::Relation { name: None, columns: columns.clone() });
                for expr in ordered(query.order_by.as_ref()).filter(|expr| !is_position(expr)) {
                    self.expression(expr, &scope, Clause::ORDER_BY);
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
        let name = folded(&cte.alias.name);
        let columns = match cte.query.body.as_ref() {
            SetExpr::SetOperation { left, .. } if is_recursive => {
                // What it reads of itself has the columns of the part that does not.
                let before = self.findings.len();
                let mut ctes = around.ctes.clone();
                ctes.insert(name.clone(), Columns::unknown());
                let first = self.body(left, Around { ctes: &ctes, ..around });
                self.findings.truncate(before);
                ctes.insert(name, renamed(first, cte));
                self.query(&cte.query, Around { ctes: &ctes, ..around })
            }
            _ => self.query(&cte.query, around),
        };
        renamed(columns, cte)
    }

    fn body(&mut self, body: &SetExpr, around: Around<'_>) -> Columns {
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

    fn values(&mut self, rows: &[&Vec<Expr>], around: Around<'_>) -> Columns {
        let scope = Scope::empty(around);
        let typed: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| self.expression(cell, &scope, Clause::SELECT).data_type()).collect())
            .collect();
        let width = typed.first().map_or(0, Vec::len);
        let column = |at: usize| {
            let types: Option<Vec<_>> = typed.iter().map(|row| row.get(at).cloned().flatten()).collect();
            let data_type = types.and_then(|types| coercion::united(&types));
            Column { name: Some(format!("column{}", at + 1)), data_type }
        };
        Columns { list: (0..width).map(column).collect(), is_open: false }
    }

    /// Looks at the branches of a UNION, EXCEPT or INTERSECT: each alone, then column by column.
    fn branches(&mut self, body: &SetExpr, around: Around<'_>) -> Columns {
        let mut leaves = Vec::new();
        flatten(body, &mut leaves);
        if let Some(SetExpr::Select(first)) = leaves.first() {
            self.doubled_results(&first.projection);
        }
        let given: Vec<Columns> = leaves.iter().map(|leaf| self.body(leaf, around)).collect();
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
            let types: Option<Vec<_>> = given.iter().map(|columns| columns.list[at].data_type.clone()).collect();
            united.list[at].data_type = types.as_ref().and_then(coercion::united);
            if let Some((odd, expected)) = types.as_ref().and_then(|types| coercion::odd_one(types)) {
                self.odd_branch(leaves[odd], at, &types.unwrap_or_default()[odd], &expected);
            }
        }
        united
    }

    fn odd_branch(
        &mut self,
        branch: &SetExpr,
        at: usize,
        given: &arrow::datatypes::DataType,
        expected: &arrow::datatypes::DataType,
    ) {
        let expr = item(branch, at);
        let range = expr.map_or_else(|| self.list_range(branch), |expr| self.source.exact(expr));
        let message = format!("column {} of this branch is {}, that of another is {}", at + 1, spelled(given), spelled(expected));
        let finding = self.source.error(range.clone(), message);
        let to = if coercion::is_castable(given, expected) { spelled(expected) } else { "VARCHAR".to_owned() };
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

    fn limits(&mut self, query: &Query, around: Around<'_>) {
        let scope = Scope::empty(around);
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            for expr in limit.iter().chain(offset.iter().map(|offset| &offset.value)) {
                self.expression(expr, &scope, Clause { name: "LIMIT", ..Clause::WHERE });
            }
        }
    }

    /// Looks at every clause of a SELECT over its FROM.
    fn select(&mut self, select: &Select, order_by: Option<&OrderBy>, around: Around<'_>) -> Columns {
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
        let groups = self.groups(select, &items, &scope);
        let mut later: Vec<Checked> = Vec::new();
        later.extend(select.having.as_ref().map(|having| self.condition(having, &scope, Clause::HAVING)));
        later.extend(select.qualify.as_ref().map(|qualify| self.condition(qualify, &scope, Clause::QUALIFY)));
        if let Some(Distinct::On(list)) = &select.distinct {
            later.extend(list.iter().map(|expr| self.expression(expr, &scope, Clause::ORDER_BY)));
        }
        for expr in ordered(order_by).filter(|expr| !is_position(expr)) {
            later.push(self.expression(expr, &scope, Clause::ORDER_BY));
        }
        let all: Vec<&Checked> = items.iter().chain(&later).collect();
        if let Some(groups) = groups.filter(|groups| groups.end.is_some() || self.is_aggregated(select, &all)) {
            self.check_groups(&groups, &all);
        }
        columns
    }

    /// Tells of two results of a SELECT that are called the same.
    fn doubled_results(&mut self, projection: &[SelectItem]) {
        let mut seen: Vec<String> = Vec::new();
        for item in projection {
            let (name, range) = match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    (Some(folded(alias)), self.source.exact(expr).start..self.source.range(alias.span).end)
                }
                SelectItem::UnnamedExpr(expr) => (own_name(expr), self.source.exact(expr)),
                _ => continue,
            };
            let Some(name) = name else { continue };
            if seen.contains(&name) {
                let finding = self.source.error(range, format!("two columns of the result are named `{name}`"));
                self.findings.push(finding.hint("give one of them another alias"));
            }
            seen.push(name);
        }
    }

    fn is_aggregated(&self, select: &Select, expressions: &[&Checked]) -> bool {
        let is_aggregate = |checked: &&Checked| {
            calls(&checked.sql).iter().any(|call| {
                call.over.is_none() && parts(&call.name).pop().is_some_and(|name| self.state_knows_aggregate(&name))
            })
        };
        select.having.is_some() || expressions.iter().any(is_aggregate)
    }

    /// Looks at one result of a SELECT; a wildcard is many.
    fn item(&mut self, item: &SelectItem, scope: &Scope<'_>, columns: &mut Columns) -> Option<Checked> {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, own_name(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(folded(alias))),
            SelectItem::ExprWithAliases { .. } => {
                columns.is_open = true;
                return None;
            }
            SelectItem::Wildcard(options) => {
                expand(scope, None, options, columns);
                return None;
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                self.qualified_wildcard(kind, scope, options, columns);
                return None;
            }
        };
        let before = self.findings.len();
        let checked = self.expression(expr, scope, Clause::SELECT);
        // A misspelt name names nothing: what reads the column by its right name is not told that it is missing.
        let is_misspelt = self.findings.len() > before && matches!(item, SelectItem::UnnamedExpr(_));
        let name = name.filter(|_| !is_misspelt);
        columns.list.push(Column { name, data_type: checked.data_type() });
        Some(checked)
    }

    fn qualified_wildcard(
        &mut self,
        kind: &SelectItemQualifiedWildcardKind,
        scope: &Scope<'_>,
        options: &WildcardAdditionalOptions,
        columns: &mut Columns,
    ) {
        let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
            columns.is_open = true;
            return;
        };
        let written = parts(name).join(".");
        let matches = |at: &usize| {
            scope.called(*at).is_some_and(|called| called == written || called.rsplit('.').next() == Some(&written))
        };
        let Some(at) = (0..scope.relations.len()).find(matches) else {
            columns.is_open = true;
            let tables = scope.tables();
            let range = self.source.name(name);
            let finding = self.source.error(range.clone(), format!("no table of this SELECT is called `{written}`"));
            let near = crate::record::diagnostic::nearest(&written, tables.iter().map(String::as_str));
            self.findings.push(match near {
                Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
                None => finding.hint(format!("it reads {}", super::names::listed(&tables))),
            });
            return;
        };
        expand(scope, Some(at), options, columns);
    }

    /// Looks at what a SELECT groups by; None where every rule is the engine's (`GROUP BY ALL`) or something is wrong.
    fn groups(&mut self, select: &Select, items: &[Checked], scope: &Scope<'_>) -> Option<Groups> {
        let GroupByExpr::Expressions(written, _) = &select.group_by else { return None };
        let has_wildcard = items.len() != select.projection.len();
        let mut planned: Vec<Logical> = Vec::new();
        let mut is_known = true;
        for expr in written.iter().flat_map(sets) {
            let found = match position(expr) {
                Some(_) if has_wildcard => None,
                Some(at) => items.get(at.wrapping_sub(1)).and_then(|item| item.planned.clone()),
                None => self.group(expr, select, items, scope),
            };
            is_known &= found.is_some();
            planned.extend(found.map(|(plan, _)| plan));
        }
        let end = written.last().map(|last| self.source.exact(last).end);
        let is_plain = written.iter().all(|expr| !matches!(expr, Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_)));
        let room = select.selection.as_ref().map(|condition| self.source.exact(condition).end).or_else(|| self.from_end(&select.from));
        is_known.then_some(Groups { planned, end: end.filter(|_| is_plain || !written.is_empty()), room })
    }

    /// Returns what one item of a GROUP BY is: an expression over the tables, or what the SELECT calls so.
    fn group(
        &mut self,
        expr: &Expr,
        select: &Select,
        items: &[Checked],
        scope: &Scope<'_>,
    ) -> Option<(Logical, arrow::datatypes::DataType)> {
        let checked = self.expression(expr, scope, Clause::GROUP_BY);
        let alias = super::tree::key(&checked.sql).and_then(|key| key.strip_prefix("alias "));
        let Some(alias) = alias else { return checked.planned };
        let named = |item: &&SelectItem| matches!(item, SelectItem::ExprWithAlias { alias: name, .. } if folded(name) == alias);
        let at = select.projection.iter().position(|item| named(&item))?;
        items.get(at).filter(|_| items.len() == select.projection.len()).and_then(|item| item.planned.clone())
    }
}

/// Gives the columns of a common table expression the names that stand behind its own.
fn renamed(mut columns: Columns, cte: &Cte) -> Columns {
    for (column, name) in columns.list.iter_mut().zip(&cte.alias.columns) {
        column.name = Some(folded(&name.name));
    }
    columns
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
        (missing, []) => format!("the first one has {} too", super::names::listed(missing)),
        (_, surplus) => format!("the first one has no {}", super::names::listed(surplus)),
    }
}

/// Returns the name of a result without an alias.
fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        Expr::Nested(inner) => own_name(inner),
        _ => None,
    }
}

/// Adds the columns of one relation or of all, without those that are excluded.
fn expand(scope: &Scope<'_>, only: Option<usize>, options: &WildcardAdditionalOptions, columns: &mut Columns) {
    if options.opt_rename.is_some() || options.opt_ilike.is_some() || options.opt_replace.is_some() {
        columns.is_open = true;
        return;
    }
    let excluded = excluded(options);
    for (at, relation) in scope.relations.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at)) {
        columns.is_open |= relation.columns.is_open;
        for column in &relation.columns.list {
            let name = column.name.as_deref().unwrap_or_default();
            let is_again = only.is_none() && scope.merged.contains(name) && scope.holders(name).first() != Some(&at);
            if !is_again && !excluded.iter().any(|out| out == name) {
                columns.list.push(column.clone());
            }
        }
    }
}

fn excluded(options: &WildcardAdditionalOptions) -> Vec<String> {
    use datafusion::sql::sqlparser::ast::ExcludeSelectItem;
    let mut names: Vec<String> = Vec::new();
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.extend(parts(name).pop()),
        Some(ExcludeSelectItem::Multiple(several)) => names.extend(several.iter().filter_map(|name| parts(name).pop())),
        None => {}
    }
    if let Some(except) = &options.opt_except {
        names.extend([&except.first_element].into_iter().chain(&except.additional_elements).map(folded));
    }
    names
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

/// Returns the number that an item of GROUP BY or ORDER BY is, if it means a result by its position.
fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn is_position(expr: &Expr) -> bool {
    position(expr).is_some()
}
