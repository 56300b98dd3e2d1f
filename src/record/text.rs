//! Definition text and places in it, so that every message can underline what it means.

use std::{fmt, ops::Range, sync::Arc};

/// One definition file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// The path as a person would type it.
    pub path: String,
    /// The whole file.
    pub body: String,
}

/// A range of bytes in a definition file.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub text: Arc<Text>,
    /// Bytes of `text.body`.
    pub range: Range<usize>,
}

impl Place {
    /// Returns the place of a whole file, shown as its first byte.
    #[must_use]
    pub fn start_of(text: Arc<Text>) -> Self {
        Self { text, range: 0..0 }
    }

    /// Returns the 1-based line and column (in characters) at which the range begins.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let before = self.text.body.get(..self.range.start).unwrap_or(&self.text.body);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        (line, column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.text.path, self.range)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.text.path)
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// Written as the value alone.
impl<T: serde::Serialize> serde::Serialize for Placed<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T> Placed<T> {
    /// Joins a value and its place.
    pub const fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl Placed<String> {
    /// Returns the place of some bytes of the value, of whose lines YAML has taken the indentation; None where it was written in
    /// another way than its lines read.
    #[must_use]
    pub fn part(&self, range: &Range<usize>) -> Option<Place> {
        let text = &self.place.text;
        let before = self.value.get(..range.start)?;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
        let mut at = self.place.range.start;
        for line in self.value.lines().take(before.matches('\n').count() + 1) {
            at += text.body.get(at..)?.find(line)? + line.len();
        }
        let line = self.value.lines().nth(before.matches('\n').count())?;
        let start = at - line.len() + column;
        let end = start + range.len().min(line.len() - column);
        Some(Place { text: Arc::clone(text), range: start..end })
    }
}
