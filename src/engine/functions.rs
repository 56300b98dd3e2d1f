//! SQL functions that the domain needs and DataFusion lacks: local days and times of UTC instants.
//!
//! | function | returns |
//! |---|---|
//! | `local_date(instant, zone)` | the DATE on the zone's calendar |
//! | `local_time(instant, zone)` | the TIMESTAMP (without zone) on the zone's clock |
//! | `utc_time(local, zone)` | the instant at which the zone's clock showed `local`; the earlier of two, NULL if never |

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
    execution::{FunctionRegistry, SessionState},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

/// The version of these functions: a change of what one of them returns must raise it, and rebuilds all models.
pub const VERSION: &str = "functions 1";

/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Adds the functions to a session.
///
/// # Errors
/// Never with a session that takes functions.
pub fn register(state: &mut SessionState) -> Result<()> {
    for kind in [Kind::LocalDate, Kind::LocalTime, Kind::UtcTime] {
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(ZoneFunction::new(kind))))?;
    }
    Ok(())
}

/// Says how one of the functions is called.
#[must_use]
pub fn usage(name: &str) -> Option<String> {
    let arguments = match name {
        "local_date" | "local_time" => "instant, $timezone",
        "utc_time" => "local, $timezone",
        _ => return None,
    };
    Some(format!("it is called so: `{name}({arguments})`"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    LocalDate,
    LocalTime,
    UtcTime,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ZoneFunction {
    kind: Kind,
    signature: Signature,
}

impl ZoneFunction {
    fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ZoneFunction {
    fn name(&self) -> &str {
        match self.kind {
            Kind::LocalDate => "local_date",
            Kind::LocalTime => "local_time",
            Kind::UtcTime => "utc_time",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if !matches!(types[0], DataType::Timestamp(_, _) | DataType::Date32 | DataType::Null) {
            return datafusion::common::plan_err!("{} takes a TIMESTAMP first, not {}", self.name(), types[0]);
        }
        Ok(match self.kind {
            Kind::LocalDate => DataType::Date32,
            Kind::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::UtcTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
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
        let target = match self.kind {
            Kind::UtcTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::LocalDate | Kind::LocalTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        let micros = cast(times, &target)?;
        let micros = micros.as_primitive::<TimestampMicrosecondType>();
        Ok(match self.kind {
            Kind::LocalDate => {
                let day = |time: Option<i64>| Some(local(time?, zone)?.num_days_from_ce() - EPOCH_DAYS);
                Arc::new(micros.iter().map(day).collect::<Date32Array>())
            }
            Kind::LocalTime => {
                let clock = |time: Option<i64>| Some(local(time?, zone)?.and_utc().timestamp_micros());
                Arc::new(micros.iter().map(clock).collect::<TimestampMicrosecondArray>())
            }
            Kind::UtcTime => {
                let instants: TimestampMicrosecondArray = micros.iter().map(|time| instant(time?, zone)).collect();
                Arc::new(instants.with_timezone("UTC"))
            }
        })
    }
}

/// Returns what the zone's clock shows at an instant (microseconds UTC).
fn local(micros: i64, zone: Tz) -> Option<chrono::NaiveDateTime> {
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
