//! Content hashes of a partition.
//!
//! In: its rows in sorted order. Out: a hash of each column and one of the whole, equal whenever the rows are, however
//! they came, were cut or are stored. Rows have one order (by the key, then by all other columns), so a column is hashed
//! as the sequence of its values in that order: its hash says "these values, in the order of the table's rows". From equal
//! hashes of two columns follows that they are equal row for row, pairs of values included; a changed key may change
//! the hashes of columns whose values only moved.
//!
//! ```text
//!  column ─┬─► row numbers of the NULLs ─┐
//!          ├─► lengths                   ├─ XXH3-128 each ─► with type and rows: XXH3-128
//!          └─► bytes, 0 where NULL       ┘
//! ```
//!
//! Numbers and times go in as they lie in memory, floats by their bits (0 and -0 differ, as they do in the order); texts
//! as lengths and bytes; nested types in Arrow's row format. Deliberately absent: secrecy, since XXH3 is no cryptographic
//! hash; what names files is BLAKE3.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, GenericByteArray, RecordBatch, new_null_array},
    buffer::NullBuffer,
    datatypes::{BinaryType, ByteArrayType, DataType, Utf8Type},
    row::RowConverter,
};
use xxhash_rust::xxh3::Xxh3;

use super::plan::Plan;
use crate::{publish::Error, record::PartitionValues};

/// NULLs that are hashed at once.
const NULLS_AT_ONCE: u64 = 65_536;

/// Hashes of all columns, in progress.
pub(super) struct Contents {
    columns: Vec<ColumnContent>,
}

impl Contents {
    pub fn new(plan: &Plan) -> Result<Self, Error> {
        let columns = (0..plan.data_schema.fields().len()).map(|column| ColumnContent::new(column, plan));
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// Adds the next rows in sorted order.
    pub fn add(&mut self, rows: &RecordBatch, plan: &Plan) -> Result<(), Error> {
        self.columns.iter_mut().zip(rows.columns()).try_for_each(|(content, column)| content.add(column, plan))
    }

    /// Returns the hash of each column of the files, by name.
    pub fn of_columns(&self, plan: &Plan) -> BTreeMap<String, String> {
        let fields = plan.data_schema.fields().iter();
        fields.zip(&self.columns).map(|(field, content)| (field.name().clone(), content.finish())).collect()
    }
}

/// The hash of one column.
struct ColumnContent {
    data_type: DataType,
    rows: u64,
    nulls: Box<Xxh3>,
    lengths: Box<Xxh3>,
    bytes: Box<Xxh3>,
    /// For types that have no plain bytes.
    converter: Option<RowConverter>,
    /// Kept from batch to batch.
    scratch: Vec<u8>,
}

impl ColumnContent {
    fn new(column: usize, plan: &Plan) -> Result<Self, Error> {
        let data_type = plan.data_schema.field(column).data_type().clone();
        let is_plain =
            matches!(data_type, DataType::Boolean | DataType::Utf8 | DataType::Binary | DataType::FixedSizeBinary(_))
                || data_type.primitive_width().is_some();
        let converter = if is_plain { None } else { Some(plan.converter(&[column])?) };
        let hasher = || Box::new(Xxh3::new());
        Ok(Self {
            data_type,
            rows: 0,
            nulls: hasher(),
            lengths: hasher(),
            bytes: hasher(),
            converter,
            scratch: Vec::new(),
        })
    }

    fn add(&mut self, column: &ArrayRef, plan: &Plan) -> Result<(), Error> {
        if let Some(converter) = &self.converter {
            let encoded = converter.convert_columns(std::slice::from_ref(column));
            for row in &encoded.map_err(|source| plan.rows_error(source))? {
                self.lengths.update(&(row.data().len() as u64).to_le_bytes());
                self.bytes.update(row.data());
            }
        } else {
            self.add_nulls(column.nulls());
            match column.data_type() {
                DataType::Boolean => self.add_booleans(column.as_boolean()),
                DataType::Utf8 => self.add_texts(column.as_bytes::<Utf8Type>()),
                DataType::Binary => self.add_texts(column.as_bytes::<BinaryType>()),
                _ => self.add_fixed(&column.to_data()),
            }
        }
        self.rows += column.len() as u64;
        Ok(())
    }

