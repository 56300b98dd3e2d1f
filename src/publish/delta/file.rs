//! The data files of a table, as a log names them.
//!
//! In: a table of the manifest. Out: its files by path, and path and partition values in the spelling of the protocol.

use std::{collections::BTreeMap, fmt::Write};

use super::actions::Values;
use crate::record::manifest::{DataFile, Partition, Table};

/// One data file of a table.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    partition: &'a Partition,
    /// The file.
    pub file: &'a DataFile,
}

/// Returns a table's files by their paths below `data/`.
pub fn by_path(table: &Table) -> BTreeMap<&str, File<'_>> {
    let mut files = BTreeMap::new();
    for partition in &table.partitions {
        files.extend(partition.files.iter().map(|file| (file.path.as_str(), File { partition, file })));
    }
    files
}

/// Returns those of `these` that `others` do not have.
pub fn missing_in<'a>(others: &BTreeMap<&str, File<'a>>, these: &BTreeMap<&str, File<'a>>) -> Vec<File<'a>> {
    these.iter().filter(|(path, _)| !others.contains_key(*path)).map(|(_, file)| *file).collect()
}

impl<'a> File<'a> {
    /// Returns the path from the table's folder, encoded as in a URI: what Hive escaped is escaped once more.
    pub fn encoded_path(&self) -> String {
        let mut encoded = String::from("data/");
        for byte in self.file.path.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'=' => {
                    encoded.push(char::from(byte));
                }
                other => {
                    let _ = write!(encoded, "%{other:02X}");
                }
            }
        }
        encoded
    }

    /// Returns the values of the partition columns.
    pub fn values(&self, table: &'a Table) -> Values<'a> {
        let values = self.partition.values.0.iter().map(Option::as_deref);
        table.partition_by.iter().map(String::as_str).zip(values).collect()
    }
}
