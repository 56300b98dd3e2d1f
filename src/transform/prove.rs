//! Fingerprints of output partitions: the model's definition and the content of what each partition depends on.
//!
//! The filter is put on with a placeholder for each value, so that the plan is optimized once and not for each partition;
//! NULL, which equals nothing, makes a plan of its own. What is the same for all partitions is hashed once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field},
};
use datafusion::{
    error::Result,
    execution::SessionState,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder},
    prelude::SessionContext,
};

use super::{
    PlannedModel, decide,
    depend::{self, Dependency, Inputs, Scan},
    narrow,
};
use crate::{engine::table::values_batch, record::PartitionValues};

/// What is known of one output partition.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Hash of the model's definition and of the content of what the partition depends on.
    pub fingerprint: String,
    /// What it depends on, in a fixed order.
    pub reads: Vec<Dependency>,
}

/// Proves what the partitions of one model depend on, given its inputs as they are now.
#[derive(Debug)]
pub struct Prover<'a> {
    model: &'a PlannedModel,
    inputs: Inputs<'a>,
    plan: LogicalPlan,
    state: SessionState,
    /// Optimized plans by what their rows are filtered by: a decision asks for each more than once.
    optimized: Mutex<HashMap<Option<Expr>, LogicalPlan>>,
}

/// Partitions that have NULL in the same columns: one plan serves them all.
#[derive(Debug)]
pub(super) struct Group {
    /// Which of the asked ones.
    pub indices: Vec<usize>,
    /// Their values by the names of the plan's placeholders.
    pub values: RecordBatch,
    /// What keeps the rows of one of them; None for an unpartitioned model.
    pub filter: Option<Expr>,
}

/// A dependency and the hash of its content.
type Read = (Dependency, blake3::Hash);

