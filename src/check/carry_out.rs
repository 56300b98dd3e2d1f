//! Runs the checks of one table.
//!
//! In: the checks, and [what is around them](Around). Out: [`Found`]. Bounded memory: counts come from one row, groups are as
//! many as partitions, and a query that finds too little memory is asked again with joins that sort and spill.

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use datafusion::{
    common::{ScalarValue, TableReference},
    error::{DataFusionError, Result},
    prelude::SessionContext,
};
use serde_json::{Map, Value, json};

use super::{
    TableChecks,
    failing::{self, Rows},
    fold::{self, ALL_ROWS, Counted},
    measure::{self, Failure, Values},
    query,
};
use crate::{
    define::project::{Age, Change, Check, CheckKind, Dialect, Measure, Tolerance, ZScore},
    engine::scarcity::with_spilling_joins,
    record::{CheckFailure, CheckResult, Diagnostic, MeasurePoint, Quantity, TableName, sql::quoted_table},
};

/// What checks are carried out against.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// All tables that are about to be published.
    pub session: &'a SessionContext,
    /// The previous snapshot, if there is one.
    pub before: Option<Before<'a>>,
    /// What measures used to be.
    pub history: &'a [MeasurePoint],
    /// The day as of which the tables answer.
    pub run_date: NaiveDate,
    /// Zone in which days are counted.
    pub timezone: Tz,
    /// Failing rows of each check that are kept.
    pub kept_rows: usize,
}

/// The previous snapshot.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// Its tables.
    pub session: &'a SessionContext,
    /// Its id.
    pub snapshot: &'a str,
}

/// What the checks of a table found.
#[derive(Debug, Default)]
pub struct Found {
    /// One result for each check, in their order.
    pub results: Vec<CheckResult>,
    /// Rows that fail, each check's in order.
    pub failures: Vec<CheckFailure>,
    /// What a check could not compare or had no rows for, in words.
    pub notes: Vec<String>,
    /// Checks that look at nothing though there are rows.
    pub warnings: Vec<String>,
    /// What was measured and has to be remembered.
    pub points: Vec<MeasurePoint>,
}

/// What one check found.
#[derive(Default)]
struct Answer {
    failed_rows: u64,
    reason: Option<String>,
    rows: Rows,
    note: Option<String>,
    point: Option<MeasurePoint>,
}

/// Carries out some checks of a table.
///
/// # Errors
/// When a query fails for another reason than the data.
pub async fn run(table: &TableChecks, checks: &[&Check], around: Around<'_>) -> Result<Found> {
    let one = One { table, schema: schema(&table.table, around.session).await?, around };
    let (scans, counted) = fold::fold(checks, &one.schema).map_err(|fault| told(&fault))?;
    let mut counts = Vec::with_capacity(scans.len());
    for scan in &scans {
        counts.push(numbers(&collect(around.session, scan.dialect, &scan.sql(&table.table)).await?)?);
    }
    let rows = counts.first().map_or(0, |first| first[ALL_ROWS]);
    let mut found = Found::default();
    for (check, counted) in checks.iter().zip(counted) {
        let counts = |at: Counted, position: usize| counts[at.scan][position];
        let looked_at = if let Some(at) = counted {
            counts(at, at.looked_at.unwrap_or(ALL_ROWS))
        } else {
            let rows = format!("SELECT 1 FROM {} WHERE {}", quoted_table(&table.table), query::looked_at(check));
            one.count(check.dialect, &rows).await?
        };
        let failed = counted.and_then(|at| Some(counts(at, at.failed?)));
        let answer = one.answer(check, looked_at, failed).await?;
        // Of a check of a number, none is an answer.
        if rows > 0 && looked_at == 0 && check.kind.is_about_rows() {
            found.warnings.push(looks_at_nothing(&table.table, check, rows));
        }
        one.add(check, looked_at, answer, &mut found);
    }
    let implied = &table.checks[..table.checks.len().saturating_sub(table.written)];
    let is_written = |check: &Check| !implied.iter().any(|implied| std::ptr::eq(implied, check));
    if rows == 0 && checks.iter().any(|check| check.kind.is_about_rows() && is_written(check)) {
        found.notes.push(format!("{} is empty, so its checks of rows pass without looking at any", table.table));
    }
    Ok(found)
}

