//! Which columns decide a whole row: the closure over functional dependencies.
//!
//! ```text
//!  columns given, or fixed by the WHERE ─► columns that equal them ─► relations whose key is among them ─► their columns …
//! ```
//!
//! In: the outline and the keys that contracts and headers declare. Out: whether some expressions order the rows of a SELECT
//! totally, or None where a relation's key is not known. (The closure is Armstrong's, as in any book on relational design.)

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use datafusion::sql::sqlparser::ast::{BinaryOperator, Distinct, Expr, LimitClause, Query, Value};

use super::{
    outline::{Branch, Clause, ColumnId, Item, Join, Joined, Origin, Outline},
    tables::Tables,
    walk,
};

/// Answers for one statement.
pub(super) struct Keys<'a, 'o> {
    outline: &'o Outline<'a>,
    tables: &'o Tables,
    known: RefCell<HashMap<usize, Option<Vec<String>>>>,
}

/// What a SELECT's conditions say of its columns.
#[derive(Default)]
struct Conditions {
    /// Columns that have one value.
    fixed: BTreeSet<ColumnId>,
    /// The first decides the second.
    equal: Vec<(ColumnId, ColumnId)>,
}

impl<'a, 'o> Keys<'a, 'o> {
    pub(super) fn new(outline: &'o Outline<'a>, tables: &'o Tables) -> Self {
        Self { outline, tables, known: RefCell::default() }
    }

    /// Returns whether a query gives one row at most.
    pub(super) fn is_one_row(&self, query: usize) -> bool {
        self.of_query(query).is_some_and(|key| key.is_empty())
    }

    /// Returns whether a relation has one row at most.
    pub(super) fn is_one_row_relation(&self, select: usize, relation: usize) -> bool {
        match self.outline.selects[select].relations[relation].source {
            Origin::Query(query) => self.is_one_row(query),
            _ => false,
        }
    }

    /// Returns whether rows of a SELECT (of its groups, if it has any) that agree in these expressions are one row; None
    /// where that cannot be known.
    pub(super) fn decide_row(&self, select: usize, exprs: &[&Expr]) -> Option<bool> {
        let part = &self.outline.selects[select];
        let given = exprs.iter().filter_map(|expr| self.outline.column(select, expr, self.tables));
        let groups = part.groups()?;
        if groups.is_empty() && !self.has_aggregate(select) {
            let decided = self.closure(select, given.collect())?;
            return Some(decided.1);
        }
        let decided = self.closure(select, given.collect()).map(|decided| decided.0).unwrap_or_default();
        let is_decided = |group: &&Expr| {
            let group = part.spelled_out(group);
            let column = self.outline.column(select, group, self.tables);
            column.is_some_and(|column| decided.contains(&column))
                || walk::is_literal(group)
                || exprs.iter().any(|expr| walk::bare(part.spelled_out(expr)) == walk::bare(group))
        };
        Some(groups.iter().all(is_decided))
    }

    /// Returns the columns that name a row of a query, as few as were found; None where no key is known.
    fn of_query(&self, query: usize) -> Option<Vec<String>> {
        if let Some(known) = self.known.borrow().get(&query) {
            return known.clone();
        }
        let found = self.compute(query);
        self.known.borrow_mut().insert(query, found.clone());
        found
    }

    fn compute(&self, query: usize) -> Option<Vec<String>> {
        let part = &self.outline.queries[query];
        if is_limited_to_one(part.query) {
            return Some(Vec::new());
        }
        let all = || part.outputs.as_ref()?.iter().map(|output| output.name.clone()).collect::<Option<Vec<_>>>();
        match (part.joined, part.branches.as_slice()) {
            (None, [Branch::Select(select)]) => self.of_select(query, *select),
            (None, [Branch::Query(inner)]) => self.of_query(*inner),
            (Some(Joined::Distinct), _) => all(),
            _ => None,
        }
    }