impl<'a> Prover<'a> {
    /// Plans the model over its inputs.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub async fn new(model: &'a PlannedModel, inputs: Inputs<'a>, session: &SessionContext) -> Result<Self> {
        let plan = model.statement.plan(session).await?;
        Ok(Self { model, inputs, plan, state: session.state(), optimized: Mutex::default() })
    }

    /// Returns the inputs.
    #[must_use]
    pub const fn inputs(&self) -> &Inputs<'a> {
        &self.inputs
    }

    /// Returns the query, as nobody has optimized it.
    pub(super) const fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// Returns what the model as a whole depends on.
    ///
    /// # Errors
    /// When the plan cannot be optimized.
    pub fn whole(&self) -> Result<Vec<Dependency>> {
        let scans = depend::scans(&self.optimized(None)?, &self.inputs)?;
        let one = decide::no_partition()?;
        let mut reads = Vec::new();
        for scan in scans {
            reads.extend(scan.read(&scan.select(&one)?, 0));
        }
        reads.sort();
        reads.dedup();
        Ok(reads)
    }

    /// Returns the same of some of the model's columns alone.
    ///
    /// # Errors
    /// When the plan cannot be narrowed.
    pub fn narrowed(&self, columns: &BTreeSet<&str>) -> Result<Self> {
        let kept = self.plan.schema().columns().into_iter().filter(|column| columns.contains(column.name.as_str()));
        let plan = LogicalPlanBuilder::from(self.plan.clone()).project(kept.map(Expr::Column))?.build()?;
        let (inputs, state) = (self.inputs.clone(), self.state.clone());
        Ok(Self { model: self.model, inputs, plan, state, optimized: Mutex::default() })
    }

    /// Returns a proof for each of the partitions.
    ///
    /// # Errors
    /// When a narrowed plan cannot be optimized.
    pub fn prove(&self, partitions: &[&PartitionValues]) -> Result<Vec<Proof>> {
        if self.model.model.history.is_some() {
            // All versions follow from all rows of the query, whatever the table is partitioned by.
            let one = decide::no_partition()?;
            let reads = self.scanned(None, &one)?.into_iter().next().unwrap_or_default();
            return Ok(vec![self.proof(reads); partitions.len()]);
        }
        let mut proofs: Vec<Option<Proof>> = vec![None; partitions.len()];
        for group in self.groups(partitions)? {
            for (index, reads) in group.indices.into_iter().zip(self.scanned(group.filter, &group.values)?) {
                proofs[index] = Some(self.proof(reads));
            }
        }
        Ok(proofs.into_iter().flatten().collect())
    }

    /// Returns the optimized plan of the rows that a filter keeps, all by default.
    pub(super) fn optimized(&self, filter: Option<Expr>) -> Result<LogicalPlan> {
        let known = || self.optimized.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = known().get(&filter) {
            return Ok(plan.clone());
        }
        let plan = match &filter {
            Some(filter) => LogicalPlanBuilder::from(self.plan.clone()).filter(filter.clone())?.build()?,
            None => self.plan.clone(),
        };
        let plan = self.state.optimize(&plan)?;
        known().insert(filter, plan.clone());
        Ok(plan)
    }

    /// Puts partitions together that one plan can serve.
    pub(super) fn groups(&self, partitions: &[&PartitionValues]) -> Result<Vec<Group>> {
        let types = decide::types(self.model)?;
        let mut alike: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
        for (index, values) in partitions.iter().enumerate() {
            alike.entry(values.0.iter().map(Option::is_none).collect()).or_default().push(index);
        }
        let group = |(nulls, indices): (Vec<bool>, Vec<usize>)| {
            let values: Vec<&PartitionValues> = indices.iter().map(|&index| partitions[index]).collect();
            let field = |(index, data_type): (usize, &DataType)| {
                Field::new(narrow::placeholder_name(index), data_type.clone(), true)
            };
            let values = values_batch(types.iter().enumerate().map(field).collect(), &values)?;
            Ok(Group { indices, values, filter: self.filter(&nulls, &types) })
        };
        alike.into_iter().map(group).collect()
    }

    /// Returns what the rows that a filter keeps are read from, for each of the values of its placeholders.
    fn scanned(&self, filter: Option<Expr>, outputs: &RecordBatch) -> Result<Vec<Vec<Read>>> {
        let mut contents = Contents::default();
        let mut reads: Vec<Vec<Read>> = vec![Vec::new(); outputs.num_rows()];
        for scan in depend::scans(&self.optimized(filter)?, &self.inputs)? {
            let contents = contents.of(&scan, &self.inputs);
            read(&scan, outputs, contents, &mut reads)?;
        }
        for reads in &mut reads {
            reads.sort_by(|one, other| one.0.cmp(&other.0));
            reads.dedup_by(|one, other| one.0 == other.0);
        }
        Ok(reads)
    }

    /// Returns `partition columns = placeholders`, IS NULL where the value is NULL; None for an unpartitioned model.
    fn filter(&self, nulls: &[bool], types: &[DataType]) -> Option<Expr> {
        let columns = self.model.model.partition_by.iter().map(|column| decide::output(&column.value));
        let compare = |(index, ((column, &is_null), data_type)): (usize, ((Expr, &bool), &DataType))| match is_null {
            true => column.is_null(),
            false => narrow::is_partition(column, index, data_type),
        };
        columns.zip(nulls).zip(types).enumerate().map(compare).reduce(Expr::and)
    }

    fn proof(&self, reads: Vec<Read>) -> Proof {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.model.definition.as_bytes());
        for (read, content) in reads.iter().filter(|(read, _)| !self.model.ignores(&read.table)) {
            hasher.update(read.table.to_string().as_bytes());
            hasher.update(content.as_bytes());
        }
        Proof {
            fingerprint: hasher.finalize().to_hex().to_string(),
            reads: reads.into_iter().map(|(read, _)| read).collect(),
        }
    }
}

/// Adds what one scan reads for each output partition.
fn read(scan: &Scan, outputs: &RecordBatch, contents: &[blake3::Hash], reads: &mut [Vec<Read>]) -> Result<()> {
    let selection = scan.select(outputs)?;
    let Some(each) = selection.each else {
        let whole = scan.dependency(None, false);
        let content = content(&whole.partitions, contents);
        for reads in reads {
            reads.push((whole.clone(), content));
        }
        return Ok(());
    };
    for (reads, partitions) in reads.iter_mut().zip(each) {
        if let Some(partitions) = partitions {
            let content = content(&partitions, contents);
            reads.push((scan.dependency(Some(&partitions), selection.is_proved), content));
        }
    }
    Ok(())
}

/// Returns the hash of some partitions' content; those that are gone have none.
fn content(partitions: &[usize], contents: &[blake3::Hash]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for content in partitions.iter().filter_map(|&index| contents.get(index)) {
        hasher.update(content.as_bytes());
    }
    hasher.finalize()
}

/// The content of each partition of a table, by the columns that count.
#[derive(Default)]
struct Contents(HashMap<(String, Vec<String>), Vec<blake3::Hash>>);

impl Contents {
    fn of(&mut self, scan: &Scan, inputs: &Inputs<'_>) -> &[blake3::Hash] {
        let key = (scan.table.to_string(), scan.columns.iter().cloned().collect());
        self.0.entry(key).or_insert_with(|| {
            let Some(table) = inputs.catalog.get(&scan.table) else { return Vec::new() };
            let content = |part| depend::partition_content(part, Some(&scan.columns), table.as_of.as_ref());
            table.table.partitions.iter().map(content).collect()
        })
    }
}
