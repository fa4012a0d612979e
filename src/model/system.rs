//! The operating systems, and sets of them: which systems have a column, a switch or a fact.

use std::fmt;

/// An operating system, as far as the program's answers differ by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum System {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
    /// A system without a backend of its own.
    #[default]
    Other,
}

impl System {
    /// Every system.
    pub const ALL: [Self; 4] = [Self::Linux, Self::Windows, Self::MacOs, Self::Other];

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::Other => "this operating system",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of [`System`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Systems(u8);

impl Systems {
    /// Every system.
    pub const ALL: Self = Self::of(&System::ALL);

    /// No system.
    pub const NONE: Self = Self(0);

    /// Linux alone.
    pub const LINUX: Self = Self::of(&[System::Linux]);

    /// Windows alone.
    pub const WINDOWS: Self = Self::of(&[System::Windows]);

    /// The set of these systems.
    pub const fn of(mut systems: &[System]) -> Self {
        let mut set = Self::NONE;
        while let [first, rest @ ..] = systems {
            set = set.with(*first);
            systems = rest;
        }
        set
    }

    /// This set and one system more.
    #[must_use]
    pub const fn with(self, system: System) -> Self {
        Self(self.0 | 1 << system as u8)
    }

    /// Whether the system is in the set.
    pub const fn contains(self, system: System) -> bool {
        self.0 & 1 << system as u8 != 0
    }

    /// The members, in the order of [`System::ALL`].
    pub fn iter(self) -> impl Iterator<Item = System> {
        System::ALL.into_iter().filter(move |&system| self.contains(system))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_contains_its_members_and_no_others() {
        let set = Systems::of(&[System::Linux, System::MacOs]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [System::Linux, System::MacOs]);
        assert_eq!(Systems::LINUX.with(System::MacOs), set);
        assert_eq!(Systems::ALL.iter().collect::<Vec<_>>(), System::ALL);
        assert_eq!(Systems::NONE.iter().count(), 0);
        assert!(!Systems::WINDOWS.contains(System::Other));
    }
}
