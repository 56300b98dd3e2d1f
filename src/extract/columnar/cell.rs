//! One value of a record batch → text from which the same value is read again.
//!
//! In: an array, the field that describes it, and a row. Out: its text: numbers with all digits, dates, times and intervals
//! in ISO form, times with a zone in UTC, bytes in hexadecimal, lists, maps and structs as compact JSON. Deliberately total:
//! every type of Arrow has a text.

use std::fmt::{Display, Write as _};

use arrow::{
    array::{Array, ArrayAccessor, AsArray as _},
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
        Decimal256Type, DecimalType, Field, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
        Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
    util::display::{ArrayFormatter, DurationFormat, FormatOptions},
};

use crate::extract::{
    moment::{date, time, timestamp},
    number_text, single_text,
};

/// The key under which the metadata of a field name what its values mean beyond their type.
pub(super) const MEANING: &str = "ARROW:extension:name";

/// Sixteen bytes that are a UUID, as Arrow names them.
pub(super) const UUID: &str = "arrow.uuid";

/// Twelve bytes that are an interval: months, days and milliseconds, the lowest byte first and without a sign.
pub(super) const INTERVAL: &str = "parquet.interval";

/// The same with a sign, as arrow-rs writes it.
pub(super) const SIGNED_INTERVAL: &str = "parquet.signed_interval";

/// Writes the value of a row, which is not NULL.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut String) + 'a>;

/// Returns whether a value is NULL, also where it is a reference to a NULL.
pub(super) fn is_null(array: &dyn Array, row: usize) -> bool {
    match array.data_type() {
        DataType::Null => true,
        DataType::Dictionary(..) => {
            let array = array.as_any_dictionary();
            array.is_null(row) || key(array.keys(), row).is_none_or(|key| is_null(array.values().as_ref(), key))
        }
        DataType::RunEndEncoded(..) => run(array, row).is_none_or(|(values, physical)| is_null(values, physical)),
        DataType::Union(..) => {
            let array = array.as_union();
            is_null(array.child(array.type_id(row)).as_ref(), array.value_offset(row))
        }
        _ => array.is_null(row),
    }
}

/// Returns what writes the values of an array; its field, and those within its type, say what bytes mean.
pub(super) fn writer<'a>(array: &'a dyn Array, field: &'a Field) -> Writer<'a> {
    match array.data_type() {
        DataType::Null => Box::new(|_, _| {}),
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(|row, text| text.push_str(if array.value(row) { "true" } else { "false" }))
        }
        DataType::Float16 => shown(
            array,
            |value: <Float16Type as ArrowPrimitiveType>::Native, text| {
                text.push_str(&single_text(f32::from(value)));
            },
            array.as_primitive::<Float16Type>(),
        ),
        DataType::Float32 => {
            shown(array, |value, text| text.push_str(&single_text(value)), array.as_primitive::<Float32Type>())
        }
        DataType::Float64 => {
            shown(array, |value, text| text.push_str(&number_text(value)), array.as_primitive::<Float64Type>())
        }
        DataType::Utf8 => plain(array.as_string::<i32>()),
        DataType::LargeUtf8 => plain(array.as_string::<i64>()),
        DataType::Utf8View => plain(array.as_string_view()),
        DataType::Binary => hex(array.as_binary::<i32>()),
        DataType::LargeBinary => hex(array.as_binary::<i64>()),
        DataType::BinaryView => hex(array.as_binary_view()),
        DataType::FixedSizeBinary(_) => fixed(array, field),
        DataType::Interval(unit) => span(array, *unit),
        DataType::Date32 | DataType::Date64 | DataType::Time32(_) | DataType::Time64(_) | DataType::Timestamp(..) => {
            calendar(array)
        }
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            decimal(array)
        }
        DataType::Dictionary(..) => {
            let array = array.as_any_dictionary();
            let (keys, write) = (array.keys(), writer(array.values().as_ref(), field));
            Box::new(move |row, text| {
                if let Some(key) = key(keys, row) {
                    write(key, text);
                }
            })
        }
        DataType::RunEndEncoded(..) => Box::new(move |row, text| {
            if let Some((values, physical)) = run(array, row) {
                writer(values, field)(physical, text);
            }
        }),
        DataType::Union(..) => Box::new(move |row, text| {
            let array = array.as_union();
            writer(array.child(array.type_id(row)).as_ref(), field)(array.value_offset(row), text);
        }),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Map(..)
        | DataType::Struct(_) => json(array, field),
        _ => integer(array),
    }
}

