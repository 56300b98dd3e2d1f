//! One expression: its names, then its types, and the smallest part of it that is wrong.
//!
//! In: an expression as parsed and what can be named there. Out: findings, its type, and the expression with columns in
//! place of names. Every name is looked up here and replaced by a column of its type, so that all the engine is asked is
//! whether functions and operators take these types. Where it says no, the operands are asked, and theirs: what is wrong
//! while all its operands are right is the mistake. What holds something unknown is not asked at all.

use std::{collections::BTreeMap, ops::ControlFlow};

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::{
    common::DFSchema,
    logical_expr::Expr as Logical,
    sql::sqlparser::{
        ast::{
            BinaryOperator, Expr, Function, FunctionArgumentList, FunctionArguments, Ident, NamedWindowExpr, Query,
            Spanned, Value, VisitMut, VisitorMut, WindowSpec, WindowType,
        },
        tokenizer::Span,
    },
};

use super::{
    Walk, dialects,
    names::Lookup,
    nested::Kind,
    scope::{Aliases, Meaning, Scope},
    tree::{self, calls, children, parts},
};
use crate::engine::{expression, statement::known_as};

/// A clause of a SELECT: what it is called, and what may stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clause {
    pub(super) name: &'static str,
    pub(super) aliases: Aliases,
    pub(super) aggregates: bool,
    pub(super) windows: bool,
}

impl Clause {
    pub(super) const SELECT: Self = Self { name: "SELECT", aliases: Aliases::Unseen, aggregates: true, windows: true };
    pub(super) const WHERE: Self = Self { name: "WHERE", aliases: Aliases::Unseen, aggregates: false, windows: false };
    pub(super) const ON: Self = Self { name: "ON", ..Self::WHERE };
    pub(super) const GROUP_BY: Self = Self { name: "GROUP BY", aliases: Aliases::Last, ..Self::WHERE };
    pub(super) const HAVING: Self = Self { name: "HAVING", aliases: Aliases::Last, aggregates: true, windows: false };
    pub(super) const QUALIFY: Self = Self { name: "QUALIFY", aliases: Aliases::Last, aggregates: true, windows: true };
    pub(super) const ORDER_BY: Self = Self { name: "ORDER BY", aliases: Aliases::First, ..Self::QUALIFY };
}

/// The columns that stand for names.
pub(super) struct Leaves {
    schema: DFSchema,
}

impl Leaves {
    fn new(types: &BTreeMap<String, DataType>) -> Self {
        let field = |(name, data_type): (&String, &DataType)| Field::new(name, data_type.clone(), true);
        let schema = Schema::new(types.iter().map(field).collect::<Vec<_>>());
        Self { schema: DFSchema::try_from(schema).unwrap_or_else(|_| DFSchema::empty()) }
    }
}

/// An expression that was looked at.
pub(super) struct Checked {
    /// The expression, with columns in place of names.
    pub(super) sql: Expr,
    pub(super) leaves: Leaves,
    /// What the engine makes of it, and its type; None where it is wrong or holds something unknown.
    pub(super) planned: Option<(Logical, DataType)>,
}

impl Checked {
    pub(super) fn data_type(&self) -> Option<DataType> {
        self.planned.as_ref().map(|(_, data_type)| data_type.clone())
    }
}

