//! Parquet: every value as text, so that one contract judges all formats.
//!
//! In: a file's bytes. Out: its rows; dates and timestamps in ISO form, decimals exact, NULL as NULL. Deliberately
//! leaves the file's own types aside: the contract is the only authority for types.

use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float32Type, Float64Type},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use bytes::Bytes;

use super::{BATCH_ROWS, Error, RecordReader, number_text, row::Row};
use crate::record::{FileShape, LineCount, RawBatch};

const DAMAGED: &str = "the file is damaged or still being written: ask for it again";

/// Opens a Parquet file.
pub(super) fn open(path: &Arc<str>, bytes: Bytes) -> Result<Box<dyn RecordReader>, Error> {
    let failed = |error: ::parquet::errors::ParquetError| Error::unreadable(path, error.to_string(), DAMAGED);
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(failed)?;
    let header = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(failed)?;
    Ok(Box::new(Reader { path: Arc::clone(path), batches, shape: shape(header), count: LineCount::default() }))
}

fn shape(header: Vec<String>) -> FileShape {
    FileShape { header, ..FileShape::binary("parquet") }
}

struct Reader {
    path: Arc<str>,
    batches: ParquetRecordBatchReader,
    shape: FileShape,
    count: LineCount,
}

impl RecordReader for Reader {
    fn shape(&self) -> &FileShape {
        &self.shape
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>, Error> {
        let failed = |error: ArrowError| Error::unreadable(&self.path, error.to_string(), DAMAGED);
        let Some(records) = self.batches.next() else { return Ok(None) };
        let records = records.map_err(failed)?;
        let batch = to_text(&records, self.count.lines).map_err(failed)?;
        self.count.lines += batch.len() as u64;
        self.count.rows += batch.len() as u64;
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn lines(&self) -> LineCount {
        self.count.clone()
    }
}

fn to_text(records: &RecordBatch, before: u64) -> Result<RawBatch, ArrowError> {
    let columns = records.columns().iter().map(with_known_zone).collect::<Result<Vec<_>, _>>()?;
    let options = FormatOptions::new();
    let columns = columns.iter().map(|column| Column::new(column, &options)).collect::<Result<Vec<_>, _>>()?;
    let mut batch = RawBatch::default();
    let mut row = Row::default();
    let mut text = String::new();
    for (index, line) in (0..records.num_rows()).zip(before + 1..) {
        row.start(line);
        for column in &columns {
            text.clear();
            row.push_joined(column.write(index, &mut text)?.then_some(text.as_str()));
        }
        row.write(&mut batch, columns.len());
    }
    Ok(batch)
}

/// Turns timestamps of named zones, which Arrow does not print without a zone database, into UTC.
fn with_known_zone(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => cast(column, &DataType::Timestamp(*unit, Some("UTC".into()))),
        _ => Ok(Arc::clone(column)),
    }
}

/// One column of a batch, ready to be printed.
enum Column<'a> {
    Single(&'a ArrayRef),
    Double(&'a ArrayRef),
    Other(&'a ArrayRef, ArrayFormatter<'a>),
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef, options: &FormatOptions<'a>) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Float32 => Self::Single(array),
            DataType::Float64 => Self::Double(array),
            _ => Self::Other(array, ArrayFormatter::try_new(array.as_ref(), options)?),
        })
    }

    /// Writes a value and returns whether it is one, not NULL.
    fn write(&self, index: usize, text: &mut String) -> Result<bool, ArrowError> {
        let (Self::Single(array) | Self::Double(array) | Self::Other(array, _)) = self;
        if array.is_null(index) {
            return Ok(false);
        }
        match self {
            // A float's own shortest text, not that of the double it would widen to.
            Self::Single(array) => text.push_str(&array.as_primitive::<Float32Type>().value(index).to_string()),
            Self::Double(array) => text.push_str(&number_text(array.as_primitive::<Float64Type>().value(index))),
            Self::Other(_, formatter) => formatter.value(index).write(text)?,
        }
        Ok(true)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use ::parquet::arrow::ArrowWriter;
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };

    use super::*;
    use crate::{
        define::project::Format,
        extract::testing::{fail, read},
    };

    fn written(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn every_type_becomes_text() {
        let bytes = written(vec![
            ("名", Arc::new(StringArray::from(vec![Some("广\t州"), None])) as ArrayRef),
            ("i", Arc::new(Int64Array::from(vec![Some(-7), None]))),
            ("d", Arc::new(Decimal128Array::from(vec![Some(123_450), None]).with_precision_and_scale(18, 2).unwrap())),
            ("f", Arc::new(Float64Array::from(vec![Some(3.0), Some(0.1)]))),
            ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("day", Arc::new(Date32Array::from(vec![Some(19_782), None]))),
            (
                "at",
                Arc::new(
                    TimestampMicrosecondArray::from(vec![Some(1_709_164_800_500_000), None])
                        .with_timezone("Asia/Shanghai"),
                ),
            ),
            ("local", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_709_164_800_000_000), None]))),
        ]);
        let found = read("a.parquet", bytes, &Format::Auto, &[]);
        assert_eq!(found.shape.header, ["名", "i", "d", "f", "b", "day", "at", "local"]);
        let expected = [
            "1: 广\t州|-7|1234.50|3|true|2024-02-29|2024-02-29T00:00:00.500Z|2024-02-29T00:00:00",
            "2: ∅|∅|∅|0.1|∅|∅|∅|∅",
        ];
        assert_eq!(found.rows, expected);
        assert_eq!(found.count(), "2 = 2 rows");
    }

    #[test]
    fn no_rows_and_many_rows_are_read() {
        assert_eq!(
            read("a.parquet", written(vec![("a", Arc::new(Int64Array::from(Vec::<i64>::new())))]), &Format::Auto, &[])
                .count(),
            "0 = 0 rows"
        );
        let many: Vec<i64> = (0..20_000).collect();
        let found = read("a.parquet", written(vec![("a", Arc::new(Int64Array::from(many)))]), &Format::Auto, &[]);
        assert_eq!((found.rows.len(), found.rows[19_999].as_str()), (20_000, "20000: 19999"));
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let message = fail("a.parquet", "PAR1 and no more", &Format::Auto);
        assert!(message.starts_with("cannot read `a.parquet`: ") && message.ends_with(DAMAGED), "{message}");
    }
}
