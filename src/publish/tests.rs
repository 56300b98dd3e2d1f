//! Tests of the writer and the warehouse together, on temporary folders.

mod snapshots;
mod tables;
mod views;
