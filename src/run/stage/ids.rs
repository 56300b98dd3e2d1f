//! Ids on the rows of a source.
//!
//! In: the id of each record, and which records each partition has. Out: a column of ids for any rows of a partition, and
//! a hash of all ids in it, by which a partition is known to need no writing. Deliberately does not know how ids are found.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, StringBuilder},
    datatypes::{DataType, Field, FieldRef},
    record_batch::RecordBatch,
};

use super::{narrow::column, sink::broken};
use crate::{Error, identify::key, record::PartitionValues};

/// Finds the id of a record by its key; None for a record that names nothing.
pub(in crate::run) type Lookup<'a> = Box<dyn Fn(&str) -> Option<&'a str> + Send + Sync + 'a>;

/// Ids of one entity on the rows of one source.
pub(in crate::run) struct SourceIds<'a> {
    /// The column of ids.
    pub column: &'a str,
    /// The columns that name a record.
    pub key: Vec<&'a str>,
    /// The columns that stand in the names of partitions.
    pub partition_by: Vec<FieldRef>,
    /// The id of each record.
    pub lookup: Lookup<'a>,
    /// Hash of the ids in each partition.
    pub fingerprints: HashMap<PartitionValues, String>,
}

impl SourceIds<'_> {
    /// Returns the field of the column.
    pub(super) fn field(&self) -> FieldRef {
        Arc::new(Field::new(self.column, DataType::Utf8, true))
    }

    /// Returns a hash of the ids that the rows of a partition bear.
    pub(super) fn fingerprint(&self, values: &PartitionValues) -> &str {
        self.fingerprints.get(values).map(String::as_str).unwrap_or_default()
    }

    /// Returns the ids of rows of one partition.
    pub(super) fn column(&self, rows: &RecordBatch, values: &PartitionValues) -> Result<ArrayRef, Error> {
        let parts = self.key.iter().map(|name| column(rows, values, name, &self.partition_by));
        let parts = parts.collect::<Result<Vec<_>, Error>>()?;
        let keys = key::joined(&parts).map_err(|error| broken(&error))?;
        let mut ids = StringBuilder::with_capacity(keys.len(), keys.len() * 16);
        for key in &keys {
            ids.append_option(key.and_then(|key| (self.lookup)(key)));
        }
        Ok(Arc::new(ids.finish()))
    }
}
