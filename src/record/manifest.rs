//! The snapshot manifest: which files make up every table of one publication, and what produced them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LineCount, PartitionValues, TableName};

/// The version of the manifest's own format; readers refuse a larger one.
pub const MANIFEST_VERSION: u32 = 1;

/// One publication: all tables, and all that is needed to decide what the next run must rebuild.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format.
    pub manifest_version: u32,
    /// Id of the snapshot: `000042-3f9a1c2b`, a sequence number and the start of the content's hash.
    pub snapshot: String,
    /// Id of the snapshot that was current when this one was made.
    pub parent: Option<String>,
    /// The run that published it.
    pub run: String,
    /// When it was made: RFC 3339, UTC.
    pub created_at: String,
    /// The day as of which its tables answer.
    #[serde(with = "date")]
    #[schemars(with = "String")]
    pub run_date: NaiveDate,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Version of the tool that wrote it.
    pub tool_version: String,
    /// Why it was made, other than by a run: `rollback to 000041-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is held: `run` publishes again only after `snapshots release`.
    #[serde(default)]
    pub held: bool,
    /// Hash of the checks and reject limits that the snapshot has passed.
    #[serde(default)]
    pub checks: String,
    /// Hashes of the checks that no row of a table fails: while nothing that they look at changes, they are not run again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, BTreeSet<String>>")]
    pub passed_checks: BTreeMap<TableName, BTreeSet<String>>,
    /// Table formats that its tables can be read as.
    #[serde(default = "TableFormat::only_parquet")]
    pub formats: BTreeSet<TableFormat>,
    /// Extracts by source name.
    pub inputs: BTreeMap<String, Input>,
    /// Tables by name, `schema.table`.
    #[schemars(with = "BTreeMap<String, Table>")]
    pub tables: BTreeMap<TableName, Table>,
    /// Delta logs of its tables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, DeltaLog>")]
    pub delta: BTreeMap<TableName, DeltaLog>,
}

/// A table format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Hive-partitioned Parquet.
    Parquet,
    /// A Delta log beside the Parquet files.
    Delta,
}

impl TableFormat {
    fn only_parquet() -> BTreeSet<Self> {
        BTreeSet::from([Self::Parquet])
    }
}

/// The Delta log of a table, as one snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeltaLog {
    /// Id of the table, the same from its first publication on.
    pub id: String,
    /// The version that holds the snapshot's rows.
    pub version: u64,
    /// The version of the last checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
    /// The first version whose file is kept.
    #[serde(default)]
    pub oldest: u64,
}

/// The extract files of one source, as read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Hash of everything that decides the staged rows: contract, file contents and versions, code tables.
    pub fingerprint: String,
    /// Hash of everything but the files that decides what their rows are: contract, code tables, tool.
    #[serde(default)]
    pub contract: String,
    /// The live files, in the order of their versions.
    pub files: Vec<InputFile>,
    /// Where the rows of all live files lie, superseded ones included, so that no file is read twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<DataFile>,
    /// The same for rejected rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject_packs: Vec<DataFile>,
    /// Every header that one of the files has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Vec<String>>,
    /// Rows staged, rejected and superseded; their sum is the rows of all files.
    pub rows: RowBalance,
}

/// One extract file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Path below the part of the source's location that has no wildcard.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of the content, hexadecimal.
    pub content: String,
    /// Name of its rows in packs.
    #[serde(default)]
    pub rows: String,
    /// Its version, as the contract's rule found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the storage says about it; while that stays the same the content is taken to be the same, unless it was young.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Whether it had been changed so lately when it was read that a further change could have left its identity as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_young: bool,
    /// The largest value of the watermark column up to which it reaches, if it is a pull.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// Whether it was not there any more at the last run, and its rows were kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_missing: bool,
    /// Its lines by kind.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub lines: LineCount,
    /// Physical lines of each of its tables, in order.
    #[serde(default)]
    pub parts: Vec<u64>,
    /// Rows of it that were rejected.
    pub rejected: u64,
}

/// `rows = staged + rejected + superseded`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowBalance {
    /// Rows in all files.
    pub rows: u64,
    /// Rows that the staged table holds.
    pub staged: u64,
    /// Rows in quarantine (rows, not faults).
    pub rejected: u64,
    /// Rows replaced by a later row of the same key.
    pub superseded: u64,
}

impl InputFile {
    /// Returns a name for the rows that one reading of a file gives. A file that goes and comes back is read anew, and its
    /// earlier rows, which may still lie in a pack, must not count beside the new ones.
    #[must_use]
    pub fn rows_id(path: &str, content: &str, read_at: i64) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(path.as_bytes()).update(&[0]).update(content.as_bytes()).update(&read_at.to_le_bytes());
        hasher.finalize().to_hex().as_str()[..32].to_owned()
    }
}

impl RowBalance {
    /// Returns whether no row was lost or doubled.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.rows == self.staged + self.rejected + self.superseded
    }
}

