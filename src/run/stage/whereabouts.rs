//! Files that an earlier night read and that are listed no more: gone, or left out by another `location`.
//!
//! In: a source, its listed files, and one that is not among them. Out: whether it still lies where it lay. A snapshot knows
//! a file by its path below the folder of `location` that has no wildcard; where that folder was another one, the file lies
//! below one above it, and so does one that was known by a longer path. Deliberately opens no file.

use std::collections::HashSet;

use crate::{
    define::project::{Format, Source},
    extract::{self, ExtractFile},
    record::{Placed, manifest::InputFile},
};

/// Where the files of a source lie.
pub(super) struct Whereabouts<'a> {
    source: &'a Source,
    /// Addresses of the listed files.
    listed: HashSet<String>,
    runtime: tokio::runtime::Handle,
}

impl<'a> Whereabouts<'a> {
    /// Notes the files that are listed.
    pub fn new(source: &'a Source, listed: &[ExtractFile], runtime: tokio::runtime::Handle) -> Self {
        let folder = folders(&source.location.value).next().unwrap_or_default();
        let listed = listed.iter().map(|file| format!("{folder}{}", file.path)).collect();
        Self { source, listed, runtime }
    }

    /// Returns whether two files are one under another path: the disk knows it by its inode and time, or a changed `location`
    /// counts the same path from another folder. Equal content alone says nothing: two senders may have sold the same.
    pub fn are_one(&self, old: &InputFile, new: &InputFile) -> bool {
        let location = &self.source.location.value;
        let is_on_disk = !location.contains("://") || location.starts_with("file://");
        let is_known = || is_on_disk && old.identity.is_some() && old.identity == new.identity;
        let lowest = folders(location).next().unwrap_or_default();
        let address = format!("{lowest}{}", new.path);
        let is_counted = || folders(location).any(|folder| format!("{folder}{}", old.path) == address);
        let is_pull = old.watermark.is_some() || new.watermark.is_some();
        !is_pull && old.content == new.content && (is_known() || is_counted())
    }

    /// Returns whether a file still lies there although it is not listed, because `location` does not match it any more.
    /// One that is listed under another path does not. A place that does not answer holds nothing.
    pub fn hold(&self, file: &InputFile) -> bool {
        if file.watermark.is_some() || matches!(self.source.format, Format::Database(_)) {
            return false;
        }
        let looked = folders(&self.source.location.value).enumerate().find_map(|(above, folder)| {
            let address = format!("{folder}{}", file.path);
            if self.listed.contains(&address) {
                return Some(false);
            }
            // Further up another file may have the same path.
            let found = self.bytes_at(address)?;
            (above == 0 || found == file.size).then_some(true)
        });
        looked.unwrap_or(false)
    }

    /// Returns the size of the file at an address, if there is one.
    fn bytes_at(&self, address: String) -> Option<u64> {
        let place = self.source.location.place.clone();
        let source = Source { location: Placed { value: address, place }, ..self.source.clone() };
        let found = self.runtime.block_on(extract::list(&source)).ok()?;
        found.iter().find(|file| source.location.value.ends_with(&*file.path)).map(|file| file.size)
    }
}

/// Returns the folder of a location that has no wildcard and those above it, from the lowest on, each with its last slash.
fn folders(location: &str) -> impl Iterator<Item = &str> {
    let fixed = location.find(['*', '?', '[', '{']).map_or(location, |wildcard| &location[..wildcard]);
    let root = location.find("://").map_or(0, |at| at + "://".len());
    let folder = move |(slash, _)| &location[..=slash];
    fixed.rmatch_indices('/').map(folder).take_while(move |folder| folder.len() > root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_a_location_are_those_above_its_wildcard() {
        let found = |location: &'static str| folders(location).collect::<Vec<_>>();
        assert_eq!(found("/data/in/x*/*.csv"), ["/data/in/", "/data/", "/"]);
        assert_eq!(found("/data/a.csv"), ["/data/", "/"]);
        assert_eq!(found("s3://bucket/in/**/*.csv"), ["s3://bucket/in/", "s3://bucket/"]);
        assert_eq!(found("file:///in/*.csv"), ["file:///in/", "file:///"]);
    }
}
