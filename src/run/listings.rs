//! The files of all sources, each place listed once for the whole run.
//!
//! In: the sources. Out: their files by the name of the source, for the forecast and then for the staging. Deliberately
//! absent: databases, whose pull begins where the last one ended, and places that cannot be listed: both are asked while
//! their source is staged, which also says what is wrong.

use std::collections::BTreeMap;

use crate::{
    define::project::{Format, Source},
    extract::{self, ExtractFile},
};

/// The files of each source, sorted by path.
pub(super) type Listings = BTreeMap<String, Vec<ExtractFile>>;

/// Lists what can be listed.
pub(super) async fn listings(sources: &[Source]) -> Listings {
    let mut listings = Listings::new();
    for source in sources.iter().filter(|source| !matches!(source.format, Format::Database(_))) {
        if let Ok(files) = extract::list(source).await {
            listings.insert(source.name.value.clone(), files);
        }
    }
    listings
}
