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

use super::{
    calendar::{self, Days, Micros, Misread},
    cell::{CellRule, Certainty, Reading},
    exact,
    fault::{Fault, quoted},
    kind::{Kind, Limits, Times, Words},
    number::{self, Misfit, Number, Style},
    zone::DayOffsets,
};
use crate::{define::project::Scale, record::DecimalMark};

/// A cell that is no value: index of the row among those read, and why.
pub(super) type CellFault = (usize, Fault);

impl Kind {
    /// Reads one text; says why it is no value of this kind.
    pub fn check(&self, text: &str, reading: Reading) -> Result<(), Fault> {
        match self {
            Self::Text(limits) => limits.check(text),
            Self::Boolean(words) => boolean(text, words).map(drop),
            Self::Int => whole::<i32>(text, reading, "INT").map(drop),
            Self::BigInt => whole::<i64>(text, reading, "BIGINT").map(drop),
            Self::Double => double(text, reading).map(drop),
            Self::Decimal { precision, scale } => decimal(text, reading, *precision, *scale).map(drop),
            Self::Date(times) => date(text, times).map(drop),
            Self::Timestamp(times) => timestamp(text, times).map(drop),
        }
    }

    /// Returns whether a text is canonical with one of the marks, so that it may be read without asking the cell rule.
    pub fn is_exact(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self {
            Self::Text(_) | Self::Boolean(_) => false,
            Self::Int | Self::BigInt | Self::Double | Self::Decimal { .. } => {
                exact::figure(bytes, b'.').or_else(|| exact::figure(bytes, b',')).is_some()
            }
            Self::Date(_) => exact::day(bytes).is_some(),
            Self::Timestamp(_) => exact::second(bytes).is_some(),
        }
    }

    /// Reads a column's cells.
    pub fn read<'a>(
        &self,
        rule: &CellRule,
        reading: Reading,
        cells: impl ExactSizeIterator<Item = Option<&'a str>>,
    ) -> (ArrayRef, Vec<CellFault>) {
        let takes_exact = reading.scale == Scale::ONE && rule.takes_exact(|word| self.is_exact(word));
        let figure = |text: &str| figure(text, reading);
        let column = Cells { rule, reading, takes_exact, texts: cells };
        match self {
            Self::Text(limits) => column.strings(limits),
            Self::Boolean(words) => column.booleans(words),
            Self::Int => column.primitive::<Int32Type>(
                &DataType::Int32,
                |text| i32::try_from(figure(text)?.whole()?).ok(),
                |text, how| whole(text, how, "INT"),
            ),
            Self::BigInt => column.primitive::<Int64Type>(
                &DataType::Int64,
                |text| figure(text)?.whole(),
                |text, how| whole(text, how, "BIGINT"),
            ),
            Self::Double => column.primitive::<Float64Type>(&DataType::Float64, |text| figure(text)?.double(), double),
            Self::Decimal { precision, scale } => column.decimals(*precision, *scale),
            Self::Date(times) => column.primitive::<Date32Type>(
                &DataType::Date32,
                |text| exact::day(text.as_bytes()),
                |text, _| date(text, times),
            ),
            Self::Timestamp(times) => column.timestamps(times),
        }
    }
}

struct Cells<'r, I> {
    rule: &'r CellRule,
    reading: Reading,
    /// Whether a canonical text is the value, whatever the rule says.
    takes_exact: bool,
    texts: I,
}

