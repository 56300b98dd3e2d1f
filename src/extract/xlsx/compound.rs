//! Compound files (.xls), looked through before calamine reads them: it believes what they say about their own size.
//!
//! In: the file's bytes. Out: the streams that may be the workbook, or why they should not be read: they are encrypted, or
//! reading them would take more memory or time than their own size explains: a chain of sectors without end, sheets on top
//! of each other, cells so far apart that room for all between them would be needed. Deliberately no reader: what is damaged
//! in any other way, calamine says.
//!
//! ```text
//!  header ─► sectors of the table ─► table (what follows each sector) ─► folder ─► stream `Workbook`
//!                                                                                   records ─► corners of each sheet
//! ```

/// Cells for which a sheet may ask room, however few it has.
const FREE_CELLS: u64 = 1 << 22;

/// Room that each cell of a workbook may take, in cells.
const ROOM_OF_A_CELL: u64 = 64;

const CHAIN: &str = "its sectors run in a circle";
const OVERLAP: &str = "its sheets lie on top of each other";
const FAR: &str = "its cells lie too far apart";

/// Sector numbers from here on are no sectors.
const FIRST_MARK: u32 = 0xFFFF_FFFA;

/// Streams below this size lie in the small sectors.
const LEAST_BYTES: u64 = 4_096;

const SMALL_SECTOR: usize = 64;

/// Why a compound file should not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It needs a password.
    Locked,
    /// It asks for more than its size explains.
    Damaged(&'static str),
}

/// Returns every stream that may be the workbook, first the one that calamine reads; none where the file is damaged in a
/// way that calamine will tell.
pub(super) fn workbooks(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let Some(compound) = Compound::of(bytes) else { return Ok(Vec::new()) };
    let streams = compound.and_then(|compound| compound.workbooks()).map_err(Refusal::Damaged)?;
    // What is encrypted looks damaged.
    if streams.iter().any(|stream| globals(stream).any(|record| record.kind == LOCK)) {
        return Err(Refusal::Locked);
    }
    streams.iter().try_for_each(|stream| room(stream)).map_err(Refusal::Damaged)?;
    Ok(streams)
}

/// A compound file whose table was read.
struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    /// For each sector the one that follows it.
    next: Vec<u32>,
}

impl<'a> Compound<'a> {
    /// Reads the table; None where the header is none.
    fn of(bytes: &'a [u8]) -> Option<Result<Self, &'static str>> {
        let sector = match short(bytes, 30)? {
            9 => 512,
            12 => 4_096,
            _ => return None,
        };
        let most = bytes.len() / sector + 1;
        let mut compound = Self { bytes, sector, next: Vec::new() };
        let mut table: Vec<u32> = words(bytes.get(76..512)?).collect();
        let mut number = long(bytes, 68)?;
        for _ in 0..most {
            if number >= FIRST_MARK {
                break;
            }
            table.extend(words(compound.sector(number)));
            number = table.pop()?;
        }
        table.retain(|number| *number < FIRST_MARK);
        if number < FIRST_MARK || table.len() > most {
            return Some(Err(CHAIN));
        }
        compound.next = table.iter().flat_map(|number| words(compound.sector(*number))).collect();
        Some(Ok(compound))
    }

    /// Returns a sector; what lies beyond the end of the file is empty.
    fn sector(&self, number: u32) -> &'a [u8] {
        let begin = usize::try_from(number).ok().and_then(|number| number.checked_add(1)?.checked_mul(self.sector));
        begin.and_then(|begin| self.bytes.get(begin..)).map_or(&[], |rest| &rest[..rest.len().min(self.sector)])
    }

    /// Joins the sectors from `first` on, up to `most` bytes.
    fn chain(&self, first: u32, most: u64) -> Result<Vec<u8>, &'static str> {
        joined(first, most, &self.next, self.bytes.len() / self.sector + 1, |number| self.sector(number))
    }

    /// Returns every stream that may be the workbook; where there are two, calamine reads `Workbook`.
    fn workbooks(&self) -> Result<Vec<Vec<u8>>, &'static str> {
        let folder = self.chain(long(self.bytes, 48).unwrap_or(FIRST_MARK), u64::MAX)?;
        let entries: Vec<Entry> = folder.chunks_exact(128).filter_map(|entry| Entry::of(entry, self.sector)).collect();
        let Some(root) = entries.first() else { return Ok(Vec::new()) };
        let small = self.chain(root.first, root.length)?;
        let small_bytes = u64::from(long(self.bytes, 64).unwrap_or(0)) * self.sector as u64;
        let small_table = self.chain(long(self.bytes, 60).unwrap_or(FIRST_MARK), small_bytes)?;
        let small_next: Vec<u32> = words(&small_table).collect();
        let small_sector = |number: u32| {
            let begin = usize::try_from(number).map_or(usize::MAX, |number| number.saturating_mul(SMALL_SECTOR));
            small.get(begin..).map_or(&[][..], |rest| &rest[..rest.len().min(SMALL_SECTOR)])
        };
        let named = |name: &'static str| entries.iter().filter(move |entry| entry.name == name);
        let books = named("workbook").chain(named("book"));
        let stream = |entry: &Entry| match entry.length {
            length if length < LEAST_BYTES => {
                joined(entry.first, length, &small_next, self.bytes.len() / SMALL_SECTOR + 1, small_sector)
            }
            length => self.chain(entry.first, length),
        };
        books.map(stream).collect()
    }
}

