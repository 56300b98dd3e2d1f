//! Files: rows of cells → the bytes of a CSV file or a workbook, and what is true of each line.
//!
//! The writers know nothing of sources; they place rows, count lines by kind and report faults where they fell.

use std::fs;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};
use encoding_rs::GB18030;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::truth::{FileCounts, Truth};

/// A cell as the file will hold it.
#[derive(Clone)]
pub enum Cell {
    Empty,
    Text(String),
    /// A number: written as such in a workbook, as its text elsewhere.
    Number(String),
    Day(NaiveDate),
    Moment(NaiveDateTime),
}

/// A planted fault; an empty column means the whole row.
#[derive(Clone)]
pub struct Fault {
    pub column: &'static str,
    pub rule: &'static str,
    pub text: String,
}

/// How a row is mangled when it is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    Plain,
    /// One cell too many, from the third on.
    Extra,
    /// The last three cells are missing, or fewer so that two are left.
    Short,
    /// Only so many cells and half of the next, and no line end.
    Cut(usize),
    /// A byte that no encoding knows, in this cell.
    Undecodable(usize),
}

/// A row with its faults.
#[derive(Clone)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub faults: Vec<Fault>,
    pub form: Form,
}

/// A line of a file.
pub enum Line {
    Title(String),
    Blank,
    Header(Vec<String>),
    RepeatedHeader(Vec<String>),
    Data(Row),
    Footer(Vec<Cell>),
}

/// How the bytes of a text file are put.
#[derive(Clone, Copy)]
pub struct Dialect {
    pub delimiter: char,
    pub encoding: Encoding,
    pub line_end: &'static str,
}

/// The encodings that dealers use.
#[derive(Clone, Copy, PartialEq)]
pub enum Encoding {
    Utf8,
    Utf8Bom,
    Gb18030,
}

/// The two forms of file.
#[derive(Clone, Copy)]
pub enum Layout {
    Csv(Dialect),
    Workbook,
}

/// The dialect of files that come from head office systems.
pub const PLAIN: Dialect = Dialect { delimiter: ',', encoding: Encoding::Utf8, line_end: "\n" };

/// A file to be written.
pub struct Extract {
    pub source: &'static str,
    /// Relative to the extracts' folder.
    pub path: String,
    pub sheet: &'static str,
    pub layout: Layout,
    pub lines: Vec<Line>,
}

impl Extract {
    /// Writes the file, reports its faults and counts, and gives the line of each data row.
    pub fn write(&self, folder: &Path, truth: &mut Truth) -> Vec<usize> {
        let target = folder.join(&self.path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let places = match self.layout {
            Layout::Csv(dialect) => self.write_text(&target, dialect),
            Layout::Workbook => self.write_workbook(&target),
        };
        self.report(&places, truth)
    }

    fn write_text(&self, target: &Path, dialect: Dialect) -> Vec<usize> {
        let mut text = TextFile { dialect, bytes: Vec::new(), line: 1 };
        if dialect.encoding == Encoding::Utf8Bom && !self.lines.is_empty() {
            text.bytes.extend("\u{feff}".as_bytes());
        }
        let mut places: Vec<_> = self.lines.iter().map(|line| text.put(line)).collect();
        fs::write(target, &text.bytes).unwrap();
        places.push(text.line);
        places
    }

    fn write_workbook(&self, target: &Path) -> Vec<usize> {
        let mut book = Workbook::new();
        let created = ExcelDateTime::from_ymd(2026, 7, 1).unwrap();
        book.set_properties(&DocProperties::new().set_creation_datetime(&created));
        let sheet = book.add_worksheet().set_name(self.sheet).unwrap();
        for (index, line) in self.lines.iter().enumerate() {
            put_row(sheet, u32::try_from(index).unwrap(), line);
        }
        book.save(target).unwrap();
        (1..=self.lines.len() + 1).collect()
    }

    /// `places` holds the first physical line of each line, and at its end the line after the last.
    fn report(&self, places: &[usize], truth: &mut Truth) -> Vec<usize> {
        let mut counts = FileCounts::new(places[places.len() - 1] - 1);
        let mut data = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let (place, next) = (places[index], places[index + 1]);
            counts.add(line, next - place - 1);
            if let Line::Data(row) = line {
                data.push(place);
                truth.faults(self.source, &self.path, place, &row.faults);
            }
        }
        truth.file(self.source, &self.path, &counts);
        data
    }
}

struct TextFile {
    dialect: Dialect,
    bytes: Vec<u8>,
    /// The number of the next physical line.
    line: usize,
}

