//! Types that do not go together: a text that is taken for a number, a date or a condition, and a date for a number.
//!
//! In: a plan before its types are coerced, where a cast that somebody wrote is still told from one that the engine adds.
//! Out: the first place at which the engine would add one that reads a text, or numbers the days. DataFusion does so silently,
//! and the night fails at the first text that is none, or compares days with `2026 - 1 - 1`; `PostgreSQL` and `DuckDB` ask for a
//! cast. A text literal is what SQL writes for values of many types and may stand wherever it can be read as one.
//!
//! On the same way what [`super::probe`] finds is told: calls that fail whatever the row. Deliberately silent where types are equal
//! or not known, about text made of other types (`concat(name, 5)`), and above a column whose type is decided by more than its
//! first branch.

use std::{fmt, sync::Arc};

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::{
        Column, DFSchema, Diagnostic, ExprSchema, NullEquality, ScalarValue, Span,
        tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor},
    },
    error::{DataFusionError, Result},
    logical_expr::{
        BinaryExpr, Case, Expr, ExprSchemable, Join, LogicalPlan, Operator, Union, WindowFunctionDefinition,
        type_coercion::functions::{UDFCoercionExt, fields_with_udf},
        utils::merge_schema,
    },
};

use super::{probe, types::spelled};

/// Functions whose arguments become values of one column, or are compared.
const UNITING: [&str; 6] = ["coalesce", "greatest", "least", "nullif", "nvl", "ifnull"];

/// Functions that read days, and take a number for one.
const OF_DAYS: [&str; 4] = ["date_bin", "date_part", "date_trunc", "to_char"];

/// What values of a type are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Text,
    Number,
    /// A date or a timestamp.
    Day,
    Time,
    Interval,
    Boolean,
}

/// Returns an error if types clash anywhere in a plan, whose types are not coerced yet.
///
/// # Errors
/// The clash, with the place of a column in it.
pub fn refuse(plan: &LogicalPlan) -> Result<()> {
    plan.visit_with_subqueries(&mut Walk).map(drop)
}

/// Returns an error if types clash anywhere in an expression, whose types are not coerced yet.
///
/// # Errors
/// As [`refuse`].
pub fn refuse_in(expr: &Expr, schema: &DFSchema) -> Result<()> {
    expr.apply(|part| match part_fault(part, schema) {
        Some(fault) => Err(fault),
        None => Ok(TreeNodeRecursion::Continue),
    })
    .map(drop)
}

/// Returns whether a value of one type is never taken for one of another without a cast.
#[must_use]
pub fn clashes(left: &DataType, right: &DataType) -> bool {
    matches!((family(left), family(right)), (Some(left), Some(right)) if clash(left, right))
}

/// Returns whether the arguments of a function become values of one column, or are compared.
#[must_use]
pub fn unites(function: &str) -> bool {
    UNITING.contains(&function)
}

/// Returns whether a text in quotes may stand for a value of a type.
#[must_use]
pub fn is_readable(text: &str, data_type: &DataType) -> bool {
    matches!(data_type, DataType::Null) || can_be_read(&ScalarValue::from(text), data_type)
}

/// Returns whether one of two types is a date or a timestamp and the other a number, of which no cast makes sense.
#[must_use]
pub fn counts_days(left: &DataType, right: &DataType) -> bool {
    matches!(
        (family(left), family(right)),
        (Some(Family::Day), Some(Family::Number)) | (Some(Family::Number), Some(Family::Day))
    )
}

/// How a date is written, for a hint.
pub const A_DATE: &str = "a date is written so: `DATE '2026-01-31'`";

/// What is said of a column of numbers beside one of dates, for a hint.
pub const OTHER_COLUMN: &str = "dates compare with dates alone: one of the two is probably another column";

fn clash(left: Family, right: Family) -> bool {
    use Family::{Day, Number, Text};
    left != right && (left == Text || right == Text || matches!((left, right), (Day, Number) | (Number, Day)))
}

fn family(data_type: &DataType) -> Option<Family> {
    Some(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Family::Text,
        DataType::Dictionary(_, value) => return family(value),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Family::Day,
        DataType::Time32(_) | DataType::Time64(_) => Family::Time,
        DataType::Interval(_) | DataType::Duration(_) => Family::Interval,
        DataType::Boolean => Family::Boolean,
        number if number.is_numeric() => Family::Number,
        _ => return None,
    })
}

/// Two types that do not go together.
#[derive(Debug)]
struct Clash {
    message: String,
    hint: String,
    span: Option<Span>,
}

