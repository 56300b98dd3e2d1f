//! What a header promises of a planned model: its columns, their types, its partitions and the tables that it ignores.
//!
//! In: a model and the schema that its query gives. Out: findings at the places of the header, and at calls that the engine plans
//! and no run should carry out. Deliberately knows nothing of other models.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{Expr, LogicalPlan, Volatility},
};

use super::{diagnose, graph};
use crate::{
    define::project::{Check, Model},
    engine::{Problem, Statement, units},
    record::{Diagnostic, Placed, TableName, diagnostic::nearest},
};

/// Finds names in the header that the result does not have, and declared types that it does not produce.
pub(super) fn header_findings(model: &Model, statement: &Statement, schema: &SchemaRef) -> Vec<Diagnostic> {
    let described = model.columns.iter().map(|column| &column.name);
    let checked = model.checks.iter().flat_map(Check::columns);
    let named = model.key.iter().chain(&model.partition_by).chain(described).chain(checked);
    let mut missing: BTreeMap<&str, Vec<&Placed<String>>> = BTreeMap::new();
    for column in named.filter(|column| schema.field_with_name(&column.value).is_err()) {
        missing.entry(&column.value).or_default().push(column);
    }
    let mut findings: Vec<Diagnostic> =
        missing.values().filter_map(|places| missing_output(places, model, statement, schema)).collect();
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.range.start));
    for column in &model.partition_by {
        if let Some(finding) =
            schema.field_with_name(&column.value).ok().and_then(|field| unfit(column, field.data_type()))
        {
            findings.push(finding);
        }
    }
    for column in &model.columns {
        let (Some(declared), Ok(field)) = (&column.data_type, schema.field_with_name(&column.name.value)) else {
            continue;
        };
        if declared.value != *field.data_type() {
            findings.push(broken_declaration(&column.name.value, declared, field.data_type()));
        }
    }
    findings
}

/// Says that the result lacks a column that the header names at these places. Where it names it more than once, the query is wrong.
fn missing_output(
    places: &[&Placed<String>],
    model: &Model,
    statement: &Statement,
    schema: &SchemaRef,
) -> Option<Diagnostic> {
    let first = *places.first()?;
    let is_known = |name: &&str| !model.columns.iter().any(|column| column.name.value == *name);
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let near = nearest(&first.value, names.filter(is_known)).filter(|_| places.len() > 1);
    let at = near.and_then(|near| diagnose::name_place(&model.text, statement.query()?, near));
    Some(match at {
        Some(range) => {
            let place = graph::place(model, Some(range));
            let message = format!("the result has no column `{}`, which the header names", first.value);
            let finding = Diagnostic::error(message, place.clone());
            finding.hint(format!("did you mean `{}`?", first.value)).fix(place, first.value.clone())
        }
        None => unknown_output(first, schema),
    })
}

/// Returns the columns of a model that breaks its header, as its readers may go by them: what the header declares is there, and of
/// the declared type.
pub(super) fn promised(model: &Model, schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<FieldRef> = schema.fields().to_vec();
    for column in &model.columns {
        let name = &column.name.value;
        let given = fields.iter().position(|field| field.name() == name);
        let declared =
            column.data_type.as_ref().map(|declared| Arc::new(Field::new(name, declared.value.clone(), true)));
        match (given, declared) {
            (Some(at), Some(declared)) => fields[at] = declared,
            (None, Some(declared)) => fields.push(declared),
            _ => {}
        }
    }
    Arc::new(Schema::new(fields))
}

/// Says that a column is not of the type that the header declares.
fn broken_declaration(column: &str, declared: &Placed<DataType>, given: &DataType) -> Diagnostic {
    let wanted = diagnose::types::spelled(&declared.value);
    let message = format!(
        "the column `{column}` is declared as {wanted} and the query gives {}",
        diagnose::types::spelled(given)
    );
    let finding = Diagnostic::error(message, declared.place.clone());
    match diagnose::types::declared(given) {
        Some(given) => finding
            .hint(format!("cast it in the query, to {wanted}, or declare `{given}`"))
            .fix(declared.place.clone(), given),
        None => finding.hint(format!("cast it in the query, to {wanted}")),
    }
}

