//! Tests of the writer and the warehouse together, on temporary folders.

mod grounds;
mod partitions;
mod power;
mod sizes;
mod snapshots;
mod tables;
mod views;
