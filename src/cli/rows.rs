//! The rows of a query in the form that was asked for, on standard output or in a file.

use std::path::Path;

use arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use clap::ValueEnum;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};

use super::{arguments::OutputFormat, extract::csv::write_row, print, table};
use crate::{Error, run};

/// In which form rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Aligned columns for people.
    Table,
    /// CSV with a header; NULL is nothing at all, an empty text `""`.
    Csv,
    /// One JSON array of objects.
    Json,
    /// A Parquet file with the types of the columns; wants `--out`.
    Parquet,
}

impl From<OutputFormat> for Form {
    fn from(output: OutputFormat) -> Self {
        match output {
            OutputFormat::Text => Self::Table,
            OutputFormat::Json => Self::Json,
        }
    }
}

/// Refuses what can only be a mistake, before anything is computed.
pub(super) fn refuse_binary(form: Form, out: Option<&Path>) -> Result<(), Error> {
    match (form, out) {
        (Form::Parquet, None) => Err(Error::Usage {
            message: "a Parquet file is not printed".to_owned(),
            hint: Some("name a file with `--out FILE`".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// Prints rows, or writes them to a file for its owner alone: they may be personal.
pub(super) fn write(form: Form, out: Option<&Path>, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<(), Error> {
    let bytes = rendered(form, schema, batches)?;
    let Some(path) = out else {
        print(&String::from_utf8_lossy(&bytes));
        return Ok(());
    };
    run::write_output(path, &bytes, true)
}

fn rendered(form: Form, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, Error> {
    let bug = |message: String| Error::Bug { message: format!("cannot write the rows: {message}") };
    match form {
        Form::Table => table::render(schema, batches, OutputFormat::Text).map(String::into_bytes),
        Form::Json => table::render(schema, batches, OutputFormat::Json).map(String::into_bytes),
        Form::Csv => csv(schema, batches).map_err(|error| bug(error.to_string())),
        Form::Parquet => parquet(schema, batches).map_err(|error| Error::Usage {
            message: format!("the rows make no Parquet file: {error}"),
            hint: Some("cast the column, or leave it out".to_owned()),
        }),
    }
}

fn csv(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    write_row(&mut out, schema.fields().iter().map(|field| Some(field.name().as_str())))?;
    let options = FormatOptions::default();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |(array, text): (&arrow::array::ArrayRef, &ArrayFormatter<'_>)| {
                array.is_valid(row).then(|| text.value(row).try_to_string()).transpose()
            };
            let cells = batch.columns().iter().zip(&columns).map(cell).collect::<Result<Vec<_>, _>>()?;
            write_row(&mut out, cells.iter().map(Option::as_deref))?;
        }
    }
    Ok(out)
}

fn parquet(schema: &SchemaRef, batches: &[RecordBatch]) -> parquet::errors::Result<Vec<u8>> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}
