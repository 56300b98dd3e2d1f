//! Typed SQL parameters: `$run_date`, `$timezone` and the pipeline's variables become literals of the parsed SQL.
//!
//! They are put into the syntax tree, not into the text and not into the plan: the planner then sees their types, and
//! which of them a statement uses is known before it is planned.

use std::{collections::BTreeMap, collections::BTreeSet, ops::ControlFlow};

use chrono::NaiveDate;
use chrono_tz::Tz;
use datafusion::{
    error::DataFusionError,
    sql::sqlparser::ast::{DataType, Expr, TypedString, Value, VisitMut, VisitorMut},
};

use crate::define::project::Variable;

/// How it is said that a parameter does not exist; its name follows.
const UNKNOWN: &str = "unknown parameter `";

/// Says that a parameter does not exist.
#[must_use]
pub fn unknown(name: &str) -> String {
    format!("{UNKNOWN}${name}`")
}

/// Returns the parameter, with its `$`, of which a message says that it does not exist: the engine hands on nothing but words.
#[must_use]
pub fn said_unknown(message: &str) -> Option<&str> {
    message.strip_prefix(UNKNOWN)?.split('`').next()
}

/// The parameters of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// `$run_date`.
    pub run_date: NaiveDate,
    /// `$timezone`.
    pub timezone: Tz,
    /// The pipeline's variables.
    pub variables: BTreeMap<String, Variable>,
}

impl Parameters {
    /// Returns the names that SQL may use, without the `$`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        ["run_date", "timezone"].into_iter().chain(self.variables.keys().map(String::as_str))
    }

    /// Returns the value of a parameter as SQL text, as a fingerprint sees it.
    #[must_use]
    pub fn literal(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.to_string())
    }

    /// Replaces every `$name` in a syntax tree by its typed literal and returns the names that occurred.
    ///
    /// # Errors
    /// As a plan error, the first name that is no parameter.
    pub fn substitute(&self, tree: &mut impl VisitMut) -> Result<BTreeSet<String>, DataFusionError> {
        let mut substitution = Substitution { parameters: self, used: BTreeSet::new() };
        match tree.visit(&mut substitution) {
            ControlFlow::Break(name) => Err(DataFusionError::Plan(unknown(&name))),
            ControlFlow::Continue(()) => Ok(substitution.used),
        }
    }

    fn value(&self, name: &str) -> Option<Expr> {
        let typed = |data_type, text: String| {
            Expr::TypedString(TypedString {
                data_type,
                value: Value::SingleQuotedString(text).with_empty_span(),
                uses_odbc_syntax: false,
            })
        };
        let plain = |value: Value| Expr::Value(value.with_empty_span());
        Some(match name {
            "run_date" => typed(DataType::Date, self.run_date.to_string()),
            "timezone" => plain(Value::SingleQuotedString(self.timezone.name().to_owned())),
            other => match self.variables.get(other)? {
                Variable::Boolean(value) => plain(Value::Boolean(*value)),
                Variable::Integer(value) => plain(Value::Number(value.to_string(), false)),
                Variable::Double(value) => {
                    typed(DataType::Double(datafusion::sql::sqlparser::ast::ExactNumberInfo::None), value.to_string())
                }
                Variable::Date(value) => typed(DataType::Date, value.to_string()),
                Variable::Text(value) => plain(Value::SingleQuotedString(value.clone())),
            },
        })
    }
}

struct Substitution<'a> {
    parameters: &'a Parameters,
    used: BTreeSet<String>,
}

impl VisitorMut for Substitution<'_> {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(placeholder) = &value.value else { return ControlFlow::Continue(()) };
        let name = placeholder.trim_start_matches('$').to_owned();
        let Some(literal) = self.parameters.value(&name) else { return ControlFlow::Break(name) };
        let span = value.span;
        *expr = literal;
        if let Expr::Value(value) | Expr::TypedString(TypedString { value, .. }) = expr {
            value.span = span;
        }
        self.used.insert(name);
        ControlFlow::Continue(())
    }
}
