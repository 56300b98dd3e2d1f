//! Local days and times of UTC instants.
//!
//! In: instants or local times, and one zone. Out: the day or the clock there, or the instant. Where a clock goes back, the
//! earlier of two instants counts; a time that no clock showed has none.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray},
    compute::cast,
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};
use chrono::{DateTime, Datelike, TimeZone};
use chrono_tz::Tz;
use datafusion::{
    common::{ScalarValue, exec_err},
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{Description, Example, Kind};

/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// What is said of the functions.
pub(super) const DESCRIPTIONS: [Description; 3] = [
    Description {
        name: "local_date",
        kind: Kind::Scalar,
        signature: "local_date(instant TIMESTAMP, zone VARCHAR) → DATE",
        text: "The day that the zone's calendar shows at an instant. The zone is one IANA name for all rows, such as `$timezone`.",
        nulls: "NULL for a NULL instant.",
        examples: &[Example {
            sql: "SELECT local_date(TIMESTAMP '2026-06-30 17:30:00', 'Asia/Shanghai')",
            answer: "2026-07-01",
        }],
    },
    Description {
        name: "local_time",
        kind: Kind::Scalar,
        signature: "local_time(instant TIMESTAMP, zone VARCHAR) → TIMESTAMP without zone",
        text: "What the zone's clock shows at an instant. Cast it to a date or a text before it is published: a published timestamp is UTC.",
        nulls: "NULL for a NULL instant.",
        examples: &[Example {
            sql: "SELECT local_time(TIMESTAMP '2026-06-30 17:30:00', 'Asia/Shanghai')",
            answer: "2026-07-01T01:30:00",
        }],
    },
    Description {
        name: "utc_time",
        kind: Kind::Scalar,
        signature: "utc_time(local TIMESTAMP, zone VARCHAR) → TIMESTAMP",
        text: "The instant at which the zone's clock showed a local time; the earlier of two where the clock went back.",
        nulls: "NULL for a NULL time, and for one that the clock never showed because it went forward.",
        examples: &[
            Example {
                sql: "SELECT utc_time(TIMESTAMP '2026-07-01 01:30:00', 'Asia/Shanghai')",
                answer: "2026-06-30T17:30:00Z",
            },
            Example {
                sql: "SELECT utc_time(TIMESTAMP '2026-03-29 02:30:00', 'Europe/Berlin') IS NULL",
                answer: "true",
            },
        ],
    },
];

/// Returns the functions.
pub(super) fn functions() -> [ScalarUDF; 3] {
    [Question::LocalDate, Question::LocalTime, Question::UtcTime]
        .map(|question| ScalarUDF::new_from_impl(ZoneFunction::new(question)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    LocalDate,
    LocalTime,
    UtcTime,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ZoneFunction {
    question: Question,
    signature: Signature,
}

impl ZoneFunction {
    fn new(question: Question) -> Self {
        Self { question, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ZoneFunction {
    fn name(&self) -> &str {
        match self.question {
            Question::LocalDate => "local_date",
            Question::LocalTime => "local_time",
            Question::UtcTime => "utc_time",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if !matches!(types[0], DataType::Timestamp(_, _) | DataType::Date32 | DataType::Null) {
            return datafusion::common::plan_err!("{} takes a TIMESTAMP first, not {}", self.name(), types[0]);
        }
        Ok(match self.question {
            Question::LocalDate => DataType::Date32,
            Question::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Question::UtcTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let zone = zone(&args.args[1], self.name())?;
        let is_scalar = matches!(args.args[0], ColumnarValue::Scalar(_));
        let times = args.args[0].to_array(if is_scalar { 1 } else { args.number_rows })?;
        let result = self.evaluate(&times, zone)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl ZoneFunction {
    fn evaluate(&self, times: &ArrayRef, zone: Tz) -> Result<ArrayRef> {
        let target = match self.question {
            Question::UtcTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Question::LocalDate | Question::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        let micros = cast(times, &target)?;
        let micros = micros.as_primitive::<TimestampMicrosecondType>();
        Ok(match self.question {
            Question::LocalDate => {
                let day = |time: Option<i64>| Some(local(time?, zone)?.num_days_from_ce() - EPOCH_DAYS);
                Arc::new(micros.iter().map(day).collect::<Date32Array>())
            }
            Question::LocalTime => {
                let clock = |time: Option<i64>| Some(local(time?, zone)?.and_utc().timestamp_micros());
                Arc::new(micros.iter().map(clock).collect::<TimestampMicrosecondArray>())
            }
            Question::UtcTime => {
                let instants: TimestampMicrosecondArray = micros.iter().map(|time| instant(time?, zone)).collect();
                Arc::new(instants.with_timezone("UTC"))
            }
        })
    }
}

/// Returns what the zone's clock shows at an instant (microseconds UTC).
pub(super) fn local(micros: i64, zone: Tz) -> Option<chrono::NaiveDateTime> {
    Some(DateTime::from_timestamp_micros(micros)?.with_timezone(&zone).naive_local())
}

/// Returns the instant (microseconds UTC) at which the zone's clock first showed a local time.
fn instant(micros: i64, zone: Tz) -> Option<i64> {
    let local = DateTime::from_timestamp_micros(micros)?.naive_utc();
    Some(zone.from_local_datetime(&local).earliest()?.timestamp_micros())
}

fn zone(argument: &ColumnarValue, function: &str) -> Result<Tz> {
    let ColumnarValue::Scalar(scalar) = argument else {
        return exec_err!("{function} takes one time zone for all rows, such as $timezone");
    };
    let Some(Some(name)) = scalar.try_as_str() else {
        return exec_err!("{function} takes a time zone as text second, such as $timezone");
    };
    if let Ok(zone) = name.parse() { Ok(zone) } else { exec_err!("`{name}` is no IANA time zone") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_evening_in_utc_is_the_next_day_in_shanghai() {
        let evening = DateTime::parse_from_rfc3339("2026-06-30T17:30:00Z").map(|time| time.timestamp_micros());
        let local = local(evening.unwrap_or_default(), Tz::Asia__Shanghai).map(|time| time.to_string());
        assert_eq!(local.as_deref(), Some("2026-07-01 01:30:00"));
    }

    #[test]
    fn a_clock_time_that_never_was_has_no_instant() {
        let gap = DateTime::parse_from_rfc3339("2026-03-29T02:30:00Z").map(|time| time.timestamp_micros());
        assert_eq!(instant(gap.unwrap_or_default(), Tz::Europe__Berlin), None);
    }
}
