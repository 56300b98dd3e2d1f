//! Tells records from the lines around them: blanks, repeated headers, total rows, notes.
//!
//! In: rows below the header, in order. Out: records in batches, and every line counted. A total word alone makes no
//! total row: a complete row stays a record, whatever its first cell says. What can only be told once the records have
//! ended is held back, at most [`HELD_ROWS`] rows: more of them in a row are no footer. So a file can be sieved in parts,
//! of which each says what it left open. Deliberately ignorant of types: a bad value is the contract's affair.

use std::sync::Arc;

use super::{
    BATCH_ROWS, Hints,
    header::fold,
    row::{Row, is_blank},
};
use crate::record::{LineCount, RawBatch, RawFault, SkippedLines};

/// The most rows that are held back; a footer is shorter.
const HELD_ROWS: usize = 64;

/// A batch is full at this size, so that the rows held back fit into it as well.
const FULL: usize = BATCH_ROWS - HELD_ROWS - 1;

/// A batch is full with this much text, however few its rows.
const FULL_BYTES: usize = 16 * 1024 * 1024;

/// Words that begin a total row, folded and without blanks.
const TOTAL_WORDS: [&str; 66] = [
    "合计",
    "总计",
    "小计",
    "累计",
    "共计",
    "总合计",
    "本页合计",
    "本页小计",
    "本月合计",
    "本月累计",
    "合計",
    "總計",
    "小計",
    "総計",
    "総合計",
    "累計",
    "합계",
    "총계",
    "총합계",
    "소계",
    "total",
    "grandtotal",
    "subtotal",
    "totals",
    "sum",
    "summe",
    "gesamt",
    "insgesamt",
    "gesamtsumme",
    "zwischensumme",
    "teilsumme",
    "endsumme",
    "gesamtergebnis",
    "teilergebnis",
    "totalgénéral",
    "totalgeneral",
    "soustotal",
    "somme",
    "suma",
    "sumatotal",
    "soma",
    "totalgeral",
    "totale",
    "totalegenerale",
    "totalecomplessivo",
    "subtotale",
    "totaal",
    "eindtotaal",
    "subtotaal",
    "totalt",
    "delsumma",
    "summa",
    "итого",
    "всего",
    "общийитог",
    "промежуточныйитог",
    "razem",
    "ogółem",
    "sumakońcowa",
    "celkem",
    "mezisoučet",
    "összesen",
    "végösszeg",
    "toplam",
    "geneltoplam",
    "aratoplam",
];

/// Words that begin a note below the records, folded.
const NOTE_WORDS: [&str; 22] = [
    "制表",
    "制单",
    "填表",
    "填报",
    "审核",
    "复核",
    "审批",
    "备注",
    "说明",
    "注:",
    "打印",
    "导出",
    "负责人",
    "统计日期",
    "共",
    "note",
    "remark",
    "prepared by",
    "printed",
    "exported",
    "generated",
    "approved",
];

/// Signs with which lines are drawn.
const RULE: &[u8] = b"-=_+";

/// What a row below the header is.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Record,
    Skipped(SkippedLines),
    /// A footer if no record follows.
    Held,
}

/// What tells the rows below one header apart; the same for every part of a file.
#[derive(Debug)]
pub(super) struct Rules {
    header: Vec<String>,
    /// Cells of the header row as written, unnamed ones at its end included.
    written: usize,
    /// Columns of each required column of the contract that the header has.
    required: Vec<Vec<usize>>,
    /// Whether what reads like the header is it once more: the contract knows one of its names, or none of them is a value.
    repeats: bool,
}

/// The rows below one header, or a part of them.
#[derive(Debug)]
pub(super) struct Sieve {
    rules: Arc<Rules>,
    held: Vec<Row>,
    /// Rows at the end that are a footer if they are few and no record follows.
    run: usize,
    has_record: bool,
    count: LineCount,
}

/// What a sieve knows at the end of a part of a file: the next parts decide what the held rows are.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// Rows that are a footer if no record follows.
    pub held: Vec<Row>,
    /// Their number, or that of rows like them which were too many to be one.
    pub run: usize,
    /// Whether the part has a record that is beyond doubt.
    pub has_record: bool,
    /// The lines that are settled.
    pub count: LineCount,
}

impl Sieve {
    /// Begins below a header with these names, whose row has `written` cells.
    pub(super) fn new(header: &[String], written: usize, hints: &Hints) -> Self {
        Self::part(Arc::new(Rules::new(header, written, hints)))
    }

    /// Begins a part of the rows.
    pub(super) fn part(rules: Arc<Rules>) -> Self {
        Self { rules, held: Vec::new(), run: 0, has_record: false, count: LineCount::default() }
    }

