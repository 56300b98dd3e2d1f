//! One SQL statement, parsed: what it reads and which parameters it uses, before anything is planned.

use std::collections::BTreeSet;

use datafusion::{
    error::DataFusionError,
    execution::SessionState,
    logical_expr::LogicalPlan,
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement as Parsed},
        resolve::resolve_table_references,
        sqlparser::ast::{Query, Statement as Ast},
    },
};

use super::Parameters;
use crate::record::TableName;

/// A parsed query with its parameters filled in.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: Parsed,
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
        let mut statements = DFParserBuilder::new(text).build()?.parse_statements()?;
        let (Some(mut parsed), true) = (statements.pop_front(), statements.is_empty()) else {
            return Err(DataFusionError::Plan("expected exactly one query".to_owned()));
        };
        let Parsed::Statement(ast) = &mut parsed else {
            return Err(DataFusionError::Plan("expected a query, `SELECT …` or `WITH …`".to_owned()));
        };
        if !matches!(**ast, Ast::Query(_)) {
            return Err(DataFusionError::Plan("expected a query, `SELECT …` or `WITH …`".to_owned()));
        }
        let used = parameters
            .substitute(ast.as_mut())
            .map_err(|name| DataFusionError::Plan(format!("unknown parameter `${name}`")))?;
        let (references, _) = resolve_table_references(&parsed, true)?;
        let (mut tables, mut unqualified) = (Vec::new(), Vec::new());
        for reference in references {
            match reference.schema() {
                Some(schema) => tables.push(TableName::new(schema, reference.table())),
                None => unqualified.push(reference.table().to_owned()),
            }
        }
        tables.sort();
        tables.dedup();
        Ok(Self { parsed, parameters: used, tables, unqualified })
    }

    /// Returns the statement's canonical text: no comments, one spelling, parameters as literals.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.parsed.to_string()
    }

    /// Returns the query as it was parsed, parameters filled in.
    #[must_use]
    pub fn query(&self) -> Option<&Query> {
        match &self.parsed {
            Parsed::Statement(ast) => match ast.as_ref() {
                Ast::Query(query) => Some(query),
                _ => None,
            },
            _ => None,
        }
    }

    /// Plans the statement.
    ///
    /// # Errors
    /// Unknown names, wrong types, wrong arguments.
    pub async fn plan(&self, context: &SessionContext) -> Result<LogicalPlan, DataFusionError> {
        let state: SessionState = context.state();
        state.statement_to_plan(self.parsed.clone()).await
    }
}
