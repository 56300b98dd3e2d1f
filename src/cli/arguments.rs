//! What can be typed, and the help that teaches it.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{diff, explain, lineage::LineageArguments, rows::Form, selection::SelectionArguments, test::TestArguments};
use crate::{
    Error,
    define::select::Selection,
    engine::Settings,
    run::{FormatChoice, Rebuild, Request},
};

/// Bytes that are assumed where the machine does not say how much memory it has.
const UNKNOWN_MEMORY_BYTES: u64 = 4 << 30;

/// Memory below which the sorts of a few columns no longer get on.
const LEAST_MEMORY_BYTES: u64 = 64 << 20;

/// tallyhouse turns messy dealer, CRM and complaint extracts into a customer warehouse of partitioned Parquet.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    propagate_version = true,
    after_help = "Exit codes: 0 as asked · 1 the data said no, the old snapshot is still served · 2 usage, definition or \
                  contract · 3 file, database or storage · 4 another run holds the warehouse · 70 a bug\n\n\
                  Start with `tallyhouse check`, then `tallyhouse run`, then `tallyhouse show segment.market`."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the pipeline: read what changed, rebuild what depends on it, check it, serve it
    ///
    /// Nothing is published when nothing changed, when a check fails, or when too many rows are rejected: the old
    /// snapshot is then still served.
    Run(RunArguments),
    /// Check all definitions, offline and without data
    Check(CheckArguments),
    /// Run the unit tests of models: given rows in, expected rows out, without data and without a warehouse
    ///
    /// The tests of `sql/core/sales.sql` stand in `sql/core/sales.test.yaml`. Exit code 1 when one of them fails.
    Test(TestArguments),
    /// Show which partitions a run would rebuild, and why
    Plan(PlanArguments),
    /// Explain why the partitions of a table would be kept or rebuilt
    ///
    /// For each partition: of which tables it reads which partitions and columns, whether that is proved, and what has
    /// changed of it. A change of anything else does not touch the partition.
    Why(WhyArguments),
    /// Explain ids, decide uncertain pairs, pin the model of an entity
    Identity(super::identity::IdentityArguments),
    /// Show of what tables and columns are made, and what is made of them
    ///
    /// For a column: which columns of which tables go into it, down to the names in the extracts, and how each is used: copied,
    /// computed with, or to filter, join, group or order rows. Needs neither data nor a warehouse.
    Lineage(LineageArguments),
    /// Compare a model as it is written now with its published table, or definitions with those of a git revision
    ///
    /// The model is computed from the tables of the served snapshot, and so is what it stands on where that was changed too.
    /// Nothing is published. The exit code is 0 whatever differs.
    Diff(diff::DiffArguments),
    /// Show how the engine computes a model from the served snapshot, and what the last run measured that built it
    Explain(explain::ExplainArguments),
    /// Show a few rows of a table
    Show(ShowArguments),
    /// Run SQL over the served snapshot
    ///
    /// Tables are named as in models: `core.sales`, `staged.dealer_sales`, `quarantine.dealer_sales`.
    Query(QueryArguments),
    /// Write a report of the served snapshot: charts in one HTML file that needs nothing else
    ///
    /// Reports are defined in the files that `reports` of the pipeline file names, by default `pipelines/reports/*.yaml`. The
    /// same snapshot gives the same file.
    Report(super::report::ReportArguments),
    /// Look at rejected rows
    Rejects(RejectsArguments),
    /// List snapshots, roll back to one, release a rollback
    Snapshots(SnapshotsArguments),
    /// Show what the reader sees in files, before any contract
    ///
    /// Every cell is shown as its text. What was found out about the file (encoding, delimiter, header) is a line on
    /// standard error, and JSON with `--report`; every choice can be overridden by an option.
    Extract(ExtractArguments),
    /// Draft a contract from files, to be corrected by a person
    Infer(InferArguments),
    /// List the tables that the models make, or show one with its columns; the data dictionary as a page
    Tables(super::tables::TablesArguments),
    /// List the functions that SQL may call here, or show one with its examples
    Functions(super::functions::FunctionsArguments),
    /// Print the JSON Schema of a definition file or of the manifest
    Schema(SchemaArguments),
    /// Print shell completions, to be sourced by your shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document for programs.
    Json,
}

