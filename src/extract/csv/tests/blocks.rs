//! The size of blocks, the number of threads and their order change nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{BIG5, EUC_KR, Encoding, GB18030, SHIFT_JIS};
use proptest::prelude::*;

use crate::{
    define::project::CsvOptions,
    extract::{RecordReader, csv::open_in_blocks, testing::hints},
    record::{LineCount, RawBatch},
    storage::content::Content,
};

const NAMES: [&str; 3] = ["dealer!", "订单号", "amount"];

/// A row, as far as it can be seen: line, byte, fault, original text, cells.
type Seen = (u64, Option<u64>, String, String, Vec<Option<String>>);

/// How the blocks of a file are cut.
#[derive(Debug, Clone, Copy)]
enum Way {
    InTurn,
    LastFirst,
}

fn seen(batch: &RawBatch) -> Vec<Seen> {
    let row = |row| {
        let cells = (0..batch.width(row)).map(|column| batch.cell(row, column).map(str::to_owned)).collect();
        let fault = batch.fault(row).map(|fault| format!("{fault:?}")).unwrap_or_default();
        (batch.line(row), batch.byte_offset(row), fault, batch.raw(row).to_owned(), cells)
    };
    (0..batch.len()).map(row).collect()
}

fn read(bytes: &[u8], options: &CsvOptions, block_bytes: usize, way: Way) -> Option<(Vec<Seen>, LineCount)> {
    let content = Content::from(Bytes::copy_from_slice(bytes));
    let mut reader = open_in_blocks(&Arc::from("a.csv"), &content, options, &hints(&NAMES), block_bytes).ok()?;
    let mut rows = Vec::new();
    match way {
        Way::InTurn => {
            while let Some(batch) = reader.next_batch().ok()? {
                rows.extend(seen(&batch));
            }
            assert!(rows.is_sorted(), "{rows:?}");
        }
        Way::LastFirst => {
            let mut pieces = Vec::new();
            while let Some(piece) = reader.next_piece().ok()? {
                pieces.push(piece);
            }
            while let Some(piece) = pieces.pop() {
                let (batch, rest) = piece.cut();
                rows.extend(seen(&batch));
                reader.take_back(rest.unwrap());
            }
            rows.extend(reader.finish().ok()?.iter().flat_map(seen));
            rows.sort();
        }
    }
    assert!(reader.lines().is_balanced());
    Some((rows, reader.lines()))
}

/// Reads in blocks of all sizes and both ways, and expects one result.
fn check(bytes: &[u8], options: &CsvOptions) -> Vec<Seen> {
    let expected = read(bytes, options, 1024 * 1024, Way::InTurn);
    for block_bytes in [1, 2, 3, 7, 16, 61, 256, 4_096] {
        for way in [Way::InTurn, Way::LastFirst] {
            let found = read(bytes, options, block_bytes, way);
            assert_eq!(found, expected, "{block_bytes} {way:?} {:?}", String::from_utf8_lossy(bytes));
        }
    }
    expected.map(|(rows, _)| rows).unwrap_or_default()
}

#[test]
fn dirty_text_is_the_same_in_blocks_of_all_sizes() {
    let text = concat!(
        "报表\r\n\r\ndealer,订单号,amount\r\n",
        "D1,1,\"a\r\nb\"\"c\"\r\n",
        "D2,\"2,x\nD3,3,y\n",
        "D4,\"4\n5,6\",y\n",
        "小计,,\nD5,5\n\u{FEFF}dealer,订单号,amount\n\"D6,6,z\"\nD7,\"7\" ,\"q\n\nD8,8,8\n",
        "D9,9,x\rD10,\"1\r0\",\"\"\r\n,,\n合计,,9\n制表人：甲,,\nD",
    );
    let rows = check(text.as_bytes(), &CsvOptions::default());
    for (_, offset, fault, raw, _) in &rows {
        let at = usize::try_from(offset.unwrap()).unwrap();
        assert!(text[at..].starts_with(raw.as_str()), "{fault} {raw}");
    }
    let shown: Vec<String> =
        rows.iter().map(|(line, _, fault, raw, _)| format!("{line} {fault} {}", raw.escape_debug())).collect();
    assert_eq!(shown.len(), 13, "{shown:#?}");
}

#[test]
fn more_rows_like_a_footer_than_a_footer_has_are_records() {
    let text = format!("dealer,订单号,amount\nD1,1,1\n{}", ",,5\n".repeat(65));
    assert_eq!(check(text.as_bytes(), &CsvOptions::default()).len(), 66);
    let text = format!("dealer,订单号,amount\nD1,1,1\n{}", ",,5\n".repeat(64));
    assert_eq!(check(text.as_bytes(), &CsvOptions::default()).len(), 1);
}

