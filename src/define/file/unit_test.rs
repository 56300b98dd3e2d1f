//! The unit tests of a model as written.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::define::spans::{At, Pairs, Scalar};

/// The unit tests of a SQL model, in `<table>.test.yaml` beside `<table>.sql`: given rows in, expected rows out. They need no
/// data and no warehouse.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct UnitTests(pub Vec<At<UnitTest>>);

/// One test: at least one of `expect`, `expect_ctes` and `expect_history` says what must come out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["expect"] }, { "required": ["expect_ctes"] }, { "required": ["expect_history"] }
]))]
pub struct UnitTest {
    /// What holds, as a sentence; no two tests of a file share it.
    #[schemars(required)]
    pub name: Option<At<String>>,
    /// Why, or how the numbers were worked out.
    pub description: Option<String>,
    /// The day as of which the model answers, `2026-06-30`. Needed where the answer depends on it.
    pub run_date: Option<At<String>>,
    /// Pipeline variables with another value than in the pipeline file.
    #[serde(default)]
    pub variables: Pairs<At<Scalar>>,
    /// Rows of the tables that the model reads, `schema.table`. A table that is left out is empty.
    #[serde(default)]
    pub given: Pairs<At<RowsOr<GivenRows>>>,
    /// Rows that the query gives.
    pub expect: Option<At<RowsOr<ExpectedRows>>>,
    /// Rows that common table expressions of the query give, by name.
    #[serde(default)]
    pub expect_ctes: Pairs<At<RowsOr<ExpectedRows>>>,
    /// Rows of the table of a `history`, whose earlier versions may be given under the model's own name.
    pub expect_history: Option<At<RowsOr<ExpectedRows>>>,
    /// By how much a DOUBLE may differ, absolutely. Left out: by a billionth of the expected value.
    pub tolerance: Option<At<f64>>,
}

/// Given rows with what they have in common.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenRows {
    /// Values of columns that a row leaves out.
    #[serde(default)]
    pub defaults: Row,
    /// The rows.
    #[schemars(required)]
    pub rows: Option<At<Rows>>,
}

/// Expected rows with how they are compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRows {
    /// The rows.
    #[schemars(required)]
    pub rows: Option<At<Rows>>,
    /// Whether the rows must come in this order; the query needs an ORDER BY.
    pub order: Option<At<bool>>,
    /// `partial` (the default) compares the columns that at least one of the rows names, `all` every column.
    pub columns: Option<Compared>,
    /// By how much a DOUBLE may differ, absolutely.
    pub tolerance: Option<At<f64>>,
}

/// Which columns are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// Those that at least one of the rows names.
    Partial,
    /// Every column; what no row names must be NULL.
    All,
}

/// Values by column.
pub type Row = Pairs<At<Cell>>;

/// A value as text, or NULL: `null` and `~` without quotes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Cell(pub Option<String>);

impl JsonSchema for Cell {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cell".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Not `"type": "null"`: elsewhere a key without a value is a slip of the hand and taken out of the schemas.
        json_schema!({ "anyOf": [{ "type": ["string", "number", "boolean"] }, { "const": null }] })
    }
}

/// Rows: a list of maps, or a text that is a table.
#[derive(Debug)]
pub enum Rows {
    /// Lines of cells between `|`, the names of the columns first.
    Table(String),
    /// Maps from column to value.
    List(Vec<At<Row>>),
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, or a text that is a table")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rows, E> {
        Ok(Rows::Table(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element()? {
            rows.push(row);
        }
        Ok(Rows::List(rows))
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RowsVisitor)
    }
}

impl JsonSchema for Rows {
    fn schema_name() -> Cow<'static, str> {
        "Rows".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list of maps from column to value, or a text: lines of cells between `|`, the names of the \
                            columns first.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": generator.subschema_for::<Row>() }]
        })
    }
}

/// Rows, or a map that has them and says more.
#[derive(Debug)]
pub enum RowsOr<T> {
    /// Only the rows.
    Rows(Rows),
    /// The map.
    Map(T),
}

struct RowsOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for RowsOrVisitor<T> {
    type Value = RowsOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, a text that is a table, or a map with `rows`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        RowsVisitor.visit_str(text).map(RowsOr::Rows)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        RowsVisitor.visit_seq(list).map(RowsOr::Rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(RowsOr::Map)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for RowsOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RowsOrVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for RowsOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Rows_or_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Rows>(), generator.subschema_for::<T>()] })
    }
}
