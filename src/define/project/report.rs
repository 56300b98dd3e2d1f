//! Reports as validated: what is drawn, of which columns, and how numbers are put together.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Title;
use crate::record::{Placed, Text};

/// A report.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file.
    pub text: Arc<Text>,
    /// Its name.
    pub name: Placed<String>,
    /// Title of the page.
    pub title: Title,
    /// Whom it is for and what it answers.
    pub description: Option<String>,
    /// The reporting currency, where the report shows money.
    pub currency: Title,
    /// Columns by whose values the reader narrows the page.
    pub filters: Vec<Filter>,
    /// What readers see in place of codes.
    pub words: BTreeMap<String, Title>,
    /// Parts of the page.
    pub sections: Vec<Section>,
}

/// A column by whose values the reader narrows the page.
#[derive(Debug, Clone, Serialize)]
pub struct Filter {
    /// The column.
    pub column: Placed<String>,
    /// What the reader chooses.
    pub title: Title,
}

/// A part of the page.
#[derive(Debug, Clone)]
pub struct Section {
    /// Its heading.
    pub title: Title,
    /// Its charts.
    pub charts: Vec<Chart>,
}

/// One chart.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its name.
    pub name: Placed<String>,
    /// Heading.
    pub title: Title,
    /// What to read off it.
    pub note: Title,
    /// How it is drawn.
    pub kind: ChartKind,
    /// The query.
    pub sql: Placed<String>,
    /// What each mark stands for.
    pub by: Vec<Dimension>,
    /// What is shown.
    pub show: Vec<Measure>,
    /// In which order marks stand.
    pub order: Order,
    /// How many marks are shown at first.
    pub limit: Option<u64>,
    /// Whether bars stand on each other.
    pub is_stacked: bool,
    /// Whether bars lie.
    pub is_horizontal: bool,
}

/// A column by which rows are put together.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// The column.
    pub column: Placed<String>,
    /// What readers call it, if the report says so.
    pub title: Title,
    /// How values are written, if the report says so.
    pub format: Option<Format>,
    /// All values in order; empty where those of the rows are meant.
    pub values: Vec<String>,
}

/// A number of rows that were put together.
#[derive(Debug, Clone)]
pub struct Measure {
    /// How it adds up.
    pub how: How,
    /// Of which columns: none for a count, two for a ratio and a growth, else one.
    pub columns: Vec<Placed<String>>,
    /// What readers call it, if the report says so.
    pub title: Title,
    /// How it is written, if the report says so.
    pub format: Option<Format>,
    /// Whether a table draws a bar beside it.
    pub has_bars: bool,
}

/// How a number adds up over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The sum.
    Sum,
    /// The sum of one column over that of another.
    Ratio,
    /// The same less 1.
    Growth,
    /// The sum over that of all rows with the same first dimension.
    Share,
    /// The number of rows.
    Count,
    /// The value of the only row.
    Value,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// Large numbers.
    Figures,
    /// Lines along the first column of `by`, one for each value of the second or for each `show`.
    Line,
    /// Bars along the first column of `by`, side by side for each value of the second or for each `show`.
    Bar,
    /// Circles, one for each value of the first column of `by`, coloured by the second; `show` is across, up and size.
    Bubble,
    /// A grid of the first column of `by` (rows) and the second (columns); a third one lists its values in the cells.
    Matrix,
    /// From the first `show` over its parts to the last.
    Waterfall,
    /// Waterfalls below each other, one for each value of all columns of `by` but the last, whose values are the steps; each ends in
    /// the sum.
    Waterfalls,
    /// A tree: the first column of `by` names a mark, the second the one that it hangs on, the third by what; `show` is the
    /// number of the link, where it has one.
    Tree,
    /// Steps from above, the first column of `by`; a second `show` is what each step should be.
    Funnel,
    /// Bars from the largest on, named by the first column of `by`, and which part of the whole they make together.
    Pareto,
    /// A table that can be sorted.
    Table,
}

/// In which order marks stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As the rows of the query.
    #[default]
    Rows,
    /// The largest first.
    Value,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A whole number.
    Number,
    /// A number with two decimals: scores and rates per hundred.
    Decimal,
    /// The same with its sign: what adds to a whole and what takes from it.
    Signed,
    /// Money of the reporting currency.
    Money,
    /// A share, in percent.
    Share,
    /// A growth or a difference of shares, in percent with its sign.
    Change,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// A year.
    Year,
    /// A day.
    Date,
    /// A month, given as its first day.
    Month,
    /// A quarter, given as its first day.
    Quarter,
    /// Text; codes as `words` says.
    Text,
    /// Yes or no.
    YesNo,
}

impl Report {
    /// Returns all charts in order.
    pub fn charts(&self) -> impl Iterator<Item = &Chart> {
        self.sections.iter().flat_map(|section| &section.charts)
    }
}

impl Chart {
    /// Returns the columns of the query that the chart names.
    pub fn columns(&self) -> impl Iterator<Item = &Placed<String>> {
        let measured = self.show.iter().flat_map(|measure| &measure.columns);
        self.by.iter().map(|dimension| &dimension.column).chain(measured)
    }

    /// Returns whether rows may not fall together, since one of them could not be shown.
    #[must_use]
    pub fn is_one_row_a_mark(&self) -> bool {
        self.show.iter().any(|measure| measure.how == How::Value)
    }
}
