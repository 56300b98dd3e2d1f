//! One column of one batch: cells → an Arrow array and the faults of the cells that are no values.
//!
//! A faulty cell leaves NULL in the array; its row is rejected later. Deliberately one loop per column over all rows, so
//! that the compiled parser and the builder stay hot.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, ArrowPrimitiveType, BooleanBuilder, PrimitiveBuilder, StringBuilder,
        types::{Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
    },
    datatypes::{DataType, TimeUnit},
};
use chrono_tz::Tz;

use super::{
    calendar::{self, Days, Micros, Misread},
    cell::{CellRule, Reading},
    fault::{Fault, quoted},
    format::Format,
    number::{self, Misfit, Number},
};

/// The type of a column with all that its parser needs.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// True and false words.
    Boolean,
    /// 32-bit whole numbers.
    Int,
    /// 64-bit whole numbers.
    BigInt,
    /// Binary fractions.
    Double,
    /// Exact decimals.
    Decimal {
        /// Digits.
        precision: u8,
        /// Digits behind the mark.
        scale: i8,
    },
    /// Days.
    Date {
        /// Declared formats, those as written for reasons.
        formats: Vec<(String, Format)>,
    },
    /// Instants.
    Timestamp {
        /// Declared formats.
        formats: Vec<(String, Format)>,
        /// Zone of texts without an offset.
        zone: Tz,
    },
}

/// A cell that is no value: index of the row among those read, and why.
pub(super) type CellFault = (usize, Fault);

impl Kind {
    /// Returns the kind of an Arrow type; None when contracts have no such type.
    pub fn of(data_type: &DataType, formats: Vec<(String, Format)>, zone: Tz) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Int32 => Self::Int,
            DataType::Int64 => Self::BigInt,
            DataType::Float64 => Self::Double,
            DataType::Decimal128(precision, scale) => Self::Decimal { precision: *precision, scale: *scale },
            DataType::Date32 => Self::Date { formats },
            DataType::Timestamp(TimeUnit::Microsecond, Some(utc)) if utc.as_ref() == "UTC" => {
                Self::Timestamp { formats, zone }
            }
            _ => return None,
        })
    }

    /// Reads one text; says why it is no value of this kind.
    pub fn check(&self, text: &str, reading: Reading) -> Result<(), Fault> {
        match self {
            Self::Text => Ok(()),
            Self::Boolean => boolean(text).map(drop),
            Self::Int => whole::<i32>(text, reading, "INT").map(drop),
            Self::BigInt => whole::<i64>(text, reading, "BIGINT").map(drop),
            Self::Double => double(text, reading).map(drop),
            Self::Decimal { precision, scale } => decimal(text, reading, *precision, *scale).map(drop),
            Self::Date { formats } => date(text, formats).map(drop),
            Self::Timestamp { formats, zone } => timestamp(text, formats, *zone).map(drop),
        }
    }

    /// Reads a column's cells.
    pub fn read<'a>(
        &self,
        rule: &CellRule,
        reading: Reading,
        cells: impl ExactSizeIterator<Item = Option<&'a str>>,
    ) -> (ArrayRef, Vec<CellFault>) {
        let column = Cells { rule, reading, texts: cells };
        match self {
            Self::Text => column.strings(),
            Self::Boolean => column.booleans(),
            Self::Int => column.primitive::<Int32Type>(&DataType::Int32, |text, how| whole(text, how, "INT")),
            Self::BigInt => column.primitive::<Int64Type>(&DataType::Int64, |text, how| whole(text, how, "BIGINT")),
            Self::Double => column.primitive::<Float64Type>(&DataType::Float64, double),
            Self::Decimal { precision, scale } => column
                .primitive::<Decimal128Type>(&DataType::Decimal128(*precision, *scale), |text, how| {
                    decimal(text, how, *precision, *scale)
                }),
            Self::Date { formats } => column.primitive::<Date32Type>(&DataType::Date32, |text, _| date(text, formats)),
            Self::Timestamp { formats, zone } => column.primitive::<TimestampMicrosecondType>(
                &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                |text, _| timestamp(text, formats, *zone),
            ),
        }
    }
}

struct Cells<'r, I> {
    rule: &'r CellRule,
    reading: Reading,
    texts: I,
}