impl<'a, I: ExactSizeIterator<Item = Option<&'a str>>> Cells<'_, I> {
    fn primitive<T: ArrowPrimitiveType>(
        self,
        data_type: &DataType,
        mut exact: impl FnMut(&str) -> Option<T::Native>,
        parse: impl Fn(&str, Reading) -> Result<T::Native, Fault>,
    ) -> (ArrayRef, Vec<CellFault>) {
        let mut values = PrimitiveBuilder::<T>::with_capacity(self.texts.len()).with_data_type(data_type.clone());
        let mut faults = Vec::new();
        // The last text that had to be read the long way: neighbours are often the same.
        let mut last: Option<(&str, T::Native)> = None;
        for (row, cell) in self.texts.enumerate() {
            let direct = cell.filter(|_| self.takes_exact).and_then(&mut exact);
            let known = || last.filter(|(text, _)| cell == Some(*text)).map(|(_, value)| value);
            if let Some(value) = direct.or_else(known) {
                values.append_value(value);
                continue;
            }
            let text = self.rule.value(cell, self.reading);
            match text.and_then(|text| text.map(|(text, how)| parse(&text, how)).transpose()) {
                Ok(value) => {
                    last = cell.zip(value);
                    values.append_option(value);
                }
                Err(fault) => {
                    values.append_null();
                    faults.push((row, fault));
                }
            }
        }
        (Arc::new(values.finish()), faults)
    }

    fn decimals(self, precision: u8, scale: i8) -> (ArrayRef, Vec<CellFault>) {
        let reading = self.reading;
        let decimals = usize::try_from(scale).unwrap_or(0);
        self.primitive::<Decimal128Type>(
            &DataType::Decimal128(precision, scale),
            |text| figure(text, reading)?.rescale(precision, decimals),
            |text, how| decimal(text, how, precision, scale),
        )
    }

    fn timestamps(self, times: &Times) -> (ArrayRef, Vec<CellFault>) {
        let mut offsets = DayOffsets::of(times.zone);
        self.primitive::<TimestampMicrosecondType>(
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            |text| {
                let (day, second) = exact::second(text.as_bytes())?;
                offsets.instant(day, second)
            },
            |text, _| timestamp(text, times),
        )
    }

    fn booleans(self, words: &Words) -> (ArrayRef, Vec<CellFault>) {
        let mut values = BooleanBuilder::with_capacity(self.texts.len());
        let mut faults = Vec::new();
        for (row, cell) in self.texts.enumerate() {
            let text = self.rule.value(cell, self.reading);
            let value = text.and_then(|text| text.map(|(text, _)| boolean(&text, words)).transpose());
            values.append_option(value.unwrap_or_else(|fault| {
                faults.push((row, fault));
                None
            }));
        }
        (Arc::new(values.finish()), faults)
    }

    fn strings(self, limits: &Limits) -> (ArrayRef, Vec<CellFault>) {
        let mut values = StringBuilder::with_capacity(self.texts.len(), self.texts.len() * 16);
        let mut faults = Vec::new();
        let is_free = limits.are_none();
        for (row, cell) in self.texts.enumerate() {
            if let Some(text) = cell.filter(|_| is_free).and_then(|cell| self.rule.as_it_stands(cell)) {
                values.append_value(text);
                continue;
            }
            let checked = self.rule.value(cell, self.reading).and_then(|value| {
                value.as_ref().map_or(Ok(()), |(text, _)| limits.check(text))?;
                Ok(value)
            });
            match checked {
                Ok(value) => values.append_option(value.map(|(text, _)| text)),
                Err(fault) => {
                    values.append_null();
                    faults.push((row, fault));
                }
            }
        }
        (Arc::new(values.finish()), faults)
    }
}

fn boolean(text: &str, words: &Words) -> Result<bool, Fault> {
    let unknown = || Fault::of_type(format!("{} is neither a true word nor a false word", quoted(text)));
    words.meaning(text).ok_or_else(unknown)
}

/// Reads a canonical number; none with three decimals where the mark is assumed, because those may be thousands.
fn figure(text: &str, reading: Reading) -> Option<exact::Figure> {
    let figure = exact::figure(text.as_bytes(), reading.style.point())?;
    (reading.certainty != Certainty::Assumed || figure.decimals != 3).then_some(figure)
}

fn whole<T: TryFrom<i128> + PartialEq>(text: &str, reading: Reading, name: &str) -> Result<T, Fault> {
    let read = |style| Number::read(text, style)?.whole(reading.scale);
    with_mark(text, reading, read, |misfit| misfit_fault(misfit, text, reading, name, 0))
}

fn decimal(text: &str, reading: Reading, precision: u8, scale: i8) -> Result<i128, Fault> {
    let read = |style| Number::read(text, style)?.rescale(reading.scale, precision, i64::from(scale));
    let name = || format!("DECIMAL({precision},{scale})");
    with_mark(text, reading, read, |misfit| misfit_fault(misfit, text, reading, &name(), scale))
}

fn double(text: &str, reading: Reading) -> Result<f64, Fault> {
    let read = |style| number::read_double(text, style, reading.scale);
    with_mark(text, reading, read, |misfit| misfit_fault(misfit, text, reading, "DOUBLE", 0))
}

