//! Any bytes as an archive or a compressed file: zip, tar, gzip, zstd, bzip2, xz.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tallyhouse_fuzz::{define::project::Format, read};

fuzz_target!(|bytes: &[u8]| read("a.zip", bytes, &Format::Auto));
