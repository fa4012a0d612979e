//! Texts and columns that fit into so many cells of a terminal.

use crate::output::width::width;
use unicode_width::UnicodeWidthChar;

/// What stands for what was cut out.
const CUT: &str = "…";

/// A text in at most so many cells: its end is cut.
pub(crate) fn cut_end(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut short = beginning(text, cells.saturating_sub(1)).to_owned();
    if cells > 0 {
        short.push_str(CUT);
    }
    short
}

/// As much of the beginning as fits.
fn beginning(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > cells
    });
    end.map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

/// As much of the end as fits.
fn ending(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > cells
    });
    start.map_or(text, |(start, character)| text.get(start + character.len_utf8()..).unwrap_or(text))
}

/// A text in at most so many cells: its middle is cut, between groups that end with `separator` if that leaves enough.
fn cut_middle(text: &str, cells: usize, separator: char) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let left = cells.saturating_sub(1);
    let tail = text.rsplit_once(separator).map_or("", |(_, last)| last);
    let tail_with_separator = width(tail) + 1;
    // Whole groups: the first ones, and the last one.
    if !tail.is_empty() && tail_with_separator < left {
        let head = beginning(text, left - tail_with_separator);
        if let Some(at) = head.rfind(separator) {
            return format!("{}{separator}{CUT}{separator}{tail}", head.get(..at).unwrap_or(head));
        }
    }
    let tail = ending(text, left / 2);
    let head = beginning(text, left - width(tail));
    if cells == 0 { String::new() } else { format!("{head}{CUT}{tail}") }
}

/// An address with a port in at most so many cells: `[2a02:810d:…:77c1]:8443`. The port is whole as long as anything is.
pub(crate) fn cut_endpoint(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let Some((host, port)) = text.rsplit_once(':') else { return cut_end(text, cells) };
    let behind = width(port) + 1;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) if behind + 3 <= cells => format!("[{}]:{port}", cut_middle(address, cells - behind - 2, ':')),
        None if behind < cells => format!("{}:{port}", cut_middle(host, cells - behind, '.')),
        Some(_) | None => cut_end(text, cells),
    }
}

/// Several texts in at most so many cells: as many as fit, and the number of the others: `12609 +40`.
pub(super) fn cut_list(texts: &[String], separator: &str, cells: usize) -> String {
    let whole = texts.join(separator);
    if width(&whole) <= cells {
        return whole;
    }
    for shown in (1..texts.len()).rev() {
        let short = format!("{} +{}", texts.iter().take(shown).cloned().collect::<Vec<_>>().join(separator), texts.len() - shown);
        if width(&short) <= cells {
            return short;
        }
    }
    match texts {
        [] => String::new(),
        [only] => cut_end(only, cells),
        [first, rest @ ..] => {
            let more = format!(" +{}", rest.len());
            let left = cells.saturating_sub(width(&more));
            if left < 2 { cut_end(&whole, cells) } else { format!("{}{more}", cut_end(first, left)) }
        }
    }
}

/// The cells that a column needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Without any cut.
    pub whole: usize,
    /// With cuts after which it is still easy to read.
    pub readable: usize,
    /// At least, if the terminal is very narrow.
    pub least: usize,
    /// Whether the other columns come first if there is room for more than what is readable.
    pub is_last: bool,
}

/// The widths of the columns that are shown, and the blanks between two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub widths: Vec<usize>,
    pub gutter: usize,
}

const GUTTER: usize = 2;
const NARROW_GUTTER: usize = 1;

