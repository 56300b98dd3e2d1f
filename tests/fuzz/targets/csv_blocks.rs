//! Any bytes as delimited text of a dialect: the size of blocks and the order in which they are cut change nothing.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    Seen, Way,
    define::project::CsvOptions,
    drain,
    extract::{Hints, open_in_any_blocks},
};

fuzz_target!(|bytes: &[u8]| {
    // A block of one byte makes a piece of every row.
    if bytes.len() > 4_096 {
        return;
    }
    let (options, bytes) = dialect(bytes);
    let names = ["dealer", "订单号", "amount"].map(str::to_owned).to_vec();
    let hints = Hints { required: vec![names[..1].to_vec()], names };
    let rows = |block_bytes, way| -> Option<Vec<Seen>> {
        let content = Bytes::copy_from_slice(bytes).into();
        let mut reader = open_in_any_blocks(&Arc::from("a.csv"), &content, &options, &hints, block_bytes).ok()?;
        drain(reader.as_mut(), way)
    };
    let expected = rows(1 << 20, Way::InTurn);
    for block_bytes in [1, 7, 61, 1_024] {
        for way in [Way::InTurn, Way::ByPieces, Way::LastFirst] {
            assert_eq!(rows(block_bytes, way), expected, "{block_bytes} {way:?} {options:?}");
        }
    }
});

/// Takes a dialect from the first letters, if they are one of ours: `%`, then a digit for each choice.
fn dialect(bytes: &[u8]) -> (CsvOptions, &[u8]) {
    let [b'%', delimiter, quote, escape, comment, encoding, header, bytes @ ..] = bytes else {
        return (CsvOptions::default(), bytes);
    };
    let chosen = |digit: &u8, choices: &[&'static str]| choices[usize::from(*digit) % choices.len()];
    let text =
        |digit, choices: &[&'static str]| Some(chosen(digit, choices).to_owned()).filter(|text| !text.is_empty());
    let letter = |digit, choices: &[&'static str]| chosen(digit, choices).chars().next();
    let encodings = ["", "utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "utf-16le", "windows-1252"];
    let options = CsvOptions {
        delimiter: text(delimiter, &["", ",", "|", "，", "||", "a,", "\t", ";"]),
        quote: letter(quote, &["", "\"", "'"]),
        escape: letter(escape, &["", "\\"]),
        comment: letter(comment, &["", "#"]),
        encoding: text(encoding, &encodings),
        no_header: *header % 2 == 1,
        ..CsvOptions::default()
    };
    (options, bytes)
}
