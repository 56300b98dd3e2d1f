//! Any bytes as an HTML page or an XML Spreadsheet, as systems export them under the name .xls.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{Format, XlsxOptions},
    read,
};

fuzz_target!(|bytes: &[u8]| read("a.xls", bytes, &Format::Xlsx(XlsxOptions::default())));
