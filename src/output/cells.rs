//! Text in the cells of a terminal: a Hangul syllable takes two.

use unicode_width::UnicodeWidthStr;

/// How many cells a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A line with each text at its column. A text that is reached by the one before it stands two blanks behind that.
pub fn line_of<'a>(texts: impl IntoIterator<Item = (usize, &'a str)>) -> String {
    let mut line = String::new();
    let mut end = 0;
    for (column, text) in texts {
        let begin = if line.is_empty() { column } else { column.max(end + 2) };
        line.extend(std::iter::repeat_n(' ', begin - end));
        line.push_str(text);
        end = begin + width(text);
    }
    line
}

/// The text with blanks before it, so that it ends at the last of so many cells.
pub fn right(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_where_they_should_or_two_blanks_on() {
        assert_eq!(line_of([(2, "ab"), (6, "cd"), (12, "e")]), "  ab  cd    e");
        assert_eq!(line_of([(2, "프로토콜"), (9, "로컬"), (20, "e")]), "  프로토콜  로컬    e");
    }

    #[test]
    fn a_text_ends_where_it_should_or_is_whole() {
        assert_eq!(right("연결됨", 8), "  연결됨");
        assert_eq!(right("연결됨", 3), "연결됨");
    }
}
