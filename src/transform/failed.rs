//! Models that cannot be built: what is told of them, and what their readers may still go by.
//!
//! In: a model and why planning failed. Out: its findings, and its columns where they are known nevertheless; a note for a
//! model that waits for one whose columns are not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::{error::DataFusionError, execution::SessionState};

use super::{
    diagnose::{self, Tables},
    graph,
    header::{header_findings, promised},
    history,
};
use crate::{
    define::project::{Dialect, Model},
    engine::{Problem, Statement, types},
    record::{Diagnostic, TableName},
};

/// Models that cannot be checked, since they stand on a failed one or call a function that is wrong.
#[derive(Default)]
pub(super) struct Waiting {
    /// For each such model the model or function that failed.
    failed: BTreeMap<TableName, String>,
    pub(super) notes: Vec<Diagnostic>,
}

impl Waiting {
    /// Notes that a model reads one that failed, or that waits itself.
    pub(super) fn note(&mut self, model: &TableName, reads: &TableName) {
        let root = self.failed.get(reads).cloned().unwrap_or_else(|| reads.to_string());
        self.note_root(model, root);
    }

    /// Notes that a model calls a function that is wrong, if it does.
    pub(super) fn note_calls(&mut self, model: &TableName, statement: &Statement, wrong: &BTreeSet<String>) -> bool {
        let called = statement.functions.iter().find(|function| wrong.contains(*function));
        called.inspect(|function| self.note_root(model, (*function).clone())).is_some()
    }

    fn note_root(&mut self, model: &TableName, root: String) {
        self.notes.push(Diagnostic::note(format!("`{model}` is not checked: it waits for `{root}`")));
        self.failed.insert(model.clone(), root);
    }
}

/// Why a model cannot be built.
pub(super) enum Failed {
    /// The engine does not plan it; None where it was not even asked.
    Engine(Option<DataFusionError>),
    /// It is planned, and does not keep what its header says.
    Header(Vec<Diagnostic>, Option<SchemaRef>),
}

/// What is said of a failed model, and the columns that its readers may go by.
pub(super) struct Told {
    pub(super) findings: Vec<Diagnostic>,
    pub(super) schema: Option<SchemaRef>,
}

impl Failed {
    /// Takes the model apart, if the engine did not plan it.
    pub(super) fn told(self, model: &Model, statement: &Statement, tables: &Tables, state: &SessionState) -> Told {
        let error = match self {
            Self::Header(findings, schema) => {
                return Told { findings, schema: schema.map(|schema| promised(model, &schema)) };
            }
            Self::Engine(error) => error,
        };
        // Taking a query apart asks what the engine itself means by it.
        let query = statement.query().filter(|_| model.dialect == Dialect::Datafusion);
        let diagnosis = query.map(|query| diagnose::diagnose(&model.text, query, tables, state));
        let mut diagnosis = diagnosis.unwrap_or_default();
        let mut findings = std::mem::take(&mut diagnosis.findings);
        let columns = diagnosis.columns.as_ref();
        let schema = columns.and_then(|columns| declared_schema(model, columns));
        let is_placed = !findings.is_empty();
        if !is_placed {
            let error = error.unwrap_or_else(|| DataFusionError::Plan("the model cannot be planned".to_owned()));
            let problem = || graph::diagnostic(model, Problem::new(&error, &model.text.body));
            findings.push(diagnosis.refused(&model.text, &error).unwrap_or_else(problem));
        }
        let is_certain =
            is_placed && columns.is_some_and(|columns| columns.iter().all(|(_, data_type)| data_type.is_some()));
        if let (true, Some(schema)) = (is_certain, &schema) {
            findings.extend(header_findings(model, statement, schema));
        }
        Told { findings, schema }
    }
}

/// Returns the columns of a failed model: each has the type that the query gives it, else the one that the header declares.
fn declared_schema(model: &Model, columns: &[(String, Option<DataType>)]) -> Option<SchemaRef> {
    let declared = |name: &str| {
        let column = model.columns.iter().find(|column| column.name.value == name)?;
        column.data_type.as_ref().map(|data_type| data_type.value.clone())
    };
    let field = |(name, data_type): &(String, Option<DataType>)| {
        let data_type = data_type.clone().or_else(|| declared(name))?;
        Some(Field::new(name, types::published(&data_type)?, true))
    };
    let schema: SchemaRef = Arc::new(Schema::new(columns.iter().map(field).collect::<Option<Vec<_>>>()?));
    match &model.history {
        Some(history) => history::schema(model, history, &schema).ok(),
        None => Some(schema),
    }
}
