//! Reading a source's files on many threads, each row once.
//!
//! ```text
//!  thread: next unopened file? ── yes ─► same as before (identity, else content)? ── yes ─► kept
//!              │ none left                         │ no
//!              ▼                                   ▼
//!          help with a table                  open ─► tables ─► bind ─► pieces ─► cut ─► normalize ─► own sink
//!          that another thread opened ───────────────────────────┘
//! ```
//!
//! In: listed files and what is known of their earlier versions. Out: an [`Outcome`] for each, and packs. A piece is taken
//! under its table's lock and cut without it, so one large file keeps all threads as busy as many small ones. Rows of a
//! file that in the end does not count stay in the packs as dead rows: no live file has their id.

use std::{
    collections::HashMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};

use super::{
    drift::{self, Known, Misfits, Warning},
    sink::{Packs, Sink},
};
use crate::{
    Error,
    define::project::{Format, OnUnreadable, Source},
    extract::{self, ExtractFile, Hints, Limits, Part, RecordReader},
    normalize::{Binding, Contract, Normalized},
    record::{LineCount, RawBatch, Rejection, manifest::InputFile},
    report::FileReport,
    run::{Event, Observer},
    storage::content::Content,
};

/// How long a thread without work waits before it looks again, should a signal get lost.
const PATIENCE: Duration = Duration::from_millis(20);
/// Unreadable files that an error names.
const NAMED: usize = 50;

/// What became of a listed file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is as it was: its rows are in the packs of the last snapshot.
    Kept(InputFile),
    /// Its rows are in new packs.
    Read { file: InputFile, reports: Vec<FileReport>, headers: Vec<Vec<String>>, warnings: Vec<Warning> },
    /// It cannot be used now; what was last read under its path stands in.
    Postponed { previous: Option<InputFile>, warning: String },
}

/// What reading needs to know.
pub(super) struct Reading<'a> {
    pub source: &'a Source,
    pub contract: &'a Contract,
    pub files: &'a [ExtractFile],
    /// What the last snapshot read with the same contract, by path.
    pub known: HashMap<&'a str, &'a InputFile>,
    /// What it read with any contract, by path.
    pub previous: HashMap<&'a str, &'a InputFile>,
    pub headers: Known<'a>,
    pub observer: &'a dyn Observer,
    pub now: DateTime<Utc>,
    /// Whether the storage's word that a file is unchanged counts for nothing.
    pub rehash: bool,
    pub runtime: tokio::runtime::Handle,
}

/// What all threads share.
struct Shared<'a> {
    reading: &'a Reading<'a>,
    hints: Hints,
    next: AtomicUsize,
    /// Files that a thread has begun and not ended.
    busy: AtomicUsize,
    open: Mutex<Vec<Arc<Table>>>,
    change: Condvar,
    outcomes: Mutex<Vec<Option<Outcome>>>,
    unreadable: Mutex<Vec<Unreadable>>,
    failure: Mutex<Option<Error>>,
    failed: AtomicBool,
    told: AtomicBool,
}

/// A file that ends the run, once the others were tried too.
struct Unreadable {
    path: Arc<str>,
    message: String,
    hint: Option<String>,
}

/// A table of a file while it is read.
struct Table {
    /// Id of its file.
    id: String,
    part: u64,
    name: Arc<str>,
    binding: Binding,
    /// Why none of its rows may pass.
    refused: Option<String>,
    progress: Mutex<Progress>,
    /// Told whenever a piece is done.
    landed: Condvar,
    rejected: AtomicU64,
    rows: AtomicU64,
    most_rows: u64,
}

