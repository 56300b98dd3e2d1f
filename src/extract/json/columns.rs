//! The columns of JSON records: the members of all of them, nested ones by path.
//!
//! In: records and the names that a contract knows. Out: the header, and a record's cells. An object is spread over
//! columns `customer.name`; a list is one cell of compact JSON. What the contract names is a column by itself as well: a
//! whole object, or `items.0.sku`, the member of a list's element. Deliberately knows no types.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::value::{compact, elements, members, string};
use crate::{
    extract::{Hints, header::fold},
    record::RawFault,
};

/// An object with more names than this is no record but a dictionary: it stays one cell.
const NAMES: usize = 1_000;

/// The most columns.
pub(super) const COLUMNS: usize = 10_000;

/// Members that are looked for one by one.
const FEW: usize = 8;

/// A name of a record, and what was seen under it.
#[derive(Debug, Default)]
struct Node {
    name: String,
    /// Names from the record's top on, with a point between them.
    path: String,
    /// The same with a `\\` before every point that is a part of a name.
    escaped: String,
    children: Vec<usize>,
    /// Among `children`; only of many.
    index: HashMap<String, usize>,
    /// Whether it was seen with a value that is one cell.
    valued: bool,
    /// Whether the elements of a list are asked for.
    listed: bool,
    objects: Objects,
    column: Option<usize>,
}

/// What the objects under a name become.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Objects {
    /// A column for each of their names.
    #[default]
    Spread,
    /// The same, and one cell as well, for the contract asks for it.
    Asked,
    /// One cell: they have too many names to be spread.
    Collapsed,
}

/// The names of all records.
#[derive(Debug)]
pub(super) struct Columns {
    nodes: Vec<Node>,
    /// Folded names of the contract, and every beginning of one that ends before a point.
    names: HashSet<String>,
    begun: HashSet<String>,
    /// The record that named a node last.
    seen: Vec<u64>,
    /// Records with a name twice in one object.
    pub doubled: u64,
    /// Objects with too many names.
    pub collapsed: Vec<String>,
    pub header: Vec<String>,
}

/// A record's cells: places in its text, or in the text beside it.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub by_column: Vec<Option<Cell>>,
    /// Texts that do not stand in the record as they are.
    pub beside: String,
    /// By node: the row that named it last.
    seen: Vec<u64>,
    row: u64,
}

/// Where a cell's text stands.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Within(Range<usize>),
    Beside(Range<usize>),
}

impl Columns {
    /// Begins without a record.
    pub(super) fn new(hints: &Hints) -> Self {
        let names: HashSet<String> = hints.names.iter().map(|name| fold(name)).collect();
        let points =
            |name: &String| -> Vec<String> { name.match_indices('.').map(|(at, _)| name[..at].to_owned()).collect() };
        let begun = names.iter().flat_map(points).collect();
        let nodes = vec![Node::default()];
        Self { nodes, names, begun, seen: vec![0], doubled: 0, collapsed: Vec::new(), header: Vec::new() }
    }

    /// Takes the names of a checked record; false when a name is no text.
    pub(super) fn learn(&mut self, record: &str, ordinal: u64) -> bool {
        let doubled = &mut false;
        let known = self.learn_object(0, record, 0, ordinal, doubled);
        self.doubled += u64::from(*doubled);
        known
    }

    fn learn_object(&mut self, node: usize, text: &str, at: usize, ordinal: u64, doubled: &mut bool) -> bool {
        let mut expected = 0;
        members(text, at, |name, value| {
            let child = self.find(node, &name, &mut expected).unwrap_or_else(|| self.add(node, name));
            *doubled |= std::mem::replace(&mut self.seen[child], ordinal) == ordinal;
            self.learn_value(child, text, value, ordinal, doubled);
            !(node > 0 && self.nodes[node].children.len() > NAMES)
        }) || self.collapse(node)
    }

    fn learn_value(&mut self, node: usize, text: &str, value: Range<usize>, ordinal: u64, doubled: &mut bool) {
        match text.as_bytes()[value.start] {
            b'{' if self.nodes[node].objects == Objects::Collapsed => {}
            b'{' => drop(self.learn_object(node, text, value.start, ordinal, doubled)),
            b'[' => {
                self.nodes[node].valued = true;
                if self.nodes[node].listed {
                    self.learn_list(node, text, value.start, ordinal, doubled);
                }
            }
            b'n' => {}
            _ => self.nodes[node].valued = true,
        }
    }

    /// Looks for the elements that the contract asks for.
    fn learn_list(&mut self, node: usize, text: &str, at: usize, ordinal: u64, doubled: &mut bool) {
        elements(text, at, |index, value| {
            let name = index.to_string();
            let path = fold(&format!("{}.{name}", self.nodes[node].path));
            if self.names.contains(&path) || self.begun.contains(&path) {
                let child = self.find(node, &name, &mut 0).unwrap_or_else(|| self.add(node, Cow::Owned(name)));
                self.seen[child] = ordinal;
                self.learn_value(child, text, value, ordinal, doubled);
            }
            index < NAMES
        });
    }

