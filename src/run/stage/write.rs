//! The staged table and its quarantine, from packs: partition by partition, and only those whose rows are other ones.
//!
//! In: which rows of every block are kept. Out: two [`Table`]s. A partition's fingerprint names its blocks and the rows
//! kept of them, and the ids that they bear, so an equal one in the last snapshot is taken over without reading a row.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Int64Type, Schema},
};

use super::{
    SourceIds, Surroundings,
    packs::{LiveBlock, LivePack, LivePacks, Readers, Survey},
    parallel,
    sink::{PackLayout, broken},
};
use crate::{
    Error,
    publish::PartitionWriter,
    record::{PartitionValues, manifest::Partition},
};

/// Rejections that a run shows which stops because of too many.
const EXAMPLES: usize = 5;

/// One rejection as far as a report shows it: file, line, column, rule, reason.
pub(super) type Example = (String, i64, Option<String>, String, String);

/// What quarantine holds, counted.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Faults by rule.
    pub by_rule: BTreeMap<String, u64>,
    /// The first few by file and line.
    pub examples: BTreeSet<Example>,
}

/// What a staged table is written to, and what decides its partitions besides their rows.
pub(super) struct Target<'a, 'i> {
    pub writer: &'a PartitionWriter,
    /// Hash of everything but rows and ids.
    pub shape: &'a str,
    /// The partitions of the last night.
    pub before: &'a HashMap<PartitionValues, Partition>,
    /// Ids of the rows, in the order of their columns.
    pub ids: &'a [SourceIds<'i>],
}

/// Writes the staged table's partitions, ordered by their values.
///
/// # Errors
/// When a pack cannot be read or a file cannot be written.
pub(super) fn staged(
    packs: &LivePacks,
    survey: Survey,
    layout: &PackLayout,
    target: &Target<'_, '_>,
    around: Surroundings<'_>,
) -> Result<Vec<Partition>, Error> {
    if survey.partitions.is_empty() {
        return Ok(target.writer.empty()?);
    }
    let mut jobs: Vec<(PartitionValues, Vec<LiveBlock>)> = survey.partitions.into_iter().collect();
    // The largest first, so that no thread ends long after the others.
    jobs.sort_by_cached_key(|(values, blocks)| {
        (std::cmp::Reverse(blocks.iter().map(|block| block.rows).sum::<u64>()), values.clone())
    });
    let threads = around.threads.clamp(1, jobs.len());
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let columns = layout.data_columns();
    let begin = || Readers::new(&packs.packs, Some(columns.clone()));
    let work = |(values, blocks): (PartitionValues, Vec<LiveBlock>), readers: &mut Readers<'_>| {
        let fingerprint = fingerprint(target, &values, &blocks, &packs.packs);
        let same = target.before.get(&values).filter(|before| before.fingerprint == fingerprint);
        let partition = if let Some(same) = same {
            same.clone()
        } else {
            let rows = blocks.iter().map(|block| with_ids(readers.kept(block)?, &values, target.ids));
            let written = target.writer.write::<Error>(&values, rows, around.memory_bytes / threads)?;
            Partition { fingerprint, ..written }
        };
        done.lock().unwrap_or_else(PoisonError::into_inner).push(partition);
        Ok(())
    };
    parallel::each(jobs, threads, begin, work)?;
    let mut partitions = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    partitions.sort_by(|one, other| one.values.cmp(&other.values));
    Ok(partitions)
}

