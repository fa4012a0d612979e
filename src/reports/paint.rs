//! Colour for people: the plain palette and dim, which can be read on black, on white and on Solarized (there, bright black
//! is the background).

use crate::model::socket::State;
use std::borrow::Cow;

/// How a text looks, by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// A heading, or what matters most.
    Strong,
    /// What matters least: rules, notes.
    Dim,
    /// In order.
    Good,
    /// Waits to be called.
    Waiting,
    /// On its way.
    Passing,
    /// Worth a look.
    Bad,
}

impl Paint {
    /// The paint of a TCP state.
    pub(crate) const fn of_state(state: State) -> Self {
        match state {
            State::Listening => Self::Waiting,
            State::Established => Self::Good,
            State::SynSent | State::SynReceived | State::Bound => Self::Passing,
            State::CloseWait | State::Unknown => Self::Bad,
            State::Closed
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::DeleteTcb => Self::Dim,
        }
    }

    /// The text in this paint, or as it is.
    pub(in crate::reports) fn on(self, is_wanted: bool, text: &str) -> Cow<'_, str> {
        if !is_wanted || text.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(format!("\u{1b}[{}m{text}\u{1b}[0m", self.code()))
    }

    const fn code(self) -> u8 {
        match self {
            Self::Strong => 1,
            Self::Dim => 2,
            Self::Bad => 31,
            Self::Good => 32,
            Self::Passing => 35,
            Self::Waiting => 36,
        }
    }

    /// The parts of a text that was painted by [`Paint::on`], each with its paint.
    #[cfg(feature = "watch")]
    pub(crate) fn parts(text: &str) -> Vec<(&str, Option<Self>)> {
        const ALL: [Paint; 6] = [Paint::Strong, Paint::Dim, Paint::Bad, Paint::Good, Paint::Passing, Paint::Waiting];
        let mut parts = Vec::new();
        let mut paint = None;
        for (number, part) in text.split("\u{1b}[").enumerate() {
            let mut rest = part;
            if let Some((code, behind)) = part.split_once('m').filter(|_| number > 0) {
                paint = ALL.into_iter().find(|paint| code.parse() == Ok(paint.code()));
                rest = behind;
            }
            if !rest.is_empty() {
                parts.push((rest, paint));
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_of_the_plain_palette_and_end_with_the_text() {
        assert_eq!(Paint::Waiting.on(true, "LISTENING"), "\u{1b}[36mLISTENING\u{1b}[0m");
        assert_eq!(Paint::Strong.on(false, "PID"), "PID");
        assert_eq!(Paint::Dim.on(true, ""), "");
        #[cfg(feature = "watch")]
        {
            let text = format!("a [m] {}{} z", Paint::Bad.on(true, "bad"), Paint::Strong.on(true, "PID"));
            let parts = [("a [m] ", None), ("bad", Some(Paint::Bad)), ("PID", Some(Paint::Strong)), (" z", None)];
            assert_eq!(Paint::parts(&text), parts);
        }
        for paint in [Paint::Strong, Paint::Dim, Paint::Good, Paint::Waiting, Paint::Passing, Paint::Bad] {
            assert!(!paint.on(true, "x").contains("[9"), "bright colours are backgrounds elsewhere");
        }
    }
}