    /// Adds the numbers of the rows that are NULL.
    fn add_nulls(&mut self, nulls: Option<&NullBuffer>) {
        let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return };
        let valid = nulls.inner();
        self.scratch.clear();
        for (row, _) in (self.rows..).zip(valid.iter()).filter(|(_, is_valid)| !is_valid) {
            self.scratch.extend_from_slice(&row.to_le_bytes());
        }
        self.nulls.update(&self.scratch);
    }

    fn add_booleans(&mut self, column: &BooleanArray) {
        self.scratch.clear();
        self.scratch.extend(column.iter().map(|value| u8::from(value == Some(true))));
        self.bytes.update(&self.scratch);
    }

    fn add_texts<T: ByteArrayType<Offset = i32>>(&mut self, column: &GenericByteArray<T>) {
        let offsets = column.value_offsets();
        self.scratch.clear();
        let mut hidden = 0;
        for (row, pair) in offsets.windows(2).enumerate() {
            let is_null = column.is_null(row);
            let length = if is_null { 0 } else { pair[1] - pair[0] };
            hidden |= pair[1] - pair[0] - length;
            self.scratch.extend_from_slice(&length.to_le_bytes());
        }
        self.lengths.update(&self.scratch);
        if hidden == 0 {
            let at = |offset: Option<&i32>| offset.map_or(0, |&offset| usize::try_from(offset).unwrap_or_default());
            self.bytes.update(&column.value_data()[at(offsets.first())..at(offsets.last())]);
        } else {
            // Bytes below a NULL are no value.
            column.iter().flatten().for_each(|value| self.bytes.update(value.as_ref()));
        }
    }

    /// Adds the values of one width; below a NULL may lie anything, so zeros are put there.
    fn add_fixed(&mut self, column: &ArrayData) {
        let width = match column.data_type() {
            DataType::FixedSizeBinary(width) => usize::try_from(*width).unwrap_or_default(),
            other => other.primitive_width().unwrap_or_default(),
        };
        let values = &column.buffers()[0][column.offset() * width..(column.offset() + column.len()) * width];
        let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) else {
            return self.bytes.update(values);
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(values);
        for (value, _) in self.scratch.chunks_exact_mut(width.max(1)).zip(nulls).filter(|(_, is_valid)| !is_valid) {
            value.fill(0);
        }
        self.bytes.update(&self.scratch);
    }

    fn finish(&self) -> String {
        let mut hasher = Xxh3::new();
        text(&mut |bytes| hasher.update(bytes), &self.data_type.to_string());
        hasher.update(&self.rows.to_le_bytes());
        for part in [&self.nulls, &self.lengths, &self.bytes] {
            hasher.update(&part.digest128().to_le_bytes());
        }
        format!("{:032x}", hasher.digest128())
    }
}

/// Returns the hash of a column of the files that holds nothing but NULLs.
pub(super) fn of_nulls(column: usize, rows: u64, plan: &Plan) -> Result<String, Error> {
    let mut content = ColumnContent::new(column, plan)?;
    let mut left = rows;
    while left > 0 {
        let part = left.min(NULLS_AT_ONCE);
        let nulls = new_null_array(&content.data_type, usize::try_from(part).unwrap_or_default());
        content.add(&nulls, plan)?;
        left -= part;
    }
    Ok(content.finish())
}

/// Returns the hash of a partition, given those of its columns.
pub(super) fn of_partition(
    plan: &Plan,
    values: &PartitionValues,
    rows: u64,
    columns: &BTreeMap<String, String>,
) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(bytes);
    };
    for field in plan.schema.fields() {
        text(&mut add, field.name());
        text(&mut add, &field.data_type().to_string());
    }
    for (column, value) in plan.partition_by.iter().zip(&values.0) {
        text(&mut add, column);
        add(&[u8::from(value.is_some())]);
        text(&mut add, value.as_deref().unwrap_or_default());
    }
    add(&rows.to_le_bytes());
    for (column, content) in columns {
        text(&mut add, column);
        text(&mut add, content);
    }
    hasher.finalize().to_hex().as_str()[..32].to_owned()
}

/// Hashes a text with its length, so that two neighbours cannot be cut differently.
fn text(add: &mut impl FnMut(&[u8]), text: &str) {
    add(&(text.len() as u64).to_le_bytes());
    add(text.as_bytes());
}
