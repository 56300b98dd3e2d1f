//! Watching definition files: what they are now, and which of them are others than a moment ago.
//!
//! In: a request, or two looks. Out: paths. Deliberately waits for nothing: whoever watches decides how often to look.

use std::path::PathBuf;

use super::{Request, load};
use crate::storage::definitions::{self, Seen};

/// One look at all files that define a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look(Vec<Seen>);

impl Look {
    /// Looks at the pipeline file, its sources, entities and reports, and everything below the folder of its models. Where the
    /// pipeline file is wrong, at that alone.
    #[must_use]
    pub fn at(request: &Request) -> Self {
        let mut paths = vec![request.pipeline.clone()];
        if let Ok(load::Folders { sources, entities, models, reports }) = load::folders(request) {
            let globs = [sources, entities, reports].into_iter().flatten();
            paths.extend(globs.flat_map(|glob| definitions::glob(&glob).unwrap_or_default()));
            paths.extend(definitions::below(&models).unwrap_or_default());
        }
        Self(definitions::look(paths))
    }

    /// Returns the files that came, went or were written since an earlier look.
    #[must_use]
    pub fn changed_since(&self, earlier: &Self) -> Vec<PathBuf> {
        let of_one = |one: &Self, other: &Self| -> Vec<PathBuf> {
            one.0.iter().filter(|seen| !other.0.contains(seen)).map(|seen| seen.path.clone()).collect()
        };
        let mut changed = of_one(self, earlier);
        changed.extend(of_one(earlier, self));
        changed.sort();
        changed.dedup();
        changed
    }
}
