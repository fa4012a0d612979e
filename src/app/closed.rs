//! What is read of connections that are closed between two refreshes.

use crate::lookup::growth::Followed;
use crate::model::closed::ClosedFeed;
use crate::model::problem::{Problem, ProblemKind};
use crate::moment::Sockets;
use crate::moment::events::EventLog;
use crate::moment::lookups::Lookups;
use crate::platform;
use crate::request::{Request, View};
use std::time::Instant;

/// The connections that `--summary` counts until they are closed.
#[derive(Debug, Default)]
pub(super) struct ClosedTraffic {
    followed: Followed,
    /// `None` before the first refresh.
    feed: Option<Result<ClosedFeed, String>>,
}

impl ClosedTraffic {
    /// Begins to listen, before the sockets are read for the first time.
    pub(super) fn begin(&mut self, request: &Request) {
        if request.counts_closed_connections() && request.follows_connections() && self.feed.is_none() {
            self.feed = Some(platform::closed_connections());
        }
    }

    /// Counts what was sent and received since the last refresh, and says what is missing.
    pub(super) fn count(&mut self, sockets: &Sockets, lookups: &mut Lookups, request: &Request) -> Option<Problem> {
        let batch = match self.feed.as_ref()? {
            Ok(feed) => feed.take(),
            Err(reason) => return Some(uncounted(reason)),
        };
        let (_, selection) = sockets.selections.iter().find(|(view, _)| *view == View::Summary)?;
        // Whose a connection was that no read has seen is not known any more.
        let needs_owners = EventLog::needs_owners(&request.query.filter);
        let is_wanted = |socket: &_| !needs_owners && request.query.matches(socket);
        let growth = self.followed.observe(&sockets.snapshot, &selection.rows, batch.connections, is_wanted, Instant::now());
        lookups.growth = Some(growth);
        if let Some(reason) = batch.ended {
            return Some(uncounted(&reason));
        }
        batch.is_incomplete.then(|| Problem::new(ProblemKind::EventsLost, LOST))
    }
}

const LOST: &str = "connections were closed faster than they could be counted: the bytes of some are missing; with CAP_NET_ADMIN \
                    (sudo) more of them are kept";

fn uncounted(reason: &str) -> Problem {
    let message = format!("the bytes of connections that are closed between two displays are not counted: {reason}");
    Problem::new(ProblemKind::FactUnavailable, message)
}
