//! Tar archives: ustar, pax and GNU's long names.
//!
//! In: a content. Out: the regular files in it, as slices without a copy. Deliberately no links, devices and sparse files.

use std::sync::Arc;

use super::{Error, Limits, Member};
use crate::storage::content::Content;

const BLOCK: u64 = 512;

/// The most bytes of a long name or a pax header.
const MOST_HEADER_BYTES: u64 = 1 << 20;

const DAMAGED: &str = "it was cut or damaged on its way: ask for it again";

/// Returns whether a file begins with a tar header.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar") && head.get(..512).is_some_and(is_header)
}

/// Returns whether the sum of a header's bytes is the one written in it.
fn is_header(header: &[u8]) -> bool {
    let sum = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) };
    number(&header[148..156]) == Some(header.iter().enumerate().map(sum).sum())
}

/// Lists the wanted files of an archive.
pub(super) fn members(
    path: &Arc<str>,
    content: &Content,
    is_wanted: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    let mut long = Long::default();
    let mut at = 0;
    while let Some(header) = header(path, content, at)? {
        let size = long.size.take().or_else(|| number(&header[124..136]));
        let size = size.ok_or_else(|| damaged(path, at, "has no size"))?;
        let (begin, end) = (at + BLOCK, (at + BLOCK).saturating_add(size));
        if end > content.len() {
            return Err(damaged(path, at, "ends too early"));
        }
        let body = || content.part(begin, usize::try_from(size.min(MOST_HEADER_BYTES)).unwrap_or(0));
        match header[156] {
            b'x' => long.read_pax(&body().map_err(|error| crate::extract::disk(path, &error))?),
            b'L' => long.name = Some(text(&body().map_err(|error| crate::extract::disk(path, &error))?)),
            b'0' | 0 | b'7' => {
                let name = long.name.take().unwrap_or_else(|| short_name(&header));
                if is_wanted(&name) {
                    members.push(Member { name, content: content.slice(begin, size) });
                }
                if members.len() > limits.most_members {
                    return Err(super::too_many(path, limits));
                }
            }
            b'g' | b'K' => {}
            b'S' => return Err(damaged(path, at, "is a sparse file, which is not known")),
            _ => long = Long::default(),
        }
        at = end.div_ceil(BLOCK).saturating_mul(BLOCK);
    }
    Ok(members)
}

/// What a header of its own says about the next file.
#[derive(Default)]
struct Long {
    name: Option<String>,
    size: Option<u64>,
}

impl Long {
    /// Reads records of the form `length key=value`.
    fn read_pax(&mut self, mut body: &[u8]) {
        while let Some(blank) = body.iter().position(|byte| *byte == b' ') {
            let length = std::str::from_utf8(&body[..blank]).ok().and_then(|length| length.parse::<usize>().ok());
            let Some(record) = length.filter(|length| *length > blank).and_then(|length| body.get(..length)) else {
                break;
            };
            let field = String::from_utf8_lossy(&record[blank + 1..]);
            match field.trim_end_matches('\n').split_once('=') {
                Some(("path", name)) => self.name = Some(name.to_owned()),
                Some(("size", size)) => self.size = size.parse().ok(),
                _ => {}
            }
            body = &body[record.len()..];
        }
    }
}

/// Reads the header at an offset; None behind the last file.
fn header(path: &Arc<str>, content: &Content, at: u64) -> Result<Option<bytes::Bytes>, Error> {
    let header = content.part(at, 512).map_err(|error| crate::extract::disk(path, &error))?;
    if header.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if header.len() < 512 || !is_header(&header) {
        return Err(damaged(path, at, "has no whole header"));
    }
    Ok(Some(header))
}

fn damaged(path: &Arc<str>, at: u64, what: &str) -> Error {
    Error::unreadable(path, format!("the tar archive is damaged: the member at byte {at} {what}"), DAMAGED)
}

fn short_name(header: &[u8]) -> String {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    let is_posix = header[257..263] == *b"ustar\0";
    if is_posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// Reads a text up to its first NUL.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// Reads a number: octal digits, or a large one in base 256.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let digits = field[1..].iter().try_fold(0u64, |sum, byte| Some(sum.checked_mul(256)? | u64::from(*byte)));
        return digits;
    }
    let digits = text(field);
    u64::from_str_radix(digits.trim(), 8).ok()
}
