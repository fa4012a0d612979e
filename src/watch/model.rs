//! The state of the screen: what is shown of which moment, what is selected, what is typed. It changes with keys and moments,
//! and reads nothing.

use super::choice::{Choice, rows_at};
use super::counts::Counts;
use super::gone::GoneRows;
use super::groups::{GroupKey, Grouping};
use super::listing::{Anchors, Line, LineKey, Listing};
use super::marks::Marks;
use super::order::Order;
use super::pane::Pane;
use super::press::Mode;
use crate::moment::Moment;
use crate::moment::row::{Row, Rows};
use crate::reports::findings::{paint, sentence};
use crate::reports::paint::Paint;
use crate::reports::sockets::grid::{Grid, Widths};
use crate::request::column::Column;
use crate::request::needs::Needs;
use crate::request::{Names, Request, View};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long findings are shown before they are looked for again.
const FINDINGS_LIFETIME: Duration = Duration::from_secs(5);

/// The state.
#[derive(Debug)]
pub struct Model {
    /// What was asked for on the command line.
    pub request: Request,
    /// The moment that is shown.
    pub moment: Option<Moment>,
    /// Which of its rows.
    pub choice: Choice,
    /// In which order.
    pub order: Order,
    /// In which groups.
    pub grouping: Grouping,
    /// What is new, gone and changed.
    pub marks: Marks,
    /// The rows that are gone.
    pub gone: GoneRows,
    /// The lines of the list.
    pub listing: Listing,
    /// What the rows add up to.
    pub counts: Counts,
    /// What the keys are for.
    pub mode: Mode,
    /// What is open below the list.
    pub pane: Option<Pane>,
    /// The time from one read to the next.
    pub interval: Duration,
    /// Whether nothing is read.
    pub is_paused: bool,
    /// How remote addresses are named.
    pub names: Names,
    /// What is worth a look, in sentences.
    pub findings: Vec<(Paint, String)>,
    findings_since: Option<Instant>,
    /// What is to be said, until the next key.
    pub message: Option<String>,
    /// Columns and lines of the terminal.
    pub size: (u16, u16),
    /// Where the selection is.
    pub at: usize,
    /// The first line that is seen.
    pub top: usize,
    pub(super) selected: Option<LineKey>,
    pub(super) open: HashSet<GroupKey>,
    pub(super) anchors: Anchors,
    pub(super) widths: Widths,
    pub(super) is_arranged: bool,
}

impl Model {
    /// The state before anything is read.
    pub fn new(request: &Request, size: (u16, u16)) -> Self {
        Self {
            moment: None,
            choice: Choice::default(),
            order: Order::new(&request.sort),
            grouping: Grouping::None,
            marks: Marks::default(),
            gone: GoneRows::default(),
            listing: Listing::default(),
            counts: Counts::default(),
            mode: Mode::List,
            pane: None,
            interval: request.interval.unwrap_or(Duration::from_secs(1)),
            is_paused: false,
            names: request.names,
            findings: Vec::new(),
            findings_since: None,
            message: None,
            size,
            at: 0,
            top: 0,
            selected: None,
            open: HashSet::new(),
            anchors: Anchors::default(),
            widths: Widths::of_headings(&request.columns, Some(request.language)),
            is_arranged: false,
            request: request.clone(),
        }
    }

    /// Whether it is time to find again what is worth a look: it takes about as long as the rest of a moment.
    pub fn wants_findings(&self, now: Instant) -> bool {
        self.findings_since.is_none_or(|since| now.saturating_duration_since(since) >= FINDINGS_LIFETIME)
    }

    /// What is read for the screen: also what the conditions of the filter line rest on.
    pub fn reading(&self) -> Request {
        let mut request = self.request.clone();
        request.columns.extend(self.choice.line.filter.conditions.iter().map(|condition| condition.column));
        request
    }

    /// Takes the next moment.
    pub fn take_moment(&mut self, mut moment: Moment, now: Instant) {
        let before = self.moment.take();
        let gone = self.marks.observe(before.as_ref(), &moment, now);
        if let Some(findings) = &moment.findings {
            let processes = &moment.lookups.processes;
            self.findings = findings.iter().map(|finding| (paint(finding), sentence(finding, processes))).collect();
            self.findings_since = Some(now);
        }
        if let Some(before) = &before {
            // Names of users are kept: looking them up may take long.
            moment.lookups.users.clone_from(&before.lookups.users);
            let gone: HashSet<u32> = gone.iter().copied().collect();
            self.anchors = self.listing.anchors(before.rows(View::Sockets), &self.gone, &gone);
        }
        let shown: Vec<u32> = self.shown_among(&gone);
        let keys_of_now: HashSet<_> = match self.gone.len() {
            0 => HashSet::new(),
            _ => moment.rows(View::Sockets).iter().map(Row::key).collect(),
        };
        self.gone.update(before.as_ref(), &shown, |key| keys_of_now.contains(key), now);
        self.moment = Some(moment);
        self.is_arranged = false;
    }

    /// Those of some rows that are in the list, not more than a person can see.
    fn shown_among(&self, gone: &[u32]) -> Vec<u32> {
        const MOST: usize = 1000;
        let is_gone = |position: &u32| gone.binary_search(position).is_ok();
        let rows = self.listing.lines.iter().filter_map(|line| match line {
            Line::Row(position) => Some(*position),
            Line::Gone(_) | Line::Group(_) => None,
        });
        if gone.is_empty() { Vec::new() } else { rows.filter(is_gone).take(MOST).collect() }
    }

