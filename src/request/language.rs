//! Which language titles and headings are written in: English, unless another is asked for. States, protocol words, labels
//! and numbers are the same in every language, and the locale is never asked.

/// A language of titles and headings. Each report keeps its words of every language side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// Every language with its name on the command line.
    pub const ALL: [(Self, &'static str); 2] = [(Self::En, "en"), (Self::Ko, "ko")];
}
