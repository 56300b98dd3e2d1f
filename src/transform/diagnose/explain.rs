//! Why an operator, a call or a cast is wrong while its operands are right.
//!
//! In: the smallest wrong expression, its operands and their types. Out: one finding that names the types as SQL does, and
//! what to do. A cast is proposed only after it was tried: the hint is what the engine accepts.

use std::ops::Range;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::NaiveDate;
use datafusion::{
    error::DataFusionError,
    logical_expr::Documentation,
    sql::sqlparser::ast::{BinaryOperator, Expr, Function, Value},
};

use super::{Walk, dialects, expression::Leaves, readable::Beside, tree, types::spelled};
use crate::{
    engine::{Problem, clash, probe, user_function::UserFunction},
    record::diagnostic::nearest,
};

/// The types that a cast is tried to, where no operand says which.
const TRIED: [&str; 6] = ["DOUBLE", "BIGINT", "DATE", "TIMESTAMP", "VARCHAR", "BOOLEAN"];

/// The same for a comparison, where a text is the honest common ground.
const COMPARED: [&str; 1] = ["VARCHAR"];

/// An expression with its operands, of which only the combination is wrong.
pub(super) struct Wrong<'a> {
    pub(super) sql: &'a Expr,
    pub(super) operands: &'a [Expr],
    pub(super) types: &'a [DataType],
    pub(super) leaves: &'a Leaves,
}

/// A cast that would mend an expression.
struct Mend {
    range: Range<usize>,
    text: String,
}