    /// Returns the lines counted so far.
    pub(super) fn count(&self) -> &LineCount {
        &self.count
    }

    /// Returns whether a batch should be handed on.
    pub(super) fn is_full(batch: &RawBatch) -> bool {
        batch.len() >= FULL || batch.text_bytes() >= FULL_BYTES
    }

    /// Counts lines that are no records.
    pub(super) fn skip(&mut self, kind: SkippedLines, lines: u64) {
        skip(&mut self.count, kind, lines);
    }

    /// Takes the next row.
    pub(super) fn take(&mut self, row: &mut Row, batch: &mut RawBatch) {
        if !self.is_record(row) {
            return;
        }
        let width = self.rules.width();
        for held in self.released() {
            held.write(batch, width);
        }
        self.record(row);
        row.write(batch, width);
    }

    /// Decides on the next row. For a record the caller takes what is [`Sieve::released`], and counts it by
    /// [`Sieve::record`].
    pub(super) fn is_record(&mut self, row: &Row) -> bool {
        match self.rules.kind(row) {
            Kind::Skipped(kind) => {
                self.skip(kind, row.lines);
                false
            }
            Kind::Held => {
                self.run += 1;
                if self.run <= HELD_ROWS {
                    self.held.push(row.clone());
                }
                self.run > HELD_ROWS
            }
            Kind::Record => {
                self.saw_record();
                true
            }
        }
    }

    /// Notes that a record ends a run of rows that might have been a footer.
    pub(super) fn saw_record(&mut self) {
        self.run = 0;
        self.has_record = true;
    }

    /// Returns the rows that turned out to be records, counted.
    pub(super) fn released(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.held);
        for row in &mut rows {
            self.record(row);
        }
        rows
    }

    /// Returns whether rows are held back.
    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Counts a record and finds the fault of its width.
    pub(super) fn record(&mut self, row: &mut Row) {
        row.fault = row.fault.or_else(|| self.rules.width_fault(row));
        count_record(&mut self.count, row.lines);
    }

    /// Counts records of one line each.
    pub(super) fn count_plain(&mut self, records: u64) {
        self.count.lines += records;
        self.count.rows += records;
    }

    /// Ends a part of the file.
    pub(super) fn into_open(self) -> Open {
        Open { held: self.held, run: self.run, has_record: self.has_record, count: self.count }
    }

    /// Goes on after a part that was sieved elsewhere, and returns the rows that it shows to be records.
    pub(super) fn join(&mut self, part: Open) -> Vec<Row> {
        let mut released = Vec::new();
        add(&mut self.count, &part.count);
        if part.has_record {
            released = self.released();
            self.saw_record();
        }
        self.run += part.run;
        self.held.extend(part.held);
        if self.run > HELD_ROWS {
            released.extend(self.released());
        }
        released
    }

    /// Ends the file: what was held back is its footer.
    pub(super) fn finish(&mut self) {
        for row in std::mem::take(&mut self.held) {
            self.skip(SkippedLines::Footer, row.lines);
        }
    }
}

fn skip(count: &mut LineCount, kind: SkippedLines, lines: u64) {
    if lines > 0 {
        count.lines += lines;
        *count.skipped.entry(kind).or_default() += lines;
    }
}

fn count_record(count: &mut LineCount, lines: u64) {
    count.lines += 1;
    count.rows += 1;
    skip(count, SkippedLines::Continuation, lines - 1);
}

fn add(count: &mut LineCount, part: &LineCount) {
    count.lines += part.lines;
    count.rows += part.rows;
    for (kind, lines) in &part.skipped {
        *count.skipped.entry(*kind).or_default() += lines;
    }
}

impl Rules {
    /// Takes a header whose row has `written` cells.
    pub(super) fn new(header: &[String], written: usize, hints: &Hints) -> Self {
        let folded: Vec<String> = header.iter().map(|name| fold(name)).collect();
        let columns = |names: &Vec<String>| -> Vec<usize> {
            let names: Vec<String> = names.iter().map(|name| fold(name)).collect();
            (0..folded.len()).filter(|column| names.contains(&folded[*column])).collect()
        };
        let required = hints.required.iter().map(columns).filter(|columns| !columns.is_empty()).collect();
        let repeats = !columns(&hints.names).is_empty() || !header.iter().any(|name| is_number(name));
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        Self { written: written.max(header.len()), header, required, repeats }
    }

    /// Returns the number of columns.
    pub(super) fn width(&self) -> usize {
        self.header.len()
    }

    /// Returns whether a record of `width` cells fits the header, apart from what surplus cells hold.
    pub(super) fn fits(&self, width: usize) -> bool {
        (self.header.len()..=self.written).contains(&width)
    }

