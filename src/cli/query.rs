//! `tallyhouse show` and `tallyhouse query`

use std::process::ExitCode;

use super::{
    arguments::{QueryArguments, ShowArguments},
    print, table,
};
use crate::{Error, engine::Engine, record::TableName, run::Snapshot};

/// Shows a few rows of a table.
pub(super) async fn show(arguments: &ShowArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let name = TableName::try_from(arguments.table.clone()).map_err(|message| Error::Usage {
        message,
        hint: Some("name the schema too, such as `core.sales`".to_owned()),
    })?;
    let snapshot = Snapshot::open(&arguments.common.request(false), arguments.snapshot.as_deref())?;
    let (schema, batches) = snapshot.show(&name, arguments.limit, arguments.filter.as_deref(), engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output)?);
    Ok(ExitCode::SUCCESS)
}

/// Runs a query.
pub(super) async fn query(arguments: &QueryArguments, engine: &Engine) -> Result<ExitCode, Error> {
    let snapshot = Snapshot::open(&arguments.common.request(false), arguments.snapshot.as_deref())?;
    let (schema, batches) = snapshot.query(&arguments.sql, engine).await?;
    print(&table::render(&schema, &batches, arguments.common.output)?);
    Ok(ExitCode::SUCCESS)
}
