//! Builds the outline in one walk: every query after the queries that it names.

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, OrderByKind, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, Spanned, TableAlias, TableFactor,
    TableWithJoins, WildcardAdditionalOptions,
};

use super::{
    super::{tables::Tables, walk},
    Branch, Clause, ColumnId, CtePart, Item, Join, Joined, Origin, Outline, Output, QueryPart, Relation, Role,
    SelectPart,
};
use crate::{engine::statement::known_as, record::TableName};

/// Lays out a query.
pub(super) fn outline<'a>(query: &'a Query, tables: &Tables) -> Outline<'a> {
    let mut builder = Builder { outline: Outline::default(), tables, visible: Vec::new() };
    builder.query(query, Role::Table, None);
    builder.outline
}

struct Builder<'a, 't> {
    outline: Outline<'a>,
    tables: &'t Tables,
    /// Common table expressions that can be named here, the nearest last; None for one that is being defined.
    visible: Vec<(String, Option<usize>)>,
}

impl<'a> Builder<'a, '_> {
    fn query(&mut self, query: &'a Query, role: Role, outer: Option<usize>) -> usize {
        let id = self.outline.queries.len();
        let part = QueryPart { query, role, branches: Vec::new(), joined: None, outputs: None };
        self.outline.queries.push(part);
        let visible = self.visible.len();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = known_as(&cte.alias.name);
            if query.with.as_ref().is_some_and(|with| with.recursive) {
                self.visible.push((name.clone(), None));
            }
            let inner = self.query(&cte.query, Role::Relation, outer);
            self.outline.ctes.push(CtePart { cte, name: name.clone(), query: inner, uses: 0 });
            self.visible.push((name, Some(self.outline.ctes.len() - 1)));
        }
        self.body(&query.body, id, outer);
        self.outline.queries[id].outputs = self.outputs(id);
        self.visible.truncate(visible);
        id
    }

    fn body(&mut self, body: &'a SetExpr, query: usize, outer: Option<usize>) {
        let branch = match body {
            SetExpr::Select(select) => Branch::Select(self.select(select, query, outer)),
            SetExpr::Query(inner) => {
                let role = self.outline.queries[query].role;
                Branch::Query(self.query(inner, role, outer))
            }
            SetExpr::Values(_) => Branch::Values,
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let is_all = *op == SetOperator::Union
                    && matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
                let is_outermost = self.outline.queries[query].joined.is_none();
                if is_outermost {
                    self.outline.queries[query].joined = Some(if is_all { Joined::All } else { Joined::Distinct });
                }
                self.body(left, query, outer);
                return self.body(right, query, outer);
            }
            _ => Branch::Unknown,
        };
        self.outline.queries[query].branches.push(branch);
    }

    fn select(&mut self, select: &'a Select, query: usize, outer: Option<usize>) -> usize {
        let id = self.outline.selects.len();
        let part = SelectPart { select, relations: Vec::new(), outer, roots: Vec::new() };
        self.outline.selects.push(part);
        for (index, from) in select.from.iter().enumerate() {
            self.from(from, if index == 0 { Join::First } else { Join::Cross }, id);
        }
        let mut roots: Vec<(Clause, &'a Expr)> =
            select.projection.iter().filter_map(projected).map(|expr| (Clause::Projection, expr)).collect();
        roots.extend(select.selection.iter().map(|expr| (Clause::Where, expr)));
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            roots.extend(exprs.iter().map(|expr| (Clause::GroupBy, expr)));
        }
        roots.extend(select.having.iter().chain(&select.qualify).map(|expr| (Clause::Having, expr)));
        let whole = self.outline.queries[query].query;
        if let (SetExpr::Select(_), Some(order)) = (whole.body.as_ref(), &whole.order_by)
            && let OrderByKind::Expressions(exprs) = &order.kind
        {
            roots.extend(exprs.iter().map(|order| (Clause::OrderBy, &order.expr)));
        }
        self.outline.selects[id].roots.extend(roots);
        self.queries_in_expressions(id);
        id
    }

    fn queries_in_expressions(&mut self, select: usize) {
        let mut found = Vec::new();
        for (_, root) in &self.outline.selects[select].roots {
            walk::walk(root, &mut |expr| {
                let role = if matches!(expr, Expr::Exists { .. }) { Role::Exists } else { Role::Value };
                found.extend(walk::query(expr).map(|query| (query, role)));
            });
        }
        for (query, role) in found {
            self.query(query, role, Some(select));
        }
    }

    fn from(&mut self, from: &'a TableWithJoins, first: Join, select: usize) {
        let start = self.outline.selects[select].relations.len();
        self.factor(&from.relation, first, select);
        for join in &from.joins {
            let (kind, constraint) = kind(&join.join_operator);
            let before = start..self.outline.selects[select].relations.len();
            self.factor(&join.relation, kind, select);
            let part = &mut self.outline.selects[select];
            let after = before.end..part.relations.len();
            let nulled = match kind {
                Join::Left => after,
                Join::Right => before,
                Join::Full => start..after.end,
                _ => 0..0,
            };
            part.relations[nulled].iter_mut().for_each(|relation| relation.may_be_null = true);
            let Some(added) = part.relations.len().checked_sub(1) else { continue };
            match constraint {
                Some(JoinConstraint::On(condition)) => part.roots.push((Clause::On(added), condition)),
                Some(JoinConstraint::Using(columns)) => {
                    part.relations[added].using = columns.iter().filter_map(last_name).collect();
                }
                Some(JoinConstraint::Natural) => part.relations[added].join = Join::Natural,
                _ => {}
            }
        }
    }

    fn factor(&mut self, factor: &'a TableFactor, join: Join, select: usize) {
        let relation = match factor {
            TableFactor::Table { name: table, alias, args: None, .. } => self.table(table, alias.as_ref(), factor),
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                // Columns of its neighbours can be named where LATERAL says so; those around are known to both.
                let outer = if *lateral { Some(select) } else { self.outline.selects[select].outer };
                let query = self.query(subquery, Role::Relation, outer);
                Relation { is_lateral: *lateral, ..relation(alias.as_ref(), Origin::Query(query), factor) }
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.from(table_with_joins, join, select);
            }
            TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => {
                Relation { is_lateral: true, ..relation(alias.as_ref(), Origin::Unknown, factor) }
            }
            _ => relation(None, Origin::Unknown, factor),
        };
        self.outline.selects[select].relations.push(Relation { join, ..relation });
    }

    fn table(&mut self, table: &ObjectName, alias: Option<&TableAlias>, factor: &TableFactor) -> Relation {
        let parts: Vec<String> = table.0.iter().filter_map(part_name).collect();
        let named = |origin| Relation {
            alias: alias.map_or_else(|| parts.last().cloned().unwrap_or_default(), |alias| known_as(&alias.name)),
            ..relation(alias, origin, factor)
        };
        let [schema, table] = parts.as_slice() else {
            let known = self.visible.iter().rev().find(|(known, _)| Some(known) == parts.last());
            let Some(index) = known.and_then(|(_, index)| *index) else { return named(Origin::Unknown) };
            let part = &mut self.outline.ctes[index];
            part.uses += 1;
            let columns: Vec<String> = part.cte.alias.columns.iter().map(|column| known_as(&column.name)).collect();
            let relation = named(Origin::Query(part.query));
            return if relation.columns.is_empty() { Relation { columns, ..relation } } else { relation };
        };
        named(Origin::Table(TableName::new(schema, table)))
    }

    fn outputs(&self, query: usize) -> Option<Vec<Output<'a>>> {
        let mut branches = self.outline.queries[query].branches.iter();
        let mut outputs = self.branch(*branches.next()?)?;
        for branch in branches {
            let further = self.branch(*branch)?;
            for (output, more) in outputs.iter_mut().zip(further) {
                output.items.extend(more.items);
            }
        }
        Some(outputs)
    }

    fn branch(&self, branch: Branch) -> Option<Vec<Output<'a>>> {
        match branch {
            Branch::Select(select) => {
                let part = &self.outline.selects[select];
                let items = part.select.projection.iter().map(|item| self.projection(select, item));
                Some(items.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
            }
            Branch::Query(query) => {
                let outputs = self.outline.queries[query].outputs.as_ref()?.iter().enumerate();
                let by_place = |(index, output): (usize, &Output<'a>)| Output {
                    name: output.name.clone(),
                    items: vec![Item::Output(query, index)],
                };
                Some(outputs.map(by_place).collect())
            }
            Branch::Values | Branch::Unknown => None,
        }
    }

    fn projection(&self, select: usize, item: &'a SelectItem) -> Option<Vec<Output<'a>>> {
        let output = |name, expr| Some(vec![Output { name, items: vec![Item::Expr(select, expr)] }]);
        match item {
            SelectItem::UnnamedExpr(expr) => output(own_name(expr), expr),
            SelectItem::ExprWithAlias { expr, alias } => output(Some(known_as(alias)), expr),
            SelectItem::Wildcard(options) => self.star(select, None, options),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                self.star(select, Some(&last_name(name)?), options)
            }
            _ => None,
        }
    }

    /// Returns the columns behind a `*`.
    fn star(&self, select: usize, of: Option<&str>, options: &WildcardAdditionalOptions) -> Option<Vec<Output<'a>>> {
        if *options != WildcardAdditionalOptions::default() {
            return None;
        }
        let mut outputs = Vec::new();
        for (index, relation) in self.outline.selects[select].relations.iter().enumerate() {
            let is_meant = of.map_or(relation.join != Join::Filter, |alias| alias == relation.alias);
            if !is_meant {
                continue;
            }
            for column in self.outline.column_names(relation, self.tables)? {
                if of.is_none() && relation.using.contains(&column) {
                    continue;
                }
                let id = ColumnId { select, relation: index, name: column.clone() };
                outputs.push(Output { name: Some(column), items: vec![Item::Column(id)] });
            }
        }
        Some(outputs)
    }
}

