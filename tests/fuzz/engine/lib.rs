//! The names under which `record` asks for DataFusion's values, without its planner and executor.

pub mod common {
    pub use datafusion_common::*;
}

pub mod error {
    pub use datafusion_common::{DataFusionError, error::Result};
}
