//! Changes of a table's columns: between the served snapshot and the definition, and what stands in the way of keeping
//! old files under the new columns.
//!
//! In: the table as served and the model as planned now. Out: [`SchemaChange`]s and obstacles in words. Deliberately knows
//! no rows: which partitions may stay is [`super::evolve`]'s question.

use std::{collections::BTreeMap, fmt};

use arrow::datatypes::DataType;

use super::PlannedModel;
use crate::{
    define::project::{Check, CheckKind, CheckSeverity},
    engine::types,
    record::manifest::{Column, Partition, Table},
};

/// One difference between a table as served and as defined.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SchemaChange {
    /// A column that the table does not have yet.
    Added {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A column that the definition does not give any more.
    Dropped {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A column of another type.
    Retyped {
        /// The column.
        column: String,
        /// Its type as served.
        from: String,
        /// Its type as defined.
        to: String,
    },
    /// Other partition columns.
    PartitionedBy {
        /// As served.
        from: Vec<String>,
        /// As defined.
        to: Vec<String>,
    },
    /// Another key.
    Keyed {
        /// As served.
        from: Vec<String>,
        /// As defined.
        to: Vec<String>,
    },
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { column, data_type } => write!(f, "new column `{column}` ({data_type})"),
            Self::Dropped { column, data_type } => write!(f, "dropped column `{column}` ({data_type})"),
            Self::Retyped { column, from, to } => write!(f, "column `{column}` from {from} to {to}"),
            Self::PartitionedBy { from, to } => write!(f, "partition_by from {} to {}", list(from), list(to)),
            Self::Keyed { from, to } => write!(f, "key from {} to {}", list(from), list(to)),
        }
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

/// Returns how a table's columns, partition columns and key change; another order of the columns is no change.
#[must_use]
pub fn schema_changes(table: &Table, model: &PlannedModel) -> Vec<SchemaChange> {
    let declared = model.declared();
    let (before, after) = (by_name(&table.columns), by_name(&declared.columns));
    let added = declared.columns.iter().filter(|column| !before.contains_key(column.name.as_str()));
    let added =
        added.map(|column| SchemaChange::Added { column: column.name.clone(), data_type: column.data_type.clone() });
    let left = table.columns.iter().filter_map(|column| match after.get(column.name.as_str()) {
        None => Some(SchemaChange::Dropped { column: column.name.clone(), data_type: column.data_type.clone() }),
        Some(now) if now.data_type != column.data_type => Some(SchemaChange::Retyped {
            column: column.name.clone(),
            from: column.data_type.clone(),
            to: now.data_type.clone(),
        }),
        Some(_) => None,
    });
    let mut changes: Vec<SchemaChange> = added.chain(left).collect();
    if table.partition_by != declared.partition_by {
        changes.push(SchemaChange::PartitionedBy { from: table.partition_by.clone(), to: declared.partition_by });
    }
    if table.key != declared.key {
        changes.push(SchemaChange::Keyed { from: table.key.clone(), to: declared.key });
    }
    changes
}

fn by_name(columns: &[Column]) -> BTreeMap<&str, &Column> {
    columns.iter().map(|column| (column.name.as_str(), column)).collect()
}

/// Returns why a history cannot take over its past; empty when it can. Its past is read and written anew, so other
/// partition columns, new and dropped columns do no harm.
#[must_use]
pub fn obstacles_to_history(table: &Table, changes: &[SchemaChange]) -> Vec<String> {
    if !table.is_history {
        return vec!["the table as served is no history".to_owned()];
    }
    let obstacle = |change: &SchemaChange| match change {
        SchemaChange::Retyped { column, from, to } if widening(from, to).is_none() => Some(narrowed(column, from, to)),
        SchemaChange::Keyed { from, to } => {
            Some(format!("its versions are told apart by {}, not by {}", list(from), list(to)))
        }
        _ => None,
    };
    changes.iter().filter_map(obstacle).collect()
}

/// Returns why files with the old columns cannot be read as the new ones; empty when they can.
#[must_use]
pub fn obstacles(table: &Table, model: &PlannedModel, changes: &[SchemaChange]) -> Vec<String> {
    let of_columns = changes.iter().filter_map(|change| obstacle(table, model, changes, change));
    let mut obstacles: Vec<String> = of_columns.collect();
    if table.meanings.is_empty() {
        obstacles.push(
            "the served snapshot does not say how its columns were computed, for it was not made with `evolve`"
                .to_owned(),
        );
        return obstacles;
    }
    let survives = |name: &&String| table.columns.iter().any(|column| column.name == **name);
    for column in model.meanings.keys().filter(survives) {
        if table.meanings.get(column) != model.meanings.get(column).map(|meaning| &meaning.hash) {
            obstacles
                .push(format!("`{column}`, or the rows that it belongs to, cannot be proved to be computed as before"));
        }
    }
    obstacles
}

fn obstacle(table: &Table, model: &PlannedModel, changes: &[SchemaChange], change: &SchemaChange) -> Option<String> {
    match change {
        SchemaChange::Added { column, .. } => obstacle_to_column(table, model, changes, column),
        SchemaChange::Retyped { column, from, to } if table.partition_by.contains(column) => {
            Some(format!("the partition column `{column}` changes from {from} to {to}"))
        }
        SchemaChange::Retyped { column, from, to } => match widening(from, to) {
            None => Some(narrowed(column, from, to)),
            // A cast within the query may have lost what the new type would show.
            Some(Widening::Across)
                if model.meanings.get(column).is_none_or(|now| now.data_type.to_string() != *from) =>
            {
                Some(format!(
                    "`{column}` was made a {from} on purpose, so old and new rows would differ by more than the type"
                ))
            }
            Some(_) => None,
        },
        SchemaChange::PartitionedBy { from, to } => {
            Some(format!("its files are partitioned by {}, not by {}", list(from), list(to)))
        }
        SchemaChange::Dropped { .. } | SchemaChange::Keyed { .. } => None,
    }
}

fn narrowed(column: &str, from: &str, to: &str) -> String {
    format!("`{column}` changes from {from} to {to}, which cannot hold every old value as it is")
}

/// Returns why kept partitions could not read a new column as NULL.
fn obstacle_to_column(table: &Table, model: &PlannedModel, changes: &[SchemaChange], column: &str) -> Option<String> {
    let is_needed = model.key().iter().any(|key| key == column)
        || model.model.checks.iter().any(|check| forbids_null(check, column));
    if is_needed {
        return Some(format!("the new column `{column}` must not be NULL, and kept rows would have NULL there"));
    }
    let holds = |partition: &Partition| partition.file_columns.iter().any(|held| held.name == column);
    if table.partitions.iter().any(holds) {
        return Some(format!("files from before `{column}` was dropped still hold it, with what it meant then"));
    }
    let meaning = model.meanings.get(column).map(|meaning| &meaning.hash)?;
    let renamed = changes.iter().find_map(|change| match change {
        SchemaChange::Dropped { column, .. } if table.meanings.get(column) == Some(meaning) => Some(column),
        _ => None,
    })?;
    Some(format!("`{column}` is `{renamed}` under a new name, and old files have it under the old one"))
}

fn forbids_null(check: &Check, column: &str) -> bool {
    let CheckKind::NotNull(columns) = &check.kind else { return false };
    check.severity == CheckSeverity::Error
        && check.filter.is_none()
        && columns.iter().any(|checked| checked.value == column)
}

/// How a type holds every value of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Widening {
    /// More digits of the same kind: whatever is cast to both gives the same value.
    Within,
    /// Another kind.
    Across,
}