/// What `--output` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum OutputChoice {
    /// For people.
    #[default]
    Text,
    /// One JSON document for programs.
    Json,
    /// Findings for code review: `check` alone has them.
    Sarif,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    #[command(flatten)]
    world: World,
    /// Print for people or as JSON; `check` also as SARIF
    #[arg(global = true, long, value_enum, default_value_t)]
    output: OutputChoice,
}

/// Where a pipeline is, as of when it answers, and what the machine may give for it.
#[derive(Debug, Clone, Args)]
pub(super) struct World {
    /// The pipeline file
    #[arg(
        global = true,
        long,
        value_name = "FILE",
        default_value = "pipelines/nightly.yaml",
        env = "TALLYHOUSE_PIPELINE"
    )]
    pipeline: PathBuf,
    /// Answer as of this day instead of the pipeline's run date or today (YYYY-MM-DD)
    #[arg(global = true, long, value_name = "DATE")]
    run_date: Option<NaiveDate>,
    /// Set a pipeline variable; may be repeated
    #[arg(global = true, long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// Work on a development environment, which shares every unchanged file with production
    #[arg(global = true, long, value_name = "NAME")]
    env: Option<String>,
    /// Threads that work on data; results never depend on it
    #[arg(global = true, long, value_name = "N", env = "TALLYHOUSE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Memory for sorts, joins and aggregates before they spill, such as 512M or 8G [default: 70 % of the machine's]
    #[arg(global = true, long, value_name = "BYTES", env = "TALLYHOUSE_MEMORY_LIMIT", value_parser = bytes)]
    memory_limit: Option<u64>,
}

/// `run`
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub common: Common,
    /// Rebuild every model, changed or not
    #[arg(long)]
    pub full: bool,
    /// Compute every model whole besides, link all records, compare, and publish nothing if something differs
    #[arg(long)]
    pub verify_incremental: bool,
    #[command(flatten)]
    pub selection: SelectionArguments,
    #[command(flatten)]
    pub rebuild: RebuildArguments,
    /// Publish although this data check fails in this run, such as 'core.sales:change(rows)'; may be repeated
    #[arg(long = "accept", value_name = "TABLE:CHECK")]
    accepted: Vec<String>,
    /// Hash every extract file, whatever the storage says about it
    #[arg(long)]
    pub rehash: bool,
}

/// What is rebuilt though nothing changed.
#[derive(Debug, Args)]
pub(super) struct RebuildArguments {
    /// Rebuild this table though nothing changed; may be repeated
    #[arg(long = "rebuild", value_name = "TABLE", conflicts_with = "full")]
    tables: Vec<String>,
    /// Only partitions from this value of the first partition column on, such as 2026-01-01
    #[arg(long, value_name = "VALUE", requires = "tables")]
    from: Option<String>,
    /// Only partitions up to this value, itself included
    #[arg(long, value_name = "VALUE", requires = "tables")]
    to: Option<String>,
}

impl RebuildArguments {
    fn asked(&self) -> Rebuild {
        Rebuild { tables: self.tables.clone(), from: self.from.clone(), to: self.to.clone() }
    }
}

/// `check`
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub common: Common,
    /// Let warnings end with exit code 2, as errors do
    #[arg(long)]
    pub deny_warnings: bool,
    /// Check again whenever a definition file is saved, until interrupted
    #[arg(long)]
    pub watch: bool,
    /// Find everything out again instead of telling what was said of the same definitions before, and keep nothing
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    pub selection: SelectionArguments,
}

/// `plan`
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub common: Common,
    /// Plan as if every model had to be rebuilt
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub selection: SelectionArguments,
    #[command(flatten)]
    pub rebuild: RebuildArguments,
}

