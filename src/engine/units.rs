//! Parts of a date that `date_trunc` and `date_part` take: the engine asks for them only when it runs.
//!
//! In: a planned call. Out: its first argument, where that is a text with which the function cannot be carried out. The function itself
//! is asked, so that nothing is refused that it takes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::{
    common::ScalarValue,
    config::ConfigOptions,
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, expr::ScalarFunction},
};

/// Functions whose first argument names a part of a date.
const ASKED: [&str; 2] = ["date_trunc", "date_part"];

/// Parts that both functions take, and that people mean.
pub const COMMON: [&str; 8] = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"];

/// Returns what a call asks for and cannot have.
#[must_use]
pub fn unknown(call: &ScalarFunction) -> Option<String> {
    let name = call.func.name();
    if !ASKED.contains(&name) {
        return None;
    }
    let Expr::Literal(value, _) = call.args.first()? else { return None };
    let unit = value.try_as_str().flatten()?;
    (!is_taken(call, unit)).then(|| unit.to_owned())
}

/// Carries a call out for one moment.
fn is_taken(call: &ScalarFunction, unit: &str) -> bool {
    let moment = ScalarValue::TimestampMicrosecond(Some(0), None);
    let types = [DataType::Utf8, DataType::Timestamp(TimeUnit::Microsecond, None)];
    let field = |name: &str, data_type: DataType| Arc::new(Field::new(name, data_type, true));
    let asked = ScalarFunctionArgs {
        args: vec![ColumnarValue::Scalar(ScalarValue::from(unit)), ColumnarValue::Scalar(moment)],
        arg_fields: types.map(|data_type| field("argument", data_type)).to_vec(),
        number_rows: 1,
        return_field: field("result", DataType::Timestamp(TimeUnit::Microsecond, None)),
        config_options: Arc::new(ConfigOptions::default()),
    };
    // Past the check that the result is of the declared type, which nobody reads.
    call.func.inner().invoke_with_args(asked).is_ok()
}
