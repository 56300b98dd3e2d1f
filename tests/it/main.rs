//! What tallyhouse promises, tried on the binary from outside.
//!
//! ```text
//!  shipped pipeline over the fixtures          small projects of a few lines
//!  nightly, truth, fixtures, determinism,      newcomer, incremental, identity, identity_people, dirty, damage, mistakes, checking,
//!  outside                                     snapshots, upkeep, delta, crash, verbs, evolve, history, kinds,
//!                                              functions, unit_tests, lint, select,
//!                                              lineage, data_checks, iterate, report
//!
//!  dialect, coming_from_dbt: SQL that was written for DuckDB
//!
//!  sqllogic: DataFusion's own files, through our session and a stock one
//!
//!  corpus: odd files and what a person reads in them
//!
//!  project: a pipeline in a folder of its own, and the binary run over it
//!  snapshot: what a reader finds on the disk, read back as text
//!  shipped: one publication of the fixtures, shared by all tests
//!
//!  servers: object stores, web servers and databases that a test starts for itself
//!  places, databases: extracts that lie there; stores: a warehouse that does
//!
//!  tidy: how the source may look
//! ```
//!
//! `TALLYHOUSE_OUTSIDE=1` makes a missing outside reader a failure. `TALLYHOUSE_NIGHT=1` runs the long loops.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

mod project;
mod shipped;
mod snapshot;

mod thin;
mod tidy;
mod titles;

mod newcomer;

mod nightly;

mod truth;

mod fixtures;

mod determinism;

mod memory;

mod incremental;

mod identity;
mod identity_nights;
mod identity_people;

mod evolve;

mod history;

mod kept_answers;
mod kinds;

mod functions;

mod rebuild;

mod select;

mod iterate;

mod lineage;

mod dirty;

mod files;

mod damage;

mod mistakes;

mod lint;

mod data_checks;

mod snapshots;

mod upkeep;

mod verbs;
mod watching;

mod unit_tests;

mod dialect;

mod coming_from_dbt;

mod sqllogic;

mod crash;

mod delta;

mod outside;

mod report;

mod servers;

mod places;

mod stores;

mod at_once;
mod checking;
mod corpus;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod databases;
