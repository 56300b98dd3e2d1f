//! JSON Schemas of everything that a person or another program reads or writes: for completion and checks in editors.
//!
//! In: the structs as written, and the manifest. Out: the same text on every run; `docs/schemas/` holds copies.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::file;
use crate::record::Manifest;

/// A kind of file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    /// `pipelines/*.yaml`
    Pipeline,
    /// `pipelines/sources/*.yaml`
    Source,
    /// `pipelines/entities/*.yaml`
    Entity,
    /// The header of `sql/<schema>/<table>.sql`
    Model,
    /// The unit tests of a model, `sql/<schema>/<table>.test.yaml`
    Test,
    /// The header of `sql/functions/<name>.sql`
    Function,
    /// `pipelines/reports/*.yaml`
    Report,
    /// `manifest.json` of a snapshot
    Manifest,
}

impl SchemaKind {
    /// All kinds, in the order in which a newcomer meets them.
    pub const ALL: [Self; 8] = [
        Self::Pipeline,
        Self::Source,
        Self::Entity,
        Self::Model,
        Self::Test,
        Self::Function,
        Self::Report,
        Self::Manifest,
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Source => "source",
            Self::Entity => "entity",
            Self::Model => "model",
            Self::Test => "test",
            Self::Function => "function",
            Self::Report => "report",
            Self::Manifest => "manifest",
        }
    }

    /// Returns the name of the file in `docs/schemas/`.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{}.schema.json", self.name())
    }
}

/// Returns the schema of a kind of file.
#[must_use]
pub fn json_schema(kind: SchemaKind) -> Value {
    match kind {
        SchemaKind::Pipeline => written_by_people::<file::Pipeline>(),
        SchemaKind::Source => written_by_people::<file::Source>(),
        SchemaKind::Entity => written_by_people::<file::Entity>(),
        SchemaKind::Model => written_by_people::<file::Model>(),
        SchemaKind::Function => written_by_people::<file::Function>(),
        SchemaKind::Test => written_by_people::<file::UnitTests>(),
        SchemaKind::Report => written_by_people::<file::report::Report>(),
        SchemaKind::Manifest => generated::<Manifest>(),
    }
}

/// Returns the schema as it is stored: indented, with a line end.
#[must_use]
pub fn schema_text(kind: SchemaKind) -> String {
    format!("{:#}\n", json_schema(kind))
}

fn generated<T: JsonSchema>() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value()
}

/// The same without `null`: a key without a value is a slip of the hand that an editor should show.
fn written_by_people<T: JsonSchema>() -> Value {
    let mut schema = generated::<T>();
    drop_null(&mut schema);
    unwrap_lines(&mut schema);
    schema
}

/// Makes one line of every description, whose source is wrapped.
fn unwrap_lines(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            members.values_mut().for_each(unwrap_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}

fn drop_null(schema: &mut Value) {
    let null = Value::from("null");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| *name != null);
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&null));
        if choices.len() == 1 {
            let only = choices.remove(0);
            merge_choice(schema, only);
        }
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(drop_null),
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        _ => {}
    }
}

/// Puts the only choice of an `anyOf` in its place; what stands beside it (the description) wins.
fn merge_choice(schema: &mut Value, only: Value) {
    let (Value::Object(members), Value::Object(choice)) = (schema, only) else { return };
    members.shift_remove("anyOf");
    for (key, value) in choice {
        members.entry(key).or_insert(value);
    }
}

#[cfg(test)]
mod tests;
