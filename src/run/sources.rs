//! Staging all sources: those that hold codes before those that use them.

use std::collections::BTreeMap;

use arrow::{array::AsArray, compute::cast, datatypes::DataType};
use datafusion::common::TableReference;

use super::{
    Definitions, ops, outcome,
    outcome::Failure,
    stage::{self, StagedSource, Surroundings},
    validate,
};
use crate::{
    Error,
    define::project::Source,
    engine::{Catalog, CatalogTable, Engine, catalog},
    normalize::{CodeTableRef, Contract},
    publish::Finder,
    record::{TableName, manifest::Table, table::STAGED},
};

/// Stages every source and returns them in the order in which they were staged, with the catalog of `staged.*`. Each is
/// shown to `finished` as soon as it is.
///
/// # Errors
/// As [`stage::stage`].
pub(super) async fn stage_all(
    definitions: &Definitions,
    engine: &Engine,
    around: Surroundings<'_>,
    finished: &dyn Fn(&StagedSource) -> Result<(), Error>,
) -> Result<(Vec<StagedSource>, Catalog), Failure> {
    let (mut staged, mut catalog) = (Vec::new(), Catalog::new());
    for source in in_order(&definitions.project.sources) {
        let Some(contract) = definitions.contracts.get(&source.name.value) else { continue };
        let failed = |error| Failure::of(&source.table(), error);
        let contract = with_codes(contract, engine, &catalog).await.map_err(failed)?;
        let result = stage::stage(source, &contract, around).await.map_err(failed)?;
        catalog.insert(source.table(), catalog_table(source, &contract, &result.staged, definitions, around.files));
        finished(&result)?;
        staged.push(result);
    }
    let writing = ops::Writing { folder: around.folder, timezone: around.timezone };
    catalog.insert(TableName::file(), ops::files::write(&staged, writing, around.files)?);
    Ok((staged, catalog))
}

/// Orders sources so that each comes after those that hold its codes; `define` has refused circles.
fn in_order(sources: &[Source]) -> Vec<&Source> {
    let mut waiting: Vec<&Source> = sources.iter().collect();
    let mut ordered: Vec<&Source> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_waiting = |name: &str| waiting.iter().any(|source| source.name.value == name);
        let is_ready = |source: &&Source| !source.code_sources().any(|code| is_waiting(&code.value));
        let (ready, rest): (Vec<&Source>, Vec<&Source>) = waiting.iter().copied().partition(is_ready);
        if ready.is_empty() {
            ordered.extend(rest);
            break;
        }
        ordered.extend(ready);
        waiting = rest;
    }
    ordered
}

fn catalog_table(
    source: &Source,
    contract: &Contract,
    table: &Table,
    definitions: &Definitions,
    files: &Finder,
) -> CatalogTable {
    let name = source.table();
    let as_of = validate::as_of(source, &definitions.parameters);
    CatalogTable::new(table.clone(), contract.schema(), Some(as_of), &|file| files.find(&name, file))
}

/// Returns a contract that knows the codes of all its code tables.
async fn with_codes(contract: &Contract, engine: &Engine, catalog: &Catalog) -> Result<Contract, Error> {
    let mut contract = contract.clone();
    for reference in contract.code_tables() {
        let codes = codes(&reference, engine, catalog).await?;
        contract.set_codes(&reference.source, &reference.from, &reference.to, codes);
    }
    Ok(contract)
}

fn two_meanings(reference: &CodeTableRef, code: &str, one: &str, other: &str) -> Error {
    Error::Data {
        message: format!("the code `{code}` of `staged.{}` has two meanings, `{one}` and `{other}`", reference.source),
        hint: Some(format!("let `{}` be the key of source `{}`", reference.from, reference.source)),
    }
}

async fn codes(
    reference: &CodeTableRef,
    engine: &Engine,
    catalog: &Catalog,
) -> Result<BTreeMap<String, String>, Error> {
    let name = TableName::staged(&reference.source);
    let failed = |error: datafusion::error::DataFusionError| outcome::engine_failure(&name, &error);
    let only: Catalog = catalog.get(&name).map(|table| (name.clone(), table.clone())).into_iter().collect();
    let session = engine.session(catalog::providers(&only).map_err(failed)?).map_err(failed)?;
    let table = session.table(TableReference::partial(STAGED, reference.source.as_str())).await.map_err(failed)?;
    let columns = table.select_columns(&[&reference.from, &reference.to]).map_err(failed)?;
    let mut codes = BTreeMap::new();
    for batch in columns.collect().await.map_err(failed)? {
        let text = |index: usize| cast(batch.column(index), &DataType::Utf8).map_err(|error| failed(error.into()));
        let (from, to) = (text(0)?, text(1)?);
        let pairs = from.as_string::<i32>().iter().zip(to.as_string::<i32>().iter());
        for (from, to) in pairs.filter_map(|(from, to)| Some((from?, to?))) {
            match codes.insert(from.to_owned(), to.to_owned()) {
                Some(other) if other != to => return Err(two_meanings(reference, from, &other, to)),
                _ => {}
            }
        }
    }
    Ok(codes)
}