fn integer(array: &dyn Array) -> Writer<'_> {
    fn of<T: ArrowPrimitiveType<Native: std::fmt::Display>>(array: &dyn Array) -> Writer<'_> {
        let array = array.as_primitive::<T>();
        Box::new(move |row, text| {
            let _ = write!(text, "{}", array.value(row));
        })
    }
    match array.data_type() {
        DataType::Int8 => of::<Int8Type>(array),
        DataType::Int16 => of::<Int16Type>(array),
        DataType::Int32 => of::<Int32Type>(array),
        DataType::Int64 => of::<Int64Type>(array),
        DataType::UInt8 => of::<UInt8Type>(array),
        DataType::UInt16 => of::<UInt16Type>(array),
        DataType::UInt32 => of::<UInt32Type>(array),
        DataType::UInt64 => of::<UInt64Type>(array),
        _ => other(array),
    }
}

/// Durations, as ISO 8601 has them.
fn other(array: &dyn Array) -> Writer<'_> {
    let options = FormatOptions::new().with_duration_format(DurationFormat::ISO8601);
    let formatter = ArrayFormatter::try_new(array, &options).ok();
    Box::new(move |row, text| {
        if let Some(formatter) = &formatter {
            let _ = formatter.value(row).write(text);
        }
    })
}

fn shown<'a, A: ArrayAccessor + Copy + 'a>(
    _: &dyn Array,
    show: impl Fn(A::Item, &mut String) + 'a,
    array: A,
) -> Writer<'a> {
    Box::new(move |row, text| show(array.value(row), text))
}

fn plain<'a, A: ArrayAccessor<Item = &'a str> + Copy + 'a>(array: A) -> Writer<'a> {
    Box::new(move |row, text| text.push_str(array.value(row)))
}

fn hex<'a, A: ArrayAccessor<Item = &'a [u8]> + Copy + 'a>(array: A) -> Writer<'a> {
    Box::new(move |row, text| {
        for byte in array.value(row) {
            let _ = write!(text, "{byte:02x}");
        }
    })
}

/// Bytes of one length, as what the field says that they are, else in hexadecimal.
fn fixed<'a>(array: &'a dyn Array, field: &Field) -> Writer<'a> {
    let array = array.as_fixed_size_binary();
    match (field.extension_type_name(), array.value_length()) {
        (Some(UUID), 16) => Box::new(move |row, text| uuid(array.value(row), text)),
        (Some(INTERVAL), 12) => Box::new(move |row, text| {
            let [months, days, milliseconds] = numbers(array.value(row)).map(i64::from);
            interval(months, days, milliseconds * 1_000_000, text);
        }),
        (Some(SIGNED_INTERVAL), 12) => Box::new(move |row, text| {
            let [months, days, milliseconds] = numbers(array.value(row)).map(|number| i64::from(number.cast_signed()));
            interval(months, days, milliseconds * 1_000_000, text);
        }),
        _ => hex(array),
    }
}

/// Writes sixteen bytes as 8-4-4-4-12 hexadecimal digits.
fn uuid(bytes: &[u8], text: &mut String) {
    for (index, byte) in bytes.iter().enumerate() {
        text.push_str(if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" });
        let _ = write!(text, "{byte:02x}");
    }
}

/// Returns three numbers of four bytes each, the lowest first.
fn numbers(bytes: &[u8]) -> [u32; 3] {
    let mut numbers = [0; 3];
    for (number, four) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = u32::from_le_bytes(four.first_chunk().copied().unwrap_or_default());
    }
    numbers
}

/// Intervals, which are of months, of days and of time.
fn span(array: &dyn Array, unit: IntervalUnit) -> Writer<'_> {
    match unit {
        IntervalUnit::YearMonth => {
            let array = array.as_primitive::<IntervalYearMonthType>();
            Box::new(move |row, text| interval(array.value(row).into(), 0, 0, text))
        }
        IntervalUnit::DayTime => {
            let array = array.as_primitive::<IntervalDayTimeType>();
            Box::new(move |row, text| {
                let value = array.value(row);
                interval(0, value.days.into(), i64::from(value.milliseconds) * 1_000_000, text);
            })
        }
        IntervalUnit::MonthDayNano => {
            let array = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(move |row, text| {
                let value = array.value(row);
                interval(value.months.into(), value.days.into(), value.nanoseconds, text);
            })
        }
    }
}

