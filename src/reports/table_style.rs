//! How tables made to be looked at are drawn.

use comfy_table::{ContentArrangement, LineStyle, Table};

/// Columns apart by blanks, and a rule under the heading: nothing stands in the way of copying.
const STYLE: comfy_table::TableStyle = comfy_table::TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How a table is to look.
#[derive(Clone, Copy, Debug)]
pub struct TableStyle {
    /// The columns of the terminal; `None` where there is none and lines may be as long as they like.
    pub width: Option<u16>,
    /// Whether to use colour.
    pub color: bool,
    /// Whether the heading is left out.
    pub no_header: bool,
}

/// A table without frames, in colour where that is wanted whatever the environment says.
pub(super) fn new_table(look: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).force_no_tty();
    if look.color {
        crossterm::style::force_color_output(true);
        table.enforce_styling();
    }
    if let Some(width) = look.width {
        table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}
