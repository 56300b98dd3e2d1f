//! What people are told of columns: contracts and SQL headers → labels by column.
//!
//! Columns of which nothing is said have no label.

use std::collections::BTreeMap;

use super::project::{Column, Model, ModelColumn, Source, Title};
use crate::record::manifest::Label;

impl Source {
    /// Returns the labels of the staged table's columns.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, Label> {
        let of = |Column { name, title, description, unit, .. }: &Column| {
            (name.value.clone(), label(title, description.as_ref(), unit.as_ref()))
        };
        told(self.columns.iter().map(of))
    }
}

impl Model {
    /// Returns the labels of the table's columns.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, Label> {
        let of = |ModelColumn { name, title, description, unit, .. }: &ModelColumn| {
            (name.value.clone(), label(title, description.as_ref(), unit.as_ref()))
        };
        told(self.columns.iter().map(of))
    }
}

/// Keeps the labels that say something.
fn told(labels: impl Iterator<Item = (String, Label)>) -> BTreeMap<String, Label> {
    labels.filter(|(_, label)| *label != Label::default()).collect()
}

fn label(title: &Title, description: Option<&String>, unit: Option<&String>) -> Label {
    Label {
        title_zh: title.zh.clone(),
        title_en: title.en.clone(),
        description: description.cloned(),
        unit: unit.cloned(),
    }
}
