//! `format: { type: fixed_width, … }`: as written → as validated.
//!
//! In: the options. Out: columns with names of their own and places that exist. Columns may leave gaps and may overlap:
//! a code is often a part of a number that is a column as well. Deliberately detects nothing.

use std::ops::Range;

use super::{
    file::{self, FormatOptions},
    findings::Findings,
    format::{encoding, header_row},
    project::{FixedColumn, FixedWidthOptions},
    spans::At,
};

/// Checks the options of text in columns of fixed width.
pub(super) fn fixed_width(
    options: FormatOptions,
    range: &Range<usize>,
    findings: &mut Findings,
) -> Option<FixedWidthOptions> {
    let encoding = encoding(options.encoding.as_ref(), findings);
    let header_row = header_row(options.header_row.as_ref(), findings);
    let written = findings.required(options.columns, range, "columns", "[{ name: dealer, start: 1, width: 8 }]")?;
    if written.value.is_empty() {
        findings.error(&written.range, "`columns` is empty", "write `[{ name: dealer, start: 1, width: 8 }]`");
    }
    let mut columns: Vec<FixedColumn> = Vec::with_capacity(written.value.len());
    for written in written.value {
        let column = column(written, findings)?;
        columns.push(column);
    }
    let by = options.by.map_or_else(Default::default, |by| by.value);
    Some(FixedWidthOptions { columns, by, encoding, header_row })
}

fn column(written: At<file::FixedColumn>, findings: &mut Findings) -> Option<FixedColumn> {
    let At { value, range } = written;
    let name = findings.required(value.name, &range, "name", "dealer");
    let start = findings.required(value.start, &range, "start", "1");
    if let Some(start) = start.as_ref().filter(|start| start.value == 0) {
        findings.error(&start.range, "`start` is 0", "places are counted from 1");
    }
    if let Some(width) = value.width.as_ref().filter(|width| width.value == 0) {
        findings.error(&width.range, "`width` is 0", "leave it out for a column that ends with the line");
    }
    Some(FixedColumn { name: name?.value, start: start?.value, width: value.width.map(|width| width.value) })
}
