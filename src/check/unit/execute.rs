//! Prepared tests → what each found: every test in a session of its own, as many at a time as there are threads.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use arrow::{
    array::RecordBatch,
    compute::{CastOptions, cast_with_options},
    datatypes::DataType,
};
use chrono::NaiveDate;
use datafusion::{
    common::ScalarValue,
    error::{DataFusionError, Result},
    prelude::SessionContext,
};
use tokio::task::JoinSet;

use super::{
    HistoryPlan, Prepared,
    compare::{Rule, Values, compare},
};
use crate::{
    engine::{Statement, session::over_few_rows},
    record::{
        TestResult,
        test_result::{Asked, Found, TestFailure},
    },
};

/// Something that a test asks, and the answer that it expects.
#[derive(Clone)]
pub(super) struct Question {
    /// What is looked at.
    pub asked: Asked,
    /// What gives the rows.
    pub statement: Statement,
    /// How they become versions, and on which day.
    pub history: Option<(HistoryPlan, NaiveDate)>,
    /// Position and type of the columns that are compared.
    pub columns: Vec<(usize, DataType)>,
    /// The rows.
    pub expected: Vec<Values>,
    /// How they are compared.
    pub rule: Rule,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("asked", &self.asked).field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// Runs tests and returns what each found, in their order. Functions and rules are those of `session`.
///
/// # Errors
/// When a test panics, which is a fault of the program.
pub async fn run(tests: Vec<Prepared>, session: &SessionContext, threads: usize) -> Result<Vec<TestResult>> {
    let mut results = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut waiting = tests.into_iter().enumerate();
    loop {
        while running.len() < threads.max(1)
            && let Some((index, test)) = waiting.next()
        {
            let session = session.clone();
            running.spawn(async move { (index, one(test, &session).await) });
        }
        match running.join_next().await {
            Some(Ok((index, result))) => results.insert(index, result),
            Some(Err(error)) => return Err(DataFusionError::Internal(error.to_string())),
            None => return Ok(results.into_values().collect()),
        };
    }
}

async fn one(test: Prepared, session: &SessionContext) -> TestResult {
    let started = Instant::now();
    let mut failures = Vec::new();
    match over_few_rows(session, test.tables.iter().cloned()) {
        Ok(session) => {
            for question in &test.questions {
                failures.extend(ask(question, &test, &session).await);
            }
        }
        Err(error) => failures.push(failed(Asked::Result, &error)),
    }
    TestResult {
        model: test.model,
        test: test.name.value,
        written_at: test.name.place.to_string(),
        seconds: started.elapsed().as_secs_f64(),
        failures,
    }
}

async fn ask(question: &Question, test: &Prepared, session: &SessionContext) -> Option<TestFailure> {
    match answer(question, test, session).await {
        Ok(rows) => {
            let diff = compare(&question.expected, &rows, &question.rule)?;
            Some(TestFailure { asked: question.asked.clone(), found: Found::Rows(diff) })
        }
        Err(error) => Some(failed(question.asked.clone(), &error)),
    }
}

fn failed(asked: Asked, error: &DataFusionError) -> TestFailure {
    let words = error.find_root().strip_backtrace();
    TestFailure { asked, found: Found::Failed(words.lines().next().unwrap_or_default().to_owned()) }
}

/// Returns the rows of the columns that are compared, in their published types.
async fn answer(question: &Question, test: &Prepared, session: &SessionContext) -> Result<Vec<Values>> {
    let mut plan = question.statement.plan(session).await?;
    if let Some((history, run_date)) = &question.history {
        let past = test.tables.iter().find(|(name, _)| *name == test.model).map(|(_, table)| Arc::clone(table));
        plan = history(*run_date, plan, past)?;
    }
    let batches = session.execute_logical_plan(plan).await?.collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        rows.extend(values(batch, &question.columns)?);
    }
    Ok(rows)
}

fn values(batch: &RecordBatch, columns: &[(usize, DataType)]) -> Result<Vec<Values>> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let column = |(index, data_type): &(usize, DataType)| cast_with_options(batch.column(*index), data_type, &options);
    let columns = columns.iter().map(column).collect::<std::result::Result<Vec<_>, _>>()?;
    let row = |row| columns.iter().map(|column| ScalarValue::try_from_array(column, row)).collect::<Result<Values>>();
    (0..batch.num_rows()).map(row).collect()
}
