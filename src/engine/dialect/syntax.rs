//! Functions and types that DuckDB names in another way, written as they are called here.
//!
//! In: a syntax tree. Out: the same tree, in place. What has no counterpart is an error that names it; functions that
//! nobody knows are left to the planner, which names them too.

use std::ops::ControlFlow;

use datafusion::sql::{
    parser::DFParserBuilder,
    sqlparser::{
        ast::{
            DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
            ObjectName, Statement as Ast, TableAlias, TableAliasColumnDef, TableFactor, TimezoneInfo, TypedString,
            Value, VisitMut, VisitorMut,
        },
        dialect::DuckDbDialect,
    },
};

/// The same function under two names: there, here.
const NAMES: &[(&str, &str)] = &[
    ("countif", "count_if"),
    ("datediff", "date_diff"),
    ("datepart", "date_part"),
    ("datetrunc", "date_trunc"),
    ("first", "first_value"),
    ("group_concat", "string_agg"),
    ("ifnull", "coalesce"),
    ("instr", "strpos"),
    ("last", "last_value"),
    ("len", "length"),
    ("list", "array_agg"),
    ("list_value", "make_array"),
    ("listagg", "string_agg"),
    ("nvl", "coalesce"),
    ("regexp_matches", "regexp_like"),
    ("split", "string_to_array"),
    ("str_split", "string_to_array"),
    ("string_split", "string_to_array"),
    ("strlen", "octet_length"),
];

/// Functions of so many arguments, and what they are here. `FILTER`, `OVER` and `DISTINCT` stay on the function that
/// stands outside, but for `get_field`. `any_value` takes the least, `arg_max` of several the greatest: any is right, and
/// the same one must come every night.
const TEMPLATES: &[(&str, usize, &str)] = &[
    ("any_value", 1, "min($1)"),
    ("arbitrary", 1, "min($1)"),
    (
        "arg_max",
        2,
        "get_field(max(named_struct('by', $2, 'what', $1)) FILTER (WHERE $1 IS NOT NULL AND $2 IS NOT NULL), 'what')",
    ),
    (
        "arg_min",
        2,
        "get_field(min(named_struct('by', $2, 'what', $1)) FILTER (WHERE $1 IS NOT NULL AND $2 IS NOT NULL), 'what')",
    ),
    ("avg", 1, "avg(CAST($1 AS DOUBLE))"),
    ("count_if", 1, "count(*) FILTER (WHERE $1)"),
    ("date_add", 2, "$1 + $2"),
    ("date_trunc", 2, "date_trunc($1, CAST($2 AS TIMESTAMP(6)))"),
    ("day", 1, "date_part('day', $1)"),
    ("dayofmonth", 1, "date_part('day', $1)"),
    ("dayofweek", 1, "date_part('dow', $1)"),
    ("dayofyear", 1, "date_part('doy', $1)"),
    ("epoch", 1, "date_part('epoch', $1)"),
    ("hour", 1, "date_part('hour', $1)"),
    ("if", 3, "CASE WHEN $1 THEN $2 ELSE $3 END"),
    ("iff", 3, "CASE WHEN $1 THEN $2 ELSE $3 END"),
    ("isodow", 1, "date_part('isodow', $1)"),
    (
        "max_by",
        2,
        "get_field(max(named_struct('by', $2, 'what', $1)) FILTER (WHERE $1 IS NOT NULL AND $2 IS NOT NULL), 'what')",
    ),
    ("mean", 1, "avg(CAST($1 AS DOUBLE))"),
    ("median", 1, "median(CAST($1 AS DOUBLE))"),
    (
        "min_by",
        2,
        "get_field(min(named_struct('by', $2, 'what', $1)) FILTER (WHERE $1 IS NOT NULL AND $2 IS NOT NULL), 'what')",
    ),
    ("minute", 1, "date_part('minute', $1)"),
    ("mod", 2, "($1 % $2)"),
    ("month", 1, "date_part('month', $1)"),
    ("quantile_cont", 2, "percentile_cont(CAST($1 AS DOUBLE), $2)"),
    ("quarter", 1, "date_part('quarter', $1)"),
    ("regexp_full_match", 2, "regexp_like($1, '^(?:' || $2 || ')$')"),
    ("second", 1, "date_part('second', $1)"),
    ("sha256", 1, "encode(sha256($1), 'hex')"),
    ("to_days", 1, "($1 * INTERVAL '1 day')"),
    ("to_hours", 1, "($1 * INTERVAL '1 hour')"),
    ("to_months", 1, "($1 * INTERVAL '1 month')"),
    ("to_weeks", 1, "($1 * INTERVAL '7 day')"),
    ("to_years", 1, "($1 * INTERVAL '12 month')"),
    ("today", 0, "$run_date"),
    ("current_date", 0, "$run_date"),
    ("week", 1, "date_part('week', $1)"),
    ("weekofyear", 1, "date_part('week', $1)"),
    ("year", 1, "date_part('year', $1)"),
];

