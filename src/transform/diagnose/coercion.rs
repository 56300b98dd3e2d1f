//! Which types go together in a comparison, a CASE or a UNION, by the rules of the engine, and without a silent cast of a text.

use arrow::datatypes::DataType;
use datafusion::logical_expr::type_coercion::binary::{comparison_coercion, type_union_coercion};

use crate::engine::clash::clashes;

/// Returns whether two types compare.
pub(super) fn compares(left: &DataType, right: &DataType) -> bool {
    !clashes(left, right) && comparison_coercion(left, right).is_some()
}

/// Returns the type that values of all these types get in one column.
pub(super) fn united<'a>(types: impl IntoIterator<Item = &'a DataType>) -> Option<DataType> {
    let mut types = types.into_iter();
    let first = types.next()?.clone();
    types.try_fold(first, |all, next| both(&all, next))
}

/// Returns the type that values of both get in one column.
fn both(left: &DataType, right: &DataType) -> Option<DataType> {
    if clashes(left, right) { None } else { type_union_coercion(left, right) }
}

/// Returns the one without which the others have a common type, the last of several, and that type; None where all have one.
pub(super) fn odd_one(types: &[DataType]) -> Option<(usize, DataType)> {
    if types.is_empty() || united(types).is_some() {
        return None;
    }
    let without = |at: usize| united(types.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, one)| one));
    (0..types.len()).rev().find_map(|at| without(at).map(|expected| (at, expected))).or_else(|| {
        // Several differ: the first that does not go with what stands before it.
        (1..types.len()).find_map(|at| {
            let before = united(&types[..at])?;
            both(&before, &types[at]).is_none().then_some((at, before))
        })
    })
}

/// Returns whether a value of one type can be cast to another.
pub(super) fn is_castable(from: &DataType, to: &DataType) -> bool {
    arrow::compute::can_cast_types(from, to)
}
