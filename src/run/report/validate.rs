//! What is wrong with reports, found without data.
//!
//! In: the files of reports, the definitions, and a session that knows the columns of all tables. Out: findings, each at its
//! place in the report's file. A chart may read what everybody may read: no private table, and no column of personal data.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::{
    catalog::TableProvider, error::DataFusionError, execution::SessionState, logical_expr::LogicalPlan,
    prelude::SessionContext,
};

use crate::{
    Error,
    define::{
        self, Project,
        project::Dialect,
        project::report::{Chart, ChartKind, How, Report},
        suggestion,
    },
    engine::{Engine, Parameters, Problem, Statement, clash, parallel},
    normalize::Contract,
    record::{Diagnostic, Placed, TableName, Text},
    run::{self, validate},
    transform::{
        Graph, diagnose,
        lineage::{self, Element, Lineage, Links},
    },
};

/// What charts are planned against.
pub(in crate::run) struct Around<'a> {
    /// The definitions.
    pub project: &'a Project,
    /// Compiled contracts by source.
    pub contracts: &'a BTreeMap<String, Contract>,
    /// Models in order.
    pub graph: &'a Graph,
    /// `$run_date` and the other SQL parameters.
    pub parameters: &'a Parameters,
    /// A session over all tables, without rows.
    pub session: &'a SessionContext,
    /// What builds further sessions.
    pub engine: &'a Engine,
    /// Tables of which something is wrong, or of what they read; charts that name one are not looked at.
    pub waiting: &'a BTreeSet<TableName>,
}

/// Returns the tables that charts name, as far as reports can be read.
pub(in crate::run) fn reads(reports: &[Arc<Text>], parameters: &Parameters) -> BTreeSet<TableName> {
    let (reports, _) = read(reports);
    let charts = reports.iter().flat_map(Report::charts);
    charts.filter_map(|chart| named(chart, parameters)).flatten().collect()
}

/// Returns the tables that a chart names, if its query can be read.
fn named(chart: &Chart, parameters: &Parameters) -> Option<BTreeSet<TableName>> {
    Some(Statement::parse(&chart.sql.value, parameters).ok()?.named.into_iter().collect())
}

fn waits(chart: &Chart, around: &Around<'_>) -> bool {
    !around.waiting.is_empty()
        && named(chart, around.parameters).is_some_and(|named| !named.is_disjoint(around.waiting))
}

/// Reads every report and plans its charts.
///
/// # Errors
/// When lineage cannot be found, which is a fault of the program.
pub(in crate::run) async fn validate(around: Around<'_>) -> Result<Vec<Diagnostic>, Error> {
    let (reports, mut findings) = read(&around.project.reports);
    if reports.is_empty() {
        return Ok(findings);
    }
    let personal = Personal::find(&around)?;
    let state = around.session.state();
    for report in &reports {
        let mut given = BTreeSet::new();
        let charts: Vec<&Chart> = report.charts().filter(|chart| !waits(chart, &around)).collect();
        let mut is_whole =
            charts.len() == report.charts().count() && !findings.iter().any(|found| is_in(found, report));
        let plan = |chart: &&Chart| parallel::wait(Box::pin(planned(chart, &state, &around)));
        let plans = parallel::each(around.engine.settings().threads, &charts, plan);
        for (chart, plan) in charts.into_iter().zip(plans) {
            match plan {
                Err(found) => {
                    is_whole = false;
                    findings.extend(found);
                }
                Ok(plan) => {
                    findings.extend(columns(chart, plan.schema().fields()));
                    findings.extend(personal.shown(chart, &plan));
                    given.extend(plan.schema().fields().iter().map(|field| field.name().clone()));
                }
            }
        }
        // Where a query is wrong, nobody knows what it would give.
        if is_whole {
            findings.extend(idle_filters(report, &given));
        }
    }
    Ok(findings)
}

fn is_in(finding: &Diagnostic, report: &Report) -> bool {
    finding.place.as_ref().is_some_and(|place| place.text.path == report.text.path)
}

/// Finds filters that no chart obeys, which can only be slips of the hand.
fn idle_filters(report: &Report, given: &BTreeSet<String>) -> Vec<Diagnostic> {
    let idle = report.filters.iter().map(|filter| &filter.column).filter(|column| !given.contains(&column.value));
    let finding = |column: &Placed<String>| {
        let message = format!("no chart has a column `{}` to be filtered by", column.value);
        Diagnostic::error(message, column.place.clone())
            .hint(suggestion(&column.value, given.iter().map(String::as_str)))
    };
    idle.map(finding).collect()
}

