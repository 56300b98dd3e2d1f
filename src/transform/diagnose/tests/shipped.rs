//! The shipped models: nothing is found in them as they are; a name changed anywhere is found there and only there.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc};

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Spanned, visit_expressions, visit_relations};

use super::world::{World, engine, mended, on_a_deep_stack};
use crate::{
    engine::{CatalogTable, Statement, catalog},
    record::Text,
    run::{self, Definitions, Request},
    transform::diagnose::{Tables, diagnose, source::Source, tree},
};

/// Names that are changed in each model.
const CHANGED: usize = 2;

async fn definitions() -> Definitions {
    let environment = [("TALLYHOUSE_WAREHOUSE", "warehouse"), ("TALLYHOUSE_EXTRACTS", "extracts")];
    let engine = engine();
    let request = Request {
        pipeline: Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/nightly.yaml"),
        run_date: None,
        variables: BTreeMap::default(),
        environment: None,
        full: false,
        rebuild: run::Rebuild::default(),
        verify: false,
        accepted: Vec::new(),
        rehash: false,
        selection: crate::define::select::Selection::default(),
        settings: engine.settings().clone(),
        process_environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        now: chrono::DateTime::UNIX_EPOCH,
    };
    run::definitions(&request, &engine).await.unwrap()
}

/// Every table of the shipped project, without rows; a view is a table like any other here.
async fn world(definitions: &Definitions) -> World {
    let engine = engine();
    assert!(
        crate::transform::functions::define(
            &definitions.project.functions,
            &std::collections::BTreeSet::new(),
            &engine
        )
        .unwrap()
        .is_empty()
    );
    let mut tables = run::catalog(definitions);
    let session = engine.session(catalog::providers(&tables).unwrap()).unwrap();
    for view in &definitions.graph.views {
        let schema = Arc::new(view.statement.plan(&session).await.unwrap().schema().as_arrow().clone());
        tables.insert(view.model.name.clone(), CatalogTable::empty(&schema, Vec::new(), None));
    }
    World { tables, parameters: definitions.parameters.clone(), engine }
}

fn known(world: &World) -> Tables {
    let mut tables = Tables::default();
    for (name, table) in &world.tables {
        tables.describe(name, datafusion::catalog::TableProvider::schema(&table.files));
    }
    tables
}

#[test]
fn a_model_that_plans_has_no_findings_when_it_is_taken_apart() {
    on_a_deep_stack(|| async {
        let definitions = definitions().await;
        let world = world(&definitions).await;
        let (tables, session) = (known(&world), world.engine.session([]).unwrap());
        for planned in &definitions.graph.models {
            let query = planned.statement.query().unwrap();
            let found = diagnose(&planned.model.text, query, &tables, &session.state());
            assert!(found.findings.is_empty(), "{}: {:#?}", planned.model.name, found.findings);
            let columns = found.columns.unwrap_or_else(|| panic!("{} has unknown columns", planned.model.name));
            let names: Vec<&String> = columns.iter().map(|(name, _)| name).collect();
            let expected: Vec<&String> = planned.schema.fields().iter().map(|field| field.name()).collect();
            assert_eq!(names, expected, "{}", planned.model.name);
            for ((name, data_type), field) in columns.iter().zip(planned.schema.fields()) {
                let data_type = data_type.as_ref().and_then(crate::engine::types::published);
                assert_eq!(data_type.as_ref(), Some(field.data_type()), "{}.{name}", planned.model.name);
            }
        }
    });
}

/// Returns the places of names in a query: of columns, of tables with a schema, and of functions.
fn names(text: &Arc<Text>, query: &Query) -> [Vec<std::ops::Range<usize>>; 3] {
    let (mut columns, mut tables, mut functions) = (Vec::new(), Vec::new(), Vec::new());
    let mut column = |ident: &Ident| columns.push(ident.span);
    let _ = visit_expressions(query, |expr| {
        match expr {
            Expr::Identifier(ident) => column(ident),
            Expr::CompoundIdentifier(parts) => parts.last().into_iter().for_each(&mut column),
            Expr::Function(call) => functions.push(call.name.span()),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    let _ = visit_relations(query, |name| {
        if tree::parts(name).len() > 1 {
            tables.push(name.span());
        }
        ControlFlow::<()>::Continue(())
    });
    let source = Source::new(text);
    [columns, tables, functions].map(|spans| spans.into_iter().map(|span| source.range(span)).collect())
}

#[test]
fn a_name_changed_anywhere_is_found_there_and_only_there() {
    on_a_deep_stack(|| async {
        let definitions = definitions().await;
        let world = world(&definitions).await;
        let (mut changed, mut repaired, mut wrong) = (0, 0, Vec::new());
        for planned in &definitions.graph.models {
            let text = &planned.model.text;
            let statement = Statement::parse(&text.body, &world.parameters).unwrap();
            let found = names(text, statement.query().unwrap());
            for (kind, places) in ["unknown column", "unknown table", "unknown function"].iter().zip(found) {
                let step = places.len().div_ceil(CHANGED).max(1);
                for place in places.into_iter().step_by(step) {
                    let body = format!("{}x{}", &text.body[..place.end], &text.body[place.end..]);
                    let findings = world.findings(&planned.model.name.to_string(), &body).await;
                    changed += 1;
                    let at = place.start..place.end + 1;
                    let is_there = match findings.as_slice() {
                        [only] => only.place.as_ref().is_some_and(|place| place.range == at),
                        _ => false,
                    };
                    if !is_there {
                        wrong.push(format!(
                            "{kind} {} at {at:?} of {}: {findings:#?}",
                            &body[at.clone()],
                            planned.model.name
                        ));
                        continue;
                    }
                    if let Some(mended) = mended(&body, &findings[0]) {
                        repaired += 1;
                        let left = world.findings(&planned.model.name.to_string(), &mended).await;
                        // Of two functions whose names are equally near, types may speak against the one proposed.
                        if !left.is_empty() && *kind == "unknown function" {
                            repaired -= 1;
                        } else if !left.is_empty() {
                            wrong.push(format!("not mended: {:#?} then {left:#?}", findings[0]));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {changed}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(changed > 150 && repaired * 10 > changed * 9, "{repaired} of {changed} were mended");
    });
}
