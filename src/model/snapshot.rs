//! One moment of one machine: rows, owners, and what could not be had.

use crate::model::details::Details;
use crate::model::owners::{Owners, Refused};
use crate::model::problem::Problem;
use crate::model::socket::Socket;
use std::collections::HashMap;

/// What the operating system answered.
///
/// Rows are addressed by their position in `sockets`, which never changes: filters and orders are lists of positions.
#[derive(Debug)]
pub struct Snapshot {
    /// The rows, in the order in which the system gave them.
    pub sockets: Vec<Socket>,
    /// Who holds them.
    pub owners: Owners,
    /// What more was asked for about each row, at the row's position; empty where nothing was.
    pub details: Vec<Details>,
    /// The service that made the socket at a position, where that was asked for and the system tells it.
    pub services: HashMap<u32, Box<str>>,
    /// The processes that may own any of them unseen.
    pub refused: Refused,
    /// Whether ports that are bound without listening are among the rows, if they were asked for: kernels before 6.8 list
    /// none.
    pub bound_ports_listed: bool,
    /// What is missing from the snapshot, and why.
    pub problems: Vec<Problem>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            owners: Owners::default(),
            details: Vec::new(),
            services: HashMap::new(),
            refused: Refused::None,
            bound_ports_listed: true,
            problems: Vec::new(),
        }
    }
}
