//! What is kept of one model: what its text says, and what was found out of it among the tables that it reads.
//!
//! In: a model, its SQL, the schema that planning gave. Out: records and the keys under which they are kept. Each key hashes exactly what
//! decides its record, so that a record is never out of date.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    datatypes::{Schema, SchemaRef},
    ipc::{
        convert::{IpcSchemaEncoder, fb_to_schema},
        root_as_schema,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Texts, findings},
    sight::Key,
};
use crate::{
    define::project::{Kind, Model},
    engine::{Parameters, Statement},
    record::{Diagnostic, TableName, Text},
};

/// What a model's text says, whatever others say.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Outline {
    pub kind: Kind,
    /// Tables that it names.
    pub named: Vec<TableName>,
    /// Whether it names a table without a schema.
    pub is_unqualified: bool,
    /// Parameters that occur in it.
    pub parameters: BTreeSet<String>,
    /// Every `$name` of the file, wherever it stands.
    pub mentions: BTreeSet<String>,
}

/// An outline as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptOutline {
    pub outline: Outline,
    /// Warnings about the header.
    pub warnings: Vec<Finding>,
}

/// What was found out of a model that is right.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Judged {
    /// Key of its columns.
    pub schema: Hashed,
    /// Hash of everything that its readers go by.
    pub face: Hashed,
    /// How many data checks it has.
    pub checks: usize,
    /// Other tables by which it is decided whether these are right; None where that cannot be told.
    pub checks_read: Option<BTreeSet<TableName>>,
    /// What is probably wrong with it.
    pub findings: Vec<Finding>,
}

/// A hash in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Hashed(pub blake3::Hash);

impl From<Hashed> for String {
    fn from(hashed: Hashed) -> Self {
        hashed.0.to_hex().as_str().to_owned()
    }
}

impl TryFrom<String> for Hashed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        blake3::Hash::from_hex(&text).map(Self).map_err(|error| error.to_string())
    }
}

impl Outline {
    /// Says what stands in a model's text.
    pub fn of(model: &Model, statement: &Statement) -> Self {
        Self {
            kind: model.kind,
            named: statement.named.clone(),
            is_unqualified: !statement.unqualified.is_empty(),
            parameters: statement.parameters.clone(),
            mentions: mentions(&model.text.body),
        }
    }

    /// Writes it with the warnings about its file; None where these could not be told again.
    pub fn write(&self, warnings: &[Diagnostic], texts: Texts<'_>) -> Option<Vec<u8>> {
        let warnings = findings(warnings, texts)?;
        serde_json::to_vec(&KeptOutline { outline: self.clone(), warnings }).ok()
    }
}

/// Returns the texts of a model, as the places of its findings name them.
pub(super) fn own_texts(model: &Model) -> Vec<Arc<Text>> {
    let mut texts: Vec<Arc<Text>> = [&model.text].into_iter().chain(&model.rows).cloned().collect();
    texts.sort_by(|one, other| one.path.cmp(&other.path));
    texts.dedup_by(|one, other| one.path == other.path);
    texts
}

/// Returns the names behind every `$` of a text.
pub(super) fn mentions(body: &str) -> BTreeSet<String> {
    let is_end = |c: char| !(c.is_alphanumeric() || c == '_');
    let names = body.split('$').skip(1).filter_map(|rest| rest.split(is_end).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Adds the values of the parameters that a model uses.
pub(super) fn with_values(key: Key, outline: &Outline, parameters: &Parameters) -> Key {
    let used = outline.parameters.iter();
    used.fold(key, |key, name| key.text(name).text(&parameters.literal(name).unwrap_or_default()))
}

/// Writes columns.
pub(super) fn write_schema(schema: &Schema) -> Vec<u8> {
    IpcSchemaEncoder::new().schema_to_fb(schema).finished_data().to_vec()
}

/// Reads columns; None where these bytes are none.
pub(super) fn read_schema(bytes: &[u8]) -> Option<SchemaRef> {
    root_as_schema(bytes).ok().map(|schema| Arc::new(fb_to_schema(schema)))
}
