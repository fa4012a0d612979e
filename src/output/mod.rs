//! How what is known becomes text.

pub mod addresses;
pub mod cells;
pub mod csv;
pub mod escape;
pub mod json;
pub mod lines;
pub mod ordered_chunks;
pub mod progress;
pub mod terminal;
pub mod time;
