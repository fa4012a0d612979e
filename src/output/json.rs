//! JSON that is safe to print on a terminal and still says exactly what was there.

use super::escape::needs_escape;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, Write};

/// Writes `value` as compact JSON.
pub fn write_compact(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_with(out, value, Layout { depth: 0, open: false, lists: false })
}

/// Writes `value`, an object, with each element of its lists on a line of its own and a line end behind it, so that
/// text tools (grep, diff) can work with it too.
pub fn write_document(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_with(out, value, Layout { depth: 0, open: false, lists: true })?;
    out.write_all(b"\n")
}

fn write_with(out: &mut impl Write, value: &impl Serialize, layout: Layout) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, layout)).map_err(io::Error::from)
}

/// Escapes what [`needs_escape`]; breaks lines between the elements of the outermost object's lists.
struct Layout {
    depth: u32,
    /// Whether the innermost list that is open has an element yet.
    open: bool,
    lists: bool,
}

/// The depth of the elements of a list that stands in the outermost object.
const ELEMENT: u32 = 2;

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.open = false;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.lists && self.depth == ELEMENT && self.open {
            out.write_all(b"\n")?;
        }
        self.depth -= 1;
        self.open = true;
        out.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.open = true;
        if !first {
            out.write_all(b",")?;
        }
        if self.lists && self.depth == ELEMENT { out.write_all(b"\n") } else { Ok(()) }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _out: &mut W) -> io::Result<()> {
        self.open = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        out.write_all(b"}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return out.write_all(fragment.as_bytes());
        }
        let mut plain = 0;
        for (position, character) in fragment.char_indices().filter(|&(_, character)| needs_escape(character)) {
            out.write_all(fragment.get(plain..position).unwrap_or_default().as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            plain = position + character.len_utf8();
        }
        out.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}

/// Text from outside as a JSON string; what in it is not Unicode is replaced by U+FFFD.
pub fn lossy(text: &OsStr) -> Cow<'_, str> {
    text.to_string_lossy()
}

/// The bytes of text from outside, in hexadecimal, if [`lossy`] loses some of them.
pub fn bytes_unless_text(text: &OsStr) -> Option<String> {
    text.to_str().is_none().then(|| hexadecimal(text))
}

/// The bytes of text from outside, in hexadecimal.
pub fn hexadecimal(text: &OsStr) -> String {
    let digits = text.as_encoded_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        write_compact(&mut out, &text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn control_characters_and_invisible_ones_are_escaped() {
        assert_eq!(json("\u{1b}[2J\n\u{7f}\u{9b}x"), r#""\u001b[2J\n\u007f\u009bx""#);
        assert_eq!(json("a\u{202e}b\u{e0041}웹"), r#""a\u202eb\udb40\udc41웹""#);
    }

    #[test]
    fn each_element_of_an_outer_list_has_its_line() {
        #[derive(Serialize)]
        struct Inner {
            list: [u8; 2],
        }
        #[derive(Serialize)]
        struct Outer {
            version: u8,
            none: [Inner; 0],
            rows: [Inner; 2],
        }
        let mut out = Vec::new();
        let value = Outer { version: 1, none: [], rows: [Inner { list: [1, 2] }, Inner { list: [3, 4] }] };
        write_document(&mut out, &value).unwrap();
        let expected = "{\"version\":1,\"none\":[],\"rows\":[\n{\"list\":[1,2]},\n{\"list\":[3,4]}\n]}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_given_in_hexadecimal() {
        let name = crate::platform::name_that_is_no_text();
        let bytes: Vec<String> = name.as_encoded_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((lossy(&name), bytes_unless_text(&name)), (name.to_string_lossy(), Some(bytes.concat())));
        assert!(lossy(&name).contains('\u{fffd}'));
        assert_eq!(bytes_unless_text(OsStr::new("plain")), None);
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was_and_nothing_unsafe_is_printed(text in any::<String>()) {
            let printed = json(&text);
            prop_assert!(!printed.chars().any(needs_escape));
            prop_assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
        }
    }
}
