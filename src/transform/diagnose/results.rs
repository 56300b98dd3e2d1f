//! What a SELECT gives: its results one by one, wildcards spread out, and the name of each.
//!
//! In: the list of a SELECT and what can be named over its FROM. Out: findings and columns.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, Visit,
    Visitor, WildcardAdditionalOptions, visit_expressions,
};

use super::{
    Walk,
    expression::{Checked, Clause},
    names::{listed, quoted},
    scope::{Column, Columns, Scope},
    slips::Given,
    tree::parts,
};
use crate::{engine::statement::known_as, record::diagnostic::nearest};

impl Walk<'_> {
    /// Looks at one result of a SELECT; a wildcard is many.
    pub(super) fn item(&mut self, item: &SelectItem, scope: &Scope<'_>, columns: &mut Columns) -> Option<Checked> {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, own_name(expr)),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(known_as(alias))),
            SelectItem::ExprWithAliases { .. } => {
                columns.is_open = true;
                return None;
            }
            SelectItem::Wildcard(options) => {
                self.names_of_star(scope, None, options);
                expand(scope, None, options, columns);
                return None;
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                self.qualified_wildcard(kind, scope, options, columns);
                return None;
            }
        };
        let before = self.findings.len();
        let checked = self.expression(expr, scope, Clause::SELECT);
        // A misspelt name names nothing: what reads the column by its right name is not told that it is missing.
        let is_misspelt = self.findings.len() > before && matches!(item, SelectItem::UnnamedExpr(_));
        let name = name.filter(|_| !is_misspelt);
        let given = self.given(item);
        let made_of = made_of(expr, scope);
        columns.list.push(Column { name, data_type: checked.data_type(), given, made_of });
        Some(checked)
    }

    /// Returns the name that a result is given.
    fn given(&self, item: &SelectItem) -> Option<Given> {
        let SelectItem::ExprWithAlias { expr, alias } = item else { return None };
        Some(Given { at: self.source.range(alias.span), name: known_as(alias), renames: own_name(expr) })
    }

    fn qualified_wildcard(
        &mut self,
        kind: &SelectItemQualifiedWildcardKind,
        scope: &Scope<'_>,
        options: &WildcardAdditionalOptions,
        columns: &mut Columns,
    ) {
        let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
            columns.is_open = true;
            return;
        };
        let written = parts(name).join(".");
        let matches = |at: &usize| {
            scope.called(*at).is_some_and(|called| called == written || called.rsplit('.').next() == Some(&written))
        };
        let Some(at) = (0..scope.relations.len()).find(matches) else {
            columns.is_open = true;
            let tables = scope.tables();
            let range = self.source.name(name);
            let finding = self.source.error(range.clone(), format!("no table of this SELECT is called `{written}`"));
            let near = nearest(&written, tables.iter().map(String::as_str));
            self.findings.push(match near {
                Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
                None => finding.hint(format!("it reads {}", listed(&tables))),
            });
            return;
        };
        self.names_of_star(scope, Some(at), options);
        expand(scope, Some(at), options, columns);
    }

    /// Tells of names behind a `*` that are none of its columns.
    fn names_of_star(&mut self, scope: &Scope<'_>, only: Option<usize>, options: &WildcardAdditionalOptions) {
        let relations = || scope.relations.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        if relations().any(|(_, relation)| relation.columns.is_open) {
            return;
        }
        let list = relations().flat_map(|(_, relation)| &relation.columns.list);
        let known: Vec<&str> = list.filter_map(|column| column.name.as_deref()).collect();
        for ident in names_behind(options) {
            let written = known_as(ident);
            if known.contains(&written.as_str()) {
                continue;
            }
            let range = self.source.range(ident.span);
            let finding = self.source.error(range.clone(), format!("unknown column `{}`", ident.value));
            self.ignored.push(match nearest(&written, known.iter().copied()) {
                Some(near) => {
                    let near = quoted(near);
                    finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near)
                }
                None => finding.hint(format!("the `*` stands for {}", listed(&known))),
            });
        }
    }

    /// Tells of two results of a SELECT that are called the same, and returns whether there are any.
    pub(super) fn doubled_results(&mut self, projection: &[SelectItem]) -> bool {
        let before = self.doubled.len();
        let mut seen: Vec<String> = Vec::new();
        for item in projection {
            let (name, range) = match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    (Some(known_as(alias)), self.source.exact(expr).start..self.source.range(alias.span).end)
                }
                SelectItem::UnnamedExpr(expr) => (own_name(expr), self.source.exact(expr)),
                _ => continue,
            };
            let Some(name) = name else { continue };
            if seen.contains(&name) {
                let finding = self.source.error(range, format!("two columns of the result are named `{name}`"));
                self.doubled.push(finding.hint("give one of them another alias"));
            }
            seen.push(name);
        }
        self.doubled.len() > before
    }
}

