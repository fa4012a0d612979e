//! What a snapshot looks like: each view writes bytes and knows nothing of the system that they came from.

pub mod connections;
