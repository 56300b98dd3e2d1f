//! Where files are, as a contract says it: a location that names all of them, their version, the source's name.
//!
//! Deliberately lexical: nothing is looked at but the paths.

use std::path::{Component, Path, PathBuf};

use super::names;

/// Forms of dates in file names, most certain first.
const DATES: [&str; 3] = ["[0-9]{8}", "[0-9]{4}[-_.][0-9]{2}[-_.][0-9]{2}", "[0-9]{6}"];

/// Returns a regular expression whose group `version` finds the date that every path has.
pub(super) fn version(paths: &[String]) -> Option<String> {
    DATES.iter().find_map(|digits| {
        let pattern = regex::Regex::new(&format!("(^|[^0-9])({digits})([^0-9]|$)")).ok()?;
        let found: Option<Vec<(String, String)>> = paths.iter().map(|path| around(path, &pattern)).collect();
        let found = found.filter(|found| !found.is_empty())?;
        let same = |side: fn(&(String, String)) -> &String| {
            found.iter().all(|pair| side(pair) == side(&found[0])).then(|| regex::escape(side(&found[0])))
        };
        let (before, after) = (same(|pair| &pair.0).unwrap_or_default(), same(|pair| &pair.1).unwrap_or_default());
        let expression = format!("{before}(?<version>{digits}){after}");
        // The expression must find the same place, which is the last date of a path.
        let compiled = regex::Regex::new(&expression).ok()?;
        let finds = |path: &String| {
            compiled.captures(path).and_then(|found| found.name("version")).map(|found| is_date(found.as_str()))
        };
        paths.iter().all(|path| finds(path) == Some(true)).then_some(expression)
    })
}

/// Returns what stands around the last date in a file name.
fn around(path: &str, pattern: &regex::Regex) -> Option<(String, String)> {
    let name = path.rsplit('/').next()?;
    let mut at = 0;
    let mut last = None;
    while let Some(found) = pattern.captures_at(name, at) {
        let (before, date, after) = (found.get(1)?, found.get(2)?, found.get(3)?);
        if is_date(date.as_str()) {
            last = Some((before.as_str().to_owned(), after.as_str().to_owned()));
        }
        at = date.end();
    }
    last
}

fn is_date(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok());
    let (Some(year), Some(month)) = (number(0..4), number(4..6)) else { return false };
    let day = number(6..8).unwrap_or(1);
    let year = i32::try_from(year).unwrap_or_default();
    (1990..=2100).contains(&year) && chrono::NaiveDate::from_ymd_opt(year, month, day).is_some()
}

/// Returns a location that names all files: what was given if it is one glob, else the smallest that fits.
pub(super) fn location(given: &[String], files: &[String], contract: Option<&Path>) -> String {
    let one = match given {
        [one] => Some(super::super::inputs::with_all_below(one)).filter(|one| one.contains(['*', '?', '[', '{'])),
        _ => None,
    };
    let location = one.unwrap_or_else(|| smallest(files));
    match contract {
        _ if location.contains("://") => location,
        Some(contract) => relative(&absolute(&location), absolute(&contract.to_string_lossy()).parent()),
        None => absolute(&location).to_string_lossy().into_owned(),
    }
}

fn absolute(path: &str) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            other => parts.push(other),
        }
    }
    parts
}

/// Returns a path as seen from a folder.
fn relative(path: &Path, folder: Option<&Path>) -> String {
    let Some(folder) = folder else { return path.to_string_lossy().into_owned() };
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = path.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

fn smallest(files: &[String]) -> String {
    let Some(first) = files.first() else { return "*".to_owned() };
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let ending = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(String::new(), |(_, ending)| format!(".{ending}"))
    };
    if files.len() == 1 {
        return first.clone();
    }
    let one_ending = files.iter().all(|file| ending(file) == ending(first));
    let pattern = if one_ending { format!("*{}", ending(first)) } else { "*".to_owned() };
    if files.iter().all(|file| folder(file) == folder(first)) {
        return format!("{}{pattern}", folder(first));
    }
    let mut common = folder(first);
    while !files.iter().all(|file| file.starts_with(&common)) {
        common = folder(common.trim_end_matches('/'));
    }
    format!("{common}**/{pattern}")
}

/// Returns a name for the source: of the last folder above a wildcard, else of the file without digits.
pub(super) fn source_name(location: &str) -> String {
    let (path, _) = location.split_once(['*', '?', '[', '{']).unwrap_or((location, ""));
    let is_file = path == location;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
    let below_folder = if is_file || path.ends_with('/') { parts.last() } else { parts.iter().rev().nth(1) };
    let stem = below_folder.map_or("", |name| if is_file { name.split('.').next().unwrap_or_default() } else { *name });
    let plain = |c: char| if c.is_ascii_digit() { ' ' } else { c };
    let letters: String = if is_file { stem.chars().map(plain).collect() } else { stem.to_owned() };
    names::name_of(letters.trim_matches([' ', '_', '-'])).unwrap_or_else(|| "extract".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn the_version_is_the_date_that_all_names_have() {
        let found = |names: &[&str]| version(&paths(names));
        assert_eq!(found(&["a/x_20240105.csv", "x_20240705.csv"]).as_deref(), Some(r"_(?<version>[0-9]{8})\."));
        assert_eq!(found(&["r_202107_20220113.csv"]).as_deref(), Some(r"_(?<version>[0-9]{8})\."));
        assert_eq!(found(&["x 2024-01-05.csv"]).as_deref(), Some(r" (?<version>[0-9]{4}[-_.][0-9]{2}[-_.][0-9]{2})\."));
        assert_eq!(found(&["x_20240105.csv", "y.csv"]), None);
        assert_eq!(found(&["x_99999999.csv"]), None);
    }

    #[test]
    fn a_location_names_all_files() {
        assert_eq!(smallest(&paths(&["d/a.csv"])), "d/a.csv");
        assert_eq!(smallest(&paths(&["d/a.csv", "d/b.csv"])), "d/*.csv");
        assert_eq!(smallest(&paths(&["d/a.csv", "d/b.xlsx"])), "d/*");
        assert_eq!(smallest(&paths(&["d/e/a.csv", "d/f/b.csv"])), "d/**/*.csv");
        assert_eq!(smallest(&paths(&["a.csv", "f/b.csv"])), "**/*.csv");
    }

    #[test]
    fn a_location_is_seen_from_the_contract() {
        assert_eq!(
            relative(Path::new("/p/extracts/*.csv"), Some(Path::new("/p/pipelines/sources"))),
            "../../extracts/*.csv"
        );
    }

    #[test]
    fn a_source_is_named_after_its_folder_or_file() {
        assert_eq!(source_name("../extracts/dealer_sales/**/*"), "dealer_sales");
        assert_eq!(source_name("../extracts/toll/x_*.csv"), "toll");
        assert_eq!(source_name("d/Toll report_20240105.csv"), "toll_report");
        assert_eq!(source_name("d/订单.csv"), "order");
        assert_eq!(source_name("d/2024.csv"), "extract");
    }
}
