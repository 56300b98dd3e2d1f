//! Working time: how much of it lies between two instants, and when so many working days have passed.
//!
//! ```text
//!  rows of a calendar ─ working_calendar (aggregate) ─► one value ─┐
//!  zone, opening hours ────────────────────────────────────────────┴─► Schedule ─► working_minutes, add_working_days
//! ```
//!
//! The calendar comes in as rows (`core.calendar`: holidays, make-up working days, weekends), which an aggregate makes one
//! value of, for each country if one likes; it cannot be published. A day without a row is not known, and what depends on
//! it is NULL rather than wrong.

mod calendar;
mod functions;
mod hours;
mod schedule;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use super::{Description, Example, Kind};

/// Returns the functions.
pub(super) fn functions() -> [ScalarUDF; 2] {
    functions::functions()
}

/// Returns the aggregate.
pub(super) fn aggregate() -> AggregateUDF {
    AggregateUDF::new_from_impl(calendar::WorkingCalendar::new())
}

/// What is said of the functions.
pub(super) const DESCRIPTIONS: [Description; 3] = [
    Description {
        name: "working_calendar",
        kind: Kind::Aggregate,
        signature: "working_calendar(day DATE, is_working BOOLEAN) → calendar",
        text: "The calendar that `working_minutes` and `add_working_days` take, made of one row for each day; for several countries with GROUP BY. Two rows that disagree about a day are an error. It is a value within a query and cannot be published.",
        nulls: "Rows with a NULL are left out: that day is not known. NULL without rows.",
        examples: &[Example {
            sql: "SELECT add_working_days(TIMESTAMP '2026-01-02 09:00:00', 1, working_calendar(day, works), 'UTC') FROM (VALUES (DATE '2026-01-02', true), (DATE '2026-01-03', false), (DATE '2026-01-04', true)) AS t(day, works)",
            answer: "2026-01-04T09:00:00Z",
        }],
    },
    Description {
        name: "working_minutes",
        kind: Kind::Scalar,
        signature: "working_minutes(start TIMESTAMP, end TIMESTAMP, calendar, zone VARCHAR, hours VARCHAR) → DOUBLE",
        text: "The minutes of working time between two instants: of the working days of the calendar, the hours during which work is done, on the zone's clock. Hours are written `09:00-12:00, 13:00-18:00`; `00:00-24:00` is the whole day. Times add up: the minutes from a to b and from b to c are those from a to c, and from b to a they are negative. A clock change within the hours makes them longer or shorter, as it does for those who work.",
        nulls: "NULL if any argument is NULL, if an instant lies outside the calendar, or if hours of a day that the calendar does not know lie between.",
        examples: &[
            Example {
                sql: "SELECT working_minutes(TIMESTAMP '2026-01-02 08:30:00', TIMESTAMP '2026-01-05 02:00:00', working_calendar(day, works), 'Asia/Shanghai', '09:00-12:00, 13:00-18:00') FROM (VALUES (DATE '2026-01-02', true), (DATE '2026-01-03', false), (DATE '2026-01-04', true), (DATE '2026-01-05', true)) AS t(day, works)",
                answer: "630.0",
            },
            Example {
                sql: "SELECT working_minutes(TIMESTAMP '2026-03-28 23:00:00', TIMESTAMP '2026-03-29 22:00:00', working_calendar(day, true), 'Europe/Berlin', '00:00-24:00') FROM (VALUES (DATE '2026-03-29')) AS t(day)",
                answer: "1380.0",
            },
        ],
    },
    Description {
        name: "add_working_days",
        kind: Kind::Scalar,
        signature: "add_working_days(start TIMESTAMP, days BIGINT, calendar, zone VARCHAR) → TIMESTAMP",
        text: "The instant with the same local clock time so many working days later. A start on a day off counts from 00:00 of the next working day. A clock time that the clock skips on that day is the first that it shows afterwards.",
        nulls: "NULL if any argument is NULL, if days are negative, or if the calendar ends before or does not know a day between.",
        examples: &[
            Example {
                sql: "SELECT add_working_days(TIMESTAMP '2026-01-02 07:15:00', 1, working_calendar(day, works), 'Asia/Shanghai') FROM (VALUES (DATE '2026-01-02', true), (DATE '2026-01-03', false), (DATE '2026-01-04', true)) AS t(day, works)",
                answer: "2026-01-04T07:15:00Z",
            },
            Example {
                sql: "SELECT add_working_days(TIMESTAMP '2026-01-03 07:15:00', 1, working_calendar(day, works), 'Asia/Shanghai') FROM (VALUES (DATE '2026-01-03', false), (DATE '2026-01-04', true), (DATE '2026-01-05', true)) AS t(day, works)",
                answer: "2026-01-04T16:00:00Z",
            },
        ],
    },
];
