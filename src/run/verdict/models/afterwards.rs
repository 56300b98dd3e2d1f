//! What is asked of models once they have been judged: which are right, what they are, what lies on the way to them.
//!
//! In: names and numbers of models. Out: what is known of them; models made again of their texts, as reports and unit tests want them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::prelude::SessionContext;

use super::{
    super::{
        kept::{self, Judged},
        ledger::Ledger,
    },
    Models, Standing, lost,
};
use crate::{
    Error,
    define::project::Kind,
    record::{Diagnostic, TableName},
    run::outcome,
    transform::{Graph, PlannedModel, lint, views::PlannedView},
};

impl Models<'_> {
    /// Lets models be read that are right, and the views among them with all that these read.
    ///
    /// # Errors
    /// A fault of the program.
    pub async fn admit(&mut self, names: &BTreeSet<TableName>, ledger: &Ledger) -> Result<(), Error> {
        let is_new = |at: &usize| matches!(&self.parts[*at].standing, Standing::Right(stand) if !stand.is_admitted);
        let wanted: BTreeSet<usize> = self.with_views(names).into_iter().filter(is_new).collect();
        for at in self.in_order(&wanted) {
            let model = self.model(at)?;
            let schema = self.schema(at, ledger).ok_or_else(|| lost(&model.name))?;
            if model.kind == Kind::View {
                let mut statement = self.statement(&model)?;
                self.survey.expand(&mut statement);
                self.survey.admit_view(&model, &schema, Arc::new(statement)).await;
            } else {
                self.survey.admit(&model, &schema).map_err(|error| outcome::bug(&error))?;
            }
            if let Standing::Right(stand) = &mut self.parts[at].standing {
                stand.is_admitted = true;
            }
        }
        Ok(())
    }

    /// Returns the right ones among models of some kinds, each after those that it reads.
    pub fn right(&self, is_wanted: fn(Kind) -> bool) -> Vec<usize> {
        let is_right = |at: &usize| matches!(self.parts[*at].standing, Standing::Right(_));
        self.order.iter().copied().filter(|at| is_right(at) && is_wanted(self.written(*at).kind)).collect()
    }

    /// Returns what was found out of a model that is right, and the key of that.
    pub fn judged(&self, at: usize) -> Option<(&blake3::Hash, &Judged)> {
        match &self.parts[at].standing {
            Standing::Right(stand) => Some((&stand.key, &stand.judged)),
            Standing::Unknown | Standing::StoodIn(_) => None,
        }
    }

    /// Returns the key of everything that decides what a table is; None for one that is not right.
    pub fn known_key(&self, name: &TableName) -> Option<&blake3::Hash> {
        match self.numbers.get(name) {
            Some(at) => self.judged(*at).map(|(key, _)| key),
            None => self.staged.get(name),
        }
    }

    /// Returns whether a model makes a table, be it right or wrong.
    pub fn is_made(&self, name: &TableName) -> bool {
        self.numbers.contains_key(name)
    }

    /// Returns the face of a table that is right.
    pub fn present(&self, name: &TableName) -> Option<&blake3::Hash> {
        match self.numbers.get(name) {
            Some(at) => self.judged(*at).map(|(_, judged)| &judged.face),
            None => self.staged.get(name),
        }
    }

    /// Returns what is probably wrong with models, in their order. Of what stands on something wrong too little is promised for some
    /// of it to be sure.
    pub fn warnings(&mut self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut unsure: BTreeSet<TableName> = self.prepared.project.wrong.names().collect();
        for at in self.order.clone() {
            let reads_wrong = self.named(self.name(at)).iter().any(|name| unsure.contains(name));
            let is_right = matches!(self.parts[at].standing, Standing::Right(_));
            if reads_wrong || !is_right {
                unsure.insert(self.name(at).clone());
            }
            if let Standing::Right(stand) = &mut self.parts[at].standing {
                found.extend(
                    stand.findings.drain(..).filter(|finding| !reads_wrong || lint::holds_without_promises(finding)),
                );
            }
        }
        found
    }

    /// Returns every name behind a `$` in a text of a model.
    pub fn mentions(&self) -> impl Iterator<Item = String> {
        let models = self.parts.iter().zip(&self.prepared.project.models);
        models.flat_map(|(part, model)| match &part.outline {
            Some(outline) => outline.mentions.clone(),
            None => kept::mentions(&model.text.body),
        })
    }

    /// Returns a session over all tables that were admitted.
    pub const fn session(&self) -> &SessionContext {
        self.survey.session()
    }

    /// Returns these tables and all that are read on the way to them.
    pub fn upstream(&self, names: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut found = names.clone();
        let mut waiting: Vec<&TableName> = names.iter().collect();
        while let Some(name) = waiting.pop() {
            waiting.extend(self.named(name).iter().filter(|read| found.insert((*read).clone())));
        }
        found
    }

    /// Returns these tables and those that they read, also through views.
    pub fn with_reads(&self, names: &BTreeSet<TableName>) -> BTreeSet<TableName> {
        let mut found = names.clone();
        let mut waiting: Vec<&TableName> = names.iter().collect();
        while let Some(name) = waiting.pop() {
            for read in self.named(name) {
                let is_view = self.numbers.get(read).is_some_and(|at| self.written(*at).kind == Kind::View);
                if found.insert(read.clone()) && is_view {
                    waiting.push(read);
                }
            }
        }
        found
    }

    /// Returns the tables that a model names.
    fn named(&self, name: &TableName) -> &[TableName] {
        let outline = self.numbers.get(name).and_then(|at| self.parts[*at].outline.as_ref());
        outline.map_or(&[], |outline| &outline.named)
    }

    /// Makes the models and views among these tables that are right again, with the views that they read; these must have been admitted.
    ///
    /// # Errors
    /// A fault of the program.
    pub fn graph(&mut self, names: &BTreeSet<TableName>, ledger: &Ledger) -> Result<Graph, Error> {
        let wanted: BTreeSet<usize> =
            self.with_views(names).into_iter().filter(|at| self.judged(*at).is_some()).collect();
        let mut graph = Graph::default();
        for at in self.in_order(&wanted) {
            let model = self.model(at)?;
            let schema = self.schema(at, ledger).ok_or_else(|| lost(&model.name))?;
            let (definition, run_date) = (String::new(), self.prepared.parameters.run_date);
            let mut statement = self.statement(&model)?;
            self.survey.expand(&mut statement);
            if model.kind == Kind::View {
                graph.views.push(PlannedView { model, schema, statement: Arc::new(statement), definition });
            } else {
                let meanings = BTreeMap::new();
                graph.models.push(PlannedModel {
                    model,
                    statement,
                    schema,
                    definition,
                    meanings,
                    run_date,
                    before: None,
                });
            }
        }
        Ok(graph)
    }

    /// Returns models by their names, with the views that they read and all that these read.
    fn with_views(&self, names: &BTreeSet<TableName>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut waiting: Vec<&usize> = names.iter().filter_map(|name| self.numbers.get(name)).collect();
        while let Some(at) = waiting.pop() {
            if found.insert(*at) {
                let read = self.named(self.name(*at)).iter().filter_map(|name| self.numbers.get(name));
                let is_view = self.written(*at).kind == Kind::View;
                waiting.extend(read.filter(|read| is_view || self.written(**read).kind == Kind::View));
            }
        }
        found
    }
}
