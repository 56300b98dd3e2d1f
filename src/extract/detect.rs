//! Which reader an undeclared file gets: first bytes first, then the file's name, else delimited text.
//!
//! In: path, name and first bytes. Out: a format without options. Deliberately does not look further than that; what is
//! packed was unpacked before, so that a zip archive here is a workbook.

use std::sync::Arc;

use super::{
    Error, unpack,
    xlsx::{is_page, is_spreadsheet_xml},
};
use crate::define::project::{CsvOptions, DatabaseOptions, Format, JsonOptions, XlsxOptions};

/// Compound files: .xls, and .xlsx with a password.
pub(super) const COMPOUND: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
const SQLITE: &[u8] = b"SQLite format 3\0";
const PARQUET: &[u8] = b"PAR1";

/// Files that hold no table, by their first bytes.
const NO_TABLES: [(&[u8], &str); 5] = [
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a picture"),
    (&[0xFF, 0xD8, 0xFF], "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a text document"),
];

const AS_COLUMNS: &str = "write it as Parquet, or as an Arrow file (Feather version 2)";
const AS_WORKBOOK: &str = "open it and save it as .xlsx or .ods";

/// Files that hold a table in a format that is not read, by their first bytes; none is text, which may begin so too.
const OTHER_TABLES: [(&[u8], &str, &str); 5] = [
    (b"FEA1", "a Feather file of version 1", AS_COLUMNS),
    (b"ORC", "an ORC file", AS_COLUMNS),
    (&[0x09, 0x00, 0x04, 0x00], "a worksheet of Excel 2", AS_WORKBOOK),
    (&[0x09, 0x02, 0x06, 0x00], "a worksheet of Excel 3", AS_WORKBOOK),
    (&[0x09, 0x04, 0x06, 0x00], "a worksheet of Excel 4", AS_WORKBOOK),
];

/// Documents in XML that hold a table in a format that is not read, by an element near their beginning.
const OTHER_DOCUMENTS: [(&[u8], &str); 2] =
    [(b"<office:document", "an OpenDocument file of plain XML"), (b"<gnm:Workbook", "a workbook of Gnumeric")];

/// Where the first element of a document stands at the latest.
const ELEMENT_BYTES: usize = 4_096;

/// Chooses the format of a file.
pub(super) fn format(path: &Arc<str>, name: &str, head: &[u8]) -> Result<Format, Error> {
    if let Some((_, kind)) = NO_TABLES.iter().find(|(magic, _)| head.starts_with(magic)) {
        let hint =
            "leave it out: by the source's location, or by `member: \"*.csv\"` in the format if it lies in an archive";
        return Err(Error::unreadable(path, format!("it is {kind}, no table"), hint));
    }
    if let Some((kind, hint)) = other_table(head) {
        return Err(Error::unreadable(path, format!("it is {kind}, which is not read here"), hint));
    }
    let is_workbook = unpack::zip::is_zip(head) || head.starts_with(COMPOUND);
    if is_workbook || is_spreadsheet_xml(head) || is_page(head) {
        return Ok(Format::Xlsx(XlsxOptions::default()));
    }
    if head.starts_with(SQLITE) {
        return Ok(Format::Database(DatabaseOptions::default()));
    }
    if head.starts_with(PARQUET) {
        return Ok(Format::Parquet);
    }
    if let Some(format) = row_format(name, head) {
        return Ok(format);
    }
    by_name(path, name, head)
}

/// Returns which table that is not read this is, and what to do.
fn other_table(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_text = !head.iter().any(|byte| *byte < b'\t');
    let by_magic = OTHER_TABLES.iter().find(|(magic, ..)| !is_text && head.starts_with(magic));
    if let Some((_, kind, hint)) = by_magic {
        return Some((kind, hint));
    }
    if is_dbase(head) {
        return Some(("a dBASE table", AS_WORKBOOK));
    }
    let begin = head.get(..ELEMENT_BYTES).unwrap_or(head);
    let has = |element: &[u8]| first_letter(head) == Some(b'<') && memchr::memmem::find(begin, element).is_some();
    OTHER_DOCUMENTS.iter().find(|(element, _)| has(element)).map(|(_, kind)| (*kind, AS_WORKBOOK))
}

/// Returns whether this is the header of a dBASE III or IV table: its version, a month and a day, and behind 32 bytes the
/// columns, in 32 bytes each, up to the sign that ends them.
fn is_dbase(head: &[u8]) -> bool {
    let &[0x03 | 0x83 | 0x8B, _, 1..=12, 1..=31, _, _, _, _, low, high, ..] = head else { return false };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let has_columns = length > 64 && length % 32 == 1;
    has_columns && head.get(length - 1) == Some(&b'\r')
}

/// Chooses among the formats of records that say what they are: Avro, Arrow, JSON.
fn row_format(path: &str, bytes: &[u8]) -> Option<Format> {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    let is_lines = matches!(extension.as_str(), "jsonl" | "ndjson") && !is_json_array(bytes);
    match extension.as_str() {
        _ if bytes.starts_with(b"Obj\x01") => Some(Format::Avro),
        _ if bytes.starts_with(b"ARROW1") => Some(Format::Arrow),
        "avro" => Some(Format::Avro),
        "arrow" | "arrows" | "feather" | "ipc" => Some(Format::Arrow),
        "jsonl" | "ndjson" | "json" | "geojson" => {
            Some(Format::Json(JsonOptions { lines: is_lines, ..JsonOptions::default() }))
        }
        _ if is_json_object(bytes) || is_json_array(bytes) => Some(Format::Json(JsonOptions::default())),
        _ => None,
    }
}

