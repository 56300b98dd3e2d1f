//! A report: its charts, filled with rows of a snapshot.
//!
//! In: a request and the name of a report. Out: a [`FilledReport`] for the page. Deliberately adds nothing up: the page does,
//! since the reader's filters decide what.

mod cells;
mod filled;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::error::DataFusionError;
use serde_json::Value;

use super::{Request, Snapshot, load};
use crate::{
    Error,
    define::{
        project::{
            Title,
            report::{Chart, Dimension, Format, How, Measure, Report, Section},
        },
        suggestion,
    },
    engine::{Engine, Statement},
    record::{Diagnostic, TableName, manifest::Label},
};

pub use filled::FilledReport;
pub(super) use filled::{FilledChart, FilledSection, Measured, Shown};
pub(super) use validate::{Around, reads, validate};

/// Rows of one chart, above which a page gets slow and nobody sees a single one.
const MOST_ROWS: usize = 20_000;

/// Fills a report from the served snapshot, or another by its id. The name may be left out where there is but one.
///
/// # Errors
/// When there is no such report or snapshot, the report is wrong, or a chart has too many rows or rows that fall together.
pub async fn report(
    request: &Request,
    name: Option<&str>,
    id: Option<&str>,
    engine: &Engine,
) -> Result<FilledReport, Error> {
    let report = named(reports(request)?, name)?;
    let snapshot = Snapshot::open(request, id)?;
    let mut sections = Vec::with_capacity(report.sections.len());
    for Section { title, charts } in &report.sections {
        let mut filled = Vec::with_capacity(charts.len());
        for chart in charts {
            filled.push(self::chart(chart, &snapshot, engine).await?);
        }
        sections.push(FilledSection { title: title.clone(), charts: filled });
    }
    Ok(FilledReport {
        name: report.name.value,
        title: report.title,
        description: report.description,
        snapshot: Some(snapshot.manifest.snapshot.clone()),
        run_date: snapshot.parameters.run_date.to_string(),
        currency: report.currency,
        filters: report.filters,
        words: report.words,
        sections,
    })
}

fn reports(request: &Request) -> Result<Vec<Report>, Error> {
    let (reports, findings) = validate::read(&load::reports(&load::pipeline_file(request)?)?);
    if findings.is_empty() { Ok(reports) } else { Err(Error::Definition(findings)) }
}

fn named(mut reports: Vec<Report>, name: Option<&str>) -> Result<Report, Error> {
    let names: Vec<String> = reports.iter().map(|report| report.name.value.clone()).collect();
    let known = || names.iter().map(String::as_str);
    let at = match name {
        Some(name) => names.iter().position(|known| known == name),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    if let Some(at) = at {
        return Ok(reports.swap_remove(at));
    }
    let (message, hint) = match name {
        _ if names.is_empty() => {
            ("the pipeline has no report".to_owned(), "add `reports: reports/*.yaml` to the pipeline file".to_owned())
        }
        Some(name) => (format!("there is no report `{name}`"), suggestion(name, known())),
        None => ("the pipeline has several reports".to_owned(), format!("name {}", suggestion("", known()))),
    };
    Err(Error::Usage { message, hint: Some(hint) })
}

async fn chart(chart: &Chart, snapshot: &Snapshot, engine: &Engine) -> Result<FilledChart, Error> {
    let told = |error: &DataFusionError| Error::Definition(vec![validate::wrong(chart, error)]);
    let statement = Statement::parse(&chart.sql.value, &snapshot.parameters).map_err(|error| told(&error))?;
    if let Some(finding) = validate::private(chart, &statement.named) {
        return Err(Error::Definition(vec![finding]));
    }
    let labels = labels(&statement.named, snapshot);
    let (schema, batches) = snapshot.query_in_order(statement, &told, engine).await?;
    refuse_too_many(chart, &batches)?;
    refuse_columns(chart, &schema)?;
    let rows = cells::rows(&batches).map_err(|error| Error::Bug { message: error.to_string() })?;
    let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    refuse_falling_together(chart, &columns, &rows)?;
    Ok(FilledChart {
        name: chart.name.value.clone(),
        title: chart.title.clone(),
        note: chart.note.clone(),
        kind: chart.kind,
        by: chart.by.iter().map(|dimension| shown(dimension, &schema, &labels)).collect(),
        show: chart.show.iter().map(|measure| measured(measure, &schema, &labels)).collect(),
        order: chart.order,
        limit: chart.limit,
        is_stacked: chart.is_stacked,
        is_horizontal: chart.is_horizontal,
        columns,
        rows,
    })
}

/// What the tables of a query say of their columns.
type Labels<'a> = Vec<&'a BTreeMap<String, Label>>;

fn labels<'a>(tables: &[TableName], snapshot: &'a Snapshot) -> Labels<'a> {
    tables.iter().filter_map(|table| snapshot.manifest.tables.get(table)).map(|table| &table.labels).collect()
}

