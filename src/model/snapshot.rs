//! One moment of one machine: rows, owners, and what could not be had.

use crate::model::details::Details;
use crate::model::owners::Owners;
use crate::model::problem::Problem;
use crate::model::socket::Socket;
use std::collections::HashMap;

/// What the operating system answered.
///
/// Rows are addressed by their position in `sockets`, which never changes: filters and orders are lists of positions.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The rows, in the order in which the system gave them.
    pub sockets: Vec<Socket>,
    /// Who holds them.
    pub owners: Owners,
    /// What more was asked for about each row, at the row's position; empty where nothing was.
    pub details: Vec<Details>,
    /// The service that made the socket at a position, where that was asked for and the system tells it.
    pub services: HashMap<u32, Box<str>>,
    /// What is missing from the two, and why.
    pub problems: Vec<Problem>,
}
