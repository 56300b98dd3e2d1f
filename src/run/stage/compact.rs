//! Compaction: many packs, or packs full of dead rows, become one.
//!
//! In: the packs of a source. Out: new ones with the rows of live files only, lost ones included, since a file that is
//! withdrawn revives what it had replaced. Deliberately rare: a row is copied again only when packs have become many, or
//! when half of the rows are dead.

use super::{
    packs::{LivePack, LivePacks, Readers},
    sink::{FILE_COLUMN, Sink},
};
use crate::{Error, record::manifest::DataFile};

/// Packs of one source that may lie side by side.
const MOST_PACKS: usize = 48;
/// Rows below which dead ones are not worth a copy.
const FEW_ROWS: u64 = 100_000;

/// The packs of rows and of rejections.
type Compacted = (Vec<DataFile>, Vec<DataFile>);

/// Copies the live rows together, if that pays.
///
/// # Errors
/// When a pack cannot be read or written.
pub(super) fn compact<'a>(
    packs: &LivePacks,
    rejects: &[LivePack],
    dead: u64,
    sink: impl FnOnce() -> Sink<'a>,
) -> Result<Option<Compacted>, Error> {
    let rows: u64 = packs.packs.iter().map(|pack| pack.file.rows).sum();
    let is_half_dead = dead * 2 > rows && rows > FEW_ROWS;
    if !is_half_dead && packs.packs.len().max(rejects.len()) <= MOST_PACKS {
        return Ok(None);
    }
    let mut sink = sink();
    let mut readers = Readers::new(&packs.packs, None);
    for (index, pack) in packs.packs.iter().enumerate() {
        for block in 0..pack.pack.len() {
            let batch = readers.block(index, block)?;
            let batch = pack.live_rows(&batch, FILE_COLUMN)?;
            if let Some(values) = pack.pack.values(block).filter(|_| batch.num_rows() > 0) {
                sink.carry(values, &batch, pack.pack.files())?;
            }
        }
    }
    let mut readers = Readers::new(rejects, None);
    for (index, pack) in rejects.iter().enumerate() {
        for block in 0..pack.pack.len() {
            let batch = readers.block(index, block)?;
            let batch = pack.live_rejects(&batch)?;
            if batch.num_rows() > 0 {
                sink.carry_rejects(&batch, pack.pack.files())?;
            }
        }
    }
    let written = sink.finish()?;
    Ok(Some((written.rows, written.rejects)))
}
