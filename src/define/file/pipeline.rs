//! The pipeline file as written.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use crate::{
    define::{
        project::Dialect,
        spans::{At, Pairs},
    },
    record::manifest::TableFormat,
};

/// A pipeline: where its warehouse is, how its days are counted, and which sources and models belong to it. Every path
/// is relative to this file and may use `${NAME}` and `${NAME:-default}` from the environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Name of the pipeline, in `snake_case`.
    #[schemars(required, extend("pattern" = "^[a-z][a-z0-9_]*$"))]
    pub name: Option<At<String>>,
    /// What the pipeline is for.
    pub description: Option<String>,
    /// Folder in which snapshots are published.
    #[schemars(required)]
    pub warehouse: Option<At<String>>,
    /// Zone in which days and months are counted, such as `Asia/Shanghai`.
    #[schemars(required)]
    pub timezone: Option<At<String>>,
    /// Day as of which all tables answer, such as `2026-06-30`. Left out: today in `timezone`.
    #[schemars(extend("pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub run_date: Option<At<String>>,
    /// Glob of the source files, such as `sources/*.yaml`. Left out: there is none, and models stand on seeds.
    pub sources: Option<At<String>>,
    /// Glob of the files of entities, such as `entities/*.yaml`: what the records of several sources are records of.
    pub entities: Option<At<String>>,
    /// Folder of the SQL models: `<schema>/<table>.sql` below it is the table `schema.table`.
    #[schemars(required)]
    pub models: Option<At<String>>,
    /// Glob of the report files, such as `reports/*.yaml`. Left out: there is no report.
    pub reports: Option<At<String>>,
    /// How the SQL of models is understood: `datafusion` (the default), or `duckdb` for SQL that was written for DuckDB or
    /// compiled by dbt. A model's header may say otherwise.
    pub dialect: Option<Dialect>,
    /// Parameters of the SQL: `variables: { churn_days: 365 }` is `$churn_days`. The type is that of the value: a
    /// boolean, a whole number, a number, a date or a text.
    #[serde(default)]
    pub variables: Pairs<Variable>,
    /// How snapshots are kept.
    pub publish: Option<At<Publish>>,
    /// What is kept of data checks.
    pub checks: Option<Checks>,
}

/// What is kept of data checks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Failing rows of each check that are kept, at most; 100 when left out.
    pub kept_rows: Option<usize>,
}

/// How snapshots are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// How many snapshots stay after a publication; at least 1, 14 when left out.
    #[schemars(extend("minimum" = 1))]
    pub keep_snapshots: Option<At<u64>>,
    /// Snapshots of so many last days stay as well, however many they are; none for being young when left out.
    pub keep_days: Option<At<u64>>,
    /// Whether a run ends before it reads anything when its forecast does not fit on the disk (`fail`, the default) or
    /// only says so (`warn`).
    pub on_low_space: Option<OnLowSpace>,
    /// Compressed bytes with which a Parquet file is full and the next one of its partition begins: 1 MB to 4 GB,
    /// 134217728 (128 MB) when left out. Files that are kept from earlier nights stay as they are.
    #[schemars(extend("minimum" = 1_048_576, "maximum" = 4_294_967_296_u64))]
    pub file_bytes: Option<At<u64>>,
    /// Table formats as which the tables can be read: `[parquet, delta]` when left out, or `[parquet]`.
    pub formats: Option<Vec<At<TableFormat>>>,
}

/// What a run does when the disk seems too small for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLowSpace {
    /// It ends before it reads anything, with exit code 3.
    #[default]
    Fail,
    /// It warns and goes on.
    Warn,
}

/// The value of a pipeline variable as YAML understands it.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum Variable {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Double(f64),
    /// A text, or a date as `2026-06-30`.
    Text(String),
}

struct VariableVisitor;

impl Visitor<'_> for VariableVisitor {
    type Value = Variable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, a number, a date or a text")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Variable, E> {
        Ok(Variable::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Variable, E> {
        Ok(Variable::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Variable, E> {
        let value = i64::try_from(value).map_err(|_| E::custom(format!("`{value}` does not fit 64 bits")))?;
        Ok(Variable::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Variable, E> {
        Ok(Variable::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Variable, E> {
        Ok(Variable::Text(value.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VariableVisitor)
    }
}
