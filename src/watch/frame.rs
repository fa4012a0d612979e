//! What the screen shows, line by line.

use super::act::Question;
use super::head;
use super::keys::HELP;
use super::listing::Line;
use super::marks::Mark;
use super::model::Model;
use super::press::Mode;
use super::prompt::Prompt;
use super::styled::{StyledLine, Tint};
use crate::moment::row::Row;
use crate::output::escape::escape;
use crate::output::width::width;
use crate::reports::paint::Paint;
use crate::reports::sockets::fit::cut_end;
use crate::reports::sockets::grid::Grid;
use std::convert::Infallible;
use std::time::Instant;

/// The cells before each row: the sign of its mark, and a blank.
pub const MARGIN: usize = 2;

/// The lines of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The lines, from the top.
    pub lines: Vec<StyledLine>,
    /// Where the cursor stands while a line is typed: column and line.
    pub cursor: Option<(u16, u16)>,
}

/// How many lines each part of the screen has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// Counts and what is chosen.
    pub head: usize,
    /// The headings of the columns.
    pub heading: usize,
    /// The rows.
    pub list: usize,
    /// What is open below them, with its title.
    pub pane: usize,
    /// The keys, a question or a line that is typed.
    pub footer: usize,
}

impl Areas {
    /// The parts of a screen of this height.
    pub fn of(height: u16, has_pane: bool) -> Self {
        let height = usize::from(height);
        let head = match height {
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        };
        let (heading, footer) = (usize::from(height > 2), usize::from(height > 1));
        let rest = height.saturating_sub(head + heading + footer);
        let pane = if has_pane { rest.div_ceil(2) } else { 0 };
        Self { head, heading, list: rest - pane, pane, footer }
    }
}

/// Draws the state of the screen.
pub fn frame(model: &mut Model, now: Instant) -> Frame {
    let areas = Areas::of(model.size.1, model.pane.is_some());
    let cells = usize::from(model.size.0);
    let grid = model.grid();
    let mut frame = Frame::default();
    let above_footer = areas.head + areas.heading + areas.list + areas.pane;
    if matches!(model.mode, Mode::Help) {
        // All keys fit on 24 lines.
        let help = HELP.iter().map(|(keys, what)| StyledLine::new(format!("  {keys:<18} {what}"), None));
        frame.lines.extend(help.take(above_footer));
        frame.lines.resize(above_footer, StyledLine::default());
    } else {
        frame.lines.extend(head::lines(model).into_iter().take(areas.head));
        if areas.heading > 0 {
            frame.lines.push(heading(model, &grid));
        }
        let list = model.window().iter().enumerate().map(|(offset, &line)| {
            let is_selected = model.top + offset == model.at;
            StyledLine { is_selected, ..list_line(model, &grid, line, now) }
        });
        let list: Vec<StyledLine> = list.take(areas.list).collect();
        frame.lines.extend(list);
        frame.lines.resize(areas.head + areas.heading + areas.list, StyledLine::default());
        if let Some(pane) = model.pane.as_mut().filter(|_| areas.pane > 0) {
            let title = format!("── {} ", pane.title());
            let rule = "─".repeat(cells.saturating_sub(width(&title)));
            frame.lines.push(StyledLine::painted(format!("{title}{rule}"), Paint::Dim));
            frame.lines.extend(pane.window(areas.pane - 1).iter().cloned());
        }
        frame.lines.resize(above_footer, StyledLine::default());
    }
    if let Mode::Act(question) = &model.mode {
        show_question(&mut frame, question, areas);
    }
    if areas.footer > 0 {
        let line = u16::try_from(frame.lines.len()).unwrap_or(u16::MAX);
        let (footer, cursor) = footer(model, cells);
        frame.lines.push(footer);
        frame.cursor = cursor.map(|column| (column, line));
    }
    frame
}

/// What is to be done stands over the last lines of the list.
fn show_question(frame: &mut Frame, question: &Question, areas: Areas) {
    let room = (areas.list + areas.pane).saturating_sub(1);
    let mut lines: Vec<StyledLine> = question.lines.iter().map(|line| StyledLine::new(line.as_str(), None)).collect();
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push(StyledLine::new("…", None));
    }
    let first = frame.lines.len().saturating_sub(lines.len());
    frame.lines.truncate(first);
    frame.lines.extend(lines);
}

fn heading(model: &Model, grid: &Grid) -> StyledLine {
    let mut line = StyledLine::new(" ".repeat(MARGIN), None);
    put_into(&mut line, None, |put| grid.heading(model.request.language, put));
    line
}