/// Writes an interval as ISO 8601 has it, with a sign for each part, since months, days and seconds have no fixed length in each
/// other: `P-1M2DT-0.5S`. Parts of zero are left out; nothing but zero is `PT0S`.
fn interval(months: i64, days: i64, nanoseconds: i64, text: &mut String) {
    text.push('P');
    for (count, unit) in [(months, 'M'), (days, 'D')] {
        if count != 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    if nanoseconds == 0 {
        text.push_str(if months == 0 && days == 0 { "T0S" } else { "" });
        return;
    }
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (seconds, fraction) = (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let _ = write!(text, "T{sign}{seconds}");
    if fraction > 0 {
        let digits = format!(".{fraction:09}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('S');
}

/// All digits of a decimal, also those beyond the precision that its type declares: Arrow's own text leaves them out.
fn decimal(array: &dyn Array) -> Writer<'_> {
    fn of<T: DecimalType<Native: Display>>(array: &dyn Array, scale: i8) -> Writer<'_> {
        let array = array.as_primitive::<T>();
        Box::new(move |row, text| scaled(&array.value(row).to_string(), scale, text))
    }
    match array.data_type() {
        DataType::Decimal32(_, scale) => of::<Decimal32Type>(array, *scale),
        DataType::Decimal64(_, scale) => of::<Decimal64Type>(array, *scale),
        DataType::Decimal128(_, scale) => of::<Decimal128Type>(array, *scale),
        DataType::Decimal256(_, scale) => of::<Decimal256Type>(array, *scale),
        _ => Box::new(|_, _| {}),
    }
}

/// Writes a whole number times 10^−`scale`.
fn scaled(number: &str, scale: i8, text: &mut String) {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let decimals = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    text.push_str(sign);
    text.push_str(whole);
    if decimals > 0 {
        text.push('.');
        text.push_str(fraction);
    } else if whole != "0" {
        text.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
    }
}

/// Dates, times of day and timestamps.
fn calendar(array: &dyn Array) -> Writer<'_> {
    fn of<T: ArrowPrimitiveType<Native: Into<i64>>>(
        array: &dyn Array,
        show: impl Fn(i64, &mut String) + 'static,
    ) -> Writer<'_> {
        let array = array.as_primitive::<T>();
        Box::new(move |row, text| show(array.value(row).into(), text))
    }
    match array.data_type() {
        DataType::Date32 => of::<Date32Type>(array, date),
        DataType::Date64 => of::<Date64Type>(array, |value, text| match value % 86_400_000 {
            0 => date(value / 86_400_000, text),
            _ => timestamp(value, 1_000, "", text),
        }),
        DataType::Time32(TimeUnit::Second) => of::<Time32SecondType>(array, |value, text| time(value, 1, text)),
        DataType::Time32(_) => of::<Time32MillisecondType>(array, |value, text| time(value, 1_000, text)),
        DataType::Time64(TimeUnit::Microsecond) => {
            of::<Time64MicrosecondType>(array, |value, text| time(value, 1_000_000, text))
        }
        DataType::Time64(_) => of::<Time64NanosecondType>(array, |value, text| time(value, 1_000_000_000, text)),
        DataType::Timestamp(unit, zone) => {
            let zone = if zone.is_some() { "Z" } else { "" };
            match unit {
                TimeUnit::Second => {
                    of::<TimestampSecondType>(array, move |value, text| timestamp(value, 1, zone, text))
                }
                TimeUnit::Millisecond => {
                    of::<TimestampMillisecondType>(array, move |value, text| timestamp(value, 1_000, zone, text))
                }
                TimeUnit::Microsecond => {
                    of::<TimestampMicrosecondType>(array, move |value, text| timestamp(value, 1_000_000, zone, text))
                }
                TimeUnit::Nanosecond => {
                    of::<TimestampNanosecondType>(array, move |value, text| timestamp(value, 1_000_000_000, zone, text))
                }
            }
        }
        _ => Box::new(|_, _| {}),
    }
}

/// Returns the place of a dictionary's value.
fn key(keys: &dyn Array, row: usize) -> Option<usize> {
    fn of<T: ArrowPrimitiveType<Native: TryInto<usize>>>(keys: &dyn Array, row: usize) -> Option<usize> {
        keys.is_valid(row).then(|| keys.as_primitive::<T>().value(row).try_into().ok()).flatten()
    }
    match keys.data_type() {
        DataType::Int8 => of::<Int8Type>(keys, row),
        DataType::Int16 => of::<Int16Type>(keys, row),
        DataType::Int32 => of::<Int32Type>(keys, row),
        DataType::Int64 => of::<Int64Type>(keys, row),
        DataType::UInt8 => of::<UInt8Type>(keys, row),
        DataType::UInt16 => of::<UInt16Type>(keys, row),
        DataType::UInt32 => of::<UInt32Type>(keys, row),
        DataType::UInt64 => of::<UInt64Type>(keys, row),
        _ => None,
    }
}

/// Returns the values of a run-end encoded array and the place of a row among them.
fn run(array: &dyn Array, row: usize) -> Option<(&dyn Array, usize)> {
    if let Some(array) = array.as_run_opt::<Int32Type>() {
        return Some((array.values().as_ref(), array.get_physical_index(row)));
    }
    if let Some(array) = array.as_run_opt::<Int64Type>() {
        return Some((array.values().as_ref(), array.get_physical_index(row)));
    }
    let array = array.as_run_opt::<Int16Type>()?;
    Some((array.values().as_ref(), array.get_physical_index(row)))
}

