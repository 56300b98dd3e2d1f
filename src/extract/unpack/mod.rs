//! Packed files: what is compressed or archived is unpacked until tables remain.
//!
//! In: a file's content. Out: the parts of every table in it. What a file is, its first bytes say, whatever its name.
//! Deliberately writes nothing by a member's name: what does not fit into memory lies in a nameless file.
//!
//! ```text
//!  a.csv.gz ─► stream ─► a.csv                 a.zip ─► zip ─┬► a.zip!x.csv
//!                                              a.tgz ─► stream ─► tar ─┴► a.zip!y.csv.gz ─► stream ─► …
//! ```

mod guard;
mod stream;
mod tar;
pub(super) mod zip;

use std::{io::Write as _, sync::Arc};

use globset::{Glob, GlobMatcher};

pub(super) use self::guard::{Budget, Container, Guard, Packed, unpacked};
use super::{Error, Hints, Limits, Part};
use crate::{
    define::project::Format,
    storage::content::{Content, Gathering},
};

/// Unpacked bytes that stay in memory.
pub(super) const IN_MEMORY_BYTES: usize = 16 << 20;

/// How deep archives and compression may lie in each other.
const MOST_LAYERS: usize = 5;

/// The first bytes of a file that tell what it is.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// Archives that are known and not read, by their first bytes.
const FOREIGN: [(&[u8], &str); 6] = [
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (&[0x1F, 0x9D], "compressed with compress (.Z)"),
    (&[0x04, 0x22, 0x4D, 0x18], "compressed with lz4"),
    (b"\xFF\x06\0\0sNaPpY", "compressed with snappy"),
    (b"MSCF\0\0\0\0", "a cabinet archive"),
];

/// Returns what a file is that is packed in a way that is not read.
fn foreign(head: &[u8]) -> Option<&'static str> {
    let known = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    known.or_else(|| is_lzma(head).then_some("compressed with lzma (.lzma)"))
}

/// Returns whether this is the header of xz's predecessor, which has no magic: the usual properties, the size of a dictionary
/// (a power of two, or three halves of one), that of the content if it is known, and the zero with which the data begin.
fn is_lzma(head: &[u8]) -> bool {
    let Some((header, &[0])) = head.first_chunk::<14>().map(|head| head.split_at(13)) else { return false };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (dictionary, size) = (number(&header[1..5]), number(&header[5..]));
    let is_usual = dictionary.is_power_of_two() || dictionary % 3 == 0 && (dictionary / 3).is_power_of_two();
    header.starts_with(&[0x5D, 0, 0]) && is_usual && (size == u64::MAX || size < 1 << 40)
}

/// Opens every table of a file.
pub(super) fn open(
    path: &Arc<str>,
    content: &Content,
    format: &Format,
    hints: &Hints,
    limits: &Limits,
) -> Result<Vec<Part>, Error> {
    let (pattern, format) = match format {
        Format::Member { pattern, format } => (Some(pattern.as_str()), &**format),
        plain => (None, plain),
    };
    let wrong =
        |error: globset::Error| Error::unreadable(path, error.to_string(), "correct `member` in the source's contract");
    let member = pattern.map(Glob::new).transpose().map_err(wrong)?.map(|glob| glob.compile_matcher());
    let mut walk = Walk { format, hints, limits, member, budget: Budget::new(limits), members: 0, parts: Vec::new() };
    walk.open(path, path, content, 0)?;
    Ok(walk.parts)
}

/// The way through one file.
struct Walk<'a> {
    format: &'a Format,
    hints: &'a Hints,
    limits: &'a Limits,
    member: Option<GlobMatcher>,
    budget: Budget,
    members: usize,
    parts: Vec<Part>,
}

/// One file of an archive.
struct Member {
    name: String,
    content: Content,
}

