//! Any bytes as delimited text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{CsvOptions, Format},
    read,
};

fuzz_target!(|bytes: &[u8]| read("a.csv", bytes, &Format::Csv(CsvOptions::default())));
