//! How what is known becomes text.

pub mod text;
