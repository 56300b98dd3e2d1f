//! The FROM of a SELECT: its tables, and the conditions by which they are joined.
//!
//! In: table references as parsed. Out: the relations that expressions can name, and findings about tables that nobody makes,
//! names that are given twice and join conditions.

use std::{collections::BTreeSet, ops::Range};

use datafusion::{
    common::TableReference,
    sql::sqlparser::ast::{
        Join, JoinConstraint, JoinOperator, ObjectName, Spanned, TableAlias, TableFactor, TableWithJoins,
    },
};

use super::{
    Walk, coercion,
    expression::Clause,
    names::{listed, quoted},
    nested,
    scope::{Around, Column, Columns, Relation, Scope},
    slips::{Given, Kind, Slip},
    tree::parts,
    types::spelled,
};
use crate::{
    engine::{clash, statement::known_as},
    record::{TableName, diagnostic::nearest},
};

/// Which side of a join can be named behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Both,
    Left,
    Right,
}

impl Walk<'_> {
    /// Looks at a FROM and returns what can be named over it.
    pub(super) fn from<'a>(&mut self, from: &[TableWithJoins], around: Around<'a>) -> Scope<'a> {
        let mut scope = Scope::empty(around);
        scope.is_doubled = self.doubled_table(from);
        for tables in from {
            self.joined_tables(tables, &mut scope);
        }
        scope
    }

    fn joined_tables(&mut self, tables: &TableWithJoins, scope: &mut Scope<'_>) {
        let first = scope.relations.len();
        self.table_factor(&tables.relation, scope, false);
        for join in &tables.joins {
            self.join(join, first, scope);
        }
    }

    fn join(&mut self, join: &Join, first: usize, scope: &mut Scope<'_>) {
        let left = first..scope.relations.len();
        let is_applied = matches!(join.join_operator, JoinOperator::CrossApply | JoinOperator::OuterApply);
        self.table_factor(&join.relation, scope, is_applied);
        let right = left.end..scope.relations.len();
        let (constraint, kept) = constraint(&join.join_operator);
        match join.join_operator {
            JoinOperator::AsOf { .. } => self.nearest_join(join),
            JoinOperator::CrossApply | JoinOperator::OuterApply => self.applied(join),
            _ => {}
        }
        match constraint {
            Some(JoinConstraint::None) if needs_condition(&join.join_operator) => {
                self.unconditional(join, scope, &left, &right);
            }
            Some(JoinConstraint::On(condition)) => {
                self.condition(condition, scope, Clause::ON);
            }
            Some(JoinConstraint::Using(names)) => {
                for name in names {
                    self.using(name, scope, [&left, &right]);
                }
            }
            Some(JoinConstraint::Natural) => {
                let names = |range: &Range<usize>| {
                    let relations = &scope.relations[range.clone()];
                    let columns = relations.iter().flat_map(|relation| &relation.columns.list);
                    columns.filter_map(|column| column.name.clone()).collect::<BTreeSet<String>>()
                };
                let both: Vec<String> = names(&left).intersection(&names(&right)).cloned().collect();
                scope.merged.extend(both);
            }
            _ => {}
        }
        match kept {
            Kept::Both => {}
            Kept::Left => scope.relations.truncate(right.start),
            Kept::Right => drop(scope.relations.drain(left)),
        }
    }

    /// Tells of an outer join that does not say which rows belong together.
    fn unconditional(&mut self, join: &Join, scope: &Scope<'_>, left: &Range<usize>, right: &Range<usize>) {
        let range = self.factor(&join.relation);
        let end = range.end;
        let finding = self.source.error(range, "this join does not say which rows belong together");
        let is_lateral = matches!(join.relation, TableFactor::Derived { lateral: true, .. });
        let shared = if is_lateral { vec!["true".to_owned()] } else { shared(scope, left, right) };
        self.findings.push(match shared.as_slice() {
            [] => finding.hint("write `ON` behind it, and what is equal in both"),
            [only] => {
                let text = format!("ON {only}");
                finding.hint(format!("write `{text}` behind it")).fix(self.source.place(end..end), format!(" {text}"))
            }
            several => {
                let hint = format!("write `ON` behind it, and what is equal in both, such as {}", listed(several));
                finding.hint(hint)
            }
        });
    }

    /// Returns where a table of a FROM stands, with its alias.
    fn factor(&self, factor: &TableFactor) -> Range<usize> {
        let (own, alias) = match factor {
            TableFactor::Table { name, alias, .. } => (self.source.closed(self.source.name(name)), alias),
            TableFactor::Derived { subquery, alias, .. } => {
                (self.source.in_parentheses(self.source.range(subquery.span())), alias)
            }
            other => return self.source.range(other.span()),
        };
        alias.as_ref().map_or_else(|| own.clone(), |alias| own.start..self.source.range(alias.name.span).end)
    }

    /// Looks at a column of USING, which both sides must have.
    fn using(&mut self, name: &ObjectName, scope: &mut Scope<'_>, sides: [&Range<usize>; 2]) {
        let Some(column) = parts(name).pop() else { return };
        for side in sides {
            let relations = &scope.relations[side.clone()];
            let names: Vec<&str> = relations
                .iter()
                .flat_map(|relation| &relation.columns.list)
                .filter_map(|column| column.name.as_deref())
                .collect();
            let is_open = relations.iter().any(|relation| relation.columns.is_open);
            if !is_open && !names.contains(&column.as_str()) {
                let tables: Vec<String> =
                    relations.iter().filter_map(|relation| relation.name.as_ref().map(ToString::to_string)).collect();
                let range = self.source.name(name);
                let finding = self.source.error(
                    range.clone(),
                    format!("USING needs `{column}` on both sides, and {} has none", listed(&tables)),
                );
                let near = nearest(&column, names);
                // It is what is meant: who reads it names it as one column too.
                let meant = near.map(str::to_owned);
                self.findings.push(match near {
                    Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
                    None => finding.hint("join with ON where the names differ"),
                });
                let among = relations.iter().map(|relation| relation.origin.clone()).collect();
                let nth = self.findings.len() - 1;
                self.slips.push(Slip { nth, kind: Kind::Column, name: column.clone(), among, meant: None });
                scope.merged.extend(meant);
                break;
            }
        }
        self.clashing_using(name, &column, scope, sides);
        scope.merged.insert(column);
    }

    /// Tells of a column of USING that has types on both sides which do not compare.
    fn clashing_using(&mut self, name: &ObjectName, column: &str, scope: &Scope<'_>, sides: [&Range<usize>; 2]) {
        let type_on = |side: &Range<usize>| {
            let mut columns = scope.relations[side.clone()].iter().flat_map(|relation| &relation.columns.list);
            columns.find(|known| known.name.as_deref() == Some(column))?.data_type.clone()
        };
        let (Some(left), Some(right)) = (type_on(sides[0]), type_on(sides[1])) else { return };
        if clash::clashes(&left, &right) {
            let (left, right) = (spelled(&left), spelled(&right));
            let message = format!("`{column}` is {left} on one side and {right} on the other");
            let finding = self.source.error(self.source.name(name), message);
            self.findings.push(finding.hint("join with ON and cast one of them"));
        }
    }

    fn table_factor(&mut self, factor: &TableFactor, scope: &mut Scope<'_>, is_applied: bool) {
        let relation = match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.table(name, alias.as_ref(), scope),
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let outer = if *lateral || is_applied { Some(&*scope) } else { scope.around.outer };
                let names = self.outer_names;
                let columns = self.query(subquery, Around { ctes: scope.around.ctes, outer });
                if *lateral && self.outer_names > names {
                    let range = self.query_range(subquery);
                    self.nest(nested::Kind::Lateral, subquery, range, false);
                }
                self.relation(None, columns, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.joined_tables(table_with_joins, scope);
            }
            TableFactor::Table { name, alias, .. } => {
                self.unknown_table_function(name);
                let own = parts(name).pop().map(TableReference::bare);
                self.relation(own, Columns::unknown(), alias.as_ref())
            }
            TableFactor::UNNEST { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => self.relation(None, Columns::unknown(), alias.as_ref()),
            _ => {
                self.turned_table(factor);
                self.unnamed(Columns::unknown())
            }
        };
        scope.relations.push(relation);
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, scope: &Scope<'_>) -> Relation {
        let written = parts(name);
        let columns = match written.as_slice() {
            [only] => scope.around.ctes.get(only).cloned(),
            [.., schema, table] => self.tables.columns(&TableName::new(schema.as_str(), table.as_str())),
            [] => None,
        };
        let own = match written.as_slice() {
            [.., schema, table] => Some(TableReference::partial(schema.as_str(), table.as_str())),
            [only] => Some(TableReference::bare(only.as_str())),
            [] => None,
        };
        let columns = columns.unwrap_or_else(|| {
            self.unknown_table(name, &written, scope);
            Columns::unknown()
        });
        self.relation(own, columns, alias)
    }

    /// Returns a relation without a name.
    pub(super) fn unnamed(&mut self, columns: Columns) -> Relation {
        self.relation(None, columns, None)
    }

    /// Returns a relation under its own name or its alias, which may name its columns too.
    fn relation(&mut self, own: Option<TableReference>, mut columns: Columns, alias: Option<&TableAlias>) -> Relation {
        let origin = own.as_ref().map(ToString::to_string).unwrap_or_else(|| {
            self.unnamed += 1;
            self.unnamed.to_string()
        });
        let Some(alias) = alias else { return Relation { name: own, columns, origin, alias: None } };
        self.named_columns(&alias.columns, &mut columns);
        for (column, name) in columns.list.iter_mut().zip(&alias.columns) {
            (column.name, column.given) = (Some(known_as(&name.name)), None);
        }
        let name = known_as(&alias.name);
        let given = Given { at: self.source.range(alias.name.span), name: name.clone(), renames: None };
        Relation { name: Some(TableReference::bare(name)), columns, origin, alias: Some(given) }
    }

    /// Tells of a table that nobody makes, once for each name.
    fn unknown_table(&mut self, name: &ObjectName, written: &[String], scope: &Scope<'_>) {
        let table = written.join(".");
        let may_have_lost_its_name = self.has_doubled_ctes && written.len() == 1;
        if may_have_lost_its_name || !self.unknown.insert(table.clone()) {
            return;
        }
        let range = self.source.name(name);
        let finding = self.source.error(range.clone(), format!("unknown table `{table}`"));
        let known = self.tables.names();
        let near = scope.around.ctes.keys().cloned().chain(known.iter().map(ToString::to_string)).collect::<Vec<_>>();
        let last = written.last().map(String::as_str);
        let same = known.iter().find(|known| Some(known.table.as_str()) == last).map(ToString::to_string);
        let closest = nearest(&table, near.iter().map(String::as_str)).map(str::to_owned);
        let is_bare_slip = written.len() == 1 && closest.as_ref().is_some_and(|near| !near.contains('.'));
        let meant = if is_bare_slip { closest } else { same.or(closest).or_else(|| self.nearest_table(last)) };
        self.findings.push(match meant {
            Some(meant) => {
                let path =
                    self.tables.path(&meant).map(|path| format!(" it is produced by {path}")).unwrap_or_default();
                finding.hint(format!("did you mean `{meant}`?{path}")).fix(self.source.place(range), meant)
            }
            None if written.len() == 1 => finding.hint("a table is named with its schema, such as `core.sales`"),
            None => finding,
        });
    }

    /// Tells of a call in the place of a table, of a function that nobody knows.
    fn unknown_table_function(&mut self, name: &ObjectName) {
        let known = self.state.table_functions();
        let Some(written) = parts(name).pop().filter(|name| !known.contains_key(name)) else { return };
        let range = self.source.name(name);
        let finding = self.source.error(range.clone(), format!("no function `{written}` gives a table"));
        self.findings.push(match nearest(&written, known.keys().map(String::as_str)) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
            None => finding,
        });
    }

    /// Returns the table whose name without its schema is nearest.
    fn nearest_table(&self, table: Option<&str>) -> Option<String> {
        let known = self.tables.names();
        let near = nearest(table?, known.iter().map(|known| known.table.as_str()))?;
        known.iter().find(|known| known.table == near).map(ToString::to_string)
    }

    /// Tells of two tables of one FROM that are called the same, and returns whether there are any.
    fn doubled_table(&mut self, from: &[TableWithJoins]) -> bool {
        let before = self.findings.len();
        let mut seen: Vec<(TableReference, Range<usize>)> = Vec::new();
        let factors = from
            .iter()
            .flat_map(|tables| [&tables.relation].into_iter().chain(tables.joins.iter().map(|join| &join.relation)));
        for factor in factors {
            let Some((name, range)) = self.called(factor) else { continue };
            if seen.iter().any(|(known, _)| *known == name) {
                let message = format!("two tables of this FROM are called `{name}`");
                let finding = self.source.error(range.clone(), message);
                self.findings.push(finding.hint("give one of them another alias"));
            }
            seen.push((name, range));
        }
        self.findings.len() > before
    }

    fn called(&self, factor: &TableFactor) -> Option<(TableReference, Range<usize>)> {
        let (alias, name) = match factor {
            TableFactor::Table { name, alias, .. } => (alias.as_ref(), Some(name)),
            TableFactor::Derived { alias, .. } => (alias.as_ref(), None),
            _ => return None,
        };
        if let Some(alias) = alias {
            return Some((TableReference::bare(known_as(&alias.name)), self.source.range(alias.name.span)));
        }
        let name = name?;
        let reference = match parts(name).as_slice() {
            [only] => TableReference::bare(only.as_str()),
            [.., schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
            [] => return None,
        };
        Some((reference, self.source.name(name)))
    }

    /// Returns where a FROM ends, if its last table is plain.
    pub(super) fn end_of_from(&self, from: &[TableWithJoins]) -> Option<usize> {
        let tables = from.last()?;
        let last = tables.joins.last().map_or(&tables.relation, |join| &join.relation);
        let condition = tables.joins.last().and_then(|join| match constraint(&join.join_operator).0 {
            Some(JoinConstraint::On(condition)) => Some(self.source.exact(condition).end),
            _ => None,
        });
        let plain = match last {
            TableFactor::Table { name, alias: None, .. } => Some(self.source.name(name).end),
            TableFactor::Table { alias: Some(alias), .. } => Some(self.source.range(alias.name.span).end),
            _ => None,
        };
        condition.or(plain)
    }
}

