//! Views: queries that are computed wherever they are read, as if each reader had them as a common table expression.
//!
//! A reader's statement takes its views along and plans them in the session in which it is planned itself, so that filters
//! reach through them and what the reader depends on is what they read. Nothing of a view is stored.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion::{error::Result, prelude::SessionContext};

use super::graph::{self, ParsedModel};
use crate::{
    define::project::{Kind, Model},
    engine::{Parameters, Statement},
    record::TableName,
};

/// A view that can be read.
#[derive(Debug, Clone)]
pub struct PlannedView {
    /// What was written.
    pub model: Model,
    /// Its columns.
    pub schema: SchemaRef,
    /// Its SQL, parsed, with the views that it reads.
    pub statement: Arc<Statement>,
    /// Hash of what it computes.
    pub definition: String,
}

/// Views by name.
pub type Views = BTreeMap<TableName, Arc<Statement>>;

/// Makes views known to a session that has the tables which they read.
///
/// # Errors
/// When one cannot be planned.
pub async fn define(views: &[PlannedView], session: &SessionContext) -> Result<()> {
    for view in views {
        view.statement.define_as(&view.model.name, session).await?;
    }
    Ok(())
}

/// Returns the views among models, without planning them; what cannot be parsed or ordered is left out.
#[must_use]
pub fn of(models: &[Model], parameters: &Parameters) -> Views {
    let views: Vec<Model> = models.iter().filter(|model| model.kind == Kind::View).cloned().collect();
    let (ordered, _) = graph::order(graph::parse(&views, parameters, 1).0);
    let mut known = Views::new();
    for ParsedModel { model, mut statement } in ordered {
        statement.expand(&known);
        known.insert(model.name, Arc::new(statement));
    }
    known
}