/// Returns how a type holds every value of another, if it does.
fn widening(from: &str, to: &str) -> Option<Widening> {
    use DataType::{Date32, Decimal128, Float64, Int32, Int64, Timestamp};
    match (types::parse(from).ok()?, types::parse(to).ok()?) {
        (Int32, Int64) => Some(Widening::Within),
        (Decimal128(old, scale), Decimal128(new, same)) if same == scale && new >= old => Some(Widening::Within),
        (Int32, Float64) | (Date32, Timestamp(..)) => Some(Widening::Across),
        (Int32, Decimal128(digits, scale)) if whole_digits(digits, scale) >= 10 => Some(Widening::Across),
        (Int64, Decimal128(digits, scale)) if whole_digits(digits, scale) >= 19 => Some(Widening::Across),
        _ => None,
    }
}

fn whole_digits(digits: u8, scale: i8) -> i16 {
    if scale < 0 { 0 } else { i16::from(digits) - i16::from(scale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_widens_only_where_no_value_is_lost() {
        let cases = [
            ("Int32", "Int64", Some(Widening::Within)),
            ("Int64", "Int32", None),
            ("Int64", "Float64", None),
            ("Int32", "Float64", Some(Widening::Across)),
            ("Decimal128(10, 2)", "Decimal128(18, 2)", Some(Widening::Within)),
            ("Decimal128(18, 2)", "Decimal128(10, 2)", None),
            ("Decimal128(10, 2)", "Decimal128(18, 4)", None),
            ("Int32", "Decimal128(12, 2)", Some(Widening::Across)),
            ("Int32", "Decimal128(11, 2)", None),
            ("Int64", "Decimal128(21, 2)", Some(Widening::Across)),
            ("Int64", "Decimal128(20, 2)", None),
            ("Date32", "Timestamp(µs, \"UTC\")", Some(Widening::Across)),
            ("Timestamp(µs, \"UTC\")", "Date32", None),
            ("Int32", "Utf8", None),
            ("Utf8", "Int32", None),
            ("Boolean", "Int32", None),
            ("no type", "Int32", None),
        ];
        for (from, to, expected) in cases {
            assert_eq!(widening(from, to), expected, "{from} to {to}");
        }
    }
}
