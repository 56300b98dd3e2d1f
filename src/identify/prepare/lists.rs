//! The lists that preparation knows: places, trades, legal forms, branches, titles, names, streets, calling codes.
//!
//! In: text files beside this one, kept by people. Out: tables made once. Words are written as a folded name has them: lower
//! case, simplified, without dots; `#` begins a comment.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

const PLACES: &str = include_str!("lists/places.txt");
const TRADES: &str = include_str!("lists/trades.txt");
const PREFIXES: &str = include_str!("lists/company_prefixes.txt");
const LEGAL_FORMS: &str = include_str!("lists/legal_forms.txt");
const BRANCHES: &str = include_str!("lists/branches.txt");
const TITLES: &str = include_str!("lists/titles.txt");
const SURNAMES: &str = include_str!("lists/surnames.txt");
const NICKNAMES: &str = include_str!("lists/nicknames.txt");
const STREETS: &str = include_str!("lists/streets.txt");
const CALLING_CODES: &str = include_str!("lists/calling_codes.txt");

/// A place that names carry: the number of its province, and its own within it, 0 for the province itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Province, from 1.
    pub province: u16,
    /// City of it, from 1.
    pub city: u16,
}

/// How a region numbers its telephones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingCode {
    /// Two capital letters.
    pub region: &'static str,
    /// Digits that a call from abroad begins with.
    pub code: &'static str,
    /// Digits that a call within the region begins with, or nothing.
    pub trunk: &'static str,
    /// Fewest digits of a national number.
    pub least: usize,
    /// Most digits of a national number.
    pub most: usize,
}

/// Yields the lines of a list, without comments.
pub fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    lines(list).flat_map(str::split_whitespace)
}

/// Returns Chinese places by name.
pub fn places() -> &'static HashMap<&'static str, Place> {
    static TABLE: LazyLock<HashMap<&'static str, Place>> = LazyLock::new(|| {
        let number = |position: usize| u16::try_from(position).unwrap_or(u16::MAX);
        let mut table = HashMap::new();
        for (province, line) in lines(PLACES).enumerate() {
            for (city, name) in line.split_whitespace().enumerate() {
                // Of two places of one name the first counts.
                table.entry(name).or_insert(Place { province: number(province + 1), city: number(city) });
            }
        }
        table
    });
    &TABLE
}

/// Returns the words that say what a company does.
pub fn trades() -> &'static HashSet<&'static str> {
    static TABLE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| words(TRADES).collect());
    &TABLE
}

/// Yields what stands in front of companies' names, and the legal form that must end a name then, nothing for none.
pub fn prefixes() -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(PREFIXES).map(|line| line.split_once('…').map_or((line, ""), |(front, end)| (front.trim(), end.trim())))
}

/// Yields each spelling of a legal form, and the one that stands for all of them.
pub fn legal_forms() -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(LEGAL_FORMS).flat_map(|line| {
        let first = line.split(',').next().unwrap_or(line).trim();
        line.split(',').map(move |spelling| (spelling.trim(), first))
    })
}

/// Returns what branches' names end with, the longest first.
pub fn branches() -> &'static [&'static str] {
    static TABLE: LazyLock<Vec<&'static str>> = LazyLock::new(|| longest_first(words(BRANCHES)));
    &TABLE
}

fn longest_first(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut words: Vec<&str> = words.collect();
    words.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
    words
}

/// Returns titles of persons, the longest first.
pub fn titles() -> &'static [&'static str] {
    static TABLE: LazyLock<Vec<&'static str>> = LazyLock::new(|| longest_first(words(TITLES)));
    &TABLE
}

/// Returns the Chinese family names of two characters.
pub fn long_surnames() -> &'static HashSet<&'static str> {
    static TABLE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| words(SURNAMES).collect());
    &TABLE
}

/// Returns the full given name of each nickname; of one that is short for several, the first.
pub fn full_names() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| first_of_each(NICKNAMES));
    &TABLE
}

/// Returns how each word of an address is kept.
pub fn street_words() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| first_of_each(STREETS));
    &TABLE
}

fn first_of_each(list: &'static str) -> HashMap<&'static str, &'static str> {
    let mut table = HashMap::new();
    for line in lines(list) {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        for word in words {
            table.entry(word).or_insert(first);
        }
    }
    table
}

/// Returns how regions number their telephones.
pub fn calling_codes() -> &'static [CallingCode] {
    static TABLE: LazyLock<Vec<CallingCode>> =
        LazyLock::new(|| lines(CALLING_CODES).filter_map(calling_code).collect());
    &TABLE
}

fn calling_code(line: &'static str) -> Option<CallingCode> {
    let mut words = line.split_whitespace();
    let (region, code, trunk) = (words.next()?, words.next()?, words.next()?);
    let (least, most) = words.next()?.split_once('-')?;
    let trunk = if trunk == "-" { "" } else { trunk };
    Some(CallingCode { region, code, trunk, least: least.parse().ok()?, most: most.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lists_is_read() {
        assert_eq!(lines(CALLING_CODES).count(), calling_codes().len());
        assert_eq!(places()["杭州"].province, places()["浙江"].province);
        assert_ne!(places()["杭州"].city, 0);
        assert_eq!(places()["浙江"].city, 0);
        assert_eq!(full_names()["bob"], "robert");
        assert_eq!(street_words()["avenue"], "ave");
        assert!(trades().contains("设备租赁") && long_surnames().contains("欧阳"));
        assert!(titles().contains(&"先生") && branches().contains(&"分公司"));
        assert!(prefixes().any(|prefix| prefix == ("株式会社", "")));
        assert!(prefixes().any(|prefix| prefix == ("oy", "ab")));
    }
}