/// An entry of the folder.
struct Entry {
    /// In small letters.
    name: String,
    first: u32,
    length: u64,
}

impl Entry {
    fn of(bytes: &[u8], sector: usize) -> Option<Self> {
        let letters = bytes.get(..64)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let name: String = char::decode_utf16(letters.take_while(|letter| *letter != 0)).flatten().collect();
        let length = u64::from(long(bytes, 120)?);
        let above = if sector == 512 { 0 } else { u64::from(long(bytes, 124)?) };
        Some(Self { name: name.to_ascii_lowercase(), first: long(bytes, 116)?, length: above << 32 | length })
    }
}

/// Joins a chain of sectors; none may have more of them than there are.
fn joined<'s>(
    first: u32,
    most: u64,
    next: &[u32],
    sectors: usize,
    sector: impl Fn(u32) -> &'s [u8],
) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    let mut number = first;
    for _ in 0..=sectors {
        if number >= FIRST_MARK || bytes.len() as u64 >= most {
            return Ok(bytes);
        }
        let left = usize::try_from(most - bytes.len() as u64).unwrap_or(usize::MAX);
        let found = sector(number);
        bytes.extend_from_slice(&found[..found.len().min(left)]);
        number = usize::try_from(number).ok().and_then(|number| next.get(number).copied()).unwrap_or(FIRST_MARK);
    }
    Err(CHAIN)
}

/// One record of a workbook.
pub(super) struct Record<'a> {
    pub kind: u16,
    pub data: &'a [u8],
}

/// Returns the records from an offset on, up to the first that is cut.
pub(super) fn records(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (kind, length) = (short(rest, 0)?, usize::from(short(rest, 2)?));
        let data = rest.get(4..4 + length)?;
        rest = &rest[4 + length..];
        Some(Record { kind, data })
    })
}

/// Returns the records that stand before those of the sheets.
pub(super) fn globals(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    records(stream).take_while(|record| record.kind != END)
}

pub(super) const BEGIN: u16 = 0x0809;
pub(super) const END: u16 = 0x000A;
pub(super) const SHEET: u16 = 0x0085;
const LOCK: u16 = 0x002F;
const DIMENSIONS: u16 = 0x0200;

/// Formulas and their texts, numbers, texts, truth values; a row of numbers is told by its first and its last column.
const CELLS: [u16; 8] = [0x0006, 0x0203, 0x0204, 0x00D6, 0x0205, 0x027E, 0x00FD, 0x00BD];
pub(super) const NUMBERS_OF_A_ROW: u16 = 0x00BD;

/// Expects that calamine's room for a workbook's cells is not far above what the workbook fills.
fn room(stream: &[u8]) -> Result<(), &'static str> {
    let begins = globals(stream).filter(|record| record.kind == SHEET);
    let begins = begins.filter_map(|record| usize::try_from(long(record.data, 0)?).ok());
    let (mut read, mut area, mut cells) = (0, 0_u64, 0_u64);
    for begin in begins {
        let Some(stream) = stream.get(begin..) else { continue };
        let sheet = Sheet::read(stream);
        read += sheet.bytes;
        area = area.saturating_add(sheet.area());
        cells += sheet.cells;
        if read > stream.len() + begin {
            return Err(OVERLAP);
        }
    }
    if area > FREE_CELLS + cells * ROOM_OF_A_CELL { Err(FAR) } else { Ok(()) }
}

/// What a sheet asks for.
#[derive(Default)]
struct Sheet {
    bytes: usize,
    cells: u64,
    /// Room for cells that it declares.
    declared: u64,
    /// First and last row and column of a cell.
    corners: Option<[u16; 4]>,
}

impl Sheet {
    fn read(stream: &[u8]) -> Self {
        let mut sheet = Self::default();
        // Charts within a sheet have their own beginning and end.
        let mut depth = 0_usize;
        for record in records(stream) {
            sheet.bytes += record.data.len() + 4;
            match record.kind {
                BEGIN => depth += 1,
                END if depth <= 1 => break,
                END => depth -= 1,
                DIMENSIONS => sheet.declared = sheet.declared.saturating_add(declared(record.data)),
                kind if CELLS.contains(&kind) => sheet.cell(&record),
                _ => {}
            }
        }
        sheet
    }

