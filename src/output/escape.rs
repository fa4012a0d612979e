//! Text from outside made safe, and what the system's line ends are.

use std::borrow::Cow;
use std::io::{self, Write};

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed: Unix.
    Lf,
    /// A carriage return and a line feed: Windows, console and pipe.
    CrLf,
}

impl LineEnd {
    /// Writes text whose lines end in `\n` with the line ends that are wanted. Text from outside cannot hold a `\n` of its
    /// own: [`escape`] has escaped it.
    pub fn write(self, out: &mut impl Write, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Lf => out.write_all(text),
            Self::CrLf => {
                // In one piece: a console shows pieces one after another, and each write is a system call.
                let lines = text.iter().filter(|&&byte| byte == b'\n').count();
                let mut ended = Vec::with_capacity(text.len() + lines);
                for line in text.split_inclusive(|&byte| byte == b'\n') {
                    match line.split_last() {
                        Some((b'\n', line)) => {
                            ended.extend_from_slice(line);
                            ended.extend_from_slice(b"\r\n");
                        }
                        _ => ended.extend_from_slice(line),
                    }
                }
                out.write_all(&ended)
            }
        }
    }
}

/// Text that may be shown: control characters, characters that turn the writing direction or are not visible, and
/// line separators are written as escapes (`\u{1b}`), so that a name can neither command a terminal nor break a line.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Whether a character does something other than being seen in its place.
pub(crate) fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_cannot_clear_the_screen_or_turn_the_line() {
        assert_eq!(escape("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(escape("a\nb\r\tc\u{9b}d"), "a\\u{a}b\\u{d}\\u{9}c\\u{9b}d");
        assert_eq!(escape("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
    }

    #[test]
    fn honest_text_is_left_alone_in_every_language() {
        for text in ["nginx: worker (1)", "웹서버", "Grüße", ""] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn every_line_ends_as_it_is_wanted() {
        let written = |end: LineEnd, text: &[u8]| {
            let mut out = Vec::new();
            end.write(&mut out, text).unwrap();
            out
        };
        assert_eq!(written(LineEnd::CrLf, b"\na\n\nb"), b"\r\na\r\n\r\nb");
        assert_eq!(written(LineEnd::CrLf, b""), b"");
        assert_eq!(written(LineEnd::Lf, b"a\n"), b"a\n");
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(is_hostile));
        }
    }
}