/// Returns whether the first two signs are those of a JSON array of objects: `[{`.
fn is_json_array(bytes: &[u8]) -> bool {
    let mut signs = without_bom(bytes).iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    signs.next() == Some(b'[') && signs.next() == Some(b'{')
}

fn by_name(path: &Arc<str>, name: &str, head: &[u8]) -> Result<Format, Error> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "xlsx" | "xlsm" | "xlsb" | "ods" => {
            let hint = "save it again as a workbook, or declare `format` in the source's contract";
            Err(Error::unreadable(path, "its bytes are no workbook's", hint))
        }
        // Many systems export HTML, XML or tab-separated text under this name, because Excel opens them.
        "xls" if first_letter(head) == Some(b'<') => Err(Error::unreadable(
            path,
            "it is an XML document named .xls, without a table",
            "open it and save it as .xlsx",
        )),
        "parquet" => Ok(Format::Parquet),
        "sqlite" | "sqlite3" | "db" => Ok(Format::Database(DatabaseOptions::default())),
        _ => Ok(Format::Csv(CsvOptions::default())),
    }
}

fn first_letter(bytes: &[u8]) -> Option<u8> {
    without_bom(bytes).iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// Returns whether the first two signs are those of a JSON object: `{"` or `{}`.
fn is_json_object(bytes: &[u8]) -> bool {
    let mut signs = without_bom(bytes).iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    signs.next() == Some(b'{') && matches!(signs.next(), Some(b'"' | b'}'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn kind(path: &str, bytes: &[u8]) -> Format {
        format(&Arc::from(path), path, bytes).unwrap()
    }

    #[test]
    fn first_bytes_go_before_the_name() {
        assert_eq!(kind("a.csv", b"PAR1...."), Format::Parquet);
        assert_eq!(kind("a.csv", b"SQLite format 3\0..."), Format::Database(DatabaseOptions::default()));
        assert_eq!(kind("a.txt", b"\xEF\xBB\xBF {\"a\":1}\n"), Format::Json(JsonOptions::default()));
        assert_eq!(kind("a.xls", COMPOUND), Format::Xlsx(XlsxOptions::default()));
        assert_eq!(kind("a.dat", b"PK\x03\x04...."), Format::Xlsx(XlsxOptions::default()));
        assert_eq!(kind("a.xls", b" <HTML><table>"), Format::Xlsx(XlsxOptions::default()));
    }

    #[test]
    fn text_is_delimited_whatever_its_name() {
        for path in ["a.csv", "a.txt", "a", "a.xls", "a.2026"] {
            assert_eq!(kind(path, b"a\tb\n1\t2\n"), Format::Csv(CsvOptions::default()), "{path}");
        }
        assert_eq!(kind("a.csv", b"{braces},b\n"), Format::Csv(CsvOptions::default()));
        assert_eq!(kind("a.csv", b""), Format::Csv(CsvOptions::default()));
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let text = |path: &str, bytes: &[u8]| format(&Arc::from(path), path, bytes).unwrap_err().to_string();
        assert_eq!(text("a.xlsx", b"no workbook"), "cannot read `a.xlsx`: its bytes are no workbook's");
        assert_eq!(text("a.csv", b"%PDF-1.7"), "cannot read `a.csv`: it is a PDF document, no table");
        let message = "cannot read `a.xls`: it is an XML document named .xls, without a table";
        assert_eq!(text("a.xls", b" <?xml version='1.0'?><a/>"), message);
    }

    /// The header of a dBASE table with one column.
    fn dbase() -> Vec<u8> {
        let mut header = vec![0x03, 110, 12, 3, 8, 0, 0, 0, 65, 0, 7, 0];
        header.resize(64, 0);
        header.push(b'\r');
        header
    }

    #[test]
    fn a_table_of_another_kind_is_named_whatever_the_file_is_called() {
        let told = |bytes: &[u8]| {
            let error = format(&Arc::from("a.csv"), "a.csv", bytes).unwrap_err();
            format!("{error}; {}", error.hint().unwrap_or_default())
        };
        let (columns, workbook) = (AS_COLUMNS, AS_WORKBOOK);
        for (bytes, kind, hint) in [
            (&b"FEA1\0\0\0\0"[..], "a Feather file of version 1", columns),
            (b"ORC\x08\x03", "an ORC file", columns),
            (b"\x09\0\x04\0\0\0\x10\0", "a worksheet of Excel 2", workbook),
            (b"\x09\x02\x06\0\0\0\x10\0", "a worksheet of Excel 3", workbook),
            (b"\x09\x04\x06\0\0\0\x10\0", "a worksheet of Excel 4", workbook),
            (&dbase(), "a dBASE table", workbook),
            (b"<?xml version='1.0'?>\n<office:document><table:table>", "an OpenDocument file of plain XML", workbook),
            (b"<?xml version='1.0'?>\n<gnm:Workbook>", "a workbook of Gnumeric", workbook),
        ] {
            assert_eq!(told(bytes), format!("cannot read `a.csv`: it is {kind}, which is not read here; {hint}"));
        }
    }

    #[test]
    fn text_that_begins_like_another_table_is_text() {
        let mut torn = dbase();
        torn[64] = b' ';
        for bytes in [&b"ORC,name\r\n1,a\n"[..], b"FEA1\tFEA2\n", b"a,b\n1,<gnm:Workbook>\n", &torn] {
            assert_eq!(kind("a.csv", bytes), Format::Csv(CsvOptions::default()), "{bytes:?}");
        }
    }
}
