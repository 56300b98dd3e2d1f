//! Truth: what a reader of the extracts must find, written beside them.
//!
//! `faults.csv`, `rows.csv` and `customers.csv` grow with the files, `totals.csv` and `sources.csv` are written at the
//! end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::file::{Fault, Line, quoted};

/// Lines of one file by kind; `lines` is their sum.
#[derive(Default)]
pub struct FileCounts {
    lines: usize,
    rows: usize,
    rejected: usize,
    title: usize,
    blank: usize,
    header: usize,
    repeated_header: usize,
    footer: usize,
    continuation: usize,
}

impl FileCounts {
    /// Begins to count a file of so many physical lines.
    pub fn new(lines: usize) -> Self {
        Self { lines, ..Self::default() }
    }

    /// Adds physical lines at the end and gives the number of the first of them.
    pub fn lengthen(&mut self, lines: usize) -> usize {
        self.lines += lines;
        self.lines - lines + 1
    }

    /// Counts one line that goes on over `continued` further physical lines.
    pub fn add(&mut self, line: &Line, continued: usize) {
        self.continuation += continued;
        match line {
            Line::Title(_) => self.title += 1,
            Line::Blank => self.blank += 1,
            Line::Header(_) => self.header += 1,
            Line::RepeatedHeader(_) => self.repeated_header += 1,
            Line::Footer(_) => self.footer += 1,
            Line::Data(row) => {
                self.rows += 1;
                self.rejected += usize::from(!row.faults.is_empty());
            }
        }
    }
}

/// Rows of one source: sent = rejected + superseded + staged.
#[derive(Default)]
struct SourceCounts {
    files: usize,
    rows: usize,
    rejected: usize,
    staged: usize,
}

/// Sums of one dealer, order month and currency; money in cents.
#[derive(Default)]
struct Total {
    lines: [i64; 2],
    quantity: [i64; 2],
    amount: [i64; 2],
}

/// Collects the truth of a run.
pub struct Truth {
    folder: PathBuf,
    run_date: NaiveDate,
    faults: BufWriter<File>,
    rows: BufWriter<File>,
    customers: BufWriter<File>,
    sources: BTreeMap<&'static str, SourceCounts>,
    totals: BTreeMap<(String, NaiveDate, &'static str), Total>,
}

impl Truth {
    /// Opens the files of a folder, which is made if need be.
    pub fn new(folder: &Path, run_date: NaiveDate) -> Self {
        fs::create_dir_all(folder).unwrap();
        let rows = "source,file,lines,rows,rejected,title,blank,header,repeated_header,footer,continuation";
        Self {
            faults: open(folder, "faults.csv", "source,file,line,column,rule,text"),
            rows: open(folder, "rows.csv", rows),
            customers: open(folder, "customers.csv", "source,record_key,true_customer"),
            folder: folder.to_owned(),
            run_date,
            sources: BTreeMap::new(),
            totals: BTreeMap::new(),
        }
    }

    /// Notes the faults of one row.
    pub fn faults(&mut self, source: &str, file: &str, line: usize, faults: &[Fault]) {
        for fault in faults {
            let text = quoted(&fault.text, ',');
            writeln!(self.faults, "{source},{file},{line},{},{},{text}", fault.column, fault.rule).unwrap();
        }
    }

    /// Notes what one file holds.
    pub fn file(&mut self, source: &'static str, file: &str, counts: &FileCounts) {
        let total = self.sources.entry(source).or_default();
        total.files += 1;
        total.rows += counts.rows;
        total.rejected += counts.rejected;
        let FileCounts { lines, rows, rejected, title, blank, header, repeated_header, footer, continuation } = counts;
        writeln!(
            self.rows,
            "{source},{file},{lines},{rows},{rejected},{title},{blank},{header},{repeated_header},{footer},{continuation}"
        )
        .unwrap();
    }

    /// Notes how many rows of a source are served.
    pub fn staged(&mut self, source: &'static str, count: usize) {
        self.sources.entry(source).or_default().staged += count;
    }

    /// Notes who stands behind a record.
    pub fn customer(&mut self, source: &str, key: &str, customer: &str) {
        writeln!(self.customers, "{source},{},{customer}", quoted(key, ',')).unwrap();
    }

    /// Adds a served order line: its quantity and its amount in cents of its own currency.
    pub fn order_line(&mut self, dealer: &str, day: NaiveDate, currency: &'static str, line: (i64, i64)) {
        let key = (dealer.to_owned(), crate::months::first_of(day), currency);
        let total = self.totals.entry(key).or_default();
        for cut in 0..=usize::from(day <= self.run_date) {
            total.lines[cut] += 1;
            total.quantity[cut] += line.0;
            total.amount[cut] += line.1;
        }
    }

    /// Writes what is known only at the end.
    pub fn finish(mut self) {
        self.write_sources();
        self.write_totals();
        self.faults.flush().unwrap();
        self.rows.flush().unwrap();
        self.customers.flush().unwrap();
    }

    fn write_sources(&self) {
        let mut out = open(&self.folder, "sources.csv", "source,files,rows,rejected,superseded,staged");
        for (source, SourceCounts { files, rows, rejected, staged }) in &self.sources {
            let superseded = rows - rejected - staged;
            writeln!(out, "{source},{files},{rows},{rejected},{superseded},{staged}").unwrap();
        }
        out.flush().unwrap();
    }

    fn write_totals(&self) {
        let header = "dealer_code,month,currency,lines,quantity,amount,as_of_lines,as_of_quantity,as_of_amount";
        let mut out = open(&self.folder, "totals.csv", header);
        for ((dealer, month, currency), Total { lines, quantity, amount }) in &self.totals {
            let all = format!("{},{},{}", lines[0], quantity[0], money(amount[0]));
            let as_of = format!("{},{},{}", lines[1], quantity[1], money(amount[1]));
            writeln!(out, "{dealer},{month},{currency},{all},{as_of}").unwrap();
        }
        out.flush().unwrap();
    }
}

fn open(folder: &Path, name: &str, header: &str) -> BufWriter<File> {
    let mut file = BufWriter::new(File::create(folder.join(name)).unwrap());
    writeln!(file, "{header}").unwrap();
    file
}

/// Writes cents as a decimal number.
pub fn money(cents: i64) -> String {
    decimal(cents, 2)
}

/// Writes a number of units of 10^-scale.
pub fn decimal(units: i64, scale: u32) -> String {
    if scale == 0 {
        return units.to_string();
    }
    let one = 10_u64.pow(scale);
    let (whole, rest) = (units.unsigned_abs() / one, units.unsigned_abs() % one);
    let sign = if units < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:0width$}", width = usize::try_from(scale).unwrap())
}