impl TextFile {
    /// Appends a line and gives the number of its first physical line.
    fn put(&mut self, line: &Line) -> usize {
        let place = self.line;
        let end = self.dialect.line_end;
        match line {
            Line::Blank => self.append(end),
            Line::Title(text) => self.append(&format!("{text}{end}")),
            Line::Header(names) | Line::RepeatedHeader(names) => self.append(&(self.joined(names) + end)),
            Line::Data(row) => self.put_row(row),
            Line::Footer(cells) => self.append(&(self.joined(&texts(cells)) + end)),
        }
        place
    }

    fn put_row(&mut self, row: &Row) {
        let mut cells = texts(&row.cells);
        let end = self.dialect.line_end;
        match row.form {
            Form::Plain => self.append(&(self.joined(&cells) + end)),
            Form::Extra => {
                cells.insert(2, String::new());
                self.append(&(self.joined(&cells) + end));
            }
            Form::Short => self.append(&(self.joined(&cells[..cells.len() - 3.min(cells.len() - 2)]) + end)),
            Form::Cut(count) => self.put_cut(&cells, count),
            Form::Undecodable(column) => self.put_undecodable(&mut cells, column),
        }
    }

    /// The text breaks off within a cell, at the end of the file.
    fn put_cut(&mut self, cells: &[String], count: usize) {
        let half: String = cells[count].chars().take(cells[count].chars().count() / 2).collect();
        let text = self.joined(&cells[..count]) + &self.dialect.delimiter.to_string() + &half;
        self.append(&text);
        self.line += 1;
    }

    fn put_undecodable(&mut self, cells: &mut [String], column: usize) {
        cells[column] = "\u{fffd}".to_owned() + &cells[column];
        let text = self.joined(cells) + self.dialect.line_end;
        let (before, after) = text.split_once('\u{fffd}').unwrap();
        self.append(before);
        self.bytes.push(0xff);
        self.append(after);
    }

    fn joined(&self, cells: &[String]) -> String {
        let quoted: Vec<_> = cells.iter().map(|cell| quoted(cell, self.dialect.delimiter)).collect();
        quoted.join(&self.dialect.delimiter.to_string())
    }

    fn append(&mut self, text: &str) {
        self.line += text.matches('\n').count();
        match self.dialect.encoding {
            Encoding::Gb18030 => self.bytes.extend(GB18030.encode(text).0.iter()),
            Encoding::Utf8 | Encoding::Utf8Bom => self.bytes.extend(text.as_bytes()),
        }
    }
}

/// Quotes a cell where the delimiter, a quote or a line end asks for it.
pub fn quoted(cell: &str, delimiter: char) -> String {
    if cell.contains([delimiter, '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

fn texts(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(text_of).collect()
}

/// Gives the text of a cell.
pub fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) | Cell::Number(text) => text.clone(),
        Cell::Day(day) => day.to_string(),
        Cell::Moment(moment) => moment.to_string(),
    }
}

fn put_row(sheet: &mut Worksheet, row: u32, line: &Line) {
    match line {
        Line::Blank => {}
        Line::Title(text) => put_cell(sheet, row, 0, &Cell::Text(text.clone())),
        Line::Header(names) | Line::RepeatedHeader(names) => {
            for (column, name) in (0..).zip(names) {
                put_cell(sheet, row, column, &Cell::Text(name.clone()));
            }
        }
        Line::Data(Row { cells, .. }) | Line::Footer(cells) => {
            for (column, cell) in (0..).zip(cells) {
                put_cell(sheet, row, column, cell);
            }
        }
    }
}

fn put_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) {
    let written = match cell {
        Cell::Empty => return,
        Cell::Text(text) => sheet.write_string(row, column, text),
        Cell::Number(text) => sheet.write_number(row, column, text.parse::<f64>().unwrap()),
        Cell::Day(day) => put_serial(sheet, (row, column), day.and_hms_opt(0, 0, 0).unwrap(), "yyyy/m/d"),
        Cell::Moment(moment) => put_serial(sheet, (row, column), *moment, "yyyy-mm-dd hh:mm"),
    };
    written.unwrap();
}

/// Writes a time as Excel does: days since the end of 1899, shown by a number format.
fn put_serial<'a>(
    sheet: &'a mut Worksheet,
    (row, column): (u32, u16),
    moment: NaiveDateTime,
    shown: &str,
) -> Result<&'a mut Worksheet, XlsxError> {
    let origin = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().and_hms_opt(0, 0, 0).unwrap();
    let minutes = i32::try_from((moment - origin).num_minutes()).unwrap();
    let format = Format::new().set_num_format(shown);
    sheet.write_number_with_format(row, column, f64::from(minutes) / 1440.0, &format)
}
