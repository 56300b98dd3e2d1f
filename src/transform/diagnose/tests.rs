//! Models with one planted mistake each: exactly one error, at the place, and mended by its own hint where it has one.

mod clashes;
mod forms;
mod ignored;
mod once;
mod planted;
mod shipped;
pub(super) mod world;
