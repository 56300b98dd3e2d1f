//! How tables are joined: by conditions, by columns of one name, or by nothing where something is wanted.
//!
//! In: a join as parsed, and the tables before it. Out: what can be named behind it, and findings about its condition.

use std::{collections::BTreeSet, ops::Range};

use datafusion::sql::sqlparser::ast::{Join, JoinConstraint, JoinOperator, ObjectName, Spanned, TableFactor};

use super::{
    Walk, coercion,
    expression::Clause,
    names::{listed, quoted},
    scope::{Column, Scope},
    slips::{Kind, Slip},
    tree::parts,
    types::spelled,
};
use crate::{engine::clash, record::diagnostic::nearest};

/// Which side of a join can be named behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Both,
    Left,
    Right,
}

impl Walk<'_> {
    /// Looks at what is joined to the tables from `first` on.
    pub(super) fn join(&mut self, join: &Join, first: usize, scope: &mut Scope<'_>) {
        let left = first..scope.relations.len();
        let is_applied = matches!(join.join_operator, JoinOperator::CrossApply | JoinOperator::OuterApply);
        self.table_factor(&join.relation, scope, is_applied);
        let right = left.end..scope.relations.len();
        self.lateral_of_a_right_join(join);
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

    /// Tells of LATERAL where rows of the right side are kept that no row of the left side is for.
    fn lateral_of_a_right_join(&mut self, join: &Join) {
        let keeps_right = matches!(
            join.join_operator,
            JoinOperator::Right(_)
                | JoinOperator::RightOuter(_)
                | JoinOperator::FullOuter(_)
                | JoinOperator::RightSemi(_)
                | JoinOperator::RightAnti(_)
        );
        if !keeps_right || !matches!(join.relation, TableFactor::Derived { lateral: true, .. }) {
            return;
        }
        let finding = self.source.error(self.factor(&join.relation), "a RIGHT or FULL JOIN takes no LATERAL subquery");
        self.findings.push(finding.hint("write `LEFT JOIN LATERAL`"));
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
pub(super) fn constraint(operator: &JoinOperator) -> (Option<&JoinConstraint>, Kept) {
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
