//! Content hashes of a partition.
//!
//! In: its rows in sorted order. Out: a hash of all rows and one per column, equal whenever the rows are, however they
//! were ordered, cut or stored. A row hash is XXH3-128 of the row's encoding in Arrow's row format, which tells NULL from
//! an empty string; hashes are added modulo 2^128, so that equal rows do not cancel out. Partition values enter the hash of
//! all rows by their text.

use std::collections::BTreeMap;

use arrow::{
    array::{ArrayRef, RecordBatch},
    row::{RowConverter, Rows},
};
use xxhash_rust::xxh3::xxh3_128;

use super::plan::Plan;
use crate::{publish::Error, record::PartitionValues};

/// Hashes per column, in progress.
#[derive(Debug)]
pub(super) struct Contents {
    /// Columns that tell one row from another: the key, or all of them.
    identity_columns: Vec<usize>,
    identity: RowConverter,
    columns: Vec<RowConverter>,
    sums: Vec<u128>,
    /// The key of the row before and how many rows had it; rows of one key are told apart by their place in the order,
    /// so that values swapped between them do not go unnoticed.
    last_key: Vec<u8>,
    repeats: u64,
}

impl Contents {
    pub fn new(plan: &Plan) -> Result<Self, Error> {
        let identity_columns = if plan.has_key { &plan.key_columns } else { &plan.sort_columns };
        let count = plan.data_schema.fields().len();
        Ok(Self {
            identity: plan.converter(identity_columns)?,
            identity_columns: identity_columns.clone(),
            columns: (0..count).map(|column| plan.converter(&[column])).collect::<Result<_, _>>()?,
            sums: vec![0; count],
            last_key: Vec::new(),
            repeats: 0,
        })
    }

    /// Adds the next rows in sorted order.
    pub fn add(&mut self, rows: &RecordBatch, plan: &Plan) -> Result<(), Error> {
        let identities = self.identities(rows, plan)?;
        let mut bytes = Vec::new();
        for (column, (converter, sum)) in self.columns.iter().zip(&mut self.sums).enumerate() {
            let encoded = encode(converter, &[rows.column(column).clone()], plan)?;
            for (identity, value) in identities.iter().zip(&encoded) {
                bytes.clear();
                bytes.extend_from_slice(identity);
                bytes.extend_from_slice(value.data());
                *sum = sum.wrapping_add(xxh3_128(&bytes));
            }
        }
        Ok(())
    }

    fn identities(&mut self, rows: &RecordBatch, plan: &Plan) -> Result<Vec<[u8; 16]>, Error> {
        if self.identity_columns.is_empty() {
            return Ok((0..rows.num_rows()).map(|_| self.identity_of(&[])).collect());
        }
        let columns: Vec<ArrayRef> = self.identity_columns.iter().map(|&column| rows.column(column).clone()).collect();
        let encoded = encode(&self.identity, &columns, plan)?;
        Ok(encoded.iter().map(|row| self.identity_of(row.data())).collect())
    }

    fn identity_of(&mut self, key: &[u8]) -> [u8; 16] {
        if self.last_key == key {
            self.repeats += 1;
        } else {
            self.repeats = 1;
            self.last_key.clear();
            self.last_key.extend_from_slice(key);
        }
        let once = xxh3_128(key);
        once.wrapping_add(u128::from(self.repeats)).to_le_bytes()
    }

    /// Returns the hash of each column of the files, by name.
    pub fn of_columns(&self, plan: &Plan) -> BTreeMap<String, String> {
        let column = |(field, sum): (&std::sync::Arc<arrow::datatypes::Field>, &u128)| {
            let typed = sum.wrapping_add(xxh3_128(field.data_type().to_string().as_bytes()));
            (field.name().clone(), format!("{typed:032x}"))
        };
        plan.data_schema.fields().iter().zip(&self.sums).map(column).collect()
    }
}

/// Returns the hash of a partition, given the sum of its rows' hashes.
pub(super) fn of_partition(plan: &Plan, values: &PartitionValues, rows: u64, sum: u128) -> String {
    let mut hasher = blake3::Hasher::new();
    for field in plan.schema.fields() {
        text(&mut hasher, field.name());
        text(&mut hasher, &field.data_type().to_string());
    }
    for (column, value) in plan.partition_by.iter().zip(&values.0) {
        text(&mut hasher, column);
        hasher.update(&[u8::from(value.is_some())]);
        text(&mut hasher, value.as_deref().unwrap_or_default());
    }
    hasher.update(&rows.to_le_bytes()).update(&sum.to_le_bytes());
    hasher.finalize().to_hex().as_str()[..32].to_owned()
}

/// Hashes a text with its length, so that two neighbours cannot be cut differently.
fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

fn encode(converter: &RowConverter, columns: &[ArrayRef], plan: &Plan) -> Result<Rows, Error> {
    converter.convert_columns(columns).map_err(|source| plan.rows_error(source))
}

/// Returns the sum of the hashes of encoded rows.
pub(super) fn sum_rows(rows: &Rows) -> u128 {
    rows.iter().fold(0, |sum, row| sum.wrapping_add(xxh3_128(row.data())))
}
