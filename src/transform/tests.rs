//! Tests of what is rebuilt: the proof against full results, and the form of a plan against how it was written.

mod definition;
mod faults;
mod incremental;
mod lineage;
mod models;
mod speed;
mod world;