impl Walk<'_> {
    /// Looks at an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scope: &Scope<'_>, clause: Clause) -> Checked {
        let mut sql = expr.clone();
        let mut names = Names { walk: self, scope, clause, types: BTreeMap::new(), subqueries: 0 };
        let _ = sql.visit(&mut names);
        let leaves = Leaves::new(&names.types);
        if self.misplaced_call(&sql, clause)
            || self.misfit_argument(&sql)
            || calls(&sql).iter().any(|call| self.backward_frame(call))
        {
            return Checked { sql, leaves, planned: None };
        }
        let planned = self.typed(&sql, &leaves);
        Checked { sql, leaves, planned }
    }

    /// Looks at an expression that must be true or false.
    pub(super) fn condition(&mut self, expr: &Expr, scope: &Scope<'_>, clause: Clause) -> Checked {
        let checked = self.expression(expr, scope, clause);
        if let Some(data_type) = checked.data_type()
            && !matches!(data_type, DataType::Boolean | DataType::Null)
        {
            let range = self.source.exact(&checked.sql);
            let spelled = super::types::spelled(&data_type);
            let message = format!("the condition of {} is {spelled}, not BOOLEAN", clause.name);
            let hint = format!("compare it with something, such as `{} IS NOT NULL`", self.source.slice(&range));
            self.findings.push(self.source.error(range, message).hint(hint));
        }
        checked
    }

    /// Returns what the engine makes of an expression and its type; what is wrong is told at its place.
    fn typed(&mut self, sql: &Expr, leaves: &Leaves) -> Option<(Logical, DataType)> {
        let is_open = tree::is_open(sql);
        let error = match self.plan(sql, leaves) {
            Ok(planned) if !is_open => return self.with_sound_arguments(sql, leaves).then_some(planned),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let operands: Vec<Expr> = children(sql);
        let before = self.findings.len();
        let types: Vec<Option<DataType>> = operands
            .iter()
            .map(|operand| match stands_only_there(operand) {
                true => Some(DataType::Null),
                false => self.typed(operand, leaves).map(|(_, data_type)| data_type),
            })
            .collect();
        let types: Option<Vec<DataType>> = types.into_iter().collect();
        if let (Some(types), Some(error), false, true) = (types, error, is_open, self.findings.len() == before) {
            self.explain(sql, &operands, &types, leaves, &error);
        }
        None
    }

    /// Looks at the operands of what is planned and cannot be run as an expression alone: what holds an aggregate or a window.
    fn with_sound_arguments(&mut self, sql: &Expr, leaves: &Leaves) -> bool {
        let runs_in_a_node = |call: &Function| {
            call.over.is_some() || parts(&call.name).pop().is_some_and(|name| self.state_knows_aggregate(&name))
        };
        if !calls(sql).iter().any(runs_in_a_node) {
            return true;
        }
        let mut is_sound = true;
        for operand in children(sql).iter().filter(|operand| !stands_only_there(operand)) {
            is_sound &= self.typed(operand, leaves).is_some();
        }
        is_sound
    }

    /// Plans an expression whose names are columns.
    pub(super) fn plan(
        &self,
        sql: &Expr,
        leaves: &Leaves,
    ) -> Result<(Logical, DataType), datafusion::error::DataFusionError> {
        expression::typed(sql.clone(), &leaves.schema, self.state)
    }

    /// Tells of an aggregate or a window function in a clause that is decided before there is any.
    fn misplaced_call(&mut self, sql: &Expr, clause: Clause) -> bool {
        let misplaced = calls(sql).into_iter().find_map(|call| {
            let name = parts(&call.name).pop()?;
            let kind = match (&call.over, self.state_knows_aggregate(&name)) {
                (Some(_), _) if !clause.windows => "window function",
                (None, true) if !clause.aggregates => "aggregate",
                _ => return None,
            };
            Some((call, name, kind))
        });
        let Some((call, name, kind)) = misplaced else { return false };
        let range = self.source.exact(&Expr::Function(call));
        let hint = match (kind, clause.name) {
            ("aggregate", "WHERE") => "a condition on groups stands in HAVING",
            ("window function", "WHERE" | "HAVING") => "a condition on windows stands in QUALIFY",
            _ => "compute it in a common table expression first",
        };
        let message = format!("the {kind} `{name}` cannot stand in {}", clause.name);
        self.findings.push(self.source.error(range, message).hint(hint));
        true
    }

    pub(super) fn state_knows_aggregate(&self, name: &str) -> bool {
        self.state.aggregate_functions().contains_key(name)
    }

    /// Returns whether the engine knows no function of a name.
    fn is_unknown_function(&self, call: &Function) -> bool {
        let name = parts(&call.name).pop().unwrap_or_default();
        if self.state.window_functions().contains_key(&name) {
            return false;
        }
        let mut bare = call.clone();
        bare.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        });
        bare.over = None;
        bare.filter = None;
        let planned = expression::typed(Expr::Function(bare), &DFSchema::empty(), self.state);
        planned.is_err_and(|error| error.strip_backtrace().contains("Invalid function '"))
    }
}

/// Returns whether an operand means something only where it stands, so that it cannot be asked about alone.
const fn stands_only_there(operand: &Expr) -> bool {
    matches!(operand, Expr::Tuple(_) | Expr::Lambda(_) | Expr::Wildcard(_))
}

/// Replaces names and subqueries by columns.
struct Names<'w, 'a> {
    walk: &'w mut Walk<'a>,
    scope: &'w Scope<'w>,
    clause: Clause,
    types: BTreeMap<String, DataType>,
    subqueries: usize,
}

