//! Drawing a frame on a terminal: the only file that knows ratatui.

use super::frame::Frame;
use super::marks::Mark;
use super::styled::{StyledLine, Tint};
use crate::reports::paint::Paint;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use std::io::{self, Stdout};

/// A screen on standard output.
pub type Screen = OnBackend<CrosstermBackend<Stdout>>;

/// A screen on any backend.
pub struct OnBackend<B: Backend> {
    terminal: Terminal<B>,
    has_color: bool,
}

impl Screen {
    /// The terminal on standard output.
    pub fn of_stdout(has_color: bool) -> io::Result<Self> {
        Self::new(CrosstermBackend::new(io::stdout()), has_color)
    }
}

impl<B: Backend> OnBackend<B> {
    /// A screen on a backend.
    pub fn new(backend: B, has_color: bool) -> Result<Self, B::Error> {
        Ok(Self { terminal: Terminal::new(backend)?, has_color })
    }

    /// What it is on.
    #[cfg(test)]
    pub fn backend(&self) -> &B {
        self.terminal.backend()
    }

    /// Its columns and lines.
    pub fn size(&self) -> Result<(u16, u16), B::Error> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// What is on the screen is not what was drawn: the next frame is drawn as a whole.
    pub fn forget(&mut self) -> Result<(), B::Error> {
        // Terminal::clear would ask the terminal where its cursor is, and the answer would be taken for keys.
        let area = Rect::from(self.terminal.size()?);
        self.terminal.resize(area)
    }

    /// Draws a frame; what is wider or higher than the screen is cut.
    pub fn draw(&mut self, frame: &Frame) -> Result<(), B::Error> {
        let has_color = self.has_color;
        self.terminal.draw(|on| {
            let area = on.area();
            for (line, y) in frame.lines.iter().zip(area.y..area.bottom()) {
                draw_line(on.buffer_mut(), Rect { y, height: 1, ..area }, line, has_color);
            }
            if let Some((x, y)) = frame.cursor {
                let at = Position { x: x.min(area.right().saturating_sub(1)), y: y.min(area.bottom().saturating_sub(1)) };
                on.set_cursor_position(at);
            }
        })?;
        Ok(())
    }
}

fn draw_line(buffer: &mut Buffer, area: Rect, line: &StyledLine, has_color: bool) {
    let mut x = area.x;
    for span in &line.spans {
        let left = usize::from(area.right().saturating_sub(x));
        if left == 0 {
            break;
        }
        let style = span.tint.map_or_else(Style::default, |tint| style_of(tint, has_color));
        (x, _) = buffer.set_stringn(x, area.y, &span.text, left, style);
    }
    if line.is_selected {
        buffer.set_style(area, Style::default().add_modifier(Modifier::REVERSED));
    }
}

/// The plain palette alone, which can be read on black, on white and on Solarized.
fn style_of(tint: Tint, has_color: bool) -> Style {
    let style = Style::default();
    let color = |color| if has_color { style.fg(color) } else { style };
    match tint {
        Tint::Paint(Paint::Strong) => style.add_modifier(Modifier::BOLD),
        Tint::Paint(Paint::Dim) if has_color => style.add_modifier(Modifier::DIM),
        Tint::Paint(Paint::Dim) => style,
        Tint::Paint(Paint::Good) | Tint::Mark(Mark::New) => color(Color::Green),
        Tint::Paint(Paint::Bad) | Tint::Mark(Mark::Gone) => color(Color::Red),
        Tint::Paint(Paint::Passing) => color(Color::Magenta),
        Tint::Paint(Paint::Waiting) => color(Color::Cyan),
        Tint::Mark(Mark::Changed) => color(Color::Yellow).add_modifier(Modifier::BOLD),
    }
}
