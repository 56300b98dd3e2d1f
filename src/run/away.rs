//! Staging that publishes nothing: into a folder that is thrown away, for verbs that only look.

use super::{
    Definitions, Observer, Request,
    listings::{Listings, listings},
    load,
    nightly::reach,
    stage::{Surroundings, Workplace},
};
use crate::{Error, engine::Engine, publish::Finder, record::Manifest};

/// A folder for what is staged, and what the warehouse serves.
pub(super) struct Away {
    folder: tempfile::TempDir,
    pub parent: Option<Manifest>,
    pub files: Finder,
    pub listings: Listings,
}

impl Away {
    /// Opens the warehouse and lists the sources.
    ///
    /// # Errors
    /// When the warehouse cannot be read, or no folder can be made.
    pub async fn new(definitions: &Definitions, request: &Request, engine: &Engine) -> Result<Self, Error> {
        let warehouse = load::warehouse(&definitions.project.pipeline, request)?;
        let parent = warehouse.current()?;
        let folder = tempfile::tempdir().map_err(|error| Error::Environment {
            message: format!("cannot make a temporary folder: {error}"),
            hint: Some("point `TMPDIR` at a folder with free space".to_owned()),
        })?;
        reach(&warehouse, engine)?;
        let files = Finder::new(&warehouse, folder.path().to_owned(), parent.as_ref());
        let listings = listings(&definitions.project.sources).await;
        Ok(Self { folder, parent, files, listings })
    }

    /// Returns the folder.
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Returns what staging needs.
    pub fn surroundings<'a>(
        &'a self,
        definitions: &Definitions,
        request: &Request,
        engine: &Engine,
        observer: &'a dyn Observer,
    ) -> Surroundings<'a> {
        let place = Workplace {
            folder: self.folder.path(),
            parent: self.parent.as_ref(),
            salvage: None,
            files: &self.files,
            listings: &self.listings,
        };
        Surroundings::new(place, definitions, request, engine, observer)
    }
}
