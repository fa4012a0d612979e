//! Pictures of a terminal: text with colours of the plain palette as SVG, without a browser or a service.

use rnetstat::output::width::width;
use std::fmt::Write;

/// The cells of a line at most; longer lines are cut by the caller.
const CELL: f32 = 8.4;
const LINE: f32 = 19.0;
const MARGIN: f32 = 16.0;
const BAR: f32 = 34.0;

/// The colours of a terminal, by the number of the escape sequence that chooses each.
const COLORS: [(&str, &str); 6] =
    [("31", "#f7768e"), ("32", "#9ece6a"), ("33", "#e0af68"), ("35", "#bb9af7"), ("36", "#7dcfff"), ("2", "#8890b0")];

/// A terminal window with a prompt, a command, and what it printed.
pub fn terminal(command: &str, printed: &str) -> String {
    let prompt = format!("\u{1b}[32m$\u{1b}[0m \u{1b}[1m{command}\u{1b}[0m");
    let lines: Vec<&str> = std::iter::once(prompt.as_str()).chain(printed.lines()).collect();
    let cells = lines.iter().map(|line| width(&plain(line))).max().unwrap_or_default();
    let (wide, high) = (cells as f32 * CELL + 2.0 * MARGIN, lines.len() as f32 * LINE + BAR + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         role=\"img\" aria-label=\"{}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1a1b26\"/>\n\
         <circle cx=\"18\" cy=\"16\" r=\"5\" fill=\"#f7768e\"/><circle cx=\"36\" cy=\"16\" r=\"5\" fill=\"#e0af68\"/>\
         <circle cx=\"54\" cy=\"16\" r=\"5\" fill=\"#9ece6a\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"#c8d3f5\" xml:space=\"preserve\">\n",
        escape(command)
    );
    for (row, line) in lines.iter().enumerate() {
        let y = BAR + (row as f32 + 1.0) * LINE - 5.0;
        for (column, text, codes) in runs(line) {
            // Writing to a String cannot fail.
            let _ = writeln!(svg, "{}", run(column, y, &text, &codes));
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Parts of a line that look alike: the cell at which each begins, its text, and the codes that are in force.
fn runs(line: &str) -> Vec<(usize, String, Vec<String>)> {
    let mut runs = Vec::new();
    let mut codes: Vec<String> = Vec::new();
    let mut column = 0;
    for (place, part) in line.split('\u{1b}').enumerate() {
        let text = if place == 0 {
            part
        } else {
            let (code, text) = part.strip_prefix('[').and_then(|part| part.split_once('m')).unwrap();
            if code == "0" {
                codes.clear();
            } else {
                codes.push(code.to_owned());
            }
            text
        };
        // Two blanks are between columns: what comes next has a place of its own.
        let mut at = column;
        for (gap, words) in text.split("  ").enumerate() {
            at += if gap == 0 { 0 } else { 2 };
            let begin = width(words) - width(words.trim_start());
            if !words.trim().is_empty() {
                runs.push((at + begin, words.trim().to_owned(), codes.clone()));
            }
            at += width(words);
        }
        column += width(text);
    }
    runs
}

fn run(column: usize, y: f32, text: &str, codes: &[String]) -> String {
    let color = codes.iter().find_map(|code| COLORS.iter().find(|(known, _)| known == code)).map(|(_, color)| *color);
    let color = color.map_or_else(String::new, |color| format!(" fill=\"{color}\""));
    let bold = if codes.iter().any(|code| code == "1") { " font-weight=\"bold\"" } else { "" };
    // Every viewer has another font: the length keeps the columns in their places.
    let length = width(text) as f32 * CELL;
    let x = column as f32 * CELL + MARGIN;
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{color}{bold}>{}</text>",
        escape(text)
    )
}

fn plain(line: &str) -> String {
    runs(line).iter().fold(String::new(), |plain, (column, text, _)| {
        let blanks = column.saturating_sub(width(&plain));
        plain + &" ".repeat(blanks) + text
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A bar chart: a title, and for each bar its name, its value and the text of the value.
pub fn bars(title: &str, bars: &[(&str, f32, &str)]) -> String {
    const WIDE: f32 = 720.0;
    const NAMES: f32 = 170.0;
    const VALUES: f32 = 110.0;
    const ROW: f32 = 34.0;
    const TOP: f32 = 52.0;
    let most = bars.iter().map(|(_, value, _)| *value).fold(0.0, f32::max);
    let high = TOP + bars.len() as f32 * ROW + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDE:.0} {high:.0}\" width=\"{WIDE:.0}\" height=\"{high:.0}\" \
         role=\"img\" aria-label=\"{0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1a1b26\"/>\n\
         <g font-family=\"ui-sans-serif,system-ui,'DejaVu Sans',sans-serif\" font-size=\"14\" fill=\"#c8d3f5\">\n\
         <text x=\"16\" y=\"30\" font-weight=\"bold\">{0}</text>\n",
        escape(title)
    );
    for (row, (name, value, text)) in bars.iter().enumerate() {
        let y = TOP + row as f32 * ROW;
        let length = (value / most * (WIDE - NAMES - VALUES)).max(2.0);
        let color = if row == 0 { "#9ece6a" } else { "#565f89" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"16\" y=\"{0:.0}\">{name}</text><rect x=\"{NAMES:.0}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"22\" \
             rx=\"3\" fill=\"{color}\"/><text x=\"{1:.1}\" y=\"{0:.0}\">{text}</text>",
            y + 16.0,
            NAMES + length + 10.0
        );
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}
