//! A source file, the contract of one extract, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Check, Title};
use crate::{
    define::{
        project::{Clean, DriftAction, OnMissing, OnUnreadable, Pii, UnknownCode, WidthUnit},
        spans::{At, OneOrMany, Pairs, Scalar, TextOr},
    },
    record::DecimalMark,
};

/// A source: where an extract lies, and the contract under which its rows become the table `staged.<name>`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the source, in `snake_case`; the table is `staged.<name>`.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// What the extract is and where it comes from.
    pub description: Option<String>,
    /// Path or glob of the files, relative to this file, with `${NAME:-default}` from the environment; or an address:
    /// `s3://`, `gs://`, `az://`, `abfss://`, `https://`, and for databases `postgres://host/db` or `mysql://host/db`.
    #[schemars(required)]
    pub location: Option<At<String>>,
    /// How the files are read: a name, or a map with options. Left out: `auto`, by name and first bytes.
    pub format: Option<At<Format>>,
    /// Which of two rows with one key is later. Left out: the one whose path sorts later.
    pub version: Option<At<Version>>,
    /// Columns that identify a row; of two rows with one key the later version is kept.
    #[serde(default)]
    pub key: Vec<At<String>>,
    /// Columns whose values make the folders of the staged table: dates, whole numbers, texts or booleans.
    #[serde(default)]
    pub partition_by: Vec<At<String>>,
    /// Date or timestamp at which a row's fact exists: rows after the run date are left out.
    pub event_date: Option<At<String>>,
    /// Later dates or timestamps of the same fact: NULL while they lie after the run date.
    #[serde(default)]
    pub as_of: Vec<At<String>>,
    /// How many rejected rows stop the run.
    pub reject_limit: Option<At<RejectLimit>>,
    /// A file that was changed less than so many seconds ago waits for the next run.
    pub settle_seconds: Option<u64>,
    /// What becomes of the rows of a file that is not there any more: `keep` (the default) or `drop`.
    pub on_missing: Option<OnMissing>,
    /// What happens when a file cannot be read: `fail` (the default), or `keep_previous`.
    pub on_unreadable: Option<OnUnreadable>,
    /// What is done when a file looks other than those before it.
    pub drift: Option<At<Drift>>,
    /// How large a file may be.
    pub limits: Option<At<FileLimits>>,
    /// Columns of the staged table by name, in order.
    #[schemars(required, extend("minProperties" = 1))]
    pub columns: Option<Pairs<Column>>,
    /// Rules for whole rows.
    #[serde(default)]
    pub rules: Vec<At<Rule>>,
    /// Data checks on the staged table.
    #[serde(default)]
    pub checks: Vec<At<Check>>,
}

/// The keys of a source that are about its files.
#[derive(Debug)]
pub struct FileKeys {
    /// As in [`Source`].
    pub settle_seconds: Option<u64>,
    /// As in [`Source`].
    pub on_missing: Option<OnMissing>,
    /// As in [`Source`].
    pub on_unreadable: Option<OnUnreadable>,
    /// As in [`Source`].
    pub drift: Option<At<Drift>>,
    /// As in [`Source`].
    pub limits: Option<At<FileLimits>>,
}

/// What is done about each kind of change between a file and the last one of its source: `accept`, `warn` (a line in the
/// report), `quarantine` (the rows of the file) or `fail` (the run).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// A column that no file had before and the contract does not name; `warn` when left out.
    pub column_added: Option<DriftAction>,
    /// A column of the contract that the last file had and this one lacks; `warn` when left out.
    pub column_removed: Option<DriftAction>,
    /// A column of the contract under another of its names; `accept` when left out.
    pub renamed: Option<DriftAction>,
    /// The same columns in another order; `accept` when left out.
    pub reordered: Option<DriftAction>,
    /// A column of which more than half of the values do not fit its type; `warn` when left out.
    pub retyped: Option<DriftAction>,
    /// Codes that the contract does not know, beside what `unknown_code` does with them; `accept` when left out.
    pub new_code: Option<DriftAction>,
}

/// How large a file may be; a larger one cannot be read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileLimits {
    /// Bytes as sent; 64 GiB when left out.
    #[schemars(extend("minimum" = 1))]
    pub file_bytes: Option<At<u64>>,
    /// Bytes after unpacking; 64 GiB when left out.
    #[schemars(extend("minimum" = 1))]
    pub decompressed_bytes: Option<At<u64>>,
    /// Rows; 1,000,000,000 when left out.
    #[schemars(extend("minimum" = 1))]
    pub rows: Option<At<u64>>,
}

/// A format by name, or with options.
pub type Format = TextOr<FormatWord, FormatOptions>;

/// The name of a format, not yet checked, so that a wrong one is shown at its own place.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct FormatWord(pub String);