/// Reads a number with its decimal mark. Where that is assumed, a text that is another number with the other mark is a
/// fault; where only the other one makes a number of it, the fault says so.
fn with_mark<T: PartialEq>(
    text: &str,
    reading: Reading,
    read: impl Fn(Style) -> Result<T, Misfit>,
    fault: impl Fn(Misfit) -> Fault,
) -> Result<T, Fault> {
    let value = read(reading.style);
    let is_settled = match reading.certainty {
        Certainty::Declared => true,
        Certainty::BesideNumbers => exact::figure(text.as_bytes(), b'.').is_none(),
        Certainty::Found => value != Err(Misfit::NotANumber),
        Certainty::Assumed => false,
    };
    if is_settled {
        return value.map_err(fault);
    }
    let (mark, other) = match reading.style.mark {
        DecimalMark::Point => ("point", "comma"),
        DecimalMark::Comma => ("comma", "point"),
    };
    let shown = quoted(text);
    let is_own = reading.certainty == Certainty::BesideNumbers;
    match (value, read(reading.style.swapped())) {
        (Err(Misfit::NotANumber), own) if is_own => own.map_err(fault),
        (value, own) if is_own && value.is_ok() && value.as_ref().ok() != own.as_ref().ok() => {
            Err(Fault::of_type(format!(
                "{shown} may have three decimals or none: the file's numbers have a point, the column's texts a comma; say \
             `decimal_mark: point` if all its cells are numbers"
            )))
        }
        (Err(Misfit::NotANumber), Ok(_) | Err(Misfit::Precision | Misfit::Overflow)) => Err(Fault::of_type(format!(
            "{shown} is not a number with the file's decimal {mark}; say `decimal_mark: {other}` if it has a {other}"
        ))),
        (value, Ok(swapped)) if value.as_ref() != Ok(&swapped) => Err(Fault::of_type(format!(
            "{shown} may have three decimals or none, no number of the file shows it; say `decimal_mark`"
        ))),
        (value, _) => value.map_err(fault),
    }
}

fn misfit_fault(misfit: Misfit, text: &str, reading: Reading, name: &str, scale: i8) -> Fault {
    let Scale { multiply, divide } = reading.scale;
    let times = if multiply == 1 { String::new() } else { format!(" × {multiply}") };
    let factor = if divide == 1 { times } else { format!("{times} ÷ {divide}") };
    let shown = quoted(text);
    match misfit {
        Misfit::NotANumber => Fault::of_type(format!("{shown} is not a number")),
        Misfit::Overflow => Fault::overflow(format!("{shown}{factor} does not fit {name}")),
        Misfit::Precision if scale == 0 => Fault::precision(format!("{shown}{factor} is not a whole number")),
        Misfit::Precision => Fault::precision(format!("{shown}{factor} has more than {scale} decimals")),
    }
}

fn date(text: &str, times: &Times) -> Result<Days, Fault> {
    let (moment, is_declared) =
        calendar::read(text, &times.formats).map_err(|misread| misread_fault(misread, text, "date", times))?;
    // A declared format with hours says that the day is wanted; an ISO text with hours may be another column's.
    if is_declared || moment.is_midnight() {
        Ok(moment.days(times.zone))
    } else {
        Err(Fault::of_type(format!("{} has a time of day", quoted(text))))
    }
}

fn timestamp(text: &str, times: &Times) -> Result<Micros, Fault> {
    let instant = calendar::read(text, &times.formats).and_then(|(moment, _)| moment.instant(times.zone));
    instant.map_err(|misread| misread_fault(misread, text, "timestamp", times))
}

fn misread_fault(misread: Misread, text: &str, what: &str, times: &Times) -> Fault {
    let shown = quoted(text);
    match misread {
        Misread::TooFine => Fault::precision(format!("{shown} is finer than microseconds")),
        Misread::Impossible(why) => Fault::of_type(format!("{shown}: {why}")),
        Misread::Foreign => {
            let known: Vec<String> = times.formats.iter().map(|(format, _)| format!("`{format}`")).collect();
            let known = std::iter::once("`2024-01-31`".to_owned()).chain(known).collect::<Vec<_>>().join(" or ");
            Fault::of_type(format!("{shown} is not a {what} like {known}"))
        }
    }
}
