//! Backfill: partitions that are built again because somebody names their table and a range, changed or not.
//!
//! In: what was asked for, as text. Out: for each table the range in the type of its first partition column, which
//! decisions then take as one more reason. NULL lies in no range.

use std::{cmp::Ordering, collections::BTreeMap};

use datafusion::common::ScalarValue;

use crate::{
    Error,
    record::{Manifest, PartitionValues, TableName, diagnostic::nearest},
    transform::{Decision, Graph, PlannedModel},
};

/// What is to be rebuilt though nothing changed.
#[derive(Debug, Clone, Default)]
pub struct Rebuild {
    /// Tables, as `schema.table`.
    pub tables: Vec<String>,
    /// The first value of the first partition column; all by default.
    pub from: Option<String>,
    /// The last one.
    pub to: Option<String>,
}

/// The same, understood.
#[derive(Debug, Default)]
pub(super) struct Backfill(BTreeMap<TableName, Range>);

#[derive(Debug)]
struct Range {
    from: Option<ScalarValue>,
    to: Option<ScalarValue>,
}

impl Backfill {
    /// Understands what was asked for.
    ///
    /// # Errors
    /// When a table is no model, a bound is no value of its first partition column, or a range holds no partition.
    pub fn new(asked: &Rebuild, graph: &Graph, parent: Option<&Manifest>) -> Result<Self, Error> {
        let mut ranges = BTreeMap::new();
        for table in &asked.tables {
            let model = model(table, graph)?;
            let name = model.model.name.clone();
            let range = range(asked, model)?;
            if let Some(known) = parent.and_then(|parent| parent.tables.get(&name))
                && !known.partitions.iter().any(|partition| range.holds(&partition.values))
            {
                return Err(Error::Usage {
                    message: format!("no partition of `{name}` lies in the range that is to be rebuilt"),
                    hint: Some(format!("`tallyhouse why {name}` lists its partitions")),
                });
            }
            ranges.insert(name, range);
        }
        Ok(Self(ranges))
    }

    /// Returns whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a decision rebuild what was asked for.
    pub fn apply(&self, table: &TableName, decision: &mut Decision) {
        if let Some(range) = self.0.get(table) {
            decision.ask_for(|values| range.holds(values));
        }
    }
}

impl Range {
    fn holds(&self, values: &PartitionValues) -> bool {
        let (None, None) = (&self.from, &self.to) else {
            let bound = self.from.as_ref().or(self.to.as_ref()).map(ScalarValue::data_type);
            let (Some(data_type), Some(Some(text))) = (bound, values.0.first()) else { return false };
            let Ok(value) = ScalarValue::try_from_string(text.clone(), &data_type) else { return false };
            let order = |bound: &ScalarValue| value.partial_cmp(bound);
            return self.from.as_ref().is_none_or(|from| order(from).is_some_and(Ordering::is_ge))
                && self.to.as_ref().is_none_or(|to| order(to).is_some_and(Ordering::is_le));
        };
        true
    }
}

/// Returns the model of a name.
///
/// # Errors
/// When there is none.
pub(super) fn model<'a>(table: &str, graph: &'a Graph) -> Result<&'a PlannedModel, Error> {
    let name = TableName::try_from(table.to_owned()).ok();
    if let Some(view) = graph.views.iter().find(|view| name.as_ref() == Some(&view.model.name)) {
        return Err(Error::Usage {
            message: format!("`{}` is a view, of which nothing is stored", view.model.name),
            hint: Some("ask about a model that reads it; `tallyhouse show` computes its rows".to_owned()),
        });
    }
    name.and_then(|name| graph.get(&name)).ok_or_else(|| {
        let names: Vec<String> = graph.models.iter().map(|model| model.model.name.to_string()).collect();
        let meant = nearest(table, names.iter().map(String::as_str));
        Error::Usage {
            message: format!("`{table}` is no model of this pipeline"),
            hint: Some(meant.map_or_else(
                || "`tallyhouse show` lists all tables; `staged.*` are made of files, not by models".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            )),
        }
    })
}

fn range(asked: &Rebuild, model: &PlannedModel) -> Result<Range, Error> {
    let name = &model.model.name;
    let Some(column) = model.partition_by().into_iter().next() else {
        return match (&asked.from, &asked.to) {
            (None, None) => Ok(Range { from: None, to: None }),
            _ => Err(Error::Usage {
                message: format!("`{name}` has no partitions, so it has no range of them"),
                hint: Some("leave out `--from` and `--to`: the whole table is rebuilt".to_owned()),
            }),
        };
    };
    let bound = |option: &str, text: &Option<String>| {
        text.as_ref().map(|text| value(model, &column, &format!("{option} {text}"), text)).transpose()
    };
    Ok(Range { from: bound("--from", &asked.from)?, to: bound("--to", &asked.to)? })
}

/// Returns a value of a partition column; `written` is how it was asked for.
///
/// # Errors
/// When it is none.
pub(super) fn value(model: &PlannedModel, column: &str, written: &str, text: &str) -> Result<ScalarValue, Error> {
    let data_type = model.schema.field_with_name(column).map(|field| field.data_type().clone());
    let value = data_type.ok().and_then(|data_type| ScalarValue::try_from_string(text.to_owned(), &data_type).ok());
    value.filter(|value| !value.is_null()).ok_or_else(|| Error::Usage {
        message: format!("`{written}` is no value of `{column}`, by which `{}` is partitioned", model.model.name),
        hint: Some("write it as the partitions are named: dates as `2026-06-01`".to_owned()),
    })
}
