//! The SQL of a pull: what is wanted → one SELECT.
//!
//! In: a table or query with its columns, the contract's hints, predicate and span. Out: text in the database's own
//! dialect. Values are never put into it but as literals of the dialect; `where` and `query` are the contract's own and
//! go in as they are. Deliberately asks nobody.

use super::{Hints, Span};
use crate::{define::project::DatabaseOptions, record::diagnostic::nearest};

/// How a database writes names and values.
pub(super) trait Dialect {
    /// Quotes a name.
    fn name(&self, name: &str) -> String;
    /// Writes a value of the watermark column.
    fn literal(&self, value: &str) -> String;
}

/// The part of a SELECT behind FROM.
pub(super) struct Rows<'a> {
    /// The quoted table, or the query in parentheses with a name.
    pub from: String,
    pub options: &'a DatabaseOptions,
}

impl Rows<'_> {
    /// Returns FROM and WHERE of a span; rows without a watermark belong to every span.
    pub(super) fn clause(&self, dialect: &dyn Dialect, watermark: Option<(&str, &Span)>) -> String {
        let mut conditions = Vec::new();
        if let Some(filter) = &self.options.filter {
            // A comment at its end must not swallow the parenthesis.
            conditions.push(format!("({filter}\n)"));
        }
        if let Some((column, span)) = watermark {
            let column = dialect.name(column);
            let bound = |sign: &str, end: &Option<String>| {
                end.as_ref().map(|value| format!("{column} {sign} {}", dialect.literal(value)))
            };
            let bounds: Vec<String> = bound(">=", &span.from).into_iter().chain(bound("<=", &span.to)).collect();
            if !bounds.is_empty() {
                conditions.push(format!("({column} IS NULL OR ({}))", bounds.join(" AND ")));
            }
        }
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        format!("FROM {}{conditions}", self.from)
    }

    /// Returns FROM and WHERE of the rows that are not below the last watermark.
    pub(super) fn since(&self, dialect: &dyn Dialect, column: &str, since: Option<&str>) -> String {
        match since {
            None => self.clause(dialect, None),
            Some(value) => {
                let plain = self.clause(dialect, None);
                let word = if self.options.filter.is_some() { "AND" } else { "WHERE" };
                format!("{plain} {word} {} >= {}", dialect.name(column), dialect.literal(value))
            }
        }
    }
}

/// Names a query as a table.
pub(super) fn query_as_table(query: &str) -> String {
    format!("({query}\n) AS pulled_query")
}

/// Returns the positions of the columns that the contract names; all of them where it names none.
pub(super) fn wanted(columns: &[String], hints: &Hints) -> Vec<usize> {
    let folded: Vec<String> = hints.names.iter().map(|name| super::super::header::fold(name)).collect();
    let is_named = |column: &String| folded.contains(&super::super::header::fold(column));
    let named: Vec<usize> = (0..columns.len()).filter(|at| is_named(&columns[*at])).collect();
    if named.is_empty() { (0..columns.len()).collect() } else { named }
}

/// Returns the column of a name, case set aside where that leaves one, or what to do.
pub(super) fn column<'a>(columns: &'a [String], name: &str) -> Result<&'a str, String> {
    let exact = columns.iter().find(|column| *column == name);
    let mut alike = columns.iter().filter(|column| column.to_lowercase() == name.to_lowercase());
    let found = exact.or_else(|| alike.next().filter(|_| alike.next().is_none()));
    found.map(String::as_str).ok_or_else(|| {
        let names = columns.iter().map(String::as_str);
        nearest(name, names.clone()).map_or_else(
            || format!("its columns are: {}", names.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        )
    })
}

/// Returns the first name that occurs twice.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn twice(columns: &[String]) -> Option<&String> {
    columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(name)).map(|(_, name)| name)
}

/// Says in the report what was read.
pub(super) fn notes(options: &DatabaseOptions, table: Option<&str>) -> Vec<String> {
    let what = table.map_or_else(|| "a query".to_owned(), |table| format!("table `{table}`"));
    let filter = options.filter.as_ref().map(|filter| format!("where `{filter}`"));
    std::iter::once(what).chain(filter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Dialect for Plain {
        fn name(&self, name: &str) -> String {
            format!("<{name}>")
        }

        fn literal(&self, value: &str) -> String {
            format!("'{value}'")
        }
    }

    fn span(from: Option<&str>, to: Option<&str>) -> Span {
        Span { from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn predicate_and_span_are_joined() {
        let options = DatabaseOptions { filter: Some("a = 1 OR b -- so".into()), ..DatabaseOptions::default() };
        let rows = Rows { from: "t".into(), options: &options };
        assert_eq!(
            rows.clause(&Plain, Some(("w", &span(Some("1"), Some("2"))))),
            "FROM t WHERE (a = 1 OR b -- so\n) AND (<w> IS NULL OR (<w> >= '1' AND <w> <= '2'))"
        );
        assert_eq!(rows.since(&Plain, "w", Some("1")), "FROM t WHERE (a = 1 OR b -- so\n) AND <w> >= '1'");
        let options = DatabaseOptions::default();
        let rows = Rows { from: "t".into(), options: &options };
        assert_eq!(rows.clause(&Plain, Some(("w", &span(None, None)))), "FROM t");
        assert_eq!(rows.since(&Plain, "w", Some("1")), "FROM t WHERE <w> >= '1'");
    }

    #[test]
    fn columns_are_found_without_regard_to_case_where_that_is_certain() {
        let columns = ["Id".to_owned(), "ID".to_owned(), "Name".to_owned()];
        assert_eq!(column(&columns, "name"), Ok("Name"));
        assert_eq!(column(&columns, "ID"), Ok("ID"));
        assert_eq!(column(&columns, "Nam"), Err("did you mean `Name`?".to_owned()));
        assert!(column(&columns, "iD").is_err());
    }

    #[test]
    fn only_columns_of_the_contract_are_wanted() {
        let columns = ["订单号".to_owned(), "Amount".to_owned(), "x".to_owned()];
        let hints = Hints { names: vec!["ＡＭＯＵＮＴ".into(), "订单号".into()], required: Vec::new() };
        assert_eq!(wanted(&columns, &hints), [0, 1]);
        assert_eq!(wanted(&columns, &Hints::default()), [0, 1, 2]);
    }
}
