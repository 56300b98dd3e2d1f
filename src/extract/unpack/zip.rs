//! Zip archives: their members' names and bytes; workbooks are zip archives too.
//!
//! In: a content. Out: names in the archive's order, and the bytes of a member. Deliberately never trusts a size that is
//! written in the archive.

use std::{
    io::{self, BufReader, Write},
    sync::Arc,
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{Budget, Container, Error, Guard, IN_MEMORY_BYTES, Limits, Packed, unpacked};
use crate::storage::content::{Content, Gathering};

/// An opened archive.
pub(in crate::extract) struct Archive {
    archive: ZipArchive<BufReader<Packed>>,
    /// Names of all members, with `/` between folders.
    pub names: Vec<String>,
}

/// Returns whether these are the first bytes of a zip archive.
pub(in crate::extract) fn is_zip(head: &[u8]) -> bool {
    [&b"PK\x03\x04"[..], b"PK\x05\x06", b"PK\x07\x08"].iter().any(|magic| head.starts_with(magic))
}

impl Archive {
    /// Reads the archive's directory.
    pub(in crate::extract) fn open(path: &Arc<str>, content: &Content) -> Result<Self, Error> {
        let failed = |error: ZipError| {
            let hint = "it was cut or damaged on its way: ask for it again";
            Error::unreadable(path, format!("the zip archive has no whole directory: {error}"), hint)
        };
        let archive = ZipArchive::new(Packed::new(content)).map_err(failed)?;
        let name = |index| archive.by_index_data(index).map(|member| decoded(member.name_raw()));
        let names = (0..archive.len()).map(name).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { archive, names })
    }

    /// Returns whether it is a document of an office suite.
    pub(in crate::extract) fn is_workbook(&self) -> bool {
        let has = |wanted: &str| self.find(wanted).is_some();
        has("[Content_Types].xml")
            || has("content.xml") && (has("mimetype") || has("META-INF/manifest.xml"))
            || has("xl/workbook.xml")
            || has("xl/workbook.bin")
    }

    /// Returns the index of a member, whose case does not count.
    pub(in crate::extract) fn find(&self, wanted: &str) -> Option<usize> {
        let wanted = wanted.trim_start_matches('/');
        let exact = self.names.iter().position(|name| name == wanted);
        exact.or_else(|| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted)))
    }

    /// Unpacks a member behind what was gathered, and returns its length.
    pub(in crate::extract) fn copy(
        &mut self,
        path: &Arc<str>,
        index: usize,
        to: &mut impl Write,
        container: &mut Container,
        budget: &mut Budget,
    ) -> Result<u64, Error> {
        let name = &self.names[index];
        let refused = |error: ZipError| {
            let (reason, hint) = match error {
                ZipError::UnsupportedArchive(reason) if reason.contains("assword") => {
                    (format!("member `{name}` is protected by a password"), "pack it without one")
                }
                ZipError::UnsupportedArchive(reason) => {
                    (format!("member `{name}` is packed in a way that is not known: {reason}"), "pack it with deflate")
                }
                other => (format!("member `{name}` is damaged: {other}"), "ask for it again"),
            };
            Error::unreadable(path, reason, hint)
        };
        let member = self.archive.by_index(index).map_err(refused)?;
        let mut guard = Guard::new(member, budget, container);
        let copied = io::copy(&mut guard, to);
        let good = guard.good;
        copied.map_err(|error| match unknown_method(&error) {
            Some(method) => {
                let known_as = CompressionMethod::name_from_u16(method);
                let reason =
                    format!("member `{name}` is packed by method {method} ({known_as}), which is not known here");
                Error::unreadable(path, reason, "pack it again with deflate")
            }
            None => unpacked(path, &format!("`{name}`"), good, &error),
        })
    }

    /// Unpacks everything to nowhere, to see whether it stays within the limits.
    pub(in crate::extract) fn weigh(
        &mut self,
        path: &Arc<str>,
        content: &Content,
        limits: &Limits,
    ) -> Result<(), Error> {
        let (mut container, mut budget) = (Container::new(content.len()), Budget::new(limits));
        for index in 0..self.names.len() {
            self.copy(path, index, &mut io::sink(), &mut container, &mut budget)?;
        }
        Ok(())
    }

    /// Unpacks one member.
    pub(in crate::extract) fn read(
        &mut self,
        path: &Arc<str>,
        index: usize,
        container: &mut Container,
        budget: &mut Budget,
    ) -> Result<Content, Error> {
        let mut gathering = Gathering::new(IN_MEMORY_BYTES);
        self.copy(path, index, &mut gathering, container, budget)?;
        gathering.flush().and_then(|()| gathering.finish()).map_err(|error| crate::extract::disk(path, &error))
    }
}

/// Returns the method of a member that was never begun to unpack, because nobody here can.
fn unknown_method(error: &io::Error) -> Option<u16> {
    match error.get_ref()?.downcast_ref()? {
        ZipError::CompressionMethodNotSupported(method) => Some(*method),
        _ => None,
    }
}

/// Decodes a member's name: UTF-8, or else what Chinese Windows writes, or else Latin-1.
fn decoded(name: &[u8]) -> String {
    let text = if let Ok(text) = std::str::from_utf8(name) {
        text.to_owned()
    } else {
        let (text, is_bad) = encoding_rs::GB18030.decode_without_bom_handling(name);
        if is_bad { name.iter().map(|byte| char::from(*byte)).collect() } else { text.into_owned() }
    };
    text.replace('\\', "/")
}