impl Walk<'_> {
    /// Tells why an expression is wrong.
    pub(super) fn explain(
        &mut self,
        sql: &Expr,
        operands: &[Expr],
        types: &[DataType],
        leaves: &Leaves,
        error: &DataFusionError,
    ) {
        let wrong = Wrong { sql, operands, types, leaves };
        if probe::is_told(error) {
            if self.unreadable_moment(&wrong) {
                return;
            }
            let hint = self.mended_distinct(&wrong);
            self.told_by_trying(&wrong, Problem::new(error, self.source.body()).message, hint);
            let is_constant = matches!(sql, Expr::BinaryOp { .. }) || !operands.iter().any(tree::names_anything);
            if let (true, Some(finding)) = (is_constant, self.findings.last_mut()) {
                finding.hint.get_or_insert_with(|| "it has a value in no row: correct it, or write `NULL`".to_owned());
            }
            return;
        }
        match (sql, types) {
            (Expr::BinaryOp { op, .. }, [left, right]) => self.operator(&wrong, op, left, right),
            (Expr::Between { .. } | Expr::InList { .. }, [first, rest @ ..]) => self.members(&wrong, first, rest),
            (Expr::Case { .. }, _) => self.case(&wrong),
            (Expr::Cast { data_type, .. }, [from]) => self.cast(sql, data_type, from, leaves),
            (Expr::TypedString(text), _) => self.typed_text(&wrong, text),
            (Expr::Extract { .. }, [from]) => self.extract(&wrong, from),
            (
                Expr::Substring { .. }
                | Expr::Position { .. }
                | Expr::Trim { .. }
                | Expr::Overlay { .. }
                | Expr::Ceil { .. }
                | Expr::Floor { .. },
                _,
            ) => self.special_call(&wrong),
            (Expr::Interval(interval), _) => self.interval(sql, interval),
            (Expr::Function(function), _) if self.lacks_window(function) => self.without_window(function),
            (Expr::Function(function), _) => self.function(&wrong, function),
            (Expr::UnaryOp { op, .. }, [only]) => {
                self.with_cast(&wrong, format!("`{op}` does not take {}", spelled(only)));
            }
            (Expr::Like { .. } | Expr::ILike { .. } | Expr::SimilarTo { .. }, [text, pattern, ..]) => {
                let message = format!("LIKE compares texts, not {} with {}", spelled(text), spelled(pattern));
                self.with_cast(&wrong, message);
            }
            _ => {
                let problem = Problem::new(error, self.source.body());
                self.plain(&wrong, problem.message, problem.hint);
            }
        }
    }

    /// Tells of a text that a function cannot read as a date or a time.
    fn unreadable_moment(&mut self, wrong: &Wrong<'_>) -> bool {
        let (Expr::Function(function), [text]) = (wrong.sql, wrong.operands) else { return false };
        let read = match tree::parts(&function.name).join(".").as_str() {
            "to_date" | "date" => DataType::Date32,
            name if name.starts_with("to_timestamp") => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => return false,
        };
        self.unreadable(text, &read, Beside::Value)
    }

    fn plain(&mut self, wrong: &Wrong<'_>, message: String, hint: Option<String>) {
        let mut finding = self.source.error(self.source.exact(wrong.sql), message);
        finding.hint = hint;
        self.findings.push(finding);
    }

    pub(super) fn with_cast(&mut self, wrong: &Wrong<'_>, message: String) {
        let range = self.source.exact(wrong.sql);
        let is_comparison = message.starts_with("cannot compare");
        if is_comparison && self.days_for_numbers(wrong, &range, &message) {
            return;
        }
        let candidates = candidates(wrong.types, if is_comparison { &COMPARED } else { &TRIED });
        let mend = self.cast_among(wrong, &candidates);
        self.tell(range, message, mend);
    }

    /// Tells of a date beside a number, most often one that lost its quotes: a cast of one would hide the mistake.
    fn days_for_numbers(&mut self, wrong: &Wrong<'_>, range: &Range<usize>, message: &str) -> bool {
        let types = wrong.types;
        let counts = |at: &usize| types.iter().any(|other| clash::counts_days(&types[*at], other));
        let Some(at) = (0..types.len()).filter(counts).find(|at| types[*at].is_numeric()) else { return false };
        let finding = self.source.error(range.clone(), message);
        let number = wrong.operands.get(at).map(|operand| self.source.exact(operand)).unwrap_or_default();
        self.findings.push(match unquoted_date(self.source.slice(&number)) {
            Some(date) => {
                let text = format!("DATE '{date}'");
                finding.hint(format!("quote it: `{text}`")).fix(self.source.place(number), text)
            }
            None if wrong.operands.get(at).is_some_and(tree::names_anything) => finding.hint(clash::OTHER_COLUMN),
            None => finding.hint(clash::A_DATE),
        });
        true
    }

    fn tell(&mut self, range: Range<usize>, message: String, mend: Option<Mend>) {
        let mut finding = self.source.error(range, message);
        if let Some(mend) = mend {
            finding =
                finding.hint(format!("cast it so: `{}`", mend.text)).fix(self.source.place(mend.range), mend.text);
        }
        self.findings.push(finding);
    }

    /// Tells which side of an AND or OR is no condition.
    fn side(&mut self, wrong: &Wrong<'_>, op: &BinaryOperator) {
        let is_condition = |data_type: &DataType| matches!(data_type, DataType::Boolean | DataType::Null);
        let at = wrong.types.iter().position(|data_type| !is_condition(data_type)).unwrap_or_default();
        let range = self.source.exact(&wrong.operands[at]);
        let message = format!("this side of {op} is {}, not BOOLEAN", spelled(&wrong.types[at]));
        let hint = format!("compare it with something, such as `{} IS NOT NULL`", self.source.slice(&range));
        self.findings.push(self.source.error(range, message).hint(hint));
    }

    fn operator(&mut self, wrong: &Wrong<'_>, op: &BinaryOperator, left: &DataType, right: &DataType) {
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            return self.side(wrong, op);
        }
        let [one, other] = wrong.operands else { return };
        if self.unreadable(one, right, Beside::Value) || self.unreadable(other, left, Beside::Value) {
            return;
        }
        let (left, right) = (spelled(left), spelled(right));
        let message = match op {
            BinaryOperator::Plus => format!("cannot add {right} to {left}"),
            BinaryOperator::Minus => format!("cannot subtract {right} from {left}"),
            BinaryOperator::Multiply => format!("cannot multiply {left} by {right}"),
            BinaryOperator::Divide => format!("cannot divide {left} by {right}"),
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => format!("cannot compare {left} with {right}"),
            _ => format!("`{op}` does not take {left} and {right}"),
        };
        self.with_cast(wrong, message);
    }

    /// Tells which member of an IN or which bound of a BETWEEN does not compare.
    fn members(&mut self, wrong: &Wrong<'_>, first: &DataType, rest: &[DataType]) {
        for literal in &wrong.operands[1..] {
            if self.unreadable(literal, first, Beside::Value) {
                return;
            }
        }
        let compares =
            |at: usize| super::coercion::compares(first, &rest[at]) || tree::is_text_literal(&wrong.operands[at + 1]);
        let odd = (0..rest.len()).find(|at| !compares(*at));
        // Members that compare one by one may have no type in common.
        let at = odd.or_else(|| rest.iter().position(|other| other != first)).map_or(0, |at| at + 1);
        let range = if at == 0 { self.source.exact(wrong.sql) } else { self.source.exact(&wrong.operands[at]) };
        let other = wrong.types.get(at.max(1)).unwrap_or(first);
        let message = format!("cannot compare {} with {}", spelled(first), spelled(other));
        if self.days_for_numbers(wrong, &range, &message) {
            return;
        }
        let mend = self.cast_among(wrong, &[(at, spelled(first)), (at, "VARCHAR".to_owned())]);
        self.tell(range, message, mend);
    }

    /// Tells which branch of a CASE has another type, or which condition is none.
    fn case(&mut self, wrong: &Wrong<'_>) {
        let Expr::Case { operand, conditions, .. } = wrong.sql else { return };
        let skipped = usize::from(operand.is_some());
        let is_when =
            |at: &usize| *at >= skipped && *at < skipped + 2 * conditions.len() && (*at - skipped).is_multiple_of(2);
        let results: Vec<usize> = (skipped..wrong.types.len()).filter(|at| !is_when(at)).collect();
        if let Some((at, expected)) = odd(wrong, &results) {
            let message =
                format!("this branch of CASE is {}, another is {}", spelled(&wrong.types[at]), spelled(&expected));
            if self.unreadable(&wrong.operands[at], &expected, Beside::Column) {
                return;
            }
            let range = self.source.exact(&wrong.operands[at]);
            if clash::counts_days(&wrong.types[at], &expected) {
                return self.findings.push(self.source.error(range, message).hint("write NULL where there is none"));
            }
            let mend = self.cast_among(wrong, &[(at, spelled(&expected)), (at, "VARCHAR".to_owned())]);
            return self.tell(range, message, mend);
        }
        let wanted = operand.as_ref().and_then(|_| wrong.types.first()).unwrap_or(&DataType::Boolean);
        let fits = |at: &usize| super::coercion::compares(wanted, &wrong.types[*at]);
        match (skipped..wrong.types.len()).filter(is_when).find(|at| !fits(at)) {
            Some(at) if self.unreadable(&wrong.operands[at], wanted, Beside::Value) => {}
            Some(at) => {
                let message = format!("this WHEN is {} where {} is needed", spelled(&wrong.types[at]), spelled(wanted));
                let mend = self.cast_among(wrong, &[(at, spelled(wanted))]);
                self.tell(self.source.exact(&wrong.operands[at]), message, mend);
            }
            None => self.with_cast(wrong, "the parts of this CASE do not fit together".to_owned()),
        }
    }

    fn function(&mut self, wrong: &Wrong<'_>, function: &Function) {
        if let Some(at) = wrong_filter(wrong, function) {
            let range = self.source.exact(&wrong.operands[at]);
            let message = format!("the condition of FILTER is {}, not BOOLEAN", spelled(&wrong.types[at]));
            let hint = format!("compare it with something, such as `{} IS NOT NULL`", self.source.slice(&range));
            return self.findings.push(self.source.error(range, message).hint(hint));
        }
        let name = tree::parts(&function.name).join(".");
        let given: Vec<String> =
            tree::arguments(function).iter().filter_map(|argument| type_of(wrong, argument)).collect();
        let range = self.source.exact(wrong.sql);
        let usage = self.usage(&name);
        if given.is_empty() || !self.takes_nulls(wrong, function) {
            let count = match given.len() {
                0 => "no argument".to_owned(),
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            let mut finding = self.source.error(range, format!("`{name}` does not take {count}"));
            finding.hint = usage;
            return self.findings.push(finding);
        }
        if clash::unites(&name) && self.odd_literal(wrong) {
            return;
        }
        if self.odd_argument(wrong, function, &name) || self.odd_trimming(wrong, function, &name) {
            return;
        }
        let message = format!("`{name}` does not take ({})", given.join(", "));
        if self.days_for_numbers(wrong, &range, &message) {
            return;
        }
        let casts = match self.own(&name) {
            Some(own) => own.misfits(wrong.types).map(|(at, wanted)| (at, spelled(wanted))).collect(),
            None => candidates(wrong.types, &TRIED),
        };
        let mend = self.cast_among(wrong, &casts);
        let has_cast = mend.is_some();
        self.tell(range, message, mend);
        if let (false, Some(finding)) = (has_cast, self.findings.last_mut()) {
            finding.hint = usage;
        }
    }

    /// Returns whether a function takes so many arguments, whatever their types.
    fn takes_nulls(&self, wrong: &Wrong<'_>, function: &Function) -> bool {
        let mut nulls = wrong.sql.clone();
        for at in 0..tree::arguments(function).len() {
            nulls = tree::with_child(&nulls, at, Expr::Value(Value::Null.with_empty_span()));
        }
        // A literal may be asked for; then the count is not what is wrong.
        let asks_literal = |error: DataFusionError| !error.strip_backtrace().contains("expect");
        self.plan(&nulls, wrong.leaves).map_or_else(asks_literal, |_| true)
    }

    /// Returns a function that the project defines.
    fn own(&self, name: &str) -> Option<&UserFunction> {
        self.state.scalar_functions().get(name)?.inner().downcast_ref::<UserFunction>()
    }

    /// Says how a function is called.
    pub(super) fn usage(&self, name: &str) -> Option<String> {
        let documented = |documentation: &Documentation| format!("it is called so: `{}`", documentation.syntax_example);
        let known = self.state.scalar_functions().get(name);
        if let Some(own) = self.own(name) {
            return Some(format!("it is called so: `{}`", own.spelled()));
        }
        let scalar = known.and_then(|function| function.documentation().map(documented));
        let aggregate = || self.state.aggregate_functions().get(name)?.documentation().map(documented);
        let window = || self.state.window_functions().get(name)?.documentation().map(documented);
        scalar.or_else(aggregate).or_else(window).or_else(|| crate::engine::functions::usage(name))
    }

    /// Tells that nobody knows a function.
    pub(super) fn unknown_function(&mut self, function: &Function) {
        let name = tree::parts(&function.name).join(".");
        let range = self.source.name(&function.name);
        let known = self.state.scalar_functions().keys();
        let known = known.chain(self.state.aggregate_functions().keys()).chain(self.state.window_functions().keys());
        let finding = self.source.error(range.clone(), format!("unknown function `{name}`"));
        if let Some(ours) = dialects::instead(&name) {
            return self.findings.push(finding.hint(format!("write `{ours}`")));
        }
        self.findings.push(match nearest(&name, known.map(String::as_str)) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
            None => finding.hint("no function has a name like it"),
        });
    }

    /// Returns the first cast of an operand with which the expression is right.
    fn cast_among(&self, wrong: &Wrong<'_>, candidates: &[(usize, String)]) -> Option<Mend> {
        candidates.iter().find_map(|(at, to)| {
            let operand = wrong.operands.get(*at)?;
            // The query of an IN is no value that could be cast.
            if tree::is_subquery(operand) {
                return None;
            }
            let mended = tree::with_child(wrong.sql, *at, tree::cast(operand, to)?);
            self.plan(&mended, wrong.leaves).ok()?;
            let range = self.source.exact(operand);
            let text = format!("CAST({} AS {to})", self.source.slice(&range));
            Some(Mend { range, text })
        })
    }
}

