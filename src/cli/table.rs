//! Rows as text or JSON.

use arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    util::{display::FormatOptions, pretty::pretty_format_batches_with_schema},
};

use super::arguments::OutputFormat;
use crate::Error;

/// Renders rows for people as a table, for programs as a JSON array of objects, NULLs included.
pub(super) fn render(schema: &SchemaRef, batches: &[RecordBatch], output: OutputFormat) -> Result<String, Error> {
    let bug = |error: arrow::error::ArrowError| Error::Bug { message: format!("cannot print the rows: {error}") };
    match output {
        OutputFormat::Text => text(schema, batches).map_err(bug),
        OutputFormat::Json => json(batches).map_err(bug),
    }
}

fn text(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, arrow::error::ArrowError> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let table = if batches.is_empty() {
        pretty_format_batches_with_schema(schema.clone(), batches)?.to_string()
    } else {
        let options = FormatOptions::default().with_null("NULL");
        arrow::util::pretty::pretty_format_batches_with_options(batches, &options)?.to_string()
    };
    Ok(format!("{table}\n{rows} {}\n", if rows == 1 { "row" } else { "rows" }))
}

fn json(batches: &[RecordBatch]) -> Result<String, arrow::error::ArrowError> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::JsonArray>(Vec::new());
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    let text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    Ok(if text.is_empty() { "[]\n".to_owned() } else { text + "\n" })
}
