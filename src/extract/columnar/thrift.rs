//! Headers in Thrift's compact encoding, before the library reads them.
//!
//! In: bytes from where a header begins. Out: whether skipping over it ends. Elsewhere an element that is skipped takes at
//! least a byte, so the end of the file ends it too; for conditions the library (parquet 59.3) takes none, and a list of two
//! thousand million of them, in a list of as many such lists, fits into some bytes. Deliberately finds no other fault: the
//! library names those.
//!
//! Source: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use std::io::{self, BufRead, Read};

/// How many conditions a header may have. No list of the format's headers has any; later versions might.
const MOST_CONDITIONS: u64 = 1 << 16;

/// How deep the library goes.
const DEEPEST: usize = 64;

/// Returns whether the header that begins here has lists of more conditions than one can have reason to.
pub(super) fn is_endless(header: impl BufRead) -> bool {
    let mut walk = Walk { header, conditions: 0 };
    walk.fields(DEEPEST).is_err_and(|stop| matches!(stop, Stop::Endless))
}

/// Why a walk over a header does not go on.
enum Stop {
    /// The library will say so too.
    Faulty,
    Endless,
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Faulty
    }
}

struct Walk<R> {
    header: R,
    /// Which were met in lists and maps.
    conditions: u64,
}

impl<R: BufRead> Walk<R> {
    fn fields(&mut self, depth: usize) -> Result<(), Stop> {
        loop {
            let byte = self.byte()?;
            let kind = byte & 0x0f;
            if kind == 0 {
                return Ok(());
            }
            if byte >> 4 == 0 {
                self.number()?; // the field's id, which else is that of the field before and the upper half
            }
            self.value(kind, depth)?;
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<(), Stop> {
        let depth = depth.checked_sub(1).ok_or(Stop::Faulty)?;
        match kind {
            1 | 2 => Ok(()), // a condition is its kind
            3 => self.bytes(1),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let length = self.number()?;
                self.bytes(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.number()? } else { u64::from(byte >> 4) };
                self.repeated(count, &[byte & 0x0f], depth)
            }
            11 => match self.number()? {
                0 => Ok(()),
                count => {
                    let byte = self.byte()?;
                    self.repeated(count, &[byte >> 4, byte & 0x0f], depth)
                }
            },
            12 => self.fields(depth),
            13 => self.bytes(16),
            _ => Err(Stop::Faulty),
        }
    }

    fn repeated(&mut self, count: u64, kinds: &[u8], depth: usize) -> Result<(), Stop> {
        for _ in 0..count {
            for kind in kinds {
                if matches!(kind, 1 | 2) {
                    self.conditions += 1;
                    if self.conditions > MOST_CONDITIONS {
                        return Err(Stop::Endless);
                    }
                }
                self.value(*kind, depth)?;
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.header.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Reads seven bits a byte, the lowest first.
    fn number(&mut self) -> Result<u64, Stop> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Stop::Faulty)
    }

    fn bytes(&mut self, count: u64) -> Result<(), Stop> {
        let skipped = io::copy(&mut self.header.by_ref().take(count), &mut io::sink())?;
        if skipped == count { Ok(()) } else { Err(Stop::Faulty) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of as many elements as four bytes can say, in a field.
    const fn long_list(kind: u8) -> [u8; 7] {
        [0x19, 0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 0x07]
    }

    #[test]
    fn a_long_list_of_conditions_is_endless_wherever_it_stands() {
        let list = long_list(1);
        assert!(is_endless(&list[..]));
        assert!(
            is_endless(&[&[0x15, 0x80, 0x01, 0x18, 3, b'a', b'b', b'c', 0x1c], &list[..]].concat()[..]),
            "in a struct"
        );
        assert!(is_endless(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x11][..]), "a map");
        let many_short = [&[0x19_u8, 0xf9, 0xff, 0xff, 0x07][..], &[0xe2; 10_000]].concat();
        assert!(is_endless(&many_short[..]), "in lists of a few");
    }

    #[test]
    fn what_the_end_of_the_file_ends_is_left_to_the_library() {
        for kind in (3..=13).filter(|kind| *kind != 11) {
            assert!(!is_endless(&long_list(kind)[..]), "{kind}");
        }
        assert!(!is_endless(&b""[..]));
        assert!(!is_endless(&[0x1c; 200][..]), "deeper than the library goes");
        assert!(!is_endless(&[0x15; 200][..]));
        assert!(!is_endless(&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..]), "no number");
    }

    #[test]
    fn a_header_with_conditions_and_a_short_list_of_them_is_as_any_other() {
        assert!(!is_endless(&[0x11, 0x12, 0x19, 0x31, 0x00, 0x15, 0x02, 0x00][..]));
        assert!(!is_endless(&[0x01, 0x07, 0x1b, 0x00, 0x00][..]), "an id of its own, an empty map");
    }
}
