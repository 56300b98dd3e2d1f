//! Storage: the only module that touches files, through `object_store` wherever that can do it.

pub mod content;
pub mod definitions;
pub mod hashing;
pub mod local;
pub mod memo;
pub mod output;
pub mod pack;
pub mod read;
pub mod revision;
pub mod seal;
pub mod vault;