/// `why`
#[derive(Debug, Args)]
pub(super) struct WhyArguments {
    /// The table of a model, such as segment.market, or selectors such as `core.*` or `+segment.market`
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    pub common: Common,
    /// Only partitions with this value of a partition column, `NULL` for none; may be repeated
    #[arg(long = "partition", value_name = "COLUMN=VALUE", value_parser = variable)]
    partitions: Vec<(String, String)>,
}

impl WhyArguments {
    /// Returns what is asked for.
    ///
    /// # Errors
    /// When that is nothing.
    pub(super) fn request(&self) -> Result<Request, Error> {
        let selection = self.selection.asked_with(&self.tables);
        if selection.is_everything() {
            return Err(Error::Usage {
                message: "`why` needs a table".to_owned(),
                hint: Some("name one, such as `tallyhouse why core.sales`, or select some with `--select`".to_owned()),
            });
        }
        Ok(Request { selection, ..self.common.request(false) })
    }

    /// Returns the values that were given, None for NULL.
    pub(super) fn values(&self) -> Vec<(String, Option<String>)> {
        let value = |(column, value): &(String, String)| (column.clone(), (value != "NULL").then(|| value.clone()));
        self.partitions.iter().map(value).collect()
    }
}

/// `show`
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The table, such as segment.market; all tables are listed without one, some by a selector of several such as `segment.*`
    pub table: Option<String>,
    #[command(flatten)]
    pub common: Common,
    /// Rows at most
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Only rows that satisfy this SQL predicate
    #[arg(long = "where", value_name = "SQL")]
    pub filter: Option<String>,
    /// Compute the model as it is written now, with what it stands on, instead of reading its published rows
    #[arg(long, requires = "table")]
    pub working: bool,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Another snapshot than the served one
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
}

/// `query`
#[derive(Debug, Args)]
pub(super) struct QueryArguments {
    /// One SQL query
    pub sql: String,
    #[command(flatten)]
    pub common: Common,
    /// Another snapshot than the served one
    #[arg(long, value_name = "ID")]
    pub snapshot: Option<String>,
    /// In which form the rows are written [default: as `--output` says]
    #[arg(long, value_enum)]
    pub format: Option<Form>,
    /// Write the rows to this file, for its owner alone
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `rejects`
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
pub(super) struct RejectsArguments {
    #[command(subcommand)]
    pub action: Option<RejectsAction>,
    #[command(flatten)]
    pub selection: SelectionArguments,
    #[command(flatten)]
    pub common: Common,
}

/// What to do with rejected rows.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum RejectsAction {
    /// Count faults by source, rule and column, and rows that fail checks
    Ls {
        #[command(flatten)]
        selection: SelectionArguments,
    },
    /// Show faults with file, line, reason and original text, or the rows that fail the checks of a table
    Show(ShowRejectsArguments),
    /// Write the rejected rows of sources as CSV, to be corrected and put into their folders
    Export {
        /// The source, such as `dealer_sales`
        #[arg(required_unless_present_any = ["select", "exclude"])]
        source: Option<String>,
        #[command(flatten)]
        selection: SelectionArguments,
        /// Only this file
        #[arg(long)]
        file: Option<String>,
        /// Only rows that break this rule
        #[arg(long)]
        rule: Option<String>,
        /// Write to this file, for its owner alone; a folder gets a file for each source and form of header
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
    },
}

