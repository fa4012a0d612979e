//! Which rows are shown, out of those that were read.

use super::keys::Shown;
use crate::cli::{BareWord, FilterLine};
use crate::model::process::Facts;
use crate::model::socket::{Family, Pid, Protocol, Socket};
use crate::moment::Moment;
use crate::moment::row::{Row, Rows};
use crate::reports::sockets::wide::is_in_first_group;
use crate::request::View;
use crate::request::needs::Needs;

/// What the keys and the filter line choose.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Listeners, connections or all.
    pub shown: Shown,
    /// One protocol alone.
    pub protocol: Option<Protocol>,
    /// One family alone.
    pub family: Option<Family>,
    /// One process alone.
    pub followed: Option<Pid>,
    /// The filter line, as it was typed.
    pub text: String,
    /// What it asks for.
    pub line: FilterLine,
}

impl Choice {
    /// What has to be looked up of all rows to choose among them.
    pub fn needs(&self) -> Needs {
        let filter = &self.line.filter;
        let of_filter = filter.owners.facts().map(|facts| Needs { processes: Some(facts), ..Needs::OWNERS });
        let of_words = (!self.line.words.is_empty()).then_some(Needs { processes: Some(Facts::NAME), ..Needs::OWNERS });
        [Some(filter.needs_of_conditions()), of_filter, of_words].into_iter().flatten().collect()
    }

    /// The rows that are shown, in the order of the moment, and how many more may match: their owners, or what conditions rest
    /// on, could not be read.
    pub fn rows(&self, moment: &Moment) -> (Vec<u32>, usize) {
        let all = moment.rows(View::Sockets);
        let filter = &self.line.filter;
        let has_filter = !filter.is_empty();
        let is_chosen = |&position: &u32| {
            all.get(position).is_some_and(|row| self.admits(row) && (!has_filter || filter.matches(row.socket)))
        };
        let chooses = self.shown != Shown::All || self.protocol.is_some() || self.family.is_some() || self.followed.is_some();
        let mut rows: Vec<u32> = match chooses || has_filter {
            true => all.positions().iter().copied().filter(is_chosen).collect(),
            // Not one row has to be looked at.
            false => all.positions().to_vec(),
        };
        let mut undecided = filter.retain_owned(&mut rows, all.snapshot(), &moment.lookups.processes);
        if !filter.conditions.is_empty() {
            let more;
            (rows, more) = filter.retain_by_conditions(all.at(&rows));
            undecided += more;
        }
        if !self.line.words.is_empty() {
            rows.retain(|&position| all.get(position).is_some_and(|row| self.has_words(row)));
        }
        (rows, undecided)
    }

    /// What is chosen, for people: empty if everything is.
    pub fn description(&self) -> Vec<String> {
        let shown = match self.shown {
            Shown::All => None,
            Shown::Listeners => Some("listeners".to_owned()),
            Shown::Connections => Some("connections".to_owned()),
        };
        let protocol = self.protocol.map(|protocol| protocol.word().to_owned());
        let family = self.family.map(|family| family.name().to_owned());
        let followed = self.followed.map(|pid| format!("PID {pid}"));
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        [shown, protocol, family, followed, text].into_iter().flatten().collect()
    }

    fn admits(&self, row: Row<'_>) -> bool {
        let socket: &Socket = row.socket;
        let is_shown = match self.shown {
            Shown::All => true,
            Shown::Listeners => socket.is_listener(),
            Shown::Connections => !is_in_first_group(row),
        };
        is_shown
            && self.protocol.is_none_or(|protocol| socket.protocol == protocol)
            && self.family.is_none_or(|family| socket.table().family() == family)
            && self.followed.is_none_or(|pid| row.owners().pids().any(|owner| owner == pid))
    }

    fn has_words(&self, row: Row<'_>) -> bool {
        self.line.words.iter().all(|word| has_word(row, word) != word.is_excluded)
    }
}

/// Whether a word is part of the name of an owner, of the name of the remote host or of an address.
fn has_word(row: Row<'_>, word: &BareWord) -> bool {
    let text = word.text.as_str();
    let has = |name: &str| name.to_lowercase().contains(text);
    let may_be_address = text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    let is_address = || {
        let ends = [Some(&row.socket.local), row.socket.peer()];
        ends.into_iter().flatten().any(|end| end.address.to_string().contains(text))
    };
    row.processes().any(|(_, process)| process.is_some_and(|process| has(&process.name.to_string_lossy())))
        || row.remote_host().is_some_and(has)
        || may_be_address && is_address()
}

/// Rows of a moment that are shown, in an order.
pub fn rows_at<'a>(moment: &'a Moment, positions: &'a [u32]) -> Rows<'a> {
    moment.rows(View::Sockets).at(positions)
}
