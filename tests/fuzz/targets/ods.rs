//! Any bytes as what is named .ods.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define::project::Format, read};

fuzz_target!(|bytes: &[u8]| read("a.ods", bytes, &Format::Auto));
