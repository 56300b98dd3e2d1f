//! A report as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Title;
use crate::define::{
    project::report::{ChartKind, Format, Order},
    spans::{At, Pairs, TextOr},
};

/// A report: charts over the tables of a snapshot, which `tallyhouse report` writes as one HTML page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Name of the report, in `snake_case`.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// Title of the page.
    #[schemars(required)]
    pub title: Option<At<Title>>,
    /// Whom the report is for and what it answers.
    pub description: Option<String>,
    /// The reporting currency as readers call it, such as `{ zh: 元, en: CNY }`. Needed where a chart shows money.
    pub currency: Option<At<Title>>,
    /// Columns by whose values the reader narrows the charts that have them.
    #[serde(default)]
    pub filters: Vec<At<Filter>>,
    /// What readers see in place of codes in the data: `unknown: { zh: 未知, en: Unknown }`.
    #[serde(default)]
    pub words: Pairs<At<Title>>,
    /// Parts of the page in order.
    #[schemars(required, extend("minItems" = 1))]
    pub sections: Option<Vec<At<Section>>>,
}

/// A column by whose values the reader narrows the page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The column. A chart obeys the filter when its rows have a column of that name.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// What the reader chooses.
    #[schemars(required)]
    pub title: Option<At<Title>>,
}

/// A part of the page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its heading.
    #[schemars(required)]
    pub title: Option<At<Title>>,
    /// Its charts in order.
    #[schemars(required, extend("minItems" = 1))]
    pub charts: Option<Vec<At<Chart>>>,
}

/// One chart: a query, by which columns its rows are put together, and what is shown of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// Name of the chart, in `snake_case`; no two charts of a report share it.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// Heading.
    #[schemars(required)]
    pub title: Option<At<Title>>,
    /// What to read off it, and what to do.
    pub note: Option<At<Title>>,
    /// How it is drawn.
    #[schemars(required)]
    pub kind: Option<At<ChartKind>>,
    /// One SELECT over public tables of the snapshot, with `$run_date` and the pipeline's variables. Its rows are put together
    /// by the columns of `by` after the reader's filters, so it may have more columns and more rows than are shown.
    #[schemars(required)]
    pub sql: Option<At<String>>,
    /// Columns by which rows are put together: what each mark of the chart stands for.
    #[serde(default)]
    pub by: Vec<At<TextOr<String, Dimension>>>,
    /// What is shown of the rows that were put together.
    #[serde(default)]
    pub show: Vec<At<Measure>>,
    /// Whether marks keep the order of the query's rows (`rows`, the default) or go from the largest first `show` to the
    /// smallest (`value`).
    pub order: Option<Order>,
    /// So many marks are shown at first; all are in the chart's table. Left out: all.
    #[schemars(extend("minimum" = 1))]
    pub limit: Option<At<u64>>,
    /// Whether bars of one place stand on each other.
    pub stacked: Option<At<bool>>,
    /// Whether bars lie, which leaves room for long names.
    pub horizontal: Option<At<bool>>,
}

/// A column by which rows are put together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// The column of the query.
    #[schemars(required)]
    pub column: Option<At<String>>,
    /// What readers call it. Left out: the title of the column of that name in a table that the query reads.
    pub title: Option<At<Title>>,
    /// How values are written. Left out: as their type suggests.
    pub format: Option<Format>,
    /// All values in order, those without rows too.
    pub values: Option<Vec<String>>,
}

/// What is shown of rows that were put together. Exactly one of the first six keys says how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["sum"] }, { "required": ["ratio"] }, { "required": ["growth"] },
    { "required": ["share"] }, { "required": ["count"] }, { "required": ["value"] }
]))]
pub struct Measure {
    /// The sum of a column.
    pub sum: Option<At<String>>,
    /// The sum of the first column over that of the second, of rows that have both.
    #[schemars(extend("minItems" = 2, "maxItems" = 2))]
    pub ratio: Option<At<Vec<At<String>>>>,
    /// The same less 1: what is now over what was before.
    #[schemars(extend("minItems" = 2, "maxItems" = 2))]
    pub growth: Option<At<Vec<At<String>>>>,
    /// The sum of a column over its sum in all rows with the same first column of `by`; of all rows where `by` has only one.
    pub share: Option<At<String>>,
    /// The number of rows: `count: rows`.
    pub count: Option<At<Counted>>,
    /// A column that cannot be added, such as a rank or a median: no two rows of the query may fall together.
    pub value: Option<At<String>>,
    /// What readers call it. Needed with `ratio`, `growth`, `share` and `count`; else left out: the title of the column of
    /// that name in a table that the query reads.
    pub title: Option<At<Title>>,
    /// How numbers are written. Left out: as the key and the type suggest.
    pub format: Option<Format>,
    /// Whether a table draws a bar beside the number.
    pub bars: Option<At<bool>>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Rows.
    Rows,
}
