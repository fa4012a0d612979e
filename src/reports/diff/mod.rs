//! What is different between two documents (`--diff`): a pure function of both.

pub mod compare;
pub mod json;
pub mod recorded;
#[cfg(test)]
mod tests;
pub mod text;
