//! Which cell of a file is which column of the contract.
//!
//! Names are compared without case, blanks and full width. Of several aliases that a header has, the one that the
//! contract lists first is taken; of two cells with one name, the left one.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use super::{contract::PlainColumn, text};
use crate::{
    define::project::Scale,
    record::{DecimalMark, FileShape, MarkFrom, diagnostic},
};

/// The columns of a contract in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// For each column of the contract its cell; None where the file lacks it or it is derived.
    pub columns: Vec<Option<BoundCell>>,
    /// The text of each column that the file's path gives, by the column's index.
    pub path_texts: BTreeMap<usize, String>,
    /// Header names that no column took.
    pub extra: Vec<String>,
    /// Columns of the contract that the file lacks.
    pub missing: Vec<String>,
    /// Cells that a row has.
    pub width: usize,
    /// Decimal mark of the file's numbers.
    pub decimal_mark: DecimalMark,
    /// What says so.
    pub mark_from: MarkFrom,
    /// Encoding of the file, for reasons.
    pub encoding: Option<String>,
}

/// Where a column stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundCell {
    /// Index of the cell.
    pub index: usize,
    /// Factor from the file's number to the column's.
    pub scale: Scale,
}

/// A header that lacks required columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbound {
    /// Each missing column and the names that it may have.
    pub missing: Vec<(String, Vec<String>)>,
    /// The header as written.
    pub header: Vec<String>,
}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = self.missing.iter().map(|(column, _)| format!("`{column}`")).collect();
        let noun = if columns.len() == 1 { "column" } else { "columns" };
        write!(f, "the header lacks the required {noun} {}; it has {}", columns.join(", "), self.header.join(", "))
    }
}

impl std::error::Error for Unbound {}

impl Unbound {
    /// Returns what to do about it: the nearest header name, or where to add the name that the file uses.
    #[must_use]
    pub fn hint(&self) -> String {
        let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let near = self.missing.iter().find_map(|(column, names)| {
            let nearest = |name: &String| diagnostic::nearest(name, header.iter().copied());
            names.iter().find_map(nearest).map(|name| (column, name))
        });
        if let Some((column, name)) = near {
            format!("is it `{name}`? then add that name to `from` of `{column}`")
        } else {
            let named = |(column, names): &(String, Vec<String>)| format!("`{column}` as {}", names.join(" or "));
            let wanted: Vec<String> = self.missing.iter().map(named).collect();
            format!("expected {}; add the file's own name to `from`, or declare its header row", wanted.join(", "))
        }
    }
}

/// Finds columns in a header.
pub(super) fn bind(plain: &[PlainColumn], columns: usize, shape: &FileShape) -> Result<Binding, Unbound> {
    let names: Vec<String> = shape.header.iter().map(|name| text::header_name(name)).collect();
    let is_empty = names.iter().all(String::is_empty);
    let mut cells: HashMap<&str, usize> = HashMap::new();
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        cells.entry(name).or_insert(index);
    }
    let mut bound: Vec<Option<BoundCell>> = vec![None; columns];
    for column in plain {
        bound[column.index] = find(column, &cells);
    }
    let is_missing = |column: &&PlainColumn| bound[column.index].is_none() && column.from_path.is_none();
    let missing: Vec<&PlainColumn> = plain.iter().filter(is_missing).collect();
    let needed: Vec<_> = missing.iter().filter(|column| column.is_needed).map(|column| wanted(column)).collect();
    if !needed.is_empty() && !is_empty {
        return Err(Unbound { missing: needed, header: shape.header.clone() });
    }
    Ok(Binding {
        extra: extra(&bound, &shape.header, &names),
        missing: missing.iter().map(|column| column.name.clone()).collect(),
        columns: bound,
        path_texts: BTreeMap::new(),
        width: shape.header.len(),
        decimal_mark: shape.decimal_mark,
        mark_from: shape.mark_from,
        encoding: shape.encoding.clone(),
    })
}

/// Finds the texts of columns in the path of a file; a path that does not match gives none.
pub(super) fn path_texts(plain: &[PlainColumn], path: &str) -> BTreeMap<usize, String> {
    let text = |column: &PlainColumn| {
        let found = column.from_path.as_ref()?.captures(path)?.name("value")?;
        Some((column.index, found.as_str().to_owned()))
    };
    plain.iter().filter_map(text).collect()
}

fn find(column: &PlainColumn, cells: &HashMap<&str, usize>) -> Option<BoundCell> {
    column.from.iter().find_map(|alias| {
        let index = *cells.get(text::header_name(&alias.name).as_str())?;
        Some(BoundCell { index, scale: alias.scale })
    })
}

fn wanted(column: &PlainColumn) -> (String, Vec<String>) {
    (column.name.clone(), column.from.iter().map(|alias| alias.name.clone()).collect())
}

fn extra(bound: &[Option<BoundCell>], header: &[String], names: &[String]) -> Vec<String> {
    let is_taken = |index: usize| bound.iter().flatten().any(|cell| cell.index == index);
    let free = header.iter().zip(names).enumerate().filter(|(index, (_, name))| !name.is_empty() && !is_taken(*index));
    free.map(|(_, (written, _))| written.clone()).collect()
}
