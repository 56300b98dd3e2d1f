//! Functions that other engines have and ours lacks: what to write instead.
//!
//! In: the name of a function that nobody knows. Out: an expression of ours. `text`, `day`, `moment` and `number` stand for columns of
//! these types.

use datafusion::sql::sqlparser::ast::{Expr, Function};

use super::tree;

/// Names of other dialects, in the alphabet's order, each with what does the same.
const INSTEAD: &[(&str, &str)] = &[
    ("add_months", "day + INTERVAL '1 month'"),
    ("arg_max", "last_value(text ORDER BY number)"),
    ("arg_min", "first_value(text ORDER BY number)"),
    ("argmax", "last_value(text ORDER BY number)"),
    ("argmin", "first_value(text ORDER BY number)"),
    ("ceiling", "ceil(number)"),
    ("charindex", "strpos(text, 'a')"),
    ("collect_list", "array_agg(text)"),
    ("collect_set", "array_agg(DISTINCT text)"),
    ("count_if", "count(*) FILTER (WHERE number > 0)"),
    ("countif", "count(*) FILTER (WHERE number > 0)"),
    ("curdate", "$run_date"),
    ("date_add", "day + INTERVAL '1 day'"),
    ("date_diff", "day - DATE '2026-01-31'"),
    ("date_sub", "day - INTERVAL '1 day'"),
    ("dateadd", "day + INTERVAL '1 day'"),
    ("datediff", "day - DATE '2026-01-31'"),
    ("datetime_trunc", "date_trunc('month', moment)"),
    ("day", "date_part('day', day)"),
    ("dayname", "to_char(day, '%A')"),
    ("dayofmonth", "date_part('day', day)"),
    ("dayofweek", "date_part('dow', day)"),
    ("dayofyear", "date_part('doy', day)"),
    ("format_date", "to_char(day, '%Y-%m')"),
    ("getdate", "$run_date"),
    ("group_concat", "string_agg(text, ',')"),
    ("hour", "date_part('hour', moment)"),
    ("if", "CASE WHEN number > 0 THEN text END"),
    ("iif", "CASE WHEN number > 0 THEN text END"),
    ("isnull", "coalesce(text, 'none')"),
    ("last_day", "date_trunc('month', day) + INTERVAL '1 month' - INTERVAL '1 day'"),
    ("lcase", "lower(text)"),
    ("len", "length(text)"),
    ("list", "array_agg(text)"),
    ("listagg", "string_agg(text, ',')"),
    ("locate", "strpos(text, 'a')"),
    ("max_by", "last_value(text ORDER BY number)"),
    ("min_by", "first_value(text ORDER BY number)"),
    ("minute", "date_part('minute', moment)"),
    ("month", "date_part('month', day)"),
    ("monthname", "to_char(day, '%B')"),
    ("parse_date", "to_date(text, '%d/%m/%Y')"),
    ("percentile", "percentile_cont(0.5) WITHIN GROUP (ORDER BY number)"),
    ("quantile", "percentile_cont(0.5) WITHIN GROUP (ORDER BY number)"),
    ("quarter", "date_part('quarter', day)"),
    ("regexp_extract", "regexp_match(text, '[0-9]+')[1]"),
    ("regexp_matches", "regexp_like(text, '[0-9]+')"),
    ("regexp_substr", "regexp_match(text, '[0-9]+')[1]"),
    ("safe_divide", "number / nullif(number, 0)"),
    ("second", "date_part('second', moment)"),
    ("split", "string_to_array(text, ',')"),
    ("square", "power(number, 2)"),
    ("str_to_date", "to_date(text, '%d/%m/%Y')"),
    ("strftime", "to_char(day, '%Y-%m')"),
    ("string_split", "string_to_array(text, ',')"),
    ("sum_if", "sum(number) FILTER (WHERE number > 0)"),
    ("sumif", "sum(number) FILTER (WHERE number > 0)"),
    ("sysdate", "$run_date"),
    ("timestamp_trunc", "date_trunc('month', moment)"),
    ("to_number", "CAST(text AS DOUBLE)"),
    ("to_varchar", "CAST(number AS VARCHAR)"),
    ("truncate", "trunc(number, 2)"),
    ("ucase", "upper(text)"),
    ("unix_timestamp", "to_unixtime(moment)"),
    ("variance", "var(number)"),
    ("week", "date_part('week', day)"),
    ("weekofyear", "date_part('week', day)"),
    ("year", "date_part('year', day)"),
];

/// What some of them take as their first argument without quotes.
const UNITS: [&str; 8] = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

/// Returns whether a call of another engine's function names a unit of time, which is no column.
pub(super) fn begins_with_unit(call: &Function) -> bool {
    let is_unit = |argument: &Expr| match argument {
        Expr::Identifier(name) => UNITS.iter().any(|unit| name.value.eq_ignore_ascii_case(unit)),
        _ => false,
    };
    let name = tree::parts(&call.name).join(".");
    tree::arguments(call).first().is_some_and(is_unit) && tree::arguments(call).len() > 1 && instead(&name).is_some()
}

/// Returns what to write in place of a function of another engine.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, ours)| *ours)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{super::tests::world::World, INSTEAD};

    #[tokio::test]
    async fn what_stands_for_a_function_of_another_engine_is_planned_and_that_is_not() {
        let world = World::small();
        let columns = "WITH t AS (SELECT region AS text, day, sold_at AS moment, units AS number FROM core.sale)";
        for (name, ours) in INSTEAD {
            let found =
                world.findings("core.a", &format!("{columns} SELECT CAST({ours} AS VARCHAR) AS a FROM t")).await;
            assert!(found.is_empty(), "{ours}: {found:#?}");
            let found = world.findings("core.a", &format!("{columns} SELECT {name}(text) AS a FROM t")).await;
            let found = found.first().unwrap();
            assert_eq!(found.message, format!("unknown function `{name}`"));
            assert_eq!(found.hint, Some(format!("write `{ours}`")));
        }
        assert!(INSTEAD.is_sorted());
    }
}
