//! `partition-column-unused`: a partitioned model reads a partitioned table and never looks at its partitions, so that a
//! change of any of them rebuilds all of the model's.

use std::collections::BTreeSet;

use super::{
    Finding, Found, Subject,
    outline::{ColumnId, Item, Origin},
    walk,
};

/// Finds tables of which no partition column is filtered, joined on, grouped by or passed on.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    if subject.model.partition_by.is_empty() || subject.model.history.is_some() {
        return;
    }
    let used = used_columns(subject);
    let mut seen = BTreeSet::new();
    for (select, part) in subject.outline.selects.iter().enumerate() {
        for (relation, read) in part.relations.iter().enumerate() {
            let Origin::Table(table) = &read.source else { continue };
            let is_ignored = subject.model.ignore_changes.iter().any(|ignored| ignored.value == *table);
            let columns = subject.tables.get(table).map(|known| known.partition_by.as_slice()).unwrap_or_default();
            let is_used = |name: &String| used.contains(&ColumnId { select, relation, name: name.clone() });
            if columns.is_empty() || is_ignored || columns.iter().any(is_used) || !seen.insert(table) {
                continue;
            }
            let names = columns.join(", ");
            let message = format!(
                "`{table}` is partitioned by {names}, which this model never looks at: any change of it rebuilds everything"
            );
            let hint = format!("pass {names} on, group by it or filter by it; or read a table that is not partitioned");
            found.push(Finding::new(subject.range(read.span), message, hint));
        }
    }
}

/// Returns every column that an expression names or a `*` passes on.
fn used_columns(subject: &Subject<'_, '_>) -> BTreeSet<ColumnId> {
    let outline = subject.outline;
    let mut used = BTreeSet::new();
    for (select, part) in outline.selects.iter().enumerate() {
        for (_, root) in &part.roots {
            walk::walk(root, &mut |expr| used.extend(outline.column(select, expr, subject.tables)));
        }
        for (relation, read) in part.relations.iter().enumerate() {
            let using = read.using.iter().map(|name| (0..=relation, name));
            used.extend(using.flat_map(|(relations, name)| {
                relations.map(move |relation| ColumnId { select, relation, name: name.clone() })
            }));
        }
    }
    for output in outline.queries.iter().flat_map(|query| query.outputs.iter().flatten()) {
        used.extend(output.items.iter().filter_map(|item| match item {
            Item::Column(column) => Some(column.clone()),
            _ => None,
        }));
    }
    used
}
