//! Any bytes as a SQLite database.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{
    define::project::{DatabaseOptions, Format},
    read,
};

fuzz_target!(|bytes: &[u8]| read("a.sqlite", bytes, &Format::Database(DatabaseOptions::default())));