/// Reads the files of reports, which have names of their own; one with a mistake comes as far as it can be read.
pub(super) fn read(texts: &[Arc<Text>]) -> (Vec<Report>, Vec<Diagnostic>) {
    let (mut reports, mut findings): (Vec<Report>, _) = (Vec::new(), Vec::new());
    for text in texts {
        let (report, found) = define::read_report(text);
        findings.extend(found);
        let Some(report) = report else { continue };
        match reports.iter().find(|other| other.name.value == report.name.value) {
            Some(other) => findings.push(defined_twice(&report.name, &other.name)),
            None => reports.push(report),
        }
    }
    (reports, findings)
}

fn defined_twice(name: &Placed<String>, other: &Placed<String>) -> Diagnostic {
    let message = format!("report `{}` is defined twice", name.value);
    Diagnostic::error(message, name.place.clone()).hint(format!("the other one is {}", other.place))
}

/// Plans the query of a chart, in which views show as what they read.
async fn planned(chart: &Chart, state: &SessionState, around: &Around<'_>) -> Result<LogicalPlan, Vec<Diagnostic>> {
    let statement = Statement::parse(&chart.sql.value, around.parameters);
    if let Some(finding) = statement.as_ref().ok().and_then(|statement| private(chart, &statement.named)) {
        return Err(vec![finding]);
    }
    let plan = match statement {
        Ok(statement) => {
            let plan = statement.plan_with(around.session, state).await;
            plan.and_then(|plan| clash::refuse(&plan).map(|()| plan))
        }
        Err(error) => Err(error),
    };
    plan.map_err(|error| {
        let Placed { value, place } = &chart.sql;
        let text = Arc::new(Text { path: place.text.path.clone(), body: value.clone() });
        let found = diagnose::alone(&text, Dialect::default(), &error, around.parameters, &around.tables(), state);
        found.into_iter().map(|finding| in_chart(finding, chart)).collect()
    })
}

/// Turns a finding in a chart's query into one in its report.
fn in_chart(finding: Diagnostic, chart: &Chart) -> Diagnostic {
    let finding = finding.moved(|place| chart.sql.part(&place.range), &chart.name.place);
    let message = format!("{} in the chart `{}`", finding.message, chart.name.value);
    Diagnostic { message, ..finding }
}

impl Around<'_> {
    /// Returns the tables that a hint can name.
    fn tables(&self) -> diagnose::Tables {
        let mut tables = diagnose::Tables::default();
        for name in validate::made_tables(self.project) {
            tables.announce(&name, None);
        }
        for (name, table) in validate::staged_catalog(self.project, self.contracts, self.parameters) {
            tables.describe(&name, table.files.schema());
        }
        for model in &self.project.models {
            tables.announce(&model.name, Some(&model.text.path));
        }
        let models = self.graph.models.iter().map(|planned| (&planned.model.name, &planned.schema));
        for (name, schema) in models.chain(self.graph.views.iter().map(|view| (&view.model.name, &view.schema))) {
            tables.describe(name, Arc::clone(schema));
        }
        tables
    }
}

/// Says what is wrong with a chart's query, at its place in the report.
pub(super) fn wrong(chart: &Chart, error: &DataFusionError) -> Diagnostic {
    let problem = Problem::new(error, &chart.sql.value);
    let place = problem.range.and_then(|range| chart.sql.part(&range)).unwrap_or_else(|| chart.name.place.clone());
    let message = format!("{} in the chart `{}`", problem.message, chart.name.value);
    Diagnostic { hint: problem.hint, ..Diagnostic::error(message, place) }
}

/// Refuses tables that are not for everyone.
pub(super) fn private(chart: &Chart, tables: &[TableName]) -> Option<Diagnostic> {
    let private = tables.iter().find(|table| table.is_private())?;
    let at = chart.sql.value.find(&private.to_string());
    let place = at.and_then(|at| chart.sql.part(&(at..at + private.to_string().len())));
    let message = format!("the chart `{}` reads `{private}`, which is not for everyone", chart.name.value);
    let place = place.unwrap_or_else(|| chart.name.place.clone());
    Some(Diagnostic::error(message, place).hint("read a table that a model publishes"))
}

