//! The columns of a columnar file as a contract sees them: leaves of structs by path, everything else as one cell.
//!
//! In: a schema and the names that a contract knows. Out: the header, which columns of the file are read, and rows of
//! text. A struct is a column by itself where the contract names it, as compact JSON. Deliberately ignorant of formats.

use std::{collections::HashSet, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, Field, SchemaRef},
};

use super::cell::{self, Writer};
use crate::{
    extract::{Hints, header::fold},
    record::RawBatch,
};

/// Structs deeper than this stay one cell.
const DEPTH: usize = 32;

/// The most text of one piece; rows beyond it are faults, and only values repeated by reference can get there.
const TEXT_BYTES: usize = 1 << 30;

/// What is read of a file, and under which names.
pub(super) struct Columns {
    /// Names of all columns, also of those that are not read.
    pub header: Vec<String>,
    /// Columns of the file that are read, ascending.
    pub roots: Vec<usize>,
    /// For each name of the header the way to its values, if it is read.
    paths: Vec<Option<Path>>,
}

/// The way to a column: among the columns that are read, then among the fields of structs.
#[derive(Debug, Clone)]
struct Path {
    root: usize,
    fields: Vec<usize>,
    /// What the file says of the column there.
    field: Arc<Field>,
}

impl Columns {
    /// Chooses the columns: all of them without names to look for.
    pub(super) fn new(schema: &SchemaRef, hints: &Hints) -> Self {
        let names: HashSet<String> = hints.names.iter().map(|name| fold(name)).collect();
        let is_wanted = |name: &str| names.is_empty() || names.contains(&fold(name));
        let mut leaves = Leaves { names: &names, found: Vec::new() };
        for (root, field) in schema.fields().iter().enumerate() {
            leaves.walk(field.name().clone(), Path { root, fields: Vec::new(), field: Arc::clone(field) });
        }
        let mut roots: Vec<usize> =
            leaves.found.iter().filter(|(name, _)| is_wanted(name)).map(|(_, path)| path.root).collect();
        roots.dedup();
        let read = |(name, path): &(String, Path)| {
            let root = roots.binary_search(&path.root).ok().filter(|_| is_wanted(name))?;
            Some(Path { root, ..path.clone() })
        };
        let paths = leaves.found.iter().map(read).collect();
        let header = leaves.found.into_iter().map(|(name, _)| name).collect();
        Self { header, roots, paths }
    }

    /// Writes rows as text; the first of them is row `line` of the file.
    pub(super) fn to_text(&self, records: &RecordBatch, line: u64) -> RawBatch {
        let arrays: Vec<Option<Values<'_>>> =
            self.paths.iter().map(|path| path.as_ref().and_then(|path| Values::at(records, path))).collect();
        let writers: Vec<Option<Writer<'_>>> =
            arrays.iter().map(|values| values.as_ref().map(Values::writer)).collect();
        let mut text = String::new();
        let mut cells: Vec<Option<Range<usize>>> = Vec::with_capacity(records.num_rows() * self.paths.len());
        let mut rows = Vec::with_capacity(records.num_rows());
        for row in 0..records.num_rows() {
            let start = text.len();
            for (column, (values, writer)) in arrays.iter().zip(&writers).enumerate() {
                if column > 0 {
                    text.push('\t');
                }
                let is_value = text.len() < TEXT_BYTES && values.as_ref().is_some_and(|values| !values.is_null(row));
                let writer = writer.as_ref().filter(|_| is_value);
                let begin = text.len();
                cells.push(writer.map(|write| {
                    write(row, &mut text);
                    begin..text.len()
                }));
            }
            let fault = (text.len() >= TEXT_BYTES).then_some(crate::record::RawFault::Shape(0, self.paths.len()));
            rows.push((start..text.len(), fault));
        }
        let mut batch = RawBatch::over(text);
        let mut cells = cells.into_iter();
        for ((raw, fault), line) in rows.into_iter().zip(line..) {
            cells.by_ref().take(self.paths.len()).for_each(|cell| batch.push_cell(cell));
            batch.end_row(line, raw, fault);
        }
        batch
    }
}

/// Collects the columns below a field.
struct Leaves<'a> {
    names: &'a HashSet<String>,
    found: Vec<(String, Path)>,
}

impl Leaves<'_> {
    fn walk(&mut self, name: String, path: Path) {
        let field = Arc::clone(&path.field);
        let DataType::Struct(fields) = field.data_type() else { return self.found.push((name, path)) };
        let is_leaf = fields.is_empty() || path.fields.len() == DEPTH;
        if is_leaf || self.names.contains(&fold(&name)) {
            self.found.push((name.clone(), path.clone()));
        }
        if is_leaf {
            return;
        }
        for (index, field) in fields.iter().enumerate() {
            let mut path = Path { field: Arc::clone(field), ..path.clone() };
            path.fields.push(index);
            self.walk(format!("{name}.{}", field.name()), path);
        }
    }
}

/// A column's values, and the structs around them, of which each may be NULL.
struct Values<'a> {
    array: ArrayRef,
    around: Vec<ArrayRef>,
    field: &'a Field,
}

impl<'a> Values<'a> {
    fn at(records: &RecordBatch, path: &'a Path) -> Option<Self> {
        let mut array = Arc::clone(records.columns().get(path.root)?);
        let mut around = Vec::new();
        for field in &path.fields {
            let inner = Arc::clone(array.as_struct_opt()?.columns().get(*field)?);
            around.push(array);
            array = inner;
        }
        around.retain(|array| array.null_count() > 0);
        Some(Self { array, around, field: &path.field })
    }

    fn writer(&self) -> Writer<'_> {
        cell::writer(self.array.as_ref(), self.field)
    }

    fn is_null(&self, row: usize) -> bool {
        cell::is_null(self.array.as_ref(), row) || self.around.iter().any(|array| array.is_null(row))
    }
}
