//! `select-star`: the published columns are whatever another table happens to have.

use datafusion::sql::sqlparser::ast::{SelectItem, Spanned};

use super::{
    Finding, Found, Subject,
    outline::{Branch, Origin},
};

/// Finds a `*` of the outermost SELECT behind which stands a table, be it by way of other `*`.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    let outline = subject.outline;
    let Some(query) = outline.queries.first() else { return };
    for branch in &query.branches {
        let Branch::Select(select) = branch else { continue };
        let part = &outline.selects[*select];
        for item in &part.select.projection {
            if let Some(table) = table_behind(subject, *select, item) {
                let message = format!("the columns of this table are those of `{table}`, whichever they are");
                let hint = "name the columns: a new one of the input would be published, and a lost one noticed late";
                found.push(Finding::new(subject.range(item.span()), message, hint));
            }
        }
    }
}

/// Returns a table whose columns a `*` passes on without naming them.
fn table_behind(subject: &Subject<'_, '_>, select: usize, item: &SelectItem) -> Option<String> {
    let of = match item {
        SelectItem::Wildcard(_) => None,
        SelectItem::QualifiedWildcard(kind, _) => {
            let words = kind.to_string().to_lowercase();
            Some(words.trim_end_matches(".*").rsplit('.').next().unwrap_or_default().trim_matches('"').to_owned())
        }
        _ => return None,
    };
    let relations = subject.outline.selects[select].relations.iter();
    let mut meant = relations.filter(|relation| of.as_ref().is_none_or(|alias| *alias == relation.alias));
    meant.find_map(|relation| match &relation.source {
        Origin::Table(table) => Some(table.to_string()),
        Origin::Query(query) => behind_query(subject, *query),
        Origin::Unknown => None,
    })
}

fn behind_query(subject: &Subject<'_, '_>, query: usize) -> Option<String> {
    subject.outline.queries[query].branches.iter().find_map(|branch| match branch {
        Branch::Select(select) => {
            let items = subject.outline.selects[*select].select.projection.iter();
            items.into_iter().find_map(|item| table_behind(subject, *select, item))
        }
        Branch::Query(query) => behind_query(subject, *query),
        Branch::Values | Branch::Unknown => None,
    })
}
