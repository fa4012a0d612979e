//! Rows for people in columns that fit a terminal.

use super::fit::{Fit, Wish, fit};
use super::wide::{Cell, cell, paint_of};
use crate::moment::row::Row;
use crate::output::width::width;
use crate::reports::paint::Paint;
use crate::request::column::Column;
use crate::request::language::Language;

/// Takes the texts of a line, one after another: the blanks before each, the text, and its paint. There are no blanks at the end
/// of a line.
pub(crate) type Put<'a, E> = &'a mut dyn FnMut(usize, &str, Option<Paint>) -> Result<(), E>;

/// How wide the columns are for the rows that were added.
#[derive(Clone, Debug)]
pub(crate) struct Widths {
    columns: Vec<(Column, usize)>,
}

impl Widths {
    /// The widths of the headings in a language; none without a heading.
    pub(crate) fn of_headings(columns: &[Column], language: Option<Language>) -> Self {
        let heading = |column: Column| language.map_or(0, |language| width(column.definition().heading(language)));
        Self { columns: columns.iter().map(|&column| (column, heading(column))).collect() }
    }

    /// Makes room for a row.
    pub(crate) fn add(&mut self, row: Row<'_>) {
        for (column, cells) in &mut self.columns {
            *cells = (*cells).max(width(&cell(row, *column).whole()));
        }
    }

    /// Fits the columns into a width. If the user has chosen them, none is left out as long as any of each fits.
    pub(crate) fn fit(&self, are_chosen: bool, cells: Option<usize>) -> Grid {
        let wish = |&(column, whole): &(Column, usize)| {
            let (readable, least) = shortest(column);
            // `1260 +2` says enough.
            Wish { whole, readable: whole.min(readable), least: whole.min(least), is_last: column == Column::Pid }
        };
        let wishes: Vec<Wish> = self.columns.iter().map(wish).collect();
        let essential = if are_chosen { wishes.len() } else { Column::ESSENTIAL };
        let fit = fit(&wishes, essential, cells);
        let columns = self.columns.iter().map(|&(column, _)| column).take(fit.widths.len()).collect();
        Grid { columns, fit }
    }
}

/// Columns with their widths.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    fit: Fit,
}

impl Grid {
    /// The columns that fit.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The cells from the first to the last one.
    pub(crate) fn width(&self) -> usize {
        self.fit.widths.iter().sum::<usize>() + self.fit.gutter * self.columns.len().saturating_sub(1)
    }

    /// The headings.
    pub(crate) fn heading<E>(&self, language: Language, put: Put<'_, E>) -> Result<(), E> {
        let heading = |column: &Column| Cell::Text(column.definition().heading(language).to_owned());
        self.line(self.columns.iter().map(|column| (heading(column), Some(Paint::Strong))), put)
    }

    /// A row.
    pub(crate) fn row<E>(&self, row: Row<'_>, put: Put<'_, E>) -> Result<(), E> {
        self.line(self.columns.iter().map(|&column| (cell(row, column), paint_of(row, column))), put)
    }

    fn line<E>(&self, cells: impl Iterator<Item = (Cell, Option<Paint>)>, put: Put<'_, E>) -> Result<(), E> {
        let mut blanks = 0;
        for ((position, (cell, paint)), (column, &cells)) in cells.enumerate().zip(self.columns.iter().zip(&self.fit.widths)) {
            let text = cell.cut(cells);
            let fill = cells.saturating_sub(width(&text));
            blanks += if position > 0 { self.fit.gutter } else { 0 };
            // A list of PIDs reads from its beginning.
            let is_right = column.definition().is_number() && *column != Column::Pid;
            if text.is_empty() {
                blanks += fill;
                continue;
            }
            put(blanks + if is_right { fill } else { 0 }, &text, paint)?;
            blanks = if is_right { 0 } else { fill };
        }
        Ok(())
    }
}

/// The cells of a column after which cuts make it hard to read, and those that it has at least.
fn shortest(column: Column) -> (usize, usize) {
    // Words and numbers are whole or not there.
    const WHOLE: [Column; 5] = [Column::Protocol, Column::Family, Column::State, Column::OwnerStatus, Column::Offload];
    const SHORT: [(&[Column], (usize, usize)); 4] = [
        (&[Column::Local, Column::Remote], (21, 12)),
        (&[Column::LocalAddress, Column::RemoteAddress], (15, 8)),
        (&[Column::Pid], (9, 9)),
        (&[Column::Process], (12, 6)),
    ];
    if let Some((_, cells)) = SHORT.iter().find(|(columns, _)| columns.contains(&column)) {
        return *cells;
    }
    let is_whole = WHOLE.contains(&column) || column.definition().is_number();
    if is_whole { (usize::MAX, usize::MAX) } else { (8, 4) }
}
