//! Warnings for models that can be planned and are probably wrong.
//!
//! ```text
//!  planned model ─► outline: queries, relations, expressions ─┐
//!  contracts, headers ─► tables: keys, types, accepted values ┴► every lint of `LINTS` ─► allow: silenced on the line?
//! ```
//!
//! In: a model's parsed SQL and what is known of the tables that it reads. Out: findings with code, place and hint. A lint
//! that cannot prove its case from names, types and keys is silent. Deliberately looks at no data and at no plan: the text
//! is what its author can change.

mod aggregate;
mod allow;
mod comparison;
mod cte;
mod division;
mod domain;
mod group;
mod join;
mod keys;
mod not_in;
mod order;
mod outer_join;
mod outline;
mod partition;
mod place;
mod star;
pub mod tables;
mod types;
mod unnamed;
mod walk;

use std::ops::Range;

use datafusion::{
    execution::SessionState,
    sql::sqlparser::{
        ast::{Expr, Query, Spanned},
        tokenizer::Span,
    },
};

use super::{Graph, PlannedModel, graph};
use crate::{
    define::project::{Kind, Model},
    engine::{Statement, parallel},
    record::Diagnostic,
};
use keys::Keys;
use outline::Outline;
pub use tables::Tables;
use types::Types;

/// A kind of mistake that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// Its name in messages and in comments that silence it; never changed once it is out.
    pub code: &'static str,
    /// What it finds, in a few words.
    pub summary: &'static str,
    find: fn(&Subject<'_, '_>, &mut Found),
}

/// Everything that is looked for, in the order of `docs/checks.md`.
pub const LINTS: &[Lint] = &[
    Lint {
        code: "select-star",
        summary: "a published model whose columns are those of another table",
        find: star::find,
    },
    Lint { code: "unnamed-column", summary: "a published column called after its expression", find: unnamed::find },
    Lint { code: "join-without-equality", summary: "a join in which every row meets every row", find: join::find },
    Lint {
        code: "left-join-filtered",
        summary: "a LEFT JOIN that the WHERE makes an inner one",
        find: outer_join::find,
    },
    Lint {
        code: "comparison-never-true",
        summary: "a comparison that no row can satisfy",
        find: comparison::find_never_true,
    },
    Lint { code: "value-not-accepted", summary: "a value that the column cannot hold", find: domain::find },
    Lint { code: "self-comparison", summary: "a column compared with itself", find: comparison::find_self },
    Lint { code: "integer-division", summary: "a division of whole numbers, which truncates", find: division::find },
    Lint { code: "not-in-nullable", summary: "a NOT IN over values that may be NULL", find: not_in::find },
    Lint {
        code: "partition-column-unused",
        summary: "partitions of an input that are never told apart",
        find: partition::find,
    },
    Lint { code: "order-not-total", summary: "a row number whose order leaves ties", find: order::find_windows },
    Lint { code: "limit-without-total-order", summary: "a LIMIT that may keep other rows", find: order::find_limits },
    Lint {
        code: "unordered-aggregate",
        summary: "a value that depends on the order in which rows come",
        find: aggregate::find_unordered,
    },
    Lint { code: "float-sum", summary: "a sum of doubles, whose last digits vary", find: aggregate::find_float_sums },
    Lint { code: "group-by-constant", summary: "a GROUP BY of a constant", find: group::find },
    Lint { code: "unused-cte", summary: "a common table expression that nothing reads", find: cte::find },
];

/// Codes of findings about the comments that silence the others.
pub const ALLOW_CODES: &[(&str, &str)] = &[
    ("unused-allow", "a comment that silences nothing"),
    ("allow-without-reason", "a comment that silences without saying why"),
    ("unknown-allow", "a comment that silences a code that is none"),
];

