//! Definitions as validated: every default filled in, every name checked against the others, every place kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use chrono_tz::Tz;

mod check;
pub mod report;

pub use self::check::{Age, Bound, Change, Check, CheckKind, CheckSeverity, Limit, Measure, Tolerance, ZScore};
use super::entity::Entity;
pub use super::file::OnLowSpace;
use crate::record::{DecimalMark, Place, Placed, TableName, Text, manifest::TableFormat};

/// A pipeline with its sources and models.
#[derive(Debug, Clone)]
pub struct Project {
    /// The pipeline file.
    pub pipeline: Pipeline,
    /// Sources by name, in order of their names.
    pub sources: Vec<Source>,
    /// Entities, in order of their names.
    pub entities: Vec<Entity>,
    /// Models by name, in order of their names.
    pub models: Vec<Model>,
    /// Functions written in SQL, in order of their names.
    pub functions: Vec<Function>,
    /// The files of reports, unread: nothing that a run publishes depends on them.
    pub reports: Vec<Arc<Text>>,
    /// What is there and wrong, where a project is read that is not to be run.
    pub wrong: Wrong,
}

/// Definitions with an error, of a project of which the others are still looked at.
#[derive(Debug, Clone, Default)]
pub struct Wrong {
    /// Tables of which nothing is known, and the file that is to blame for each; some of them are those of sources of the project,
    /// on which a wrong entity puts an id.
    pub tables: BTreeMap<TableName, Arc<Text>>,
    /// Functions whose file has no name of a function, or a header that is never closed.
    pub functions: BTreeSet<String>,
    /// Sources whose columns are known nevertheless.
    pub sources: Vec<Source>,
    /// Models whose query can be looked at nevertheless; they stand among those of the project.
    pub models: BTreeSet<TableName>,
}

impl Wrong {
    /// Returns the files of what does not stand among the sources and models of the project.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<Text>> {
        self.tables.values().chain(self.sources.iter().map(|source| &source.text))
    }

    /// Returns the tables that do not stand among those of the project.
    pub fn names(&self) -> impl Iterator<Item = TableName> {
        self.tables.keys().cloned().chain(self.sources.iter().map(Source::table))
    }
}

/// A function written in SQL. What it says is left to the planner.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name, which is the file's.
    pub name: String,
    /// The file.
    pub text: Arc<Text>,
    /// What it is for: its header, or the comment above it.
    pub description: Option<String>,
    /// Calls of it, with what they return.
    pub examples: Vec<Example>,
}

/// A call of a function, and what it returns.
#[derive(Debug, Clone)]
pub struct Example {
    /// The call, an expression without tables.
    pub call: Placed<String>,
    /// The value as text; None is NULL.
    pub returns: Placed<Option<String>>,
}

/// What the pipeline file says.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The file.
    pub text: Arc<Text>,
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Folder of the warehouse, resolved against the pipeline file.
    pub warehouse: Placed<String>,
    /// Zone in which days and months are counted.
    pub timezone: Tz,
    /// The pinned run date, if any.
    pub run_date: Option<NaiveDate>,
    /// Typed SQL parameters besides `$run_date` and `$timezone`.
    pub variables: BTreeMap<String, Variable>,
    /// Where each of them is named.
    pub variable_places: BTreeMap<String, Place>,
    /// How snapshots are kept.
    pub publish: Publish,
    /// Failing rows of a check that are kept.
    pub kept_rows: usize,
}

/// The value of a pipeline variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Variable {
    /// `true`
    Boolean(bool),
    /// `42`
    Integer(i64),
    /// `0.5`
    Double(f64),
    /// `2026-06-30`
    Date(NaiveDate),
    /// anything else
    Text(String),
}

/// How snapshots are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Snapshots kept besides the current one's ancestors' newest, at least 1.
    pub keep_snapshots: usize,
    /// Days for which snapshots are kept, however many they are.
    pub keep_days: Option<u64>,
    /// What a run does when the disk seems too small for it.
    pub on_low_space: OnLowSpace,
    /// Compressed bytes with which a data file is full.
    pub file_bytes: usize,
    /// Table formats that are written; Parquet is always one of them.
    pub formats: BTreeSet<TableFormat>,
}

