//! Merged cells of an .xlsb, which calamine does not give.
//!
//! In: the workbook's zip archive. Out: the merged cells of a sheet. Deliberately reads nothing else, and does not say what
//! is damaged: calamine reads the same parts, and does.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{
    compound::long,
    grid::{MOST_COLUMNS, Merge},
    markup::{Event, Scanner, attribute},
    office::resolve,
};
use crate::{
    extract::{
        Error, Limits,
        unpack::{Budget, Container, zip::Archive},
    },
    storage::content::Content,
};

/// A sheet in the workbook's list, and merged cells in a sheet.
const SHEET: u32 = 156;
const MERGE: u32 = 176;

/// The parts of a workbook.
pub(super) struct Parts {
    archive: Archive,
    container: Container,
    budget: Budget,
    /// Members of the archive by the names of the sheets.
    targets: HashMap<String, String>,
}

impl Parts {
    /// Reads where the sheets lie.
    pub(super) fn open(path: &Arc<str>, content: &Content, archive: Archive, limits: &Limits) -> Result<Self, Error> {
        let (container, budget) = (Container::new(content.len()), Budget::new(limits));
        let mut parts = Self { archive, container, budget, targets: HashMap::new() };
        let relations = parts.part(path, "xl/_rels/workbook.bin.rels")?;
        let relations = String::from_utf8_lossy(&relations);
        let relation = |event| {
            let Event::Open { name: "Relationship", attributes, .. } = event else { return None };
            let target = resolve("xl", &attribute(attributes, "Target")?);
            Some((attribute(attributes, "Id")?.into_owned(), target))
        };
        let relations: HashMap<String, String> = Scanner::new(&relations).filter_map(relation).collect();
        let book = parts.part(path, "xl/workbook.bin")?;
        let sheets = records(&book).filter(|(kind, _)| *kind == SHEET);
        parts.targets = sheets.filter_map(|(_, data)| sheet(data, &relations)).collect();
        Ok(parts)
    }

    /// Returns the merged cells of a sheet by its name.
    pub(super) fn merges(&mut self, path: &Arc<str>, sheet: &str) -> Result<Vec<Merge>, Error> {
        let Some(target) = self.targets.get(sheet).cloned() else { return Ok(Vec::new()) };
        let part = self.part(path, &target)?;
        let merges = records(&part).filter(|(kind, _)| *kind == MERGE);
        Ok(merges.filter_map(|(_, data)| merge(data)).collect())
    }

    /// Unpacks a part; one that is not there is empty.
    fn part(&mut self, path: &Arc<str>, name: &str) -> Result<Bytes, Error> {
        let Some(index) = self.archive.find(name) else { return Ok(Bytes::new()) };
        let content = self.archive.read(path, index, &mut self.container, &mut self.budget)?;
        content.bytes().map_err(|error| crate::extract::disk(path, &error))
    }
}

/// Returns a sheet's name and its member of the archive.
fn sheet(data: &[u8], relations: &HashMap<String, String>) -> Option<(String, String)> {
    let (relation, end) = text(data, 8)?;
    let (name, _) = text(data, end)?;
    Some((name, relations.get(&relation)?.clone()))
}

/// Returns the area that a record of merged cells names: first and last row, first and last column, from 0.
fn merge(data: &[u8]) -> Option<Merge> {
    let (top, bottom) = (long(data, 0)?, long(data, 4)?);
    let (first, last) = (usize::try_from(long(data, 8)?).ok()?, usize::try_from(long(data, 12)?).ok()?);
    let merge = Merge { line: u64::from(top) + 1, last_line: u64::from(bottom) + 1, first, last };
    (top <= bottom && first <= last && last < MOST_COLUMNS).then_some(merge)
}

/// Returns the text at an offset, whose length in letters stands before it, and where it ends.
fn text(data: &[u8], at: usize) -> Option<(String, usize)> {
    let length = usize::try_from(long(data, at)?).ok()?;
    let end = length.checked_mul(2)?.checked_add(at + 4)?;
    let letters = data.get(at + 4..end)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    Some((char::decode_utf16(letters).flatten().collect(), end))
}

/// Returns the kinds and the data of a part's records, up to the first that is cut.
fn records(part: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let kind = number(&mut rest, 2)?;
        let length = usize::try_from(number(&mut rest, 4)?).ok()?;
        let data = rest.get(..length)?;
        rest = &rest[length..];
        Some((kind, data))
    })
}

/// Takes a number of at most so many bytes: seven bits of it lie in each, the lowest first, and the eighth says that
/// another one follows.
fn number(bytes: &mut &[u8], most: usize) -> Option<u32> {
    let mut number = 0;
    for at in 0..most {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::zipped;

    fn record(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = u8::try_from(data.len()).unwrap_or_default();
        // 156 and 176 take two bytes.
        [&[kind | 0x80, 1, length][..], data].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.encode_utf16().count()).unwrap_or_default().to_le_bytes();
        length.into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }

    fn area(corners: [u32; 4]) -> Vec<u8> {
        record(176, &corners.map(u32::to_le_bytes).concat())
    }

    #[test]
    fn the_merged_cells_of_a_sheet_are_found() {
        let relations = r#"<Relationships><Relationship Id="r1" Type="x" Target="worksheets/a.bin"/>
            <Relationship Id="r2" Type="x" Target="/xl/worksheets/b.bin"/></Relationships>"#;
        let sheet = |id: &str, name: &str| record(156, &[&[0_u8; 8][..], &wide(id), &wide(name)].concat());
        let book = [vec![0x83, 1, 0], sheet("r1", "一"), sheet("r2", "二"), sheet("r9", "三")].concat();
        let areas = [area([1, 3, 0, 0]), area([5, 4, 0, 0]), area([0, 0, 2, 16_384]), area([0, 0, 1, 2])].concat();
        let bytes = zipped(&[
            ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
            ("xl/workbook.bin", &book),
            ("xl/worksheets/a.bin", &[0x91, 1, 0, 0, 3, 1, 2, 3]),
            ("xl/worksheets/b.bin", &[&[0x91_u8, 1, 0, 0, 3, 1, 2, 3][..], &areas, &[0xB0, 1, 16, 0]].concat()),
        ]);
        let (path, content) = (Arc::from("a.xlsb"), Content::from(Bytes::from(bytes)));
        let archive = Archive::open(&path, &content);
        let mut parts = archive.and_then(|archive| Parts::open(&path, &content, archive, &Limits::default()));
        let mut merges = |sheet| parts.as_mut().ok().and_then(|parts| parts.merges(&path, sheet).ok());
        let expected = vec![
            Merge { line: 2, last_line: 4, first: 0, last: 0 },
            Merge { line: 1, last_line: 1, first: 1, last: 2 },
        ];
        assert_eq!(merges("二"), Some(expected));
        for other in ["一", "三", "四"] {
            assert_eq!(merges(other), Some(Vec::new()), "{other}");
        }
    }
}
