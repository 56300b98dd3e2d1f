//! Globs over paths: which of the paths below a folder are meant.
//!
//! In: a path with wildcards. Out: the folder above the first of them, and a judge of what lies below it. Deliberately
//! knows no storage.

use globset::{GlobBuilder, GlobMatcher};

use super::Error;

/// Returns whether a path holds a letter that a glob understands.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Splits a path into the folder above its first wildcard and the glob below that folder.
pub(super) fn split_at_wildcard(path: &str) -> (&str, &str) {
    let wildcard = path.find(['*', '?', '[', '{']).unwrap_or(path.len());
    match path[..wildcard].rfind('/') {
        Some(slash) => (&path[..slash], path[slash..].trim_start_matches('/')),
        None => ("", path),
    }
}

/// Judges paths below a folder, hidden files left out.
#[derive(Debug)]
pub(super) struct Pattern {
    whole: GlobMatcher,
    /// The folders of the glob that are no `**`, as far as one may judge folder by folder.
    folders: Vec<GlobMatcher>,
    /// Whether nothing lies deeper than `folders`.
    is_bounded: bool,
}

impl Pattern {
    /// Compiles the glob of a location.
    pub(super) fn new(location: &str, glob: &str) -> Result<Self, Error> {
        let compile = |glob: &str| {
            let glob = GlobBuilder::new(glob).literal_separator(true).build();
            let wrong =
                |error: globset::Error| Error::Location { location: location.to_owned(), reason: error.to_string() };
            glob.map(|glob| glob.compile_matcher()).map_err(wrong)
        };
        let whole = compile(glob)?;
        let parts: Vec<&str> = glob.split('/').collect();
        let above = &parts[..parts.len() - 1];
        // A slash between braces or brackets belongs to them.
        let is_apart = !glob.contains('{') && !glob.contains('[');
        let known = if is_apart { above.iter().take_while(|part| !part.contains("**")).count() } else { 0 };
        let folders = above[..known].iter().map(|part| compile(part)).collect::<Result<_, _>>()?;
        Ok(Self { whole, folders, is_bounded: is_apart && known == above.len() && !parts[known].contains("**") })
    }

    /// Returns whether a file is meant.
    pub(super) fn wants(&self, below: &str) -> bool {
        !is_hidden(below) && self.whole.is_match(below)
    }

    /// Returns whether files that are meant may lie in a folder.
    pub(super) fn may_hold(&self, below: &str) -> bool {
        let depth = below.split('/').count();
        if is_hidden(below) || (self.is_bounded && depth > self.folders.len()) {
            return false;
        }
        below.split('/').zip(&self.folders).all(|(part, folder)| folder.is_match(part))
    }
}

/// Returns whether a file or one of its folders is hidden, or a lock file of Office.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part.starts_with("~$"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_glob_says_which_folders_to_enter() {
        let pattern = Pattern::new("", "2026-*/*/*.csv").unwrap();
        assert!(pattern.may_hold("2026-01") && pattern.may_hold("2026-01/east"));
        assert!(!pattern.may_hold("2025-01") && !pattern.may_hold("2026-01/east/old"));
        let pattern = Pattern::new("", "a/**/b.csv").unwrap();
        assert!(pattern.may_hold("a/x/y") && !pattern.may_hold("b") && pattern.wants("a/b.csv"));
        let pattern = Pattern::new("", "{a/b,c}/*.csv").unwrap();
        assert!(pattern.may_hold("a/b") && pattern.wants("a/b/1.csv"));
        assert!(!Pattern::new("", "*.csv").unwrap().may_hold("a"));
        assert!(Pattern::new("", "**").unwrap().may_hold("a/b"));
        assert!(!Pattern::new("", "**/*").unwrap().may_hold("a/.git"));
    }

    #[test]
    fn the_folder_above_the_first_wildcard_is_split_off() {
        assert_eq!(split_at_wildcard("/a/b/*.csv"), ("/a/b", "*.csv"));
        assert_eq!(split_at_wildcard("/*/b.csv"), ("", "*/b.csv"));
        assert_eq!(split_at_wildcard("x*/b.csv"), ("", "x*/b.csv"));
    }
}
