//! The one place where text from outside is made safe to print: names of processes, users, hosts and interfaces, command lines.

use std::borrow::Cow;
use std::fmt::Write;

/// Text that may be printed: control characters, characters that change the writing direction or are not visible, and line
/// separators are written as escapes (`\u{1b}`), so that a name can neither command a terminal nor break a line.
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) || !text.chars().any(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push_escaped(&mut safe, character);
    }
    Cow::Owned(safe)
}

/// A name that stands among our own words or in a list: escaped, and in quotation marks if it could be taken for our own
/// words (`(hidden)`), for a name with its PID (`nginx (900)`), or for several entries of a list (`a; b`, `a, b`).
pub fn escape_name(name: &str) -> Cow<'_, str> {
    if is_ambiguous(name) { Cow::Owned(quote(name)) } else { escape(name) }
}

/// Another text in a list whose entries are separated by `; `: escaped, and in quotation marks if it could be taken for
/// several entries.
pub fn escape_item(text: &str) -> Cow<'_, str> {
    let is_ambiguous = text.starts_with('"') || text.contains("; ");
    if is_ambiguous { Cow::Owned(quote(text)) } else { escape(text) }
}

/// Whether a word can be copied into a shell as it is, behind a command.
pub fn is_shell_word(word: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b':');
    !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_safe)
}

fn quote(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 18);
    quoted.push('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ => push_escaped(&mut quoted, character),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a name could be read as something else than one name.
fn is_ambiguous(name: &str) -> bool {
    name.is_empty()
        || name.starts_with(['(', '[', '{', '<', '"', ' '])
        || name.ends_with(' ')
        || ["; ", ", ", " (", " and "].iter().any(|separator| name.contains(separator))
        || name.ends_with([';', ','])
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn push_escaped(out: &mut String, character: char) {
    if needs_escape(character) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", character.escape_unicode());
    } else {
        out.push(character);
    }
}

/// Whether a character does something other than being seen in its place: it is a control character, a line separator
/// (U+2028, U+2029), an interlinear annotation character (U+FFF9 to U+FFFB), or has the property
/// `Default_Ignorable_Code_Point`.
///
/// The ranges of the property are those of `DerivedCoreProperties.txt` (Unicode 14 to 17); its unassigned code points belong
/// to it too, so that later versions of Unicode change nothing here.
pub(crate) fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_cannot_clear_the_screen_or_change_the_writing_direction() {
        assert_eq!(escape("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(escape("a\nb\r\tc\u{9b}d"), "a\\u{a}b\\u{d}\\u{9}c\\u{9b}d");
        assert_eq!(escape("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
    }

    #[test]
    fn invisible_characters_are_escaped() {
        for character in [
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{200b}',
            '\u{2065}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{1bca3}',
            '\u{1d173}',
            '\u{1d17a}',
            '\u{e0001}',
            '\u{e0100}',
            '\u{e01ef}',
        ] {
            assert_eq!(escape(&format!("ssh{character}d")), format!("ssh\\u{{{:x}}}d", u32::from(character)));
        }
    }

    #[test]
    fn visible_text_is_left_alone_in_every_language() {
        for text in ["nginx: worker (1)", "웹서버", "Grüße", "नमस्ते", ""] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
        for name in ["nginx", "Web Content", "kworker/0:1-events", "웹서버", "a;b", "-"] {
            assert!(matches!(escape_name(name), Cow::Borrowed(same) if same == name));
        }
    }

    #[test]
    fn a_name_that_imitates_our_words_or_a_list_is_quoted() {
        for name in ["(kernel)", "(gone)", "(hidden)", "(sd-pam)", "[nginx]", "nginx (900)", "a; b", "a, b", "", " a", "a ", "a;"]
        {
            assert_eq!(escape_name(name), format!("\"{name}\""));
        }
        assert_eq!(escape_name("\"(hidden)\""), "\"\\\"(hidden)\\\"\"");
        assert_eq!(escape_name("(a\\\"\n"), "\"(a\\\\\\\"\\u{a}\"");
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_needs_an_escape(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(needs_escape));
            prop_assert!(!escape_name(&text).chars().any(needs_escape));
        }

        #[test]
        fn two_names_are_never_printed_alike(one in "[(\"\\\\; a]{0,4}", other in "[(\"\\\\; a]{0,4}") {
            prop_assert_eq!(one == other, escape_name(&one) == escape_name(&other));
        }
    }
}
