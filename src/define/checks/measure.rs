//! Checks of a measure: against the previous snapshot, and against what it used to be.
//!
//! In: `change` and `z_score` as written. Out: as meant, every default filled in, or findings. Deliberately does not know which
//! columns partition the table; the planner's side asks for that.

use crate::{
    define::{
        file,
        findings::Findings,
        project::{Change, CheckKind, Limit, Measure, ZScore},
        spans::At,
    },
    record::Placed,
};

use super::bounds::quantity;

/// Earlier values without which nothing is compared, when a check does not say.
const MIN_HISTORY: usize = 7;
/// Earlier values that are looked at, when a check does not say.
const HISTORY: usize = 30;
/// Earlier values that are kept.
const MOST_HISTORY: usize = 400;

/// Reads a check against the previous snapshot.
pub(super) fn change(written: At<file::Change>, findings: &mut Findings) -> Option<CheckKind> {
    let At { value, range } = written;
    let measure = measure(value.measure, value.column, &range, findings);
    if value.max_increase.is_none() && value.max_decrease.is_none() {
        findings.error(&range, "`change` has no bound", "write `max_decrease: { share: 0.1 }` or `max_increase`");
        return None;
    }
    let max_increase = value.max_increase.and_then(|limit| self::limit(limit, findings));
    let max_decrease = value.max_decrease.and_then(|limit| self::limit(limit, findings));
    let by = value.by.map(|by| findings.placed(by));
    Some(CheckKind::Change(Change { measure: measure?, by, max_increase, max_decrease }))
}

fn limit(written: At<file::Limit>, findings: &mut Findings) -> Option<Limit> {
    let At { value, range } = written;
    if value.share.is_none() && value.absolute.is_none() {
        findings.error(&range, "the limit has no number", "write `{ share: 0.1 }` for 10 %, or `{ absolute: 100 }`");
        return None;
    }
    let mut read = |number: Option<_>| number.and_then(|number| quantity(&number, findings));
    Some(Limit { share: read(value.share), absolute: read(value.absolute) })
}

/// Reads a check against a history.
pub(super) fn z_score(written: At<file::ZScore>, findings: &mut Findings) -> Option<CheckKind> {
    let At { value, range } = written;
    let measure = measure(value.measure, value.column, &range, findings);
    let max = findings.required(value.max, &range, "max", "3")?;
    if !(max.value > 0.0 && max.value.is_finite()) {
        findings.error(&max.range, format!("`max: {}` is not more than 0", max.value), "write `max: 3`");
    }
    let history = value.history.as_ref().map_or(HISTORY, |history| history.value);
    let min_history = value.min_history.as_ref().map_or(MIN_HISTORY.min(history.max(2)), |least| least.value);
    if let Some(written) = value.history.filter(|history| history.value > MOST_HISTORY) {
        let message = format!("`history: {}` is more than the {MOST_HISTORY} values that are kept", written.value);
        findings.error(&written.range, message, format!("write at most {MOST_HISTORY}"));
    }
    if min_history < 2 || min_history > history {
        let place = value.min_history.map_or(range, |least| least.range);
        let message = format!("`min_history` {min_history} is not between 2 and `history`, {history}");
        findings.error(&place, message, "one value has no deviation, and more than `history` are not looked at");
    }
    let over = value.over.map(|over| findings.placed(over));
    Some(CheckKind::ZScore(ZScore { measure: measure?, over, max: max.value, min_history, history }))
}

fn measure(
    word: Option<At<file::Measure>>,
    column: Option<At<String>>,
    owner: &std::ops::Range<usize>,
    findings: &mut Findings,
) -> Option<Measure> {
    let of: fn(Placed<String>) -> Measure = match findings.required(word, owner, "measure", "rows")?.value {
        file::Measure::Rows => {
            if let Some(column) = column {
                findings.error(&column.range, "`rows` measures no column", "remove the key, or choose another measure");
            }
            return Some(Measure::Rows);
        }
        file::Measure::NullShare => Measure::NullShare,
        file::Measure::Sum => Measure::Sum,
        file::Measure::DistinctCount => Measure::DistinctCount,
    };
    let column = findings.required(column, owner, "column", "amount")?;
    Some(of(findings.placed(column)))
}