/// Returns what the report calls a column, else what a table does in which it has the same name, else its name.
fn title(own: &Title, column: &str, labels: &Labels<'_>) -> Title {
    let found = labels.iter().find_map(|labels| labels.get(column).filter(|label| label.title_en.is_some()));
    let or_name = |title: Option<String>| title.or_else(|| Some(column.to_owned()));
    match (own.en.is_some(), found) {
        (true, _) => own.clone(),
        (false, Some(label)) => Title { zh: or_name(label.title_zh.clone()), en: or_name(label.title_en.clone()) },
        (false, None) => Title { zh: or_name(None), en: or_name(None) },
    }
}

fn shown(dimension: &Dimension, schema: &SchemaRef, labels: &Labels<'_>) -> Shown {
    let column = &dimension.column.value;
    Shown {
        column: column.clone(),
        title: title(&dimension.title, column, labels),
        format: dimension.format.unwrap_or_else(|| cells::format_of(schema, column, true)),
        values: dimension.values.clone(),
    }
}

fn measured(measure: &Measure, schema: &SchemaRef, labels: &Labels<'_>) -> Measured {
    let column = measure.columns.first().map_or("", |column| column.value.as_str());
    let format = || match measure.how {
        How::Sum | How::Value => cells::format_of(schema, column, false),
        How::Ratio | How::Share => Format::Share,
        How::Growth => Format::Change,
        How::Count => Format::Number,
    };
    Measured {
        how: measure.how,
        columns: measure.columns.iter().map(|column| column.value.clone()).collect(),
        title: title(&measure.title, column, labels),
        format: measure.format.unwrap_or_else(format),
        has_bars: measure.has_bars,
    }
}

fn refuse_too_many(chart: &Chart, batches: &[RecordBatch]) -> Result<(), Error> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows <= MOST_ROWS {
        return Ok(());
    }
    let message = format!("the query of the chart `{}` gives {rows} rows; a page takes {MOST_ROWS}", chart.name.value);
    let hint = "add up in its SQL: GROUP BY what the chart and the filters show, or keep the first with LIMIT";
    Err(Error::Definition(vec![Diagnostic::error(message, chart.name.place.clone()).hint(hint)]))
}

/// Refuses a chart that names columns which its query does not give.
fn refuse_columns(chart: &Chart, schema: &SchemaRef) -> Result<(), Error> {
    let findings = validate::columns(chart, schema.fields());
    if findings.is_empty() { Ok(()) } else { Err(Error::Definition(findings)) }
}

/// Refuses rows of which a chart could show only one.
fn refuse_falling_together(chart: &Chart, columns: &[String], rows: &[Vec<Value>]) -> Result<(), Error> {
    if !chart.is_one_row_a_mark() {
        return Ok(());
    }
    let at = |name: &str| columns.iter().position(|column| column == name);
    let places: Vec<usize> = chart.by.iter().filter_map(|dimension| at(&dimension.column.value)).collect();
    let mut seen = BTreeSet::new();
    let mark = |row: &Vec<Value>| places.iter().map(|at| row[*at].to_string()).collect::<Vec<_>>();
    let Some(doubled) = rows.iter().map(mark).find(|mark| !seen.insert(mark.clone())) else { return Ok(()) };
    let message = format!(
        "the query of the chart `{}` gives two rows for ({}), of which `value` could show only one",
        chart.name.value,
        doubled.join(", ")
    );
    let hint = "add the column in which they differ to `by`, or show a `sum` or a `ratio`";
    Err(Error::Definition(vec![Diagnostic::error(message, chart.name.place.clone()).hint(hint)]))
}