fn looks_at_nothing(table: &TableName, check: &Check, rows: u64) -> String {
    format!("{}: {table} {} looks at nothing: its `where` selects no row of {rows}", check.place, check.name)
}

/// Returns the columns of a table.
pub(super) async fn schema(table: &TableName, session: &SessionContext) -> Result<SchemaRef> {
    let name = TableReference::partial(table.schema.as_str(), table.table.as_str());
    Ok(session.table_provider(name).await?.schema())
}

/// Runs a query of which the texts are read in a dialect; one that finds too little memory once more with joins that sort.
pub(super) async fn collect(session: &SessionContext, dialect: Dialect, sql: &str) -> Result<Vec<RecordBatch>> {
    let rows = async |session: &SessionContext| {
        let plan = query::planned(dialect, sql, session, &session.state()).await?;
        session.execute_logical_plan(plan).await?.collect().await
    };
    with_spilling_joins(session, rows).await
}

/// Reads a row of counts.
pub(super) fn numbers(batches: &[RecordBatch]) -> Result<Vec<u64>> {
    let row = batches.iter().find(|batch| batch.num_rows() > 0);
    let Some(row) = row else { return Ok(vec![0]) };
    let number = |column: &ArrayRef| match ScalarValue::try_from_array(column, 0)? {
        ScalarValue::Int64(Some(count)) => Ok(u64::try_from(count).unwrap_or(0)),
        other => Err(DataFusionError::Internal(format!("a count is {other}"))),
    };
    row.columns().iter().map(number).collect()
}

fn told(fault: &Diagnostic) -> DataFusionError {
    DataFusionError::Plan(fault.message.clone())
}

/// One table under examination.
struct One<'a> {
    table: &'a TableChecks,
    schema: SchemaRef,
    around: Around<'a>,
}

