//! Personal data out of sampled rows: the same value becomes the same mask wherever it stands, so that keys still join.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;
use chrono::{Days, NaiveDate};

use super::sample::Sampled;
use crate::{define::project::Source, record::TableName};

/// Masks the columns that a contract marks, in the tables of the sources and, by their names, in those of models; and every
/// other text that equals a masked one.
pub fn mask(sampled: &mut [Sampled], sources: &[Source]) {
    let marked = marked(sources);
    let is_marked = |table: &TableName, column: &str| match marked.get(table) {
        Some(columns) => columns.contains(column),
        None => marked.values().any(|columns| columns.contains(column)),
    };
    let mut masks: BTreeMap<String, usize> = BTreeMap::new();
    for table in sampled.iter_mut() {
        for index in (0..table.columns.len()).rev() {
            let (name, data_type) = table.columns[index].clone();
            if is_marked(&table.table, &name) {
                mask_column(table, index, &data_type, &mut masks);
            }
        }
    }
    for table in sampled {
        for (index, _) in table.columns.iter().enumerate().filter(|(_, column)| column.1 == DataType::Utf8) {
            for cell in table.rows.iter_mut().filter_map(|row| row[index].as_mut()) {
                if let Some(number) = masks.get(cell) {
                    *cell = text(*number);
                }
            }
        }
    }
}

/// Masks a column, or takes it out where its type has no masks.
fn mask_column(table: &mut Sampled, index: usize, data_type: &DataType, masks: &mut BTreeMap<String, usize>) {
    let mut values = table.rows.iter().map(|row| &row[index]);
    if values.any(|value| value.as_ref().is_some_and(|value| masked(value, data_type, masks).is_none())) {
        table.columns.remove(index);
        table.rows.iter_mut().for_each(|row| drop(row.remove(index)));
        return;
    }
    for cell in table.rows.iter_mut().map(|row| &mut row[index]) {
        *cell = cell.take().and_then(|value| masked(&value, data_type, masks));
    }
}

/// Returns the marked columns of each staged table.
fn marked(sources: &[Source]) -> BTreeMap<TableName, BTreeSet<&str>> {
    sources.iter().map(|source| (source.table(), marked_columns(source))).collect()
}

fn marked_columns(source: &Source) -> BTreeSet<&str> {
    let marked = source.columns.iter().filter(|column| column.pii.is_some());
    marked.map(|column| column.name.value.as_str()).collect()
}

fn masked(value: &str, data_type: &DataType, masks: &mut BTreeMap<String, usize>) -> Option<String> {
    let next = masks.len() + 1;
    let number = *masks.entry(value.to_owned()).or_insert(next);
    match data_type {
        DataType::Utf8 => Some(text(number)),
        DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(_, 0) => Some(number.to_string()),
        DataType::Date32 => {
            let day = NaiveDate::from_ymd_opt(1900, 1, 1)?.checked_add_days(Days::new(number as u64))?;
            Some(day.to_string())
        }
        _ => None,
    }
}

fn text(number: usize) -> String {
    format!("masked-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_mask_wherever_it_stands() {
        let mut masks = BTreeMap::new();
        let first = masked("13800000000", &DataType::Utf8, &mut masks);
        assert_eq!(masked("13900000000", &DataType::Utf8, &mut masks).as_deref(), Some("masked-2"));
        assert_eq!(masked("13800000000", &DataType::Utf8, &mut masks), first);
        assert_eq!(masked("1990-05-01", &DataType::Date32, &mut masks).as_deref(), Some("1900-01-04"));
        assert_eq!(masked("true", &DataType::Boolean, &mut masks), None);
    }
}
