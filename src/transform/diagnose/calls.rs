//! Calls of which one part is wrong while the rest is right: an argument, what stands behind the parentheses, a call in a syntax of
//! its own.
//!
//! In: a call that the engine refuses, its operands and their types. Out: one finding at that part. Which part it is, is found by
//! leaving it out: what is planned without it is wrong because of it.

use std::ops::Range;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, TypedString, Value,
};

use super::{Walk, coercion, explain::Wrong, readable::Beside, tree, types::spelled};
use crate::record::{Diagnostic, diagnostic::nearest};

/// Functions whose second argument names a type of Arrow.
const OF_ARROW_TYPES: [&str; 2] = ["arrow_cast", "arrow_try_cast"];

/// Types as these functions name them.
const ARROW_TYPES: [&str; 13] = [
    "Boolean",
    "Date32",
    "Date64",
    "Float32",
    "Float64",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "LargeUtf8",
    "UInt64",
    "Utf8",
    "Utf8View",
];

/// A change of a call, and where in the text it is made.
pub(super) struct Change {
    range: Range<usize>,
    text: String,
    hint: String,
}

impl Walk<'_> {
    /// Tells of a text literal among values of one type that is none.
    pub(super) fn odd_literal(&mut self, wrong: &Wrong<'_>) -> bool {
        let parts = || wrong.operands.iter().zip(wrong.types);
        let others = parts().filter(|(operand, _)| !tree::is_text_literal(operand)).map(|(_, data_type)| data_type);
        let Some(expected) = coercion::united(others) else { return false };
        parts().any(|(operand, _)| self.unreadable(operand, &expected, Beside::Column))
    }

    /// Tells of one argument without which the call is right.
    pub(super) fn odd_argument(&mut self, wrong: &Wrong<'_>, function: &Function, name: &str) -> bool {
        let arguments = tree::arguments(function);
        let of_arrow = OF_ARROW_TYPES.contains(&name);
        if function.over.is_none() && !of_arrow {
            return false;
        }
        let neutral =
            if of_arrow { Value::SingleQuotedString("Int64".to_owned()) } else { Value::Number("1".to_owned(), false) };
        let neutral = Expr::Value(neutral.with_empty_span());
        let is_odd = |at: &usize| self.plan(&tree::with_child(wrong.sql, *at, neutral.clone()), wrong.leaves).is_ok();
        // What is computed over comes first, and its type is another matter.
        let first = usize::from(arguments.len() > 1);
        let Some(at) = (first..arguments.len()).find(is_odd) else { return false };
        let range = self.source.exact(&arguments[at]);
        let written = self.source.slice(&range).to_owned();
        let finding = self.source.error(range.clone(), format!("`{name}` does not take `{written}` here"));
        let near = nearest(written.trim_matches('\''), ARROW_TYPES).filter(|_| of_arrow);
        let mut finding = match near {
            Some(near) => {
                let text = format!("'{near}'");
                finding.hint(format!("did you mean `{text}`?")).fix(self.source.place(range), text)
            }
            None => finding,
        };
        finding.hint = finding.hint.or_else(|| self.usage(name));
        self.findings.push(finding);
        true
    }

    /// Tells of what stands behind the parentheses of a call and does not belong to its function.
    pub(super) fn odd_trimming(&mut self, wrong: &Wrong<'_>, function: &Function, name: &str) -> bool {
        let without = [
            ("IGNORE NULLS", Function { null_treatment: None, ..function.clone() }),
            ("WITHIN GROUP", Function { within_group: Vec::new(), ..function.clone() }),
            ("FILTER", Function { filter: None, ..function.clone() }),
        ];
        let mut others = without.into_iter().filter(|(_, other)| other != function);
        let odd = others.find(|(_, other)| self.plan(&Expr::Function(other.clone()), wrong.leaves).is_ok());
        let Some((words, _)) = odd else { return false };
        let range = self.source.exact(wrong.sql);
        self.findings.push(self.source.error(range, format!("`{name}` does not take {words}")).hint("leave it out"));
        true
    }

    /// Tells of `*` as the argument of what counts no rows, and of an aggregate in an aggregate.
    pub(super) fn misfit_argument(&mut self, checked: &Expr) -> bool {
        let aggregates = tree::calls(checked).into_iter().filter(|call| call.over.is_none() && self.is_aggregate(call));
        let Some(finding) = aggregates.into_iter().find_map(|call| self.misfit(&call)) else { return false };
        self.findings.push(finding);
        true
    }

    fn misfit(&self, call: &Function) -> Option<Diagnostic> {
        let name = tree::parts(&call.name).join(".");
        if name != "count" && takes_star(call) {
            let range = self.source.exact(&Expr::Function(call.clone()));
            let finding = self.source.error(range, format!("`{name}` does not take `*`"));
            return Some(finding.hint("name the column; rows are counted by `count(*)`"));
        }
        let arguments = tree::arguments(call);
        let mut inner = arguments.iter().flat_map(tree::calls);
        let inner = inner.find(|inner| inner.over.is_some() || self.is_aggregate(inner))?;
        let kind = if inner.over.is_some() { "a window function" } else { "an aggregate" };
        let range = self.source.exact(&Expr::Function(inner));
        let hint = format!("compute `{}` in a common table expression first", self.source.slice(&range));
        Some(self.source.error(range, format!("{kind} cannot stand in the aggregate `{name}`")).hint(hint))
    }

    fn is_aggregate(&self, call: &Function) -> bool {
        tree::parts(&call.name).pop().is_some_and(|name| self.state_knows_aggregate(&name))
    }

    /// Returns the change with which an aggregate over distinct values is right.
    pub(super) fn mended_distinct(&self, wrong: &Wrong<'_>) -> Option<Change> {
        let Expr::Function(call) = wrong.sql else { return None };
        let FunctionArguments::List(list) = &call.args else { return None };
        list.duplicate_treatment?;
        let arguments = tree::arguments(call);
        let [first, .., end] = arguments.as_slice() else { return self.ordered_by_itself(wrong, call) };
        let row = tree::call("struct", &arguments)?;
        let mut mended = call.clone();
        if let FunctionArguments::List(list) = &mut mended.args {
            list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(row))];
        }
        if self.plan(&Expr::Function(mended), wrong.leaves).is_err() {
            return self.ordered_by_itself(wrong, call);
        }
        let range = self.source.exact(first).start..self.source.exact(end).end;
        let text = format!("struct({})", self.source.slice(&range));
        Some(Change { range, hint: format!("make one value of them: `{text}`"), text })
    }

    /// Returns the change by which a list of distinct values is in their own order.
    fn ordered_by_itself(&self, wrong: &Wrong<'_>, call: &Function) -> Option<Change> {
        let first = tree::arguments(call).first()?.clone();
        let mut mended = call.clone();
        let FunctionArguments::List(list) = &mut mended.args else { return None };
        let orders = list.clauses.iter_mut().find_map(|clause| match clause {
            FunctionArgumentClause::OrderBy(orders) => Some(orders),
            _ => None,
        })?;
        let [only] = orders.as_mut_slice() else { return None };
        let range = self.source.exact(&only.expr);
        only.expr = first.clone();
        self.plan(&Expr::Function(mended), wrong.leaves).ok()?;
        let text = self.source.slice(&self.source.exact(&first)).to_owned();
        Some(Change { range, hint: format!("distinct values have no order but their own: `ORDER BY {text}`"), text })
    }

    /// Tells what was found by trying a call.
    pub(super) fn told_by_trying(&mut self, wrong: &Wrong<'_>, message: String, change: Option<Change>) {
        let finding = self.source.error(self.source.exact(wrong.sql), message);
        self.findings.push(match change {
            Some(Change { range, text, hint }) => finding.hint(hint).fix(self.source.place(range), text),
            None => finding,
        });
    }

    /// Tells of a literal with its type before it, as `DATE '2026-02-30'`.
    pub(super) fn typed_text(&mut self, wrong: &Wrong<'_>, typed: &TypedString) {
        let null = Expr::Value(Value::Null.with_empty_span());
        let cast = tree::cast(&null, &typed.data_type.to_string());
        let meant = cast.and_then(|cast| self.plan(&cast, wrong.leaves).ok()).map(|(_, data_type)| data_type);
        if meant.is_some_and(|data_type| self.unreadable_value(&typed.value, &data_type, Beside::Value)) {
            return;
        }
        let range = self.source.exact(wrong.sql);
        let message = format!("`{}` cannot be read", self.source.slice(&range));
        self.findings.push(self.source.error(range, message));
    }

    /// Tells of an EXTRACT from what is no date.
    pub(super) fn extract(&mut self, wrong: &Wrong<'_>, from: &DataType) {
        let message = format!("`extract` does not take {}", spelled(from));
        if from.is_numeric() {
            let range = self.source.exact(wrong.sql);
            let finding = self.source.error(range, message);
            return self.findings.push(finding.hint("it takes a date, a timestamp or an interval"));
        }
        self.with_cast(wrong, message);
    }

    /// Tells of a call in a syntax of its own, as `substring(text FROM 2)`.
    pub(super) fn special_call(&mut self, wrong: &Wrong<'_>) {
        let range = self.source.exact(wrong.sql);
        let name = self.source.slice(&range).split('(').next().unwrap_or_default().trim().to_lowercase();
        let before = self.findings.len();
        if let [only] = wrong.types
            && matches!(wrong.sql, Expr::Substring { .. } | Expr::Position { .. })
            && *only != DataType::Null
        {
            self.findings.push(self.source.error(range, format!("`{name}` does not take 1 argument")));
        } else {
            let given: Vec<String> = wrong.types.iter().map(spelled).collect();
            self.with_cast(wrong, format!("`{name}` does not take ({})", given.join(", ")));
        }
        let usage = self.usage(&name);
        if let Some(finding) = self.findings.get_mut(before).filter(|finding| finding.hint.is_none()) {
            finding.hint = usage;
        }
    }

    /// Tells of `cast(x, type)`, which is written with `AS`.
    pub(super) fn cast_without_as(&mut self, call: &Function) -> bool {
        let name = tree::parts(&call.name).join(".");
        let arguments = tree::arguments(call);
        let [value, to] = arguments.as_slice() else { return false };
        if !["cast", "try_cast"].contains(&name.as_str()) {
            return false;
        }
        let range = self.source.exact(&Expr::Function(call.clone()));
        let [value, to] = [value, to].map(|part| self.source.slice(&self.source.exact(part)).to_owned());
        let text = format!("{}({value} AS {})", name.to_uppercase(), to.trim_matches('\''));
        let finding = self.source.error(range.clone(), "the type of a cast stands behind `AS`");
        self.findings.push(finding.hint(format!("write `{text}`")).fix(self.source.place(range), text));
        true
    }
}

fn takes_star(call: &Function) -> bool {
    let FunctionArguments::List(list) = &call.args else { return false };
    list.args.iter().any(|argument| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Wildcard)))
}
