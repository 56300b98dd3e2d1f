//! Any bytes as JSON: of a layout that is found out, of lines, or of an array that is named; the length says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{Format, JsonOptions},
    read,
};

fuzz_target!(|bytes: &[u8]| {
    let options = match bytes.len() % 4 {
        0 => JsonOptions { lines: true, ..JsonOptions::default() },
        1 => JsonOptions { records: Some("data.items".to_owned()), ..JsonOptions::default() },
        _ => JsonOptions::default(),
    };
    read("a.json", bytes, &Format::Json(options));
});