/// One extract and its contract.
#[derive(Debug, Clone)]
pub struct Source {
    /// The contract file.
    pub text: Arc<Text>,
    /// Name; the table is `staged.<name>`.
    pub name: Placed<String>,
    /// What it is.
    pub description: Option<String>,
    /// Path or glob, variables expanded, absolute.
    pub location: Placed<String>,
    /// How files are read.
    pub format: Format,
    /// Which of two files is later.
    pub version: Version,
    /// Key columns.
    pub key: Vec<Placed<String>>,
    /// Partition columns.
    pub partition_by: Vec<Placed<String>>,
    /// The date or timestamp at which a row's fact exists.
    pub event_date: Option<Placed<String>>,
    /// Later stage dates or timestamps that become NULL when they lie after the run date.
    pub as_of: Vec<Placed<String>>,
    /// How many rejected rows are too many.
    pub reject_limit: RejectLimit,
    /// What settles, vanishes, changes, or is too large.
    pub files: FilePolicy,
    /// Columns in the order of the file.
    pub columns: Vec<Column>,
    /// Row rules.
    pub rules: Vec<Rule>,
    /// Data checks on the staged table.
    pub checks: Vec<Check>,
}

/// How a source treats its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilePolicy {
    /// A file younger than this waits for the next run.
    pub settle_seconds: u64,
    /// What becomes of the rows of a file that is not there any more.
    pub on_missing: OnMissing,
    /// What happens when a file cannot be read.
    pub on_unreadable: OnUnreadable,
    /// What happens when a file looks other than those before it.
    pub drift: Drift,
    /// How large a file may be.
    pub limits: FileLimits,
}

/// What becomes of the rows of a file that is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// They stay: senders clean up what was fetched.
    #[default]
    Keep,
    /// They go.
    Drop,
}

/// What happens when a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnreadable {
    /// The run fails.
    #[default]
    Fail,
    /// What was last read under its path stays, and the report says so.
    KeepPrevious,
}

/// What is done about a change of a file's form.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DriftAction {
    /// Nothing.
    Accept,
    /// A line in the report.
    Warn,
    /// The rows of the file go to quarantine.
    Quarantine,
    /// The run fails.
    Fail,
}

/// What is done about each kind of change between a file and the last one of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift {
    /// A column that no file had and the contract does not name.
    pub column_added: DriftAction,
    /// A column of the contract that the last file had and this one lacks.
    pub column_removed: DriftAction,
    /// A column of the contract under another of its names.
    pub renamed: DriftAction,
    /// The same columns in another order.
    pub reordered: DriftAction,
    /// A column of which most values do not fit its type.
    pub retyped: DriftAction,
    /// Codes that the contract does not know.
    pub new_code: DriftAction,
}

impl Default for Drift {
    fn default() -> Self {
        use DriftAction::{Accept, Warn};
        Self {
            column_added: Warn,
            column_removed: Warn,
            renamed: Accept,
            reordered: Accept,
            retyped: Warn,
            new_code: Accept,
        }
    }
}

/// How large a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// Bytes as sent.
    pub file_bytes: u64,
    /// Bytes after unpacking.
    pub decompressed_bytes: u64,
    /// Rows.
    pub rows: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self { file_bytes: 64 << 30, decompressed_bytes: 64 << 30, rows: 1_000_000_000 }
    }
}

/// How a source's files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// By the file's name and first bytes.
    Auto,
    /// Delimited text.
    Csv(CsvOptions),
    /// A workbook.
    Xlsx(XlsxOptions),
    /// JSON: an object a line, or objects in an array.
    Json(JsonOptions),
    /// Parquet.
    Parquet,
    /// Avro.
    Avro,
    /// Arrow IPC, as file or stream.
    Arrow,
    /// Text whose cells stand at fixed places of a line.
    FixedWidth(FixedWidthOptions),
    /// The members of an archive that a glob names.
    Member {
        /// Glob.
        pattern: String,
        /// Their format.
        format: Box<Format>,
    },
    /// A table or query of a SQLite file, or of the server that the location names.
    Database(DatabaseOptions),
}