/// Constructs without a counterpart, and what to do instead.
const MISSING: &[(&str, &str)] = &[
    ("approx_count_distinct", "write `count(DISTINCT …)`, which is exact"),
    ("current_localtimestamp", "write `$run_date`: a run must give the same twice"),
    ("current_timestamp", "write `$run_date`: a run must give the same twice"),
    ("get_current_timestamp", "write `$run_date`: a run must give the same twice"),
    ("gen_random_uuid", "make a key of columns, as `md5(a || '-' || b)`"),
    ("hash", "write `md5(…)`: DuckDB's own hash exists nowhere else"),
    ("localtimestamp", "write `$run_date`: a run must give the same twice"),
    ("now", "write `$run_date`: a run must give the same twice"),
    ("random", "a run must give the same twice: leave it out"),
    ("read_csv", "declare the file as a source"),
    ("read_csv_auto", "declare the file as a source"),
    ("read_json", "declare the file as a source"),
    ("read_json_auto", "declare the file as a source"),
    ("read_parquet", "declare the file as a source"),
    ("uuid", "make a key of columns, as `md5(a || '-' || b)`"),
];

/// Rewrites a statement in place.
///
/// # Errors
/// The construct that has no counterpart, and what to write instead.
pub(super) fn rewrite(ast: &mut Ast) -> Result<(), String> {
    match ast.visit(&mut Rewriting) {
        ControlFlow::Break(problem) => Err(problem),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriting;

impl VisitorMut for Rewriting {
    type Break = String;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<String> {
        match missing(&relation.to_string().to_lowercase()) {
            Some(problem) => ControlFlow::Break(problem),
            None => ControlFlow::Continue(()),
        }
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<String> {
        if let TableFactor::Table { name, alias, args: Some(_), .. } = factor {
            name_column(&name.to_string().to_lowercase(), alias);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        match expr {
            Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => {
                *data_type = typed(data_type);
            }
            Expr::Function(function) => match call(function) {
                Ok(Some(replaced)) => *expr = replaced,
                Ok(None) => {}
                Err(problem) => return ControlFlow::Break(problem),
            },
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Returns a type as it is called here: DuckDB's TIMESTAMP counts microseconds, its DECIMAL has 18 digits, 3 of them after
/// the point.
fn typed(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(None, zone) => DataType::Timestamp(Some(6), *zone),
        DataType::Datetime(None) => DataType::Timestamp(Some(6), TimezoneInfo::None),
        DataType::Numeric(ExactNumberInfo::None)
        | DataType::Decimal(ExactNumberInfo::None)
        | DataType::Dec(ExactNumberInfo::None) => DataType::Decimal(ExactNumberInfo::PrecisionAndScale(18, 3)),
        DataType::HugeInt => DataType::BigInt(None),
        other => other.clone(),
    }
}

/// Names the column of `range(…)` and `generate_series(…)` after the function, as DuckDB does.
fn name_column(function: &str, alias: &mut Option<TableAlias>) {
    if !["range", "generate_series"].contains(&function) {
        return;
    }
    let alias = alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        alias.columns.push(TableAliasColumnDef::from_name(function));
    }
}

fn missing(name: &str) -> Option<String> {
    let (_, instead) = MISSING.iter().find(|(missing, _)| *missing == name)?;
    Some(format!("`{name}` of DuckDB has no counterpart: {instead}"))
}

/// Returns what a call is here, if it is another expression; a mere name is put in place.
fn call(function: &mut Function) -> Result<Option<Expr>, String> {
    let mut name = function.name.to_string().to_lowercase();
    if let Some(problem) = missing(&name) {
        return Err(problem);
    }
    if let Some((_, here)) = NAMES.iter().find(|(there, _)| *there == name) {
        (*here).clone_into(&mut name);
        function.name = ObjectName::from(vec![Ident::new(*here)]);
    }
    let Some(arguments) = plain_arguments(&function.args) else { return Ok(None) };
    let template = TEMPLATES.iter().find(|(there, count, _)| *there == name && *count == arguments.len());
    let Some((_, _, template)) = template else { return Ok(None) };
    let mut written = parsed(template)?;
    let _ = written.visit(&mut Filling(&arguments));
    clauses(function, &mut written);
    Ok(Some(written))
}

/// Returns the arguments of a call, if they are nothing but expressions.
fn plain_arguments(arguments: &FunctionArguments) -> Option<Vec<Expr>> {
    let list = match arguments {
        FunctionArguments::None => return Some(Vec::new()),
        FunctionArguments::Subquery(_) => return None,
        FunctionArguments::List(list) => list,
    };
    let plain = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}

/// Gives a rewritten call the `DISTINCT`, `FILTER` and `OVER` of the original.
fn clauses(original: &Function, written: &mut Expr) {
    let Expr::Function(written) = written else { return };
    if let (true, FunctionArguments::List(list)) = (written.name.to_string() == "get_field", &mut written.args)
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))) = list.args.first_mut()
    {
        return clauses(original, inner);
    }
    written.over.clone_from(&original.over);
    if let (FunctionArguments::List(from), FunctionArguments::List(to)) = (&original.args, &mut written.args) {
        to.duplicate_treatment = from.duplicate_treatment;
    }
    written.filter = match (written.filter.take(), original.filter.clone()) {
        (Some(ours), Some(theirs)) => Some(Box::new(Expr::BinaryOp {
            left: Box::new(Expr::Nested(ours)),
            op: datafusion::sql::sqlparser::ast::BinaryOperator::And,
            right: Box::new(Expr::Nested(theirs)),
        })),
        (ours, theirs) => ours.or(theirs),
    };
}

fn parsed(template: &str) -> Result<Expr, String> {
    let mut parser =
        DFParserBuilder::new(template).with_dialect(&DuckDbDialect {}).build().map_err(|error| error.to_string())?;
    Ok(parser.parse_expr().map_err(|error| error.to_string())?.expr)
}

/// Puts the arguments of a call where a template has `$1`, `$2` and so on.
struct Filling<'a>(&'a [Expr]);

impl VisitorMut for Filling<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Ok(number) = name.trim_start_matches('$').parse::<usize>()
            && let Some(argument) = self.0.get(number.wrapping_sub(1))
        {
            *expr = match argument {
                simple @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Function(_)) => {
                    simple.clone()
                }
                argument => Expr::Nested(Box::new(argument.clone())),
            };
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_parsed() {
        for (name, count, template) in TEMPLATES {
            let written = parsed(template).expect(name).to_string();
            let highest = (1..=9).filter(|number| written.contains(&format!("${number}"))).max().unwrap_or(0);
            assert_eq!(highest, *count, "{name}");
        }
    }
}