impl VisitorMut for Names<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if tree::key(expr).is_some() {
            return ControlFlow::Continue(());
        }
        let span = expr.span();
        match expr {
            Expr::Identifier(ident) => {
                let found = self.name(std::slice::from_ref(ident), span);
                *expr = found;
            }
            Expr::CompoundIdentifier(parts) => *expr = self.name(&parts.clone(), span),
            Expr::Subquery(query) => {
                let (query, outer) = (query.clone(), self.walk.outer_names);
                *expr = self.subquery(&query, span);
                if self.walk.outer_names > outer {
                    self.nested(Kind::Value, &query);
                }
            }
            Expr::Exists { subquery, .. } => {
                self.walk.subquery(subquery, self.scope);
                self.nested(Kind::Exists, subquery);
                *expr = Expr::Value(Value::Boolean(true).with_span(span));
            }
            Expr::InSubquery { expr: left, subquery, .. } => {
                self.nested(Kind::In, subquery);
                let span = subquery.span();
                let right = Box::new(self.subquery(&subquery.clone(), span));
                let op = BinaryOperator::Eq;
                *expr = Expr::BinaryOp { left: left.clone(), op, right };
            }
            Expr::AnyOp { .. } | Expr::AllOp { .. } | Expr::Lambda(_) => *expr = tree::open(span),
            Expr::Function(function) => {
                if self.walk.cast_without_as(function) {
                    *expr = tree::open(span);
                } else if dialects::begins_with_unit(function) {
                    *expr = tree::with_child(expr, 0, tree::open(span));
                } else if let Some(WindowType::NamedWindow(name)) = &function.over {
                    match self.window(&name.clone()) {
                        Some(spec) => function.over = Some(WindowType::WindowSpec(spec)),
                        None => *expr = tree::open(span),
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = &*expr else { return ControlFlow::Continue(()) };
        if self.walk.is_unknown_function(function) {
            self.walk.unknown_function(function);
            *expr = tree::open(expr.span());
        } else if parts(&function.name).pop().as_deref() == Some("unnest") {
            *expr = self.unnested(&function.clone(), expr.span());
        }
        ControlFlow::Continue(())
    }
}

impl Names<'_, '_> {
    fn name(&mut self, name: &[Ident], span: Span) -> Expr {
        let meaning = self.scope.meaning(name, self.clause.aliases);
        let (scope, meaning) = self.scope.blamed(name, meaning);
        let source = self.walk.source;
        let lookup = Lookup { source, tables: self.walk.tables, scope, clause: self.clause };
        if let Some(finding) = lookup.finding(name, &meaning) {
            self.walk.slips.extend(lookup.slip(name, &meaning, self.walk.findings.len()));
            self.walk.findings.push(finding);
            return tree::open(span);
        }
        let Meaning::Column { key, data_type, given } = meaning else { return tree::open(span) };
        self.walk.read.extend(given);
        self.walk.outer_names += usize::from(key.starts_with("outer "));
        let Some(data_type) = data_type else { return tree::open(span) };
        self.types.insert(key.clone(), data_type);
        tree::resolved(&key, span)
    }

    /// Notes a query in this expression.
    fn nested(&mut self, kind: Kind, query: &Query) {
        let range = self.walk.query_range(query);
        self.walk.nest(kind, query, range, matches!(self.clause.name, "WHERE" | "HAVING"));
    }

    fn subquery(&mut self, query: &Query, span: Span) -> Expr {
        let columns = self.walk.subquery(query, self.scope);
        if columns.is_open {
            return tree::open(span);
        }
        let [only] = columns.list.as_slice() else {
            let range = self.walk.source.exact(&Expr::Subquery(Box::new(query.clone())));
            let message = format!("the subquery gives {} columns where one is needed", columns.list.len());
            self.walk.findings.push(self.walk.source.error(range, message).hint("select one column"));
            return tree::open(span);
        };
        let Some(data_type) = only.data_type.clone() else { return tree::open(span) };
        self.subqueries += 1;
        let (key, column) = tree::resolved_subquery(self.subqueries, span);
        self.types.insert(key, data_type);
        column
    }

    /// Returns a column of the elements of a list, which the engine knows only as a node of its own.
    fn unnested(&mut self, call: &Function, span: Span) -> Expr {
        let [list] = tree::arguments(call).try_into().unwrap_or_else(|_: Vec<Expr>| [tree::open(span)]);
        let leaves = Leaves::new(&self.types);
        let element = match self.walk.typed(&list, &leaves) {
            Some((_, DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _))) => item,
            Some((_, other)) => {
                let range = self.walk.source.exact(&Expr::Function(call.clone()));
                let message = format!("`unnest` takes a list, not {}", super::types::spelled(&other));
                self.walk.findings.push(self.walk.source.error(range, message));
                return tree::open(span);
            }
            None => return tree::open(span),
        };
        self.subqueries += 1;
        let key = format!("unnest {}", self.subqueries);
        self.types.insert(key.clone(), element.data_type().clone());
        tree::resolved(&key, span)
    }

    /// Returns what a WINDOW clause says of a name.
    fn window(&mut self, name: &Ident) -> Option<WindowSpec> {
        let found = self.scope.windows.iter().find(|window| known_as(&window.0) == known_as(name));
        match found.map(|window| &window.1) {
            Some(NamedWindowExpr::WindowSpec(spec)) => Some(spec.clone()),
            Some(NamedWindowExpr::NamedWindow(_)) => None,
            None => {
                let names: Vec<String> = self.scope.windows.iter().map(|window| known_as(&window.0)).collect();
                let range = self.walk.source.range(name.span);
                let finding = self.walk.source.error(range, format!("unknown window `{}`", name.value));
                self.walk.findings.push(finding.did_you_mean(&name.value, names.iter().map(String::as_str)));
                None
            }
        }
    }
}
