//! Workbooks of which one part is any bytes: a fuzzer that had to write zip archives would find little else.
//!
//! In: the bytes of the parts in order, parted by [`BETWEEN`]. Out: an archive; parts that are not there are plain ones.

use std::io::{Cursor, Read, Write};

use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// What stands between two parts.
pub const BETWEEN: &[u8] = b"\n%%\n";

/// The parts of an .xlsx file that are filled, in this order, and what they are if nothing is given.
const XLSX: [(&str, &str); 5] = [
    ("xl/worksheets/sheet1.xml", "<worksheet><sheetData/></worksheet>"),
    ("xl/sharedStrings.xml", "<sst><si><t>id</t></si><si><t>名称</t></si><si><t>amount</t></si></sst>"),
    (
        "xl/styles.xml",
        r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="46"/></cellXfs></styleSheet>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="/xl/worksheets/sheet1.xml"/>
        <Relationship Id="rId2" Type="http://x/styles" Target="styles.xml"/>
        <Relationship Id="rId3" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
    ),
];

/// Makes an .xlsx file.
pub fn xlsx(bytes: &[u8]) -> Vec<u8> {
    let mut given = split(bytes).into_iter();
    let parts = XLSX.map(|(name, plain)| (name, given.next().unwrap_or(plain.as_bytes())));
    zipped(&[&[("[Content_Types].xml", &b"<Types/>"[..])], &parts[..]].concat())
}

/// Makes an .ods file.
pub fn ods(bytes: &[u8]) -> Vec<u8> {
    zipped(&[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", bytes)])
}

/// Makes an .xlsb file whose parts are a real one's, but for those that are given: sheet, strings, styles, workbook.
pub fn xlsb(bytes: &[u8]) -> Vec<u8> {
    let mut given = split(bytes).into_iter();
    let filled = XLSB.map(|name| (name, given.next()));
    let real = xlsb_parts();
    let part = |(name, content): &'static (String, Vec<u8>)| {
        let filled = filled.iter().find(|(filled, _)| filled == name).and_then(|(_, bytes)| *bytes);
        (name.as_str(), filled.unwrap_or(content))
    };
    zipped(&real.iter().map(part).collect::<Vec<_>>())
}

/// The parts of an .xlsb file that are filled, in this order.
const XLSB: [&str; 4] = ["xl/worksheets/sheet1.bin", "xl/sharedStrings.bin", "xl/styles.bin", "xl/workbook.bin"];

fn xlsb_parts() -> &'static [(String, Vec<u8>)] {
    static PARTS: std::sync::OnceLock<Vec<(String, Vec<u8>)>> = std::sync::OnceLock::new();
    PARTS.get_or_init(|| unzipped(include_bytes!("../files/sales.xlsb")))
}

/// Returns what [`xlsx`] makes the same workbook of again.
pub fn of_xlsx(archive: &[u8]) -> Vec<u8> {
    joined(archive, &XLSX.map(|(name, _)| name))
}

/// Returns what [`xlsb`] makes the same workbook of again.
pub fn of_xlsb(archive: &[u8]) -> Vec<u8> {
    joined(archive, &XLSB)
}

fn joined(archive: &[u8], names: &[&str]) -> Vec<u8> {
    let parts = unzipped(archive);
    let part = |wanted: &&str| parts.iter().find(|(name, _)| name == wanted).map_or(&[][..], |(_, content)| content);
    names.iter().map(part).collect::<Vec<_>>().join(BETWEEN)
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for at in memchr::memmem::find_iter(bytes, BETWEEN) {
        parts.push(&bytes[begin..at]);
        begin = at + BETWEEN.len();
    }
    parts.push(&bytes[begin..]);
    parts
}

fn unzipped(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).expect("a sound archive");
    let count = archive.len();
    let part = |index| {
        let mut part = archive.by_index(index).expect("a part");
        let name = part.name().expect("a name").into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).expect("a sound part");
        (name, content)
    };
    (0..count).map(part).collect()
}

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, stored).expect("a new part");
        writer.write_all(content).expect("room in memory");
    }
    writer.finish().expect("an archive").into_inner()
}
