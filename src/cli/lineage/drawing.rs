//! The part of the lineage that is shown: nodes, and edges from what is used to what uses it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    record::TableName,
    run::{Direction, Element, Lineage, Uses},
};

/// Nodes and edges.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawing {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// A table, a column, or the rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub label: String,
    pub table: TableName,
    /// None where the node is a table or its rows.
    pub column: Option<String>,
    /// Whether it is a whole table.
    pub is_table: bool,
    /// Whether it is, or belongs to, a view.
    pub is_view: bool,
    pub headers: Vec<String>,
}

/// One node that uses another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// Index of what is used.
    pub from: usize,
    /// Index of what uses it.
    pub to: usize,
    /// None between tables.
    pub uses: Option<Uses>,
}

impl Drawing {
    /// Draws tables, those that are selected if somebody selects, and what each reads.
    pub fn of_tables(lineage: &Lineage, selected: Option<&BTreeSet<TableName>>) -> Self {
        let is_shown = |name: &TableName| selected.is_none_or(|selected| selected.contains(name));
        let shown = lineage.tables().map(|(name, _)| name).filter(|name| is_shown(name));
        Self::between_tables(shown.cloned().collect(), lineage)
    }

    /// Draws a table and what is so many steps around it.
    pub fn around_table(table: &TableName, lineage: &Lineage, direction: Direction, steps: usize) -> Self {
        let mut found = BTreeSet::from([table.clone()]);
        let mut layer = vec![table.clone()];
        for _ in 0..steps {
            let next = layer.iter().flat_map(|table| lineage.next_tables(table, direction));
            layer = next.filter(|table| found.insert(table.clone())).collect();
            if layer.is_empty() {
                break;
            }
        }
        Self::between_tables(found, lineage)
    }

    fn between_tables(tables: BTreeSet<TableName>, lineage: &Lineage) -> Self {
        let places: BTreeMap<TableName, usize> = tables.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        let reads = |(name, &to): (&TableName, &usize)| -> Vec<Edge> {
            let read = lineage.next_tables(name, Direction::Upstream);
            let read = read.iter().filter_map(|read| places.get(read));
            read.map(|&from| Edge { from, to, uses: None }).collect()
        };
        let node = |name: &TableName| Node {
            label: name.to_string(),
            table: name.clone(),
            column: None,
            is_table: true,
            is_view: is_view(name, lineage),
            headers: Vec::new(),
        };
        Self { nodes: places.keys().map(node).collect(), edges: places.iter().flat_map(reads).collect() }
    }

    /// Draws a column and what is so many steps around it.
    pub fn around_column(column: &Element, lineage: &Lineage, direction: Direction, steps: usize) -> Self {
        let from = BTreeSet::from([column.clone()]);
        let mut found: BTreeSet<Element> = lineage.reach(&from, direction, steps).into_keys().collect();
        found.insert(column.clone());
        let places: BTreeMap<&Element, usize> = found.iter().enumerate().map(|(at, element)| (element, at)).collect();
        let made_of = |(element, &to): (&&Element, &usize)| -> Vec<Edge> {
            let links = lineage.next(element, Direction::Upstream).into_iter();
            let known = links.filter_map(|(used, uses)| Some((*places.get(&used)?, uses)));
            known.map(|(from, uses)| Edge { from, to, uses: Some(uses) }).collect()
        };
        let edges = places.iter().flat_map(made_of).collect();
        Self { nodes: found.iter().map(|element| node(element, lineage)).collect(), edges }
    }
}

fn node(element: &Element, lineage: &Lineage) -> Node {
    let columns = lineage.table(&element.table).into_iter().flat_map(|table| &table.columns);
    let mut same = columns.filter(|column| Some(&column.name) == element.column.as_ref());
    Node {
        label: element.to_string(),
        table: element.table.clone(),
        column: element.column.clone(),
        is_table: false,
        is_view: is_view(&element.table, lineage),
        headers: same.next().map(|column| column.headers.clone()).unwrap_or_default(),
    }
}

fn is_view(name: &TableName, lineage: &Lineage) -> bool {
    lineage.table(name).is_some_and(|table| table.is_view)
}
