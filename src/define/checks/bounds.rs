//! Bounds of checks: tolerances, ranges of values, ages.
//!
//! In: bounds as written. Out: bounds as meant, or findings. Deliberately does not know the type of a column: whether a bound
//! is one of its values is asked once the table is planned.

use crate::{
    define::{
        file::{self, Freshness},
        findings::Findings,
        project::{Age, Bound, CheckKind, Tolerance},
        spans::{At, Scalar},
    },
    record::Quantity,
};

/// Reads how many failing rows are no failure.
pub(super) fn tolerance(rows: Option<&At<u64>>, share: Option<&At<Scalar>>, findings: &mut Findings) -> Tolerance {
    let share = share.and_then(|share| {
        let number = quantity(share, findings)?;
        if number.exceeds(Quantity::whole(1)) {
            let message = format!("share `{}` is not between 0 and 1", share.value.0);
            findings.error(&share.range, message, "write 0.02 for 2 %");
        }
        Some(number)
    });
    Tolerance { rows: rows.map(|rows| rows.value), share }
}

/// Reads a number that is not negative.
pub(super) fn quantity(written: &At<Scalar>, findings: &mut Findings) -> Option<Quantity> {
    let number = Quantity::parse(&written.value.0);
    let number = number.filter(|number| !Quantity::ZERO.exceeds(*number));
    if number.is_none() {
        let message = format!("`{}` is not a number of 0 or more", written.value.0);
        findings.error(&written.range, message, "write it with digits and a point, such as `0.05`");
    }
    number
}

/// Reads the bounds of a column's values.
pub(super) fn range(written: At<file::Range>, findings: &mut Findings) -> Option<CheckKind> {
    let At { value, range } = written;
    let column = findings.required(value.column, &range, "column", "amount");
    for (inclusive, exclusive, words) in [
        (&value.min, &value.above, "`min` and `above` both bound it from below"),
        (&value.max, &value.below, "`max` and `below` both bound it from above"),
    ] {
        if let (Some(_), Some(second)) = (inclusive, exclusive) {
            findings.error(&second.range, words, "keep one of the two");
        }
    }
    let low = bound(value.min, value.above, findings);
    let high = bound(value.max, value.below, findings);
    if low.is_none() && high.is_none() {
        findings.error(&range, "`range` has no bound", "write `min`, `max`, `above` or `below`");
        return None;
    }
    Some(CheckKind::Range { column: findings.placed(column?), low, high })
}

fn bound(inclusive: Option<At<Scalar>>, exclusive: Option<At<Scalar>>, findings: &Findings) -> Option<Bound> {
    let is_exclusive = inclusive.is_none();
    let At { value, range } = inclusive.or(exclusive)?;
    Some(Bound { value: findings.placed(At { value: value.0, range }), is_exclusive })
}

/// Reads how old the newest value may be.
pub(super) fn freshness(written: At<Freshness>, findings: &mut Findings) -> Option<CheckKind> {
    let At { value, range } = written;
    let column = findings.required(value.column, &range, "column", "order_date");
    let max_age = match (value.max_age_days, value.max_age_hours) {
        (Some(days), None) => Some(Age::Days(days)),
        (None, Some(hours)) => Some(Age::Hours(hours)),
        (None, None) => {
            findings.error(&range, "`freshness` has no age", "write `max_age_days: 3` or `max_age_hours: 36`");
            None
        }
        (Some(_), Some(_)) => {
            findings.error(&range, "`max_age_days` and `max_age_hours` are one age", "keep one of the two");
            None
        }
    };
    Some(CheckKind::Freshness { column: findings.placed(column?), max_age: max_age? })
}
