//! In which order rows are shown.

pub mod keys;
mod windows;

pub use keys::{Key, SortKey, UnknownKey, sort};
pub use windows::windows_order;