    /// Returns whether cells that fit are a record at first sight: keys filled, or most cells, and no header again. False
    /// says nothing. Cells are start and length in `text`.
    pub(super) fn is_plainly_record(&self, text: &[u8], cells: &[(u32, u32)]) -> bool {
        let cell = |column: usize| {
            let (start, length) = cells[column];
            &text[start as usize..start as usize + length as usize]
        };
        // A dash alone stands for nothing; what begins with a letter of many bytes may be a wide blank.
        let is_filled = |cell: &[u8]| match cell {
            [] => false,
            [b'-', rest @ ..] => rest.first().is_some_and(u8::is_ascii_graphic),
            [first, ..] => first.is_ascii_graphic() || (0xE4..0xEF).contains(first),
        };
        let (Some(name), false) = (self.header.first(), cells.is_empty()) else { return false };
        let first = cell(0);
        if !is_filled(first) || is_drawn(first) || first.starts_with(name.as_bytes()) {
            return false;
        }
        let is_keyed = self.required.iter().all(|columns| columns.iter().any(|column| is_filled(cell(*column))));
        // An only key may be the word of a total, none of which has a digit.
        let is_no_word = match &self.required[..] {
            [] => false,
            [key] => !key.contains(&0) || first.iter().any(u8::is_ascii_digit),
            _ => true,
        };
        let is_full = || (0..cells.len()).filter(|column| is_filled(cell(*column))).count() * 2 > self.header.len();
        is_keyed && (is_no_word || is_full())
    }

    fn width_fault(&self, row: &Row) -> Option<RawFault> {
        let (found, expected) = (row.width(), self.header.len());
        if found < expected {
            let fault = if row.unended { RawFault::Truncated } else { RawFault::Shape(found, expected) };
            return Some(fault);
        }
        // A shifted row may end in an empty cell, so a surplus cell counts even if it is empty.
        (found > self.written).then_some(RawFault::Shape(found, expected))
    }

    fn kind(&self, row: &Row) -> Kind {
        if row.fault.is_some() {
            return Kind::Record;
        }
        let filled = row.filled();
        if filled == 0 || is_rule(row) {
            return Kind::Skipped(SkippedLines::Blank);
        }
        if self.repeats_header(row) {
            return Kind::Skipped(SkippedLines::RepeatedHeader);
        }
        let first = row.cells().find(|cell| !is_blank(cell)).unwrap_or_default();
        let missing = self.missing(row);
        if self.is_total(row, first, filled, missing) {
            return Kind::Skipped(SkippedLines::Footer);
        }
        if self.may_be_footer(row, first, filled, missing) { Kind::Held } else { Kind::Record }
    }

    fn repeats_header(&self, row: &Row) -> bool {
        self.repeats
            && row.width() >= self.header.len()
            && self.header.iter().enumerate().all(|(column, name)| row.cell(column).trim() == name)
    }

    /// Returns how many of the contract's required columns are empty.
    fn missing(&self, row: &Row) -> usize {
        let is_empty =
            |column: &usize| is_blank(row.cell(*column)) || matches!(row.cell(*column).trim(), "-" | "—" | "–");
        self.required.iter().filter(|columns| columns.iter().all(is_empty)).count()
    }

    /// Returns whether a row is a total wherever it stands: its word stands in place of a key, or is the only key of a row
    /// that has little else.
    fn is_total(&self, row: &Row, first: &str, filled: usize, missing: usize) -> bool {
        let sparse = filled * 2 <= self.header.len();
        if missing > 0 {
            return is_total_word(first);
        }
        let [key] = &self.required[..] else { return false };
        let begins = || (0..row.width()).find(|column| !is_blank(row.cell(*column)));
        sparse && is_total_word(first) && begins().is_some_and(|column| key.contains(&column))
    }

    /// Returns whether a row is a footer if no record follows: a total row, a note, or a row without most of its keys.
    fn may_be_footer(&self, row: &Row, first: &str, filled: usize, missing: usize) -> bool {
        let width = self.header.len();
        let complete = !self.required.is_empty() && missing == 0;
        let sparse = filled * 2 <= width;
        if complete || !sparse {
            return false;
        }
        let is_short = row.width() < width;
        let named = is_total_word(first) || is_note(first) || is_short && is_label(first);
        if row.unended && is_short {
            // A half-written record and a note look alike here; only what names itself is a note.
            return named;
        }
        let alone = filled == 1 && width > 3;
        let keyless = !is_short && missing * 2 > self.required.len();
        named || alone || keyless
    }
}

/// Returns whether a row of several cells is a line drawn with signs: `--|----|-`.
fn is_rule(row: &Row) -> bool {
    row.width() > 1
        && row.cells().all(|cell| is_drawn(cell.trim().as_bytes()))
        && row.cells().any(|cell| cell.trim().len() > 2)
}