/// Returns whether a finding about a model holds even if its columns promise less than they would were their headers right.
#[must_use]
pub fn holds_without_promises(finding: &Diagnostic) -> bool {
    // A column is nullable until its header says otherwise; of a table that is wrong neither the key is known nor, for sure, the
    // columns; and what then finds nothing leaves its comment unused.
    const ON_PROMISES: [&str; 5] =
        ["join-without-equality", "not-in-nullable", "order-not-total", "limit-without-total-order", "unused-allow"];
    finding.code.is_none_or(|code| !ON_PROMISES.contains(&code))
}

/// What a lint looks at.
struct Subject<'a, 'o> {
    model: &'o Model,
    outline: &'o Outline<'a>,
    tables: &'o Tables,
    types: &'o Types<'a, 'o>,
    keys: &'o Keys<'a, 'o>,
}

/// What one lint found.
type Found = Vec<Finding>;

/// One finding before it has its code.
struct Finding {
    range: Option<Range<usize>>,
    message: String,
    hint: String,
}

impl Finding {
    fn new(range: Option<Range<usize>>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { range, message: message.into(), hint: hint.into() }
    }
}

impl Subject<'_, '_> {
    fn range(&self, span: Span) -> Option<Range<usize>> {
        place::range(&self.model.text.body, span)
    }

    /// Returns the bytes of an expression, its sign included.
    fn range_of(&self, expr: &Expr) -> Option<Range<usize>> {
        let range = self.range(expr.span())?;
        let before = self.model.text.body[..range.start].trim_end();
        let is_signed = matches!(expr, Expr::UnaryOp { .. }) && before.ends_with('-');
        Some(if is_signed { before.len() - 1..range.end } else { range })
    }

    /// Returns an expression as it was written.
    fn written(&self, expr: &Expr) -> &str {
        self.range_of(expr).and_then(|range| self.model.text.body.get(range)).unwrap_or("…")
    }
}

/// Looks at every planned model, on so many threads; `tables` must know what they read.
#[must_use]
pub fn lint_all(graph: &Graph, tables: &Tables, state: &SessionState, threads: usize) -> Vec<Diagnostic> {
    // The query of a seed is made of its rows.
    let models: Vec<&PlannedModel> = graph.models.iter().filter(|planned| planned.model.kind != Kind::Seed).collect();
    let look = |planned: &&PlannedModel| lint(&planned.model, &planned.statement, tables, state);
    parallel::each(threads, &models, look).into_iter().flatten().collect()
}

/// Looks at one model: warnings, and errors for comments that cannot silence anything.
#[must_use]
pub fn lint(model: &Model, statement: &Statement, tables: &Tables, state: &SessionState) -> Vec<Diagnostic> {
    let Some(query) = statement.query() else { return Vec::new() };
    let mut findings = warnings(model, query, tables, state);
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range.start));
    allow::silence(model, findings)
}

fn warnings(model: &Model, query: &Query, tables: &Tables, state: &SessionState) -> Vec<Diagnostic> {
    let outline = Outline::new(query, tables);
    let types = Types::new(&outline, tables, state);
    let keys = Keys::new(&outline, tables);
    let subject = Subject { model, outline: &outline, tables, types: &types, keys: &keys };
    let mut findings = Vec::new();
    for lint in LINTS {
        let mut found = Vec::new();
        (lint.find)(&subject, &mut found);
        findings.extend(found.into_iter().map(|finding| diagnostic(model, lint.code, finding)));
    }
    findings
}

fn diagnostic(model: &Model, code: &'static str, finding: Finding) -> Diagnostic {
    let finding_at = Diagnostic::error(finding.message, graph::place(model, finding.range));
    finding_at.into_warning().hint(finding.hint).code(code)
}

/// Returns whether findings of this code are errors.
#[must_use]
pub fn is_error(code: &str) -> bool {
    ["allow-without-reason", "unknown-allow"].contains(&code)
}

/// Returns every code that a finding about a model can have, with what it means.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINTS.iter().map(|lint| (lint.code, lint.summary)).chain(ALLOW_CODES.iter().copied())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
