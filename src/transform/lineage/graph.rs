//! Walking the graph of lineage: neighbours, and all that can be reached with how it is used in the end.

use std::collections::{BTreeMap, BTreeSet};

use super::{Element, Lineage, Links, TableLineage, Use, Uses};
use crate::record::TableName;

/// Whither a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To what something is made of.
    Upstream,
    /// To what is made of it.
    Downstream,
}

impl Lineage {
    /// Connects tables.
    #[must_use]
    pub fn new(tables: BTreeMap<TableName, TableLineage>) -> Self {
        let mut uses: BTreeMap<Element, Links> = BTreeMap::new();
        let mut readers: BTreeMap<TableName, Vec<TableName>> = BTreeMap::new();
        for (name, table) in &tables {
            let columns = table.columns.iter().map(|column| (Element::column(name, &column.name), &column.from));
            for (user, links) in columns.chain([(Element::rows(name), &table.rows)]) {
                for (used, how) in links {
                    uses.entry(used.clone()).or_default().insert(user.clone(), *how);
                }
            }
            table.reads.iter().for_each(|read| readers.entry(read.clone()).or_default().push(name.clone()));
        }
        Self { tables, uses, readers }
    }

    /// Returns a table.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&TableLineage> {
        self.tables.get(name)
    }

    /// Returns all tables by name.
    pub fn tables(&self) -> impl Iterator<Item = (&TableName, &TableLineage)> {
        self.tables.iter()
    }

    /// Returns the tables next to a table.
    #[must_use]
    pub fn next_tables(&self, table: &TableName, direction: Direction) -> Vec<TableName> {
        match direction {
            Direction::Upstream => self.tables.get(table).map(|table| table.reads.clone()).unwrap_or_default(),
            Direction::Downstream => self.readers.get(table).cloned().unwrap_or_default(),
        }
    }

    /// Returns the elements next to an element, and how the one that is made of the other uses it. The rows of its table are
    /// next to every column.
    #[must_use]
    pub fn next(&self, element: &Element, direction: Direction) -> Links {
        match direction {
            Direction::Upstream => self.above(element),
            Direction::Downstream => self.below(element),
        }
    }

    fn above(&self, element: &Element) -> Links {
        let Some(table) = self.tables.get(&element.table) else { return Links::new() };
        let Some(name) = &element.column else { return table.rows.clone() };
        let column = table.columns.iter().find(|column| column.name == *name);
        let mut links = column.map(|column| column.from.clone()).unwrap_or_default();
        if !table.rows.is_empty() {
            links.insert(Element::rows(&element.table), Use::Filter.into());
        }
        links
    }

    fn below(&self, element: &Element) -> Links {
        let mut links = self.uses.get(element).cloned().unwrap_or_default();
        if let (None, Some(table)) = (&element.column, self.tables.get(&element.table)) {
            let columns = table.columns.iter().map(|column| Element::column(&element.table, &column.name));
            links.extend(columns.map(|column| (column, Use::Filter.into())));
        }
        links
    }

    /// Returns everything that can be reached from some elements in so many steps, themselves left out, and how the end that is
    /// made of the other uses it: a value that somewhere on the way decides over rows is used for that and no value any more.
    #[must_use]
    pub fn reach(&self, from: &BTreeSet<Element>, direction: Direction, steps: usize) -> Links {
        let mut known: Links = from.iter().map(|element| (element.clone(), Uses::COPY)).collect();
        let mut layer: BTreeSet<Element> = from.clone();
        for _ in 0..steps {
            let mut next = BTreeSet::new();
            for element in &layer {
                let here = known.get(element).copied().unwrap_or_default();
                for (neighbour, uses) in self.next(element, direction) {
                    let through = match direction {
                        Direction::Upstream => here.after(uses),
                        Direction::Downstream => uses.after(here),
                    };
                    let before = known.get(&neighbour).copied().unwrap_or_default();
                    if before.and(through) != before {
                        known.insert(neighbour.clone(), before.and(through));
                        next.insert(neighbour);
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            layer = next;
        }
        known.retain(|element, _| !from.contains(element));
        known
    }

    /// Returns the columns of all tables whose values flow into a column, copied or computed with.
    #[must_use]
    pub fn flows_into(&self, column: &Element) -> BTreeSet<Element> {
        let reached = self.reach(&BTreeSet::from([column.clone()]), Direction::Upstream, usize::MAX);
        reached.into_iter().filter(|(_, uses)| uses.is_value()).map(|(element, _)| element).collect()
    }
}
