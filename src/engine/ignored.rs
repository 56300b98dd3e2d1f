//! Words that the engine reads over: it plans a query as if they were not there, and gives other rows than they ask for.
//!
//! In: a syntax tree. Out: each such part, with the word by which a person finds it. A clause of another dialect, or what belongs to an
//! aggregate and stands at a function that is none. Nothing would tell of it later, so no query is planned that has one.

use std::ops::ControlFlow;

use datafusion::{
    common::{Diagnostic, Span as Place},
    error::DataFusionError,
    execution::SessionState,
    sql::sqlparser::{
        ast::{
            Expr, Function, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, GroupByExpr,
            GroupByWithModifier, LockType, NullTreatment, Query, Select, Spanned, TableFactor, Visit, Visitor,
        },
        tokenizer::Span,
    },
};

use super::statement::known_as;

/// A part of a query that would be ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The words with which the part begins, as far as it has any.
    pub words: &'static [&'static str],
    /// What the part belongs to, and where it stands in or behind.
    pub owner: Span,
    /// What to do about it.
    pub hint: &'static str,
}

/// Refuses a tree of which a part would be ignored.
///
/// # Errors
/// The first such part, as a plan error.
pub fn refuse(tree: &impl Visit, state: &SessionState) -> Result<(), DataFusionError> {
    let Some(Ignored { message, owner, hint, .. }) = find(tree, state).into_iter().next() else { return Ok(()) };
    let told = Diagnostic::new_error(&message, Place::try_from_sqlparser_span(owner)).with_help(hint, None);
    Err(DataFusionError::Plan(message).with_diagnostic(told))
}

/// Returns every part that would be ignored.
#[must_use]
pub fn find(tree: &impl Visit, state: &SessionState) -> Vec<Ignored> {
    let mut found = Found { state, list: Vec::new() };
    let _ = tree.visit(&mut found);
    found.list
}

struct Found<'a> {
    state: &'a SessionState,
    list: Vec<Ignored>,
}

