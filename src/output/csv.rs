//! Comma-separated values, quoted as RFC 4180 says and safe to open in a spreadsheet.

use super::escape::escape;
use std::borrow::Cow;

/// Text from outside as a cell that no spreadsheet takes for a formula and no line break can end: what
/// [`escape`] makes of it and, where it begins like a formula, an apostrophe before it.
pub fn cell(text: &str) -> Cow<'_, str> {
    let shown = escape(text);
    // The full-width signs are formulas to spreadsheets in East Asian locales.
    if shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        return Cow::Owned(format!("'{shown}"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_never_becomes_a_formula() {
        for text in ["=cmd|' /C calc'!A0", "+1", "-bash", "@SUM(A1)", "＝1+1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        assert_eq!(cell("\t=1"), "\\u{9}=1");
        assert_eq!(cell("\r\n=1"), "\\u{d}\\u{a}=1");
        assert_eq!(cell("nginx: a, \"b\" =c"), "nginx: a, \"b\" =c");
    }
}
