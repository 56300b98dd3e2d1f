//! What a contract says about its columns without reading a row: which are made of which, and what each one means.

use std::collections::{BTreeMap, BTreeSet};

use super::{Contract, fingerprint};
use crate::{define::project::Source, engine::Parameters};

impl Contract {
    /// Returns the derived columns with the columns of which each is made.
    pub fn derivations(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.derived.iter().map(|column| (column.name.as_str(), self.working_names(&column.expression.inputs)))
    }

    /// Returns the columns by which the row rules reject rows.
    #[must_use]
    pub fn ruled_by(&self) -> BTreeSet<&str> {
        self.rules.iter().flat_map(|rule| self.working_names(&rule.expression.inputs)).collect()
    }

    fn working_names(&self, indices: &[usize]) -> Vec<&str> {
        indices.iter().map(|&index| self.working.field(index).name().as_str()).collect()
    }

    /// Returns a hash of how each column gets its values, by name.
    #[must_use]
    pub fn column_meanings(&self, source: &Source, parameters: &Parameters) -> BTreeMap<String, String> {
        let derived: BTreeMap<&str, &str> =
            self.derived.iter().map(|column| (column.name.as_str(), column.expression.canonical.as_str())).collect();
        let meaning = |column: &crate::define::project::Column| {
            let name = &column.name.value;
            (name.clone(), fingerprint::one_column(column, parameters, derived.get(name.as_str()).copied()))
        };
        source.columns.iter().map(meaning).collect()
    }

    /// Returns a hash of what decides which rows are accepted and which of two with one key wins.
    #[must_use]
    pub fn row_meaning(&self, source: &Source) -> String {
        let rules = self.rules.iter().map(|rule| (rule.name.as_str(), rule.expression.canonical.as_str()));
        fingerprint::rows(source, rules)
    }
}