impl JsonSchema for FormatWord {
    fn inline_schema() -> bool {
        FormatName::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        FormatName::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        FormatName::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        FormatName::json_schema(generator)
    }
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatName {
    /// By the file's name and first bytes.
    Auto,
    /// Delimited text.
    Csv,
    /// A workbook.
    Xlsx,
    /// JSON: an object a line, or an array of objects, also inside of an object.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Parquet.
    Parquet,
    /// Avro.
    Avro,
    /// Arrow IPC, as file or stream.
    Arrow,
    /// Text whose cells stand at fixed places of a line.
    FixedWidth,
    /// A table or query of a SQLite file, or of the PostgreSQL or MySQL server that `location` names.
    Database,
}

impl FormatName {
    /// All formats.
    pub const ALL: [Self; 10] = [
        Self::Auto,
        Self::Csv,
        Self::Xlsx,
        Self::Json,
        Self::Jsonl,
        Self::Parquet,
        Self::Avro,
        Self::Arrow,
        Self::FixedWidth,
        Self::Database,
    ];
}

/// A format with what is declared about it; what is left out is detected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatOptions {
    /// The format.
    #[serde(rename = "type")]
    #[schemars(required)]
    pub name: Option<At<FormatName>>,
    /// csv, json, jsonl, `fixed_width`: encoding, such as `utf-8` or `gb18030`.
    pub encoding: Option<At<String>>,
    /// csv: what stands between cells, one character or several, such as `;` or `||`.
    pub delimiter: Option<At<String>>,
    /// csv: one character around cells, `"` or `'` when left out.
    pub quote: Option<At<String>>,
    /// csv: one character that makes a delimiter, a quote or itself behind it a letter, such as `\\`.
    pub escape: Option<At<String>>,
    /// csv: `none` where the first line is a record already; columns are then named `column_1`, `column_2`, …
    pub header: Option<At<HeaderWord>>,
    /// csv: one character with which comment lines begin.
    pub comment: Option<At<String>>,
    /// csv: `point` or `comma`.
    pub decimal_mark: Option<At<DecimalMark>>,
    /// csv, xlsx, `fixed_width`: line of the header, counted from 1.
    #[schemars(extend("minimum" = 1))]
    pub header_row: Option<At<u64>>,
    /// xlsx: name or glob of the sheets.
    pub sheet: Option<At<String>>,
    /// xlsx: rows of the header, 1 to 3; those of one column are joined by a blank.
    #[schemars(extend("minimum" = 1, "maximum" = 3))]
    pub header_rows: Option<At<u64>>,
    /// In an archive: name or glob of the members to read. All formats have it.
    pub member: Option<At<String>>,
    /// database: table or view, with its schema where it has one: `crm.visit`.
    pub table: Option<At<String>>,
    /// database: a SELECT instead of a table.
    pub query: Option<At<String>>,
    /// database: predicate in the database's own SQL; only rows for which it is true are read.
    #[serde(rename = "where")]
    pub filter: Option<At<String>>,
    /// database: column that only grows, such as `updated_at`; each run reads only rows that are not below the largest
    /// value read before.
    pub watermark: Option<At<String>>,
    /// json: path of the array of records, such as `data.items`; the longest one when left out.
    pub records: Option<At<String>>,
    /// `fixed_width`: what `start` and `width` are counted in; `characters` when left out.
    pub by: Option<At<WidthUnit>>,
    /// `fixed_width`: the columns, in the order of the file.
    #[schemars(extend("minItems" = 1))]
    pub columns: Option<At<Vec<At<FixedColumn>>>>,
}

/// A column of text in columns of fixed width.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedColumn {
    /// The name by which the contract's columns ask for it.
    #[schemars(required)]
    pub name: Option<At<String>>,
    /// Place of the column's first character (byte, display cell) in the line, counted from 1.
    #[schemars(required, extend("minimum" = 1))]
    pub start: Option<At<u64>>,
    /// Characters (bytes, display cells) of the column. Left out: to the line's end.
    #[schemars(extend("minimum" = 1))]
    pub width: Option<At<u64>>,
}

/// What can be said about a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeaderWord {
    /// There is none.
    None,
}

/// Which of two rows with one key is later: exactly one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Version {
    /// Regular expression over the path with a group `version`, such as `_(?<version>[0-9]{8})\.`; later sorts after.
    pub from_path: Option<At<String>>,
    /// A date, timestamp or whole-number column; later is larger.
    pub from_column: Option<At<String>>,
}

/// How many rejected rows stop the run; whichever is passed first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct RejectLimit {
    /// Share of all rows of the source, 0 to 1.
    #[schemars(extend("minimum" = 0, "maximum" = 1))]
    pub share: Option<At<f64>>,
    /// Number of rows.
    pub rows: Option<u64>,
}

/// A row rule: rows for which `expr` is false are rejected, NULL passes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Name that the quarantine shows, in `snake_case`.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// SQL expression over the columns of this contract.
    #[schemars(required)]
    pub expr: Option<At<String>>,
}

