//! Walking a syntax tree of an expression one step at a time.
//!
//! In: expressions as parsed. Out: their operands, the functions they call. Queries inside an expression are walls: what
//! stands in them belongs to them.

use std::ops::ControlFlow;

use datafusion::sql::{
    parser::DFParserBuilder,
    sqlparser::{
        ast::{
            Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Value, Visit,
            VisitMut, Visitor, VisitorMut,
        },
        tokenizer::Span,
    },
};

use crate::engine::statement::known_as;

/// Returns the direct operands of an expression, in order.
pub(super) fn children(expr: &Expr) -> Vec<Expr> {
    let mut walk = Steps { depth: 0, queries: 0, found: Vec::new(), wanted: |depth, _| depth == 2 };
    let _ = expr.visit(&mut walk);
    walk.found
}

/// Returns all calls of functions in an expression, an outer one before those in its arguments.
pub(super) fn calls(expr: &Expr) -> Vec<Function> {
    let mut walk =
        Steps { depth: 0, queries: 0, found: Vec::new(), wanted: |_, expr| matches!(expr, Expr::Function(_)) };
    let _ = expr.visit(&mut walk);
    walk.found
        .into_iter()
        .filter_map(|expr| if let Expr::Function(function) = expr { Some(function) } else { None })
        .collect()
}

struct Steps {
    depth: usize,
    queries: usize,
    found: Vec<Expr>,
    /// Says by depth and node what is looked for.
    wanted: fn(usize, &Expr) -> bool,
}

impl Visitor for Steps {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.queries == 0 && (self.wanted)(self.depth, expr) {
            self.found.push(expr.clone());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Returns the parts of a dotted name as the planner sees them.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident()).map(known_as).collect()
}

/// The quote of a name that was put into a tree in place of what it means.
const RESOLVED: char = '\0';

/// A name put in place of a subquery begins so.
const SUBQUERY: &str = "subquery ";

/// The name put in place of what is not known.
const OPEN: &str = "?";

/// Returns the column that stands for what was found at a span.
pub(super) fn resolved(key: &str, span: Span) -> Expr {
    Expr::Identifier(Ident { value: key.to_owned(), quote_style: Some(RESOLVED), span })
}

/// Returns the column that stands for a subquery.
pub(super) fn resolved_subquery(number: usize, span: Span) -> (String, Expr) {
    let key = format!("{SUBQUERY}{number}");
    let column = resolved(&key, span);
    (key, column)
}

/// Returns what stands for something of which no type is known.
pub(super) fn open(span: Span) -> Expr {
    resolved(OPEN, span)
}

/// Returns the key of a name that is resolved.
pub(super) fn key(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(Ident { value, quote_style: Some(RESOLVED), .. }) => Some(value),
        _ => None,
    }
}

/// Returns whether a tree is the column that stands for a subquery.
pub(super) fn is_subquery(expr: &Expr) -> bool {
    key(expr).is_some_and(|key| key.starts_with(SUBQUERY))
}

/// Returns whether a tree is a text in quotes, which may stand for values of many types.
pub(super) fn is_text_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_text_literal(inner),
        Expr::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        _ => false,
    }
}

/// Returns whether a tree holds a name that is resolved.
pub(super) fn names_anything(expr: &Expr) -> bool {
    let mut walk = Steps { depth: 0, queries: 0, found: Vec::new(), wanted: |_, expr| key(expr).is_some() };
    let _ = expr.visit(&mut walk);
    !walk.found.is_empty()
}

/// Returns whether something in a tree is not known.
pub(super) fn is_open(expr: &Expr) -> bool {
    let mut walk = Steps { depth: 0, queries: 0, found: Vec::new(), wanted: |_, expr| key(expr) == Some(OPEN) };
    let _ = expr.visit(&mut walk);
    !walk.found.is_empty()
}

/// Returns an expression with another operand at an index of its [`children`].
pub(super) fn with_child(expr: &Expr, index: usize, child: Expr) -> Expr {
    let mut whole = expr.clone();
    let _ = VisitMut::visit(&mut whole, &mut Exchange { depth: 0, seen: 0, index, child: Some(child) });
    whole
}

struct Exchange {
    depth: usize,
    seen: usize,
    index: usize,
    child: Option<Expr>,
}

impl VisitorMut for Exchange {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth == 2 {
            if self.seen == self.index
                && let Some(child) = self.child.take()
            {
                *expr = child;
            }
            self.seen += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Returns an expression cast to a type, which is written as SQL.
pub(super) fn cast(expr: &Expr, data_type: &str) -> Option<Expr> {
    let mut parser = DFParserBuilder::new(format!("CAST(NULL AS {data_type})").as_str()).build().ok()?;
    let cast = parser.parse_expr().ok()?.expr;
    Some(with_child(&cast, 0, expr.clone()))
}

/// Returns the call of a function.
pub(super) fn call(name: &str, arguments: &[Expr]) -> Option<Expr> {
    // Some names have a syntax of their own, which this one has not.
    let mut parser = DFParserBuilder::new("call()").build().ok()?;
    let Expr::Function(mut call) = parser.parse_expr().ok()?.expr else { return None };
    call.name = ObjectName::from(vec![Ident::new(name)]);
    if let FunctionArguments::List(list) = &mut call.args {
        let argument = |expr: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr.clone()));
        list.args = arguments.iter().map(argument).collect();
    }
    Some(Expr::Function(call))
}

/// Returns the positional arguments of a call.
pub(super) fn arguments(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expr = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().filter_map(expr).collect()
}
