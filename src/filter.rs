//! Which rows are wanted.

use crate::socket::Socket;

/// What a row has to be like. The default wants every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {}

impl Filter {
    /// Whether the row itself, without its owners, is wanted.
    pub fn admits(&self, _socket: &Socket) -> bool {
        true
    }
}
