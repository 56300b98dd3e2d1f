//! Any bytes as the parts of an .xlsb workbook, or as the whole of one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{Format, XlsxOptions},
    read, workbook,
};

fuzz_target!(|bytes: &[u8]| {
    let format = Format::Xlsx(XlsxOptions::default());
    if bytes.starts_with(b"PK") {
        read("a.xlsb", bytes, &format);
    } else {
        read("a.xlsb", &workbook::xlsb(bytes), &format);
    }
});
