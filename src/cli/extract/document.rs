//! Where rows go: one document on standard output or in a file, or a file for each table in a folder.

use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Stdout, Write},
    path::{Path, PathBuf},
};

use super::{csv::Csv, json::Json, output_failed, parquet::Parquet, table::Table};
use crate::{
    Error,
    cli::arguments::RowsFormat,
    record::RawBatch,
    run::{self, Head, OutputFile},
};

/// A place for bytes.
pub(super) enum Output {
    Terminal(BufWriter<Stdout>),
    File(OutputFile),
}

impl Output {
    /// Begins standard output, or a file.
    pub fn begin(path: Option<&Path>, is_private: bool) -> Result<Self, Error> {
        match path {
            Some(path) if path.as_os_str() != "-" => Ok(Self::File(run::output(path, is_private)?)),
            _ => Ok(Self::Terminal(BufWriter::new(io::stdout()))),
        }
    }

    /// Ends it: a file gets its name now.
    pub fn commit(self) -> Result<(), Error> {
        match self {
            Self::Terminal(mut output) => output.flush().map_err(|error| output_failed(&error)),
            Self::File(file) => run::commit(file),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Terminal(output) => output.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Terminal(output) => output.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// A form of rows of text.
pub(super) trait Document {
    /// Begins a table.
    fn begin(&mut self, head: Head<'_>) -> io::Result<()>;
    /// Takes a row of it.
    fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()>;
    /// Ends the table.
    fn end(&mut self) -> io::Result<()>;
    /// Ends the document.
    fn finish(self: Box<Self>) -> io::Result<Output>;
}

/// The documents of one command.
pub(super) struct Documents {
    format: RowsFormat,
    path: Option<PathBuf>,
    is_folder: bool,
    current: Option<Box<dyn Document>>,
    /// Names that files of the folder have already.
    names: BTreeSet<String>,
}

impl Documents {
    /// Prepares documents; nothing is created before the first table begins.
    pub fn new(format: RowsFormat, path: Option<PathBuf>) -> Self {
        let is_folder = path
            .as_deref()
            .is_some_and(|path| run::is_folder(path) || path.as_os_str().to_string_lossy().ends_with('/'));
        Self { format, path, is_folder, current: None, names: BTreeSet::new() }
    }

    pub fn begin(&mut self, head: Head<'_>) -> io::Result<()> {
        let folder = self.path.clone().filter(|_| self.is_folder);
        if let Some(folder) = folder {
            self.close()?;
            run::output_folder(&folder).map_err(io::Error::other)?;
            let name = self.file_name(head.part);
            self.current = Some(self.document(Some(&folder.join(name)))?);
        } else if self.current.is_none() {
            self.current = Some(self.document(self.path.as_deref())?);
        }
        self.current.as_mut().map_or(Ok(()), |document| document.begin(head))
    }

    pub fn row(&mut self, batch: &RawBatch, row: usize) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |document| document.row(batch, row))
    }

    pub fn end(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |document| document.end())
    }

    /// Ends the last document.
    pub fn finish(mut self) -> Result<(), Error> {
        match self.current.take() {
            Some(document) => document.finish().map_err(|error| output_failed(&error))?.commit(),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match self.current.take() {
            Some(document) => document.finish()?.commit().map_err(io::Error::other),
            None => Ok(()),
        }
    }

    fn document(&self, path: Option<&Path>) -> io::Result<Box<dyn Document>> {
        let output = Output::begin(path, false).map_err(io::Error::other)?;
        Ok(match self.format {
            RowsFormat::Table => Box::new(Table::new(output, path.is_none())),
            RowsFormat::Csv => Box::new(Csv::new(output)),
            RowsFormat::Json => Box::new(Json::new(output)),
            RowsFormat::Parquet => Box::new(Parquet::new(output)),
        })
    }

    /// Returns the name of a part's file: its path with everything folded that a file name cannot hold.
    fn file_name(&mut self, part: &str) -> String {
        let ending = match self.format {
            RowsFormat::Table => "txt",
            RowsFormat::Csv => "csv",
            RowsFormat::Json => "json",
            RowsFormat::Parquet => "parquet",
        };
        let plain = |c: char| if c.is_alphanumeric() || "._-#!=".contains(c) { c } else { '_' };
        let stem: String = part.trim_start_matches(['/', '.']).chars().map(plain).collect();
        // A file name has at most 255 bytes; the end tells more than the beginning.
        let keep =
            stem.char_indices().rev().take_while(|(at, _)| stem.len() - at <= 200).last().map_or(0, |(at, _)| at);
        let stem = &stem[keep..];
        let numbered =
            |number: usize| if number == 1 { format!("{stem}.{ending}") } else { format!("{stem}_{number}.{ending}") };
        // One name more than are taken, so that one of them is free.
        let mut all = (1..=self.names.len() + 1).map(numbered);
        let name = all.find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(name.clone());
        name
    }
}
