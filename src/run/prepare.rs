//! Preparing: a request → what models are planned over, and the models planned.
//!
//! In: definition files. Out: the project with its parameters and contracts, then its graph; what is wrong beside them, for
//! whoever asks to tell or to leave to others. Deliberately judges nothing that needs more than one of them: that is
//! [`super::validate`].

use std::collections::BTreeMap;

use super::{Request, load, outcome, validate};
use crate::{
    Error,
    define::Project,
    engine::{Catalog, Engine, Parameters},
    normalize::Contract,
    record::Diagnostic,
    transform::{
        self,
        plan::{Planned, Purpose},
    },
};

/// Definitions before any model is planned.
pub(super) struct Prepared {
    pub project: Project,
    pub parameters: Parameters,
    /// Compiled contracts by source, those that are right.
    pub contracts: BTreeMap<String, Contract>,
}

impl Prepared {
    /// Reads a project and compiles its contracts; returns also the warnings about its files and what is wrong with contracts.
    ///
    /// # Errors
    /// Files that cannot be read as a project, and variables that it does not declare.
    pub fn new(request: &Request) -> Result<(Self, Vec<Diagnostic>), Error> {
        let (project, findings) = load::load(request)?;
        Self::of(project, findings, request)
    }

    /// Reads a project as [`Self::new`] does, as far as it can be read; what is wrong is among the findings.
    ///
    /// # Errors
    /// As [`Self::new`], where nothing else can be looked at.
    pub fn loosely(request: &Request) -> Result<(Self, Vec<Diagnostic>), Error> {
        let (project, findings) = load::load_loosely(request)?;
        Self::of(project, findings, request)
    }

    /// Compiles the contracts of a project that was read with these warnings.
    ///
    /// # Errors
    /// Variables that it does not declare.
    pub fn of(
        project: Project,
        mut findings: Vec<Diagnostic>,
        request: &Request,
    ) -> Result<(Self, Vec<Diagnostic>), Error> {
        let parameters = validate::parameters(&project, request)?;
        let (contracts, found) = validate::contracts(&project, &parameters);
        findings.extend(found);
        Ok((Self { project, parameters, contracts }, findings))
    }

    /// Returns the tables that sources and entities make, without data.
    pub fn staged(&self) -> Catalog {
        validate::staged_catalog(&self.project, &self.contracts, &self.parameters)
    }

    /// Plans all models over the tables of [`Self::staged`]; what is wrong with functions is among the findings.
    ///
    /// # Errors
    /// When no session can be made, which is a fault of the program.
    pub async fn plan(&self, purpose: Purpose, staged: &Catalog, engine: &Engine) -> Result<Planned, Error> {
        let Self { project, parameters, .. } = self;
        let mut findings = transform::functions::define(&project.functions, &project.wrong.functions, engine)
            .map_err(|error| outcome::bug(&error))?;
        let sources = validate::made_tables(project);
        // Boxed where it is made: a name for it would hold all of it.
        let planned =
            Box::pin(transform::plan::plan_for(purpose, &project.models, staged, &sources, parameters, engine))
                .await
                .map_err(|error| outcome::bug(&error))?;
        findings.extend(planned.findings);
        Ok(Planned { findings, ..planned })
    }
}
