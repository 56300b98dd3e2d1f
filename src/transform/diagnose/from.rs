//! The FROM of a SELECT: its tables.
//!
//! In: table references as parsed. Out: the relations that expressions can name, and findings about tables that nobody makes and
//! names that are given twice.

use std::ops::Range;

use datafusion::{
    common::TableReference,
    sql::sqlparser::ast::{JoinConstraint, ObjectName, Query, TableAlias, TableFactor, TableWithJoins},
};

use super::{
    Walk,
    join::constraint,
    nested,
    scope::{Around, Columns, Relation, Scope},
    slips::{Given, Kind},
    tree::parts,
};
use crate::{
    engine::statement::known_as,
    record::{Diagnostic, TableName, diagnostic::nearest},
};

impl Walk<'_> {
    /// Looks at a FROM and returns what can be named over it.
    pub(super) fn from<'a>(&mut self, from: &[TableWithJoins], around: Around<'a>) -> Scope<'a> {
        let mut scope = Scope::empty(around);
        scope.is_doubled = self.doubled_table(from);
        for tables in from {
            self.joined_tables(tables, &mut scope);
        }
        scope
    }

    fn joined_tables(&mut self, tables: &TableWithJoins, scope: &mut Scope<'_>) {
        let first = scope.relations.len();
        self.table_factor(&tables.relation, scope, false);
        for join in &tables.joins {
            self.join(join, first, scope);
        }
    }

    /// Looks at one table; one that is applied sees those before it.
    pub(super) fn table_factor(&mut self, factor: &TableFactor, scope: &mut Scope<'_>, is_applied: bool) {
        let relation = match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.table(name, alias.as_ref(), scope),
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let outer = if *lateral || is_applied { Some(&*scope) } else { scope.around.outer };
                let (names, slips) = (self.outer_names, self.slips.len());
                let columns = self.query(subquery, Around { ctes: scope.around.ctes, outer });
                if *lateral && self.outer_names > names {
                    let range = self.query_range(subquery);
                    self.nest(nested::Kind::Lateral, subquery, range, false);
                }
                self.unseen_tables(slips, subquery, scope);
                self.relation(None, columns, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                return self.joined_tables(table_with_joins, scope);
            }
            TableFactor::Table { name, alias, .. } => {
                self.unknown_table_function(name);
                let own = parts(name).pop().map(TableReference::bare);
                self.relation(own, Columns::unknown(), alias.as_ref())
            }
            TableFactor::UNNEST { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => self.relation(None, Columns::unknown(), alias.as_ref()),
            _ => {
                self.turned_table(factor);
                self.unnamed(Columns::unknown())
            }
        };
        scope.relations.push(relation);
    }

    /// Tells of tables that a subquery names and that stand beside it: of the slips since then.
    fn unseen_tables(&mut self, since: usize, query: &Query, scope: &Scope<'_>) {
        let open = self.query_range(query).start;
        let beside = scope.tables();
        for slip in &mut self.slips[since..] {
            if slip.kind != Kind::Table || !beside.contains(&slip.name) {
                continue;
            }
            let Some(place) = self.findings[slip.nth].place.clone() else { continue };
            let message = format!("`{}` stands beside this subquery, which does not see it", slip.name);
            let finding = Diagnostic::error(message, place).hint("write `LATERAL` before the subquery");
            self.findings[slip.nth] = finding.fix(self.source.place(open..open), "LATERAL ");
            slip.meant = None;
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, scope: &Scope<'_>) -> Relation {
        let written = parts(name);
        let columns = match written.as_slice() {
            [only] => scope.around.ctes.get(only).cloned(),
            [.., schema, table] => self.tables.columns(&TableName::new(schema.as_str(), table.as_str())),
            [] => None,
        };
        let own = match written.as_slice() {
            [.., schema, table] => Some(TableReference::partial(schema.as_str(), table.as_str())),
            [only] => Some(TableReference::bare(only.as_str())),
            [] => None,
        };
        let columns = columns.unwrap_or_else(|| {
            self.unknown_table(name, &written, scope);
            Columns::unknown()
        });
        self.relation(own, columns, alias)
    }

    /// Returns a relation without a name.
    pub(super) fn unnamed(&mut self, columns: Columns) -> Relation {
        self.relation(None, columns, None)
    }

    /// Returns a relation under its own name or its alias, which may name its columns too.
    fn relation(&mut self, own: Option<TableReference>, mut columns: Columns, alias: Option<&TableAlias>) -> Relation {
        let origin = own.as_ref().map_or_else(
            || {
                self.unnamed += 1;
                self.unnamed.to_string()
            },
            ToString::to_string,
        );
        let Some(alias) = alias else { return Relation { name: own, columns, origin, alias: None } };
        self.named_columns(&alias.columns, &mut columns);
        for (column, name) in columns.list.iter_mut().zip(&alias.columns) {
            (column.name, column.given) = (Some(known_as(&name.name)), None);
        }
        let name = known_as(&alias.name);
        let given = Given { at: self.source.range(alias.name.span), name: name.clone(), renames: None };
        Relation { name: Some(TableReference::bare(name)), columns, origin, alias: Some(given) }
    }

    /// Tells of a table that nobody makes, once for each name.
    fn unknown_table(&mut self, name: &ObjectName, written: &[String], scope: &Scope<'_>) {
        let table = written.join(".");
        let may_have_lost_its_name = self.has_doubled_ctes && written.len() == 1;
        if may_have_lost_its_name || !self.unknown.insert(table.clone()) {
            return;
        }
        let range = self.source.name(name);
        let finding = self.source.error(range.clone(), format!("unknown table `{table}`"));
        let known = self.tables.names();
        let near = scope.around.ctes.keys().cloned().chain(known.iter().map(ToString::to_string)).collect::<Vec<_>>();
        let last = written.last().map(String::as_str);
        let same = known.iter().find(|known| Some(known.table.as_str()) == last).map(ToString::to_string);
        let closest = nearest(&table, near.iter().map(String::as_str)).map(str::to_owned);
        let is_bare_slip = written.len() == 1 && closest.as_ref().is_some_and(|near| !near.contains('.'));
        let meant = if is_bare_slip { closest } else { same.or(closest).or_else(|| self.nearest_table(last)) };
        self.findings.push(match meant {
            Some(meant) => {
                let path =
                    self.tables.path(&meant).map(|path| format!(" it is produced by {path}")).unwrap_or_default();
                finding.hint(format!("did you mean `{meant}`?{path}")).fix(self.source.place(range), meant)
            }
            None if written.len() == 1 => finding.hint("a table is named with its schema, such as `core.sales`"),
            None => finding,
        });
    }

    /// Tells of a call in the place of a table, of a function that nobody knows.
    fn unknown_table_function(&mut self, name: &ObjectName) {
        let known = self.state.table_functions();
        let Some(written) = parts(name).pop().filter(|name| !known.contains_key(name)) else { return };
        let range = self.source.name(name);
        let finding = self.source.error(range.clone(), format!("no function `{written}` gives a table"));
        self.findings.push(match nearest(&written, known.keys().map(String::as_str)) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")).fix(self.source.place(range), near),
            None => finding,
        });
    }

    /// Returns the table whose name without its schema is nearest.
    fn nearest_table(&self, table: Option<&str>) -> Option<String> {
        let known = self.tables.names();
        let near = nearest(table?, known.iter().map(|known| known.table.as_str()))?;
        known.iter().find(|known| known.table == near).map(ToString::to_string)
    }

    /// Tells of two tables of one FROM that are called the same, and returns whether there are any.
    fn doubled_table(&mut self, from: &[TableWithJoins]) -> bool {
        let before = self.findings.len();
        let mut seen: Vec<(TableReference, Range<usize>)> = Vec::new();
        let factors = from
            .iter()
            .flat_map(|tables| [&tables.relation].into_iter().chain(tables.joins.iter().map(|join| &join.relation)));
        for factor in factors {
            let Some((name, range)) = self.called(factor) else { continue };
            if seen.iter().any(|(known, _)| *known == name) {
                let message = format!("two tables of this FROM are called `{name}`");
                let finding = self.source.error(range.clone(), message);
                self.findings.push(finding.hint("give one of them another alias"));
            }
            seen.push((name, range));
        }
        self.findings.len() > before
    }

    fn called(&self, factor: &TableFactor) -> Option<(TableReference, Range<usize>)> {
        let (alias, name) = match factor {
            TableFactor::Table { name, alias, .. } => (alias.as_ref(), Some(name)),
            TableFactor::Derived { alias, .. } => (alias.as_ref(), None),
            _ => return None,
        };
        if let Some(alias) = alias {
            return Some((TableReference::bare(known_as(&alias.name)), self.source.range(alias.name.span)));
        }
        let name = name?;
        let reference = match parts(name).as_slice() {
            [only] => TableReference::bare(only.as_str()),
            [.., schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
            [] => return None,
        };
        Some((reference, self.source.name(name)))
    }

    /// Returns where a FROM ends, if its last table is plain.
    pub(super) fn end_of_from(&self, from: &[TableWithJoins]) -> Option<usize> {
        let tables = from.last()?;
        let last = tables.joins.last().map_or(&tables.relation, |join| &join.relation);
        let condition = tables.joins.last().and_then(|join| match constraint(&join.join_operator).0 {
            Some(JoinConstraint::On(condition)) => Some(self.source.exact(condition).end),
            _ => None,
        });
        let plain = match last {
            TableFactor::Table { name, alias: None, .. } => Some(self.source.name(name).end),
            TableFactor::Table { alias: Some(alias), .. } => Some(self.source.range(alias.name.span).end),
            _ => None,
        };
        condition.or(plain)
    }
}
