//! Names of tables and values of partition columns.

use std::fmt;

use arrow::{array::ArrayRef, datatypes::DataType};
use datafusion::common::ScalarValue;

/// The schema of the tables that hold normalized rows.
pub const STAGED: &str = "staged";
/// The schema of the tables that hold rejected rows.
pub const QUARANTINE: &str = "quarantine";
/// The schema under whose name lie the rows of all live files, superseded ones included.
pub const NORMALIZED: &str = "normalized";
/// The schema of the tables in which runs tell about themselves.
pub const OPS: &str = "ops";
/// The table of rows that fail checks.
const CHECK_FAILURE: &str = "check_failure";
/// How the names of tables of identities end.
const IDENTITY: &str = "_identity";
/// What Hive writes for a NULL partition value.
pub const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// `schema.table`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TableName {
    /// The folder under `sql/`, `staged` or `quarantine`.
    pub schema: String,
    /// The table within it.
    pub table: String,
}

impl TableName {
    /// Joins schema and table.
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }

    /// Returns the staged table of a source.
    pub fn staged(source: impl Into<String>) -> Self {
        Self::new(STAGED, source)
    }

    /// Returns the quarantine table of a source.
    pub fn quarantine(source: impl Into<String>) -> Self {
        Self::new(QUARANTINE, source)
    }

    /// Returns the name under which the packs of a source lie.
    pub fn normalized(source: impl Into<String>) -> Self {
        Self::new(NORMALIZED, source)
    }

    /// Returns the table of rows that fail checks.
    #[must_use]
    pub fn check_failure() -> Self {
        Self::new(OPS, CHECK_FAILURE)
    }

    /// Returns the table of what measures used to be.
    #[must_use]
    pub fn check_measure() -> Self {
        Self::new(OPS, "check_measure")
    }

    /// Returns whether the table has the name of one with what is known of each thing (`core.customer_identity`): its
    /// telephone numbers are there too.
    fn is_identity(&self) -> bool {
        self.table.ends_with(IDENTITY)
    }

    /// Returns the table of the extract files behind the staged tables, which models may read.
    #[must_use]
    pub fn file() -> Self {
        Self::new(OPS, "file")
    }

    /// Returns the table of all columns of all tables.
    #[must_use]
    pub fn column() -> Self {
        Self::new(OPS, "column")
    }

    /// Returns whether the table may hold rows that are not for everyone, and lies under `private/`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let is_failures = self.schema == OPS && self.table == CHECK_FAILURE;
        is_failures || self.is_identity() || [STAGED, QUARANTINE, NORMALIZED].contains(&self.schema.as_str())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once('.') {
            Some((schema, table)) if !schema.is_empty() && !table.is_empty() => Ok(Self::new(schema, table)),
            _ => Err(format!("`{text}` is not `schema.table`")),
        }
    }
}

/// The values of a partition's columns, in the order of `partition_by`; None is NULL. Empty for an unpartitioned table.
///
/// Text as in the path of Hive: dates `2026-06-01`, booleans `true`, integers in decimal; not yet escaped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PartitionValues(pub Vec<Option<String>>);

impl PartitionValues {
    /// Returns the values typed as the table's columns are.
    ///
    /// # Errors
    /// When a text is no value of its type, which only a damaged manifest can cause.
    pub fn to_scalars(&self, types: &[DataType]) -> datafusion::error::Result<Vec<ScalarValue>> {
        let to_scalar = |(value, data_type): (&Option<String>, &DataType)| match value {
            Some(text) => ScalarValue::try_from_string(text.clone(), data_type),
            None => ScalarValue::try_from(data_type),
        };
        self.0.iter().zip(types).map(to_scalar).collect()
    }

    /// Returns the text of row `row` of each partition column.
    ///
    /// # Errors
    /// When a column has a type that cannot be a partition key.
    pub fn from_row(columns: &[ArrayRef], row: usize) -> datafusion::error::Result<Self> {
        let text = |column: &ArrayRef| -> datafusion::error::Result<Option<String>> {
            let value = ScalarValue::try_from_array(column, row)?;
            Ok((!value.is_null()).then(|| value.to_string()))
        };
        Ok(Self(columns.iter().map(text).collect::<datafusion::error::Result<_>>()?))
    }

    /// Returns `month=2026-06-01/kind=a`, escaped as Hive does; empty for an unpartitioned table.
    #[must_use]
    pub fn to_path(&self, columns: &[String]) -> String {
        let part = |(column, value): (&String, &Option<String>)| {
            let value = value.as_deref().map_or_else(|| HIVE_NULL.to_owned(), escape);
            format!("{}={value}", escape(column))
        };
        columns.iter().zip(&self.0).map(part).collect::<Vec<_>>().join("/")
    }
}

impl fmt::Display for PartitionValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<&str> = self.0.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect();
        f.write_str(&shown.join(", "))
    }
}

/// Escapes what Hive escapes in a path: control characters, quotes and the characters with a meaning in paths and URLs.
fn escape(text: &str) -> String {
    use fmt::Write;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '\u{7f}' | '{' | '[' | ']' | '^' | ' ' => {
                let _ = write!(escaped, "%{:02X}", u32::from(character));
            }
            control if (control as u32) < 0x20 => {
                let _ = write!(escaped, "%{:02X}", u32::from(control));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