/// Finds tables whose changes the header ignores, and which the model does not read.
pub(super) fn idle_ignores(model: &Model, statement: &Statement) -> Vec<Diagnostic> {
    let names: Vec<String> = statement.tables.iter().map(ToString::to_string).collect();
    let idle = model.ignore_changes.iter().filter(|ignored| !statement.tables.contains(&ignored.value));
    let finding = |ignored: &Placed<TableName>| {
        if statement.named.contains(&ignored.value) {
            let message = format!("`{}` is a view, of which nothing is stored that could change", ignored.value);
            return Diagnostic::error(message, ignored.place.clone())
                .hint(format!("name what it reads: {}", names.join(", ")));
        }
        Diagnostic::error(format!("the model does not read `{}`", ignored.value), ignored.place.clone())
            .did_you_mean(&ignored.value.to_string(), names.iter().map(String::as_str))
    };
    idle.map(finding).collect()
}

/// Says that a header names a column that the result does not have.
#[must_use]
pub fn unknown_output(column: &Placed<String>, schema: &SchemaRef) -> Diagnostic {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let finding = Diagnostic::error(format!("the result has no column `{}`", column.value), column.place.clone());
    match nearest(&column.value, names.iter().copied()) {
        Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(column.place.clone(), near),
        None => finding.hint(format!("it has {}", names.join(", "))),
    }
}

fn unfit(column: &Placed<String>, data_type: &DataType) -> Option<Diagnostic> {
    let fits =
        matches!(data_type, DataType::Date32 | DataType::Int32 | DataType::Int64 | DataType::Utf8 | DataType::Boolean);
    (!fits).then(|| {
        let spelled = diagnose::types::spelled(data_type);
        Diagnostic::error(format!("the partition column `{}` is {spelled}", column.value), column.place.clone())
            .hint("partition by a date, an integer, a string or a boolean: derive a day or a month from it")
    })
}

/// Finds calls that no run can carry out as they should: functions whose value is not decided by their arguments, as a run must be a
/// function of its inputs, and parts of a date that there are not.
pub(super) fn call_findings(model: &Model, statement: &Statement, plan: &LogicalPlan) -> Vec<Diagnostic> {
    let (mut clocks, mut units) = (BTreeSet::new(), BTreeSet::new());
    let walked = plan.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            expr.apply(|inner| {
                if let Expr::ScalarFunction(function) = inner {
                    if function.func.signature().volatility != Volatility::Immutable {
                        clocks.insert(function.func.name().to_owned());
                    }
                    units.extend(units::unknown(function).map(|unit| (function.func.name().to_owned(), unit)));
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if let Err(error) = walked {
        return vec![graph::diagnostic(model, Problem::new(&error, &model.text.body))];
    }
    let units = units.iter().flat_map(|(function, unit)| unit_finding(model, statement, function, unit));
    clocks.iter().flat_map(|function| clock_finding(model, statement, function)).chain(units).collect()
}

/// Tells of every call of a function that reads the clock, or of the model if it is called by another name.
fn clock_finding(model: &Model, statement: &Statement, function: &str) -> Vec<Diagnostic> {
    let calls = statement.query().map(|query| diagnose::call_places(&model.text, query, function)).unwrap_or_default();
    let finding = |range| {
        Diagnostic::error(format!("`{function}` does not give the same value on every run"), graph::place(model, range))
            .hint("use `$run_date` for today; a model reads no clock and throws no dice")
    };
    or_model(calls).into_iter().map(finding).collect()
}

/// Tells of every call that asks for a part of a date that there is not.
fn unit_finding(model: &Model, statement: &Statement, function: &str, unit: &str) -> Vec<Diagnostic> {
    let query = statement.query();
    let places = query.map(|query| diagnose::argument_places(&model.text, query, function, unit)).unwrap_or_default();
    let bare = unit.trim_matches('\'');
    let finding = |range| {
        let place = graph::place(model, range);
        let written = place.text.body.get(place.range.clone()).unwrap_or_default();
        // The argument of EXTRACT stands before FROM, mostly without quotes.
        let is_extract = written == unit;
        let (called, quote) = match is_extract {
            true => ("extract", if written == bare { "" } else { "'" }),
            false => (function, "'"),
        };
        let finding = Diagnostic::error(format!("`{called}` knows no `{bare}`"), place.clone());
        match nearest(bare, units::COMMON) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(place, format!("{quote}{near}{quote}")),
            None => finding.hint(format!("such as {}", units::COMMON.join(", "))),
        }
    };
    or_model(places).into_iter().map(finding).collect()
}

/// Returns places, or that of the model where there are none.
fn or_model(places: Vec<Range<usize>>) -> Vec<Option<Range<usize>>> {
    if places.is_empty() { vec![None] } else { places.into_iter().map(Some).collect() }
}
