//! In which order rows are shown.

pub mod keys;
mod sort;
mod windows;

pub use sort::sort;
pub use windows::{WindowsKey, windows_key, windows_order};
