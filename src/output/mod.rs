//! How what is known becomes text.

pub mod addresses;
pub mod cells;
pub mod csv;
pub mod json;
pub mod lines;
pub mod pieces;
pub mod progress;
pub mod terminal;
pub mod text;
pub mod time;