/// `rejects show`
#[derive(Debug, Clone, Args)]
pub(super) struct ShowRejectsArguments {
    /// The source, such as `dealer_sales`, the table, such as `core.sales`, or a selector of several; all sources without one
    #[arg(value_name = "SOURCE|TABLE")]
    pub source: Option<String>,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Only rows that fail this check of the table
    #[arg(long, conflicts_with_all = ["only", "file", "rule"])]
    pub check: Option<String>,
    /// Only this source, as the argument
    #[arg(long = "source", value_name = "SOURCE", conflicts_with_all = ["source", "select", "exclude"])]
    pub only: Option<String>,
    /// Only this file
    #[arg(long)]
    pub file: Option<String>,
    /// Only this rule, such as `type` or `required`
    #[arg(long)]
    pub rule: Option<String>,
    /// Rows at most
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

/// `snapshots`
#[derive(Debug, Args)]
pub(super) struct SnapshotsArguments {
    #[command(subcommand)]
    pub action: Option<SnapshotsAction>,
    #[command(flatten)]
    pub common: Common,
}

/// What to do with snapshots.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum SnapshotsAction {
    /// List them, newest first
    Ls,
    /// Serve the content of an older snapshot as a new one, and hold it
    Rollback {
        /// Its id; the sequence number in front is enough
        id: String,
    },
    /// Let the next run publish again after a rollback
    Release,
    /// Show what differs between two snapshots: tables, columns, partitions and rows
    Diff(DiffArguments),
    /// Compare every file of a snapshot with the manifest: bytes, BLAKE3, rows; and find files that nothing names
    Verify {
        /// Its id; the sequence number in front is enough [default: the served one]
        #[arg(conflicts_with = "all")]
        id: Option<String>,
        /// All snapshots, of every environment
        #[arg(long)]
        all: bool,
    },
    /// Say which old snapshots can go and what that frees, and remove them with `--apply`
    Vacuum {
        /// Keep so many of the newest, and as many ancestors of each that is served
        /// [default: `publish.keep_snapshots`]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        keep: Option<u32>,
        /// Keep those that are not older [default: `publish.keep_days`]
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u64>,
        /// Remove them
        #[arg(long, visible_alias = "yes")]
        apply: bool,
    },
}

/// `snapshots diff`
#[derive(Debug, Clone, Args)]
pub(super) struct DiffArguments {
    /// The snapshot before [default: the parent of the other]
    #[arg(value_name = "A")]
    pub from: Option<String>,
    /// The snapshot after [default: the served one]
    #[arg(value_name = "B")]
    pub to: Option<String>,
    /// Only this table, such as core.sales
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["select", "exclude"])]
    pub table: Option<String>,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Show so many differing rows of each table; private tables are only counted
    #[arg(long, value_name = "N", default_value_t = 0, default_missing_value = "20", num_args = 0..=1)]
    pub rows: usize,
}

/// `extract`
#[derive(Debug, Args)]
pub(super) struct ExtractArguments {
    /// Files, globs, folders or addresses such as `s3://bucket/*.csv`; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// Read as this source of the pipeline says, and find headers by its names
    #[arg(long, value_name = "SOURCE")]
    pub contract: Option<String>,
    /// The pipeline file in which `--contract` is looked up
    #[arg(long, value_name = "FILE", default_value = "pipelines/nightly.yaml", env = "TALLYHOUSE_PIPELINE")]
    pub pipeline: PathBuf,
    /// Rows of each table at most, 0 for all [default: 40 for `table`, else all]
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// How the rows are printed
    #[arg(long, value_enum, default_value_t)]
    pub output: RowsFormat,
    /// Write the rows to this file; a folder gets a file for each table
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Write what was found out as JSON to this file; `-` prints it instead of the rows
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,
    /// Write the rows that could not be read as CSV to this file; `-` prints them instead of the rows
    #[arg(long, value_name = "PATH")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatArguments,
}

/// How rows of text are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum RowsFormat {
    /// Aligned columns for people; NULL is `∅`.
    #[default]
    #[value(alias = "text")]
    Table,
    /// CSV; NULL is nothing at all, an empty text `""`.
    Csv,
    /// One JSON document: an array of tables with their columns and rows.
    Json,
    /// A Parquet file of text columns.
    Parquet,
}

/// What can be said about the format of files; what is left out is found out.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Format")]
pub(super) struct FormatArguments {
    /// The format: csv, xlsx, jsonl, parquet, database, …, as in a contract
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Encoding of text, such as utf-8 or gb18030
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// What stands between cells; `\t` is a tab
    #[arg(long, value_name = "TEXT")]
    delimiter: Option<String>,
    /// What stands around cells
    #[arg(long, value_name = "CHARACTER")]
    quote: Option<String>,
    /// What stands before a quote that belongs to the cell
    #[arg(long, value_name = "CHARACTER")]
    escape: Option<String>,
    /// Line of the header, counted from 1
    #[arg(long, value_name = "N", conflicts_with = "no_header")]
    header_row: Option<u64>,
    /// There is no header: columns are numbered
    #[arg(long)]
    no_header: bool,
    /// Name or glob of the sheet
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// What comment lines begin with
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<String>,
    /// The mark before decimals: point or comma
    #[arg(long, value_name = "MARK")]
    decimal_mark: Option<String>,
    /// Table or view of a database
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Any other option of a contract's `format`, its value as YAML; may be repeated
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = variable)]
    options: Vec<(String, String)>,
}

