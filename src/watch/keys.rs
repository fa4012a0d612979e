//! The keys and what they do.

use crate::model::action::Action;
use crate::model::socket::{Family, Protocol};

/// A key, as the terminal gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with CTRL.
    Control(char),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
}

/// What a key asks for while no line is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// To end.
    Quit,
    /// To stop until the shell continues it.
    Stop,
    /// To select another line.
    Select(Step),
    /// To type a filter.
    Filter,
    /// To close what is open, or to take back the filter.
    Back,
    /// To sort by the next column.
    NextSort,
    /// To reverse the order.
    Reverse,
    /// To sort by the column of this number, the first is 1.
    SortBy(usize),
    /// To show only these rows.
    Show(Shown),
    /// To show one protocol alone, or both again.
    Protocol(Protocol),
    /// To show one family alone, or both again.
    Family(Family),
    /// To open or close the details.
    Details,
    /// To open or close the explanation of the port.
    Explain,
    /// To show one process alone, or all again.
    Follow,
    /// To read no more, or again.
    Pause,
    /// To look up names, or no more.
    Names,
    /// To read more often.
    Faster,
    /// To read less often.
    Slower,
    /// To group by the next thing.
    Group,
    /// To end the process or to close the socket of the row.
    Act(Action),
    /// To write what is seen to a file.
    Write,
    /// To show the keys.
    Help,
}

/// Where the selection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first line.
    First,
    /// The last line.
    Last,
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// What waits to be called.
    Listeners,
    /// What talks to somebody.
    Connections,
}

/// The keys as the help shows them.
pub const HELP: [(&str, &str); 23] = [
    ("arrows, j k", "select a row; it stays selected wherever it moves"),
    ("PgUp PgDn g G", "a page up or down, the first, the last"),
    ("/", "filter: --port 443 !--user root, :8080, nginx, 10.0.0."),
    ("Esc", "close what is open; take back the filter"),
    ("s S", "sort by the next column; reverse"),
    ("1 2 3 5 7 8 9", "sort by the column of that number"),
    ("l e a", "listeners, connections (established and others), all"),
    ("t u", "TCP alone, UDP alone; again: both"),
    ("4 6", "IPv4 alone, IPv6 alone; again: both"),
    ("Enter", "details of the row; opens and closes a group"),
    ("x", "why the row's port is taken (--explain)"),
    ("f F", "follow: this process alone; again: all"),
    ("c", "group by process, remote address, namespace, none"),
    ("n", "names of hosts"),
    ("Space", "pause"),
    ("+ -", "read more often, less often"),
    ("K D", "end the owning process, close the socket; both ask"),
    ("w", "write what is seen to a file: .json .ndjson .csv .txt"),
    ("? h", "these keys"),
    ("q, CTRL+C, CTRL+Z", "end; stop until 'fg'"),
    ("+ green", "new, for 2 seconds"),
    ("- red", "gone; TIME_WAIT counts as gone"),
    ("~ yellow", "another state, owner or backlog"),
];

impl Command {
    /// What a key asks for; `None` for keys without a meaning.
    pub fn of(key: Key) -> Option<Self> {
        Some(match key {
            Key::Char(character) => return Self::of_character(character),
            Key::Control('c') => Self::Quit,
            Key::Control('z') => Self::Stop,
            Key::Control('f') => Self::Select(Step::PageDown),
            Key::Control('b') => Self::Select(Step::PageUp),
            Key::Enter => Self::Details,
            Key::Escape | Key::Backspace => Self::Back,
            Key::Up => Self::Select(Step::Up),
            Key::Down => Self::Select(Step::Down),
            Key::PageUp => Self::Select(Step::PageUp),
            Key::PageDown => Self::Select(Step::PageDown),
            Key::Home => Self::Select(Step::First),
            Key::End => Self::Select(Step::Last),
            Key::Control(_) | Key::Delete | Key::Left | Key::Right => return None,
        })
    }

    fn of_character(character: char) -> Option<Self> {
        Some(match character {
            'q' => Self::Quit,
            'j' => Self::Select(Step::Down),
            'k' => Self::Select(Step::Up),
            'g' => Self::Select(Step::First),
            'G' => Self::Select(Step::Last),
            '/' => Self::Filter,
            's' => Self::NextSort,
            'S' => Self::Reverse,
            'l' => Self::Show(Shown::Listeners),
            'e' => Self::Show(Shown::Connections),
            'a' => Self::Show(Shown::All),
            't' => Self::Protocol(Protocol::Tcp),
            'u' => Self::Protocol(Protocol::Udp),
            '4' => Self::Family(Family::V4),
            '6' => Self::Family(Family::V6),
            '1'..='9' => Self::SortBy(character.to_digit(10)? as usize),
            'x' => Self::Explain,
            'f' | 'F' => Self::Follow,
            ' ' => Self::Pause,
            'n' => Self::Names,
            '+' | '=' => Self::Faster,
            '-' => Self::Slower,
            'c' => Self::Group,
            'K' => Self::Act(Action::End),
            'D' => Self::Act(Action::Close),
            'w' => Self::Write,
            '?' | 'h' => Self::Help,
            _ => return None,
        })
    }
}
