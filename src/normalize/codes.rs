//! Codes of a column and what they mean.
//!
//! A code is looked up as it stands after trimming and folding, then in its compatibility form. A text that already is
//! a meaning passes, so that systems which send the clear value need no rule of their own.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{contract::CodeTableRef, fault, fault::Fault, text};
use crate::define::project::{CodeTable, Codes, UnknownCode};

/// Codes named in a reason before it says "and others".
const NAMED: usize = 8;

/// Hashes a text in one go: a code is looked up for every row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, _end: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Codes and meanings as cells look → the meaning.
pub(super) type CodeIndex = HashMap<String, String, BuildHasherDefault<TextHasher>>;

/// The codes of one column.
#[derive(Debug, Clone)]
pub(super) struct CodeBook {
    /// The table that holds them; None when they stand in the contract.
    pub table: Option<CodeTableRef>,
    /// Code to meaning, meanings to themselves; None until a referenced table was set.
    meanings: Option<Arc<CodeIndex>>,
    unknown: UnknownCode,
    /// What a reason says about known codes.
    known: String,
}

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    /// It is a code or a meaning.
    Meaning(&'a str),
    /// It is neither.
    Unknown,
}

impl CodeBook {
    /// Takes what the contract says.
    pub fn new(codes: &Codes) -> Self {
        let empty = Self { table: None, meanings: None, unknown: codes.unknown, known: String::new() };
        match &codes.table {
            CodeTable::Inline(meanings) => Self {
                meanings: Some(index(meanings.clone())),
                known: format!("known are {}", named(meanings)),
                ..empty
            },
            CodeTable::Source { source, from, to } => {
                let table =
                    CodeTableRef { source: source.value.clone(), from: from.value.clone(), to: to.value.clone() };
                let known = format!("it is not in `{}` of `staged.{}`", table.from, table.source);
                Self { table: Some(table), known, ..empty }
            }
        }
    }

    /// Sets the content of a referenced table.
    pub fn set(&mut self, meanings: Arc<CodeIndex>) {
        self.meanings = Some(meanings);
    }

    /// Returns whether the meanings are there.
    pub fn is_loaded(&self) -> bool {
        self.meanings.is_some()
    }

    /// Returns codes and meanings in turn, in order of the codes.
    pub fn sorted(&self) -> Vec<&str> {
        let meanings: BTreeMap<&String, &String> = self.meanings.iter().flat_map(|meanings| meanings.iter()).collect();
        meanings.into_iter().flat_map(|(code, meaning)| [code.as_str(), meaning.as_str()]).collect()
    }

    /// Returns the meaning of a text that is a code as codes are kept.
    pub fn direct(&self, text: &str) -> Option<&str> {
        self.meanings.as_ref()?.get(text).map(String::as_str)
    }

    /// Looks a trimmed and folded text up.
    pub fn lookup(&self, text: &str) -> Lookup<'_> {
        let Some(meanings) = &self.meanings else { return Lookup::Unknown };
        let found = meanings.get(text).or_else(|| match text::compatible(text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(compatible) => meanings.get(&compatible),
        });
        found.map_or(Lookup::Unknown, |meaning| Lookup::Meaning(meaning))
    }

    /// Returns what to do with an unknown code: keep it, make it NULL (None), or refuse it.
    pub fn judge<T>(&self, text: &str, kept: T) -> Result<Option<T>, Fault> {
        match self.unknown {
            UnknownCode::Keep => Ok(Some(kept)),
            UnknownCode::Null => Ok(None),
            UnknownCode::Reject => {
                Err(Fault::code(format!("{} is no known code, {}", fault::quoted(text), self.known)))
            }
        }
    }
}

/// Indexes codes and meanings as cells will look: trimmed, folded, in compatibility form.
pub(super) fn index(meanings: BTreeMap<String, String>) -> Arc<CodeIndex> {
    let key = |text: &str| text::compatible(&text::fold(text::trim(text))).into_owned();
    let mut index: CodeIndex = meanings.values().map(|meaning| (key(meaning), meaning.clone())).collect();
    // A code that is also another's meaning keeps its own meaning.
    index.extend(meanings.into_iter().map(|(code, meaning)| (key(&code), meaning)));
    Arc::new(index)
}

fn named(meanings: &BTreeMap<String, String>) -> String {
    let mut names: Vec<String> = meanings.keys().take(NAMED).map(|code| format!("`{code}`")).collect();
    if meanings.len() > NAMED {
        names.push("others".to_owned());
    }
    names.join(", ")
}
