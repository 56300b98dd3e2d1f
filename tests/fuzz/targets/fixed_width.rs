//! Any bytes as text in columns of fixed width, in every unit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{FixedColumn, FixedWidthOptions, Format, WidthUnit},
    read,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let by = [WidthUnit::Characters, WidthUnit::Bytes, WidthUnit::Display][usize::from(first % 3)];
    let encoding = [None, Some("gb18030"), Some("utf-16le"), Some("shift_jis")][usize::from(first / 3 % 4)];
    let column = |(name, start, width): (&str, u64, Option<u64>)| FixedColumn { name: name.to_owned(), start, width };
    let columns = [
        ("id", 1, Some(4)),
        ("amount", 3, Some(9)),
        ("rest", u64::from(*first), None),
        ("far", u64::MAX, Some(u64::MAX)),
    ];
    let options = FixedWidthOptions {
        columns: columns.map(column).to_vec(),
        by,
        encoding: encoding.map(str::to_owned),
        header_row: (first % 2 == 0).then_some(1),
    };
    read("a.txt", bytes, &Format::FixedWidth(options));
});
