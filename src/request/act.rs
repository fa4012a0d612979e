//! What is done about sockets.

use crate::model::action::{Action, Ending};

/// An action on the rows that the filters leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// What is done.
    pub action: Action,
    /// How processes are ended; `force` also closes listeners.
    pub ending: Ending,
    /// Whether it is done.
    pub consent: Consent,
}

/// Whether something is done that cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// If the answer to a question at the terminal is yes.
    Asked,
    /// Without a question (`--yes`).
    Given,
    /// Not at all: it is only shown (`--dry-run`).
    Withheld,
}
