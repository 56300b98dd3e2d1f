//! A survey: models are planned to be told whether they are right, each for itself, and let go again.
//!
//! In: the tables that sources make, models whose columns are known already, and models of which it is asked. Out: the columns of
//! each and what is to be said of it. [`super::plan`] keeps what it plans, since it is built; here nothing of a model stays but its
//! columns, so that ten thousand of them need little memory. Deliberately chooses no order and remembers nothing from one time to
//! the next: whoever asks knows which models need not be asked about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use datafusion::{error::Result as EngineResult, prelude::SessionContext};

use super::{
    diagnose,
    failed::{Failed, Told, Waiting},
    lint,
    meaning::Meaning,
    plan::{self, Answer, Around, Asked, Purpose, Sessions},
    views::Views,
};
use crate::{
    define::project::{Kind, Model, Source},
    engine::{Catalog, Engine, Statement, parallel, user_function::UserFunction},
    record::{Diagnostic, TableName},
};

/// What models are planned against.
pub struct Survey<'a> {
    staged: &'a Catalog,
    sessions: Sessions,
    functions: Arc<[UserFunction]>,
    wrong_functions: Arc<BTreeSet<String>>,
    /// What is said of each table by its columns.
    inputs: BTreeMap<TableName, String>,
    /// What a hint can name.
    tables: diagnose::Tables,
    /// What warnings go by.
    lints: lint::Tables,
    views: Views,
    waiting: Waiting,
    threads: usize,
}

impl fmt::Debug for Survey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Survey").field("lints", &self.lints).finish_non_exhaustive()
    }
}

/// A model that is right.
#[derive(Debug)]
pub struct Right {
    /// The published schema.
    pub schema: SchemaRef,
    /// Hash of what it computes, where that is compared with what was built.
    pub definition: String,
    /// What each column means, where the model lets its columns evolve.
    pub meanings: BTreeMap<String, Meaning>,
    /// Warnings, and errors of comments that cannot silence any.
    pub findings: Vec<Diagnostic>,
}

/// A model that is wrong.
#[derive(Debug)]
pub struct Wrong {
    /// Everything that is wrong with it.
    pub findings: Vec<Diagnostic>,
    /// The columns that its readers may go by.
    pub schema: Option<SchemaRef>,
}

/// What planning has shown, before anything is told of it.
pub struct Outcome(Result<Right, Failed>);

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outcome").field(&self.0.as_ref().ok()).finish()
    }
}

impl Outcome {
    /// Returns whether the model is right.
    #[must_use]
    pub const fn is_right(&self) -> bool {
        self.0.is_ok()
    }
}

impl<'a> Survey<'a> {
    /// Begins with the tables that sources make; `made` names them all, those whose contract is wrong included.
    ///
    /// # Errors
    /// When no session can be made, which is a fault of the program.
    pub fn new(
        models: &[Model],
        sources: &[Source],
        staged: &'a Catalog,
        made: &BTreeSet<TableName>,
        engine: &Engine,
    ) -> EngineResult<Self> {
        Ok(Self {
            staged,
            sessions: Sessions::new(Purpose::Check, models, staged, engine)?,
            functions: engine.defined(),
            wrong_functions: engine.wrong_functions(),
            inputs: staged.iter().map(|(name, table)| (name.clone(), plan::spelled_input(table))).collect(),
            tables: plan::known_tables(models, staged, made),
            lints: lint::Tables::staged(sources, staged),
            views: Views::new(),
            waiting: Waiting::default(),
            threads: engine.settings().threads,
        })
    }

    /// Returns whether somebody makes a table.
    #[must_use]
    pub fn holds(&self, name: &TableName) -> bool {
        self.tables.holds(name)
    }

    /// Returns everything but its columns by which readers of a table go, as text; None for one that is not known, or was wrong.
    #[must_use]
    pub fn promises(&self, name: &TableName) -> Option<String> {
        self.lints.promises(name)
    }

    /// Notes that a model reads one that is wrong and of which nothing is known, or that waits itself.
    pub fn wait(&mut self, model: &TableName, reads: &TableName) {
        self.waiting.note(model, reads);
    }

