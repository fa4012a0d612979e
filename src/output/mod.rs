//! What every report needs to become text: escapes, widths, line endings, colour.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod addresses;
pub mod color;
pub mod csv;
pub mod escape;
pub mod json;
pub mod line_ending;
pub mod ordered_chunks;
pub mod progress;
pub mod stdout;
pub mod terminal;
pub mod width;
pub mod wrap;