fn relation(alias: Option<&TableAlias>, source: Origin, factor: &TableFactor) -> Relation {
    Relation {
        alias: alias.map(|alias| known_as(&alias.name)).unwrap_or_default(),
        source,
        columns: alias.iter().flat_map(|alias| &alias.columns).map(|column| known_as(&column.name)).collect(),
        span: factor.span(),
        join: Join::First,
        using: Vec::new(),
        may_be_null: false,
        is_lateral: false,
    }
}

fn kind(operator: &JoinOperator) -> (Join, Option<&JoinConstraint>) {
    match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) | JoinOperator::StraightJoin(constraint) => {
            (Join::Inner, Some(constraint))
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (Join::Left, Some(constraint)),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (Join::Right, Some(constraint)),
        JoinOperator::FullOuter(constraint) => (Join::Full, Some(constraint)),
        JoinOperator::CrossJoin(constraint) => (Join::Cross, Some(constraint)),
        JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint) => (Join::Filter, Some(constraint)),
        _ => (Join::Natural, None),
    }
}

fn projected(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// Returns the name that a column without an alias keeps.
fn own_name(expr: &Expr) -> Option<String> {
    match walk::bare(expr) {
        Expr::Identifier(ident) => Some(known_as(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(known_as),
        _ => None,
    }
}

fn last_name(object: &ObjectName) -> Option<String> {
    object.0.last().and_then(part_name)
}

fn part_name(part: &ObjectNamePart) -> Option<String> {
    match part {
        ObjectNamePart::Identifier(ident) => Some(known_as(ident)),
        ObjectNamePart::Function(_) => None,
    }
}