impl Clash {
    fn into_error(self) -> DataFusionError {
        let diagnostic = Diagnostic::new_error(&self.message, self.span).with_help(self.hint, None);
        DataFusionError::Plan(self.message).with_diagnostic(diagnostic)
    }

    /// Two values that are compared, or stand in one column.
    fn between(what: &str, left: &Value<'_>, right: &Value<'_>) -> Self {
        let left_is_meant = left.family() == Some(Family::Text) && (left.name.is_some() || right.name.is_none());
        let (text, other) = if left_is_meant { (left, right) } else { (right, left) };
        let with = if what == "cannot compare" { "with" } else { "and" };
        let hint = match counts_days(&left.data_type, &right.data_type) {
            true => A_DATE.to_owned(),
            false => text.cast_hint(&spelled(&other.data_type)),
        };
        Self { message: format!("{what} {left} {with} {right}"), hint, span: left.span.or(right.span) }
    }

    /// A value where one of another type is needed.
    fn instead(what: &str, expr: &Expr, wanted: &str, schema: &DFSchema) -> Self {
        let value = Value::of(expr, schema);
        Self { message: format!("{what} takes {wanted}, not {value}"), hint: value.cast_hint(wanted), span: value.span }
    }
}

/// A value as a user knows it: a column with its type, and anything else by its type.
#[derive(Debug)]
struct Value<'e> {
    /// Name of the column, if it is one.
    name: Option<&'e str>,
    data_type: DataType,
    span: Option<Span>,
}

impl<'e> Value<'e> {
    fn of(expr: &'e Expr, schema: &DFSchema) -> Self {
        let name = match bare(expr) {
            Expr::Column(column) => Some(column.name.as_str()),
            _ => None,
        };
        let span = expr.column_refs().into_iter().find_map(|column| column.spans.first());
        Self { name, data_type: expr.get_type(schema).unwrap_or(DataType::Null), span }
    }

    fn family(&self) -> Option<Family> {
        family(&self.data_type)
    }