/// Returns the name of a result without an alias.
fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(known_as(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(known_as),
        Expr::Nested(inner) => own_name(inner),
        _ => None,
    }
}

/// Returns the names of the columns in an expression, and of those that these are made of.
fn made_of(expr: &Expr, scope: &Scope<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _ = visit_expressions(expr, |part| {
        names.extend(if let Expr::Nested(_) = part { None } else { own_name(part) });
        ControlFlow::<()>::Continue(())
    });
    let columns = scope.relations.iter().flat_map(|relation| &relation.columns.list);
    let used = columns.filter(|column| column.name.as_ref().is_some_and(|name| names.contains(name)));
    let before: BTreeSet<String> = used.flat_map(|column| column.made_of.iter().cloned()).collect();
    &names | &before
}

/// Adds the columns of one relation or of all, without those that are excluded.
fn expand(scope: &Scope<'_>, only: Option<usize>, options: &WildcardAdditionalOptions, columns: &mut Columns) {
    if options.opt_rename.is_some() || options.opt_ilike.is_some() || options.opt_replace.is_some() {
        columns.is_open = true;
        return;
    }
    let excluded = excluded(options);
    for (at, relation) in scope.relations.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at)) {
        columns.is_open |= relation.columns.is_open;
        for column in &relation.columns.list {
            let name = column.name.as_deref().unwrap_or_default();
            let is_again = only.is_none() && scope.merged.contains(name) && scope.holders(name).first() != Some(&at);
            if !is_again && !excluded.iter().any(|out| out == name) {
                columns.list.push(column.clone());
            }
        }
    }
}

/// Returns whether a name stands behind any `*` of a query.
pub(super) fn names_behind_star(query: &Query) -> bool {
    struct Stars(bool);
    impl Visitor for Stars {
        type Break = ();

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            self.0 |= select.projection.iter().any(|item| match item {
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                    !names_behind(options).is_empty()
                }
                _ => false,
            });
            ControlFlow::Continue(())
        }
    }
    let mut stars = Stars(false);
    let _ = query.visit(&mut stars);
    stars.0
}

fn last_part(name: &ObjectName) -> Option<&Ident> {
    name.0.last()?.as_ident()
}

/// Returns the names that EXCLUDE, EXCEPT and REPLACE mention.
fn names_behind(options: &WildcardAdditionalOptions) -> Vec<&Ident> {
    let mut names: Vec<&Ident> = Vec::new();
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.extend(last_part(name)),
        Some(ExcludeSelectItem::Multiple(several)) => names.extend(several.iter().filter_map(last_part)),
        None => {}
    }
    if let Some(except) = &options.opt_except {
        names.extend([&except.first_element].into_iter().chain(&except.additional_elements));
    }
    let replaced = options.opt_replace.iter().flat_map(|replace| &replace.items);
    names.extend(replaced.map(|item| &item.column_name));
    names
}

fn excluded(options: &WildcardAdditionalOptions) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.extend(parts(name).pop()),
        Some(ExcludeSelectItem::Multiple(several)) => names.extend(several.iter().filter_map(|name| parts(name).pop())),
        None => {}
    }
    if let Some(except) = &options.opt_except {
        names.extend([&except.first_element].into_iter().chain(&except.additional_elements).map(known_as));
    }
    names
}
