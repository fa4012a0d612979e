//! What is open below the list: the details of the selected row, or why its port is taken.

use super::styled::StyledLine;
use crate::moment::key::RowKey;

/// What a pane is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything that is known of the row.
    Details,
    /// The explanation of its port.
    Explanation,
}

/// A pane.
#[derive(Clone, Debug)]
pub struct Pane {
    /// What it is about.
    pub subject: Subject,
    /// The row that its lines are about; `None` before they are read.
    pub of: Option<RowKey>,
    lines: Vec<StyledLine>,
    top: usize,
    height: usize,
}

impl Pane {
    /// A pane that is read next.
    pub const fn new(subject: Subject) -> Self {
        Self { subject, of: None, lines: Vec::new(), top: 0, height: 1 }
    }

    /// The heading.
    pub const fn title(&self) -> &'static str {
        match self.subject {
            Subject::Details => "Details (PgUp PgDn scroll, Enter closes)",
            Subject::Explanation => "Port (PgUp PgDn scroll, x closes)",
        }
    }

    /// Its content is of another row.
    pub fn forget(&mut self) {
        self.of = None;
        self.top = 0;
    }

    /// Takes the lines about a row.
    pub fn fill(&mut self, of: Option<RowKey>, lines: Vec<StyledLine>) {
        self.of = of;
        self.lines = lines;
        self.top = self.top.min(self.last_top());
    }

    /// The lines that are seen if so many fit.
    pub fn window(&mut self, height: usize) -> &[StyledLine] {
        self.height = height.max(1);
        self.top = self.top.min(self.last_top());
        let end = (self.top + height).min(self.lines.len());
        self.lines.get(self.top..end).unwrap_or_default()
    }

    /// A page up.
    pub fn scroll_up(&mut self) {
        self.top = self.top.saturating_sub(self.height);
    }

    /// A page down.
    pub fn scroll_down(&mut self) {
        self.top = (self.top + self.height).min(self.last_top());
    }

    fn last_top(&self) -> usize {
        self.lines.len().saturating_sub(self.height)
    }
}
