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

use super::{
    finding::{Finding, Texts, findings},
    packed::{Packed, packed},
    sight::Key,
};
use crate::{
    define::project::{Kind, Model},
    engine::{Parameters, Statement},
    record::{Diagnostic, TableName, Text},
};

/// What a model's text says, whatever others say.
#[derive(Debug)]
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
#[derive(Debug)]
pub(super) struct KeptOutline {
    pub outline: Arc<Outline>,
    /// Warnings about the header.
    pub warnings: Vec<Finding>,
}

/// What was found out of a model that is right.
#[derive(Debug)]
pub(super) struct Judged {
    /// Key of its columns.
    pub schema: blake3::Hash,
    /// Hash of everything that its readers go by.
    pub face: blake3::Hash,
    /// How many data checks it has.
    pub checks: usize,
    /// Other tables by which it is decided whether these are right; None where that cannot be told.
    pub checks_read: Option<BTreeSet<TableName>>,
    /// What is probably wrong with it.
    pub findings: Vec<Finding>,
}

impl Packed for KeptOutline {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let Outline { kind, named, is_unqualified, parameters, mentions } = self.outline.as_ref();
        number(*kind).pack(bytes);
        named.pack(bytes);
        is_unqualified.pack(bytes);
        parameters.pack(bytes);
        mentions.pack(bytes);
        self.warnings.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let outline = Outline {
            kind: KINDS.get(usize::from(u8::unpack(bytes)?)).copied()?,
            named: Vec::unpack(bytes)?,
            is_unqualified: bool::unpack(bytes)?,
            parameters: BTreeSet::unpack(bytes)?,
            mentions: BTreeSet::unpack(bytes)?,
        };
        Some(Self { outline: Arc::new(outline), warnings: Vec::unpack(bytes)? })
    }
}

impl Packed for Judged {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let Self { schema, face, checks, checks_read, findings } = self;
        schema.pack(bytes);
        face.pack(bytes);
        checks.pack(bytes);
        checks_read.pack(bytes);
        findings.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            schema: blake3::Hash::unpack(bytes)?,
            face: blake3::Hash::unpack(bytes)?,
            checks: usize::unpack(bytes)?,
            checks_read: Option::unpack(bytes)?,
            findings: Vec::unpack(bytes)?,
        })
    }
}

/// Kinds of models by their number in a record.
const KINDS: [Kind; 4] = [Kind::Table, Kind::View, Kind::History, Kind::Seed];

const fn number(kind: Kind) -> u8 {
    match kind {
        Kind::Table => 0,
        Kind::View => 1,
        Kind::History => 2,
        Kind::Seed => 3,
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
    pub fn write(self: &Arc<Self>, warnings: &[Diagnostic], texts: Texts<'_>) -> Option<Vec<u8>> {
        let warnings = findings(warnings, texts)?;
        Some(packed(&KeptOutline { outline: Arc::clone(self), warnings }))
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
