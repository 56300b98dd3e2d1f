//! Aggregates over DOUBLE whose result depends on nothing but the values: not on their order, not on how many threads
//! shared them.
//!
//! ```text
//!  values ─ sum.rs: fixed point, no digit lost ─► integers ─ ratio.rs: one division, rounded once ─► DOUBLE
//! ```
//!
//! A sum of doubles depends on their order because every addition rounds. Here nothing is rounded before the end: sums of
//! values, of squares and of products are kept exactly (`sum.rs`), what is asked for is a ratio of integers, and that is
//! rounded once (`ratio.rs`). So files are equal byte for byte at any number of threads.

mod gathered;
mod groups;
mod moments;
mod quantile;
mod ratio;
mod sum;

use datafusion::logical_expr::AggregateUDF;

use super::{Description, Example, Kind};

/// Returns the aggregates.
pub(super) fn aggregates() -> Vec<AggregateUDF> {
    let moments = moments::Question::ALL.map(|question| AggregateUDF::new_from_impl(moments::Moments::new(question)));
    moments.into_iter().chain([AggregateUDF::new_from_impl(quantile::Quantile::new())]).collect()
}

const LEFT_OUT: &str = "Rows with a NULL are left out; NULL without rows. NaN in gives NaN.";

/// What is said of the aggregates.
pub(super) const DESCRIPTIONS: [Description; 6] = [
    Description {
        name: "exact_sum",
        kind: Kind::Aggregate,
        signature: "exact_sum(x DOUBLE) → DOUBLE",
        text: "The double nearest to the sum. `sum` of doubles rounds at every step, so its last digits depend on the order of rows and on the number of threads.",
        nulls: LEFT_OUT,
        examples: &[
            Example { sql: "SELECT exact_sum(x) FROM (VALUES (0.1), (0.2), (0.3)) AS t(x)", answer: "0.6" },
            Example { sql: "SELECT exact_sum(x) FROM (VALUES (1e300), (1.0), (-1e300)) AS t(x)", answer: "1.0" },
        ],
    },
    Description {
        name: "exact_avg",
        kind: Kind::Aggregate,
        signature: "exact_avg(x DOUBLE) → DOUBLE",
        text: "The double nearest to the mean, whatever the order of rows.",
        nulls: LEFT_OUT,
        examples: &[Example {
            sql: "SELECT exact_avg(x) FROM (VALUES (1.0), (2.0), (4.0), (NULL)) AS t(x)",
            answer: "2.3333333333333335",
        }],
    },
    Description {
        name: "exact_stddev",
        kind: Kind::Aggregate,
        signature: "exact_stddev(x DOUBLE) → DOUBLE",
        text: "The standard deviation of a sample (n − 1), whatever the order of rows: the root of the double nearest to the variance.",
        nulls: "Rows with a NULL are left out; NULL with fewer than two. NaN in gives NaN.",
        examples: &[Example {
            sql: "SELECT exact_stddev(x) FROM (VALUES (2.0), (4.0), (4.0), (6.0)) AS t(x)",
            answer: "1.632993161855452",
        }],
    },
    Description {
        name: "exact_corr",
        kind: Kind::Aggregate,
        signature: "exact_corr(y DOUBLE, x DOUBLE) → DOUBLE",
        text: "Pearson's correlation, whatever the order of rows; between −1 and 1.",
        nulls: "Pairs with a NULL are left out; NULL with fewer than two, or where one side is constant. NaN in gives NaN.",
        examples: &[
            Example {
                sql: "SELECT exact_corr(y, x) FROM (VALUES (2.0, 1.0), (4.0, 2.0), (6.0, 3.0)) AS t(y, x)",
                answer: "1.0",
            },
            Example {
                sql: "SELECT exact_corr(y, x) IS NULL FROM (VALUES (2.0, 1.0), (4.0, 1.0)) AS t(y, x)",
                answer: "true",
            },
        ],
    },
    Description {
        name: "linear_slope",
        kind: Kind::Aggregate,
        signature: "linear_slope(y DOUBLE, x DOUBLE) → DOUBLE",
        text: "The slope of the least-squares line of y over x, that is the change of y for each unit of x, whatever the order of rows. For a trend over periods let x count them: `12 * date_part('year', month) + date_part('month', month)`.",
        nulls: "Pairs with a NULL are left out; NULL with fewer than two, or where all x are equal. NaN in gives NaN.",
        examples: &[
            Example {
                sql: "SELECT linear_slope(y, x) FROM (VALUES (10.0, 1.0), (12.0, 2.0), (11.0, 3.0), (15.0, 4.0)) AS t(y, x)",
                answer: "1.4",
            },
            Example {
                sql: "SELECT linear_slope(y, x) IS NULL FROM (VALUES (10.0, 1.0), (NULL, 2.0)) AS t(y, x)",
                answer: "true",
            },
        ],
    },
    Description {
        name: "exact_quantile",
        kind: Kind::Aggregate,
        signature: "exact_quantile(x DOUBLE, p DOUBLE) → DOUBLE",
        text: "The p-quantile between the two nearest values, linear between them (as `PERCENTILE_CONT` of the SQL standard), with p taken as the decimal number that is written: the double nearest to the exact value. DataFusion's `percentile_cont` rounds the place between two values to a millionth. p is a literal from 0 to 1.",
        nulls: "Rows with a NULL are left out; NULL without rows. NaN counts as larger than every number.",
        examples: &[
            Example {
                sql: "SELECT exact_quantile(x, 0.9) FROM (VALUES (1.0), (2.0), (3.0), (4.0)) AS t(x)",
                answer: "3.7",
            },
            Example {
                sql: "SELECT exact_quantile(x, 0.5) FROM (VALUES (3.0), (1.0), (NULL), (2.0)) AS t(x)",
                answer: "2.0",
            },
        ],
    },
];