    fn cast_hint(&self, to: &str) -> String {
        match self.name {
            Some(name) => format!("cast it so: `CAST({name} AS {to})`"),
            None => "cast it to say what is meant".to_owned(),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data_type = spelled(&self.data_type);
        match self.name {
            Some(name) => write!(f, "`{name}` ({data_type})"),
            None => f.write_str(&data_type),
        }
    }
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

/// Returns the text of a literal.
fn text_literal(expr: &Expr) -> Option<&ScalarValue> {
    match bare(expr) {
        Expr::Literal(value, _) if family(&value.data_type()) == Some(Family::Text) => Some(value),
        _ => None,
    }
}

/// Walks through a plan from its inputs up, and stops above a column whose type is not certain before types are coerced.
struct Walk;

impl<'n> TreeNodeVisitor<'n> for Walk {
    type Node = LogicalPlan;

    fn f_down(&mut self, _: &'n LogicalPlan) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn f_up(&mut self, node: &'n LogicalPlan) -> Result<TreeNodeRecursion> {
        let fault = match node {
            LogicalPlan::Union(union) => union_clash(union).map(Clash::into_error),
            LogicalPlan::TableScan(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Values(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::RecursiveQuery(_) => None,
            LogicalPlan::Join(join) => {
                let schema = merge_schema(&node.inputs());
                join_clash(join, &schema).map(Clash::into_error).or_else(|| node_fault(node, &schema))
            }
            _ => match node.inputs().as_slice() {
                [input] => node_fault(node, input.schema()),
                _ => None,
            },
        };
        match fault {
            Some(fault) => Err(fault),
            None if is_uncertain(node) => Ok(TreeNodeRecursion::Stop),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }
}

/// Returns what is wrong with the expressions of a node.
fn node_fault(node: &LogicalPlan, schema: &DFSchema) -> Option<DataFusionError> {
    let mut found = match node {
        LogicalPlan::Filter(filter) => condition_clash("a condition", &filter.predicate, schema),
        _ => None,
    }
    .map(Clash::into_error);
    let _ = node.apply_expressions(|expr| {
        expr.apply(|part| {
            found = found.take().or_else(|| part_fault(part, schema));
            Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    });
    found
}

/// Returns a clash between the sides of a join; those of EXCEPT and INTERSECT are branches that may give literals.
fn join_clash(join: &Join, schema: &DFSchema) -> Option<Clash> {
    let is_of_branches = join.null_equality == NullEquality::NullEqualsNull;
    for (left, right) in &join.on {
        let gives_text =
            |side: &Expr, plan| matches!(side, Expr::Column(column) if gives_literal(plan, column).is_some());
        if is_of_branches && (gives_text(left, &join.left) || gives_text(right, &join.right)) {
            continue;
        }
        // Both sides of EXCEPT may call a column the same.
        let (on_left, on_right) = (kind(left, join.left.schema()), kind(right, join.right.schema()));
        if matches!((on_left, on_right), (Some(left), Some(right)) if clash(left, right)) {
            return Some(match is_of_branches {
                true => branch_clash(left, join.left.schema(), right, join.right.schema()),
                false => Clash::between("cannot compare", &Value::of(left, schema), &Value::of(right, schema)),
            });
        }
    }
    let filter = join.filter.as_ref()?;
    condition_clash("a condition", filter, schema)
}

fn branch_clash(left: &Expr, left_schema: &DFSchema, right: &Expr, right_schema: &DFSchema) -> Clash {
    let types = [left.get_type(left_schema), right.get_type(right_schema)].map(|own| own.unwrap_or(DataType::Null));
    united_clash(&left.schema_name().to_string(), &types[0], &types[1])
}

fn united_clash(name: &str, first: &DataType, other: &DataType) -> Clash {
    let message = format!("`{name}` is {} in one branch and {} in another", spelled(first), spelled(other));
    let hint = match counts_days(first, other) {
        true => "a column holds dates or numbers, not both".to_owned(),
        false => "cast it in one of them".to_owned(),
    };
    Clash { message, hint, span: None }
}

/// Returns a clash between the branches of a UNION.
fn union_clash(union: &Union) -> Option<Clash> {
    (0..union.schema.fields().len()).find_map(|at| {
        let mut expected: Option<(Family, &DataType)> = None;
        let mut texts = Vec::new();
        for input in &union.inputs {
            let data_type = input.schema().fields().get(at)?.data_type();
            let Some(own) = family(data_type) else { continue };
            match (expected, own) {
                (Some((first, _)), own) if first == own => {}
                (_, Family::Text) if literal_at(input, at).is_some() => texts.extend(literal_at(input, at)),
                (Some((first, first_type)), own) if clash(first, own) => {
                    return Some(united_clash(union.schema.field(at).name(), first_type, data_type));
                }
                (Some(_), _) => {}
                (None, own) => expected = Some((own, data_type)),
            }
        }
        let (_, data_type) = expected?;
        let odd = texts.into_iter().find(|text| !can_be_read(text, data_type))?;
        Some(unreadable(odd, data_type, None))
    })
}

/// Returns the text that is a column of a plan in all rows.
fn literal_at(plan: &LogicalPlan, at: usize) -> Option<&ScalarValue> {
    match plan {
        LogicalPlan::Projection(projection) => match bare(projection.expr.get(at)?) {
            Expr::Column(column) => gives_literal(&projection.input, column),
            own => text_literal(own),
        },
        LogicalPlan::SubqueryAlias(alias) => literal_at(&alias.input, at),
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(_) => {
            literal_at(plan.inputs().first()?, at)
        }
        LogicalPlan::Union(union) => union.inputs.iter().find_map(|input| literal_at(input, at)),
        _ => None,
    }
}

fn gives_literal<'p>(plan: &'p LogicalPlan, column: &Column) -> Option<&'p ScalarValue> {
    literal_at(plan, plan.schema().index_of_column(column).ok()?)
}

/// Returns whether the engine will give a column above a node another type than it has there.
fn is_uncertain(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Union(union) => (0..union.schema.fields().len()).any(|at| {
            let kind = |plan: &Arc<LogicalPlan>| family(plan.schema().field(at).data_type());
            let first = union.inputs.first().and_then(kind);
            first == Some(Family::Text) && union.inputs.iter().any(|input| kind(input) != first)
        }),
        LogicalPlan::Projection(projection) => projection.expr.iter().any(|expr| {
            let mut is_mixed = false;
            let _ = expr.apply(|part| {
                if let Expr::Case(case) = part {
                    let mut results = results(case);
                    is_mixed |= results.next().is_some_and(|first| text_literal(first).is_some())
                        && results.any(|other| kind(other, projection.input.schema()) != Some(Family::Text));
                }
                Ok(TreeNodeRecursion::Continue)
            });
            is_mixed
        }),
        _ => false,
    }
}

/// Returns what values of an expression are like; None where that is not known.
fn kind(expr: &Expr, schema: &DFSchema) -> Option<Family> {
    match expr {
        Expr::Column(column) => schema.data_type(column).ok().and_then(family),
        Expr::Literal(value, _) => family(&value.data_type()),
        Expr::Alias(alias) => kind(&alias.expr, schema),
        Expr::Cast(cast) => family(cast.field.data_type()),
        Expr::TryCast(cast) => family(cast.field.data_type()),
        Expr::BinaryExpr(binary) => match binary.op {
            operator if is_comparison(operator) || is_logical(operator) => Some(Family::Boolean),
            _ => family(&expr.get_type(schema).ok()?),
        },
        Expr::Not(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::InSubquery(_)
        | Expr::Exists(_) => Some(Family::Boolean),
        Expr::Case(case) => {
            let typed = results(case).filter(|result| text_literal(result).is_none());
            let known = typed.into_iter().find_map(|result| kind(result, schema));
            known.or_else(|| results(case).find_map(|result| kind(result, schema)))
        }
        other => family(&other.get_type(schema).ok()?),
    }
}

fn results(case: &Case) -> impl Iterator<Item = &Expr> {
    case.when_then_expr.iter().map(|(_, result)| result.as_ref()).chain(case.else_expr.as_deref())
}

const fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

const fn is_logical(operator: Operator) -> bool {
    matches!(operator, Operator::And | Operator::Or)
}

const fn is_arithmetic(operator: Operator) -> bool {
    matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo)
}

/// Returns what is wrong with an expression, its operands left aside.
fn part_fault(expr: &Expr, schema: &DFSchema) -> Option<DataFusionError> {
    part_clash(expr, schema).map(Clash::into_error).or_else(|| probe::failure(expr, schema))
}

/// Returns a clash in an expression, its operands left aside.
fn part_clash(expr: &Expr, schema: &DFSchema) -> Option<Clash> {
    match expr {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => compared_clash(&binary.left, &binary.right, schema),
        Expr::BinaryExpr(binary) if is_logical(binary.op) => {
            let side = format!("a side of {}", binary.op);
            [&binary.left, &binary.right].into_iter().find_map(|operand| condition_clash(&side, operand, schema))
        }
        Expr::BinaryExpr(binary) if is_arithmetic(binary.op) => arithmetic_clash(binary, schema),
        Expr::Not(inner) => condition_clash("NOT", inner, schema),
        Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotUnknown(inner) => condition_clash("IS TRUE and its like", inner, schema),
        Expr::Between(between) => {
            [&between.low, &between.high].into_iter().find_map(|bound| compared_clash(&between.expr, bound, schema))
        }
        Expr::InList(list) => list.list.iter().find_map(|item| compared_clash(&list.expr, item, schema)),
        Expr::InSubquery(inside) => queried_clash(&inside.expr, &inside.subquery.subquery, schema),
        Expr::SetComparison(compared) => queried_clash(&compared.expr, &compared.subquery.subquery, schema),
        Expr::Case(case) => case_clash(case, schema),
        Expr::ScalarFunction(call) => call_clash(call.func.as_ref(), &call.args, schema),
        Expr::AggregateFunction(call) => filter_clash(call.params.filter.as_deref(), schema)
            .or_else(|| call_clash(call.func.as_ref(), &call.params.args, schema)),
        Expr::WindowFunction(call) => {
            let arguments = &call.params.args;
            filter_clash(call.params.filter.as_deref(), schema).or_else(|| match &call.fun {
                WindowFunctionDefinition::AggregateUDF(function) => call_clash(function.as_ref(), arguments, schema),
                WindowFunctionDefinition::WindowUDF(function) => call_clash(function.as_ref(), arguments, schema),
            })
        }
        _ => None,
    }
}

/// Returns a clash where a condition is a text.
fn condition_clash(what: &str, expr: &Expr, schema: &DFSchema) -> Option<Clash> {
    let is_text = kind(expr, schema) == Some(Family::Text) && text_literal(expr).is_none();
    is_text.then(|| Clash::instead(what, expr, "BOOLEAN", schema))
}

fn filter_clash(filter: Option<&Expr>, schema: &DFSchema) -> Option<Clash> {
    condition_clash("the condition of FILTER", filter?, schema)
}

fn compared_clash(left: &Expr, right: &Expr, schema: &DFSchema) -> Option<Clash> {
    // What compares with a text literal says the planner, which reads it.
    if text_literal(left).is_some() || text_literal(right).is_some() {
        return None;
    }
    let is_clash = clash(kind(left, schema)?, kind(right, schema)?);
    is_clash.then(|| Clash::between("cannot compare", &Value::of(left, schema), &Value::of(right, schema)))
}

fn queried_clash(expr: &Expr, query: &LogicalPlan, schema: &DFSchema) -> Option<Clash> {
    if text_literal(expr).is_some() || literal_at(query, 0).is_some() {
        return None;
    }
    let given = query.schema().fields().first()?;
    let is_clash = clash(kind(expr, schema)?, family(given.data_type())?);
    let given = Value { name: Some(given.name()), data_type: given.data_type().clone(), span: None };
    is_clash.then(|| Clash::between("cannot compare", &Value::of(expr, schema), &given))
}

/// Returns a clash where a text is added to something.
fn arithmetic_clash(binary: &BinaryExpr, schema: &DFSchema) -> Option<Clash> {
    let sides = [(&binary.left, &binary.right), (&binary.right, &binary.left)];
    let is_text = |side: &Expr| text_literal(side).is_none() && kind(side, schema) == Some(Family::Text);
    let (text, other) = sides.into_iter().find(|(side, _)| is_text(side))?;
    let wanted = match kind(other, schema) {
        Some(Family::Number) | None => spelled(&other.get_type(schema).ok().filter(DataType::is_numeric)?),
        Some(Family::Text) => "DOUBLE".to_owned(),
        Some(_) => "INTERVAL".to_owned(),
    };
    Some(Clash::instead(&format!("`{}`", binary.op), text, &wanted, schema))
}

fn case_clash(case: &Case, schema: &DFSchema) -> Option<Clash> {
    let conditions = case.when_then_expr.iter().map(|(when, _)| when.as_ref());
    let clash = match &case.expr {
        Some(operand) => conditions.into_iter().find_map(|when| compared_clash(operand, when, schema)),
        None => conditions.into_iter().find_map(|when| condition_clash("WHEN", when, schema)),
    };
    clash.or_else(|| united(&results(case).collect::<Vec<_>>(), "the branches of CASE are", schema))
}

/// Returns a clash between values that become one column.
fn united(values: &[&Expr], what: &str, schema: &DFSchema) -> Option<Clash> {
    let mut expected: Option<(Family, &Expr)> = None;
    for value in values.iter().filter(|value| text_literal(value).is_none()) {
        let Some(own) = kind(value, schema) else { continue };
        match expected {
            Some((first, with)) if clash(first, own) => {
                return Some(Clash::between(what, &Value::of(with, schema), &Value::of(value, schema)));
            }
            Some(_) => {}
            None => expected = Some((own, value)),
        }
    }
    let (_, with) = expected.filter(|(first, _)| *first != Family::Text)?;
    let mut texts = values.iter().filter_map(|value| text_literal(value)).peekable();
    texts.peek()?;
    let data_type = with.get_type(schema).ok()?;
    let odd = texts.find(|text| !can_be_read(text, &data_type))?;
    Some(unreadable(odd, &data_type, Value::of(with, schema).span))
}

/// Returns whether a text is a value of a type.
fn can_be_read(text: &ScalarValue, data_type: &DataType) -> bool {
    text.is_null() || text.cast_to(data_type).is_ok_and(|value| !value.is_null())
}

fn unreadable(text: &ScalarValue, data_type: &DataType, span: Option<Span>) -> Clash {
    let message = format!("'{text}' is no {}, which stands beside it in one column", spelled(data_type));
    Clash { message, hint: "cast what stands beside it to VARCHAR, or write NULL".to_owned(), span }
}

/// Returns a clash where a function takes a text for something else, or a number for a day.
fn call_clash<F: UDFCoercionExt>(function: &F, arguments: &[Expr], schema: &DFSchema) -> Option<Clash> {
    let name = function.name();
    if UNITING.contains(&name) {
        return united(
            &arguments.iter().collect::<Vec<_>>(),
            &format!("`{name}` takes values of one type, not"),
            schema,
        );
    }
    let may_be_taken = |argument: &Expr| match kind(argument, schema) {
        Some(Family::Text) => text_literal(argument).is_none(),
        Some(Family::Number) => OF_DAYS.contains(&name),
        _ => false,
    };
    let asked: Vec<bool> = arguments.iter().map(may_be_taken).collect();
    if !asked.contains(&true) {
        return None;
    }
    let field = |argument: &Expr| argument.to_field(schema).map(|(_, field)| field);
    let given: Vec<FieldRef> = arguments.iter().map(field).collect::<Result<_>>().ok()?;
    let taken = fields_with_udf(&given, function).ok()?;
    let each = asked.iter().zip(arguments).zip(given.iter().zip(&taken));
    let mut odd = each.filter(|((asked, _), (given, taken))| **asked && clashes(given.data_type(), taken.data_type()));
    let ((_, argument), (_, taken)) = odd.next()?;
    Some(Clash::instead(&format!("`{name}`"), argument, &spelled(taken.data_type()), schema))
}
