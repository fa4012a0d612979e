//! What the column registry says of a column.

use crate::model::system::Systems;
use crate::request::language::Language;
use crate::request::needs::Needs;
use crate::request::unit::Unit;

/// How the values of a column are compared, and written in a condition (`--where`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Text, in any letter case.
    Text,
    /// Fixed words with their places in an order.
    Words(&'static [(u8, &'static str)]),
    /// A number of a unit.
    Number(Unit),
    /// An address.
    Address,
    /// An address with a port.
    Endpoint,
}

/// What is the same for every row of a column.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name in `--columns`, `--sort` and CSV.
    pub name: &'static str,
    /// Its heading in tables for people.
    heading: Heading,
    /// How its values are compared.
    pub kind: ValueKind,
    /// What it is in the classic table, behind the state; `None` if it is not there.
    pub classic: Option<Classic>,
    /// Whether its values have an order that makes sense.
    pub is_sortable: bool,
    /// The field of a socket in JSON.
    pub json: &'static str,
    /// What has to be read and looked up to fill it.
    pub needs: Needs,
    /// The systems that can fill it.
    pub systems: Systems,
}

/// A heading in each language.
#[derive(Clone, Copy, Debug)]
struct Heading {
    english: &'static str,
    korean: &'static str,
}

impl Heading {
    const fn in_language(self, language: Language) -> &'static str {
        match language {
            Language::En => self.english,
            Language::Ko => self.korean,
        }
    }
}

/// A column of the classic table behind the state.
#[derive(Clone, Copy, Debug)]
pub struct Classic {
    /// Its heading there.
    heading: Heading,
    /// The cells from its beginning to that of the next column.
    pub width: usize,
    /// What stands in its cells.
    pub cell: ClassicCell,
}

/// What the classic table shows of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicCell {
    /// The lowest PID; 0 if no process owns the socket; `-` if that is unknown.
    LowestPid,
    /// The name of the process with the lowest PID; `-` if there is none.
    LowestName,
    /// The word for TCP, nothing for UDP, filled up with blanks also at the end of the line (Windows' offload state).
    Offload,
    /// The value; `-` if there is none.
    Value,
}

impl Classic {
    /// The heading in a language.
    pub const fn heading(&self, language: Language) -> &'static str {
        self.heading.in_language(language)
    }

    const fn new(english: &'static str, korean: &'static str, width: usize, cell: ClassicCell) -> Self {
        Self { heading: Heading { english, korean }, width, cell }
    }
}

impl Definition {
    /// The heading in tables for people.
    pub const fn heading(&self, language: Language) -> &'static str {
        self.heading.in_language(language)
    }

    /// Whether its cells are numbers, which stand to the right.
    pub const fn is_number(&self) -> bool {
        matches!(self.kind, ValueKind::Number(_))
    }

    /// A column of text or addresses that every system has and that needs nothing but the row.
    pub(super) const fn new(name: &'static str, json: &'static str, english: &'static str, korean: &'static str) -> Self {
        Self {
            name,
            heading: Heading { english, korean },
            kind: ValueKind::Text,
            classic: None,
            is_sortable: true,
            json,
            needs: Needs::NOTHING,
            systems: Systems::ALL,
        }
    }

    pub(super) const fn number(self) -> Self {
        self.of_kind(ValueKind::Number(Unit::Count))
    }

    pub(super) const fn of_kind(self, kind: ValueKind) -> Self {
        Self { kind, ..self }
    }

    pub(super) const fn without_order(self) -> Self {
        Self { is_sortable: false, ..self }
    }

    pub(super) const fn needing(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    pub(super) const fn on(self, systems: Systems) -> Self {
        Self { systems, ..self }
    }

    pub(super) const fn classic(self, english: &'static str, korean: &'static str, width: usize, cell: ClassicCell) -> Self {
        Self { classic: Some(Classic::new(english, korean, width, cell)), ..self }
    }
}
