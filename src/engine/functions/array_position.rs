//! `array_position` of the engine, faster where the list is a literal, as in the order of stages: the engine compares the list of each row
//! with the value of that row, and takes more time for it than for all else of a plain copy. Here each entry of the one list is
//! compared with a whole column.
//!
//! In: the engine's function. Out: one that answers the same to everything.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ListArray, Scalar, UInt64Array},
    buffer::NullBuffer,
    compute::kernels::cmp::not_distinct,
    datatypes::DataType,
};
use datafusion::{
    common::ScalarValue,
    error::Result,
    logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

/// What the engine calls the function.
pub(super) const NAME: &str = "array_position";

/// Returns a function that answers what the engine's does.
pub(super) fn faster(engines: Arc<ScalarUDF>) -> ScalarUDF {
    ScalarUDF::new_from_impl(ArrayPosition { engines })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayPosition {
    engines: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for ArrayPosition {
    fn name(&self) -> &str {
        self.engines.name()
    }

    fn aliases(&self) -> &[String] {
        self.engines.aliases()
    }

    fn signature(&self) -> &Signature {
        self.engines.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engines.inner().return_type(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(ScalarValue::List(list)), ColumnarValue::Array(column)]
                if is_plain(list, column) =>
            {
                Ok(ColumnarValue::Array(Arc::new(positions(&list.value(0), column)?)))
            }
            _ => self.engines.invoke_with_args(args),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engines.documentation()
    }
}

/// Returns whether a list and a column are of one type whose values can be compared at once.
fn is_plain(list: &ListArray, column: &ArrayRef) -> bool {
    let data_type = column.data_type();
    list.len() == 1 && list.is_valid(0) && list.values().data_type() == data_type && !data_type.is_nested()
}

/// Returns at which place, from 1, the value of each row stands first in a list; NULL is a value like any other.
fn positions(list: &ArrayRef, column: &ArrayRef) -> Result<UInt64Array> {
    let mut places = vec![0; column.len()];
    for entry in (0..list.len()).rev() {
        let is_entry = not_distinct(column, &Scalar::new(list.slice(entry, 1)))?;
        is_entry.values().set_indices().for_each(|row| places[row] = entry as u64 + 1);
    }
    let is_found: NullBuffer = places.iter().map(|place| *place > 0).collect();
    Ok(UInt64Array::new(places.into(), Some(is_found)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;

    use crate::engine::{Engine, Settings};

    async fn answer(session: &SessionContext, sql: &str) -> String {
        let rows = session.sql(sql).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&rows).unwrap().to_string()
    }

    #[tokio::test]
    async fn it_answers_what_the_engines_own_does() {
        let (stock, ours) = (
            SessionContext::new(),
            Engine::new(Settings { threads: 1, memory_limit_bytes: 1 << 28, spill_folder: None })
                .unwrap()
                .session([])
                .unwrap(),
        );
        let texts = "(VALUES ('a', 3), ('b', NULL), (NULL, 1), ('c', 2), ('甲', 3)) AS t(text, number)";
        for call in [
            "array_position(['b', 'a', 'b', '甲'], text)",
            "list_position(['b', NULL], text)",
            "array_position([3, 2, 3], number)",
            "array_position([2, NULL], CAST(number AS BIGINT))",
            "array_position(['b', 'a', 'b'], text, 2)",
            "array_position(CAST(NULL AS VARCHAR[]), text)",
            "array_position([text, 'b'], text)",
            "array_position(['b', 'a'], 'a')",
            "array_position([[1], [2]], [number])",
        ] {
            let sql = format!("SELECT {call} FROM {texts}");
            assert_eq!(answer(&ours, &sql).await, answer(&stock, &sql).await, "{call}");
        }
    }
}
