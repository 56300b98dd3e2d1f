//! What models computed on the run date of the served snapshot.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use datafusion::error::Result;

use crate::{
    define::project::Model,
    engine::{Catalog, CatalogTable, Engine, Parameters, Statement},
    record::{Manifest, TableName},
    transform::{
        Graph,
        plan::{self, Purpose},
    },
};

/// A model as it was on another run date.
#[derive(Debug, Clone)]
pub struct Before {
    /// Its SQL with that day in it.
    pub statement: Statement,
    /// Hash of what it computed.
    pub definition: String,
}

/// Plans the models that use the run date for another one, and lets each know what it was; one that computes what made the
/// table that is served need not know.
///
/// `staged` holds the tables that sources make, as for [`plan::plan`].
///
/// # Errors
/// When no session can be made, which is a fault of the program.
pub async fn remember(
    graph: &mut Graph,
    run_date: NaiveDate,
    served: &Manifest,
    staged: &Catalog,
    parameters: &Parameters,
    engine: &Engine,
) -> Result<()> {
    let is_served = |model: &plan::PlannedModel| {
        let table = served.tables.get(&model.model.name);
        table.is_some_and(|table| table.definition.as_ref() == Some(&model.definition))
    };
    let is_dated = |model: &&plan::PlannedModel| model.statement.parameters.contains("run_date") && !is_served(model);
    let dated = graph.models.iter().filter(is_dated).map(|model| &model.model);
    let models: Vec<Model> = dated.chain(graph.views.iter().map(|view| &view.model)).cloned().collect();
    let mut tables = staged.clone();
    // Those that are planned anew become known as they are.
    for planned in graph.models.iter().filter(|model| !is_dated(model)) {
        // What partitions a table has makes no plan another one.
        tables.insert(planned.model.name.clone(), CatalogTable::empty(&planned.schema, planned.partition_by(), None));
    }
    let names: BTreeSet<TableName> = tables.keys().cloned().collect();
    let parameters = Parameters { run_date, ..parameters.clone() };
    let before = Box::pin(plan::plan_for(Purpose::Remember, &models, &tables, &names, &parameters, engine)).await?;
    for model in before.graph.models {
        if let Some(planned) = graph.models.iter_mut().find(|planned| planned.model.name == model.model.name) {
            planned.before = Some(Box::new(Before { statement: model.statement, definition: model.definition }));
        }
    }
    Ok(())
}
