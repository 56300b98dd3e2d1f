//! Physical lines of decoded text: they end with CR LF, LF or CR, mixed as may be.
//!
//! In: text and a place in it. Out: the line's end. Deliberately knows no quotes.

use memchr::{memchr, memchr_iter, memchr2};

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

/// Returns how many line ends there are; CR LF is one.
pub(super) fn count_line_ends(bytes: &[u8]) -> u64 {
    let feeds = memchr_iter(b'\n', bytes).count() as u64;
    if memchr(b'\r', bytes).is_none() {
        return feeds;
    }
    feeds + memchr_iter(b'\r', bytes).count() as u64 - pairs(bytes)
}

/// Counts CR LF.
fn pairs(bytes: &[u8]) -> u64 {
    let Some(shifted) = bytes.get(1..) else { return 0 };
    // Sums of single bytes are what compilers turn into vector instructions.
    let sum = |(first, second): (&[u8], &[u8])| {
        let pair = |(first, second): (&u8, &u8)| u8::from(*first == b'\r') & u8::from(*second == b'\n');
        u64::from(first.iter().zip(second).map(pair).sum::<u8>())
    };
    bytes.chunks(255).zip(shifted.chunks(255)).map(sum).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_all_kinds_are_counted_once() {
        for (text, ends) in [("", 0), ("a", 0), ("\r", 1), ("a\r\nb\n\rc\r\r\n", 5), ("\n\r\n", 2)] {
            assert_eq!(count_line_ends(text.as_bytes()), ends, "{text:?}");
        }
        assert_eq!(count_line_ends("ab\r\n".repeat(1_000).as_bytes()), 1_000);
        assert_eq!(count_line_ends("\r\n".repeat(1_000).as_bytes()), 1_000);
    }
}
