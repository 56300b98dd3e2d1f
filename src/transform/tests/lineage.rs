//! Lineage against the data: where it says that an output does not use a column, other values there change nothing.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::take,
    util::display::ArrayFormatter,
};
use chrono::NaiveDate;
use datafusion::{catalog::TableProvider, datasource::MemTable};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    incremental::{is_night, on_a_deep_stack},
    models,
    world::World,
};
use crate::{
    engine::{Engine, Parameters, Settings, Statement},
    record::TableName,
    transform::lineage::{Element, Links, Use, Uses, plan_lineage},
};

type Tables = Vec<(TableName, RecordBatch)>;

#[test]
fn a_column_that_lineage_does_not_name_changes_nothing() {
    on_a_deep_stack(all_cases);
}

async fn all_cases() {
    let cases = if is_night() { 3_000 } else { 40 };
    let mut tally = Tally::default();
    for seed in 0..cases {
        if let Some(difference) = play(seed, None, &mut tally).await {
            panic!("{difference}");
        }
    }
    assert!(tally.kept > 100 && tally.moved > 20, "too little was tried: {tally:?}");
}

/// The test is itself tested: a lineage that hides one kind of use is found to be wrong.
#[test]
fn a_hidden_use_is_found() {
    on_a_deep_stack(all_lies);
}

async fn all_lies() {
    for hidden in Use::ALL {
        let mut seeds = 0..200;
        let is_found = loop {
            let Some(seed) = seeds.next() else { break false };
            if play(seed, Some(hidden), &mut Tally::default()).await.is_some() {
                break true;
            }
        };
        assert!(is_found, "nothing shows that a use for `{hidden}` is hidden");
    }
}

/// How often something was tried.
#[derive(Debug, Default)]
struct Tally {
    /// A column was shuffled, and others should not have cared.
    kept: usize,
    /// Of these, something else did change.
    moved: usize,
}

/// Shuffles each column of each table under a random model; returns the first output that changed although it uses nothing of the
/// column. One kind of use may be hidden from the comparison.
async fn play(seed: u64, hidden: Option<Use>, tally: &mut Tally) -> Option<String> {
    let settings = Settings { threads: 1, memory_limit_bytes: 64 << 20, spill_folder: None };
    let engine = Engine::new(settings).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (tables, sql) = (World::new(seed).batches(), models::model(&mut random));
    let (outputs, before) = result(&sql, &tables, hidden, &engine).await;
    for (at, (table, batch)) in tables.iter().enumerate() {
        for column in 0..batch.num_columns() {
            let element = Element::column(table, batch.schema().field(column).name());
            let free: Vec<usize> = (0..outputs.len()).filter(|&output| !outputs[output].contains(&element)).collect();
            // Of nothing, not even the number of rows is promised.
            if free.is_empty() {
                continue;
            }
            let mut others = tables.clone();
            others[at].1 = with_permuted(batch, column, &mut random);
            let after = result(&sql, &others, hidden, &engine).await.1;
            if rows_of(&before, &free) != rows_of(&after, &free) {
                return Some(format!("seed {seed}: {element} goes into other columns than {outputs:?}\n{sql}"));
            }
            tally.kept += 1;
            tally.moved += usize::from(rows_of(&before, &all(&outputs)) != rows_of(&after, &all(&outputs)));
        }
    }
    None
}

fn all(outputs: &[BTreeSet<Element>]) -> Vec<usize> {
    (0..outputs.len()).collect()
}

/// Returns what each column of a query uses in any way, and its rows.
async fn result(
    sql: &str,
    tables: &Tables,
    hidden: Option<Use>,
    engine: &Engine,
) -> (Vec<BTreeSet<Element>>, Vec<RecordBatch>) {
    let provider = |(name, batch): &(TableName, RecordBatch)| {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap();
        (name.clone(), Arc::new(table) as Arc<dyn TableProvider>)
    };
    let session = engine.session(tables.iter().map(provider)).unwrap();
    let parameters = Parameters {
        run_date: NaiveDate::from_ymd_opt(2024, 12, 31).unwrap(),
        timezone: chrono_tz::Asia::Shanghai,
        variables: std::collections::BTreeMap::new(),
    };
    let plan = Statement::parse(sql, &parameters).unwrap().plan(&session).await.unwrap();
    let (columns, rows) = plan_lineage(&plan).unwrap();
    let is_told = |(_, uses): &(&Element, &Uses)| uses.iter().any(|one| Some(one) != hidden);
    let used = |links: &Links| {
        links.iter().chain(&rows).filter(is_told).map(|(element, _)| element.clone()).collect::<BTreeSet<_>>()
    };
    let outputs = columns.iter().map(used).collect();
    let frame = session.execute_logical_plan(plan).await.unwrap();
    (outputs, frame.collect().await.unwrap())
}

/// Returns a batch in which one column has its values in another order.
fn with_permuted(batch: &RecordBatch, column: usize, random: &mut ChaCha8Rng) -> RecordBatch {
    let mut order: Vec<u32> = (0..u32::try_from(batch.num_rows()).unwrap()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.random_range(0..=at));
    }
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns[column] = take(&columns[column], &UInt32Array::from(order), None).unwrap();
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// Returns some columns of a result as text, a row a line, in order.
fn rows_of(batches: &[RecordBatch], columns: &[usize]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        let options = arrow::util::display::FormatOptions::default().with_null("NULL");
        let shown: Vec<ArrayFormatter<'_>> =
            columns.iter().map(|&column| ArrayFormatter::try_new(batch.column(column), &options).unwrap()).collect();
        let row = |row: usize| shown.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
        rows.extend((0..batch.num_rows()).map(row));
    }
    rows.sort();
    rows
}