impl FormatArguments {
    /// Returns what was said, as a contract would say it.
    pub(super) fn choice(&self) -> FormatChoice {
        let texts = [
            ("encoding", &self.encoding),
            ("delimiter", &self.delimiter),
            ("quote", &self.quote),
            ("escape", &self.escape),
            ("sheet", &self.sheet),
            ("comment", &self.comment),
            ("decimal_mark", &self.decimal_mark),
            ("table", &self.table),
        ];
        // A JSON string is a YAML string whatever it holds.
        let quoted = |text: &String| serde_json::Value::from(text.replace("\\t", "\t")).to_string();
        let mut options: Vec<(String, String)> = texts
            .iter()
            .filter_map(|(name, text)| text.as_ref().map(|text| ((*name).to_owned(), quoted(text))))
            .collect();
        options.extend(self.header_row.map(|row| ("header_row".to_owned(), row.to_string())));
        options.extend(self.no_header.then(|| ("header".to_owned(), "none".to_owned())));
        options.extend(self.options.iter().cloned());
        FormatChoice { name: self.format.clone(), options }
    }
}

/// `infer`
#[derive(Debug, Args)]
pub(super) struct InferArguments {
    /// Files of one extract: paths, a glob or a folder
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    #[command(flatten)]
    pub common: Common,
    /// Name of the source [default: after the folder or file]
    #[arg(long)]
    pub name: Option<String>,
    /// Rows of all files together that are looked at, spread evenly over the files; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub sample_rows: u64,
    /// Write the contract to this file, which must not exist yet
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatArguments,
}

/// `schema`
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Which schema
    #[arg(value_enum)]
    pub kind: SchemaName,
    /// Print for people or as JSON; a schema is JSON either way
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaName {
    /// The pipeline file.
    Pipeline,
    /// A source with its contract.
    Source,
    /// An entity: what the records of several sources are records of.
    Entity,
    /// The header of a SQL model.
    Model,
    /// The unit tests of a model.
    Test,
    /// The header of a function in SQL.
    Function,
    /// A report.
    Report,
    /// The manifest of a snapshot.
    Manifest,
}

impl Verb {
    /// Returns how the verb prints.
    pub(super) fn output(&self) -> OutputFormat {
        match self {
            Self::Extract(arguments) => match arguments.output {
                RowsFormat::Json => OutputFormat::Json,
                _ => OutputFormat::Text,
            },
            Self::Lineage(arguments) if arguments.is_json() => OutputFormat::Json,
            other => other.common().map_or(OutputFormat::Text, Common::output),
        }
    }

    /// Returns what bounds the engine.
    pub(super) fn settings(&self) -> Option<Settings> {
        match self {
            Self::Lineage(arguments) => Some(arguments.world.settings()),
            other => other.common().map(Common::settings),
        }
    }

    /// Returns whether SARIF is asked for.
    pub(super) fn is_sarif(&self) -> bool {
        self.common().is_some_and(Common::is_sarif)
    }

