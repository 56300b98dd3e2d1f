//! Many texts in two allocations, and the numbering of distinct ones.
//!
//! In: texts in any order. Out: [`Texts`] by position, and [`Numbering`], which gives equal texts one number.
//! Deliberately knows no attribute and no NULL.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
};

use xxhash_rust::xxh3::xxh3_64;

/// Texts, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    ends: Vec<usize>,
    bytes: String,
}

impl Default for Texts {
    fn default() -> Self {
        Self { ends: vec![0], bytes: String::new() }
    }
}

impl Texts {
    /// Takes texts that lie one behind the other, and where each of them ends, after a 0; None where no text ends there.
    #[must_use]
    pub fn of_parts(bytes: String, ends: Vec<usize>) -> Option<Self> {
        let is_whole = ends.first() == Some(&0) && ends.last() == Some(&bytes.len());
        let is_cut = is_whole && ends.is_sorted() && ends.iter().all(|end| bytes.is_char_boundary(*end));
        is_cut.then_some(Self { ends, bytes })
    }

    /// Returns all texts, one behind the other.
    #[must_use]
    pub fn all(&self) -> &str {
        &self.bytes
    }

    /// Returns where each text ends, after a 0.
    #[must_use]
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// Appends some texts of another list.
    ///
    /// # Panics
    /// If the range is not within the other list.
    pub fn extend_from(&mut self, other: &Self, range: Range<usize>) {
        let (start, offset) = (other.ends[range.start], self.bytes.len());
        self.bytes.push_str(&other.bytes[start..other.ends[range.end]]);
        self.ends.extend(other.ends[range.start + 1..=range.end].iter().map(|end| end - start + offset));
    }

    /// Returns the text at a position.
    ///
    /// # Panics
    /// If the position is not below [`Texts::len`].
    #[must_use]
    pub fn get(&self, position: usize) -> &str {
        &self.bytes[self.ends[position]..self.ends[position + 1]]
    }

    /// Returns how many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the texts in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.ends.windows(2).map(|ends| &self.bytes[ends[0]..ends[1]])
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut all = Self::default();
        texts.into_iter().for_each(|text| all.push(text));
        all
    }
}

/// Numbers distinct texts from 0 in the order of their first appearance.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    texts: Texts,
    numbers: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
}

impl Numbering {
    /// Returns the number of a text, a new one if it was not seen before.
    pub fn number(&mut self, text: &str) -> u32 {
        let mut hash = xxh3_64(text.as_bytes());
        while let Some(&number) = self.numbers.get(&hash) {
            if self.texts.get(number as usize) == text {
                return number;
            }
            hash = hash.wrapping_add(1);
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text);
        self.numbers.insert(hash, number);
        number
    }

    /// Returns the number of a text that was seen before.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<u32> {
        let mut hash = xxh3_64(text.as_bytes());
        while let Some(&number) = self.numbers.get(&hash) {
            if self.texts.get(number as usize) == text {
                return Some(number);
            }
            hash = hash.wrapping_add(1);
        }
        None
    }

    /// Returns the distinct texts by number.
    #[must_use]
    pub const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Returns the distinct texts; the number of a text is its position.
    #[must_use]
    pub fn into_texts(self) -> Texts {
        self.texts
    }
}

/// Takes a key that is a hash already as its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_number_and_the_number_is_the_position() {
        let mut numbering = Numbering::default();
        let numbers: Vec<u32> = ["徐工", "", "三一", "徐工", ""].iter().map(|text| numbering.number(text)).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        assert_eq!(numbering.into_texts().iter().collect::<Vec<_>>(), ["徐工", "", "三一"]);
    }
}