/// What is taken from a database: a table or a query, one of the two unless the database has but one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseOptions {
    /// Table or view, with its schema where it has one.
    pub table: Option<String>,
    /// A SELECT.
    pub query: Option<String>,
    /// Predicate in the database's own SQL.
    pub filter: Option<String>,
    /// Column by whose largest value the next pull knows where to go on.
    pub watermark: Option<String>,
}

/// What is declared about delimited text; None is detected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvOptions {
    /// Label of the Encoding Standard.
    pub encoding: Option<String>,
    /// Delimiter, of one or more characters.
    pub delimiter: Option<String>,
    /// Quote; `"` or `'` by default, whichever is used.
    pub quote: Option<char>,
    /// What takes its meaning from a delimiter, quote or escape behind it.
    pub escape: Option<char>,
    /// Whether there is no header: columns are named `column_1`, `column_2`, …
    pub no_header: bool,
    /// Physical line of the header, 1-based.
    pub header_row: Option<u64>,
    /// Mark at the start of comment lines.
    pub comment: Option<char>,
    /// Decimal mark.
    pub decimal_mark: Option<DecimalMark>,
}

/// What is declared about a workbook; None is detected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct XlsxOptions {
    /// Sheet name or glob; by default the sheets whose header has most of the contract's names.
    pub sheet: Option<String>,
    /// Sheet row of the header, 1-based; the upper one where it has several.
    pub header_row: Option<u64>,
    /// Rows of the header.
    pub header_rows: Option<u64>,
}

/// What is declared about JSON; None is detected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// Label of the Encoding Standard.
    pub encoding: Option<String>,
    /// Path of the array of records, such as `data.items`.
    pub records: Option<String>,
    /// Whether every line is for itself, whatever the text looks like.
    pub lines: bool,
}

/// What is declared about text in columns of fixed width.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FixedWidthOptions {
    /// Columns in the order of the file; at least one.
    pub columns: Vec<FixedColumn>,
    /// What places are counted in.
    pub by: WidthUnit,
    /// Label of the Encoding Standard; None is detected.
    pub encoding: Option<String>,
    /// Physical line of the header, 1-based; None: the first line is a record.
    pub header_row: Option<u64>,
}

/// One column of text in columns of fixed width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedColumn {
    /// Its name, as a header would have it.
    pub name: String,
    /// Place of its first unit, 1-based.
    pub start: u64,
    /// Its units; None: to the line's end.
    pub width: Option<u64>,
}

/// What the places of a fixed-width line are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WidthUnit {
    /// Characters.
    #[default]
    Characters,
    /// Bytes of the file's own encoding.
    Bytes,
    /// Cells of a terminal: wide characters count two.
    Display,
}

/// Which of two rows with one key is later.
#[derive(Debug, Clone)]
pub enum Version {
    /// The path itself.
    Path,
    /// Group `version` of a regular expression over the path.
    FromPath(regex::Regex),
    /// A date, timestamp or integer column.
    FromColumn(Placed<String>),
}

/// How many rejected rows stop the run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RejectLimit {
    /// Share of all rows of the source, 0..1.
    pub share: Option<f64>,
    /// Number of rows.
    pub rows: Option<u64>,
}

