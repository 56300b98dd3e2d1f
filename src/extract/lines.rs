//! Physical lines of decoded text: they end with CR LF, LF or CR, mixed as may be.
//!
//! In: text and a place in it. Out: the line's end. Deliberately knows no quotes.

use memchr::memchr2;

/// Returns where the physical line that begins at `at` ends, its line end excluded.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    memchr2(b'\n', b'\r', &text.as_bytes()[at..]).map_or(text.len(), |found| at + found)
}

/// Returns the length of the line end at `at`: 2 for CR LF, 1 for LF or CR, 0 at the text's end.
pub(super) fn line_end_length(text: &str, at: usize) -> usize {
    match text.as_bytes().get(at..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([b'\r' | b'\n', ..]) => 1,
        _ => 0,
    }
}

/// Returns where the line after the one that begins at `at` begins.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    end + line_end_length(text, end)
}
