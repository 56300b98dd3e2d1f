//! A name that is no column may be an alias given earlier in the same SELECT: DuckDB takes its expression.
//!
//! In: a statement and a name that planning did not find. Out: the statements in which one SELECT has the expression in its
//! place. A column always comes before an alias of its name, for only a name that was not found is looked for here.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, Statement as Ast, VisitMut, VisitorMut, visit_expressions,
};

/// Returns the statement with the alias resolved in its first SELECT that gives it, in its second, and so on.
pub(super) fn resolved<'a>(ast: &'a Ast, name: &'a str) -> impl Iterator<Item = Ast> + 'a {
    (0..).map_while(move |skipped| {
        let mut ast = ast.clone();
        let mut resolving = Resolving { name, skipped };
        ast.visit(&mut resolving).is_break().then_some(ast)
    })
}

/// Resolves the name in one SELECT and stops.
struct Resolving<'a> {
    name: &'a str,
    /// SELECTs that give and use the alias, and are not meant.
    skipped: usize,
}

impl VisitorMut for Resolving<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut changed = select.clone();
        if !resolve(&mut changed, self.name) {
            return ControlFlow::Continue(());
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return ControlFlow::Continue(());
        }
        *select = changed;
        ControlFlow::Break(())
    }
}

/// Puts the expression of an alias where a SELECT uses it; returns whether it does.
fn resolve(select: &mut Select, name: &str) -> bool {
    let given = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { expr, alias } if alias.value.eq_ignore_ascii_case(name) => Some(expr.clone()),
        _ => None,
    };
    let Some((at, expr)) = select.projection.iter().enumerate().find_map(|(at, item)| Some((at, given(item)?))) else {
        return false;
    };
    // `a + 1 AS a` is no meaning for its own `a`.
    if mentions(&expr, name) {
        return false;
    }
    let mut replacing = Replacing { name, by: Expr::Nested(Box::new(expr)), depth: 0, is_used: false };
    for item in select.projection.iter_mut().skip(at + 1) {
        let _ = item.visit(&mut replacing);
    }
    for clause in [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten() {
        let _ = clause.visit(&mut replacing);
    }
    let _ = select.group_by.visit(&mut replacing);
    replacing.is_used
}

fn mentions(expr: &Expr, name: &str) -> bool {
    let is_it = |expr: &Expr| match expr {
        Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case(name) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(expr, is_it).is_break()
}

/// Replaces a bare name by an expression, but in subqueries, which have names of their own.
struct Replacing<'a> {
    name: &'a str,
    by: Expr,
    depth: usize,
    is_used: bool,
}

impl VisitorMut for Replacing<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let is_meant = matches!(expr, Expr::Identifier(ident) if ident.value.eq_ignore_ascii_case(self.name));
        if is_meant && self.depth == 0 {
            expr.clone_from(&self.by);
            self.is_used = true;
        }
        ControlFlow::Continue(())
    }
}