    /// Returns what nearly every verb takes.
    fn common(&self) -> Option<&Common> {
        Some(match self {
            Self::Run(arguments) => &arguments.common,
            Self::Check(arguments) => &arguments.common,
            Self::Test(arguments) => &arguments.common,
            Self::Identity(arguments) => &arguments.common,
            Self::Plan(arguments) => &arguments.common,
            Self::Why(arguments) => &arguments.common,
            Self::Show(arguments) => &arguments.common,
            Self::Query(arguments) => &arguments.common,
            Self::Report(arguments) => &arguments.common,
            Self::Rejects(arguments) => &arguments.common,
            Self::Snapshots(arguments) => &arguments.common,
            Self::Infer(arguments) => &arguments.common,
            Self::Functions(arguments) => &arguments.common,
            Self::Tables(arguments) => &arguments.common,
            Self::Diff(arguments) => &arguments.common,
            Self::Explain(arguments) => &arguments.common,
            Self::Lineage(_) | Self::Schema(_) | Self::Completions { .. } | Self::Extract(_) => return None,
        })
    }
}

impl RunArguments {
    /// Returns what is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            accepted: self.accepted.clone(),
            rehash: self.rehash,
            selection: self.selection.asked(),
            verify: self.verify_incremental,
            rebuild: self.rebuild.asked(),
            ..self.common.request(self.full)
        }
    }
}

impl CheckArguments {
    /// Returns the folder in which answers are kept, if there is one.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        if self.no_cache { None } else { cache_folder() }
    }
}

impl PlanArguments {
    /// Returns what is asked for.
    pub(super) fn request(&self) -> Request {
        Request { selection: self.selection.asked(), rebuild: self.rebuild.asked(), ..self.common.request(self.full) }
    }
}

impl Common {
    /// Returns how results are printed; SARIF, which is JSON too, counts as JSON.
    pub(super) fn output(&self) -> OutputFormat {
        match self.output {
            OutputChoice::Text => OutputFormat::Text,
            OutputChoice::Json | OutputChoice::Sarif => OutputFormat::Json,
        }
    }

    /// Returns whether findings are asked for as SARIF.
    pub(super) fn is_sarif(&self) -> bool {
        self.output == OutputChoice::Sarif
    }

    /// Returns what bounds the engine.
    pub(super) fn settings(&self) -> Settings {
        self.world.settings()
    }

    /// Returns the same for a verb with formats of its own.
    pub(super) fn plain(world: &World) -> Self {
        Self { world: world.clone(), output: OutputChoice::Text }
    }

    /// Returns what is asked for, with all that the process knows of the world.
    pub(super) fn request(&self, full: bool) -> Request {
        self.world.request(full)
    }
}

impl World {
    /// Returns what bounds the engine.
    pub(super) fn settings(&self) -> Settings {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let memory = self.memory_limit.unwrap_or_else(|| machine_memory() / 10 * 7);
        Settings {
            threads: self.threads.map_or(cores, usize::from),
            memory_limit_bytes: usize::try_from(memory).unwrap_or(usize::MAX),
            spill_folder: None,
        }
    }

    fn request(&self, full: bool) -> Request {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        Request {
            pipeline: self.pipeline.clone(),
            run_date: self.run_date,
            variables: self.variables.iter().cloned().collect::<BTreeMap<_, _>>(),
            environment: self.env.clone(),
            full,
            rebuild: Rebuild::default(),
            selection: Selection::default(),
            verify: false,
            accepted: Vec::new(),
            rehash: false,
            settings: self.settings(),
            process_environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
                .collect(),
            now: Utc::now(),
        }
    }
}

/// Returns our part of the user's cache, where the XDG Base Directory Specification puts it.
fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(folder.join("tallyhouse"))
}

/// Returns the memory of the machine, or of the control group if that has less.
fn machine_memory() -> u64 {
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim();
        Some(line.trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
    });
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
    total.into_iter().chain(group).min().unwrap_or(UNKNOWN_MEMORY_BYTES)
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected `name=value`".to_owned()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim().trim_end_matches(['b', 'B']).trim_end_matches('i');
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']);
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err("expected a number with K, M, G or T, such as 8G".to_owned()),
    };
    let number: u64 =
        digits.trim().parse().map_err(|_| "expected a number with K, M, G or T, such as 8G".to_owned())?;
    let bytes = number.checked_mul(1 << shift).ok_or_else(|| "that is more than any machine has".to_owned())?;
    if bytes < LEAST_MEMORY_BYTES { Err("at least 64M are needed".to_owned()) } else { Ok(bytes) }
}
