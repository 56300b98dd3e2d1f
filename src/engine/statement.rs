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
        sqlparser::ast::{Ident, Query, Statement as Ast},
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

    /// Returns whether the order of the rows is part of what is asked for.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.query().is_some_and(|query| query.order_by.is_some())
    }

    /// Returns the names of the common table expressions of the whole statement, as SQL knows them.
    pub fn ctes(&self) -> impl Iterator<Item = String> {
        let with = self.query().and_then(|query| query.with.as_ref());
        with.into_iter().flat_map(|with| &with.cte_tables).map(|cte| known_as(&cte.alias.name))
    }

    /// Returns the statement that gives the rows of one of its common table expressions.
    ///
    /// # Errors
    /// Never with a name of [`Statement::ctes`].
    pub fn cte(&self, name: &str) -> Result<Self, DataFusionError> {
        let text = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
        let mut statements = DFParserBuilder::new(text.as_str()).build()?.parse_statements()?;
        let (Some(Parsed::Statement(mut ast)), Some(whole)) = (statements.pop_front(), self.query()) else {
            return Err(DataFusionError::Internal("a query is none".to_owned()));
        };
        if let Ast::Query(query) = ast.as_mut() {
            query.with.clone_from(&whole.with);
            // What comes after it cannot matter, and would be planned.
            if let Some(with) = query.with.as_mut().filter(|with| !with.recursive) {
                let last = with.cte_tables.iter().position(|cte| known_as(&cte.alias.name) == name);
                with.cte_tables.truncate(last.map_or(usize::MAX, |last| last + 1));
            }
        }
        Ok(Self { parsed: Parsed::Statement(ast), ..self.clone() })
    }

    fn query(&self) -> Option<&Query> {
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

/// Returns a name as the planner compares it: without quotes, its case does not count.
fn known_as(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}