    /// What has to be looked up of all rows before they are arranged; `None` if they are arranged already.
    pub fn needs_of_all_rows(&self) -> Option<Needs> {
        (!self.is_arranged).then(|| self.choice.needs().and(self.order.needs()))
    }

    /// Puts the lines in their order, and keeps the selection on its line.
    pub fn arrange(&mut self) {
        if std::mem::replace(&mut self.is_arranged, true) {
            return;
        }
        let Some(moment) = &self.moment else { return };
        let (rows, undecided) = self.choice.rows(moment);
        let rows = self.order.sort(moment, rows);
        self.counts = Counts::of(rows_at(moment, &rows));
        self.counts.undecided = undecided;
        let groups = self.grouping.groups(rows_at(moment, &rows));
        self.listing = Listing::new(&rows, groups, &self.open);
        self.listing.insert_gone(&self.anchors, moment.rows(View::Sockets), &self.gone);
        let all = moment.rows(View::Sockets);
        let found = self.selected.and_then(|key| {
            // A row in a group that is closed is behind its heading.
            self.listing
                .find(key, all, &self.gone)
                .or_else(|| self.listing.find(self.listing.group_of(key, all)?, all, &self.gone))
        });
        self.select(found.unwrap_or(self.at));
    }

    /// The lines that are seen.
    pub fn window(&self) -> &[Line] {
        let end = (self.top + self.rows_on_screen()).min(self.listing.lines.len());
        self.listing.lines.get(self.top..end).unwrap_or_default()
    }

    /// The rows that have to be looked up before they are drawn.
    pub fn visible_rows(&self) -> Vec<u32> {
        let of_line = |line: &Line| match *line {
            Line::Row(position) => Some(position),
            Line::Gone(_) => None,
            Line::Group(number) => self.listing.groups.get(number as usize)?.rows.first().copied(),
        };
        self.window().iter().filter_map(of_line).collect()
    }

    /// What has to be looked up of the rows that are drawn.
    pub fn needs_of_visible_rows(&self) -> Needs {
        Column::needs_of(self.fit().columns()).and(self.grouping.needs())
    }

    /// The columns as they fit the screen, and the rows that they are for.
    pub fn grid(&mut self) -> Grid {
        let Self { moment: Some(moment), .. } = self else { return self.fit() };
        let rows = moment.rows(View::Sockets);
        let end = (self.top + rows_on_screen(self.size, self.pane.is_some())).min(self.listing.lines.len());
        for &line in self.listing.lines.get(self.top..end).unwrap_or_default() {
            if let Some(row) = line.row(rows, &self.gone) {
                self.widths.add(row);
            }
        }
        self.fit()
    }

    pub(super) fn fit(&self) -> Grid {
        let cells = usize::from(self.size.0).saturating_sub(super::frame::MARGIN);
        self.widths.fit(self.request.columns_are_chosen, Some(cells))
    }

    /// The rows of the moment.
    pub fn rows(&self) -> Option<Rows<'_>> {
        self.moment.as_ref().map(|moment| moment.rows(View::Sockets))
    }

    /// The row that is selected.
    pub fn selected_row(&self) -> Option<Row<'_>> {
        let line = *self.listing.lines.get(self.at)?;
        line.row(self.rows()?, &self.gone)
    }

    /// How many lines of the list fit.
    pub fn rows_on_screen(&self) -> usize {
        rows_on_screen(self.size, self.pane.is_some())
    }

    /// Takes another size of the terminal.
    pub fn resize(&mut self, size: (u16, u16)) {
        if self.size != size {
            self.size = size;
            self.forget_widths();
            self.select(self.at);
        }
    }

    /// Selects a line, and moves the window so that it is seen.
    pub(super) fn select(&mut self, line: usize) {
        let last = self.listing.lines.len().saturating_sub(1);
        self.at = line.min(last);
        let height = self.rows_on_screen();
        self.top = self.top.min(self.at).max((self.at + 1).saturating_sub(height));
        self.top = self.top.min(self.listing.lines.len().saturating_sub(height));
        let line = self.listing.lines.get(self.at).copied();
        let rows = self.moment.as_ref().map(|moment| moment.rows(View::Sockets));
        self.selected = line.zip(rows).and_then(|(line, rows)| self.listing.key_of(line, rows, &self.gone));
    }

    /// When the screen changes by itself: a mark or a row that is gone disappears.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        self.marks.next_end(now).into_iter().chain(self.gone.next_end()).min()
    }

    /// Lets marks and rows that were shown long enough disappear.
    pub fn expire(&mut self, now: Instant) {
        if self.gone.next_end().is_some_and(|end| end <= now) {
            if let Some(moment) = &self.moment {
                self.anchors = self.listing.anchors(moment.rows(View::Sockets), &self.gone, &HashSet::new());
            }
            self.gone.update(None, &[], |_| false, now);
            self.is_arranged = false;
        }
    }
}

fn rows_on_screen((_, height): (u16, u16), has_pane: bool) -> usize {
    super::frame::Areas::of(height, has_pane).list
}
