//! What could not be read, and why: data, like what could.

use super::socket::TableSet;

/// Something that could not be read. It never stops the rest, and it is never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of thing is missing, for programs.
    pub kind: ProblemKind,
    /// One sentence without a full stop, for people: what is missing, why, and what helps.
    pub message: String,
    /// The tables that rows may be missing from, if any: all of them unless it is about some.
    pub tables: TableSet,
}

impl Problem {
    /// A problem of one kind, described in a sentence.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), tables: TableSet::ALL }
    }

    /// The same problem, about some of the tables alone.
    #[must_use]
    pub fn about(self, tables: TableSet) -> Self {
        Self { tables, ..self }
    }
}

/// What kind of thing a [`Problem`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A whole table of sockets, routes, interfaces or counters could not be read.
    TableUnreadable,
    /// A table was read, but rows may be missing from it or stale.
    TableIncomplete,
    /// The owners of some sockets may not be seen.
    OwnersHidden,
    /// The owners of some sockets are invisible whatever the rights: nothing can be done about it.
    OwnersKept,
    /// Sockets may have owners beside those that were found: a process refused to be read.
    OwnersIncomplete,
    /// Some network namespaces could not be read.
    NamespacesHidden,
    /// No owner could be looked for at all.
    OwnersUnreadable,
    /// Ports that are bound without listening were asked for, and this kernel does not list them.
    BoundPortsUnlisted,
    /// A filter could not decide about some rows, because their owners could not be read.
    FilterUndecided,
    /// A fact that was asked for is not available on this system.
    FactUnavailable,
    /// More happened at once than could be taken note of: events are missing.
    EventsLost,
}

impl ProblemKind {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TableUnreadable => "table-unreadable",
            Self::TableIncomplete => "table-incomplete",
            Self::OwnersHidden | Self::OwnersKept => "owners-hidden",
            Self::OwnersIncomplete => "owners-incomplete",
            Self::NamespacesHidden => "namespaces-hidden",
            Self::OwnersUnreadable => "owners-unreadable",
            Self::FilterUndecided => "filter-undecided",
            Self::BoundPortsUnlisted | Self::FactUnavailable => "fact-unavailable",
            Self::EventsLost => "events-lost",
        }
    }

    /// Whether rows or events may be missing: the answer is not whole.
    pub const fn is_incomplete(self) -> bool {
        self.hides_sockets() || matches!(self, Self::BoundPortsUnlisted | Self::EventsLost)
    }

    /// Whether sockets may be missing that listen or are connected.
    pub const fn hides_sockets(self) -> bool {
        matches!(self, Self::TableUnreadable | Self::TableIncomplete | Self::FilterUndecided | Self::NamespacesHidden)
    }
}

/// Problems, each once, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem, unless it is there already.
    pub fn add(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Whether sockets may be missing because of them that listen or are connected.
    pub fn hide_sockets(&self) -> bool {
        self.iter().any(|problem| problem.kind.hides_sockets())
    }

    /// Whether no row is missing because of them.
    pub fn is_complete(&self) -> bool {
        !self.iter().any(|problem| problem.kind.is_incomplete())
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.add(problem));
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        let mut all = Self::default();
        all.extend(problems);
        all
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_that_two_parts_report_is_there_once() {
        let problem = |kind| Problem::new(kind, "the table TCP/IPv4 cannot be read");
        let mut problems = Problems::from_iter([problem(ProblemKind::OwnersHidden), problem(ProblemKind::OwnersHidden)]);
        assert_eq!((problems.iter().count(), problems.is_complete()), (1, true));
        problems.add(problem(ProblemKind::BoundPortsUnlisted));
        assert_eq!((problems.is_complete(), problems.iter().any(|problem| problem.kind.hides_sockets())), (false, false));
        let mut problems = Problems::from_iter([problem(ProblemKind::OwnersHidden)]);
        problems.add(problem(ProblemKind::TableUnreadable));
        assert_eq!((problems.iter().count(), problems.is_complete()), (2, false));
    }
}