/// Checks that the columns which a chart names are there once, and that what it adds are numbers.
pub(super) fn columns(chart: &Chart, fields: &Fields) -> Vec<Diagnostic> {
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let mut findings = Vec::new();
    for column in chart.columns().filter(|column| !names.contains(&column.value.as_str())) {
        let message = format!("the query of the chart `{}` gives no column `{}`", chart.name.value, column.value);
        let hint = suggestion(&column.value, names.iter().copied());
        findings.push(Diagnostic::error(message, column.place.clone()).hint(hint));
    }
    // A table shows a date or a name as well; what is drawn or added is a number.
    for measure in chart.show.iter().filter(|measure| measure.how != How::Value || chart.kind != ChartKind::Table) {
        let is_text = |column: &&Placed<String>| {
            let field = fields.iter().find(|field| *field.name() == column.value);
            field.is_some_and(|field| !field.data_type().is_numeric() && *field.data_type() != DataType::Null)
        };
        for column in measure.columns.iter().filter(is_text) {
            let message = format!("`{}` is no number, so the chart `{}` cannot add it", column.value, chart.name.value);
            findings
                .push(Diagnostic::error(message, column.place.clone()).hint("put it into `by`, or use `count: rows`"));
        }
    }
    let is_doubled = |name: &&&str| names.iter().filter(|other| other == name).count() > 1;
    if let Some(doubled) = names.iter().find(is_doubled) {
        let message = format!("the query of the chart `{}` gives `{doubled}` twice", chart.name.value);
        findings
            .push(Diagnostic::error(message, chart.name.place.clone()).hint("give one of them another name with AS"));
    }
    findings
}

/// Columns that hold personal data, and what is made of them.
struct Personal {
    columns: BTreeSet<Element>,
    lineage: Lineage,
}

impl Personal {
    fn find(around: &Around<'_>) -> Result<Self, Error> {
        let sources = around.project.sources.iter();
        let marked = sources.flat_map(|source| {
            let columns = source.columns.iter().filter(|column| column.pii.is_some());
            columns.map(|column| Element::column(&source.table(), &column.name.value))
        });
        let columns: BTreeSet<Element> = marked.collect();
        if columns.is_empty() {
            return Ok(Self { columns, lineage: Lineage::default() });
        }
        let lineage =
            run::lineage::of_parts(around.project, around.contracts, around.graph, around.parameters, around.engine);
        Ok(Self { columns, lineage: lineage? })
    }

    /// Finds the columns of a chart through which the text of a marked column would be seen. What is counted of one is no
    /// person's any more.
    fn shown(&self, chart: &Chart, plan: &LogicalPlan) -> Vec<Diagnostic> {
        let Ok((columns, _)) = lineage::plan_lineage(plan) else { return Vec::new() };
        let fields = plan.schema().fields().iter().zip(columns);
        let told =
            fields.filter(|(field, _)| !field.data_type().is_numeric() && *field.data_type() != DataType::Boolean);
        let finding = |(field, links): (&Arc<Field>, Links)| {
            let source = self.origin(&links)?;
            let place = chart.columns().find(|column| column.value == *field.name());
            let place = place.map_or(&chart.name.place, |column| &column.place).clone();
            let message = format!("`{}` holds personal data of `{source}`", field.name());
            let hint = format!("a report is read by everyone: leave it out of the chart `{}`", chart.name.value);
            Some(Diagnostic::error(message, place).hint(hint))
        };
        told.filter_map(finding).collect()
    }

    /// Returns a marked column whose value goes into one of these.
    fn origin(&self, links: &Links) -> Option<Element> {
        let values = |links: &Links| -> Vec<Element> {
            links.iter().filter(|(_, uses)| uses.is_value()).map(|(element, _)| element.clone()).collect()
        };
        let (mut waiting, mut seen) = (values(links), BTreeSet::new());
        while let Some(element) = waiting.pop() {
            if self.columns.contains(&element) {
                return Some(element);
            }
            if seen.insert(element.clone()) {
                waiting.extend(values(&self.lineage.next(&element, lineage::Direction::Upstream)));
            }
        }
        None
    }
}
