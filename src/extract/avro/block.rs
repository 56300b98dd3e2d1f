//! The blocks of an Avro object container file: header, then counted, compressed and marked blocks.
//!
//! In: a file by offset. Out: its schema, and one unpacked block after the other. Every block must end with the file's own
//! mark, so that a file that was cut is an error and not a shorter table. Deliberately knows no values.

use std::io::Read;

use bytes::Bytes;

use crate::storage::content::Content;

/// The first bytes of a file.
const MAGIC: &[u8] = b"Obj\x01";

/// The most bytes of a header.
const HEADER_BYTES: u64 = 64 << 20;

/// The most bytes of a block, packed and unpacked.
const BLOCK_BYTES: u64 = 1 << 30;

/// Bytes of the mark behind header and blocks.
const MARK: usize = 16;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
    Bzip2,
    Xz,
}

/// A file behind its header.
pub(super) struct Blocks {
    content: Content,
    at: u64,
    codec: Codec,
    mark: [u8; MARK],
}

/// An unpacked block.
pub(super) struct Block {
    /// Records in it.
    pub rows: u64,
    pub bytes: Bytes,
}

impl Blocks {
    /// Reads the header, and returns the schema in it.
    pub(super) fn open(content: &Content) -> Result<(Self, String), String> {
        let mut reader = Numbers { content, at: 0, end: content.len().min(HEADER_BYTES) };
        if reader.bytes(MAGIC.len() as u64)? != MAGIC {
            return Err("its first bytes are not those of an Avro file".to_owned());
        }
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let count = reader.number()?;
            if count == 0 {
                break;
            }
            if count < 0 {
                reader.number()?;
            }
            for _ in 0..count.unsigned_abs() {
                let name = reader.counted()?;
                let value = reader.counted()?;
                match name.as_ref() {
                    b"avro.schema" => schema = Some(String::from_utf8_lossy(&value).into_owned()),
                    b"avro.codec" => codec = by_name(&value)?,
                    _ => {}
                }
            }
        }
        let mark = reader.mark()?;
        let schema = schema.ok_or("its header holds no schema")?;
        Ok((Self { content: content.clone(), at: reader.at, codec, mark }, schema))
    }

    /// Returns the next block; None behind the last one.
    pub(super) fn next(&mut self) -> Result<Option<Block>, String> {
        if self.at == self.content.len() {
            return Ok(None);
        }
        let start = self.at;
        let mut reader = Numbers { content: &self.content, at: self.at, end: self.content.len() };
        let rows = u64::try_from(reader.number()?).map_err(|_| format!("the block at byte {start} has no count"))?;
        let packed = reader.counted()?;
        if reader.mark()? != self.mark {
            return Err(format!("the block at byte {start} does not end with the file's mark"));
        }
        self.at = reader.at;
        let bytes = unpack(self.codec, packed).map_err(|reason| format!("the block at byte {start}: {reason}"))?;
        Ok(Some(Block { rows, bytes }))
    }
}

/// Numbers and bytes of a file, one after the other.
struct Numbers<'a> {
    content: &'a Content,
    at: u64,
    end: u64,
}

impl Numbers<'_> {
    fn bytes(&mut self, count: u64) -> Result<Bytes, String> {
        if count > self.end - self.at.min(self.end) {
            return Err(format!("the file ends before byte {}", self.at.saturating_add(count)));
        }
        let length = usize::try_from(count).map_err(|error| error.to_string())?;
        let bytes = self.content.part(self.at, length).map_err(|error| error.to_string())?;
        self.at += count;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<i64, String> {
        let head = self.content.part(self.at, 10).map_err(|error| error.to_string())?;
        let (number, length) = number(&head).ok_or_else(|| format!("no number at byte {}", self.at))?;
        self.at += length as u64;
        Ok(number)
    }

    /// Returns bytes with their count before them.
    fn counted(&mut self) -> Result<Bytes, String> {
        let count = self.number()?;
        let count = u64::try_from(count).ok().filter(|count| *count <= BLOCK_BYTES);
        self.bytes(count.ok_or_else(|| format!("a length at byte {} is beyond {BLOCK_BYTES} bytes", self.at))?)
    }

    fn mark(&mut self) -> Result<[u8; MARK], String> {
        self.bytes(MARK as u64)?.first_chunk().copied().ok_or_else(|| "the file ends within a mark".to_owned())
    }
}

/// Reads a zig-zag number of variable length; returns its bytes as well.
pub(super) fn number(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7F).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), index + 1));
        }
    }
    None
}

fn by_name(name: &[u8]) -> Result<Codec, String> {
    Ok(match name {
        b"null" => Codec::Null,
        b"deflate" => Codec::Deflate,
        b"snappy" => Codec::Snappy,
        b"zstandard" => Codec::Zstandard,
        b"bzip2" => Codec::Bzip2,
        b"xz" => Codec::Xz,
        other => return Err(format!("it is compressed with the unknown codec `{}`", String::from_utf8_lossy(other))),
    })
}

fn unpack(codec: Codec, packed: Bytes) -> Result<Bytes, String> {
    let read = packed.as_ref();
    match codec {
        Codec::Null => Ok(packed),
        Codec::Deflate => limited(flate2::read::DeflateDecoder::new(read)),
        Codec::Snappy => snappy(read),
        Codec::Zstandard => limited(zstd::Decoder::new(read).map_err(|error| error.to_string())?),
        Codec::Bzip2 => limited(bzip2::read::MultiBzDecoder::new(read)),
        Codec::Xz => limited(liblzma::read::XzDecoder::new(read)),
    }
}

fn limited(reader: impl Read) -> Result<Bytes, String> {
    let mut unpacked = Vec::new();
    reader.take(BLOCK_BYTES + 1).read_to_end(&mut unpacked).map_err(|error| error.to_string())?;
    if unpacked.len() as u64 > BLOCK_BYTES {
        return Err(format!("it unpacks to more than {BLOCK_BYTES} bytes"));
    }
    Ok(Bytes::from(unpacked))
}

/// Snappy, with the check sum of the unpacked bytes behind.
fn snappy(packed: &[u8]) -> Result<Bytes, String> {
    let (packed, sum) = packed.split_last_chunk::<4>().ok_or("it ends before its check sum")?;
    let length = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    // Snappy's copies give at most 64 bytes for three.
    if length as u64 > BLOCK_BYTES || length / 32 > packed.len() {
        return Err(format!("it claims to unpack to {length} bytes"));
    }
    let unpacked = snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| error.to_string())?;
    let mut found = flate2::Crc::new();
    found.update(&unpacked);
    if found.sum() != u32::from_be_bytes(*sum) {
        return Err("its check sum is another".to_owned());
    }
    Ok(Bytes::from(unpacked))
}
