//! What happens to sockets while they are watched (`--events`): a function of the events.

pub mod json;
#[cfg(test)]
mod tests;
pub mod text;
