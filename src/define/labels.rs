//! What people are told of columns: contracts and SQL headers → labels by column.
//!
//! Columns of which nothing is said have no label.

use std::collections::BTreeMap;

use super::project::{Model, Source, Title};
use crate::record::manifest::Label;

impl Source {
    /// Returns the labels of the staged table's columns.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, Label> {
        let said = self.columns.iter().map(|column| {
            (column.name.value.clone(), label(&column.title, column.description.as_ref(), column.unit.as_ref()))
        });
        said.filter(|(_, label)| *label != Label::default()).collect()
    }
}

impl Model {
    /// Returns the labels of the table's columns.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, Label> {
        let said = self.columns.iter().map(|column| {
            (column.name.value.clone(), label(&column.title, column.description.as_ref(), column.unit.as_ref()))
        });
        said.filter(|(_, label)| *label != Label::default()).collect()
    }
}

fn label(title: &Title, description: Option<&String>, unit: Option<&String>) -> Label {
    Label {
        title_zh: title.zh.clone(),
        title_en: title.en.clone(),
        description: description.cloned(),
        unit: unit.cloned(),
    }
}
