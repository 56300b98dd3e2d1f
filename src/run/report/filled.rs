//! Charts with their rows, as the scripts of the page take them.
//!
//! In and out: nothing but data. Deliberately says nothing of where rows come from: those of a report are queries of a snapshot,
//! those of an explained id are found when it is asked for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::define::project::{
    Title,
    report::{ChartKind, Filter, Format, How, Order},
};

/// A report with the rows of its charts, as the page takes it.
#[derive(Debug, Clone, Serialize)]
pub struct FilledReport {
    /// Its name.
    pub name: String,
    /// Title of the page.
    pub title: Title,
    /// Whom it is for and what it answers.
    pub description: Option<String>,
    /// The snapshot; None where nothing is served, and rows are those of now.
    pub snapshot: Option<String>,
    /// The day as of which the snapshot answers.
    pub run_date: String,
    /// The reporting currency.
    pub(in crate::run) currency: Title,
    pub(in crate::run) filters: Vec<Filter>,
    pub(in crate::run) words: BTreeMap<String, Title>,
    pub(in crate::run) sections: Vec<FilledSection>,
}

/// A part of the page.
#[derive(Debug, Clone, Serialize)]
pub(in crate::run) struct FilledSection {
    pub(in crate::run) title: Title,
    pub(in crate::run) charts: Vec<FilledChart>,
}

/// A chart and its rows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::run) struct FilledChart {
    pub(in crate::run) name: String,
    pub(in crate::run) title: Title,
    pub(in crate::run) note: Title,
    pub(in crate::run) kind: ChartKind,
    pub(in crate::run) by: Vec<Shown>,
    pub(in crate::run) show: Vec<Measured>,
    pub(in crate::run) order: Order,
    pub(in crate::run) limit: Option<u64>,
    pub(in crate::run) is_stacked: bool,
    pub(in crate::run) is_horizontal: bool,
    pub(in crate::run) columns: Vec<String>,
    pub(in crate::run) rows: Vec<Vec<Value>>,
}

/// A dimension, with all that the report leaves to the tables and types.
#[derive(Debug, Clone, Serialize)]
pub(in crate::run) struct Shown {
    pub(in crate::run) column: String,
    pub(in crate::run) title: Title,
    pub(in crate::run) format: Format,
    pub(in crate::run) values: Vec<String>,
}

/// A measure, likewise.
#[derive(Debug, Clone, Serialize)]
pub(in crate::run) struct Measured {
    pub(in crate::run) how: How,
    pub(in crate::run) columns: Vec<String>,
    pub(in crate::run) title: Title,
    pub(in crate::run) format: Format,
    pub(in crate::run) has_bars: bool,
}
