//! The files of a source: location → files with their versions, sorted by path.
//!
//! In: a source. Out: its extract files, and the bytes of one. Deliberately does not decide which file wins: the version
//! is text here, and its order is the staging's affair.

use std::sync::Arc;

use super::Error;
use crate::{
    define::project::{Source, Version},
    storage::{
        content::Content,
        read::{self, Object},
    },
};

/// One file of a source.
#[derive(Debug, Clone)]
pub struct ExtractFile {
    /// Path below the wildcard-free part of the location; the file's name if it has no wildcard.
    pub path: Arc<str>,
    /// What `version: { from_path: … }` found in the path; None sorts first.
    pub version: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, as far as the storage knows.
    pub modified: Option<chrono::DateTime<chrono::Utc>>,
    /// What the storage says about the file as it is; while that stays the same so does the content.
    pub identity: Option<String>,
    object: Object,
}

/// Lists the files of a source, sorted by path. A glob that matches nothing gives none.
///
/// # Errors
/// When the location is no location, cannot be listed, or names a single file that is not there.
pub async fn list(source: &Source) -> Result<Vec<ExtractFile>, Error> {
    let objects = read::list(&source.location.value).await?;
    Ok(objects.into_iter().map(|object| file(object, &source.version)).collect())
}

/// Opens a listed file.
///
/// # Errors
/// When it is gone or cannot be read.
pub async fn fetch(file: &ExtractFile) -> Result<Content, Error> {
    Ok(file.object.open().await?)
}

fn file(object: Object, version: &Version) -> ExtractFile {
    let version = match version {
        Version::FromPath(pattern) => version_of(&object.path, pattern),
        Version::Path | Version::FromColumn(_) => None,
    };
    ExtractFile { path: Arc::clone(&object.path), version, size: object.size, modified: None, identity: None, object }
}

fn version_of(path: &str, pattern: &regex::Regex) -> Option<String> {
    Some(pattern.captures(path)?.name("version")?.as_str().to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_group_of_that_name() {
        let pattern = regex::Regex::new(r"_(?<version>[0-9]{8})\.").unwrap();
        assert_eq!(version_of("a/sales_20260131.csv", &pattern).as_deref(), Some("20260131"));
        assert_eq!(version_of("a/sales.csv", &pattern), None);
    }
}
