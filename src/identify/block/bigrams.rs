//! The keys of a text under a `bigrams` block: its rarest pairs of neighbouring characters.
//!
//! In: a text, and the frequent bigrams that the model has pinned. Out: at most [`KEYS`] keys. A rare bigram (`徐重`) is a
//! key of its own; where bigrams are frequent, as in any text of 26 letters, two of them together are. Rarity is pinned,
//! so that the keys of a text do not depend on which other records there are tonight.

use std::collections::{BTreeMap, HashMap};

use crate::identify::codes::{NOTHING, mixed};

/// The most keys of one text.
pub const KEYS: usize = 6;
/// Rare bigrams of a text that are keys of their own.
const SINGLE: usize = 3;
/// Frequent bigrams of a text that are combined: without and with a rare one beside them.
const COMBINED: [usize; 2] = [4, 3];

/// The part of a block's limit up to which a bigram is rare: a text has several, and each brings its block.
const RARE: usize = 4;

/// How frequent bigrams are.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    counts: HashMap<u64, u32>,
}

impl Ranks {
    /// Takes the frequent bigrams with their counts; all others are rare.
    #[must_use]
    pub fn new(common: Option<&BTreeMap<String, u32>>) -> Self {
        let counts = common.into_iter().flatten();
        Self { counts: counts.flat_map(|(bigram, count)| of(bigram).into_iter().map(|code| (code, *count))).collect() }
    }

    /// Returns the keys of a text, the rarest first.
    #[must_use]
    pub fn keys(&self, text: &str) -> [u64; KEYS] {
        let mut bigrams: Vec<(u32, u64)> = of(text)
            .into_iter()
            .map(|code| (self.counts.get(&code).copied().unwrap_or(0), mixed(code, code)))
            .collect();
        bigrams.sort_unstable();
        bigrams.dedup();
        let rare = bigrams.iter().take_while(|(count, _)| *count == 0).count();
        let single = bigrams[..rare].iter().take(SINGLE).map(|(_, hash)| *hash);
        let common = &bigrams[rare..];
        let common = &common[..common.len().min(COMBINED[usize::from(rare > 0)])];
        let alone = (rare == 0 && common.len() == 1).then(|| common[0].1);
        let combined = common.iter().enumerate().flat_map(|(position, (_, left))| {
            common[position + 1..].iter().map(|(_, right)| mixed(*left.min(right), *left.max(right)))
        });
        let mut keys = [NOTHING; KEYS];
        keys.iter_mut().zip(single.chain(alone).chain(combined)).for_each(|(key, found)| *key = found);
        keys
    }
}

/// Returns the bigrams of a text as numbers; a text of one character has that one.
#[must_use]
pub fn of(text: &str) -> Vec<u64> {
    let characters: Vec<u64> = text.chars().map(|character| u64::from(u32::from(character))).collect();
    match characters[..] {
        [only] => vec![only],
        _ => characters.windows(2).map(|pair| pair[0] << 32 | pair[1]).collect(),
    }
}

/// Counts in how many texts each bigram stands, and keeps those in more than a quarter of `limit`.
pub fn frequent<'a>(
    texts: impl Iterator<Item = (std::borrow::Cow<'a, str>, u32)>,
    limit: usize,
) -> BTreeMap<String, u32> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    for (text, count) in texts {
        let mut bigrams = of(&text);
        bigrams.sort_unstable();
        bigrams.dedup();
        for bigram in bigrams {
            *counts.entry(bigram).or_default() += count;
        }
    }
    counts.retain(|_, count| *count as usize * RARE > limit);
    counts.into_iter().map(|(bigram, count)| (written(bigram), count)).collect()
}

fn written(bigram: u64) -> String {
    let character = |number: u64| u32::try_from(number).ok().and_then(char::from_u32);
    let first = Some(bigram >> 32).filter(|first| *first > 0).and_then(character);
    first.into_iter().chain(character(bigram & u64::from(u32::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(common: &[(&str, u32)], text: &str) -> Vec<u64> {
        let common = common.iter().map(|(bigram, count)| ((*bigram).to_owned(), *count)).collect();
        Ranks::new(Some(&common)).keys(text).into_iter().filter(|key| *key != NOTHING).collect()
    }

    fn share(common: &[(&str, u32)], left: &str, right: &str) -> bool {
        let right = keys(common, right);
        keys(common, left).iter().any(|key| right.contains(key))
    }

    #[test]
    fn a_rare_bigram_is_a_key_of_its_own() {
        assert!(share(&[("机械", 900)], "徐州机械", "徐州"));
        assert!(!share(&[("机械", 900)], "徐州机械", "长沙机械"));
    }

    #[test]
    fn frequent_bigrams_are_keys_in_pairs_only() {
        let common = [("ab", 1000), ("bc", 1000), ("cd", 1000), ("xa", 1000), ("de", 1000), ("cx", 1000)];
        assert!(share(&common, "abcd", "abc"));
        assert!(!share(&common, "abcx", "xab"));
    }

    #[test]
    fn a_text_of_one_character_and_an_empty_one_have_one_key_and_none() {
        assert_eq!(keys(&[], "某").len(), 1);
        assert_eq!(keys(&[("某", 500)], "某").len(), 1);
        assert!(keys(&[], "").is_empty());
    }

    #[test]
    fn frequent_bigrams_are_counted_once_a_text() {
        let texts = [("abab", 3), ("ab", 2), ("某", 9), ("cd", 4)];
        let counted = frequent(texts.into_iter().map(|(text, count)| (text.into(), count)), 16);
        assert_eq!(counted, BTreeMap::from([("ab".to_owned(), 5), ("某".to_owned(), 9)]));
    }
}