impl Found<'_> {
    /// Notes a clause, if it is there.
    fn clause(&mut self, is_there: bool, owner: Span, words: &'static [&'static str], hint: &'static str) {
        if is_there {
            self.list.push(Ignored { message: format!("{} is not supported", words.join(" ")), words, owner, hint });
        }
    }

    /// Notes what stands at a call and means nothing to its function.
    fn at_call(&mut self, name: &str, owner: Span, words: &'static [&'static str]) {
        let message = format!("`{name}` does not take {}", words.join(" "));
        self.list.push(Ignored { message, words, owner, hint: "leave it out" });
    }

    fn query(&mut self, query: &Query) {
        let Query { locks, for_clause, settings, format_clause, .. } = query;
        let owner = query.body.span();
        for lock in locks {
            let words: &[&str] = match lock.lock_type {
                LockType::Update => &["FOR", "UPDATE"],
                LockType::Share => &["FOR", "SHARE"],
            };
            self.clause(true, owner, words, "leave it out: what is read does not change");
        }
        self.clause(for_clause.is_some(), owner, &["FOR"], "leave it out: the rows are written as Parquet");
        self.clause(settings.is_some(), owner, &["SETTINGS"], "leave it out");
        self.clause(format_clause.is_some(), owner, &["FORMAT"], "leave it out: the rows are written as Parquet");
    }

    fn select(&mut self, select: &Select) {
        let owner = select.span();
        self.clause(select.prewhere.is_some(), owner, &["PREWHERE"], "write the condition behind WHERE");
        let recursive = "write a common table expression with RECURSIVE";
        self.clause(!select.connect_by.is_empty(), owner, &["CONNECT", "BY"], recursive);
        self.clause(select.exclude.is_some(), owner, &["EXCLUDE"], "write it right behind the `*`");
        self.clause(select.value_table_mode.is_some(), owner, &["AS"], "write `struct(…)`");
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) = &select.group_by;
        for modifier in modifiers {
            let (words, hint): (&[&str], _) = match modifier {
                GroupByWithModifier::Rollup => (&["WITH", "ROLLUP"], "write `GROUP BY ROLLUP (…)`"),
                GroupByWithModifier::Cube => (&["WITH", "CUBE"], "write `GROUP BY CUBE (…)`"),
                GroupByWithModifier::Totals => (&["WITH", "TOTALS"], "write `GROUP BY GROUPING SETS ((…), ())`"),
                GroupByWithModifier::GroupingSets(_) => (&["GROUPING", "SETS"], "write `GROUP BY GROUPING SETS (…)`"),
            };
            self.clause(true, owner, words, hint);
        }
    }

    fn table(&mut self, factor: &TableFactor) {
        let sampling =
            "leave it out; a part of the rows that is the same on every run is kept by a condition on their key";
        match factor {
            TableFactor::Table { name, with_hints, version, partitions, json_path, sample, index_hints, .. } => {
                let owner = name.span();
                self.clause(sample.is_some(), owner, &["TABLESAMPLE"], sampling);
                if !with_hints.is_empty() {
                    let message = format!("the hint behind `{name}` is not supported");
                    let hint = "leave it out: nobody locks what is read";
                    self.list.push(Ignored { message, words: &["WITH"], owner, hint });
                }
                self.clause(
                    !partitions.is_empty(),
                    owner,
                    &["PARTITION"],
                    "write the partition as a condition behind WHERE",
                );
                self.clause(version.is_some(), owner, &["AS", "OF"], "leave it out: a run reads one snapshot");
                self.clause(!index_hints.is_empty(), owner, &["INDEX"], "leave it out");
                self.clause(json_path.is_some(), owner, &["path"], "select the field of the column");
            }
            TableFactor::Derived { subquery, sample, .. } => {
                self.clause(sample.is_some(), subquery.span(), &["TABLESAMPLE"], sampling);
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Function) {
        let Function { name, uses_odbc_syntax: _, parameters, args, filter, null_treatment, over, within_group } = call;
        let owner = name.span();
        if !matches!(parameters, FunctionArguments::None) {
            let message = format!("`{name}` takes its arguments once, in one list");
            self.list.push(Ignored { message, words: &[], owner, hint: "leave the other list out" });
        }
        let [part] = name.0.as_slice() else { return };
        let Some(name) = part.as_ident().map(known_as) else { return };
        let is_aggregate = self.state.aggregate_functions().contains_key(&name);
        let is_window = self.state.window_functions().contains_key(&name);
        let is_scalar = self.state.scalar_functions().contains_key(&name) && !is_window;
        if is_aggregate || !is_scalar && !is_window {
            return;
        }
        if let FunctionArguments::List(FunctionArgumentList { duplicate_treatment: Some(_), .. }) = args {
            self.at_call(&name, owner, &["DISTINCT"]);
        }
        if is_window {
            return;
        }
        if let FunctionArguments::List(list) = args {
            list.clauses.iter().for_each(|clause| self.at_call(&name, owner, clause_words(clause)));
        }
        let trimmings: [(bool, &'static [&'static str]); 5] = [
            (filter.is_some(), &["FILTER"]),
            (*null_treatment == Some(NullTreatment::IgnoreNulls), &["IGNORE", "NULLS"]),
            (*null_treatment == Some(NullTreatment::RespectNulls), &["RESPECT", "NULLS"]),
            (over.is_some(), &["OVER"]),
            (!within_group.is_empty(), &["WITHIN", "GROUP"]),
        ];
        for (_, words) in trimmings.into_iter().filter(|(is_there, _)| *is_there) {
            self.at_call(&name, owner, words);
        }
    }
}

const fn clause_words(clause: &FunctionArgumentClause) -> &'static [&'static str] {
    match clause {
        FunctionArgumentClause::OrderBy(_) => &["ORDER", "BY"],
        FunctionArgumentClause::Limit(_) => &["LIMIT"],
        FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls) => &["IGNORE", "NULLS"],
        FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::RespectNulls) => &["RESPECT", "NULLS"],
        FunctionArgumentClause::OnOverflow(_) => &["ON", "OVERFLOW"],
        FunctionArgumentClause::Having(_) => &["HAVING"],
        FunctionArgumentClause::Separator(_) => &["SEPARATOR"],
        FunctionArgumentClause::JsonNullClause(_) => &["ON", "NULL"],
        FunctionArgumentClause::JsonReturningClause(_) => &["RETURNING"],
    }
}

impl Visitor for Found<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.query(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.select(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.table(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(call) = expr {
            self.call(call);
        }
        ControlFlow::Continue(())
    }
}