/// One column of a contract.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name in the staged table.
    pub name: Placed<String>,
    /// Type in the staged table. Timestamps are UTC microseconds.
    pub data_type: DataType,
    /// Whether NULL is a fault.
    pub required: bool,
    /// Names in the extracts, with the scale of their numbers.
    pub from: Vec<Alias>,
    /// Where the file's path gives the text: group `value` of a regular expression over it; the column is then in no header.
    pub from_path: Option<regex::Regex>,
    /// Date or timestamp formats (`strftime`, or a word such as `excel_serial`) besides ISO.
    pub formats: Vec<String>,
    /// The two-digit year with which the 20th century begins: years below it are of the 21st.
    pub year_pivot: u8,
    /// Words that mean NULL.
    pub null_words: Vec<String>,
    /// Words of a boolean.
    pub words: BooleanWords,
    /// How numbers are written.
    pub numerals: Numerals,
    /// Whether blanks at both ends of a cell go.
    pub trim: bool,
    /// Cleaners, in the order in which they are applied.
    pub clean: Vec<Clean>,
    /// Whether what the cleaners leave must be a possible phone number, tax id or e-mail address.
    pub validate: bool,
    /// Characters that a string may have.
    pub max_length: Option<usize>,
    /// What a whole string must match.
    pub pattern: Option<Pattern>,
    /// Kind of personal data.
    pub pii: Option<Pii>,
    /// SQL expression over the other columns; the column is then in no file.
    pub derive: Option<Placed<String>>,
    /// Codes and what they mean.
    pub codes: Option<Codes>,
    /// Text used where the cell is NULL or the column is missing.
    pub default: Option<String>,
    /// Zone of times without one; the pipeline's by default.
    pub timezone: Option<Tz>,
    /// Title in Chinese and English.
    pub title: Title,
    /// What it holds.
    pub description: Option<String>,
    /// Unit.
    pub unit: Option<String>,
}

/// A title in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Title {
    /// Chinese.
    pub zh: Option<String>,
    /// English.
    pub en: Option<String>,
}

/// A column's name in extracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name in the header.
    pub name: String,
    /// From the file's number to the column's (万元: 10000, 分: 1/100).
    pub scale: Scale,
}

/// An exact factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// What a number is multiplied by, at least 1.
    pub multiply: i64,
    /// What it is divided by then, at least 1.
    pub divide: i64,
}

impl Scale {
    /// Numbers stay as they are.
    pub const ONE: Self = Self { multiply: 1, divide: 1 };
}

/// Words that mean true and false; compared without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BooleanWords {
    /// True.
    pub yes: Vec<String>,
    /// False.
    pub no: Vec<String>,
}

impl Default for BooleanWords {
    fn default() -> Self {
        let words = |words: [&str; 6]| words.map(str::to_owned).to_vec();
        Self { yes: words(["true", "yes", "y", "t", "1", "是"]), no: words(["false", "no", "n", "f", "0", "否"]) }
    }
}

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numerals {
    /// The decimal mark; the file's where there is none.
    pub decimal_mark: Option<DecimalMark>,
    /// Whether `12.5%` is 0.125. A double reads it in any case.
    pub percent: bool,
    /// Whether names of currencies (CNY, 元) may stand beside a number; left open, only signs may; false, nothing may.
    pub currency: Option<bool>,
    /// Whether `1-` is negative besides `(1)`; left open, only the latter; false, neither.
    pub accounting: Option<bool>,
    /// Whether `1.2万` is 12000.
    pub chinese_units: bool,
}

/// A regular expression that a whole text must match.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// Anchored at both ends.
    pub expression: regex::Regex,
}

/// What is done to a text before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Digits only, with a leading `+` kept.
    Phone,
    /// Upper-case letters and digits only.
    TaxId,
    /// Lower case.
    Email,
    /// NFKC and single blanks.
    Name,
    /// Compatibility form: `㈱` becomes `(株)`, half-width katakana full-width.
    Nfkc,
    /// Traditional Chinese characters become simplified ones.
    Simplified,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
}

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pii {
    /// A person's name.
    Name,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A street address.
    Address,
    /// A birth date.
    BirthDate,
    /// A number that identifies a person.
    Id,
}

/// Codes of a column.
#[derive(Debug, Clone)]
pub struct Codes {
    /// Where the meanings stand.
    pub table: CodeTable,
    /// What happens to a code that is not there.
    pub unknown: UnknownCode,
}

/// Where the meanings of codes stand.
#[derive(Debug, Clone)]
pub enum CodeTable {
    /// In the contract.
    Inline(BTreeMap<String, String>),
    /// In another source's staged table.
    Source {
        /// The source.
        source: Placed<String>,
        /// Its column of codes.
        from: Placed<String>,
        /// Its column of meanings.
        to: Placed<String>,
    },
}

