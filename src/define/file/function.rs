//! The header of a function in SQL as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Cell;
use crate::define::spans::{At, Pairs};

/// The YAML header of a function in SQL, between `/* ---` and `--- */` at the start of the file. Every key is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What the function returns. Left out: the comment above the function.
    pub description: Option<String>,
    /// Calls of the function, each with the value that it returns: `margin_rate(100, 75): 0.25`. `tallyhouse test` makes the calls,
    /// `tallyhouse functions` shows them.
    #[serde(default)]
    pub examples: Pairs<At<Cell>>,
}
