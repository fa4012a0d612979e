//! How what is known becomes text.

pub mod addresses;
pub mod pieces;
pub mod text;