    /// Gives up spreading an object; false where it is the record itself that has a name which is no text.
    fn collapse(&mut self, node: usize) -> bool {
        if node == 0 || self.nodes[node].children.len() <= NAMES {
            return false;
        }
        self.collapsed.push(self.nodes[node].path.clone());
        let node = &mut self.nodes[node];
        node.objects = Objects::Collapsed;
        node.children.clear();
        node.index.clear();
        true
    }

    fn find(&self, node: usize, name: &str, expected: &mut usize) -> Option<usize> {
        let node = &self.nodes[node];
        let guess = node.children.get(*expected).copied();
        *expected += 1;
        if let Some(child) = guess.filter(|child| self.nodes[*child].name == name) {
            return Some(child);
        }
        if node.children.len() > FEW {
            return node.index.get(name).copied();
        }
        node.children.iter().copied().find(|child| self.nodes[*child].name == name)
    }

    fn add(&mut self, node: usize, name: Cow<'_, str>) -> usize {
        let (path, escaped) = match &self.nodes[node] {
            _ if node == 0 => (name.to_string(), name.replace('.', "\\.")),
            parent => (format!("{}.{name}", parent.path), format!("{}.{}", parent.escaped, name.replace('.', "\\."))),
        };
        let folded = fold(&path);
        let child = self.nodes.len();
        self.nodes.push(Node {
            listed: self.begun.contains(&folded),
            objects: if self.names.contains(&folded) { Objects::Asked } else { Objects::Spread },
            name: name.into_owned(),
            path,
            escaped,
            ..Node::default()
        });
        self.seen.push(0);
        let name = self.nodes[child].name.clone();
        let parent = &mut self.nodes[node];
        parent.children.push(child);
        parent.index.insert(name, child);
        child
    }

    /// Returns how many names there are so far.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Ends learning: numbers the columns.
    pub(super) fn number(&mut self) {
        let mut order = vec![0];
        let mut columns = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        while let Some(node) = order.pop() {
            let found = &self.nodes[node];
            order.extend(found.children.iter().rev());
            if node > 0 && (found.valued || found.objects != Objects::Spread || found.children.is_empty()) {
                columns.push(node);
                *known.entry(&found.path).or_default() += 1;
            }
        }
        // `a.b` may be a name, and the name `b` in an object `a` as well.
        let name = |node: &Node| if known[node.path.as_str()] > 1 { node.escaped.clone() } else { node.path.clone() };
        self.header = columns.iter().map(|node| name(&self.nodes[*node])).collect();
        for (column, node) in columns.into_iter().enumerate() {
            self.nodes[node].column = Some(column);
        }
        self.seen = Vec::new();
    }

    /// Cuts a checked record into cells.
    pub(super) fn cut(&self, record: &str, cells: &mut Cells) -> Option<RawFault> {
        cells.by_column.clear();
        cells.by_column.resize(self.header.len(), None);
        cells.seen.resize(self.nodes.len(), 0);
        cells.row += 1;
        let is_text = self.cut_object(0, record, 0, cells);
        (!is_text).then_some(RawFault::Encoding)
    }

    fn cut_object(&self, node: usize, text: &str, at: usize, cells: &mut Cells) -> bool {
        let mut expected = 0;
        members(text, at, |name, value| match self.find(node, &name, &mut expected) {
            Some(child) => self.cut_value(child, text, value, cells),
            None => true,
        })
    }

    fn cut_value(&self, node: usize, text: &str, value: Range<usize>, cells: &mut Cells) -> bool {
        if std::mem::replace(&mut cells.seen[node], cells.row) == cells.row {
            self.forget(node, cells);
        }
        let found = &self.nodes[node];
        let sign = text.as_bytes()[value.start];
        if let Some(column) = found.column {
            let Ok(cell) = cell(text, value.clone(), cells) else { return false };
            cells.by_column[column] = cell;
        }
        match sign {
            b'{' if !found.children.is_empty() => self.cut_object(node, text, value.start, cells),
            b'[' if !found.children.is_empty() => {
                let mut is_text = true;
                elements(text, value.start, |index, value| {
                    if let Some(child) = self.find(node, &index.to_string(), &mut 0) {
                        is_text &= self.cut_value(child, text, value, cells);
                    }
                    index < NAMES
                });
                is_text
            }
            _ => true,
        }
    }

    /// Empties the columns of a node that is named a second time.
    fn forget(&self, node: usize, cells: &mut Cells) {
        if let Some(column) = self.nodes[node].column {
            cells.by_column[column] = None;
        }
        for child in &self.nodes[node].children {
            self.forget(*child, cells);
        }
    }
}

/// Returns a value's cell, None for `null`; a fault when an escape in it is no character.
fn cell(text: &str, value: Range<usize>, cells: &mut Cells) -> Result<Option<Cell>, RawFault> {
    let written = &text[value.clone()];
    let start = cells.beside.len();
    match written.as_bytes()[0] {
        b'"' if written.contains('\\') => cells.beside.push_str(&string(written).ok_or(RawFault::Encoding)?),
        b'"' => return Ok(Some(Cell::Within(value.start + 1..value.end - 1))),
        b'{' | b'[' => compact(written, &mut cells.beside),
        b'n' => return Ok(None),
        _ => return Ok(Some(Cell::Within(value))),
    }
    Ok(Some(Cell::Beside(start..cells.beside.len())))
}
