//! Any bytes as a workbook.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define::project::{Format, XlsxOptions}, read};

fuzz_target!(|bytes: &[u8]| read("a.xlsx", bytes, &Format::Xlsx(XlsxOptions::default())));