/// Fits columns into a terminal: first the gutters become narrow, then cells are cut, then the last columns are left out, but
/// for the `essential` first ones as long as these fit with the least that they need.
pub(super) fn fit(wishes: &[Wish], essential: usize, cells: Option<usize>) -> Fit {
    let whole = || wishes.iter().map(|wish| wish.whole).collect::<Vec<_>>();
    let Some(cells) = cells else { return Fit { widths: whole(), gutter: GUTTER } };
    let gutters = |count: usize, gutter: usize| gutter * count.saturating_sub(1);
    let total = |count: usize, width: fn(&Wish) -> usize| wishes.iter().take(count).map(width).sum::<usize>();
    for gutter in [GUTTER, NARROW_GUTTER] {
        if total(wishes.len(), |wish| wish.whole) + gutters(wishes.len(), gutter) <= cells {
            return Fit { widths: whole(), gutter };
        }
    }
    let fits = |count, width| total(count, width) + gutters(count, NARROW_GUTTER) <= cells;
    let mut shown = wishes.len();
    while shown > essential.clamp(1, wishes.len().max(1)) && !fits(shown, |wish| wish.readable) {
        shown -= 1;
    }
    let are_readable = fits(shown, |wish| wish.readable);
    let base = |wish: &Wish| if are_readable { wish.readable } else { wish.least };
    while shown > 1 && !are_readable && !fits(shown, |wish| wish.least) {
        shown -= 1;
    }
    let mut widths: Vec<usize> = wishes.iter().take(shown).map(base).collect();
    let mut left = cells.saturating_sub(widths.iter().sum::<usize>() + gutters(shown, NARROW_GUTTER));
    // What is left goes round, a cell at a time, to the columns that are cut.
    for is_last in [false, true] {
        loop {
            let before = left;
            for (width, wish) in widths.iter_mut().zip(wishes).filter(|(_, wish)| wish.is_last == is_last) {
                if *width < wish.whole && left > 0 {
                    *width += 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
    }
    if let ([only], true) = (widths.as_mut_slice(), shown == 1) {
        *only = (*only).min(cells);
    }
    Fit { widths, gutter: NARROW_GUTTER }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_cut_in_the_middle_and_keep_their_port() {
        let long = "[2a02:810d:1234:5678:9abc:def0:1234:77c1]:8443";
        assert_eq!(cut_endpoint(long, 24), "[2a02:810d:…:77c1]:8443");
        assert_eq!(cut_endpoint(long, 18), "[2a02:…:77c1]:8443");
        assert_eq!(cut_endpoint(long, 46), long);
        assert_eq!(cut_endpoint("a.very.long.name.example.org:443", 20), "a.very.long.….org:443".replace("long.", ""));
    }

    #[test]
    fn of_many_pids_the_first_and_their_number_are_left() {
        let pids: Vec<String> = (12609..12650).map(|pid: u32| pid.to_string()).collect();
        assert_eq!(cut_list(&pids, " ", 9), "12609 +40");
        assert_eq!(cut_list(&pids, " ", 15), "12609 12610 +39");
        assert_eq!(cut_list(&pids[..2], " ", 11), "12609 12610");
        assert_eq!(cut_list(&["postgres-primary".to_owned()], "; ", 8), "postgre…");
        assert_eq!(cut_list(&["postgres-primary".to_owned(), "x".to_owned()], "; ", 8), "post… +1");
    }

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(cut_end("웹서버", 4), "웹…");
        assert_eq!(cut_end("웹서버", 6), "웹서버");
    }

    #[test]
    fn gutters_are_narrowed_before_cells_are_cut_and_these_before_columns_are_left_out() {
        let wishes = [Wish { whole: 10, readable: 6, least: 3, is_last: false }; 3];
        let widths = |cells| fit(&wishes, 2, Some(cells));
        assert_eq!(widths(34), Fit { widths: vec![10, 10, 10], gutter: 2 });
        assert_eq!(widths(32), Fit { widths: vec![10, 10, 10], gutter: 1 });
        assert_eq!(widths(30), Fit { widths: vec![10, 9, 9], gutter: 1 });
        assert_eq!(widths(19), Fit { widths: vec![9, 9], gutter: 1 });
        assert_eq!(widths(9), Fit { widths: vec![4, 4], gutter: 1 });
        assert_eq!(widths(5), Fit { widths: vec![5], gutter: 1 });
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_cells(text in any::<String>(), cells in 0usize..60) {
            let text: String = text.chars().filter(|c| !crate::output::escape::needs_escape(*c)).collect();
            prop_assert!(width(&cut_end(&text, cells)) <= cells);
            prop_assert!(width(&cut_endpoint(&text, cells)) <= cells);
            let bracketed = format!("[{text}]:443");
            prop_assert!(width(&cut_endpoint(&bracketed, cells)) <= cells);
            prop_assert!(width(&cut_list(&[text.clone(), "12".to_owned(), text], " ", cells)) <= cells);
        }

        #[test]
        fn columns_fit(wholes in prop::collection::vec(1usize..60, 1..12), essential in 0usize..7, cells in 1usize..300) {
            let wishes: Vec<Wish> =
                wholes.iter().map(|&whole| Wish { whole, readable: whole.min(12), least: whole.min(5), is_last: false }).collect();
            let fit = fit(&wishes, essential, Some(cells));
            prop_assert!(fit.widths.iter().sum::<usize>() + fit.gutter * (fit.widths.len() - 1) <= cells);
        }
    }

    #[test]
    fn columns_that_are_last_get_what_the_others_do_not_need() {
        let wish = |is_last| Wish { whole: 10, readable: 6, least: 3, is_last };
        let wishes = [wish(true), wish(false)];
        assert_eq!(fit(&wishes, 1, Some(17)).widths, [6, 10]);
        assert_eq!(fit(&wishes, 1, Some(19)).widths, [8, 10]);
        assert_eq!(fit(&wishes, 1, Some(15)).widths, [6, 8]);
    }
}