fn list_line(model: &Model, grid: &Grid, line: Line, now: Instant) -> StyledLine {
    let Some(rows) = model.rows() else { return StyledLine::default() };
    if let Line::Group(number) = line {
        let heading = model.listing.groups.get(number as usize).map(|group| group.heading(rows));
        let heading = heading.unwrap_or_default();
        return StyledLine::painted(cut_end(&heading, usize::from(model.size.0)), Paint::Strong);
    }
    let Some(row) = line.row(rows, &model.gone) else { return StyledLine::default() };
    let mark = match line {
        Line::Gone(_) => Some(Mark::Gone),
        Line::Row(_) | Line::Group(_) => model.marks.of(&row.key(), now),
    };
    row_line(grid, row, mark)
}

/// A row with its mark. What is new or gone is coloured as a whole; of what has changed the sign is enough, because yellow
/// text is hard to read on white.
fn row_line(grid: &Grid, row: Row<'_>, mark: Option<Mark>) -> StyledLine {
    let sign = mark.map_or(" ", Mark::sign);
    let mut line = StyledLine::new(sign, mark.map(Tint::Mark));
    line.push(" ".repeat(MARGIN - 1), None);
    let whole = match mark {
        Some(mark @ (Mark::New | Mark::Gone)) => Some(Tint::Mark(mark)),
        Some(Mark::Changed) | None => None,
    };
    put_into(&mut line, whole, |put| grid.row(row, put));
    line
}

/// Adds the texts that a grid gives.
fn put_into(
    line: &mut StyledLine,
    whole: Option<Tint>,
    give: impl FnOnce(&mut dyn FnMut(usize, &str, Option<Paint>) -> Result<(), Infallible>) -> Result<(), Infallible>,
) {
    let Ok(()) = give(&mut |blanks, text, paint| {
        line.push(" ".repeat(blanks), None);
        line.push(text, whole.or(paint.map(Tint::Paint)));
        Ok(())
    });
}

/// The last line, and the column of the cursor.
fn footer(model: &Model, cells: usize) -> (StyledLine, Option<u16>) {
    match &model.mode {
        Mode::Filter { prompt, error, .. } => {
            let (mut line, cursor) = typed("/", prompt, cells);
            if let Some(error) = error {
                line.push(format!("  {}", escape(error)), Some(Tint::Paint(Paint::Bad)));
            }
            (line, Some(cursor))
        }
        Mode::File(prompt) => {
            let (line, cursor) = typed("write to: ", prompt, cells);
            (line, Some(cursor))
        }
        Mode::Replace(path) => {
            let question = format!("{} exists: replace it? y: yes, any other key: no", escape(&path.to_string_lossy()));
            (StyledLine::painted(question, Paint::Strong), None)
        }
        Mode::Act(question) => (StyledLine::painted(format!("{} y: yes, any other key: no", question.text), Paint::Strong), None),
        Mode::Help => (StyledLine::painted("any key goes back", Paint::Dim), None),
        Mode::List => match &model.message {
            Some(message) => (StyledLine::painted(escape(message).into_owned(), Paint::Strong), None),
            None => (StyledLine::painted(hints(cells), Paint::Dim), None),
        },
    }
}

/// A line that is typed, with the cursor in sight.
fn typed(label: &str, prompt: &Prompt, cells: usize) -> (StyledLine, u16) {
    let room = cells.saturating_sub(width(label) + 1);
    let before: Vec<char> = escape(&prompt.before_cursor()).chars().collect();
    // The end of a long line is what is typed.
    let mut hidden = 0;
    let visible = |hidden: usize| width(&before.iter().skip(hidden).collect::<String>());
    while visible(hidden) > room && hidden < before.len() {
        hidden += 1;
    }
    let text: String = escape(&prompt.text()).chars().skip(hidden).collect();
    let cursor = width(label) + visible(hidden);
    let mut line = StyledLine::painted(label, Paint::Strong);
    line.push(text, None);
    (line, u16::try_from(cursor).unwrap_or(u16::MAX))
}

/// As many of the most useful keys as fit.
fn hints(cells: usize) -> String {
    const HINTS: [&str; 10] =
        ["? keys", "q end", "/ filter", "s sort", "Enter details", "x explain", "f follow", "c group", "Space pause", "n names"];
    let mut line = String::new();
    for hint in HINTS {
        let longer = if line.is_empty() { hint.to_owned() } else { format!("{line}  {hint}") };
        if width(&longer) > cells {
            break;
        }
        line = longer;
    }
    line
}
