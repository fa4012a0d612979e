//! Texts in lines that fit.

use crate::output::width::width;

/// A text in lines of at most so many cells, broken between words; a word that is longer has a line of its own and is broken if
/// lines have a limit at all.
pub fn wrap(text: &str, cells: Option<usize>) -> Vec<String> {
    let Some(cells) = cells.map(|cells| cells.max(1)) else { return vec![text.to_owned()] };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        if width(word) <= cells {
            line.push_str(word);
            continue;
        }
        for character in word.chars() {
            let mut buffer = [0; 4];
            let character: &str = character.encode_utf8(&mut buffer);
            if !line.is_empty() && width(&line) + width(character) > cells {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(character);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_within_words_that_are_longer() {
        assert_eq!(wrap("to be or not", Some(6)), ["to be", "or not"]);
        assert_eq!(wrap("a /usr/bin/program b", Some(6)), ["a", "/usr/b", "in/pro", "gram b"]);
        assert_eq!(wrap("a very long line", None), ["a very long line"]);
        assert_eq!(wrap("", Some(6)), [""]);
        assert_eq!(wrap("프로토콜", Some(4)), ["프로", "토콜"]);
    }
}