    fn of_select(&self, query: usize, select: usize) -> Option<Vec<String>> {
        let part = &self.outline.selects[select];
        let outputs = self.outline.queries[query].outputs.as_ref()?;
        let groups = part.groups()?;
        if groups.is_empty() && (part.relations.is_empty() || self.has_aggregate(select)) {
            return Some(Vec::new());
        }
        if !groups.is_empty() {
            let groups = groups.iter().map(|group| part.spelled_out(group));
            let named = |group: &Expr| {
                let is_it = |item: &Item<'_>| {
                    let Item::Expr(_, expr) = item else { return false };
                    walk::bare(expr) == walk::bare(group) || self.is_same_column(select, expr, group)
                };
                outputs.iter().find(|output| output.items.iter().any(is_it)).and_then(|output| output.name.clone())
            };
            return groups.filter(|group| !walk::is_literal(group)).map(named).collect();
        }
        if matches!(part.select.distinct, Some(Distinct::Distinct)) {
            return outputs.iter().map(|output| output.name.clone()).collect();
        }
        self.passed_on(query, select)
    }

    /// Returns the fewest passed-on columns that decide a row of a SELECT without groups.
    fn passed_on(&self, query: usize, select: usize) -> Option<Vec<String>> {
        let outputs = self.outline.queries[query].outputs.as_ref()?;
        let column = |item: &Item<'_>| match item {
            Item::Expr(_, expr) => self.outline.column(select, expr, self.tables),
            Item::Column(column) => Some(column.clone()),
            Item::Output(..) => None,
        };
        let plain = outputs.iter().filter_map(|output| Some((output.name.clone()?, column(output.items.first()?)?)));
        let mut plain: Vec<(String, ColumnId)> = plain.collect();
        let is_key = |columns: &[(String, ColumnId)]| {
            let given = columns.iter().map(|(_, column)| column.clone()).collect();
            self.closure(select, given).is_some_and(|decided| decided.1)
        };
        if !is_key(&plain) {
            return None;
        }
        // Columns that no declared key holds are left out first, so that the declared one stays.
        plain.sort_by_key(|(_, column)| !self.is_in_key(column));
        for index in (0..plain.len()).rev() {
            let removed = plain.remove(index);
            if !is_key(&plain) {
                plain.insert(index, removed);
            }
        }
        Some(plain.into_iter().map(|(name, _)| name).collect())
    }

    fn is_in_key(&self, column: &ColumnId) -> bool {
        self.of_relation(column.select, column.relation).is_some_and(|key| key.contains(&column.name))
    }

    fn of_relation(&self, select: usize, relation: usize) -> Option<Vec<String>> {
        let relation = &self.outline.selects[select].relations[relation];
        match &relation.source {
            Origin::Table(table) => Some(&self.tables.get(table)?.key).filter(|key| !key.is_empty()).cloned(),
            Origin::Query(query) if relation.columns.is_empty() => self.of_query(*query),
            Origin::Query(_) | Origin::Unknown => None,
        }
    }

    /// Returns the columns that the given ones decide, and whether these decide the whole row; None where a relation has
    /// no known key.
    fn closure(&self, select: usize, given: BTreeSet<ColumnId>) -> Option<(BTreeSet<ColumnId>, bool)> {
        let visible = self.outline.selects[select].relations.iter().enumerate();
        let visible = visible.filter(|(_, relation)| relation.join != Join::Filter).map(|(index, _)| index);
        let mut open: Vec<(usize, Vec<String>)> =
            visible.map(|index| Some((index, self.of_relation(select, index)?))).collect::<Option<_>>()?;
        let conditions = self.conditions(select);
        let mut decided: BTreeSet<ColumnId> = given.into_iter().chain(conditions.fixed).collect();
        loop {
            let before = (decided.len(), open.len());
            for (from, to) in &conditions.equal {
                if decided.contains(from) {
                    decided.insert(to.clone());
                }
            }
            let has = |relation, name: &String| decided.contains(&ColumnId { select, relation, name: name.clone() });
            let (closed, rest) = open.into_iter().partition(|(index, key)| key.iter().all(|name| has(*index, name)));
            open = rest;
            for (relation, _) in closed {
                let names = self.outline.column_names(&self.outline.selects[select].relations[relation], self.tables);
                decided.extend(names.into_iter().flatten().map(|name| ColumnId { select, relation, name }));
            }
            if before == (decided.len(), open.len()) {
                return Some((decided, open.is_empty()));
            }
        }
    }

    fn conditions(&self, select: usize) -> Conditions {
        let mut conditions = Conditions::default();
        let part = &self.outline.selects[select];
        for (clause, root) in &part.roots {
            let joined = match clause {
                Clause::Where => None,
                Clause::On(relation) => Some(*relation),
                _ => continue,
            };
            for term in walk::conjuncts(root) {
                self.condition(select, joined, term, &mut conditions);
            }
        }
        for (index, relation) in part.relations.iter().enumerate() {
            for name in &relation.using {
                let column = |relation| ColumnId { select, relation, name: name.clone() };
                for earlier in 0..index {
                    conditions.equal.extend([(column(earlier), column(index)), (column(index), column(earlier))]);
                }
            }
        }
        conditions
    }

    fn condition(&self, select: usize, joined: Option<usize>, term: &Expr, conditions: &mut Conditions) {
        let relations = &self.outline.selects[select].relations;
        let kind = joined.map(|relation| relations[relation].join);
        let column = |expr| self.outline.column(select, expr, self.tables).filter(|column| column.select == select);
        // In the ON of an outer join a column of the side that stays whole is not bound.
        let binds = |column: &ColumnId| match (kind, joined) {
            (Some(Join::Left), Some(relation)) => column.relation == relation,
            (Some(Join::Right), Some(relation)) => column.relation != relation,
            (Some(Join::Full), _) => false,
            _ => true,
        };
        if let Some(column) = column(term).filter(binds) {
            conditions.fixed.insert(column);
        }
        let (left, right) = match term {
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } | Expr::IsNotDistinctFrom(left, right) => {
                (left, right)
            }
            Expr::IsNull(inner) => return conditions.fixed.extend(column(inner).filter(binds)),
            _ => return,
        };
        match (column(left), column(right)) {
            (Some(left), Some(right)) => {
                for (from, to) in [(&left, &right), (&right, &left)] {
                    if binds(to) {
                        conditions.equal.push((from.clone(), to.clone()));
                    }
                }
            }
            (Some(only), None) if self.is_fixed(select, right) => conditions.fixed.extend(Some(only).filter(binds)),
            (None, Some(only)) if self.is_fixed(select, left) => conditions.fixed.extend(Some(only).filter(binds)),
            _ => {}
        }
    }

    /// Returns whether an expression has one value for all rows of a SELECT.
    fn is_fixed(&self, select: usize, expr: &Expr) -> bool {
        let mut is_fixed = true;
        walk::walk(expr, &mut |inner| match inner {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                let column = self.outline.column(select, inner, self.tables);
                is_fixed &= column.is_some_and(|column| column.select != select);
            }
            other => is_fixed &= walk::query(other).is_none(),
        });
        is_fixed
    }

    fn is_same_column(&self, select: usize, one: &Expr, other: &Expr) -> bool {
        let column = self.outline.column(select, one, self.tables);
        column.is_some() && column == self.outline.column(select, other, self.tables)
    }

    /// Returns whether a SELECT has an aggregate outside of windows, and so, without GROUP BY, one row.
    fn has_aggregate(&self, select: usize) -> bool {
        let roots = self.outline.selects[select].roots.iter();
        let mut asked = roots.filter(|(clause, _)| matches!(clause, Clause::Projection | Clause::Having));
        asked.any(|(_, root)| holds_aggregate(root))
    }
}

/// Returns whether an expression holds an aggregate that is no window function.
pub(super) fn holds_aggregate(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) if function.over.is_none() && is_aggregate(&walk::function_name(function)) => true,
        other => walk::children(other).into_iter().any(holds_aggregate),
    }
}

/// Returns whether a name is that of an aggregate function.
fn is_aggregate(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let all = datafusion::functions_aggregate::all_default_aggregate_functions();
        all.iter()
            .flat_map(|function| [function.name().to_lowercase()].into_iter().chain(function.aliases().to_vec()))
            .collect()
    });
    NAMES.contains(name)
}

fn is_limited_to_one(query: &Query) -> bool {
    let is_one = |expr: &Expr| match walk::bare(expr) {
        Expr::Value(value) => matches!(&value.value, Value::Number(number, _) if number == "1" || number == "0"),
        _ => false,
    };
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), .. } | LimitClause::OffsetCommaLimit { limit, .. }) => {
            is_one(limit)
        }
        _ => false,
    }
}