struct Progress {
    reader: Box<dyn RecordReader>,
    in_flight: usize,
    is_done: bool,
    /// Faults of the type, by column.
    misfits: HashMap<String, Misfits>,
    failure: Option<Error>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Reading<'a> {
    /// Reads what has to be read, with one thread for each sink.
    ///
    /// # Errors
    /// The files that cannot be read, unless the contract puts up with them; a disk that refuses.
    pub fn carry_out(&'a self, sinks: Vec<Sink<'a>>) -> Result<(Vec<Outcome>, Packs), Error> {
        let (names, required) = self.contract.hints();
        let shared = Shared {
            reading: self,
            hints: Hints { names, required },
            next: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            open: Mutex::new(Vec::new()),
            change: Condvar::new(),
            outcomes: Mutex::new(self.files.iter().map(|_| None).collect()),
            unreadable: Mutex::new(Vec::new()),
            failure: Mutex::new(None),
            failed: AtomicBool::new(false),
            told: AtomicBool::new(false),
        };
        let packs = Mutex::new(Packs::default());
        std::thread::scope(|scope| {
            for sink in sinks {
                scope.spawn(|| shared.run(sink, &packs));
            }
        });
        if let Some(failure) = shared.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(failure);
        }
        let unreadable = shared.unreadable.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !unreadable.is_empty() {
            return Err(self.joined(unreadable));
        }
        let outcomes = shared.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outcomes: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        let outcomes = outcomes.ok_or_else(|| Error::Bug { message: "a file was never read".to_owned() })?;
        Ok((outcomes, packs.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Says in one error what is wrong with files, by path, and what to do about the first of them.
    fn joined(&self, mut files: Vec<Unreadable>) -> Error {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut messages: Vec<String> = files.iter().take(NAMED).map(|file| file.message.clone()).collect();
        if files.len() > NAMED {
            messages.push(format!("and {} more files", files.len() - NAMED));
        }
        let without = match &self.source.format {
            Format::Database(_) => "say `on_unreadable: keep_previous`",
            _ => "say `on_unreadable: keep_previous`, or narrow `location`",
        };
        let hint = match files.into_iter().find_map(|file| file.hint) {
            Some(hint) => format!("{hint}; or {without}"),
            None => without.to_owned(),
        };
        Error::Data { message: messages.join("\n    "), hint: Some(hint) }
    }
}

impl Shared<'_> {
    /// Works until nothing is left, and closes the sink.
    fn run(&self, mut sink: Sink<'_>, packs: &Mutex<Packs>) {
        let worked = self.work_off(&mut sink).and_then(|()| sink.finish());
        match worked {
            Ok(written) => {
                let mut packs = lock(packs);
                packs.rows.extend(written.rows);
                packs.rejects.extend(written.rejects);
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: Error) {
        lock(&self.failure).get_or_insert(error);
        self.failed.store(true, Ordering::SeqCst);
        self.change.notify_all();
    }

    fn work_off(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        while !self.failed.load(Ordering::SeqCst) {
            // Counted before the number is taken, so that nobody leaves while a file is about to be opened.
            self.busy.fetch_add(1, Ordering::SeqCst);
            let index = self.next.fetch_add(1, Ordering::SeqCst);
            let worked = self.reading.files.get(index).map(|file| self.file(file, sink));
            self.busy.fetch_sub(1, Ordering::SeqCst);
            self.change.notify_all();
            match worked {
                Some(outcome) => lock(&self.outcomes)[index] = outcome?,
                None if self.help(sink) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Helps with a table that is open, or waits for one; says whether there may be more to do.
    fn help(&self, sink: &mut Sink<'_>) -> bool {
        let open = lock(&self.open);
        if let Some(table) = open.first().cloned() {
            drop(open);
            self.pieces(&table, sink);
            self.close(&table);
            return true;
        }
        if self.busy.load(Ordering::SeqCst) == 0 {
            return false;
        }
        drop(self.change.wait_timeout(open, PATIENCE));
        true
    }

    /// Decides about one file and reads it if it must be; None where it ends the run, which then names all such files.
    fn file(&self, file: &ExtractFile, sink: &mut Sink<'_>) -> Result<Option<Outcome>, Error> {
        let reading = self.reading;
        let previous = reading.previous.get(&*file.path).map(|file| (*file).clone());
        if let Some(seconds) = reading.unsettled(file) {
            let warning = format!("`{}` was changed {seconds} seconds ago and waits for the next run", file.path);
            return Ok(Some(Outcome::Postponed { previous, warning }));
        }
        if let Some(known) = reading.same_identity(file) {
            return Ok(Some(Outcome::Kept(known)));
        }
        match self.opened(file, sink) {
            Err(error @ Error::Bug { .. }) => Err(error),
            Err(error) if reading.source.files.on_unreadable == OnUnreadable::KeepPrevious => {
                let stands_in = if previous.is_some() { "what was last read of it stays" } else { "it was never read" };
                Ok(Some(Outcome::Postponed { previous, warning: format!("{error}; {stands_in}") }))
            }
            Err(Error::Data { message, hint }) => {
                lock(&self.unreadable).push(Unreadable { path: Arc::clone(&file.path), message, hint });
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    fn opened(&self, file: &ExtractFile, sink: &mut Sink<'_>) -> Result<Outcome, Error> {
        let reading = self.reading;
        let content = reading.runtime.block_on(file.open(&self.hints))?;
        let most = reading.source.files.limits.file_bytes;
        if content.len() > most {
            return Err(too_large(file, &format!("{} bytes, more than `limits.file_bytes` {most}", content.len())));
        }
        let hash = content.hash().map_err(|error| unreadable(file, &error))?;
        if let Some(known) = reading.known.get(&*file.path).filter(|known| known.content == hash) {
            return Ok(Outcome::Kept(InputFile {
                identity: file.identity.clone(),
                is_young: reading.is_young(file),
                ..renewed(known, file)
            }));
        }
        self.tell();
        let previous = reading.previous.get(&*file.path).map(|file| (*file).clone());
        let read = self.read(file, &content, hash, sink)?;
        reading.observer.notice(&Event::FileRead { file: file.path.to_string() });
        if reading.runtime.block_on(file.is_changed())? {
            let warning = format!("`{}` changed while it was read and waits for the next run", file.path);
            return Ok(Outcome::Postponed { previous, warning });
        }
        Ok(read)
    }

    /// Says once that the source has something to read.
    fn tell(&self) {
        if !self.told.swap(true, Ordering::SeqCst) {
            let source = self.reading.source.name.value.clone();
            self.reading.observer.notice(&Event::Staging { source, files: self.reading.files.len() });
        }
    }

    fn read(&self, file: &ExtractFile, content: &Content, hash: String, sink: &mut Sink<'_>) -> Result<Outcome, Error> {
        let id = InputFile::rows_id(&file.path, &hash, self.reading.now.timestamp_micros());
        let limits = Limits { most_bytes: self.reading.source.files.limits.decompressed_bytes, ..Limits::default() };
        let parts = extract::open(&file.path, content, &self.reading.source.format, &self.hints, &limits)?;
        let (mut reports, mut headers) = (Vec::new(), Vec::new());
        let mut warnings: Vec<Warning> = self.reading.ahead(file).into_iter().collect();
        let (mut lines, mut physical, mut rejected) = (LineCount::default(), Vec::new(), 0);
        for (number, part) in (0..).zip(parts) {
            let table = self.table(file, &id, number, part, &mut warnings)?;
            self.offer(&table);
            self.pieces(&table, sink);
            self.close(&table);
            let report = self.end(&table, sink, &mut warnings)?;
            rejected += report.rejected;
            physical.push(report.lines.lines);
            add(&mut lines, &report.lines);
            // A form that was refused is no form that files may have.
            if table.refused.is_none() {
                headers.push(report.shape.header.clone());
            }
            reports.push(report);
        }
        let file = InputFile {
            path: file.path.to_string(),
            size: content.len(),
            content: hash,
            rows: id,
            version: file.version.clone(),
            identity: file.identity.clone(),
            is_young: self.reading.is_young(file),
            watermark: file.watermark.clone(),
            is_missing: false,
            lines,
            parts: physical,
            rejected,
        };
        Ok(Outcome::Read { file, reports, headers, warnings })
    }

    fn table(
        &self,
        file: &ExtractFile,
        id: &str,
        part: u64,
        opened: Part,
        warnings: &mut Vec<Warning>,
    ) -> Result<Arc<Table>, Error> {
        let Part { name, reader } = opened;
        let binding = self.reading.contract.bind_file(&file.path, reader.shape()).map_err(|unbound| Error::Data {
            message: format!("cannot read `{name}`: {unbound}"),
            hint: Some(unbound.hint()),
        })?;
        let events = self.reading.headers.events(&name, &reader.shape().header, &binding);
        let refused = drift::settle(events, self.reading.source.files.drift, warnings)?;
        let progress = Progress { reader, in_flight: 0, is_done: false, misfits: HashMap::new(), failure: None };
        Ok(Arc::new(Table {
            id: id.to_owned(),
            part,
            name,
            binding,
            refused,
            progress: Mutex::new(progress),
            landed: Condvar::new(),
            rejected: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            most_rows: self.reading.source.files.limits.rows,
        }))
    }

    fn offer(&self, table: &Arc<Table>) {
        lock(&self.open).push(table.clone());
        self.change.notify_all();
    }

    fn close(&self, table: &Arc<Table>) {
        lock(&self.open).retain(|open| !Arc::ptr_eq(open, table));
    }

    /// Takes pieces of a table until there are none.
    fn pieces(&self, table: &Table, sink: &mut Sink<'_>) {
        while let Some(piece) = table.next(&self.failed) {
            let (batch, rest) = piece.cut();
            let taken = self.normalize(table, &batch, sink);
            let mut progress = lock(&table.progress);
            progress.in_flight -= 1;
            if let Some(rest) = rest {
                progress.reader.take_back(rest);
            }
            table.landed.notify_all();
            match taken {
                Ok(misfits) => misfits
                    .into_iter()
                    .for_each(|(column, misfits)| progress.misfits.entry(column).or_default().add(misfits)),
                Err(error) => {
                    progress.failure.get_or_insert(error);
                    progress.is_done = true;
                }
            }
        }
    }

    /// Types a batch and puts it into the sink; returns which values of each column do not fit its type.
    fn normalize(
        &self,
        table: &Table,
        batch: &RawBatch,
        sink: &mut Sink<'_>,
    ) -> Result<HashMap<String, Misfits>, Error> {
        let rows = table.rows.fetch_add(batch.len() as u64, Ordering::Relaxed) + batch.len() as u64;
        if rows > table.most_rows {
            return Err(Error::Data {
                message: format!(
                    "cannot read `{}`: it has more rows than `limits.rows` {}",
                    table.name, table.most_rows
                ),
                hint: Some("raise the limit in the source's contract if the file is sane".to_owned()),
            });
        }
        let normalized = match &table.refused {
            Some(reason) => refused(self.reading.contract, table, batch, reason),
            None => self.reading.contract.normalize(&table.binding, &table.name, batch)?,
        };
        table.rejected.fetch_add(normalized.rejected_rows, Ordering::Relaxed);
        let mut misfits: HashMap<String, Misfits> = HashMap::new();
        for rejection in normalized.rejections.iter().filter(|rejection| matches!(&*rejection.rule, "type" | "code")) {
            let column = rejection.column.clone().unwrap_or_default();
            let misfits = misfits.entry(format!("{} {column}", rejection.rule)).or_default();
            misfits.note(rejection.line, &rejection.reason);
        }
        // A file that cannot be read may be put up with, a disk that takes no rows ends the run.
        if let Err(error) = sink.take(&table.id, table.part, normalized) {
            self.fail(error);
        }
        Ok(misfits)
    }

    /// Waits until no piece of a table is in work, and ends it.
    fn end(&self, table: &Table, sink: &mut Sink<'_>, warnings: &mut Vec<Warning>) -> Result<FileReport, Error> {
        let mut progress = lock(&table.progress);
        while progress.in_flight > 0 && !self.failed.load(Ordering::SeqCst) {
            progress = table.landed.wait_timeout(progress, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(failure) = progress.failure.take() {
            return Err(failure);
        }
        if let Some(batch) = progress.reader.finish()? {
            drop(progress);
            self.normalize(table, &batch, sink)?;
            progress = lock(&table.progress);
        }
        let rows = table.rows.load(Ordering::Relaxed);
        let events = drift::of_values(&table.name, &progress.misfits, rows, self.reading.source);
        // The rows themselves are in quarantine already, each for its own fault.
        drift::settle(events, self.reading.source.files.drift, warnings)?;
        Ok(FileReport {
            path: table.name.to_string(),
            shape: progress.reader.shape().clone(),
            lines: progress.reader.lines(),
            rejected: table.rejected.load(Ordering::Relaxed),
            extra_columns: table.binding.extra.clone(),
            missing_columns: table.binding.missing.clone(),
        })
    }
}

impl Table {
    /// Takes the next piece under the lock.
    fn next(&self, failed: &AtomicBool) -> Option<extract::Piece> {
        let mut progress = lock(&self.progress);
        if progress.is_done || failed.load(Ordering::SeqCst) {
            return None;
        }
        match progress.reader.next_piece() {
            Ok(Some(piece)) => {
                progress.in_flight += 1;
                Some(piece)
            }
            Ok(None) => {
                progress.is_done = true;
                None
            }
            Err(error) => {
                progress.is_done = true;
                progress.failure.get_or_insert(error.into());
                None
            }
        }
    }
}

impl Reading<'_> {
    /// Returns how many seconds ago a file was changed, if that is too few. One that was changed just now by a clock that is
    /// a little ahead waits as well.
    fn unsettled(&self, file: &ExtractFile) -> Option<i64> {
        let (age, settle) = (self.age(file)?, self.settle_seconds());
        (-settle < age && age < settle).then_some(age.max(0))
    }

    /// Returns what to say of a file whose time lies so far ahead that waiting for it would have no end.
    fn ahead(&self, file: &ExtractFile) -> Option<Warning> {
        let settle = self.settle_seconds();
        let is_ahead = settle > 0 && self.age(file)? <= -settle;
        let what = "its time lies in the future, so it is read without waiting".to_owned();
        is_ahead.then(|| Warning { file: file.path.to_string(), what, values: None })
    }

    fn settle_seconds(&self) -> i64 {
        i64::try_from(self.source.files.settle_seconds).unwrap_or(i64::MAX)
    }

    /// Returns the seconds since a file was changed, as far as the place says so; below zero in the future.
    fn age(&self, file: &ExtractFile) -> Option<i64> {
        Some(self.now.signed_duration_since(file.modified?).num_seconds())
    }

    fn same_identity(&self, file: &ExtractFile) -> Option<InputFile> {
        let known = self.known.get(&*file.path)?;
        let is_same = !self.rehash && !known.is_young && file.identity.is_some() && known.identity == file.identity;
        is_same.then(|| renewed(known, file))
    }

    /// Returns whether a file was changed so lately that a further change could leave its identity as it is.
    fn is_young(&self, file: &ExtractFile) -> bool {
        file.modified.is_some_and(|modified| self.now.signed_duration_since(modified).num_seconds() < 2)
    }
}

/// Returns an earlier entry as the file is listed now.
fn renewed(known: &InputFile, file: &ExtractFile) -> InputFile {
    InputFile { version: file.version.clone(), is_missing: false, ..known.clone() }
}

/// Makes every row of a batch a rejection of the whole row.
fn refused(contract: &Contract, table: &Table, batch: &RawBatch, reason: &str) -> Normalized {
    let rejection = |row: usize| Rejection {
        file: table.name.clone(),
        line: batch.line(row),
        byte_offset: batch.byte_offset(row),
        column: None,
        rule: "drift".to_owned(),
        reason: reason.to_owned(),
        text: batch.raw(row).to_owned(),
    };
    Normalized {
        rows: RecordBatch::new_empty(contract.schema()),
        lines: Vec::new(),
        rejections: (0..batch.len()).map(rejection).collect(),
        rejected_rows: batch.len() as u64,
    }
}

fn add(sum: &mut LineCount, more: &LineCount) {
    sum.lines += more.lines;
    sum.rows += more.rows;
    for (kind, lines) in &more.skipped {
        *sum.skipped.entry(*kind).or_default() += lines;
    }
}

fn too_large(file: &ExtractFile, what: &str) -> Error {
    Error::Data {
        message: format!("cannot read `{}`: it has {what}", file.path),
        hint: Some("raise the limit in the source's contract if the file is sane".to_owned()),
    }
}

fn unreadable(file: &ExtractFile, error: &std::io::Error) -> Error {
    Error::Environment { message: format!("cannot read `{}`: {error}", file.path), hint: None }
}
