//! `unused-cte`: a common table expression that nothing reads.

use super::{Finding, Found, Subject};

/// Finds common table expressions without a reader.
pub(super) fn find(subject: &Subject<'_, '_>, found: &mut Found) {
    for part in subject.outline.ctes.iter().filter(|part| part.uses == 0) {
        let message = format!("nothing reads the common table expression `{}`", part.name);
        let range = subject.range(part.cte.alias.name.span);
        found.push(Finding::new(range, message, "remove it, or read it"));
    }
}
