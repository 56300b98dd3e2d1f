//! `join-without-equality`: relations that no equality ties to the others, so that every row meets every row.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

use super::{
    Finding, Found, Subject,
    outline::{Clause, Join, Origin},
    walk,
};

/// Finds the first relation of every group that no equality ties to the first one.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for (select, part) in subject.outline.selects.iter().enumerate() {
        if part.relations.len() < 2 {
            continue;
        }
        let mut group: Vec<usize> = (0..part.relations.len()).collect();
        for tie in ties(subject, select) {
            merge(&mut group, &tie);
        }
        let counted: Vec<usize> = (0..group.len()).filter(|index| !is_harmless(subject, select, *index)).collect();
        let mut seen: BTreeSet<usize> = counted.first().map(|first| group[*first]).into_iter().collect();
        for index in counted.into_iter().skip(1) {
            if seen.insert(group[index]) {
                found.push(finding(subject, select, index));
            }
        }
    }
}

fn finding(subject: &Subject<'_, '_>, select: usize, index: usize) -> Finding {
    let part = &subject.outline.selects[select];
    let has_condition = part.roots.iter().any(|(clause, _)| *clause == Clause::On(index));
    let alias = &part.relations[index].alias;
    let message = match has_condition {
        true => format!("no equality joins `{alias}`: each of its rows is compared with each row before it"),
        false => format!("no condition joins `{alias}`: each of its rows meets each row before it"),
    };
    let hint = "join on equal keys; if all pairs are meant and few, silence this with the reason";
    Finding::new(subject.range(part.relations[index].span), message, hint)
}

/// Returns whether pairs with all rows of a relation are surely meant: one row, rows of literals, rows made of the row before.
fn is_harmless(subject: &Subject<'_, '_>, select: usize, index: usize) -> bool {
    let relation = &subject.outline.selects[select].relations[index];
    let is_constant = match &relation.source {
        Origin::Query(query) => subject.outline.is_constant(*query),
        Origin::Table(_) => false,
        Origin::Unknown => true,
    };
    relation.is_lateral || is_constant || subject.keys.is_one_row_relation(select, index)
}

/// Returns the sets of relations that equalities tie together.
fn ties(subject: &Subject<'_, '_>, select: usize) -> Vec<BTreeSet<usize>> {
    let part = &subject.outline.selects[select];
    let mut ties: Vec<BTreeSet<usize>> = Vec::new();
    for (clause, root) in &part.roots {
        if matches!(clause, Clause::Where | Clause::On(_)) {
            ties.extend(walk::conjuncts(root).into_iter().flat_map(|term| tied(subject, select, term)));
        }
    }
    for (index, relation) in part.relations.iter().enumerate() {
        if relation.join == Join::Natural || !relation.using.is_empty() {
            ties.push((0..=index).collect());
        }
    }
    ties
}

/// Returns the relations that a condition ties together by an equality; of an OR, those that every branch does.
fn tied(subject: &Subject<'_, '_>, select: usize, term: &Expr) -> Vec<BTreeSet<usize>> {
    let across = |left: &Expr, right: &Expr| {
        let (left, right) = (relations(subject, select, left), relations(subject, select, right));
        let is_tie = !left.is_empty() && !right.is_empty() && left.is_disjoint(&right);
        is_tie.then(|| left.union(&right).copied().collect::<BTreeSet<usize>>())
    };
    match term {
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } | Expr::IsNotDistinctFrom(left, right) => {
            across(left, right).into_iter().collect()
        }
        Expr::InList { expr, list, negated: false } => list.iter().filter_map(|item| across(expr, item)).collect(),
        Expr::BinaryOp { op: BinaryOperator::Or, .. } => {
            let branches = walk::alternatives(term).into_iter().map(|branch| {
                walk::conjuncts(branch).into_iter().flat_map(|term| tied(subject, select, term)).collect::<Vec<_>>()
            });
            branches.reduce(|one, other| in_both(one, &other)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn in_both(one: Vec<BTreeSet<usize>>, other: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    one.into_iter().filter(|tie| other.contains(tie)).collect()
}

/// Returns the relations of a SELECT that an expression names.
fn relations(subject: &Subject<'_, '_>, select: usize, expr: &Expr) -> BTreeSet<usize> {
    let mut relations = BTreeSet::new();
    walk::walk(expr, &mut |inner| {
        let column = subject.outline.column(select, inner, subject.tables);
        relations.extend(column.filter(|column| column.select == select).map(|column| column.relation));
    });
    relations
}

fn merge(group: &mut [usize], tie: &BTreeSet<usize>) {
    let Some(first) = tie.first().map(|index| group[*index]) else { return };
    let merged: Vec<usize> = tie.iter().map(|index| group[*index]).collect();
    group.iter_mut().filter(|group| merged.contains(group)).for_each(|group| *group = first);
}
