//! One SQL statement, parsed: what it reads and which parameters it uses, before anything is planned.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::ControlFlow,
};

use datafusion::{
    error::DataFusionError,
    execution::SessionState,
    logical_expr::LogicalPlan,
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement as Parsed},
        resolve::resolve_table_references,
        sqlparser::ast::{Statement as Ast, TableFactor, Visit, Visitor},
    },
};

use super::{Parameters, dialect};
use crate::{define::project::Dialect, record::TableName};

/// A parsed query with its parameters filled in.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: Parsed,
    dialect: Dialect,
    /// Names of the parameters that occur in it.
    pub parameters: BTreeSet<String>,
    /// Tables that it reads, common table expressions excluded.
    pub tables: Vec<TableName>,
    /// Tables that it names without a schema, which nothing can resolve.
    pub unqualified: Vec<String>,
}

impl Statement {
    /// Parses exactly one query.
    ///
    /// # Errors
    /// A syntax error, several statements, a statement that is no query, or an unknown parameter.
    pub fn parse(text: &str, parameters: &Parameters) -> Result<Self, DataFusionError> {
        Self::parse_as(Dialect::default(), text, parameters)
    }

    /// Parses exactly one query as another engine would.
    ///
    /// # Errors
    /// As [`Self::parse`], and a construct that has no counterpart here.
    pub fn parse_as(dialect: Dialect, text: &str, parameters: &Parameters) -> Result<Self, DataFusionError> {
        let mut statements: VecDeque<Parsed> = match dialect {
            Dialect::Datafusion => DFParserBuilder::new(text).build()?.parse_statements()?,
            Dialect::Duckdb => dialect::parse(text)?,
        };
        let (Some(mut parsed), true) = (statements.pop_front(), statements.is_empty()) else {
            return Err(DataFusionError::Plan("expected exactly one query".to_owned()));
        };
        let Parsed::Statement(ast) = &mut parsed else {
            return Err(DataFusionError::Plan("expected a query, `SELECT …` or `WITH …`".to_owned()));
        };
        if !matches!(**ast, Ast::Query(_)) {
            return Err(DataFusionError::Plan("expected a query, `SELECT …` or `WITH …`".to_owned()));
        }
        if dialect == Dialect::Duckdb {
            dialect::rewrite(ast.as_mut())?;
        }
        let used = parameters
            .substitute(ast.as_mut())
            .map_err(|name| DataFusionError::Plan(format!("unknown parameter `${name}`")))?;
        let functions = table_functions(ast);
        let (references, _) = resolve_table_references(&parsed, true)?;
        let (mut tables, mut unqualified) = (Vec::new(), Vec::new());
        for reference in references {
            match reference.schema() {
                Some(schema) => tables.push(TableName::new(schema, reference.table())),
                None if functions.contains(reference.table()) => {}
                None => unqualified.push(reference.table().to_owned()),
            }
        }
        tables.sort();
        tables.dedup();
        Ok(Self { parsed, dialect, parameters: used, tables, unqualified })
    }

    /// Returns the statement's canonical text: no comments, one spelling, parameters as literals.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.parsed.to_string()
    }

    /// Returns what besides the statement decides its meaning: the version of its dialect's semantics.
    #[must_use]
    pub const fn semantics(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Datafusion => None,
            Dialect::Duckdb => Some(dialect::VERSION),
        }
    }

    /// Plans the statement.
    ///
    /// # Errors
    /// Unknown names, wrong types, wrong arguments.
    pub async fn plan(&self, context: &SessionContext) -> Result<LogicalPlan, DataFusionError> {
        let state: SessionState = context.state();
        match self.dialect {
            Dialect::Datafusion => state.statement_to_plan(self.parsed.clone()).await,
            Dialect::Duckdb => dialect::plan(self.parsed.clone(), state).await,
        }
    }
}

/// Returns the names of functions that stand where a table may stand, as `range(1, 5)`.
fn table_functions(ast: &Ast) -> BTreeSet<String> {
    let mut called = Called(BTreeSet::new());
    let _ = ast.visit(&mut called);
    called.0
}

struct Called(BTreeSet<String>);

impl Visitor for Called {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            self.0.insert(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }
}
