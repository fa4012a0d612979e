//! A line that is typed: the filter, the name of a file.

use super::keys::Key;

/// A line with a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    characters: Vec<char>,
    cursor: usize,
}

impl Prompt {
    /// A line to go on with.
    pub fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        Self { cursor: characters.len(), characters }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.characters.iter().collect()
    }

    /// The text before the cursor.
    pub fn before_cursor(&self) -> String {
        self.characters.iter().take(self.cursor).collect()
    }

    /// Takes a key; says whether the text has changed.
    pub fn take(&mut self, key: Key) -> bool {
        let before = self.characters.len();
        match key {
            Key::Char(character) if !character.is_control() => {
                self.characters.insert(self.cursor, character);
                self.cursor += 1;
            }
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.characters.remove(self.cursor);
            }
            Key::Delete if self.cursor < self.characters.len() => {
                self.characters.remove(self.cursor);
            }
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.characters.len()),
            Key::Home | Key::Control('a') => self.cursor = 0,
            Key::End | Key::Control('e') => self.cursor = self.characters.len(),
            Key::Control('u') => {
                self.characters.drain(..self.cursor);
                self.cursor = 0;
            }
            Key::Control('w') => {
                let head = self.characters.iter().take(self.cursor);
                let blanks = head.clone().rev().take_while(|character| character.is_whitespace()).count();
                let word = head.rev().skip(blanks).take_while(|character| !character.is_whitespace()).count();
                let begin = self.cursor.saturating_sub(blanks + word);
                self.characters.drain(begin..self.cursor);
                self.cursor = begin;
            }
            Key::Char(_)
            | Key::Control(_)
            | Key::Backspace
            | Key::Delete
            | Key::Enter
            | Key::Escape
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown => {}
        }
        self.characters.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(prompt: &mut Prompt, keys: &[Key]) -> String {
        keys.iter().for_each(|&key| {
            prompt.take(key);
        });
        prompt.text()
    }

    #[test]
    fn a_line_is_edited_at_its_cursor() {
        let mut prompt = Prompt::new("--port 4x3");
        assert_eq!(typed(&mut prompt, &[Key::Left, Key::Backspace, Key::Char('4')]), "--port 443");
        assert_eq!(prompt.before_cursor(), "--port 44");
        assert_eq!(typed(&mut prompt, &[Key::End, Key::Control('w')]), "--port ");
        assert_eq!(typed(&mut prompt, &[Key::Home, Key::Delete, Key::Delete]), "port ");
        assert_eq!(typed(&mut prompt, &[Key::End, Key::Control('u'), Key::Backspace, Key::Delete, Key::Control('w')]), "");
        assert_eq!(typed(&mut prompt, &[Key::Char('포'), Key::Char('\u{7}'), Key::Enter]), "포");
    }
}
