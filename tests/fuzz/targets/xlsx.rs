//! Any bytes as the parts of an .xlsx workbook, or as the whole of one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{Format, XlsxOptions},
    read, workbook,
};

fuzz_target!(|bytes: &[u8]| {
    let format = Format::Xlsx(XlsxOptions::default());
    if bytes.starts_with(b"PK") {
        read("a.xlsx", bytes, &format);
    } else {
        read("a.xlsx", &workbook::xlsx(bytes), &format);
    }
});