impl<'a, I: ExactSizeIterator<Item = Option<&'a str>>> Cells<'_, I> {
    fn primitive<T: ArrowPrimitiveType>(
        self,
        data_type: &DataType,
        parse: impl Fn(&str, Reading) -> Result<T::Native, Fault>,
    ) -> (ArrayRef, Vec<CellFault>) {
        let mut values = PrimitiveBuilder::<T>::with_capacity(self.texts.len()).with_data_type(data_type.clone());
        let faults = self.each(parse, |value| values.append_option(value));
        (Arc::new(values.finish()), faults)
    }

    fn booleans(self) -> (ArrayRef, Vec<CellFault>) {
        let mut values = BooleanBuilder::with_capacity(self.texts.len());
        let faults = self.each(|text, _| boolean(text), |value| values.append_option(value));
        (Arc::new(values.finish()), faults)
    }

    fn strings(self) -> (ArrayRef, Vec<CellFault>) {
        let mut values = StringBuilder::with_capacity(self.texts.len(), self.texts.len() * 16);
        let mut faults = Vec::new();
        for (row, cell) in self.texts.enumerate() {
            match self.rule.value(cell, self.reading) {
                Ok(value) => values.append_option(value.map(|(text, _)| text)),
                Err(fault) => {
                    values.append_null();
                    faults.push((row, fault));
                }
            }
        }
        (Arc::new(values.finish()), faults)
    }

    fn each<V>(
        self,
        parse: impl Fn(&str, Reading) -> Result<V, Fault>,
        mut push: impl FnMut(Option<V>),
    ) -> Vec<CellFault> {
        let mut faults = Vec::new();
        for (row, cell) in self.texts.enumerate() {
            let text = self.rule.value(cell, self.reading);
            let value = text.and_then(|text| text.map(|(text, reading)| parse(&text, reading)).transpose());
            push(value.unwrap_or_else(|fault| {
                faults.push((row, fault));
                None
            }));
        }
        faults
    }
}

fn boolean(text: &str) -> Result<bool, Fault> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "yes", "y", "t", "1", "是"]) {
        Ok(true)
    } else if is(&["false", "no", "n", "f", "0", "否"]) {
        Ok(false)
    } else {
        Err(Fault::of_type(format!("{} is neither a true word nor a false word", quoted(text))))
    }
}

fn whole<T: TryFrom<i128>>(text: &str, reading: Reading, name: &str) -> Result<T, Fault> {
    let value = Number::read(text, reading.mark).and_then(|number| number.whole(reading.scale_by));
    value.map_err(|misfit| misfit_fault(misfit, text, reading, name, 0))
}

fn decimal(text: &str, reading: Reading, precision: u8, scale: i8) -> Result<i128, Fault> {
    let value = Number::read(text, reading.mark)
        .and_then(|number| number.rescale(reading.scale_by, precision, i64::from(scale)));
    value.map_err(|misfit| misfit_fault(misfit, text, reading, &format!("DECIMAL({precision},{scale})"), scale))
}

fn double(text: &str, reading: Reading) -> Result<f64, Fault> {
    let value =
        number::read_double(text, reading.mark).map_err(|misfit| misfit_fault(misfit, text, reading, "DOUBLE", 0))?;
    #[expect(clippy::cast_precision_loss, reason = "a factor such as 10000 is exact, and a double is not exact anyway")]
    Ok(if reading.scale_by == 1 { value } else { value * reading.scale_by as f64 })
}

fn misfit_fault(misfit: Misfit, text: &str, reading: Reading, name: &str, scale: i8) -> Fault {
    let factor = if reading.scale_by == 1 { String::new() } else { format!(" × {}", reading.scale_by) };
    let shown = quoted(text);
    match misfit {
        Misfit::NotANumber => Fault::of_type(format!("{shown} is not a number")),
        Misfit::Overflow => Fault::overflow(format!("{shown}{factor} does not fit {name}")),
        Misfit::Precision if scale == 0 => Fault::precision(format!("{shown}{factor} is not a whole number")),
        Misfit::Precision => Fault::precision(format!("{shown}{factor} has more than {scale} decimals")),
    }
}

fn date(text: &str, formats: &[(String, Format)]) -> Result<Days, Fault> {
    let (moment, is_declared) =
        calendar::read(text, formats).map_err(|misread| misread_fault(misread, text, "date", formats))?;
    // A declared format with hours says that the day is wanted; an ISO text with hours may be another column's.
    if is_declared || moment.is_midnight() {
        Ok(moment.days())
    } else {
        Err(Fault::of_type(format!("{} has a time of day", quoted(text))))
    }
}

fn timestamp(text: &str, formats: &[(String, Format)], zone: Tz) -> Result<Micros, Fault> {
    let instant = calendar::read(text, formats).and_then(|(moment, _)| moment.instant(zone));
    instant.map_err(|misread| misread_fault(misread, text, "timestamp", formats))
}

fn misread_fault(misread: Misread, text: &str, what: &str, formats: &[(String, Format)]) -> Fault {
    let shown = quoted(text);
    match misread {
        Misread::TooFine => Fault::precision(format!("{shown} is finer than microseconds")),
        Misread::Impossible(why) => Fault::of_type(format!("{shown}: {why}")),
        Misread::Foreign => {
            let known: Vec<String> = formats.iter().map(|(format, _)| format!("`{format}`")).collect();
            let known = std::iter::once("`2024-01-31`".to_owned()).chain(known).collect::<Vec<_>>().join(" or ");
            Fault::of_type(format!("{shown} is not a {what} like {known}"))
        }
    }
}
