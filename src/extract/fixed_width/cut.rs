//! One line → its cells, by places that are counted in characters, bytes or display cells.
//!
//! In: a decoded line and the declared columns. Out: its cells in a [`Row`]. Bytes are those that the line's characters
//! have in the file's own encoding, so that places of an export in GB18030 can be taken from its description. A place in
//! the middle of a character is a fault: the line was shifted, or the places are wrong.

use std::ops::Range;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::{
    define::project::{FixedWidthOptions, WidthUnit},
    extract::row::Row,
    record::RawFault,
};

/// Cuts lines.
pub(super) struct Cutter {
    /// Units from a line's start: first, and behind the last.
    columns: Vec<(u64, Option<u64>)>,
    unit: WidthUnit,
    encoding: &'static Encoding,
    /// Where the units of a line begin that are columns' ends; reused.
    places: Vec<Place>,
    /// Columns' starts and ends, ascending.
    edges: Vec<u64>,
}

/// Where an edge stands in a line.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: usize,
    /// Whether a character stands over it.
    inside: bool,
    /// Whether the line ends before it.
    beyond: bool,
}

impl Cutter {
    /// Prepares the declared columns.
    pub(super) fn new(options: &FixedWidthOptions, encoding: &'static Encoding) -> Self {
        let columns: Vec<(u64, Option<u64>)> = options
            .columns
            .iter()
            .map(|column| {
                let start = column.start.saturating_sub(1);
                (start, column.width.map(|width| start.saturating_add(width)))
            })
            .collect();
        let mut edges: Vec<u64> = columns.iter().flat_map(|(start, end)| [Some(*start), *end]).flatten().collect();
        edges.sort_unstable();
        edges.dedup();
        Self { columns, unit: options.by, encoding, places: Vec::new(), edges }
    }

    /// Cuts a line into the row's cells, and returns what is wrong with it.
    pub(super) fn cut(&mut self, line: &str, row: &mut Row) -> Option<RawFault> {
        row.set_raw(line);
        self.find_edges(line);
        let mut torn = false;
        for (start, end) in &self.columns {
            let start = self.place(*start);
            let end = end.map_or(Place { byte: line.len(), inside: false, beyond: false }, |end| self.place(end));
            torn |= start.inside || end.inside;
            if start.beyond && row.unended {
                // A line that was cut while being written is shorter than its columns.
                continue;
            }
            row.push_range(trimmed(line, start.byte..end.byte.max(start.byte)));
        }
        torn.then_some(RawFault::Shape(0, self.columns.len()))
    }

    fn place(&self, edge: u64) -> Place {
        let index = self.edges.partition_point(|found| *found < edge);
        self.places.get(index).copied().unwrap_or(Place { byte: 0, inside: false, beyond: false })
    }

    /// Finds where the edges stand in a line.
    fn find_edges(&mut self, line: &str) {
        self.places.clear();
        let mut units = 0_u64;
        let mut edges = self.edges.iter().peekable();
        for (byte, letter) in line.char_indices() {
            let next = units + width(letter, self.unit, self.encoding);
            while let Some(edge) = edges.next_if(|edge| **edge < next) {
                self.places.push(Place { byte, inside: *edge > units, beyond: false });
            }
            units = next;
        }
        let end = line.len();
        self.places.extend(edges.map(|edge| Place { byte: end, inside: false, beyond: *edge >= units }));
    }
}

/// Returns a cell without the blanks that fill its width.
fn trimmed(line: &str, cell: Range<usize>) -> Range<usize> {
    let text = &line[cell.clone()];
    let is_fill = |letter: char| matches!(letter, ' ' | '\t' | '\u{3000}' | '\0');
    let left = text.trim_start_matches(is_fill);
    let start = cell.start + (text.len() - left.len());
    start..start + left.trim_end_matches(is_fill).len()
}

/// Returns the units of a character.
fn width(letter: char, unit: WidthUnit, encoding: &'static Encoding) -> u64 {
    match unit {
        WidthUnit::Characters => 1,
        WidthUnit::Bytes => bytes(letter, encoding),
        WidthUnit::Display => u64::from(!is_joined(letter)) + u64::from(is_wide(letter)),
    }
}

fn bytes(letter: char, encoding: &'static Encoding) -> u64 {
    if encoding == UTF_8 {
        return letter.len_utf8() as u64;
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return letter.len_utf16() as u64 * 2;
    }
    if letter.is_ascii() || letter == char::REPLACEMENT_CHARACTER {
        return 1;
    }
    let mut text = [0; 4];
    encoding.encode(letter.encode_utf8(&mut text)).0.len() as u64
}

/// Returns whether a character adds nothing to the width of the one before.
fn is_joined(letter: char) -> bool {
    matches!(u32::from(letter), 0x300..=0x36F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F)
}

/// Returns whether a character takes two cells of a terminal: East Asian wide and full-width ones (UAX #11).
fn is_wide(letter: char) -> bool {
    matches!(
        u32::from(letter),
        0x1100..=0x115F
            | 0x2E80..=0x303E
            | 0x3041..=0xA4CF
            | 0xA960..=0xA97F
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE10..=0xFE19
            | 0xFE30..=0xFE6F
            | 0xFF01..=0xFF60
            | 0xFFE0..=0xFFE6
            | 0x1F300..=0x1F64F
            | 0x1F680..=0x1F6FF
            | 0x1F900..=0x1F9FF
            | 0x20000..=0x3FFFD
    )
}