/// A column of a contract.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Type: `string`, `boolean`, `int`, `bigint`, `double`, `decimal(18,2)`, `date` or `timestamp` (stored in UTC).
    #[serde(rename = "type")]
    #[schemars(required, extend("pattern" =
        "^(string|boolean|int|bigint|double|date|timestamp|decimal *\\( *[0-9]+ *, *[0-9]+ *\\))$"))]
    pub data_type: Option<At<String>>,
    /// Whether NULL is a fault. Left out: true for key columns, else false.
    pub required: Option<bool>,
    /// Names of the column in extracts, with the scale of their numbers. Left out: the column's own name.
    pub from: Option<Vec<At<Alias>>>,
    /// Regular expression over the path of the file with a group `value`, such as `(?<value>D[0-9]+)_`: the column's text, which
    /// no header then has. The path is the one below the location; a file whose path does not match gives NULL.
    pub from_path: Option<At<String>>,
    /// Formats of dates and times besides ISO: patterns such as `%Y年%m月%d日` or `%d.%m.%Y`, or `excel_serial`,
    /// `excel_serial_1904`, `unix_seconds`, `unix_milliseconds`.
    #[serde(default)]
    pub formats: Vec<At<String>>,
    /// First two-digit year (`%y`) of the 20th century, 0 to 100; 69 when left out: 69 is 1969, 68 is 2068.
    #[schemars(extend("minimum" = 0, "maximum" = 100))]
    pub year_pivot: Option<At<u64>>,
    /// Words that mean NULL, instead of the usual ones (empty, NULL, N/A, -, 无 …).
    pub null_words: Option<At<Vec<Scalar>>>,
    /// Words that mean true, instead of the usual ones (true, yes, y, t, 1, 是), in any case.
    pub true_words: Option<At<Vec<Scalar>>>,
    /// Words that mean false, instead of the usual ones (false, no, n, f, 0, 否), in any case.
    pub false_words: Option<At<Vec<Scalar>>>,
    /// Decimal mark of this column's numbers, `point` or `comma`, where it is not the file's.
    pub decimal_mark: Option<At<DecimalMark>>,
    /// Whether `12.5%` is read as 0.125 (and `5‰` as 0.005); a double reads it in any case.
    pub percent: Option<At<bool>>,
    /// Whether names of currencies (CNY, RMB, USD, 元 …) may stand beside a number. Left out: only signs (¥ $ €); false: neither.
    pub currency: Option<At<bool>>,
    /// Whether `1-` is negative, besides `(1)`. Left out: only `(1)`; false: neither.
    pub accounting: Option<At<bool>>,
    /// Whether `1.2万` is read as 12000 and `3亿` as 300000000.
    pub chinese_units: Option<At<bool>>,
    /// Whether blanks at both ends of a cell go; true when left out. Strings only.
    pub trim: Option<At<bool>>,
    /// How the text is tidied up: one cleaner, or several in the order in which they are applied.
    pub clean: Option<At<OneOrMany<CleanWord>>>,
    /// Whether what `phone`, `tax_id` or `email` leaves must be possible (length, check digit, form).
    pub validate: Option<At<bool>>,
    /// Characters that a string may have.
    #[schemars(extend("minimum" = 1))]
    pub max_length: Option<At<u64>>,
    /// Regular expression that a whole string must match, after cleaning.
    pub pattern: Option<At<String>>,
    /// Kind of personal data that the column holds.
    pub pii: Option<Pii>,
    /// SQL expression over the other columns; the column is then in no file.
    pub derive: Option<At<String>>,
    /// Codes and what they mean.
    pub codes: Option<At<Pairs<Scalar>>>,
    /// A source whose rows say what codes mean, instead of `codes`.
    pub map: Option<At<CodeMap>>,
    /// What happens to a code without a meaning: `reject` the row (the default), `keep` the code, or `null`.
    pub unknown_code: Option<At<UnknownCode>>,
    /// Text used where the cell is NULL or the file lacks the column.
    pub default: Option<At<Scalar>>,
    /// Zone of times that carry none; the pipeline's when left out.
    pub timezone: Option<At<String>>,
    /// Title for reports.
    pub title: Option<Title>,
    /// What the column holds.
    pub description: Option<String>,
    /// Unit of the values.
    pub unit: Option<String>,
}

/// The name of a cleaner, not yet checked, so that a wrong one is shown at its own place.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct CleanWord(pub String);

impl JsonSchema for CleanWord {
    fn inline_schema() -> bool {
        Clean::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Clean::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        Clean::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Clean::json_schema(generator)
    }
}

/// A name in a header, or a name with the scale of its numbers.
pub type Alias = TextOr<String, ScaledAlias>;

/// A name in a header with the scale of its numbers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaledAlias {
    /// The name.
    #[schemars(required)]
    pub name: Option<At<String>>,
    /// What a number in the file is multiplied by: 10000 for 万元, 0.01 for 分.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub scale_by: Option<At<Scalar>>,
    /// What a number in the file is divided by: 100 for 分, 1000 for grams in a column of kilograms.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub divide_by: Option<At<Scalar>>,
}

/// A source whose rows say what codes mean.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeMap {
    /// The source.
    #[schemars(required)]
    pub table: Option<At<String>>,
    /// Its column of codes.
    #[schemars(required)]
    pub from: Option<At<String>>,
    /// Its column of meanings.
    #[schemars(required)]
    pub to: Option<At<String>>,
}
