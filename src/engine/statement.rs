//! One SQL statement, parsed: what it reads and which parameters it uses, before anything is planned.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::ControlFlow,
    sync::Arc,
};

use datafusion::{
    common::TableReference,
    datasource::ViewTable,
    error::DataFusionError,
    execution::SessionState,
    logical_expr::LogicalPlan,
    prelude::SessionContext,
    sql::{
        parser::{DFParserBuilder, Statement as Parsed},
        resolve::resolve_table_references,
        sqlparser::ast::{
            Expr, Ident, OrderBy, OrderByExpr, OrderByKind, Query, Statement as Ast, TableFactor, Value, Visit, Visitor,
        },
    },
};

use super::{Parameters, dialect, ignored, session};
use crate::{
    define::project::Dialect,
    record::{TableName, sql::quoted},
};

/// A parsed query with its parameters filled in.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: Parsed,
    dialect: Dialect,
    /// Names of the parameters that occur in it, or in a view that it reads.
    pub parameters: BTreeSet<String>,
    /// Tables that it reads, common table expressions excluded; those that its views read in place of the views.
    pub tables: Vec<TableName>,
    /// Tables and views that it names.
    pub named: Vec<TableName>,
    /// Names of the functions that it calls, or a view that it reads.
    pub functions: BTreeSet<String>,
    /// The views that it reads, each after those that it reads itself.
    views: Vec<(TableName, Arc<Statement>)>,
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
        let used = parameters.substitute(ast.as_mut())?;
        let functions = table_functions(ast);
        let mut calls = Calls::default();
        let _ = ast.visit(&mut calls);
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
        let named = tables.clone();
        Ok(Self {
            parsed,
            dialect,
            parameters: used,
            tables,
            named,
            functions: calls.0,
            views: Vec::new(),
            unqualified,
        })
    }

    /// Puts the views among the tables that it names to their place: it then reads what they read.
    pub fn expand(&mut self, views: &BTreeMap<TableName, Arc<Self>>) {
        let mut tables = BTreeSet::new();
        for table in &self.named {
            let Some(view) = views.get(table) else {
                tables.insert(table.clone());
                continue;
            };
            tables.extend(view.tables.iter().cloned());
            self.parameters.extend(view.parameters.iter().cloned());
            self.functions.extend(view.functions.iter().cloned());
            for (name, inner) in view.views.iter().chain([&(table.clone(), Arc::clone(view))]) {
                if self.views.iter().all(|(known, _)| known != name) {
                    self.views.push((name.clone(), Arc::clone(inner)));
                }
            }
        }
        self.tables = tables.into_iter().collect();
    }

    /// Returns the statement's canonical text, with that of its views: no comments, one spelling, parameters as literals.
    #[must_use]
    pub fn canonical(&self) -> String {
        let views = self.views.iter().map(|(name, view)| format!("{name} AS {};\n", view.parsed));
        views.chain([self.parsed.to_string()]).collect()
    }

    /// Returns its syntax tree, parameters as literals that stand where they were written.
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

    /// Returns whether the order of the rows is part of what is asked for.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.query().is_some_and(|query| query.order_by.is_some())
    }

    /// Lets rows of which the statement does not say which is first follow each other by all of their columns, of which there
    /// are so many: the same rows then always come in the same order.
    #[must_use]
    pub fn ordered_throughout(mut self, columns: usize) -> Self {
        let nth = |number: usize| OrderByExpr {
            expr: Expr::value(Value::Number(number.to_string(), false)),
            ..OrderByExpr::from(Ident::new(""))
        };
        if let Parsed::Statement(ast) = &mut self.parsed
            && let Ast::Query(query) = ast.as_mut()
        {
            let order = OrderBy { kind: OrderByKind::Expressions(Vec::new()), interpolate: None };
            // ORDER BY ALL leaves nothing open.
            if let OrderByKind::Expressions(list) = &mut query.order_by.get_or_insert(order).kind {
                list.extend((1..=columns).map(nth));
            }
        }
        self
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
        let text = format!("SELECT * FROM {}", quoted(name));
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
        self.plan_with(context, &context.state()).await
    }

    /// Plans the statement as [`Statement::plan`] does, with a state of the session that the caller has at hand: copying all
    /// of its functions takes as long as planning a small query. The state sees tables that come later.
    ///
    /// # Errors
    /// As [`Statement::plan`].
    pub async fn plan_with(
        &self,
        context: &SessionContext,
        state: &SessionState,
    ) -> Result<LogicalPlan, DataFusionError> {
        for (name, view) in &self.views {
            view.define(name, context).await?;
        }
        self.plan_in(state).await
    }

    /// Plans the statement where its views are known.
    async fn plan_in(&self, state: &SessionState) -> Result<LogicalPlan, DataFusionError> {
        if let Some(query) = self.query() {
            ignored::refuse(query, state)?;
        }
        match self.dialect {
            Dialect::Datafusion => Box::pin(state.statement_to_plan(self.parsed.clone())).await,
            Dialect::Duckdb => Box::pin(dialect::plan(self.parsed.clone(), state.clone())).await,
        }
    }

    /// Makes the statement known to a session as a view, unless the session has it.
    ///
    /// # Errors
    /// As [`Statement::plan`].
    pub async fn define_as(&self, name: &TableName, context: &SessionContext) -> Result<(), DataFusionError> {
        for (inner, view) in &self.views {
            view.define(inner, context).await?;
        }
        self.define(name, context).await
    }

    async fn define(&self, name: &TableName, context: &SessionContext) -> Result<(), DataFusionError> {
        let reference = TableReference::partial(name.schema.as_str(), name.table.as_str());
        session::schema(context, &name.schema)?;
        if context.table_exist(reference.clone())? {
            return Ok(());
        }
        let plan = self.plan_in(&context.state()).await?;
        context.register_table(reference, Arc::new(ViewTable::new(plan, None))).map(drop)
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

/// The names of called functions.
#[derive(Default)]
struct Calls(BTreeSet<String>);

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expr {
            self.0.insert(call.name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }
}

/// Returns a name as the planner compares it: without quotes, its case does not count.
#[must_use]
pub fn known_as(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}
