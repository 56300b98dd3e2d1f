//! tallyhouse turns messy extracts into a customer warehouse of partitioned Parquet, every night.
//!
//! The modules stand in the order in which data walks:
//!
//! ```text
//!  pipelines/*.yaml, sql/**/*.sql
//!        │ define: text → one checked Project
//!        ▼
//!  extract ─────► normalize ─────► identify ─────► transform ────► check ───────► publish ────► current
//!  bytes →        text cells →     customer ids    SQL graph →     data tests →   files →       one rename
//!  text cells     typed rows,      on the rows     rebuilt         gate           snapshot      for all
//!                 quarantine                       partitions                                   readers
//!
//!          └──── run/stage: packs, every row of every live file, read once ─► staged partitions
//!
//!  cli (mouth) ─► run (conductor) ─► the stages above ─► ground: record, engine, storage
//! ```
//!
//! A stage never imports another stage: what crosses is a type of [`record`] or [`define`]. Only [`run`] knows the order,
//! only [`cli`] prints, exits or reads the environment, only [`storage`] touches files, only [`engine`] builds a session.
//! `tests/it/tidy.rs` holds the table of allowed edges.

pub mod cli;

pub mod run;

pub mod define;

pub mod extract;

pub mod normalize;

pub mod identify;

pub mod transform;

pub mod check;

pub mod publish;

pub mod report;

pub mod record;

pub mod engine;

pub mod storage;

mod error;
pub use error::Error;
