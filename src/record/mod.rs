//! The words that cross from one stage to the next.
//!
//! In → out: nothing is computed here. A stage returns these types and the next one takes them, so that no stage has to
//! know another. Deliberately absent: I/O, DataFusion sessions, and anything that only one stage needs.

pub mod check_result;
pub mod csv;
pub mod diagnostic;
pub mod manifest;
pub mod operator;
pub mod origin;
pub mod quantity;
pub mod raw;
pub mod rejection;
pub mod shape;
pub mod sql;
pub mod stored;
pub mod table;
pub mod test_result;
pub mod text;

pub use check_result::{CheckFailure, CheckResult, MeasurePoint};
pub use diagnostic::{Diagnostic, Severity};
pub use manifest::Manifest;
pub use operator::{Cost, Measured, Operator, PartPlan, QueryPlan};
pub use origin::Origin;
pub use quantity::Quantity;
pub use raw::RawBatch;
pub use rejection::Rejection;
pub use shape::{DecimalMark, FileShape, LineCount, MarkFrom, RawFault, SkippedLines};
pub use stored::StoredAt;
pub use table::{PartitionValues, TableName};
pub use test_result::TestResult;
pub use text::{Place, Placed, Text};
