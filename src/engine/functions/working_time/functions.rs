//! The scalar functions over a calendar: columns → schedules, each made once for a batch → answers.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray},
    compute::cast,
    datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use chrono_tz::Tz;
use datafusion::{
    common::{ScalarValue, exec_datafusion_err, exec_err, plan_err},
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
};

use super::{calendar::Calendar, schedule::Schedule};

const MICROSECONDS_OF_MINUTE: f64 = 60_000_000.0;

/// Returns the functions.
pub(super) fn functions() -> [ScalarUDF; 2] {
    [Question::Minutes, Question::Days].map(|question| {
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::new_from_impl(WorkingTime { question, signature })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    Minutes,
    Days,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WorkingTime {
    question: Question,
    signature: Signature,
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl ScalarUDFImpl for WorkingTime {
    fn name(&self) -> &'static str {
        match self.question {
            Question::Minutes => "working_minutes",
            Question::Days => "add_working_days",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let wanted = match self.question {
            Question::Minutes => vec![instant(), instant(), DataType::Binary, DataType::Utf8, DataType::Utf8],
            Question::Days => vec![instant(), DataType::Int64, DataType::Binary, DataType::Utf8],
        };
        let fits = types.len() == wanted.len() && types.iter().zip(&wanted).all(|(given, wanted)| fits(given, wanted));
        if !fits {
            return plan_err!("{}", self.usage(types));
        }
        Ok(wanted)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.question {
            Question::Minutes => DataType::Float64,
            Question::Days => instant(),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let answers = match self.question {
            Question::Minutes => minutes(&columns)?,
            Question::Days => days(&columns)?,
        };
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&answers, 0)?));
        }
        Ok(ColumnarValue::Array(answers))
    }
}

impl WorkingTime {
    fn usage(&self, types: &[DataType]) -> String {
        let given: Vec<String> = types.iter().map(ToString::to_string).collect();
        let wanted = match self.question {
            Question::Minutes => "start and end as timestamps, a working_calendar(…), a zone and opening hours",
            Question::Days => "a timestamp, a number of days, a working_calendar(…) and a zone",
        };
        format!("{} takes {wanted}, not ({})", self.name(), given.join(", "))
    }
}

fn fits(given: &DataType, wanted: &DataType) -> bool {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match wanted {
        _ if *given == DataType::Null => true,
        DataType::Timestamp(_, _) => matches!(given, DataType::Timestamp(_, _)),
        DataType::Int64 => given.is_integer(),
        DataType::Utf8 => is_text(given),
        other => given == other,
    }
}

fn minutes(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (starts, ends) = (instants(&columns[0])?, instants(&columns[1])?);
    let mut schedules = Schedules::new(&columns[2..])?;
    let mut answers = Float64Array::builder(starts.len());
    for row in 0..starts.len() {
        let both = starts.is_valid(row) && ends.is_valid(row);
        let schedule = if both { schedules.of(row)? } else { None };
        let time = schedule.and_then(|schedule| schedule.working_microseconds(starts.value(row), ends.value(row)));
        #[expect(clippy::cast_precision_loss, reason = "three centuries in microseconds are below 2^53")]
        answers.append_option(time.map(|time| time as f64 / MICROSECONDS_OF_MINUTE));
    }
    Ok(Arc::new(answers.finish()))
}

fn days(columns: &[ArrayRef]) -> Result<ArrayRef> {
    let starts = instants(&columns[0])?;
    let days: Int64Array = cast(&columns[1], &DataType::Int64)?.as_primitive::<Int64Type>().clone();
    let mut schedules = Schedules::new(&columns[2..])?;
    let mut answers = TimestampMicrosecondArray::builder(starts.len());
    for row in 0..starts.len() {
        let both = starts.is_valid(row) && days.is_valid(row);
        let schedule = if both { schedules.of(row)? } else { None };
        answers.append_option(schedule.and_then(|schedule| schedule.add_days(starts.value(row), days.value(row))));
    }
    Ok(Arc::new(answers.finish().with_timezone("UTC")))
}

fn instants(column: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    Ok(cast(column, &instant())?.as_primitive::<TimestampMicrosecondType>().clone())
}

/// A calendar, a zone and opening hours.
type Key = (Vec<u8>, String, String);

/// The schedules of a batch: for each calendar, zone and hours that occur, one.
struct Schedules {
    calendars: BinaryArray,
    zones: StringArray,
    hours: Option<StringArray>,
    made: HashMap<Key, Schedule>,
    /// The last row that was asked for, and its key: the next one mostly has the same.
    last: Option<(usize, Key)>,
}

impl Schedules {
    /// Takes the columns of the calendar, the zone and, if there is one, the hours.
    fn new(columns: &[ArrayRef]) -> Result<Self> {
        let text =
            |column: &ArrayRef| Ok::<_, arrow::error::ArrowError>(cast(column, &DataType::Utf8)?.as_string().clone());
        Ok(Self {
            calendars: cast(&columns[0], &DataType::Binary)?.as_binary().clone(),
            zones: text(&columns[1])?,
            hours: columns.get(2).map(text).transpose()?,
            made: HashMap::new(),
            last: None,
        })
    }

    /// Returns the schedule of a row; None where a part of it is NULL.
    fn of(&mut self, row: usize) -> Result<Option<&Schedule>> {
        let is_null = |hours: &StringArray| hours.is_null(row);
        if self.calendars.is_null(row) || self.zones.is_null(row) || self.hours.as_ref().is_some_and(is_null) {
            return Ok(None);
        }
        let is_last = |other: usize| {
            self.calendars.value(other) == self.calendars.value(row)
                && self.zones.value(other) == self.zones.value(row)
                && self.hours.as_ref().is_none_or(|hours| hours.value(other) == hours.value(row))
        };
        let key = match self.last.take() {
            Some((other, key)) if is_last(other) => key,
            _ => self.make(row)?,
        };
        let (_, key) = self.last.insert((row, key));
        Ok(self.made.get(key))
    }

    /// Makes the schedule of a row unless it is there, and returns its key.
    fn make(&mut self, row: usize) -> Result<Key> {
        let hours = self.hours.as_ref().map(|hours| hours.value(row));
        let (bytes, zone) = (self.calendars.value(row), self.zones.value(row));
        let key = (bytes.to_vec(), zone.to_owned(), hours.unwrap_or_default().to_owned());
        if !self.made.contains_key(&key) {
            let calendar = Calendar::read(bytes).ok_or_else(|| exec_datafusion_err!("a calendar is cut short"))?;
            let Ok(zone) = zone.parse::<Tz>() else { return exec_err!("`{zone}` is no IANA time zone") };
            self.made.insert(key.clone(), Schedule::new(calendar, zone, hours)?);
        }
        Ok(key)
    }
}