#[test]
fn a_row_may_be_longer_than_a_block() {
    let long = "长".repeat(700_000);
    let text = format!("dealer,订单号,amount\nD1,\"{long}\n{long}\",1\nD2,{long},2\nD3,3,3\n");
    let content = Content::from(Bytes::from(text));
    let mut reader =
        open_in_blocks(&Arc::from("a.csv"), &content, &CsvOptions::default(), &hints(&NAMES), 65_536).unwrap();
    let mut lengths = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        lengths.extend((0..batch.len()).map(|row| (batch.line(row), batch.cell(row, 1).unwrap().len())));
    }
    assert_eq!(lengths, [(2, long.len() * 2 + 1), (4, long.len()), (5, 1)]);
}

#[test]
fn the_offset_of_a_row_is_that_of_its_bytes_in_every_encoding() {
    let text = "经销商编码,订单号,客户名称\nD1,1,广州\n\nD2,2\nD3,\"3\",\"上\n海\"\nD4,4,北京\n";
    for encoding in [encoding_rs::UTF_8, GB18030] {
        let bytes = encoding.encode(text).0;
        for (_, offset, _, raw, _) in check(&bytes, &CsvOptions::default()) {
            let at = usize::try_from(offset.unwrap()).unwrap();
            assert!(bytes[at..].starts_with(&encoding.encode(&raw).0), "{raw}");
        }
    }
    let bytes: Vec<u8> = "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (_, offset, _, raw, _) in check(&bytes, &CsvOptions::default()) {
        let at = usize::try_from(offset.unwrap()).unwrap();
        let wanted: Vec<u8> = raw.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(bytes[at..].starts_with(&wanted), "{raw}");
    }
}

/// Pieces of text from which dirty files are made.
fn dirt() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "D1",
        ",",
        ",",
        ",",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\"",
        "\"",
        "\"\"",
        "\",\"",
        " ",
        "合计",
        "中",
        "\u{FEFF}",
        "\0",
        "D1,1,2\n",
        "\"x\",\"y\",\"z\"\n",
        "\"p\nq\",1,2\n",
        "#",
        ", \"",
        "\n\t \"x, y\" ,",
        "---",
        "--,---,==\n",
        "备注:",
        "'",
        ";",
        "|",
        "\\\"",
        "1.5",
        "\n\n",
        "dealer,订单号,amount\n",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn options() -> impl Strategy<Value = CsvOptions> {
    let delimiter = prop::sample::select(vec![None, Some(","), Some("|"), Some("，"), Some("||"), Some("a,")]);
    let escape = prop::sample::select(vec![None, None, Some('\\')]);
    let quote = prop::sample::select(vec![None, Some('"'), Some('\'')]);
    let comment = prop::sample::select(vec![None, None, Some('#')]);
    (delimiter, escape, quote, comment, any::<bool>()).prop_map(|(delimiter, escape, quote, comment, no_header)| {
        CsvOptions {
            delimiter: delimiter.map(str::to_owned),
            escape,
            quote,
            comment,
            no_header,
            ..CsvOptions::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_text_is_the_same_in_blocks_of_all_sizes(text in dirt(), options in options(), named in any::<bool>()) {
        let text = if named { format!("dealer,订单号,amount\n{text}") } else { text };
        check(text.as_bytes(), &options);
    }

    #[test]
    fn any_bytes_are_the_same_in_blocks_of_all_sizes(
        text in dirt(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        label in prop::sample::select(vec!["utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp", "utf-16le", "windows-1252"]),
        options in options(),
    ) {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        let text = format!("dealer,订单号,amount\n{text}");
        let mut bytes = match label {
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => encoding.encode(&text).0.into_owned(),
        };
        for (place, byte) in noise {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        check(&bytes, &CsvOptions { encoding: Some(label.to_owned()), ..options });
    }

    #[test]
    fn no_encoding_lets_a_character_reach_over_a_line_end(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200)) {
        for encoding in [GB18030, BIG5, SHIFT_JIS, EUC_KR, encoding_rs::EUC_JP] {
            let ends = |text: &[u8]| crate::record::origin::line_starts(text, (1, 0)).len();
            let text = encoding.decode_without_bom_handling(&bytes).0;
            prop_assert_eq!(ends(text.as_bytes()), ends(&bytes), "{}", encoding.name());
        }
    }
}
