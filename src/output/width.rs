//! Display width: how many cells of a terminal a text takes. A Hangul syllable takes two.

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

/// The text, right-aligned in so many cells; a longer text is whole.
pub fn right_aligned(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_their_place_or_two_blanks_on() {
        assert_eq!(line_of([(2, "ab"), (6, "cd"), (12, "e")]), "  ab  cd    e");
        assert_eq!(line_of([(2, "프로토콜"), (9, "로컬"), (20, "e")]), "  프로토콜  로컬    e");
    }

    #[test]
    fn right_aligned_text_ends_at_its_cell_or_is_whole() {
        assert_eq!(right_aligned("연결됨", 8), "  연결됨");
        assert_eq!(right_aligned("연결됨", 3), "연결됨");
    }
}