/// What happens to a code without a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCode {
    /// The row is rejected. A code that already is a meaning passes.
    #[default]
    Reject,
    /// The code stays.
    Keep,
    /// The cell becomes NULL.
    Null,
}

/// A row rule: a row for which `expr` is false is rejected.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Name, which quarantine shows.
    pub name: Placed<String>,
    /// SQL expression over the columns of the contract.
    pub expr: Placed<String>,
}

/// One SQL model.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file, header included; the whole file is valid SQL.
    pub text: Arc<Text>,
    /// Folder and file name.
    pub name: TableName,
    /// Path of the file.
    pub path: PathBuf,
    /// What the file makes.
    pub kind: Kind,
    /// The rows of a seed: its CSV file.
    pub rows: Option<Arc<Text>>,
    /// What the table holds.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Key columns.
    pub key: Vec<Placed<String>>,
    /// Partition columns.
    pub partition_by: Vec<Placed<String>>,
    /// What happens when its columns are other ones than before.
    pub on_schema_change: Placed<OnSchemaChange>,
    /// Which versions it keeps, if it is a history.
    pub history: Option<History>,
    /// Tables whose changes alone rebuild nothing.
    pub ignore_changes: Vec<Placed<TableName>>,
    /// How its SQL is understood.
    pub dialect: Dialect,
    /// Tags.
    pub tags: Vec<String>,
    /// Columns described in the header.
    pub columns: Vec<ModelColumn>,
    /// Data checks.
    pub checks: Vec<Check>,
}

/// What a model's file makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A table of the rows that its query gives.
    #[default]
    Table,
    /// A query that is computed wherever it is read, and never stored.
    View,
    /// A table that keeps the versions of its rows.
    History,
    /// A table of the rows of a CSV file.
    Seed,
}

/// How SQL is understood: which functions there are, and what operators, casts and names mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// As the engine itself does, which is close to PostgreSQL.
    #[default]
    Datafusion,
    /// As DuckDB does: SQL that was written for it, or compiled by dbt, unchanged.
    Duckdb,
}

/// What happens when a table's columns are other ones than those of the served snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnSchemaChange {
    /// Partitions whose inputs did not change are kept and read as the new columns.
    Evolve,
    /// All partitions are built anew.
    #[default]
    Rebuild,
    /// Nothing is built.
    Fail,
}

/// What a history follows.
#[derive(Debug, Clone)]
pub struct History {
    /// Columns that name one thing through all of its versions.
    pub key: Vec<Placed<String>>,
    /// Columns of which a change begins a new version; None for all but the key.
    pub track: Option<Vec<Placed<String>>>,
}

/// A column described in a model's header.
#[derive(Debug, Clone)]
pub struct ModelColumn {
    /// Name.
    pub name: Placed<String>,
    /// Type that the model must produce.
    pub data_type: Option<Placed<DataType>>,
    /// What it holds.
    pub description: Option<String>,
    /// Title in two languages.
    pub title: Title,
    /// Unit.
    pub unit: Option<String>,
}

impl History {
    /// The column with the first day of a version.
    pub const VALID_FROM: &str = "valid_from";
    /// The column with the first day on which a version was not valid any more; NULL while it is.
    pub const VALID_TO: &str = "valid_to";
    /// The column that says whether a version is still valid.
    pub const IS_CURRENT: &str = "is_current";

    /// Returns whether a change of this column begins a new version.
    #[must_use]
    pub fn is_tracked(&self, column: &str) -> bool {
        let names = |list: &[Placed<String>]| list.iter().any(|named| named.value == column);
        !names(&self.key) && self.track.as_deref().is_none_or(names)
    }
}

impl Source {
    /// Returns the staged table's name.
    #[must_use]
    pub fn table(&self) -> TableName {
        TableName::staged(&self.name.value)
    }

    /// Returns a column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.value == name)
    }

    /// Returns the sources whose staged tables hold this one's codes.
    pub fn code_sources(&self) -> impl Iterator<Item = &Placed<String>> {
        self.columns.iter().filter_map(|column| match &column.codes.as_ref()?.table {
            CodeTable::Source { source, .. } => Some(source),
            CodeTable::Inline(_) => None,
        })
    }
}