/// Returns comparisons of columns that both sides have under one name.
fn shared(scope: &Scope<'_>, left: &Range<usize>, right: &Range<usize>) -> Vec<String> {
    let columns = |side: &Range<usize>| {
        let relations = side.clone().filter_map(|at| Some((scope.called(at)?, &scope.relations[at].columns.list)));
        relations.flat_map(|(table, list)| list.iter().map(move |column| (table.clone(), column))).collect::<Vec<_>>()
    };
    let right = columns(right);
    let pair = |(table, column): &(String, &Column)| {
        let name = column.name.as_ref()?;
        let same = |(_, other): &&(String, &Column)| other.name.as_ref() == Some(name);
        let (other, with) = right.iter().find(same)?;
        let types = column.data_type.as_ref().zip(with.data_type.as_ref());
        let name = quoted(name);
        types
            .is_some_and(|(one, other)| coercion::compares(one, other))
            .then(|| format!("{table}.{name} = {other}.{name}"))
    };
    columns(left).iter().filter_map(pair).collect()
}

/// Returns whether a join is refused without a condition.
const fn needs_condition(operator: &JoinOperator) -> bool {
    !matches!(
        operator,
        JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) | JoinOperator::StraightJoin(_)
    )
}

/// Returns how a join joins, and what can be named behind it.
fn constraint(operator: &JoinOperator) -> (Option<&JoinConstraint>, Kept) {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::StraightJoin(constraint)
        | JoinOperator::AsOf { constraint, .. } => (Some(constraint), Kept::Both),
        JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint) => (Some(constraint), Kept::Left),
        JoinOperator::RightSemi(constraint) | JoinOperator::RightAnti(constraint) => (Some(constraint), Kept::Right),
        _ => (None, Kept::Both),
    }
}
