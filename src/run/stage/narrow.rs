//! A few columns of the rows that a staged table will hold, before it is written.
//!
//! In: packs and which of their rows count. Out: [`Piece`]s, block by block, on several threads, with what says which of
//! two rows is later. Only the columns that are asked for are decoded.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch},
    datatypes::{FieldRef, Int64Type, SchemaRef, UInt32Type, UInt64Type},
};

use super::{
    packs::{LiveBlock, LivePacks, Readers, Survey},
    parallel,
    sink::{FILE, ORDER, VERSION, broken},
    write,
};
use crate::{Error, record::PartitionValues};

/// The rows that a staged table will hold.
pub(in crate::run) struct LiveRows {
    pub(super) packs: LivePacks,
    pub(super) survey: Survey,
    /// The columns of its packs.
    pub(super) schema: SchemaRef,
    /// The columns that stand in the names of partitions.
    pub(super) partition_by: Vec<FieldRef>,
    pub(super) threads: usize,
}

/// Some rows of one partition, as far as some columns go.
pub(in crate::run) struct Piece {
    /// The columns, in the order in which they were asked for.
    pub columns: Vec<ArrayRef>,
    /// For each row its version and its place among all rows: the larger is the later.
    pub places: Vec<(i64, u64)>,
    /// The position of its partition among all, in the order of their values.
    pub partition: usize,
}

impl LiveRows {
    /// Returns a hash of which rows each partition has.
    pub fn fingerprints(&self) -> HashMap<PartitionValues, String> {
        let of = |(values, blocks): (&PartitionValues, &Vec<LiveBlock>)| {
            let mut hasher = blake3::Hasher::new();
            write::hash_blocks(blocks, &self.packs.packs, &mut hasher);
            (values.clone(), hasher.finalize().to_hex().as_str()[..32].to_owned())
        };
        self.survey.partitions.iter().map(of).collect()
    }

    /// Shows columns of the rows of some partitions to several threads; pieces of one partition go to one of them. Whether one is
    /// asked for is found out when its turn comes.
    ///
    /// # Errors
    /// The first that `see` gives, or a pack that cannot be read.
    pub fn each<T: Default>(
        &self,
        columns: &[&str],
        is_asked: &(dyn Fn(&PartitionValues) -> bool + Sync),
        see: impl Fn(&Piece, &mut T) -> Result<(), Error> + Sync,
        done: impl Fn(&PartitionValues, T) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let mut all: Vec<(&PartitionValues, &Vec<LiveBlock>)> = self.survey.partitions.iter().collect();
        all.sort_unstable_by_key(|(values, _)| *values);
        let jobs: Vec<_> = all.into_iter().enumerate().collect();
        let wanted = self.positions(columns);
        let begin = || Readers::new(&self.packs.packs, Some(wanted.clone()));
        parallel::each(jobs, self.threads, begin, |(partition, (values, blocks)), readers| {
            if !is_asked(values) {
                return Ok(());
            }
            let mut state = T::default();
            for block in blocks {
                let rows = readers.kept(block)?;
                see(&self.piece((partition, values), block, &rows, columns)?, &mut state)?;
            }
            done(values, state)
        })
    }

    /// Returns the positions in packs of columns and of what says which row is later.
    fn positions(&self, columns: &[&str]) -> Vec<usize> {
        let is_wanted = |name: &str| [FILE, ORDER, VERSION].contains(&name) || columns.contains(&name);
        let fields = self.schema.fields().iter().enumerate();
        fields.filter(|(_, field)| is_wanted(field.name())).map(|(position, _)| position).collect()
    }

    fn piece(
        &self,
        (partition, values): (usize, &PartitionValues),
        block: &LiveBlock,
        rows: &RecordBatch,
        columns: &[&str],
    ) -> Result<Piece, Error> {
        let column = |name: &&str| column(rows, values, name, &self.partition_by);
        let columns = columns.iter().map(column).collect::<Result<_, _>>()?;
        let (Some(files), Some(orders)) = (rows.column_by_name(FILE), rows.column_by_name(ORDER)) else {
            return Err(Error::Bug { message: "a pack does not say where its rows come from".to_owned() });
        };
        let (files, orders) = (files.as_primitive::<UInt32Type>(), orders.as_primitive::<UInt64Type>());
        let versions = rows.column_by_name(VERSION).map(AsArray::as_primitive::<Int64Type>);
        let live = &self.packs.packs[block.pack].live;
        let place = |row: usize| {
            let place = self.packs.place(live, files.value(row), orders.value(row)).unwrap_or_default();
            (versions.map_or(0, |versions| versions.value(row)), place)
        };
        Ok(Piece { columns, places: (0..rows.num_rows()).map(place).collect(), partition })
    }
}

/// Returns a column of rows of one partition, whether it stands beside them or in the partition's name.
pub(super) fn column(
    rows: &RecordBatch,
    values: &PartitionValues,
    name: &str,
    partition_by: &[FieldRef],
) -> Result<ArrayRef, Error> {
    if let Some(column) = rows.column_by_name(name) {
        return Ok(Arc::clone(column));
    }
    let missing = || Error::Bug { message: format!("staged rows have no column `{name}`") };
    let position = partition_by.iter().position(|field| field.name() == name).ok_or_else(missing)?;
    let value = PartitionValues(vec![values.0.get(position).cloned().ok_or_else(missing)?]);
    let scalars = value.to_scalars(&[partition_by[position].data_type().clone()]);
    let column = scalars.and_then(|scalars| {
        scalars.first().map_or_else(
            || Err(datafusion::common::internal_datafusion_err!("no value")),
            |scalar| scalar.to_array_of_size(rows.num_rows()),
        )
    });
    column.map_err(|error| broken(&error.into()))
}
