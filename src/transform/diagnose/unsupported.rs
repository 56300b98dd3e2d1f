//! SQL of other dialects that parses and that the engine does not run: what to write instead.
//!
//! In: a SELECT and its tables, as parsed. Out: findings at the words that only another dialect has.

use std::ops::Range;

use datafusion::{
    error::DataFusionError,
    execution::SessionState,
    sql::sqlparser::ast::{
        Expr, ExprWithAlias, Join, JoinOperator, PivotValueSource, Query, Select, Spanned, TableFactor, Top,
        TopQuantity,
    },
};

use super::{
    Walk,
    names::quoted,
    repair,
    source::{Source, join},
};
use crate::{
    engine::ignored::{self, Ignored},
    record::Diagnostic,
};

impl Walk<'_> {
    /// Tells of clauses that no engine of ours runs.
    pub(super) fn unsupported(&mut self, select: &Select) {
        let start = self.source.range(select.select_token.0.span).end;
        if let Some(top) = &select.top
            && let Some(range) = self.source.word(start, &["TOP"])
        {
            let range = self.source.range_with_next(&range);
            let finding = self.source.error(range, "TOP is not supported");
            self.findings.push(finding.hint(format!("leave it out, and end the query with `LIMIT {}`", rows(top))));
        }
        let others = [
            (select.into.is_some(), "INTO", "leave it out: a model is published under the name of its file"),
            (!select.lateral_views.is_empty(), "VIEW", "select `unnest(…)` in a common table expression"),
            (!select.cluster_by.is_empty(), "CLUSTER", "leave it out"),
            (!select.sort_by.is_empty(), "SORT", "leave it out, or write `ORDER BY`"),
        ];
        for (is_there, word, hint) in others {
            if let (true, Some(range)) = (is_there, self.source.word(start, &[word])) {
                let range = if word == "VIEW" {
                    self.source.before(&range).map_or_else(|| range.clone(), |before| join(&before, &range))
                } else {
                    range
                };
                let message = format!("{} is not supported", self.source.slice(&range).to_uppercase());
                self.findings.push(self.source.error(range, message).hint(hint));
            }
        }
    }

    /// Tells of a table that is turned round.
    pub(super) fn turned_table(&mut self, factor: &TableFactor) {
        let (table, word, hint) = match factor {
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, .. } => {
                (table, "PIVOT", pivoted(aggregate_functions, value_column, value_source))
            }
            TableFactor::Unpivot { table, value, name, columns, .. } => {
                let column = columns.first().map(|column| column.expr.to_string()).unwrap_or_default();
                let select = format!("SELECT '{column}' AS {name}, {column} AS {value} FROM {table}");
                (table, "UNPIVOT", format!("write one SELECT for each column, joined by UNION ALL: `{select}`"))
            }
            _ => return,
        };
        let start = self.source.range(table.span()).start;
        let Some(at) = self.source.word(start, &[word]) else { return };
        let finding = self.source.error(self.source.closed(at), format!("{word} is not supported"));
        self.findings.push(finding.hint(hint));
    }

    /// Tells of APPLY, which is a join with a query that sees the row.
    pub(super) fn applied(&mut self, join: &Join) {
        let (words, text) = match join.join_operator {
            JoinOperator::CrossApply => ("CROSS APPLY", "CROSS JOIN LATERAL"),
            _ => ("OUTER APPLY", "LEFT JOIN LATERAL"),
        };
        let Some(range) = self.words_before(join, &["cross", "outer"]) else { return };
        let finding = self.source.error(range.clone(), format!("{words} is not supported"));
        self.findings.push(match repair::attempt(self.source, range.clone(), text) {
            true => finding.hint(format!("write `{text}`")).fix(self.source.place(range), text),
            false => finding.hint(format!("write `{text} … ON true`")),
        });
    }

    /// Returns the two words by which a table is joined, of which the first is one of some.
    fn words_before(&self, join: &Join, first: &[&str]) -> Option<Range<usize>> {
        let end = self.source.range(join.relation.span()).start;
        let tokens = self.source.tokens();
        let before = (0..self.source.behind(end)).rev().map(|at| &tokens[at].1);
        let is_first =
            |range: &&Range<usize>| first.iter().any(|word| self.source.slice(range).eq_ignore_ascii_case(word));
        before.into_iter().find(is_first).map(|range| self.source.range_with_next(range))
    }

    /// Tells of a join by the nearest value.
    pub(super) fn nearest_join(&mut self, join: &Join) {
        let Some(range) = self.words_before(join, &["asof"]) else { return };
        let hint = "join on the equal keys alone, and keep the last row before: `QUALIFY row_number() OVER (PARTITION BY … ORDER BY … DESC) = 1`";
        self.findings.push(self.source.error(range, "ASOF JOIN is not supported").hint(hint));
    }
}

