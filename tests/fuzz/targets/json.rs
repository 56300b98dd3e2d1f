//! Any bytes as JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define::project::{Format, JsonOptions}, read};

fuzz_target!(|bytes: &[u8]| read("a.json", bytes, &Format::Json(JsonOptions::default())));