impl One<'_> {
    async fn count(&self, dialect: Dialect, sql: &str) -> Result<u64> {
        let counted = format!("SELECT count(*) FROM ({sql}) AS counted");
        Ok(numbers(&collect(self.around.session, dialect, &counted).await?)?[0])
    }

    /// Asks what a check asks, as far as no scan has counted it.
    async fn answer(&self, check: &Check, looked_at: u64, failed: Option<u64>) -> Result<Answer> {
        match &check.kind {
            CheckKind::RowCount { min, max } => Ok(row_count(*min, *max, looked_at)),
            CheckKind::Freshness { column, max_age } => self.freshness(check, &column.value, *max_age).await,
            CheckKind::Change(change) => self.change(check, change).await,
            CheckKind::ZScore(score) => self.z_score(check, score).await,
            _ => self.rows(check, failed).await,
        }
    }

    async fn rows(&self, check: &Check, failed: Option<u64>) -> Result<Answer> {
        let failing = query::failing(&self.table.table, check, &self.schema).map_err(|fault| told(&fault))?;
        let Some(failing) = failing else { return Ok(Answer::default()) };
        let failed_rows = match failed {
            Some(failed) => failed,
            None => self.count(check.dialect, &failing).await?,
        };
        let rows = match failed_rows {
            0 => Rows::default(),
            _ => failing::rows(self.table, check, &failing, self.around).await?,
        };
        Ok(Answer { failed_rows, rows, ..Answer::default() })
    }

    async fn freshness(&self, check: &Check, column: &str, max_age: Age) -> Result<Answer> {
        let Around { session, run_date, timezone, .. } = self.around;
        let sql = measure::newest(&self.table.table, check, column, run_date, timezone, &self.schema);
        let batches = collect(session, check.dialect, &sql).await?;
        let newest = batches.iter().find(|batch| batch.num_rows() > 0);
        let newest = newest.map_or(Ok(ScalarValue::Null), |batch| ScalarValue::try_from_array(batch.column(0), 0))?;
        Ok(of_numbers(measure::age(&newest, max_age, run_date, timezone)))
    }

    async fn change(&self, check: &Check, change: &Change) -> Result<Answer> {
        let by = change.by.as_ref().map(|by| by.value.as_str());
        let Some(before) = self.around.before else {
            return Ok(not_compared("there is no previous snapshot"));
        };
        let Ok(schema) = schema(&self.table.table, before.session).await else {
            return Ok(not_compared(&format!("snapshot {} does not have the table", before.snapshot)));
        };
        let sql = measure::values(&self.table.table, check, &change.measure, by, None, &schema);
        // What the table was may be without a column, or have it in another type.
        let state = before.session.state();
        let is_comparable = measure::is_measurable(&change.measure, &schema)
            && query::planned(check.dialect, &sql, before.session, &state).await.is_ok();
        if !is_comparable {
            return Ok(not_compared(&format!("the table of snapshot {} cannot be measured so", before.snapshot)));
        }
        let old: Values = measure::read(&collect(before.session, check.dialect, &sql).await?)?.into_iter().collect();
        let new = self.values(check, &change.measure, by, None).await?.into_iter().collect();
        Ok(of_numbers(measure::changes(change, &old, &new)))
    }

    async fn z_score(&self, check: &Check, score: &ZScore) -> Result<Answer> {
        let over = score.over.as_ref().map(|over| over.value.as_str());
        let last = over.map(|_| score.history + 1);
        let values = self.values(check, &score.measure, over, last).await?;
        let Some((group, value)) = values.first().cloned() else {
            return Ok(not_compared("there is no partition"));
        };
        let key = measure::key(check, &score.measure);
        let (earlier, point) = match over {
            Some(_) => (values.iter().skip(1).map(|(_, old)| old.to_f64()).collect(), None),
            None => (self.remembered(&key, score.history), Some(self.point(key, value))),
        };
        let answer = judged(score, group.as_deref(), value, &earlier);
        Ok(Answer { point, ..answer })
    }

    async fn values(
        &self,
        check: &Check,
        measure: &Measure,
        by: Option<&str>,
        last: Option<usize>,
    ) -> Result<Vec<(Option<String>, Quantity)>> {
        let sql = measure::values(&self.table.table, check, measure, by, last, &self.schema);
        measure::read(&collect(self.around.session, check.dialect, &sql).await?)
    }

    /// Returns what a measure was on earlier run dates, the last ones.
    fn remembered(&self, key: &str, most: usize) -> Vec<f64> {
        let is_earlier = |point: &&MeasurePoint| {
            point.table == self.table.table && point.measure == key && point.run_date < self.around.run_date
        };
        let mut points: Vec<&MeasurePoint> = self.around.history.iter().filter(is_earlier).collect();
        points.sort_by_key(|point| std::cmp::Reverse(point.run_date));
        points.into_iter().take(most).map(|point| point.value).collect()
    }

    fn point(&self, measure: String, value: Quantity) -> MeasurePoint {
        let (table, run_date) = (self.table.table.clone(), self.around.run_date);
        MeasurePoint { table, measure, run_date, value: value.to_f64() }
    }

    /// Judges an answer and adds it to what was found.
    fn add(&self, check: &Check, looked_at: u64, answer: Answer, found: &mut Found) {
        let table = &self.table.table;
        let Answer { failed_rows, reason, rows, note, point } = answer;
        let is_about_rows = check.kind.is_about_rows();
        let tolerance = (is_about_rows && failed_rows > 0).then(|| in_words(&check.tolerance)).flatten();
        found.notes.extend(note.map(|note| format!("{table} {}: {note}", check.name)));
        found.points.extend(point);
        found.results.push(CheckResult {
            table: table.clone(),
            check: check.name.clone(),
            severity: check.severity,
            failed_rows,
            looked_at_rows: is_about_rows.then_some(looked_at),
            is_tolerated: failed_rows > 0 && is_about_rows && tolerates(&check.tolerance, failed_rows, looked_at),
            is_accepted: false,
            reason: reason.or(tolerance),
            tags: check.tags.clone(),
            written_at: check.place.to_string(),
            samples: rows.samples,
        });
        found.failures.extend((1..).zip(rows.kept).map(|(row_number, (key, row))| CheckFailure {
            table: table.clone(),
            check: check.name.clone(),
            severity: check.severity,
            failed_rows,
            row_number,
            key,
            row,
        }));
    }
}

