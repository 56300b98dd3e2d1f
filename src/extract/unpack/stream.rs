//! Compressed streams: gzip, zstd, bzip2 and xz.
//!
//! In: a content. Out: the content without its compression. Several streams one behind the other are one, as the command
//! line tools have it. Deliberately no archive: tar inside is another layer.

use std::{
    io::{self, BufRead, BufReader, Read},
    sync::Arc,
};

use super::{Budget, Container, Error, Guard, IN_MEMORY_BYTES, Packed, unpacked};
use crate::storage::content::Content;

/// What an xz stream may ask of memory: the largest preset needs a quarter of it.
const XZ_MEMORY_BYTES: u64 = 256 << 20;

/// Ends of names that say how a file is compressed.
const ENDINGS: [&str; 6] = [".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz"];

/// A way of compressing one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Compression {
    /// Knows a compression by its first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let is_bzip2 = |head: &[u8]| {
            // Nine letters that no header of a table begins with: the mark, the level, the first block or the end.
            matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if rest.starts_with(b"\x31\x41\x59\x26\x53\x59") || rest.starts_with(b"\x17\x72\x45\x38\x50\x90"))
        };
        match head {
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            head if is_bzip2(head) => Some(Self::Bzip2),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }

    fn decoder(self, content: &Content) -> io::Result<Box<dyn Read>> {
        let packed = Packed::new(content);
        Ok(match self {
            Self::Gzip => Box::new(Gzip { member: Some(flate2::bufread::GzDecoder::new(packed)) }),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(packed)?),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
            Self::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
        })
    }

    /// Takes the compression off.
    pub(super) fn unpack(self, path: &Arc<str>, content: &Content, budget: &mut Budget) -> Result<Content, Error> {
        let decoder = self.decoder(content).map_err(|error| unpacked(path, self.name(), 0, &error))?;
        let mut container = Container::new(content.len());
        let mut guard = Guard::new(decoder, budget, &mut container);
        let copied = Content::copied_from(&mut guard, IN_MEMORY_BYTES as u64, u64::MAX - 1);
        let good = guard.good;
        copied.map_err(|error| unpacked(path, self.name(), good, &error))
    }
}

/// Returns the name of what is compressed: `a.csv` of `a.csv.gz`.
pub(super) fn name_inside(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending));
    ending.map_or(name, |ending| &name[..name.len() - ending.len()])
}

/// The members of a gzip file one behind the other; zero bytes behind the last one are padding.
struct Gzip {
    member: Option<flate2::bufread::GzDecoder<BufReader<Packed>>>,
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(member) = self.member.take() else { return Ok(0) };
            let mut rest = member.into_inner();
            match rest.fill_buf()?.first().copied() {
                None => return Ok(0),
                Some(0x1F) => self.member = Some(flate2::bufread::GzDecoder::new(rest)),
                Some(_) if is_zero(rest)? => return Ok(0),
                Some(_) => return Err(io::Error::other("something else follows its last member")),
            }
        }
    }
}

fn is_zero(mut rest: BufReader<Packed>) -> io::Result<bool> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        let count = bytes.len();
        if count == 0 {
            return Ok(true);
        }
        rest.consume(count);
    }
}
