//! How much room there is.
//!
//! In: a path. Out: what its file system has left for this user. Deliberately absent: quotas, which no call tells of.

use std::path::Path;

use super::Error;

/// Returns the bytes that may still be written to the file system of a path, or of the nearest folder above it that
/// exists; None where the file system does not say.
///
/// # Errors
/// When it cannot be asked.
pub fn free(path: &Path) -> Result<Option<u64>, Error> {
    let there = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let told =
        rustix::fs::statvfs(there).map_err(|error| Error::new("ask for the free space of", there, error.into()))?;
    Ok((told.f_blocks > 0).then(|| told.f_bavail.saturating_mul(told.f_frsize)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let room = free(&folder.path().join("not/yet")).unwrap().unwrap();
        assert!(room > 0);
        assert!(free(Path::new("/proc")).unwrap().is_none_or(|room| room == 0), "nothing can be written there");
    }
}
