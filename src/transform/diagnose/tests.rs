//! Models with one planted mistake each: exactly one error, at the place, and mended by its own hint where it has one.

mod clashes;
mod forms;
mod once;
mod planted;
mod shipped;
mod world;
