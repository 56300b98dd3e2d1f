//! Writes a Parquet file as a partitioned table with the partition writer alone, for the bench of `benches/warehouse`.
//!
//! In: one file, how its rows are partitioned and sorted, the bounds. Out: the table below a folder, and a line of JSON
//! that says how many partitions, files, rows and bytes there are.

#![expect(clippy::print_stdout, reason = "a command line example")]

use std::{fs::File, path::PathBuf};

use clap::Parser;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tallyhouse::{
    publish::{TableSpec, TableWriter, WriterOptions},
    record::TableName,
};

/// Writes a Parquet file as a partitioned table.
#[derive(Debug, Parser)]
struct Arguments {
    /// File to read.
    input: PathBuf,
    /// Folder in which the table is written.
    out: PathBuf,
    /// Partition columns.
    #[arg(long, value_delimiter = ',')]
    partition_by: Vec<String>,
    /// Key columns: their bloom filters are written too.
    #[arg(long, value_delimiter = ',')]
    key: Vec<String>,
    /// Threads that finish partitions.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Megabytes that the writer may hold.
    #[arg(long, default_value_t = 160)]
    memory: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&arguments.input)?)?;
    let spec = TableSpec {
        name: TableName::new("bench", "written"),
        schema: reader.schema().clone(),
        partition_by: arguments.partition_by,
        key: arguments.key,
        dates: Vec::new(),
        timezone: chrono_tz::UTC,
    };
    let options =
        WriterOptions { memory_bytes: arguments.memory << 20, threads: arguments.threads, ..WriterOptions::default() };
    let mut writer = TableWriter::create(spec, &arguments.out, options)?;
    for batch in reader.with_batch_size(8_192).build()? {
        writer.write(&batch?)?;
    }
    let partitions = writer.finish()?;
    let files: Vec<_> = partitions.iter().flat_map(|partition| &partition.files).collect();
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let (partitions, files) = (partitions.len(), files.len());
    println!("{{\"partitions\": {partitions}, \"files\": {files}, \"rows\": {rows}, \"bytes\": {bytes}}}");
    Ok(())
}
