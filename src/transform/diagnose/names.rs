//! Names that mean nothing, or too much: what is said about them, and what was probably meant.
//!
//! In: a name, its parts with their places, and the scope in which it was looked up. Out: one finding, whose hint is
//! computed from what can be named there.

use std::ops::Range;

use datafusion::sql::sqlparser::{ast::Ident, tokenizer::Token};

use super::{
    Tables,
    expression::Clause,
    scope::{Aliases, Meaning, Scope},
    slips::{Given, Kind, Slip},
    source::Source,
};
use crate::{
    engine::statement::known_as,
    record::{Diagnostic, diagnostic::nearest, sql},
};

/// Names that a hint lists at most.
const LISTED: usize = 12;

/// Where a name was looked up.
pub(super) struct Lookup<'a> {
    pub(super) source: &'a Source,
    pub(super) tables: &'a Tables,
    pub(super) scope: &'a Scope<'a>,
    /// The clause in which it stands.
    pub(super) clause: Clause,
}

impl Lookup<'_> {
    /// Returns what is wrong with a name, if its meaning is none.
    pub(super) fn finding(&self, name: &[Ident], meaning: &Meaning) -> Option<Diagnostic> {
        let column = name.last()?;
        match meaning {
            Meaning::Column { .. } | Meaning::Open => None,
            Meaning::UnknownColumn => Some(self.unknown_column(column)),
            Meaning::UnknownIn(at) => Some(self.unknown_in(*at, name, column)),
            Meaning::UnknownTable => Some(self.unknown_qualifier(name, column)),
            Meaning::Ambiguous(holders) => Some(self.ambiguous(column, holders)),
        }
    }

    /// Returns what is looked for, so that it is told once how often it stands there.
    pub(super) fn slip(&self, name: &[Ident], meaning: &Meaning, nth: usize) -> Option<Slip> {
        let (column, qualifier) = name.split_last()?;
        let scope = self.scope;
        let origins = |places: &[usize]| places.iter().map(|at| scope.relations[*at].origin.clone()).collect();
        let all: Vec<usize> = (0..scope.relations.len()).collect();
        let written = known_as(column);
        let (kind, name, among, meant) = match meaning {
            Meaning::Column { .. } | Meaning::Open => return None,
            Meaning::UnknownColumn => (Kind::Column, written.clone(), origins(&all), self.meant(&all, &written)),
            Meaning::UnknownIn(at) => (Kind::Column, written.clone(), origins(&[*at]), self.meant(&[*at], &written)),
            Meaning::Ambiguous(holders) => (Kind::Ambiguous, written, origins(holders), None),
            Meaning::UnknownTable => {
                let alias = match self.scope.holders(&written).as_slice() {
                    [only] => scope.relations[*only].alias.clone(),
                    _ => None,
                };
                let table = qualifier.iter().map(known_as).collect::<Vec<_>>().join(".");
                (Kind::Table, table, origins(&all), alias)
            }
        };
        Some(Slip { nth, kind, name, among, meant })
    }

    /// Returns the column of some tables that this text gives another name than the one by which it is read.
    fn meant(&self, among: &[usize], written: &str) -> Option<Given> {
        let columns = among.iter().flat_map(|at| &self.scope.relations[*at].columns.list);
        let given: Vec<&Given> = columns.filter_map(|column| column.given.as_ref()).collect();
        let renamed = given.iter().find(|given| given.renames.as_deref() == Some(written));
        let near = || nearest(written, given.iter().map(|given| given.name.as_str()));
        let found = renamed.or_else(|| near().and_then(|near| given.iter().find(|given| given.name == near)));
        found.map(|given| (*given).clone())
    }

    fn place(&self, ident: &Ident) -> Range<usize> {
        self.source.range(ident.span)
    }

    fn unknown_column(&self, column: &Ident) -> Diagnostic {
        let (written, range) = (known_as(column), self.place(column));
        if column.quote_style.is_none() && written == "as" {
            return self.surplus_comma(range);
        }
        let finding = self.source.error(range.clone(), format!("unknown column `{}`", column.value));
        if self.scope.aliases.iter().any(|alias| alias.name.as_deref() == Some(&written)) {
            let hint = format!(
                "`{written}` is a name that this SELECT gives, which {} does not see: write its expression, or select from a common table expression that has it",
                self.clause.name
            );
            return finding.hint(hint);
        }
        let text = sql::literal(&column.value);
        if column.quote_style == Some('"') && self.scope.columns().is_empty() {
            return finding.hint(format!("a text stands in single quotes: {text}"));
        }
        let aliases = self.scope.aliases.iter().filter_map(|alias| alias.name.as_deref());
        let aliases = aliases.filter(|_| self.clause.aliases != Aliases::Unseen);
        if let Some(near) = nearest(&written, self.scope.columns().into_iter().chain(aliases)) {
            return self.replace(finding, range, &self.reachable(near));
        }
        let around = self.scope.outers().find_map(|outer| Some((outer, nearest(&written, outer.columns())?)));
        if let Some((outer, near)) = around {
            return self.replace(finding, range, &Self { scope: outer, ..*self }.reachable(near));
        }
        if let Some(made) = self.made_of(&written) {
            return self.replace_saying(finding, range, &self.reachable(&made), |text| {
                format!("did you mean `{text}`, which is made of `{written}`?")
            });
        }
        match self.elsewhere(&written) {
            Some(hint) => finding.hint(hint),
            None if column.quote_style == Some('"') => {
                finding.hint(format!("a text stands in single quotes: {text}")).fix(self.source.place(range), text)
            }
            None => self.known_here(&finding, &text),
        }
    }

    /// Returns the only column here that this text makes of another one.
    fn made_of(&self, other: &str) -> Option<String> {
        let columns = self.scope.relations.iter().flat_map(|relation| &relation.columns.list);
        let mut made = columns.filter(|column| column.made_of.contains(other)).filter_map(|column| column.name.clone());
        made.next().filter(|_| made.next().is_none())
    }

    /// Says of an `AS` that it is no column: the comma before it has cut an expression off its name.
    fn surplus_comma(&self, keyword: Range<usize>) -> Diagnostic {
        let before = self.source.behind(keyword.start).checked_sub(1).and_then(|at| self.source.tokens().get(at));
        match before {
            Some((Token::Comma, comma)) => self
                .source
                .error(comma.clone(), "syntax error: nothing goes with this `,`")
                .hint("remove it")
                .fix(self.source.place(comma.clone()), ""),
            _ => self.source.error(keyword, "syntax error: there is nothing to be named by this `AS`"),
        }
    }

    /// Returns a column as it can be written here: with its table, where several have it.
    fn reachable(&self, column: &str) -> String {
        match self.scope.holders(column).as_slice() {
            [first, _, ..] if !self.scope.merged.contains(column) => {
                self.scope.called(*first).map_or_else(|| quoted(column), |table| format!("{table}.{}", quoted(column)))
            }
            _ => quoted(column),
        }
    }

    fn unknown_in(&self, at: usize, name: &[Ident], column: &Ident) -> Diagnostic {
        let (written, range) = (known_as(column), self.place(column));
        let table = self.scope.called(at).unwrap_or_default();
        let finding = self.source.error(range.clone(), format!("`{table}` has no column `{}`", column.value));
        if let Some(other) = self.scope.holders(&written).first().and_then(|holder| self.scope.called(*holder)) {
            let whole = self.whole(name);
            return self.replace_saying(finding, whole, &format!("{other}.{}", quoted(&written)), |text| {
                format!("`{other}` has it: write `{text}`")
            });
        }
        let columns = self.scope.relations.get(at).map(|relation| &relation.columns.list);
        let known: Vec<&str> = columns.into_iter().flatten().filter_map(|column| column.name.as_deref()).collect();
        match nearest(&written, known.iter().copied()) {
            Some(near) => self.replace(finding, range, &quoted(near)),
            None => match self.elsewhere(&written) {
                Some(hint) => finding.hint(hint),
                None => finding.hint(format!("it has {}", listed(&known))),
            },
        }
    }

    fn unknown_qualifier(&self, name: &[Ident], column: &Ident) -> Diagnostic {
        let qualifier = &name[..name.len() - 1];
        let (Some(first), Some(last)) = (qualifier.first(), qualifier.last()) else {
            return self.unknown_column(column);
        };
        let range = self.place(first).start..self.place(last).end;
        let written = qualifier.iter().map(known_as).collect::<Vec<_>>().join(".");
        let finding = self.source.error(range.clone(), format!("no table of this SELECT is called `{written}`"));
        let tables = self.scope.tables();
        let column = known_as(column);
        let holders: Vec<String> =
            self.scope.holders(&column).into_iter().filter_map(|at| self.scope.called(at)).collect();
        let near = nearest(&written, holders.iter().map(String::as_str));
        match (near, holders.as_slice()) {
            (Some(near), _) => self.replace(finding, range, near),
            (None, [only]) => self.replace_saying(finding, range, only, |table| {
                format!("`{table}` has `{column}`: write `{table}.{column}`")
            }),
            _ => match nearest(&written, tables.iter().map(String::as_str)) {
                Some(near) => self.replace(finding, range, near),
                None if tables.is_empty() => finding.hint("there is no FROM"),
                None => finding.hint(format!("it reads {}", listed(&tables))),
            },
        }
    }

    fn ambiguous(&self, column: &Ident, holders: &[usize]) -> Diagnostic {
        let tables: Vec<String> = holders.iter().filter_map(|at| self.scope.called(*at)).collect();
        let ways: Vec<String> = tables.iter().map(|table| format!("`{table}.{}`", column.value)).collect();
        let range = self.place(column);
        let message = format!("the column `{}` is ambiguous: {} have it", column.value, listed_all(&tables, " and "));
        self.source.error(range, message).hint(format!("put the alias before it: {}", ways.join(" or ")))
    }

    /// Says which table outside of the query has a column.
    fn elsewhere(&self, column: &str) -> Option<String> {
        let cte = self
            .scope
            .around
            .ctes
            .iter()
            .find(|(_, columns)| columns.list.iter().any(|known| known.name.as_deref() == Some(column)));
        if let Some((name, _)) = cte {
            return Some(format!("`{name}` has a column `{column}`: join it"));
        }
        let (table, path) = self.tables.with_column(column)?;
        let produced = path.map(|path| format!(", which is produced by {path}")).unwrap_or_default();
        Some(format!("`{table}` has a column `{column}`{produced}: join it"))
    }

    fn known_here(&self, finding: &Diagnostic, text: &str) -> Diagnostic {
        let columns = self.scope.columns();
        match columns.is_empty() {
            true => finding.clone().hint("there is no FROM with columns"),
            false => finding.clone().hint(format!("known here: {}; a text is written {text}", listed(&columns))),
        }
    }

    fn whole(&self, name: &[Ident]) -> Range<usize> {
        let start = name.first().map_or(0, |first| self.place(first).start);
        start..name.last().map_or(start, |last| self.place(last).end)
    }

    fn replace(&self, finding: Diagnostic, range: Range<usize>, text: &str) -> Diagnostic {
        self.replace_saying(finding, range, text, |text| format!("did you mean `{text}`?"))
    }

    fn replace_saying(
        &self,
        finding: Diagnostic,
        range: Range<usize>,
        text: &str,
        hint: impl Fn(&str) -> String,
    ) -> Diagnostic {
        finding.hint(hint(text)).fix(self.source.place(range), text)
    }
}

/// Returns a name as SQL must write it.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() && !c.is_uppercase() || c == '_';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => sql::quoted(name),
    }
}

/// Lists a few names.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let few: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len() - few.len() {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}

fn listed_all(names: &[String], last: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(last)
}
