//! What unpacking promises.
