//! The elements of one kind in a long XML part, one after the other, through a window that moves over it.
//!
//! In: a content, the name of the container and of its elements. Out: each element as text. Deliberately holds no more
//! than one element, so that a part may be as long as it likes.

use std::{borrow::Cow, io, sync::Arc};

use bytes::Bytes;
use memchr::memmem::{self, Finder};

use crate::{extract::Error, storage::content::Content};

/// What is read at a time.
const STEP_BYTES: usize = 256 << 10;

/// The most bytes of one element: a row with the longest texts in all of its cells is shorter.
const MOST_BYTES: usize = 1 << 29;

/// The most containers of a name: each is found by walking over those before it.
const MOST_CONTAINERS: usize = 4_096;

/// Walks through the elements.
pub(super) struct Elements {
    path: Arc<str>,
    content: Content,
    /// Where in the content the window ends.
    read: u64,
    window: Vec<u8>,
    at: usize,
    open: Vec<u8>,
    close: Finder<'static>,
    end: Vec<u8>,
    is_at_end: bool,
}

impl Elements {
    /// Goes into the container of this name that has `number` ones before it; None where the part has no more.
    pub(super) fn new(
        path: &Arc<str>,
        content: &Content,
        container: &str,
        number: usize,
        name: &str,
    ) -> Result<Option<Self>, Error> {
        let mut elements = Self::over(path, content);
        for _ in 0..=number {
            if elements.enter(container, name)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(elements))
    }

    /// Returns the opening tags of all containers of a name.
    pub(super) fn containers(path: &Arc<str>, content: &Content, name: &str) -> Result<Vec<String>, Error> {
        let mut elements = Self::over(path, content);
        let mut tags = Vec::new();
        while let Some(tag) = elements.enter(name, "")? {
            tags.push(tag);
            if tags.len() > MOST_CONTAINERS {
                let reason = format!("it has more than {MOST_CONTAINERS} sheets");
                return Err(Error::unreadable(path, reason, "split it, or have it exported as .csv"));
            }
        }
        Ok(tags)
    }

    fn over(path: &Arc<str>, content: &Content) -> Self {
        Self {
            path: Arc::clone(path),
            content: content.clone(),
            read: 0,
            window: Vec::new(),
            at: 0,
            open: Vec::new(),
            close: Finder::new(b"").into_owned(),
            end: Vec::new(),
            is_at_end: false,
        }
    }

    /// Goes into the next container, and returns its opening tag.
    fn enter(&mut self, container: &str, name: &str) -> Result<Option<String>, Error> {
        let finder = Finder::new(container.as_bytes()).into_owned();
        while let Some(found) = self.find(self.at, &finder)? {
            self.at = found + container.len();
            // A namespace may stand before the name, and stands before the elements' then.
            let begin = self.window[..found].iter().rposition(|byte| !is_name(*byte));
            let Some(begin) = begin.filter(|begin| self.window[*begin] == b'<') else { continue };
            let prefix = String::from_utf8_lossy(&self.window[begin + 1..found]).into_owned();
            if !prefix.is_empty() && !prefix.ends_with(':') {
                continue;
            }
            let Some(end) = self.find(self.at, &Finder::new(b">"))? else { return Ok(None) };
            if is_name(self.window[self.at]) {
                continue;
            }
            let tag = String::from_utf8_lossy(&self.window[self.at..end]).into_owned();
            self.end = format!("</{prefix}{container}").into_bytes();
            // A name that says its namespace itself keeps it.
            let prefix = if name.contains(':') { "" } else { &prefix };
            self.open = format!("<{prefix}{name}").into_bytes();
            self.close = Finder::new(format!("</{prefix}{name}>").as_bytes()).into_owned();
            self.is_at_end = tag.ends_with('/');
            self.at = end + 1;
            return Ok(Some(tag));
        }
        Ok(None)
    }

