//! Queries that find too little memory.
//!
//! In: a query, as something that can be run in a session. Out: its result, if need be of a further attempt whose joins
//! sort and spill; else which operator it was that found no room. Sorts and aggregates spill at once and need no further
//! attempt.

use std::{array, borrow::Cow};

use datafusion::{
    error::{DataFusionError, Result},
    prelude::SessionContext,
};

use super::session::sorting_joins;

/// What consumers of memory call themselves, and what a user calls them; the first that fits is meant.
const OPERATORS: [(&str, &str); 10] = [
    ("HashJoin", "a hash join"),
    ("SymmetricHashJoin", "a hash join"),
    ("NestedLoopJoin", "a join without equal columns"),
    ("CrossJoin", "a cross join"),
    ("SMJ", "a join of sorted rows"),
    ("PiecewiseMergeJoin", "a join of sorted rows"),
    ("ExternalSorter", "a sort"),
    ("SortPreservingMerge", "a sort"),
    ("TopK", "a sort"),
    ("Repartition", "an exchange between threads"),
];

/// Returns whether a query needs more memory than it may have.
#[must_use]
pub fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Into how many parts further attempts divide the memory for the merges of sorts: few sorts merge faster, and with little
/// memory at all, if each has much; a query of many joins has more sorts than there are such parts.
const MERGE_PARTS: [usize; 2] = [10, 100];

/// Runs a query; where it finds too little memory, again in sessions whose joins sort. `query` must not keep anything of an
/// attempt that failed.
///
/// # Errors
/// Those of the query.
pub async fn with_spilling_joins<T>(
    session: &SessionContext,
    query: impl AsyncFn(&SessionContext) -> Result<T>,
) -> Result<T> {
    let mut attempts = Attempts::new(session, "a query");
    loop {
        let done = query(attempts.session()).await;
        if !attempts.is_repeated(&done) {
            return done;
        }
    }
}

/// The attempts at a query: the first in the session itself, further ones where joins sort.
pub struct Attempts<'q> {
    session: Cow<'q, SessionContext>,
    /// What the query computes, for the log.
    what: &'q str,
    further: array::IntoIter<usize, 2>,
}

impl<'q> Attempts<'q> {
    /// The first attempt.
    #[must_use]
    pub fn new(session: &'q SessionContext, what: &'q str) -> Self {
        Self { session: Cow::Borrowed(session), what, further: MERGE_PARTS.into_iter() }
    }

    /// Where the query is to be run now.
    #[must_use]
    pub fn session(&self) -> &SessionContext {
        &self.session
    }

    /// Returns how many attempts there were, the running one too.
    #[must_use]
    pub fn count(&self) -> usize {
        1 + MERGE_PARTS.len() - self.further.len()
    }

    /// Returns whether the query is to be run again after what it gave, now in another session; the log tells.
    pub fn is_repeated<T>(&mut self, done: &Result<T>) -> bool {
        let Err(error) = done else { return false };
        if !is_out_of_memory(error) {
            return false;
        }
        let Some(parts) = self.further.next() else { return false };
        tracing::info!("{} is run again without hash joins: {error}", self.what);
        self.session = Cow::Owned(sorting_joins(&self.session, parts));
        true
    }
}

/// Returns which operator found no memory, in a user's words and in the engine's: ``a sort (`ExternalSorter[0]`)``.
#[must_use]
pub fn operator_without_memory(error: &DataFusionError) -> Option<String> {
    let DataFusionError::ResourcesExhausted(words) = error.find_root() else { return None };
    let (_, after) = words.split_once("allocation failed for ")?;
    let name = after.split(" with ").next()?;
    let kind = OPERATORS.iter().find(|(known, _)| name.starts_with(known)).map(|(_, kind)| *kind);
    let is_aggregate = name.contains("Aggregate") || name.contains("GroupedHash");
    let kind = kind.or_else(|| is_aggregate.then_some("an aggregation")).unwrap_or("an operator");
    Some(format!("{kind} (`{name}`)"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use datafusion::{catalog::TableProvider, datasource::MemTable};

    use super::*;
    use crate::{
        engine::{Engine, Settings},
        record::TableName,
    };

    /// Two tables of 140,000 rows of 400 bytes, and memory for less than one of them.
    pub(in crate::engine) fn narrow_session() -> SessionContext {
        let piece = |letter: &str, first: i64| {
            let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + 1_000));
            let texts = (first..first + 1_000).map(|row| format!("{letter}{row:06}").repeat(57));
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
            RecordBatch::try_from_iter([("k", keys), ("text", texts)]).unwrap()
        };
        let rows = |letter: &str| -> Arc<dyn TableProvider> {
            let pieces: Vec<RecordBatch> = (0..140).map(|number| piece(letter, number * 1_000)).collect();
            Arc::new(MemTable::try_new(pieces[0].schema(), vec![pieces]).unwrap())
        };
        let engine = Engine::new(Settings { threads: 2, memory_limit_bytes: 64 << 20, spill_folder: None }).unwrap();
        engine.session([(TableName::new("a", "one"), rows("x")), (TableName::new("a", "other"), rows("y"))]).unwrap()
    }

    async fn rows_of(session: &SessionContext, sql: &str) -> Result<usize> {
        Ok(session.sql(sql).await?.collect().await?.iter().map(RecordBatch::num_rows).sum())
    }

    #[tokio::test]
    async fn a_join_that_does_not_fit_is_sorted_at_the_second_attempt() {
        let session = narrow_session();
        let sql = "SELECT one.text, other.text AS other FROM a.one JOIN a.other ON one.k = other.k";
        let error = rows_of(&session, sql).await.unwrap_err();
        assert!(operator_without_memory(&error).unwrap().starts_with("a hash join (`HashJoinInput"), "{error}");
        let rows = with_spilling_joins(&session, async |session| rows_of(session, sql).await).await;
        assert_eq!(rows.unwrap(), 140_000);
    }

    #[tokio::test]
    async fn a_query_is_tried_three_times_and_its_sorts_set_less_aside_each_time() {
        let session = narrow_session();
        let set_aside =
            |session: &SessionContext| session.copied_config().options().execution.sort_spill_reservation_bytes;
        let tried = std::cell::RefCell::new(Vec::new());
        let failed: Result<()> = with_spilling_joins(&session, async |session| {
            tried.borrow_mut().push(set_aside(session));
            Err(DataFusionError::ResourcesExhausted("none left".to_owned()))
        })
        .await;
        assert!(failed.is_err_and(|error| is_out_of_memory(&error)));
        let pool = (64 << 20) / 8 * 5;
        assert_eq!(*tried.borrow(), [set_aside(&session), pool / 10, pool / 100]);
    }

    #[tokio::test]
    async fn an_operator_that_cannot_spill_is_named() {
        let session = narrow_session();
        let sql = "SELECT array_agg(text) FROM a.one";
        let error = with_spilling_joins(&session, async |session| rows_of(session, sql).await).await.unwrap_err();
        assert!(is_out_of_memory(&error), "{error}");
        let named = operator_without_memory(&error).unwrap();
        assert!(named.starts_with("an aggregation (`"), "{named}");
    }

    #[tokio::test]
    async fn other_failures_are_not_tried_again() {
        let attempts = std::cell::Cell::new(0);
        let failed: Result<()> = with_spilling_joins(&narrow_session(), async |_| {
            attempts.set(attempts.get() + 1);
            Err(DataFusionError::Plan("no".to_owned()))
        })
        .await;
        assert!(failed.is_err() && !failed.is_err_and(|error| is_out_of_memory(&error)));
        assert_eq!(attempts.get(), 1);
    }
}