/// Puts the columns of ids behind those of the contract.
fn with_ids(rows: RecordBatch, values: &PartitionValues, ids: &[SourceIds<'_>]) -> Result<RecordBatch, Error> {
    let mut rows = rows;
    for ids in ids {
        let column = ids.column(&rows, values)?;
        let fields = rows.schema().fields().iter().cloned().chain([ids.field()]).collect::<Vec<_>>();
        let columns = rows.columns().iter().cloned().chain([column]).collect();
        rows = super::sink::batch(&Arc::new(Schema::new(fields)), columns, rows.num_rows())?;
    }
    Ok(rows)
}

/// Returns the hash of all that decides a partition's rows and files.
fn fingerprint(target: &Target<'_, '_>, values: &PartitionValues, blocks: &[LiveBlock], packs: &[LivePack]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(target.shape.as_bytes());
    for ids in target.ids {
        hasher.update(ids.fingerprint(values).as_bytes());
    }
    hash_blocks(blocks, packs, &mut hasher);
    hasher.finalize().to_hex().as_str()[..32].to_owned()
}

/// Hashes which rows of which blocks are kept.
pub(super) fn hash_blocks(blocks: &[LiveBlock], packs: &[LivePack], hasher: &mut blake3::Hasher) {
    for block in blocks {
        hasher.update(packs[block.pack].file.blake3.as_bytes()).update(&(block.block as u64).to_le_bytes());
        hasher.update(&block.rows.to_le_bytes());
        // Counted, since bits beyond the end of a buffer mean nothing.
        if let Some(kept) = &block.kept {
            for word in &kept.bit_chunks().iter_padded().collect::<Vec<u64>>() {
                hasher.update(&word.to_le_bytes());
            }
        }
    }
}

/// Writes the quarantine table and counts what is in it.
///
/// # Errors
/// When a pack cannot be read or a file cannot be written.
pub(super) fn quarantine(
    packs: &[LivePack],
    writer: &PartitionWriter,
    before: &HashMap<PartitionValues, Partition>,
    around: Surroundings<'_>,
) -> Result<(Vec<Partition>, Faults), Error> {
    let mut faults = Faults::default();
    let mut hasher = blake3::Hasher::new();
    let mut rows = 0;
    for (batch, pack, number) in rejects(packs) {
        let batch = batch?;
        faults.count(&batch);
        rows += batch.num_rows();
        hasher.update(packs[pack].file.blake3.as_bytes()).update(&(number as u64).to_le_bytes());
        hasher.update(&(batch.num_rows() as u64).to_le_bytes());
    }
    for id in packs.iter().flat_map(|pack| pack.pack.files().iter().zip(&pack.live)).filter(|(_, live)| live.is_some())
    {
        hasher.update(id.0.as_bytes());
    }
    if rows == 0 {
        return Ok((writer.empty()?, faults));
    }
    let fingerprint = hasher.finalize().to_hex().as_str()[..32].to_owned();
    let values = PartitionValues::default();
    if let Some(same) = before.get(&values).filter(|before| before.fingerprint == fingerprint) {
        return Ok((vec![same.clone()], faults));
    }
    let rows = rejects(packs).map(|(batch, _, _)| {
        let batch = batch?;
        batch.project(&(0..batch.num_columns() - 1).collect::<Vec<_>>()).map_err(|error| broken(&error))
    });
    let written = writer.write::<Error>(&values, rows, around.memory_bytes)?;
    Ok((vec![Partition { fingerprint, ..written }], faults))
}

/// Returns all rejections of live files, with the pack and the number of their batch.
fn rejects(packs: &[LivePack]) -> impl Iterator<Item = (Result<RecordBatch, Error>, usize, usize)> {
    let mut readers = Readers::new(packs, None);
    let all = (0..packs.len()).flat_map(|pack| (0..packs[pack].pack.len()).map(move |number| (pack, number)));
    all.map(move |(pack, number)| {
        let batch = readers.block(pack, number).and_then(|batch| packs[pack].live_rejects(&batch));
        (batch, pack, number)
    })
}

impl Faults {
    fn count(&mut self, batch: &RecordBatch) {
        let text = |name: &str| batch.column_by_name(name).map(AsArray::as_string::<i32>);
        let (Some(files), Some(columns), Some(rules), Some(reasons)) =
            (text("file"), text("column"), text("rule"), text("reason"))
        else {
            return;
        };
        let Some(lines) = batch.column_by_name("line").map(AsArray::as_primitive::<Int64Type>) else { return };
        for row in 0..batch.num_rows() {
            let rule = rules.value(row);
            match self.by_rule.get_mut(rule) {
                Some(count) => *count += 1,
                None => drop(self.by_rule.insert(rule.to_owned(), 1)),
            }
            let is_early = self.examples.len() < EXAMPLES
                || self.examples.last().is_some_and(|last| (files.value(row), lines.value(row)) <= (&*last.0, last.1));
            if is_early {
                let column = (!arrow::array::Array::is_null(columns, row)).then(|| columns.value(row).to_owned());
                let example = (
                    files.value(row).to_owned(),
                    lines.value(row),
                    column,
                    rule.to_owned(),
                    reasons.value(row).to_owned(),
                );
                self.examples.insert(example);
                if self.examples.len() > EXAMPLES {
                    self.examples.pop_last();
                }
            }
        }
    }
}

/// Returns the partitions of a table of the last snapshot by their values.
pub(super) fn by_values(partitions: &[Partition]) -> HashMap<PartitionValues, Partition> {
    partitions.iter().map(|partition| (partition.values.clone(), partition.clone())).collect()
}
