//! `tallyhouse schema`

use std::process::ExitCode;

use super::{
    arguments::{SchemaArguments, SchemaName},
    print,
};
use crate::{
    Error,
    define::schema::{SchemaKind, schema_text},
};

/// Prints a JSON Schema.
#[expect(clippy::unnecessary_wraps, reason = "every verb answers alike")]
pub(super) fn schema(arguments: &SchemaArguments) -> Result<ExitCode, Error> {
    let kind = match arguments.kind {
        SchemaName::Pipeline => SchemaKind::Pipeline,
        SchemaName::Source => SchemaKind::Source,
        SchemaName::Entity => SchemaKind::Entity,
        SchemaName::Model => SchemaKind::Model,
        SchemaName::Test => SchemaKind::Test,
        SchemaName::Function => SchemaKind::Function,
        SchemaName::Report => SchemaKind::Report,
        SchemaName::Manifest => SchemaKind::Manifest,
    };
    print(&schema_text(kind));
    Ok(ExitCode::SUCCESS)
}
