//! The data dictionary: what every table that SQL models make is, from their headers and plans, without data.

use arrow::datatypes::{FieldRef, Schema};
use serde::Serialize;

use super::{Definitions, Request, select, validate::checked};
use crate::{
    Error,
    define::{
        project::{CheckKind, Model},
        type_name,
    },
    engine::Engine,
    record::{Placed, TableName, manifest::Label},
};

/// What is said of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentedTable {
    /// Name.
    pub name: TableName,
    /// What it holds, and what was decided about it.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Columns that decide a row.
    pub key: Vec<String>,
    /// Columns by whose values its files are split.
    pub partition_by: Vec<String>,
    /// Words that it can be selected by.
    pub tags: Vec<String>,
    /// Tables that it reads.
    pub reads: Vec<TableName>,
    /// Where its columns lead: the keys by which it is joined, each checked in every run.
    pub references: Vec<Reference>,
    /// Columns in order.
    pub columns: Vec<DocumentedColumn>,
}

/// A column whose every value is one of another table's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The column.
    pub column: String,
    /// The other table.
    pub to: TableName,
    /// Its column.
    pub field: String,
}

/// What is said of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentedColumn {
    /// Name.
    pub name: String,
    /// Type, as contracts write it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Titles, description and unit.
    #[serde(flatten)]
    pub label: Label,
}

/// Returns what is said of every selected table that models make, views included, by name.
///
/// # Errors
/// Everything that is wrong with the definitions, and a selection of no model.
pub async fn tables(request: &Request, engine: &Engine) -> Result<Vec<DocumentedTable>, Error> {
    let Definitions { graph, .. } = checked(request, engine).await?;
    let models = graph.models.iter().map(|planned| (&planned.model, &planned.schema, &planned.statement.tables));
    let views = graph.views.iter().map(|view| (&view.model, &view.schema, &view.statement.tables));
    // How a model stands to what is served needs its plan, which checking does without.
    let selected = select::selected(request, engine).await?;
    let is_selected = |name: &TableName| selected.as_ref().is_none_or(|selected| selected.tables.contains(name));
    let all = models.chain(views).filter(|(model, ..)| is_selected(&model.name));
    let mut tables: Vec<DocumentedTable> = all.map(|(model, schema, reads)| documented(model, schema, reads)).collect();
    if tables.is_empty() && selected.is_some() {
        return Err(select::only_sources());
    }
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tables)
}

/// Joins a header with the columns.
fn documented(model: &Model, schema: &Schema, reads: &[TableName]) -> DocumentedTable {
    let labels = model.labels();
    let names = |columns: &[Placed<String>]| columns.iter().map(|column| column.value.clone()).collect();
    let column = |field: &FieldRef| DocumentedColumn {
        name: field.name().clone(),
        data_type: type_name(field.data_type()),
        label: labels.get(field.name()).cloned().unwrap_or_default(),
    };
    DocumentedTable {
        name: model.name.clone(),
        description: model.description.as_deref().map(|text| text.trim().to_owned()),
        owner: model.owner.clone(),
        key: names(&model.key),
        partition_by: names(&model.partition_by),
        tags: model.tags.clone(),
        reads: reads.to_vec(),
        references: model.checks.iter().filter_map(|check| reference(&check.kind)).collect(),
        columns: schema.fields().iter().map(column).collect(),
    }
}

fn reference(check: &CheckKind) -> Option<Reference> {
    match check {
        CheckKind::Relationships { column, to, field } => {
            Some(Reference { column: column.value.clone(), to: to.value.clone(), field: field.value.clone() })
        }
        _ => None,
    }
}
