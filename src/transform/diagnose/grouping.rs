//! The rule of groups: what is selected of a group must be one value for it.
//!
//! In: the checked expressions of a SELECT that groups. Out: one finding for each column that is neither grouped nor
//! aggregated, at its first place.

use std::{collections::BTreeSet, ops::Range};

use datafusion::{
    logical_expr::Expr as Logical,
    sql::sqlparser::ast::{Expr, Spanned},
};

use super::{
    Walk,
    expression::Checked,
    names::listed,
    tree::{self, children, parts},
};

/// How a SELECT groups.
pub(super) struct Groups {
    /// What it groups by.
    pub(super) planned: Vec<Logical>,
    /// Where its list ends, if it has one.
    pub(super) end: Option<usize>,
    /// Where a list could stand, if that is known.
    pub(super) room: Option<usize>,
}

impl Walk<'_> {
    /// Tells of columns that are neither grouped nor aggregated.
    pub(super) fn check_groups(&mut self, groups: &Groups, expressions: &[&Checked]) {
        let (mut seen, mut loose) = (BTreeSet::new(), Vec::new());
        for checked in expressions {
            self.loose(&checked.sql, checked, groups, &mut loose);
        }
        loose.retain(|(key, _)| seen.insert(key.clone()));
        match groups.end {
            Some(end) => {
                for (_, range) in loose {
                    let text = self.source.slice(&range).to_owned();
                    let hint = format!(
                        "add it to the GROUP BY, or wrap it in an aggregate such as `max({text})` or `min({text})`"
                    );
                    let finding = self.source.error(range, format!("`{text}` is neither grouped nor aggregated"));
                    let place = self.source.place(end..end);
                    self.findings.push(finding.hint(hint).fix(place, format!(", {text}")));
                }
            }
            None => self.missing_groups(&loose, groups.room),
        }
    }

    fn missing_groups(&mut self, loose: &[(String, Range<usize>)], room: Option<usize>) {
        let Some((_, first)) = loose.first() else { return };
        let texts: Vec<&str> = loose.iter().map(|(_, range)| self.source.slice(range)).collect();
        let is =
            if texts.len() == 1 { "stands beside an aggregate and is" } else { "stand beside an aggregate and are" };
        let message = format!("{} {is} not grouped", listed(&texts));
        let list = texts.join(", ");
        let mut finding = self.source.error(first.clone(), message).hint(format!("add `GROUP BY {list}`"));
        if let Some(room) = room {
            finding = finding.fix(self.source.place(room..room), format!("\nGROUP BY {list}"));
        }
        self.findings.push(finding);
    }

    /// Collects the columns of an expression that are neither part of a group's value nor inside an aggregate.
    fn loose(&self, sql: &Expr, whole: &Checked, groups: &Groups, found: &mut Vec<(String, Range<usize>)>) {
        if let Some(key) = tree::key(sql) {
            let is_column = key.starts_with(|c: char| c.is_ascii_digit());
            let is_grouped =
                !is_column || self.plan(sql, &whole.leaves).is_ok_and(|(plan, _)| groups.planned.contains(&plan));
            if !is_grouped {
                found.push((key.to_owned(), self.source.range(sql.span())));
            }
            return;
        }
        if let Expr::Function(call) = sql
            && call.over.is_none()
            && parts(&call.name).pop().is_some_and(|name| self.state_knows_aggregate(&name))
        {
            return;
        }
        let operands = children(sql);
        if operands.is_empty() || self.plan(sql, &whole.leaves).is_ok_and(|(plan, _)| groups.planned.contains(&plan)) {
            return;
        }
        for operand in operands {
            self.loose(&operand, whole, groups, found);
        }
    }
}
