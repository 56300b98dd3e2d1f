//! Tables: rows of values → files of one source, with planted faults, and the count of rows that are served.
//!
//! Of two rows with one key the later version wins, then the path, then the line; rejected rows never count.

use std::collections::BTreeMap;
use std::path::Path;

use crate::file::{Cell, Encoding, Extract, Fault, Form, Layout, Line, Row, text_of};
use crate::random::Dice;
use crate::style::{Style, Value};
use crate::truth::Truth;

/// A text that does not fit its column, and the rule that must say so.
pub struct Plant {
    pub column: &'static str,
    pub rule: &'static str,
    pub text: &'static str,
}

/// Shortens the lists of plants.
pub const fn plant(column: &'static str, rule: &'static str, text: &'static str) -> Plant {
    Plant { column, rule, text }
}

/// A column as a file carries it: its name in the contract and its header.
pub type Column = (&'static str, String);

/// Heads the columns by the words of an office, or by their names in the contract.
pub fn headers(columns: &[(&'static str, &str)], is_by_word: bool) -> Vec<Column> {
    columns.iter().map(|(name, word)| (*name, if is_by_word { word } else { name }.to_string())).collect()
}

/// A record on its way into a file.
pub struct Record {
    pub key: String,
    pub values: Vec<(&'static str, Value)>,
    /// Faults that the values themselves commit.
    pub faults: Vec<Fault>,
}

impl Record {
    /// Wraps the values of a faultless record.
    pub fn new(key: String, values: Vec<(&'static str, Value)>) -> Self {
        Self { key, values, faults: Vec::new() }
    }

    /// Replaces the value of a column.
    pub fn set(&mut self, column: &str, value: &Value) {
        self.values.iter_mut().filter(|(name, _)| *name == column).for_each(|(_, old)| *old = value.clone());
    }

    /// Notes that the values together break a rule of the contract.
    pub fn breaks(&mut self, rule: &'static str) {
        self.faults.push(Fault { column: "", rule, text: String::new() });
    }
}

/// Plants faults into one source at a steady rate.
pub struct Planter {
    rate: f64,
    plants: &'static [Plant],
    /// How many faults were planted, so that each kind has its turn.
    pub turn: usize,
    /// How many of them by this planter's own list.
    spoilt: usize,
}

impl Planter {
    /// Plants at `rate` from a list of misfits.
    pub fn new(rate: f64, plants: &'static [Plant]) -> Self {
        Self { rate, plants, turn: 0, spoilt: 0 }
    }

    /// Says whether the next row is to be spoilt; `factor` is how much likelier than the rate that is.
    pub fn strikes(&self, dice: &mut Dice, factor: f64) -> bool {
        dice.chance((self.rate * factor).min(1.0))
    }

    /// Spoils a row, in one of its cells or in its shape.
    pub fn spoil(&mut self, columns: &[Column], row: &mut Row, style: &Style) {
        let shapes = if style.is_book() { 0 } else { 2 };
        let choice = self.spoilt % (self.plants.len() + shapes);
        self.turn += 1;
        self.spoilt += 1;
        match self.plants.get(choice) {
            Some(plant) => spoil_cell(columns, row, plant, style),
            None => spoil_shape(row, if choice == self.plants.len() { Form::Extra } else { Form::Short }),
        }
    }
}

fn spoil_cell(columns: &[Column], row: &mut Row, plant: &Plant, style: &Style) {
    let Some(index) = columns.iter().position(|column| column.0 == plant.column) else { return };
    let text = if style.decimal_comma { plant.text.replace('.', ",") } else { plant.text.to_owned() };
    row.cells[index] = if text.is_empty() { Cell::Empty } else { Cell::Text(text.clone()) };
    row.faults.push(Fault { column: plant.column, rule: plant.rule, text });
}

/// Gives a row a wrong number of cells, or a byte that cannot be read.
pub fn spoil_shape(row: &mut Row, form: Form) {
    let rule = match form {
        Form::Cut(_) => "truncated",
        Form::Undecodable(_) => "encoding",
        _ => "row_shape",
    };
    row.form = form;
    row.faults = vec![Fault { column: "", rule, text: String::new() }];
}

/// Takes records by so many at a time; what has none makes one empty part.
pub fn parts(records: impl Iterator<Item = Record>, most: usize) -> impl Iterator<Item = Vec<Record>> {
    let mut records = records.peekable();
    let mut is_first = true;
    std::iter::from_fn(move || {
        let is_due = std::mem::take(&mut is_first) || records.peek().is_some();
        is_due.then(|| records.by_ref().take(most).collect())
    })
}

/// Spells the values of a record in the order of the file's columns.
pub fn spelled(style: &Style, dice: &mut Dice, columns: &[Column], record: &Record) -> Row {
    let cell = |(name, _): &Column| {
        let value = record.values.iter().find(|(column, _)| column == name).map_or(&Value::Null, |(_, value)| value);
        style.spell(dice, value)
    };
    Row { cells: columns.iter().map(cell).collect(), faults: record.faults.clone(), form: Form::Plain }
}

/// Records of one workbook: a sheet holds a million rows.
const BOOK_RECORDS: usize = 200_000;

/// The place of a sent row in the order of versions.
type Place = (String, String, usize);

/// One source whose files are sent one after the other.
pub struct Table<'a> {
    pub source: &'static str,
    pub columns: Vec<Column>,
    pub planter: Planter,
    pub dice: Dice,
    /// Name of the sheet in workbooks.
    pub sheet: &'static str,
    folder: &'a Path,
    served: BTreeMap<String, Place>,
}

impl<'a> Table<'a> {
    /// Begins a source whose headers are the given ones.
    pub fn new(
        folder: &'a Path,
        dice: Dice,
        source: &'static str,
        columns: &[(&'static str, &str)],
        planter: Planter,
    ) -> Self {
        Self {
            source, columns: headers(columns, true), planter, dice, sheet: "数据", folder, served: BTreeMap::new()
        }
    }

    /// Writes one file; `version` is what the contract finds in its name.
    pub fn send(&mut self, truth: &mut Truth, path: &str, version: &str, style: &Style, records: &[Record]) {
        let rows = self.rows(style, records);
        let mut lines = vec![Line::Header(self.columns.iter().map(|column| column.1.clone()).collect())];
        lines.extend(rows.iter().cloned().map(Line::Data));
        if style.is_book() {
            lines.insert(0, Line::Blank);
            lines.insert(0, Line::Title(format!("{} {version}", self.source)));
        }
        let extract =
            Extract { source: self.source, path: path.to_owned(), sheet: self.sheet, layout: style.layout, lines };
        let places = extract.write(self.folder, truth);
        self.serve(path, version, records, &rows, &places);
    }

    /// Writes a workbook, and further ones with a number behind the name when there are more records than it takes.
    pub fn send_books(
        &mut self,
        truth: &mut Truth,
        (name, version): (&str, &str),
        style: &Style,
        records: impl Iterator<Item = Record>,
    ) {
        for (number, part) in parts(records, BOOK_RECORDS).enumerate() {
            let number = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            self.send(truth, &format!("{name}{number}_{version}.xlsx"), version, style, &part);
        }
    }

    /// Spells the records of one file and spoils some.
    pub fn rows(&mut self, style: &Style, records: &[Record]) -> Vec<Row> {
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let mut row = spelled(style, &mut self.dice, &self.columns, record);
            if row.faults.is_empty() && self.planter.strikes(&mut self.dice, 1.0) {
                self.planter.spoil(&self.columns, &mut row, style);
            }
            rows.push(row);
        }
        self.cut_last(style, &mut rows);
        rows
    }

    /// Now and then a file breaks off in its last line.
    fn cut_last(&mut self, style: &Style, rows: &mut [Row]) {
        let is_text = matches!(style.layout, Layout::Csv(dialect) if dialect.encoding != Encoding::Gb18030);
        let Some(last) = rows.last_mut() else { return };
        let breaks = is_text && self.planter.rate > 0.0 && self.dice.chance(0.08);
        if breaks && last.faults.is_empty() && !text_of(&last.cells[1]).is_empty() {
            spoil_shape(last, Form::Cut(1));
        }
    }

    /// Notes which of the rows are now the ones that count.
    pub fn serve(&mut self, path: &str, version: &str, records: &[Record], rows: &[Row], places: &[usize]) {
        for ((record, row), line) in records.iter().zip(rows).zip(places) {
            let place = (version.to_owned(), path.to_owned(), *line);
            if row.faults.is_empty() && self.served.get(&record.key).is_none_or(|old| *old < place) {
                self.served.insert(record.key.clone(), place);
            }
        }
    }

    /// Reports how many rows are served; no later file may repeat their keys.
    pub fn settle(&mut self, truth: &mut Truth) {
        truth.staged(self.source, self.served.len());
        self.served.clear();
    }
}