fn is_drawn(cell: &[u8]) -> bool {
    cell.iter().all(|byte| RULE.contains(byte))
}

/// Returns whether a cell is a word for a total, with or without a colon.
fn is_total_word(cell: &str) -> bool {
    if cell.len() > 64 {
        return false;
    }
    let word: String = fold(cell).chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    TOTAL_WORDS.contains(&word.trim_end_matches(':'))
}

/// Returns whether a cell begins with a note's word: `Notes: …`, but not `Notebook`.
fn is_note(cell: &str) -> bool {
    let cell = fold(cell);
    NOTE_WORDS.iter().filter_map(|word| Some((*word, cell.strip_prefix(word)?))).any(|(word, rest)| match word {
        // `共 15 条`, but not `共享`.
        "共" => rest.trim_start().starts_with(|sign: char| sign.is_ascii_digit()),
        _ if word.is_ascii() => !rest.strip_prefix('s').unwrap_or(rest).starts_with(char::is_alphanumeric),
        _ => true,
    })
}

/// Returns whether a cell is a number, however it is written.
fn is_number(cell: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_digit() || b"+-.,eE%".contains(&byte);
    let cell = cell.trim();
    cell.bytes().all(is_sign) && cell.bytes().any(|byte| byte.is_ascii_digit())
}

/// Returns whether a cell reads `word: …`.
fn is_label(cell: &str) -> bool {
    let cell = fold(cell);
    let Some((word, _)) = cell.split_once(':') else { return false };
    !word.is_empty() && word.chars().count() <= 12 && !word.chars().any(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_words_are_known_in_every_dress() {
        for word in [
            "合计",
            " 合 计：",
            "总计:",
            "Grand Total",
            "Sub-total",
            "SUM",
            "ＴＯＴＡＬ",
            "本页合计",
            "Zwischensumme",
            "GESAMTERGEBNIS",
            "Total général",
            "Sous-total",
            "Итого:",
            "총 합계",
        ] {
            assert!(is_total_word(word), "{word}");
        }
        for word in ["合计有限公司", "", "totally", "小", "D001", "Total SA", "Gesamt GmbH", "Müller Ergebnis"]
        {
            assert!(!is_total_word(word), "{word}");
        }
    }

    #[test]
    fn a_word_for_a_total_needs_a_missing_key_or_is_the_only_key_of_little_else() {
        let header = ["order", "day", "customer", "amount"].map(str::to_owned);
        let kind = |required: &[&str], cells: &[&str]| {
            let required = required.iter().map(|name| vec![(*name).to_owned()]).collect();
            let rules = Rules::new(&header, 4, &Hints { names: header.to_vec(), required });
            let mut row = Row::default();
            for cell in cells {
                row.push_joined(Some(cell));
            }
            rules.kind(&row)
        };
        let footer = Kind::Skipped(SkippedLines::Footer);
        assert_eq!(kind(&["order"], &["Summe", "", "", "300,50"]), footer);
        assert_eq!(kind(&["order"], &["Summe", "05.01.2026", "", "300,50"]), Kind::Record);
        assert_eq!(kind(&["order"], &["Gesamt GmbH", "", "", "300,50"]), Kind::Record);
        assert_eq!(kind(&["order", "amount"], &["Summe", "", "", "300,50"]), Kind::Record);
        assert_eq!(kind(&["order", "day"], &["Summe", "", "x", "300,50"]), footer);
        // A subtotal of a group has a customer's name, and a row without its key is shown in quarantine.
        assert_ne!(kind(&["order"], &["", "", "Müller Ergebnis", "201"]), footer);
        assert_eq!(kind(&[], &["Summe", "", "", "300,50"]), Kind::Held);
    }

    #[test]
    fn a_note_begins_with_a_word_and_not_with_a_part_of_one() {
        for note in ["Note: x", "Notes", "remarks 2", "Prepared by Li", "共15条", "共 3 行", "备注：无", "制表人"]
        {
            assert!(is_note(note), "{note}");
        }
        for name in ["Notebook", "Remarkable", "共享单车", "Noted", "x"] {
            assert!(!is_note(name), "{name}");
        }
    }

    #[test]
    fn a_header_with_numbers_that_nobody_knows_may_be_a_record_and_comes_again_as_one() {
        let header = ["city", "2021"].map(str::to_owned);
        let repeats = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Rules::new(&header, 2, &Hints { names, required: Vec::new() }).repeats
        };
        assert!(!repeats(&[]) && !repeats(&["name"]) && repeats(&["City"]));
    }

    #[test]
    fn a_label_is_a_word_before_a_colon() {
        assert!(is_label("制表人：张三"));
        assert!(!is_label("2024-01-01 10:00"));
        assert!(!is_label("D001"));
    }
}