/// Writes values as JSON: numbers and truth values bare, everything else that is no container as a string.
fn json<'a>(array: &'a dyn Array, field: &'a Field) -> Writer<'a> {
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().values(), item(field), |row| {
            let offsets = array.as_list::<i32>().value_offsets();
            place(offsets[row].into())..place(offsets[row + 1].into())
        }),
        DataType::LargeList(_) => list(array.as_list::<i64>().values(), item(field), |row| {
            let offsets = array.as_list::<i64>().value_offsets();
            place(offsets[row])..place(offsets[row + 1])
        }),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().values(), item(field), |row| {
            let array = array.as_fixed_size_list();
            let start = place(array.value_offset(row).into());
            start..start + place(array.value_length().into())
        }),
        DataType::ListView(_) => list(array.as_list_view::<i32>().values(), item(field), |row| {
            let array = array.as_list_view::<i32>();
            let start = place(array.value_offsets()[row].into());
            start..start + place(array.value_sizes()[row].into())
        }),
        DataType::LargeListView(_) => list(array.as_list_view::<i64>().values(), item(field), |row| {
            let array = array.as_list_view::<i64>();
            let start = place(array.value_offsets()[row]);
            start..start + place(array.value_sizes()[row])
        }),
        DataType::Map(..) => map(array, field),
        DataType::Struct(fields) => {
            let members: Vec<(String, &dyn Array, Writer<'_>)> = fields
                .iter()
                .zip(array.as_struct().columns())
                .enumerate()
                .map(|(index, (inner, column))| {
                    (quoted(inner.name()), column.as_ref(), json(column.as_ref(), member(field, index)))
                })
                .collect();
            Box::new(move |row, text| {
                text.push('{');
                for (index, (name, column, write)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(name);
                    text.push(':');
                    or_null(*column, row, write, text);
                }
                text.push('}');
            })
        }
        DataType::Dictionary(..) => {
            let array = array.as_any_dictionary();
            let (keys, write) = (array.keys(), json(array.values().as_ref(), field));
            Box::new(move |row, text| {
                if let Some(key) = key(keys, row) {
                    write(key, text);
                }
            })
        }
        data_type if data_type.is_numeric() && !data_type.is_floating() || *data_type == DataType::Boolean => {
            writer(array, field)
        }
        data_type => {
            let (write, bare) = (writer(array, field), data_type.is_floating());
            Box::new(move |row, text| {
                let mut value = String::new();
                write(row, &mut value);
                let bare = bare && value.ends_with(|sign: char| sign.is_ascii_digit());
                text.push_str(&if bare { value } else { quoted(&value) });
            })
        }
    }
}

/// Returns the field of a list's values, or of a map's entries.
fn item(field: &Field) -> &Field {
    match field.data_type() {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::Map(item, _) => item,
        _ => field,
    }
}

/// Returns a field of a struct.
fn member(field: &Field, index: usize) -> &Field {
    match field.data_type() {
        DataType::Struct(fields) if index < fields.len() => &fields[index],
        _ => field,
    }
}

fn place(offset: i64) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn or_null(array: &dyn Array, row: usize, write: &Writer<'_>, text: &mut String) {
    if is_null(array, row) { text.push_str("null") } else { write(row, text) }
}

fn list<'a>(
    values: &'a dyn Array,
    field: &'a Field,
    range: impl Fn(usize) -> std::ops::Range<usize> + 'a,
) -> Writer<'a> {
    let write = json(values, field);
    Box::new(move |row, text| {
        text.push('[');
        for (index, value) in range(row).enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            or_null(values, value, &write, text);
        }
        text.push(']');
    })
}

/// A map is an object whose names are the texts of its keys.
fn map<'a>(array: &'a dyn Array, field: &'a Field) -> Writer<'a> {
    let array = array.as_map();
    let (keys, values) = (array.keys().as_ref(), array.values().as_ref());
    let entries = item(field);
    let (name, write) = (writer(keys, member(entries, 0)), json(values, member(entries, 1)));
    Box::new(move |row, text| {
        let offsets = array.value_offsets();
        text.push('{');
        for (index, entry) in (place(offsets[row].into())..place(offsets[row + 1].into())).enumerate() {
            text.push_str(if index > 0 { "," } else { "" });
            let mut key = String::new();
            name(entry, &mut key);
            text.push_str(&quoted(&key));
            text.push(':');
            or_null(values, entry, &write, text);
        }
        text.push('}');
    })
}
