//! A seal: what stands in front of kept bytes, so that damaged ones, cut ones and those of another key count as absent.
//!
//! In: a key and bytes. Out: the seal, or whether bytes stand behind theirs.

/// Bytes of a seal.
pub const SEAL_BYTES: usize = blake3::OUT_LEN;

/// Returns what stands in front of bytes under their key and under no other.
#[must_use]
pub fn seal(key: &blake3::Hash, bytes: &[u8]) -> blake3::Hash {
    blake3::keyed_hash(key.as_bytes(), bytes)
}

/// Returns whether bytes begin with the seal of what is behind it.
#[must_use]
pub fn is_sealed(key: &blake3::Hash, kept: &[u8]) -> bool {
    kept.split_first_chunk::<SEAL_BYTES>().is_some_and(|(sealed, bytes)| seal(key, bytes) == *sealed)
}
