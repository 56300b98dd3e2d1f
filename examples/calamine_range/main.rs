//! Reads the sheets of workbooks with calamine's own range reader, as the yardstick of the workbook bench.
//!
//! In: paths. Out: the number of cells that are not empty. Checks and converts nothing.

#![allow(clippy::print_stdout, reason = "an example for the terminal")]

use std::{env, error::Error};

use calamine::{Reader as _, open_workbook_auto};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cells = 0;
    for path in env::args_os().skip(1) {
        let mut workbook = open_workbook_auto(path)?;
        for (_, range) in workbook.worksheets() {
            cells += range.used_cells().count();
        }
    }
    println!("{cells} cells");
    Ok(())
}