impl Walk<'_> {
    /// Opens what lies at `path`; `name` is how it would be called unpacked.
    fn open(&mut self, path: &Arc<str>, name: &str, content: &Content, layers: usize) -> Result<(), Error> {
        let head = content.part(0, HEAD_BYTES).map_err(|error| super::disk(path, &error))?;
        if let Some(kind) = foreign(&head) {
            return Err(Error::unreadable(path, format!("it is {kind}"), "unpack it, or pack it as zip or gzip"));
        }
        if layers > MOST_LAYERS {
            let reason = format!("archives lie in it more than {MOST_LAYERS} deep");
            return Err(Error::unreadable(path, reason, "unpack it by hand and look at it"));
        }
        if let Some(compression) = stream::Compression::of(&head) {
            let inner = compression.unpack(path, content, &mut self.budget)?;
            return self.open(path, stream::name_inside(name), &inner, layers + 1);
        }
        if zip::is_zip(&head) {
            let mut archive = zip::Archive::open(path, content)?;
            if !archive.is_workbook() {
                let members = self.zip_members(path, content, &mut archive)?;
                return self.open_members(path, members, layers);
            }
        } else if tar::is_tar(&head) {
            let members = tar::members(path, content, |name| self.is_wanted(name), self.limits)?;
            return self.open_members(path, members, layers);
        }
        let parts = super::open_plain(path, name, content, self.format, self.hints, self.limits)?;
        self.parts.extend(parts);
        Ok(())
    }

    fn open_members(&mut self, path: &Arc<str>, members: Vec<Member>, layers: usize) -> Result<(), Error> {
        if members.is_empty() {
            let hint = match &self.member {
                Some(member) => format!("no member is named `{}`: correct `member` in the format", member.glob()),
                None => "ask for it again".to_owned(),
            };
            return Err(Error::unreadable(path, "the archive holds no file to read", hint));
        }
        self.members += members.len();
        if self.members > self.limits.most_members {
            return Err(too_many(path, self.limits));
        }
        for Member { name, content } in members {
            let path = Arc::from(format!("{path}!{name}"));
            self.open(&path, &name, &content, layers + 1)?;
        }
        Ok(())
    }

    /// Unpacks the wanted members of a zip archive, one behind the other.
    fn zip_members(
        &mut self,
        path: &Arc<str>,
        content: &Content,
        archive: &mut zip::Archive,
    ) -> Result<Vec<Member>, Error> {
        let wanted: Vec<usize> =
            (0..archive.names.len()).filter(|index| self.is_wanted(&archive.names[*index])).collect();
        if wanted.len() > self.limits.most_members {
            return Err(too_many(path, self.limits));
        }
        let mut container = Container::new(content.len());
        let mut gathering = Gathering::new(IN_MEMORY_BYTES);
        let mut ends = Vec::with_capacity(wanted.len());
        for index in &wanted {
            ends.push(archive.copy(path, *index, &mut gathering, &mut container, &mut self.budget)?);
        }
        gathering.flush().and_then(|()| gathering.finish()).map_err(|error| super::disk(path, &error)).map(|all| {
            let mut begin = 0;
            let slice = |(index, length): (usize, u64)| {
                begin += length;
                Member { name: archive.names[index].clone(), content: all.slice(begin - length, length) }
            };
            wanted.into_iter().zip(ends).map(slice).collect()
        })
    }

    /// Returns whether a member is a file that somebody packed on purpose.
    fn is_wanted(&self, name: &str) -> bool {
        let is_hidden = |part: &str| part.starts_with('.') && part != "." && part != ".." || part.starts_with("~$");
        let is_litter = |part: &str| ["__MACOSX", "Thumbs.db", "desktop.ini"].contains(&part);
        let is_folder = name.ends_with('/');
        let base = name.rsplit('/').next().unwrap_or(name);
        let is_named = self.member.as_ref().is_none_or(|glob| glob.is_match(name) || glob.is_match(base));
        !is_folder && is_named && !name.split('/').any(|part| is_hidden(part) || is_litter(part))
    }
}

fn too_many(path: &Arc<str>, limits: &Limits) -> Error {
    let reason = format!("the archive has more than {} members", limits.most_members);
    Error::unreadable(path, reason, "name some by `member` in the source's contract")
}

#[cfg(test)]
mod tests;