    /// Returns a note for each model that waits.
    #[must_use]
    pub fn waiting(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.waiting.notes)
    }

    /// Returns a session over all tables that are known.
    #[must_use]
    pub const fn session(&self) -> &SessionContext {
        &self.sessions.cut
    }

    /// Returns a view that is known.
    #[must_use]
    pub fn view(&self, name: &TableName) -> Option<&Arc<Statement>> {
        self.views.get(name)
    }

    /// Puts the views that are known to their place in a statement.
    pub fn expand(&self, statement: &mut Statement) {
        statement.expand(&self.views);
    }

    /// Lets a table be read by models that come later.
    ///
    /// # Errors
    /// When it cannot be registered, which is a fault of the program.
    pub fn admit(&mut self, model: &Model, schema: &SchemaRef) -> EngineResult<()> {
        self.sessions.register(model, schema)?;
        self.inputs.insert(model.name.clone(), self.sessions.spelled(schema));
        self.lints.insert(model, schema);
        self.describe(&model.name, schema);
        Ok(())
    }

    /// Lets the columns of a model be read that can be planned and is wrong nevertheless; nothing else is promised of it.
    ///
    /// # Errors
    /// When they cannot be registered, which is a fault of the program.
    pub fn stand_in(&mut self, model: &Model, schema: &SchemaRef) -> EngineResult<()> {
        self.sessions.stand_in(model, schema)?;
        self.inputs.insert(model.name.clone(), self.sessions.spelled(schema));
        self.describe(&model.name, schema);
        Ok(())
    }

    /// Lets a view, which knows the views that it reads, be read by models that come later.
    pub async fn admit_view(&mut self, model: &Model, schema: &SchemaRef, statement: Arc<Statement>) {
        self.sessions.define(&model.name, &statement).await;
        self.views.insert(model.name.clone(), statement);
        self.lints.insert(model, schema);
        self.describe(&model.name, schema);
    }

    /// Notes the columns of a table for hints alone.
    pub fn describe(&mut self, name: &TableName, schema: &SchemaRef) {
        self.tables.describe(name, Arc::clone(schema));
    }

    /// Plans models, of which none reads another, and looks for what is probably wrong with those that can be planned.
    #[must_use]
    pub fn look(&self, asked: &[Asked]) -> Vec<Outcome> {
        parallel::each(self.threads, asked, |asked| {
            Outcome(match asked.names_nobody {
                true => Err(Failed::Engine(None)),
                false => parallel::wait(Box::pin(self.right(&asked.model, &asked.statement))),
            })
        })
    }

    async fn right(&self, model: &Model, statement: &Statement) -> Result<Right, Failed> {
        let Self { sessions, staged, inputs, tables, functions, .. } = self;
        let around = Around { purpose: Purpose::Check, sessions, staged, inputs, tables, functions };
        let Answer { schema, definition, meanings } = plan::plan_model(model, statement, around).await?;
        let findings = match model.kind {
            // Views are not looked at, and the query of a seed is made of its rows.
            Kind::View | Kind::Seed => Vec::new(),
            Kind::Table | Kind::History => lint::lint(model, statement, &self.lints, &sessions.state),
        };
        Ok(Right { schema, definition, meanings, findings })
    }

    /// Tells what planning has shown; hints name the tables that are known by now. What is known of a wrong model's columns can
    /// be read by models that come later.
    ///
    /// # Errors
    /// When columns cannot be registered, which is a fault of the program.
    pub fn tell(&mut self, asked: &Asked, outcome: Outcome) -> EngineResult<Result<Right, Wrong>> {
        let Asked { model, statement, .. } = asked;
        let failed = match outcome.0 {
            Ok(right) => return Ok(Ok(right)),
            Err(failed) => failed,
        };
        if self.waiting.note_calls(&model.name, statement, &self.wrong_functions) {
            return Ok(Err(Wrong { findings: Vec::new(), schema: None }));
        }
        let Told { findings, schema } = failed.told(model, statement, &self.tables, &self.sessions.state);
        if let Some(schema) = &schema {
            self.stand_in(model, schema)?;
        }
        Ok(Err(Wrong { findings, schema }))
    }
}

/// Returns whether what a model computes is compared with the served snapshot, so that it has to be planned each time.
#[must_use]
pub fn is_compared(model: &Model) -> bool {
    plan::is_compared(model, Purpose::Check)
}