/// Returns casts worth trying: a text to the type beside it, one operand to the other's type, then common types.
fn candidates(types: &[DataType], common: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut order: Vec<usize> = (0..types.len()).collect();
    order.sort_by_key(|at| (spelled(&types[*at]) != "VARCHAR", std::cmp::Reverse(*at)));
    for at in &order {
        let others = (0..types.len()).filter(|other| other != at).map(|other| (*at, spelled(&types[other])));
        found.extend(others);
    }
    for tried in common {
        found.extend(order.iter().map(|at| (*at, (*tried).to_owned())));
    }
    found.retain(|(at, to)| spelled(&types[*at]) != *to && to != "NULL");
    found
}

/// Returns the operand that is the condition of a FILTER and no condition.
fn wrong_filter(wrong: &Wrong<'_>, function: &Function) -> Option<usize> {
    let filter = function.filter.as_deref()?;
    let at = wrong.operands.iter().position(|operand| operand == filter)?;
    (!matches!(wrong.types[at], DataType::Boolean | DataType::Null)).then_some(at)
}

/// Returns the date that a number without quotes was meant to be.
fn unquoted_date(written: &str) -> Option<String> {
    let parts: Vec<&str> = written.split('-').map(str::trim).collect();
    let date = match parts.as_slice() {
        [year, month, day] => NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?),
        [digits] if digits.len() == 8 => NaiveDate::parse_from_str(digits, "%Y%m%d").ok(),
        _ => None,
    };
    date.map(|date| date.to_string())
}

/// Returns the operand without which the others have one type, and that type.
fn odd(wrong: &Wrong<'_>, among: &[usize]) -> Option<(usize, DataType)> {
    let types: Vec<DataType> = among.iter().map(|at| wrong.types[*at].clone()).collect();
    super::coercion::odd_one(&types).map(|(at, expected)| (among[at], expected))
}

fn type_of(wrong: &Wrong<'_>, argument: &Expr) -> Option<String> {
    let at = wrong.operands.iter().position(|operand| operand == argument)?;
    wrong.types.get(at).map(spelled)
}