    fn cell(&mut self, record: &Record<'_>) {
        let (Some(row), Some(first)) = (short(record.data, 0), short(record.data, 2)) else { return };
        let last = record.data.len().checked_sub(2).filter(|_| record.kind == NUMBERS_OF_A_ROW);
        let last = last.and_then(|at| short(record.data, at)).unwrap_or(first);
        let [top, bottom, left, right] = self.corners.unwrap_or([row, row, first, last]);
        self.corners = Some([top.min(row), bottom.max(row), left.min(first), right.max(last)]);
        self.cells += 1 + u64::from(last.saturating_sub(first));
    }

    /// Returns the cells between the corners, or those declared.
    fn area(&self) -> u64 {
        let between = |low: u16, high: u16| u64::from(high.saturating_sub(low)) + 1;
        let found = self.corners.map_or(0, |[top, bottom, left, right]| between(top, bottom) * between(left, right));
        found.max(self.declared)
    }
}

/// Returns for how many cells a sheet asks room.
fn declared(data: &[u8]) -> u64 {
    let corners = match data.len() {
        10 => [0, 2, 4, 6].map(|at| short(data, at).map(u32::from)),
        14.. => [long(data, 0), long(data, 4), short(data, 8).map(u32::from), short(data, 10).map(u32::from)],
        _ => return 0,
    };
    // The last ones are those behind the last row and column, so that zero is an empty sheet.
    let [Some(top), Some(bottom @ 1..), Some(left), Some(right @ 1..)] = corners else { return 1 };
    let left = if left > 0xFF || right < left { 0 } else { left };
    // A last row above the first one makes, without a sign, more rows than there are.
    u64::from(bottom.wrapping_sub(top)) * u64::from(right - left)
}

pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

pub(super) fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &[u8] = include_bytes!("../../../tests/files/sales_1900.xls");

    /// Says why a file should not be read.
    fn refusal(bytes: &[u8]) -> Option<Refusal> {
        workbooks(bytes).err()
    }

    /// Returns the book with some bytes at an offset changed.
    fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut book = BOOK.to_vec();
        book[at..at + bytes.len()].copy_from_slice(bytes);
        book
    }

    /// Returns where the nth record of a kind begins.
    fn place(kind: u16, nth: usize) -> usize {
        let begin = memchr::memmem::find(BOOK, &[0x09, 0x08, 0x10, 0x00]).unwrap_or_default();
        let mut at = begin;
        let mut all = records(&BOOK[begin..]).filter_map(|record| {
            let here = at;
            at += record.data.len() + 4;
            (record.kind == kind).then_some(here)
        });
        all.nth(nth).unwrap_or_default()
    }

    #[test]
    fn sound_workbooks_pass() {
        assert_eq!(refusal(BOOK), None);
        assert_eq!(refusal(include_bytes!("../../../tests/files/sales_1904.xls")), None);
        assert_eq!(refusal(&BOOK[..600]), None, "what is only cut is left to the reader");
        assert_eq!(refusal(b""), None);
    }

    #[test]
    fn a_chain_that_never_ends_is_refused() {
        let folder = long(BOOK, 48).unwrap_or_default();
        let table = 512 * (long(BOOK, 76).unwrap_or_default() as usize + 1);
        let circle = patched(table + 4 * folder as usize, &folder.to_le_bytes());
        assert_eq!(refusal(&circle), Some(Refusal::Damaged(CHAIN)));
        let sectors_of_the_table = [0_u8; 4 * 109];
        assert_eq!(refusal(&patched(76, &sectors_of_the_table)), Some(Refusal::Damaged(CHAIN)));
    }

    #[test]
    fn two_cells_in_opposite_corners_are_refused() {
        let cell = place(0x00FD, 0);
        let far = patched(cell + 4, &[0xFF, 0xFF, 0xFF, 0x00]);
        assert_eq!(refusal(&far), Some(Refusal::Damaged(FAR)));
        let size = place(DIMENSIONS, 0);
        assert_eq!(
            refusal(&patched(size + 4, &[9, 0, 0, 0, 1, 0, 0, 0])),
            Some(Refusal::Damaged(FAR)),
            "rows that end before they begin"
        );
    }

    #[test]
    fn what_is_encrypted_is_not_looked_at() {
        let page = place(0x0042, 0);
        let mut locked = patched(page, &LOCK.to_le_bytes());
        assert_eq!(refusal(&locked), Some(Refusal::Locked));
        let cell = place(0x00FD, 0);
        locked[cell + 4..cell + 8].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x00]);
        assert_eq!(refusal(&locked), Some(Refusal::Locked), "cells that only look far apart");
    }

    #[test]
    fn sheets_in_one_place_are_refused() {
        let record = |kind: u16, data: &[u8]| {
            let length = u16::try_from(data.len()).unwrap_or_default();
            [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
        };
        let book = |sheets: usize, begin: u8| -> Vec<u8> {
            let names = record(SHEET, &[begin, 0, 0, 0, 0, 0]).repeat(sheets);
            [names, record(END, &[]), record(BEGIN, &[0; 16]), record(0x0203, &[0; 14]), record(END, &[])].concat()
        };
        assert_eq!(room(&book(1, 14)), Ok(()));
        assert_eq!(room(&book(9, 94)), Err(OVERLAP));
    }
}
