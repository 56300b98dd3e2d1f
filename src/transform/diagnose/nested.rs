//! Queries inside of a query that are right, and that the engine does not run where they stand.
//!
//! In: what the walk noted of each, and what the engine says once nothing else is wrong. Out: one finding at the query. The engine
//! names only the kind of its node; of several of a kind the first is blamed that is no plain condition.

use std::ops::Range;

use datafusion::{
    error::DataFusionError,
    sql::sqlparser::ast::{Query, SelectItem, SetExpr, Spanned},
};

use super::{Walk, source::Source};
use crate::record::Diagnostic;

/// How a query stands in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As one value.
    Value,
    /// Behind EXISTS.
    Exists,
    /// Behind IN.
    In,
    /// As a table.
    Lateral,
}

/// A query that depends on the row of the query around, or is asked about each.
#[derive(Debug)]
pub(super) struct Nested {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// What it selects, if that is one expression.
    pub(super) result: Option<Range<usize>>,
    /// Whether it is part of a WHERE or HAVING, where the engine makes most of them a join.
    pub(super) is_condition: bool,
}

impl Walk<'_> {
    /// Notes a query inside of another.
    pub(super) fn nest(&mut self, kind: Kind, query: &Query, range: Range<usize>, is_condition: bool) {
        let result = match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.as_slice() {
                [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => {
                    Some(self.source.exact(expr))
                }
                _ => None,
            },
            _ => None,
        };
        self.nested.push(Nested { kind, range, result, is_condition });
    }

    /// Returns where a query stands with its parentheses.
    pub(super) fn query_range(&self, query: &Query) -> Range<usize> {
        self.source.in_parentheses(self.source.range(query.span()))
    }
}

/// Returns a finding at the query that the engine does not run.
pub(super) fn refused(source: &Source, nested: &[Nested], error: &DataFusionError) -> Option<Diagnostic> {
    let words = error.find_root().strip_backtrace();
    let is_several = words.contains("must be aggregated");
    let kinds = [
        ("OuterReferenceColumn(", Kind::Lateral),
        ("ScalarSubquery(", Kind::Value),
        ("scalar subquery", Kind::Value),
        ("Exists(", Kind::Exists),
        ("InSubquery(", Kind::In),
    ];
    let (_, kind) = kinds.into_iter().find(|(node, _)| words.contains(node))?;
    let of_kind = || nested.iter().filter(|nested| nested.kind == kind);
    let blamed = of_kind().find(|nested| !nested.is_condition).or_else(|| of_kind().next())?;
    let range = blamed.range.clone();
    if let (true, Some(result)) = (is_several, &blamed.result) {
        let text = format!("max({})", source.slice(result));
        let finding = source.error(range, "this subquery may give several rows where one value is needed");
        return Some(
            finding
                .hint(format!("aggregate what it selects, such as `{text}`"))
                .fix(source.place(result.clone()), text),
        );
    }
    let hint = match kind {
        Kind::Exists | Kind::In => "LEFT JOIN its distinct keys, and ask whether they are NULL",
        Kind::Value => "join instead: group what it reads by the columns that it compares, and join on them",
        Kind::Lateral => {
            "join instead: what it compares stands behind ON, and `QUALIFY row_number() OVER (…) = 1` keeps one row"
        }
    };
    Some(source.error(range, "the engine does not run this subquery for each row").hint(hint))
}
