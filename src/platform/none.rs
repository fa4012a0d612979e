//! A system whose sockets nobody has taught this program to read.

use crate::model::owners::OwnerSearch;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::snapshot::Snapshot;
use crate::request::Query;

/// No sockets, and the reason.
pub(crate) fn snapshot(_request: &Query, _search: OwnerSearch) -> Snapshot {
    let message = "the sockets of this operating system cannot be read yet: rnetstat knows Linux, Windows and macOS";
    Snapshot { problems: vec![Problem::new(ProblemKind::TableUnreadable, message)], ..Snapshot::default() }
}
