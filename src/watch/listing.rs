//! The lines of the list, from the first to the last one.

use super::gone::GoneRows;
use super::groups::{Group, GroupKey};
use crate::moment::key::RowKey;
use crate::moment::row::{Row, Rows};
use std::collections::{HashMap, HashSet};

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The row at a position of the moment.
    Row(u32),
    /// A row that is gone, by its number.
    Gone(u32),
    /// The heading of a group, by its number.
    Group(u32),
}

impl Line {
    /// Its row; `None` for a heading.
    pub fn row<'a>(self, rows: Rows<'a>, gone: &'a GoneRows) -> Option<Row<'a>> {
        match self {
            Self::Row(position) => rows.get(position),
            Self::Gone(number) => gone.get(number),
            Self::Group(_) => None,
        }
    }
}

/// What makes a line of one list the same as one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKey {
    /// A socket.
    Socket(RowKey),
    /// A group.
    Group(GroupKey),
}

/// The lines of the list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The lines.
    pub lines: Vec<Line>,
    /// The groups, if rows are grouped.
    pub groups: Vec<Group>,
}

impl Listing {
    /// The lines of rows in groups, or without any.
    pub fn new(rows: &[u32], groups: Vec<Group>, open: &HashSet<GroupKey>) -> Self {
        if groups.is_empty() {
            return Self { lines: rows.iter().copied().map(Line::Row).collect(), groups };
        }
        let mut lines = Vec::new();
        for (group, number) in groups.iter().zip(0..) {
            lines.push(Line::Group(number));
            if open.contains(&group.key) {
                lines.extend(group.rows.iter().copied().map(Line::Row));
            }
        }
        Self { lines, groups }
    }

    /// What makes the line of another list the same; `rows` are those of the moment.
    pub fn key_of(&self, line: Line, rows: Rows<'_>, gone: &GoneRows) -> Option<LineKey> {
        match line {
            Line::Row(position) => rows.get(position).map(|row| LineKey::Socket(row.key())),
            Line::Gone(number) => gone.get(number).map(|row| LineKey::Socket(row.key())),
            Line::Group(number) => self.groups.get(number as usize).map(|group| LineKey::Group(group.key)),
        }
    }

    /// Where a line is.
    pub fn find(&self, key: LineKey, rows: Rows<'_>, gone: &GoneRows) -> Option<usize> {
        self.lines.iter().position(|&line| self.key_of(line, rows, gone) == Some(key))
    }

    /// The group that a socket is in.
    pub fn group_of(&self, key: LineKey, rows: Rows<'_>) -> Option<LineKey> {
        let LineKey::Socket(key) = key else { return None };
        let is_it = |position: &u32| rows.get(*position).is_some_and(|row| row.key() == key);
        self.groups.iter().find(|group| group.rows.iter().any(is_it)).map(|group| LineKey::Group(group.key))
    }

    /// Where rows that are gone now stood: each with the line before it that is still there.
    pub fn anchors(&self, rows: Rows<'_>, gone_before: &GoneRows, gone: &HashSet<u32>) -> Anchors {
        let mut anchor = None;
        let mut anchors = Anchors::default();
        for &line in &self.lines {
            let is_gone = match line {
                Line::Row(position) => gone.contains(&position),
                Line::Gone(_) => true,
                Line::Group(_) => false,
            };
            match self.key_of(line, rows, gone_before) {
                Some(LineKey::Socket(key)) if is_gone => anchors.0.push((anchor, key)),
                key => anchor = key,
            }
        }
        anchors
    }

    /// Puts rows that are gone behind the lines that they stood behind.
    pub fn insert_gone(&mut self, anchors: &Anchors, rows: Rows<'_>, gone: &GoneRows) {
        if gone.len() == 0 {
            return;
        }
        let numbers = gone.numbers();
        let numbered = anchors.0.iter().filter_map(|(anchor, key)| Some((*anchor, *numbers.get(key)?)));
        let (mut first, mut behind): (Vec<Line>, HashMap<RowKey, Vec<Line>>) = Default::default();
        let mut behind_groups: HashMap<GroupKey, Vec<Line>> = HashMap::new();
        for (anchor, number) in numbered {
            match anchor {
                None => first.push(Line::Gone(number)),
                Some(LineKey::Socket(key)) => behind.entry(key).or_default().push(Line::Gone(number)),
                Some(LineKey::Group(key)) => behind_groups.entry(key).or_default().push(Line::Gone(number)),
            }
        }
        let mut lines = first;
        for &line in &self.lines {
            lines.push(line);
            let following = match self.key_of(line, rows, gone) {
                Some(LineKey::Socket(key)) => behind.remove(&key),
                Some(LineKey::Group(key)) => behind_groups.remove(&key),
                None => None,
            };
            lines.extend(following.into_iter().flatten());
        }
        self.lines = lines;
    }
}

/// Rows that are gone, in their order, each with the line that it stood behind.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<(Option<LineKey>, RowKey)>);
