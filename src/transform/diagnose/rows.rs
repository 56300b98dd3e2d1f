//! Rows of VALUES, and names for the columns of a query behind its alias: as many as there are columns.
//!
//! In: rows and names as parsed. Out: findings, and the columns of the rows.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, TableAliasColumnDef};

use super::{
    Walk, coercion,
    expression::Clause,
    names::listed,
    readable::Beside,
    scope::{Around, Column, Columns, Scope},
    source::join,
    tree,
};

impl Walk<'_> {
    /// Looks at the rows of VALUES.
    pub(super) fn values(&mut self, rows: &[&Vec<Expr>], around: Around<'_>) -> Columns {
        let scope = Scope::empty(around);
        let cells: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| self.expression(cell, &scope, Clause::SELECT).data_type()).collect())
            .collect();
        let width = cells.first().map_or(0, Vec::len);
        if let Some(row) = rows.iter().find(|row| row.len() != width) {
            self.row_of_another_width(row, width);
            return Columns::unknown();
        }
        let column = |at: usize| {
            let name = Some(format!("column{}", at + 1));
            Column { name, data_type: self.type_of_values(rows, &cells, at), given: None, made_of: BTreeSet::new() }
        };
        Columns { list: (0..width).map(column).collect(), is_open: false }
    }

    /// Returns the type of one column of VALUES; a text in quotes is read as what the others are.
    fn type_of_values(&mut self, rows: &[&Vec<Expr>], cells: &[Vec<Option<DataType>>], at: usize) -> Option<DataType> {
        let all: Vec<DataType> = cells.iter().map(|row| row[at].clone()).collect::<Option<_>>()?;
        let of_row = |(row, data_type): (&&Vec<Expr>, &DataType)| match tree::is_text_literal(&row[at]) {
            true => DataType::Null,
            false => data_type.clone(),
        };
        let others: Vec<DataType> = rows.iter().zip(&all).map(of_row).collect();
        match coercion::united(&others)? {
            DataType::Null => coercion::united(&all),
            expected => {
                for row in rows {
                    self.unreadable(&row[at], &expected, Beside::Column);
                }
                Some(expected)
            }
        }
    }

    /// Tells of a row of VALUES that is longer or shorter than the first.
    fn row_of_another_width(&mut self, row: &[Expr], width: usize) {
        let ranges = row.iter().map(|cell| self.source.exact(cell));
        let Some(cells) = ranges.reduce(|all, range| join(&all, &range)) else { return };
        let values = if row.len() == 1 { "1 value".to_owned() } else { format!("{} values", row.len()) };
        let message = format!("this row has {values} and the first one {width}");
        let finding = self.source.error(self.source.in_parentheses(cells), message);
        self.findings.push(finding.hint("write `NULL` where there is none"));
    }

    /// Tells of names for columns that are more or fewer than these.
    pub(super) fn named_columns(&mut self, names: &[TableAliasColumnDef], columns: &mut Columns) {
        let ([first, ..], [.., last]) = (names, names) else { return };
        let (written, given) = (names.len(), columns.list.len());
        if columns.is_open || written == given {
            return;
        }
        let range = self.source.range(first.name.span).start..self.source.range(last.name.span).end;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let message = format!("{written} name{} for {given} column{}", plural(written), plural(given));
        let known: Vec<&str> = columns.list.iter().filter_map(|column| column.name.as_deref()).collect();
        self.findings.push(self.source.error(range, message).hint(format!("the query gives {}", listed(&known))));
        columns.is_open = true;
    }
}
