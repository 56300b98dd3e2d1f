//! LIMIT, OFFSET and FETCH, and numbers by which ORDER BY and GROUP BY mean a result.
//!
//! In: these clauses as parsed. Out: findings. The engine asks for them only once a whole query is planned, and says no place.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, Fetch, LimitClause, Query, Spanned, Value, visit_expressions};

use super::{
    Walk,
    expression::Clause,
    repair,
    scope::{Around, Columns, Scope},
    source::join,
    types::spelled,
};

/// Results that a hint names at most.
const NAMED: usize = 6;

impl Walk<'_> {
    /// Looks at what cuts a query's result.
    pub(super) fn limits(&mut self, query: &Query, around: Around<'_>) {
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            None => (None, None),
        };
        for (name, expr) in [("LIMIT", limit), ("OFFSET", offset)] {
            if let Some(expr) = expr {
                self.limit(name, expr, around);
            }
        }
        if let Some(fetch) = &query.fetch {
            self.fetch(query, fetch);
        }
    }

    fn limit(&mut self, name: &'static str, expr: &Expr, around: Around<'_>) {
        let range = self.source.exact(expr);
        let hint = format!("write a whole number: `{name} 10`");
        if names_a_column(expr) {
            let message = format!("`{}` is no number, and {name} sees no columns", self.source.slice(&range));
            return self.findings.push(self.source.error(range, message).hint(hint));
        }
        let checked = self.expression(expr, &Scope::empty(around), Clause { name, ..Clause::WHERE });
        let Some(data_type) = checked.data_type() else { return };
        if !data_type.is_integer() && data_type != DataType::Null {
            let message = format!("{name} takes a whole number, not {}", spelled(&data_type));
            return self.findings.push(self.source.error(range, message).hint(hint));
        }
        if expr.to_string().parse::<i64>().is_ok_and(|number| number < 0) {
            let whole = self.source.before(&range).map_or_else(|| range.clone(), |word| join(&word, &range));
            let finding = self.source.error(range, format!("{name} cannot be less than 0"));
            let hint = format!("leave `{}` out to keep every row", self.source.slice(&whole));
            self.findings.push(finding.hint(hint).fix(self.source.place(whole), ""));
        }
    }

    /// Tells of FETCH, which only another dialect has.
    fn fetch(&mut self, query: &Query, fetch: &Fetch) {
        let body = self.source.range(query.body.span()).end;
        let Some(first) = self.source.word(body, &["FETCH"]) else { return };
        let range =
            self.source.word(first.end, &["ONLY", "TIES"]).map_or_else(|| first.clone(), |last| join(&first, &last));
        let rows = fetch.quantity.as_ref().map_or_else(|| "1".to_owned(), ToString::to_string);
        let finding = self.source.error(range.clone(), "FETCH is not supported");
        self.findings.push(if fetch.with_ties || fetch.percent {
            finding.hint(format!("number the rows and keep some: `QUALIFY rank() OVER (ORDER BY …) <= {rows}`"))
        } else {
            let text = format!("LIMIT {rows}");
            let finding = finding.hint(format!("write `{text}`"));
            match repair::attempt(self.source, range.clone(), &text) {
                true => finding.fix(self.source.place(range), text),
                false => finding,
            }
        });
    }

    /// Tells of a number that means no result.
    pub(super) fn position(&mut self, expr: &Expr, results: &Columns) {
        let Some(at) = position(expr).filter(|_| !results.is_open) else { return };
        let count = results.list.len();
        if (1..=count).contains(&at) {
            return;
        }
        let range = self.source.exact(expr);
        let columns = if count == 1 { "1 column".to_owned() } else { format!("{count} columns") };
        let finding = self.source.error(range, format!("`{at}` means no column of the result, which has {columns}"));
        let spelled = |(at, name): (usize, Option<&str>)| match name {
            Some(name) => format!("`{at}` is `{name}`"),
            None => format!("`{at}` is an expression"),
        };
        let names = results.list.iter().map(|column| column.name.as_deref());
        let few: Vec<String> = (1..).zip(names).take(NAMED).map(spelled).collect();
        self.findings.push(finding.hint(few.join(", ")));
    }
}

fn names_a_column(expr: &Expr) -> bool {
    let named = visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    named.is_break()
}

/// Returns the number that an item of GROUP BY or ORDER BY is, if it means a result by its position.
pub(super) fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
