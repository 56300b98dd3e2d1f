//! A sample of files: the first rows of each part, counted by column and hashed by cell.
//!
//! In: inputs and how to read them. Out: for each part what it looks like. Deliberately keeps no text but the few
//! different values of a column.

use std::io::Read;

use xxhash_rust::xxh3::xxh3_64;

use super::profile::{NULL_WORDS, Profile, tidy};
use crate::{
    Error,
    record::{FileShape, RawBatch},
    run::inputs::{Input, Reading},
};

/// What a cell without a value hashes to.
pub(super) const NOTHING: u64 = 0;

/// A part of a file, as far as it was looked at.
#[derive(Debug)]
pub(super) struct Sampled {
    /// Path below the wildcard-free part of the location.
    pub path: String,
    pub shape: FileShape,
    /// Counts of each column of the header.
    pub profiles: Vec<Profile>,
    /// Hashes of cells, row after row.
    hashes: Vec<u64>,
    /// Rows that were looked at, and those that could not be cut into cells.
    pub rows: u64,
    pub unread: u64,
}

impl Sampled {
    fn new(path: &str, shape: FileShape) -> Self {
        let profiles = vec![Profile::default(); shape.header.len()];
        Self { path: path.to_owned(), shape, profiles, hashes: Vec::new(), rows: 0, unread: 0 }
    }

    fn take(&mut self, batch: &RawBatch, row: usize) {
        if batch.fault(row).is_some() {
            self.unread += 1;
            return;
        }
        self.rows += 1;
        for (column, profile) in self.profiles.iter_mut().enumerate() {
            let cell = batch.cell(row, column);
            profile.add(cell, self.shape.decimal_mark);
            self.hashes.push(hash(cell));
        }
    }

    /// Returns the hashes of each row's cells.
    pub fn hashed_rows(&self) -> impl Iterator<Item = &[u64]> {
        self.hashes.chunks_exact(self.shape.header.len().max(1))
    }
}

fn hash(cell: Option<&str>) -> u64 {
    let text = tidy(cell.unwrap_or_default());
    if NULL_WORDS.contains(&&*text) { NOTHING } else { xxh3_64(text.as_bytes()).max(NOTHING + 1) }
}

/// Looks at the first rows of every part; an empty part is left out.
///
/// # Errors
/// When a file cannot be read.
pub(super) async fn sample(
    inputs: &[Input],
    how: &Reading,
    rows_each: u64,
    standard_input: &mut dyn Read,
) -> Result<Vec<Sampled>, Error> {
    let mut sampled = Vec::new();
    for input in inputs {
        for mut part in input.open(how, standard_input).await? {
            let mut found = Sampled::new(&input.below, part.reader.shape().clone());
            while found.rows < rows_each {
                let Some(batch) = part.reader.next_batch()? else { break };
                for row in 0..batch.len() {
                    if found.rows < rows_each {
                        found.take(&batch, row);
                    }
                }
            }
            if !found.shape.header.is_empty() {
                sampled.push(found);
            }
        }
    }
    Ok(sampled)
}
