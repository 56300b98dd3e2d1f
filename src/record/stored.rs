//! Where the bytes of a warehouse's file are.

use std::path::PathBuf;

/// The place of a data file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoredAt {
    /// An absolute path of the local disk.
    Disk(PathBuf),
    /// A key of the warehouse's object store.
    Store(String),
}