/// Words of the engine about what has a place that it does not tell: with what they begin or which they hold, where that stands, and what
/// to say instead.
const REFUSED: [(&str, &[&str], &str, &str); 5] = [
    (
        "QUALIFY clause requires window functions",
        &["QUALIFY"],
        "QUALIFY asks about a window function, and there is none",
        "write the condition behind WHERE, or behind HAVING if it is about groups",
    ),
    (
        "FILTER clause can only be used with aggregate window functions",
        &["FILTER"],
        "FILTER belongs to an aggregate",
        "compute the window over a common table expression with that condition behind its WHERE",
    ),
    (
        "ORDER BY WITH FILL",
        &["WITH", "FILL"],
        "WITH FILL is not supported",
        "join the rows to all values that there should be, such as `core.month`, with a LEFT JOIN",
    ),
    (
        "must be an INTEGER, TIMESTAMP, DATE",
        &["GENERATE_SERIES"],
        "`generate_series` does not take these",
        "it takes whole numbers, or dates with an interval: `generate_series(1, 12)`",
    ),
    (
        "must be an INTEGER, TIMESTAMP, DATE",
        &["RANGE"],
        "`range` does not take these",
        "it takes whole numbers, or dates with an interval: `range(1, 13)`",
    ),
];

/// Returns what the engine refuses of which it tells no place, if that is known here.
pub(super) fn refused(source: &Source, error: &DataFusionError) -> Option<Diagnostic> {
    let words = error.find_root().strip_backtrace();
    let known = REFUSED.iter().filter(|(said, ..)| words.contains(said));
    let mut placed = known.filter_map(|refused| Some((source.phrase(0, refused.1)?, refused)));
    let (range, (_, _, message, hint)) = placed.next()?;
    Some(source.error(source.closed(range), *message).hint(*hint))
}

/// Returns a finding for each part of a query that the engine would read over.
pub(super) fn ignored(source: &Source, query: &Query, state: &SessionState) -> Vec<Diagnostic> {
    let finding = |Ignored { message, words, owner, hint }: Ignored| {
        let owner = source.range(owner);
        let range = source.phrase(owner.start, words).unwrap_or(owner);
        source.error(range, message).hint(hint)
    };
    ignored::find(query, state).into_iter().map(finding).collect()
}

fn rows(top: &Top) -> String {
    match &top.quantity {
        Some(TopQuantity::Constant(rows)) => rows.to_string(),
        Some(TopQuantity::Expr(rows)) => rows.to_string(),
        None => "…".to_owned(),
    }
}

/// Says what stands for a PIVOT.
fn pivoted(aggregates: &[ExprWithAlias], columns: &[Expr], values: &PivotValueSource) -> String {
    let aggregate = aggregates.first().map(|aggregate| aggregate.expr.to_string()).unwrap_or_default();
    let column = columns.first().map(ToString::to_string).unwrap_or_default();
    let first = match values {
        PivotValueSource::List(list) => list.first(),
        _ => None,
    };
    let value = first.map_or_else(|| "…".to_owned(), |value| value.expr.to_string());
    let name = first.map_or_else(
        || "…".to_owned(),
        |value| match &value.alias {
            Some(alias) => alias.to_string(),
            None => quoted(value.expr.to_string().trim_matches('\'')),
        },
    );
    format!("write one aggregate for each value: `{aggregate} FILTER (WHERE {column} = {value}) AS {name}`")
}
