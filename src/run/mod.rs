//! The conductor: the only module that knows the order of the stages.
//!
//! ```text
//!  load ──► validate ──► stage every source ──► build every model ──► check ──► publish
//!  texts    Definitions  staged.*, quarantine.*  partitions that        gate      one flip
//!                        (or those of the last   must be rebuilt
//!                        snapshot, unread)
//! ```
//!
//! In: a [`Request`]. Out: a [`RunReport`], plans and tables as values. Deliberately prints nothing and knows no format.

mod accepted;
mod away;
mod backfill;
mod build;
mod extract;
mod failures;
mod forecast;
mod functions;
mod gate;
mod generate;
mod identity;
mod infer;
mod inherit;
mod inputs;
mod inspect;
mod lineage;
mod listings;
mod load;
mod measured;
mod nightly;
mod ops;
mod outcome;
mod output;
mod partial;
mod plan;
mod prepare;
mod queue;
mod rejects;
mod report;
mod select;
mod snapshots;
mod sources;
mod stage;
mod tables;
mod test;
mod touched;
mod validate;
mod verdict;
mod verify;
mod watch;
mod working;

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

pub use backfill::Rebuild;
pub use extract::{Extracted, Failed, Head, PartReport, Sink, Stopped, Unread, extract};
pub use failures::{CheckFailures, FailedCheck, check_failures};
pub use forecast::{Forecast, Part, shown};
pub use functions::functions;
pub use generate::{Generated, generate_test};
pub use identity::ask::{
    Apart, IdExplained, MemberShown, RecordShown, TieShown, Trained, Uncertain, UncertainPair, decide,
    explain as explain_id, review, reviewed, train,
};
pub use infer::{Inference, Inferred, infer, parameters_for_drafts};
pub use inputs::{FormatChoice, Input, Reading, inputs, source};
pub use inspect::{Rejects, Snapshot, Snapshots, release, rollback, snapshots};
pub use lineage::{Subject, lineage, subject};
pub use measured::{LastRun, last_runs};
pub use nightly::nightly;
pub use output::{commit, exists, is_folder, is_same_file, output, output_folder, write_output};
pub use plan::{ModelPlan, Plan, SourcePlan, Why, plan, why};
pub use rejects::{
    CORRECTION_COLUMNS, Correction, CorrectionRow, RAW_COLUMN, RejectsFilter, SURPLUS_COLUMN, corrections,
};
pub use report::{FilledReport, report};
pub use select::{Selected, selected, selected_among};
pub use snapshots::{
    ColumnChange, Diff, PartitionChanges, RowChanges, Sample, TableChange, Wanted, diff, vacuum, verify,
};
pub use tables::{DocumentedColumn, DocumentedTable, Reference, tables};
pub use test::{UnitTests, unit_tests};
pub use touched::{Touched, TouchedColumn, touched};
#[cfg(test)]
pub(crate) use validate::catalog;
pub use validate::{Definitions, definitions};
pub use verdict::{Verdict, verdict};
pub use watch::Look;
pub use working::{ChangedColumn, Explanation, ModelDiff, Working};

use crate::{define::select::Selection, engine::Settings, record::TableName};
pub use crate::{
    publish::{Vacuum, Verified},
    storage::output::OutputFile,
    transform::{
        Reason,
        explain::{Explained, Fate},
        lineage::{Change, Direction, Element, Lineage, Links, TableLineage, Use, Uses},
        lint,
    },
};

/// What a command asks for, with all that the process knows of the world.
#[derive(Debug, Clone)]
pub struct Request {
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The run date, if it was given on the command line.
    pub run_date: Option<NaiveDate>,
    /// Values of pipeline variables that were given on the command line.
    pub variables: BTreeMap<String, String>,
    /// Development environment whose link is flipped instead of `current`.
    pub environment: Option<String>,
    /// Whether everything is rebuilt.
    pub full: bool,
    /// What is rebuilt besides, changed or not.
    pub rebuild: Rebuild,
    /// Which tables the command is about.
    pub selection: Selection,
    /// Whether every model is also computed whole, and nothing published that differs.
    pub verify: bool,
    /// Checks that may fail in this run: `schema.table:name`.
    pub accepted: Vec<String>,
    /// Whether every file is hashed, whatever the storage says about it.
    pub rehash: bool,
    /// Threads and memory.
    pub settings: Settings,
    /// Environment variables, for `${…}` in definitions.
    pub process_environment: BTreeMap<String, String>,
    /// The clock, read once.
    pub now: DateTime<Utc>,
}

/// What a run is doing, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// So many sources will be staged and models built.
    Begun {
        /// Sources.
        sources: usize,
        /// Models.
        models: usize,
    },
    /// A source is being staged.
    Staging {
        /// Its name.
        source: String,
        /// Its files.
        files: usize,
    },
    /// A file of the source in work was read.
    FileRead {
        /// Its path.
        file: String,
    },
    /// A source is staged.
    Staged {
        /// Its name.
        source: String,
        /// Rows in its staged table.
        rows: u64,
        /// Whether nothing was read because nothing changed.
        is_unchanged: bool,
    },
    /// A model is being built.
    Building {
        /// Its table.
        table: TableName,
    },
    /// A model is built.
    Built {
        /// Its table.
        table: TableName,
        /// Its rows.
        rows: u64,
        /// Partitions that were rebuilt.
        rebuilt: usize,
    },
    /// The checks run.
    Checking {
        /// How many.
        checks: usize,
    },
    /// The snapshot is put together and served.
    Publishing,
}

/// Is told what a run is doing.
pub trait Observer: Sync {
    /// Takes note of an event.
    fn notice(&self, event: &Event);
}

/// An observer that does not care.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Event) {}
}
