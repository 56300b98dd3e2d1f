//! The files of a source: location → files with their versions, sorted by path; the pull of a database counts as a file.
//!
//! In: a source, and the watermark of its last pull. Out: its extract files, and the bytes of one. Deliberately does not
//! decide which file wins: the version is text here, and its order is the staging's affair.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Error, Hints, database};
use crate::{
    define::project::{Format, Source, Version},
    storage::{
        content::Content,
        read::{self, Object},
    },
};

/// One file of a source.
#[derive(Debug, Clone)]
pub struct ExtractFile {
    /// Path below the wildcard-free part of the location; the file's name if it has no wildcard. A pull is named by its
    /// table, with a watermark `crm.visit@<from>..<to>`.
    pub path: Arc<str>,
    /// What `version: { from_path: … }` found in the path; None sorts first. A pull with a watermark has its end as
    /// version, unless the version is in the path or in a column.
    pub version: Option<String>,
    /// Bytes; 0 for a pull, which nobody knows before it is made.
    pub size: u64,
    /// When it was last written, as far as the place says so.
    pub modified: Option<DateTime<Utc>>,
    /// What tells this state of the file from others. Equal identities of one path allow to skip the hashing; they never
    /// stand for the content. None where the place does not say, and for pulls.
    pub identity: Option<String>,
    /// The largest value of the watermark column up to which this pull reaches: `since` of the next one, once its rows are
    /// published.
    pub watermark: Option<String>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Object(Object),
    Pull(Box<database::Pull>),
}

/// How far the pulls of a source have come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull {
    /// [`ExtractFile::watermark`] of the last pull whose rows are kept; None pulls everything.
    pub since: Option<String>,
}

impl ExtractFile {
    /// Opens the file; a pull is made now, of the columns that the hints name.
    ///
    /// # Errors
    /// When it is gone, was replaced since it was listed, or cannot be read.
    pub async fn open(&self, hints: &Hints) -> Result<Content, Error> {
        match &self.place {
            Place::Object(object) => Ok(object.open().await?),
            Place::Pull(pull) => pull.fetch(hints).await,
        }
    }

    /// Returns whether the file was written since it was listed; a place that has no identities cannot tell.
    ///
    /// # Errors
    /// When it is gone or the place cannot be asked.
    pub async fn is_changed(&self) -> Result<bool, Error> {
        match &self.place {
            Place::Object(object) if self.identity.is_some() => Ok(object.current_identity().await? != self.identity),
            _ => Ok(false),
        }
    }
}

/// Lists the files of a source, sorted by path. A glob that matches nothing gives none.
///
/// # Errors
/// When the location is no location, cannot be listed, or names a single file that is not there.
pub async fn list(source: &Source) -> Result<Vec<ExtractFile>, Error> {
    list_since(source, &Pull::default()).await
}

/// Lists the files of a source; a source with a watermark has one, the pull that follows `pull`.
///
/// The pull takes the rows from `since` up to the largest value there is now, both ends included, so that no row is lost
/// that was written at the same moment; rows without a value belong to every pull. Such rows come again: the source needs
/// a key, and a version by which the later one wins. Nothing new gives a pull `<since>..<since>`.
///
/// # Errors
/// As [`list`], and when the database cannot be asked.
pub async fn list_since(source: &Source, pull: &Pull) -> Result<Vec<ExtractFile>, Error> {
    let location = source.location.value.as_str();
    let Format::Database(options) = &source.format else { return listed(source).await };
    if database::is_server(location) {
        let place = database::Place::Server(location.into());
        let pull = database::list(place, options, pull.since.as_deref()).await?;
        return Ok(vec![pulled(pull, &source.version)]);
    }
    if options.watermark.is_none() {
        return listed(source).await;
    }
    let mut files = Vec::new();
    for object in read::list(location).await? {
        let pull = database::list(database::Place::File(object), options, pull.since.as_deref()).await?;
        files.push(pulled(pull, &source.version));
    }
    Ok(files)
}

async fn listed(source: &Source) -> Result<Vec<ExtractFile>, Error> {
    let objects = read::list(&source.location.value).await?;
    Ok(objects.into_iter().map(|object| file(object, &source.version)).collect())
}

fn file(object: Object, version: &Version) -> ExtractFile {
    ExtractFile {
        path: Arc::clone(&object.path),
        version: from_path(&object.path, version),
        size: object.size,
        modified: object.modified,
        identity: object.identity.clone(),
        watermark: None,
        place: Place::Object(object),
    }
}

fn pulled(pull: database::Pull, version: &Version) -> ExtractFile {
    let watermark = pull.span.as_ref().and_then(|span| span.to.clone());
    let version = match version {
        Version::Path => watermark.as_deref().map(sortable),
        other => from_path(&pull.name, other),
    };
    ExtractFile {
        path: Arc::clone(&pull.name),
        version,
        size: 0,
        modified: None,
        identity: None,
        watermark,
        place: Place::Pull(Box::new(pull)),
    }
}

fn from_path(path: &str, version: &Version) -> Option<String> {
    match version {
        Version::FromPath(pattern) => version_of(path, pattern),
        Version::Path | Version::FromColumn(_) => None,
    }
}

fn version_of(path: &str, pattern: &regex::Regex) -> Option<String> {
    Some(pattern.captures(path)?.name("version")?.as_str().to_owned())
}

/// Writes a watermark so that later ones sort after it as text: whole numbers in 20 digits, below zero as what they lack
/// to a power of ten. ISO dates and timestamps sort as they are.
fn sortable(watermark: &str) -> String {
    const POWER: i128 = 10_i128.pow(20);
    match watermark.parse::<i128>() {
        Ok(number) if (0..POWER).contains(&number) => format!("{number:020}"),
        Ok(number) if (-POWER..0).contains(&number) => format!("-{:020}", POWER + number),
        _ => watermark.to_owned(),
    }
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

    #[test]
    fn later_watermarks_sort_later() {
        let in_order = ["-12", "-9", "-1", "0", "5", "12", "18446744073709551615"].map(sortable);
        assert!(in_order.is_sorted(), "{in_order:?}");
        let in_order = ["2026-01-01 10:00:00+00", "2026-01-01 10:00:00.5+00", "2026-01-01 10:00:01+00"].map(sortable);
        assert!(in_order.is_sorted(), "{in_order:?}");
    }
}