    /// Returns the next element with its tags, and whether all of it is UTF-8; None behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<(Cow<'_, str>, bool)>, Error> {
        if self.is_at_end {
            return Ok(None);
        }
        loop {
            let Some(found) = self.find(self.at, &Finder::new(b"<"))? else { return Err(self.cut()) };
            self.at = found;
            let Some(tag_end) = self.find(self.at, &Finder::new(b">"))? else { return Err(self.cut()) };
            let tag = &self.window[self.at..=tag_end];
            if begins(tag, &self.end) {
                self.is_at_end = true;
                return Ok(None);
            }
            let is_element = begins(tag, &self.open);
            let is_empty = tag.ends_with(b"/>");
            if !is_element {
                self.at = tag_end + 1;
                continue;
            }
            let begin = self.at;
            let end = if is_empty {
                tag_end + 1
            } else {
                let close = self.close.clone();
                let offset = tag_end - begin;
                let Some(found) = self.find(self.at + offset, &close)? else { return Err(self.cut()) };
                found + close.needle().len()
            };
            let begin = self.at;
            self.at = end;
            let bytes = &self.window[begin..end];
            return Ok(Some(match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), true),
                Err(_) => (String::from_utf8_lossy(bytes), false),
            }));
        }
    }

    /// Finds a text in the window from `from` on, reading on as needed. What lies before `self.at` may be dropped from the
    /// window, and `self.at` moves with it.
    fn find(&mut self, from: usize, wanted: &Finder<'_>) -> Result<Option<usize>, Error> {
        let mut from = from;
        loop {
            if let Some(found) = wanted.find(&self.window[from..]) {
                return Ok(Some(from + found));
            }
            let searched = self.window.len().saturating_sub(wanted.needle().len() - 1).max(from);
            let dropped = self.drop_passed();
            from = searched - dropped;
            if !self.read_on()? {
                return Ok(None);
            }
        }
    }

    /// Drops what was passed, and returns how much that was.
    fn drop_passed(&mut self) -> usize {
        // A tag's name before a container is looked at once more.
        let passed = self.at.saturating_sub(256);
        self.window.drain(..passed);
        self.at -= passed;
        passed
    }

    fn read_on(&mut self) -> Result<bool, Error> {
        if self.window.len() > MOST_BYTES {
            return Err(Error::unreadable(
                &self.path,
                "one row of a sheet does not end",
                "open it in Excel and save it again",
            ));
        }
        let begin = self.window.len();
        self.window.resize(begin + STEP_BYTES, 0);
        let count = self.content.read_at(self.read, &mut self.window[begin..]);
        let count = count.map_err(|error| crate::extract::disk(&self.path, &error))?;
        self.window.truncate(begin + count);
        self.read += count as u64;
        Ok(count > 0)
    }

    fn cut(&self) -> Error {
        let reason = format!("not a whole workbook: a part ends after {} bytes, in the middle", self.content.len());
        Error::unreadable(&self.path, reason, "open it in Excel and save it again, or ask for it again")
    }
}

/// Returns whether a byte may stand in a name.
const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 128..)
}

/// Returns whether a tag begins with `<name`, and its name ends there.
fn begins(tag: &[u8], name: &[u8]) -> bool {
    tag.strip_prefix(name).is_some_and(|rest| rest.first().is_some_and(|byte| !is_name(*byte)))
}

/// Returns what stands behind the last closing tag of a container, read from the end.
pub(super) fn tail(content: &Content, container: &str) -> io::Result<String> {
    const MOST_TAIL_BYTES: u64 = 64 << 20;
    let close = format!("{container}>");
    let mut length = 64 << 10;
    loop {
        let bytes =
            content.part(content.len().saturating_sub(length), usize::try_from(length).unwrap_or(usize::MAX))?;
        if let Some(found) = memmem::rfind(&bytes, close.as_bytes()) {
            return Ok(String::from_utf8_lossy(&bytes[found + close.len()..]).into_owned());
        }
        if length >= content.len().min(MOST_TAIL_BYTES) {
            return Ok(String::new());
        }
        length *= 8;
    }
}

/// Turns a part that is not written in UTF-8, as nearly all are, into UTF-8.
pub(super) fn as_utf8(content: Content) -> io::Result<Content> {
    let head = content.part(0, 256)?;
    let encoding = match encoding_rs::Encoding::for_bom(&head) {
        Some((encoding, _)) => Some(encoding),
        None => declared(&head),
    };
    let Some(encoding) = encoding.filter(|encoding| *encoding != encoding_rs::UTF_8) else { return Ok(content) };
    let bytes = content.bytes()?;
    Ok(Content::from(Bytes::from(encoding.decode(&bytes).0.into_owned())))
}

/// Returns the encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let declaration = head.strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memchr::memchr(b'>', declaration)?];
    let text = std::str::from_utf8(declaration).ok()?;
    let label = text.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let label = label.strip_prefix(['"', '\''])?.split(['"', '\'']).next()?;
    encoding_rs::Encoding::for_label(label.as_bytes())
}
