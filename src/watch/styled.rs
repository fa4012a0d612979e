//! Texts with their looks, before a terminal is known.

use super::marks::Mark;
use crate::reports::paint::Paint;

/// A part of a line that looks alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text, safe for a terminal.
    pub text: String,
    /// How it looks.
    pub tint: Option<Tint>,
}

/// How a text looks, by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// As in a report.
    Paint(Paint),
    /// As the mark says.
    Mark(Mark),
}

/// A line of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StyledLine {
    /// Its parts, from the left.
    pub spans: Vec<Span>,
    /// Whether it is selected: the whole line is shown in reverse.
    pub is_selected: bool,
}

impl StyledLine {
    /// A line of one part.
    pub fn new(text: impl Into<String>, tint: Option<Tint>) -> Self {
        let mut line = Self::default();
        line.push(text, tint);
        line
    }

    /// A line in the paint of a report.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self::new(text, Some(Tint::Paint(paint)))
    }

    /// Adds a part.
    pub fn push(&mut self, text: impl Into<String>, tint: Option<Tint>) {
        let text = text.into();
        if !text.is_empty() {
            self.spans.push(Span { text, tint });
        }
    }

    /// The text alone.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}
