//! The tables from which selectors select: what is said of each, and which reads which.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::TableName;

/// A table that can be selected.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub name: TableName,
    /// The file that defines it, as messages show it.
    pub path: String,
    /// Whether it is made of extracts, and not by SQL.
    pub is_source: bool,
    /// The tags of its header.
    pub tags: Vec<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The tables that it reads.
    pub reads: Vec<TableName>,
    /// How it stands to the served snapshot.
    pub state: State,
    /// What became of it in the last run, if that touched it.
    pub last: Option<LastResult>,
}

/// How a definition stands to the one in the served snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// The same, or nobody has asked.
    #[default]
    Same,
    /// Another one.
    Modified,
    /// The snapshot does not have the table.
    New,
}

/// What became of a table in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LastResult {
    /// Made, and passed its checks.
    Succeeded,
    /// Made; a check of severity `warn` failed.
    Warned,
    /// Made; a check of severity `error` failed.
    CheckFailed,
    /// Could not be made.
    Failed,
}

/// Tables and the edges between them.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    tables: Vec<Node>,
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl Nodes {
    /// Connects tables; one that is read and not among them has no node.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        let places: BTreeMap<&TableName, usize> =
            nodes.iter().enumerate().map(|(place, node)| (&node.name, place)).collect();
        let parents: Vec<Vec<usize>> =
            nodes.iter().map(|node| node.reads.iter().filter_map(|read| places.get(read).copied()).collect()).collect();
        let mut children = vec![Vec::new(); nodes.len()];
        for (child, parents) in parents.iter().enumerate() {
            for &parent in parents {
                children[parent].push(child);
            }
        }
        Self { tables: nodes, parents, children }
    }

    /// Returns every table.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.tables.iter()
    }

    pub(super) fn name(&self, node: usize) -> &TableName {
        &self.tables[node].name
    }

    pub(super) fn all(&self) -> BTreeSet<usize> {
        (0..self.tables.len()).collect()
    }

    /// Returns tables with what they read, so many steps up.
    pub(super) fn with_ancestors(&self, of: BTreeSet<usize>, steps: usize) -> BTreeSet<usize> {
        reached(of, steps, &self.parents)
    }

    /// Returns tables with what reads them, so many steps down.
    pub(super) fn with_descendants(&self, of: BTreeSet<usize>, steps: usize) -> BTreeSet<usize> {
        reached(of, steps, &self.children)
    }
}

/// Walks from nodes along edges, layer by layer.
fn reached(from: BTreeSet<usize>, steps: usize, edges: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut layer: Vec<usize> = from.iter().copied().collect();
    let mut all = from;
    for _ in 0..steps {
        let next = layer.iter().flat_map(|&node| &edges[node]).copied();
        layer = next.filter(|node| all.insert(*node)).collect();
        if layer.is_empty() {
            break;
        }
    }
    all
}