/// One table of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Columns in order, partition columns included.
    pub columns: Vec<Column>,
    /// Partition columns in order of the path.
    pub partition_by: Vec<String>,
    /// Key columns; empty when the table declares none.
    pub key: Vec<String>,
    /// What the table is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Hash of the SQL, its parameters and the schemas that it reads; None where the rows are not made by SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The run date that went into `definition`, where it is another than the snapshot's: a run that did not select the table kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub defined_on: Option<NaiveDate>,
    /// Hash of how each column is computed, where the table's header lets it evolve.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meanings: BTreeMap<String, String>,
    /// Whether it holds versions of rows, which nothing but this table remembers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_history: bool,
    /// Whether a run that did not select the table kept it although something that it reads had changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_behind: bool,
    /// Column at which a row's fact exists: scans of the table are cut after the run date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_date: Option<String>,
    /// Columns of later stages, which are NULL after the run date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_of: Vec<String>,
    /// What people are told of its columns, by name; columns of which nothing is said are not here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Label>,
    /// Partitions, ordered by their values.
    pub partitions: Vec<Partition>,
}

/// What people are told of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Title in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_zh: Option<String>,
    /// Title in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_en: Option<String>,
    /// What a value says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Unit of the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What people are told of a column that the program makes: its name, title in Chinese, title in English, what a value says.
pub type Told = (&'static str, &'static str, &'static str, &'static str);

impl Label {
    /// Returns the labels of columns that the program makes, by their names.
    #[must_use]
    pub fn of_columns(told: &[Told]) -> BTreeMap<String, Self> {
        let label = |(name, zh, en, description): &Told| {
            let said = |text: &str| Some(text.to_owned());
            let label = Self { title_zh: said(zh), title_en: said(en), description: said(description), unit: None };
            ((*name).to_owned(), label)
        };
        told.iter().map(label).collect()
    }

    /// Returns what is said, by the names that it has beside a column in files: `title_zh`, `title_en`, `description`, `unit`.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let said = [
            ("title_zh", &self.title_zh),
            ("title_en", &self.title_en),
            ("description", &self.description),
            ("unit", &self.unit),
        ];
        said.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Arrow type, as Arrow writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may hold NULL.
    pub nullable: bool,
}

/// One partition of a table; an unpartitioned table has one without values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Values of the partition columns.
    #[schemars(with = "Vec<Option<String>>")]
    pub values: PartitionValues,
    /// Hash of what produced it: plan, parameters, content of the inputs. Empty where the rows are not made by a plan.
    pub fingerprint: String,
    /// Hash of its rows, independent of their order and of the files' layout.
    pub content: String,
    /// The same by column: the sequence of its values in the order of the rows, by key and then by all other columns.
    pub column_contents: BTreeMap<String, String>,
    /// Columns of its files where they are not those of the table, because it was kept when these changed: one of the table's
    /// that is not here reads as NULL, one of another type through a cast, and one that the table does not have not at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_columns: Vec<Column>,
    /// Number of rows.
    pub rows: u64,
    /// The latest date in the contract's event date and as-of columns: a run date on or after it cuts nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_date")]
    #[schemars(with = "Option<String>")]
    pub latest_date: Option<NaiveDate>,
    /// Data files in key order.
    pub files: Vec<DataFile>,
}

/// One immutable Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Path below the table's `data/`: `month=2026-06-01/3f9a….parquet`.
    pub path: String,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of the bytes, hexadecimal; the file's name begins with it.
    pub blake3: String,
}

impl Manifest {
    /// Returns every data file and pack, with the table under whose name it lies.
    pub fn files(&self) -> impl Iterator<Item = (TableName, &DataFile)> {
        let data = self.tables.iter().flat_map(|(name, table)| table.files().map(move |file| (name.clone(), file)));
        let packs = self.inputs.iter().flat_map(|(source, input)| {
            let name = TableName::normalized(source);
            input.all_packs().map(move |file| (name.clone(), file))
        });
        data.chain(packs)
    }

    /// Returns the partitions of a table by their values.
    #[must_use]
    pub fn partitions(&self, table: &TableName) -> BTreeMap<&PartitionValues, &Partition> {
        self.tables
            .get(table)
            .into_iter()
            .flat_map(|table| &table.partitions)
            .map(|part| (&part.values, part))
            .collect()
    }
}

impl Input {
    /// Returns the packs of accepted and of rejected rows.
    pub fn all_packs(&self) -> impl Iterator<Item = &DataFile> {
        self.packs.iter().chain(&self.reject_packs)
    }
}

impl Table {
    /// Returns the data files of all partitions.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.partitions.iter().flat_map(|partition| &partition.files)
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.rows).sum()
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }
}

/// A date as `2026-06-30`.
mod date {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub fn serialize<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A date as `2026-06-30`, or null.
mod optional_date {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub fn serialize<S: Serializer>(date: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => super::date::serialize(date, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}
