//! What a log says about the rows of a file, so that readers can skip it.
//!
//! In: the footer of a Parquet file. Out: Delta's JSON of rows, NULLs, smallest and largest values by column. Bounds may be
//! wider than the values, never narrower: a long text's maximum was rounded up when the file was written, and floats have
//! no bounds, since Parquet's leave out NaN. Deliberately absent: bounds of booleans and bytes, for which nobody skips, and columns
//! beyond the first 32, as Delta's own writers do.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, UInt64Array},
    compute::{SortOptions, sort_limit, sum},
    datatypes::{DataType, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use parquet::{arrow::arrow_reader::statistics::StatisticsConverter, file::metadata::ParquetMetaData};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Columns with statistics.
const MOST_COLUMNS: usize = 32;

/// Delta's form of what is known about a file's rows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    num_records: u64,
    min_values: BTreeMap<&'a str, Box<RawValue>>,
    max_values: BTreeMap<&'a str, Box<RawValue>>,
    null_count: BTreeMap<&'a str, u64>,
}

/// Returns what is said of a file of which only the number of rows is known.
pub fn of_rows(rows: u64) -> String {
    format!("{{\"numRecords\":{rows}}}")
}

/// Returns what a footer says about its file; `columns` are those of the file, in its order.
///
/// # Errors
/// When the file has other columns.
pub fn of_footer(footer: &ParquetMetaData, columns: &Schema, rows: u64) -> Result<String, ArrowError> {
    let mut known = Known {
        num_records: rows,
        min_values: BTreeMap::new(),
        max_values: BTreeMap::new(),
        null_count: BTreeMap::new(),
    };
    for field in columns.fields().iter().take(MOST_COLUMNS) {
        let facts = Facts::of(footer, columns, field.name())?;
        let Some(nulls) = facts.null_count() else { continue };
        known.null_count.insert(field.name(), nulls);
        if has_bounds(field.data_type()) && facts.are_complete() {
            known.min_values.extend(first(&facts.least, false)?.map(|value| (field.name().as_str(), value)));
            known.max_values.extend(first(&facts.greatest, true)?.map(|value| (field.name().as_str(), value)));
        }
    }
    serde_json::to_string(&known).map_err(|error| ArrowError::from_external_error(error.into()))
}

fn has_bounds(data_type: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Timestamp, Utf8};
    data_type.is_integer() || matches!(data_type, Date32 | Decimal128(..) | Timestamp(..) | Utf8)
}

/// One column in the row groups of a file.
struct Facts {
    least: ArrayRef,
    greatest: ArrayRef,
    nulls: UInt64Array,
    rows: Vec<u64>,
}

impl Facts {
    fn of(footer: &ParquetMetaData, columns: &Schema, name: &str) -> Result<Self, ArrowError> {
        let groups = footer.row_groups();
        let converter = StatisticsConverter::try_new(name, columns, footer.file_metadata().schema_descr())?
            .with_missing_null_counts_as_zero(false);
        Ok(Self {
            least: converter.row_group_mins(groups)?,
            greatest: converter.row_group_maxes(groups)?,
            nulls: converter.row_group_null_counts(groups)?,
            rows: groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX)).collect(),
        })
    }

    /// Returns the number of NULLs, if every row group knows it.
    fn null_count(&self) -> Option<u64> {
        (self.nulls.null_count() == 0).then(|| sum(&self.nulls).unwrap_or(0))
    }

    /// Returns whether every row group that has a value has bounds.
    fn are_complete(&self) -> bool {
        let known = |group: usize| self.least.is_valid(group) && self.greatest.is_valid(group);
        self.rows.iter().enumerate().all(|(group, rows)| known(group) || self.nulls.value(group) == *rows)
    }
}

/// Returns the smallest value, or the largest, as JSON; None where all are NULL, or none can say it.
fn first(values: &ArrayRef, descending: bool) -> Result<Option<Box<RawValue>>, ArrowError> {
    let order = SortOptions { descending, nulls_first: false };
    let first = sort_limit(values, Some(order), Some(1))?;
    if first.is_empty() || first.is_null(0) {
        return Ok(None);
    }
    let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let text = ArrayFormatter::try_new(&first, &options)?.value(0).try_to_string()?;
    if first.data_type().is_temporal() && !text.starts_with(|sign: char| sign.is_ascii_digit()) {
        // A year of more than four digits, or before the first, which readers cannot parse.
        return Ok(None);
    }
    let is_number = first.data_type().is_integer() || matches!(first.data_type(), DataType::Decimal128(..));
    let json = if is_number { RawValue::from_string(text) } else { to_raw_value(&text) };
    json.map(Some).map_err(|error| ArrowError::from_external_error(error.into()))
}
