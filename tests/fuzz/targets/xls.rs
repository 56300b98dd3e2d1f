//! Any bytes as what is named .xls.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define::project::Format, read};

fuzz_target!(|bytes: &[u8]| read("a.xls", bytes, &Format::Auto));
