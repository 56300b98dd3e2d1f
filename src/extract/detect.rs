//! Which reader an undeclared file gets: first bytes first, then the file's name, else delimited text.
//!
//! In: path and bytes. Out: a format without options. Deliberately does not look further than the first bytes and a
//! zip archive's table of contents.

use std::sync::Arc;

use memchr::memmem;

use super::Error;
use crate::define::project::{CsvOptions, DatabaseOptions, Format, XlsxOptions};

const ZIP: &[u8] = b"PK\x03\x04";
/// Compound files: .xls, and .xlsx with a password.
pub(super) const COMPOUND: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
const SQLITE: &[u8] = b"SQLite format 3\0";
const PARQUET: &[u8] = b"PAR1";

/// Compressed forms that a later version unpacks, by their first bytes.
const COMPRESSED: [(&[u8], &str); 4] = [
    (&[0x1F, 0x8B], "gzip"),
    (&[0x28, 0xB5, 0x2F, 0xFD], "zstd"),
    (b"BZh", "bzip2"),
    (&[0xFD, b'7', b'z', b'X', b'Z'], "xz"),
];

/// The part of a zip archive, at either end, in which the names of its members are looked for.
const ZIP_NAMES: usize = 256 * 1024;

/// Chooses the format of a file.
pub(super) fn format(path: &Arc<str>, bytes: &[u8]) -> Result<Format, Error> {
    if let Some((_, name)) = COMPRESSED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Error::unreadable(path, format!("it is compressed with {name}"), "unpack it first"));
    }
    if bytes.starts_with(ZIP) {
        return if is_workbook(bytes) {
            Ok(Format::Xlsx(XlsxOptions::default()))
        } else {
            Err(Error::unreadable(path, "it is a zip archive, but no workbook", "unpack it first"))
        };
    }
    if bytes.starts_with(COMPOUND) {
        return Ok(Format::Xlsx(XlsxOptions::default()));
    }
    if bytes.starts_with(SQLITE) {
        return Ok(Format::Database(DatabaseOptions::default()));
    }
    if bytes.starts_with(PARQUET) {
        return Ok(Format::Parquet);
    }
    by_name(path, bytes)
}

fn is_workbook(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(ZIP_NAMES)];
    let tail = &bytes[bytes.len().saturating_sub(ZIP_NAMES)..];
    let has = |word: &[u8]| memmem::find(head, word).is_some() || memmem::find(tail, word).is_some();
    has(b"xl/") || has(b"application/vnd.oasis.opendocument.spreadsheet")
}

fn by_name(path: &Arc<str>, bytes: &[u8]) -> Result<Format, Error> {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "xlsx" | "xlsm" | "xlsb" | "ods" => {
            let hint = "save it again as a workbook, or declare `format` in the source's contract";
            Err(Error::unreadable(path, "its bytes are no workbook's", hint))
        }
        // Many systems export HTML or tab-separated text under this name, because Excel opens both.
        "xls" if first_letter(bytes) == Some(b'<') => {
            Err(Error::unreadable(path, "it is an HTML or XML page named .xls", "open it and save it as .xlsx"))
        }
        "jsonl" | "ndjson" | "json" => Ok(Format::JsonLines),
        "parquet" => Ok(Format::Parquet),
        "sqlite" | "sqlite3" | "db" => Ok(Format::Database(DatabaseOptions::default())),
        _ if is_json_object(bytes) => Ok(Format::JsonLines),
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
        format(&Arc::from(path), bytes).unwrap()
    }

    #[test]
    fn first_bytes_go_before_the_name() {
        assert_eq!(kind("a.csv", b"PAR1...."), Format::Parquet);
        assert_eq!(kind("a.csv", b"SQLite format 3\0..."), Format::Database(DatabaseOptions::default()));
        assert_eq!(kind("a.txt", b"\xEF\xBB\xBF {\"a\":1}\n"), Format::JsonLines);
        assert_eq!(kind("a.xls", COMPOUND), Format::Xlsx(XlsxOptions::default()));
        assert_eq!(kind("a.dat", b"PK\x03\x04....xl/workbook.xml"), Format::Xlsx(XlsxOptions::default()));
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
        let text = |path: &str, bytes: &[u8]| format(&Arc::from(path), bytes).unwrap_err().to_string();
        assert_eq!(text("a.xlsx", b"no workbook"), "cannot read `a.xlsx`: its bytes are no workbook's");
        assert_eq!(text("a.csv.gz", &[0x1F, 0x8B, 8]), "cannot read `a.csv.gz`: it is compressed with gzip");
        assert_eq!(text("a.zip", b"PK\x03\x04abc"), "cannot read `a.zip`: it is a zip archive, but no workbook");
        assert_eq!(text("a.xls", b" <html>"), "cannot read `a.xls`: it is an HTML or XML page named .xls");
    }
}
