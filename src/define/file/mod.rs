//! Definitions as written: exactly the keys that a person may use, nothing checked beyond their shape.
//!
//! Field comments are what editors show: they become the descriptions of `docs/schemas/*.schema.json`. Keys that must
//! be there are `Option` here and required in the schema, so that a missing one is reported beside all other findings.

mod check;
mod entity;
mod function;
mod model;
mod pipeline;
pub mod report;
mod source;
mod unit_test;

pub use check::{AcceptedValues, Change, Check, Freshness, Limit, Measure, Range, Relationships, RowCount, ZScore};
pub use entity::{
    Attribute, BelongsTo, Block, Comparison, Entity, ExactWord, Id, Level, Records, Rule as EntityRule, Veto,
};
pub use function::Function;
pub use model::{Column as ModelColumn, History, Model};
pub use pipeline::{OnLowSpace, Pipeline, Publish, Variable};
pub use source::{
    Alias, CleanWord, CodeMap, Column, Drift, FileKeys, FileLimits, FixedColumn, Format, FormatName, FormatOptions,
    RejectLimit, Rule, Source, Version,
};
pub use unit_test::{Cell, Compared, ExpectedRows, GivenRows, Row, Rows, RowsOr, UnitTest, UnitTests};

/// A title in two languages.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// Title in Chinese.
    pub zh: Option<String>,
    /// Title in English.
    pub en: Option<String>,
}

impl From<Option<Title>> for crate::define::project::Title {
    fn from(title: Option<Title>) -> Self {
        let title = title.unwrap_or_default();
        Self { zh: title.zh, en: title.en }
    }
}
