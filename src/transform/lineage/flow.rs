//! What flows out of a node of a plan: for each of its columns, and for its rows, what of the tables below goes into it.

use std::collections::BTreeMap;

use super::uses::{Use, Uses};

/// Columns of tables, by their number in the walk, and how each is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources(BTreeMap<usize, Uses>);

impl Sources {
    /// Returns a column as it stands in its table.
    pub fn copy_of(column: usize) -> Self {
        Self(BTreeMap::from([(column, Uses::COPY)]))
    }

    pub fn add(&mut self, other: &Self) {
        for (&column, &uses) in &other.0 {
            let known = self.0.entry(column).or_default();
            *known = known.and(uses);
        }
    }

    /// Returns the same used for something: values become that use, what is no value any more stays as it is.
    pub fn used_for(&self, purpose: Use) -> Self {
        Self(self.0.iter().map(|(&column, &uses)| (column, Uses::from(purpose).after(uses))).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, Uses)> {
        self.0.iter().map(|(&column, &uses)| (column, uses))
    }
}

impl FromIterator<Sources> for Sources {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut sum = Self::default();
        all.into_iter().for_each(|sources| sum.add(&sources));
        sum
    }
}

/// What flows out of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// In the order of the node's schema.
    pub columns: Vec<Sources>,
    /// What decides which rows there are.
    pub rows: Sources,
    /// What the rows are ordered by, which matters to a LIMIT above.
    pub order: Sources,
}

impl Flow {
    /// Returns everything of which anything here is made.
    pub fn everything(&self) -> Sources {
        self.columns.iter().chain([&self.rows]).cloned().collect()
    }

    /// Adds another input that gives rows of the same columns.
    pub fn unite(&mut self, other: &Self) {
        self.columns.resize(self.columns.len().max(other.columns.len()), Sources::default());
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.add(more);
        }
        self.rows.add(&other.rows);
        self.order = Sources::default();
    }
}
