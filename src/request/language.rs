//! Which language titles and headings are written in: English, unless another is asked for. States, protocol words, labels
//! and numbers are the same in every language, and the locale is never asked.

use clap::ValueEnum;

/// A language of titles and headings. Each view keeps its words of every language side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}
