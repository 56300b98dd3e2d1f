//! Records as bytes: numbers, texts and lists of them one behind the other, read again without a word of what they are called.
//!
//! In: a record. Out: bytes, and from bytes the same record. Bytes that are none give nothing. Which record stands where is known by
//! its key, and a build of the program reads only what it has written itself, so that no version and no name stands here.

use std::collections::BTreeSet;

use crate::record::TableName;

/// What can be kept as bytes.
pub(super) trait Packed: Sized {
    /// Adds its bytes.
    fn pack(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front of bytes; None where they hold no such thing.
    fn unpack(bytes: &mut &[u8]) -> Option<Self>;
}

/// Returns a record as bytes.
pub(super) fn packed(record: &impl Packed) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.pack(&mut bytes);
    bytes
}

/// Reads a record; None where the bytes hold anything else, or more.
pub(super) fn unpacked<T: Packed>(mut bytes: &[u8]) -> Option<T> {
    let record = T::unpack(&mut bytes)?;
    bytes.is_empty().then_some(record)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

impl Packed for u8 {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.push(*self);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes, 1)?.first().copied()
    }
}

impl Packed for bool {
    fn pack(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        match u8::unpack(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// Seven bits in a byte, the lowest first; the highest bit says that another byte follows.
impl Packed for usize {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let mut left = *self;
        loop {
            let low = u8::try_from(left & 0x7f).unwrap_or_default();
            left >>= 7;
            if left == 0 {
                return bytes.push(low);
            }
            bytes.push(low | 0x80);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let mut number: Self = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = u8::unpack(bytes)?;
            let part = Self::from(byte & 0x7f);
            let placed = part << shift;
            if placed >> shift != part {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl Packed for String {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.len().pack(bytes);
        bytes.extend_from_slice(self.as_bytes());
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let length = usize::unpack(bytes)?;
        str::from_utf8(take(bytes, length)?).ok().map(str::to_owned)
    }
}

impl Packed for blake3::Hash {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes, blake3::OUT_LEN)?.try_into().ok().map(Self::from_bytes)
    }
}

impl Packed for TableName {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.schema.pack(bytes);
        self.table.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { schema: String::unpack(bytes)?, table: String::unpack(bytes)? })
    }
}

impl<T: Packed, U: Packed> Packed for (T, U) {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.0.pack(bytes);
        self.1.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some((T::unpack(bytes)?, U::unpack(bytes)?))
    }
}

impl<T: Packed> Packed for Option<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.is_some().pack(bytes);
        if let Some(value) = self {
            value.pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        if bool::unpack(bytes)? { T::unpack(bytes).map(Some) } else { Some(None) }
    }
}

impl<T: Packed, E: Packed> Packed for Result<T, E> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.is_ok().pack(bytes);
        match self {
            Ok(value) => value.pack(bytes),
            Err(error) => error.pack(bytes),
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        if bool::unpack(bytes)? { T::unpack(bytes).map(Ok) } else { E::unpack(bytes).map(Err) }
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.len().pack(bytes);
        for item in self {
            item.pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let count = usize::unpack(bytes)?;
        // A count that is none must not ask for memory: what is there has a byte at least.
        let mut items = Self::with_capacity(count.min(bytes.len()));
        for _ in 0..count {
            items.push(T::unpack(bytes)?);
        }
        Some(items)
    }
}

impl<T: Packed + Ord> Packed for BTreeSet<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.len().pack(bytes);
        for item in self {
            item.pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Vec::unpack(bytes).map(|items| items.into_iter().collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    type Record = ((Vec<(usize, bool)>, Option<String>), (BTreeSet<TableName>, Result<u8, blake3::Hash>));

    fn record() -> Record {
        let numbers = vec![(0, true), (127, false), (128, true), (300, false), (usize::MAX, true)];
        let names = [TableName::new("core", "größe"), TableName::new("a.b", "")].into();
        ((numbers, Some("\"金额\"\0".to_owned())), (names, Err(blake3::hash(b"x"))))
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        assert_eq!(unpacked::<Record>(&packed(&record())).unwrap(), record());
        let empty: Record = ((Vec::new(), None), (BTreeSet::new(), Ok(7)));
        assert_eq!(unpacked::<Record>(&packed(&empty)).unwrap(), empty);
    }

    #[test]
    fn bytes_that_are_cut_or_followed_by_others_are_no_record() {
        let whole = packed(&record());
        for end in 0..whole.len() {
            assert!(unpacked::<Record>(&whole[..end]).is_none(), "{end} bytes");
        }
        assert!(unpacked::<Record>(&[&whole[..], &[0]].concat()).is_none());
    }

    #[test]
    fn numbers_that_are_too_large_and_texts_that_are_none_are_no_record() {
        assert_eq!(unpacked::<usize>(&[0xff; 10]), None);
        assert_eq!(unpacked::<usize>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02]), None);
        assert_eq!(unpacked::<bool>(&[2]), None);
        assert_eq!(unpacked::<String>(&[1, 0xff]), None);
        // As many as can be counted, of which none is there.
        assert_eq!(unpacked::<Vec<String>>(&packed(&usize::MAX)), None);
    }
}