fn not_compared(why: &str) -> Answer {
    Answer { note: Some(format!("passes, since nothing is compared: {why}")), ..Answer::default() }
}

/// Makes an answer of numbers that are out of bounds; the first says why.
fn of_numbers(failures: impl IntoIterator<Item = Failure>) -> Answer {
    let (mut answer, mut shown) = (Answer::default(), Vec::new());
    for Failure { reason, row } in failures {
        answer.failed_rows += 1;
        answer.reason.get_or_insert(reason);
        shown.push(row);
    }
    Answer { rows: Rows::of_numbers(shown), ..answer }
}

fn row_count(min: Option<u64>, max: Option<u64>, rows: u64) -> Answer {
    let few = min.filter(|min| rows < *min).map(|min| format!("fewer than {min}"));
    let bound = few.or_else(|| max.filter(|max| rows > *max).map(|max| format!("more than {max}")));
    of_numbers(bound.map(|bound| Failure {
        reason: format!("there are {rows} rows, {bound}"),
        row: Map::from_iter([("rows".to_owned(), json!(rows))]),
    }))
}

fn judged(score: &ZScore, group: Option<&str>, value: Quantity, earlier: &[f64]) -> Answer {
    if earlier.len() < score.min_history {
        let (have, need) = (earlier.len(), score.min_history);
        return not_compared(&format!("there are {have} earlier values, fewer than {need}"));
    }
    let standing = measure::standing(value.to_f64(), earlier);
    let measure::Standing { mean, deviation, z } = standing;
    // Rounding of the mean and the deviation must not decide.
    if z.abs() <= score.max * (1.0 + 1e-9) {
        return Answer::default();
    }
    let of = match (&score.over, group) {
        (Some(over), Some(group)) => format!(" of {} {group}", over.value),
        _ => String::new(),
    };
    let far = if z.is_finite() { format!("{:.1} deviations from", z.abs()) } else { "not".to_owned() };
    let reason =
        format!("{}{of} is {value}, {far} the mean {mean:.6} of {} earlier values", score.measure, earlier.len());
    let mut row = Map::new();
    if let (Some(over), Some(group)) = (&score.over, group) {
        row.insert(over.value.clone(), json!(group));
    }
    let numbers = [("value", value.to_f64()), ("mean", mean), ("deviation", deviation), ("z_score", z)];
    row.extend(numbers.map(|(name, number)| (name.to_owned(), Value::from(number))));
    of_numbers([Failure { reason, row }])
}

/// Returns whether so many failing rows are no failure.
fn tolerates(tolerance: &Tolerance, failed: u64, looked_at: u64) -> bool {
    let Tolerance { rows, share } = tolerance;
    let whole = |number: u64| Quantity::whole(i128::from(number));
    let in_share = |share: &Quantity| !whole(failed).exceeds(share.times(whole(looked_at)));
    (rows.is_some() || share.is_some()) && rows.is_none_or(|most| failed <= most) && share.as_ref().is_none_or(in_share)
}

fn in_words(tolerance: &Tolerance) -> Option<String> {
    let rows = tolerance.rows.map(|rows| rows.to_string());
    let share = tolerance.share.map(|share| format!("{} %", share.times(Quantity::whole(100))));
    let bounds: Vec<String> = rows.into_iter().chain(share).collect();
    (!bounds.is_empty()).then(|| format!("{} tolerated", bounds.join(" and ")))
}
