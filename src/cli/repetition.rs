//! The switches about names, language and repetition.

use crate::request::language::Language;
use clap::{ArgAction, Args};
use std::time::Duration;

/// Names, language and repetition.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::REPETITION)]
pub(super) struct RepetitionArguments {
    /// Wait at most so many seconds for all names of hosts together, and as long for those of users; 3 without it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, overrides_with = "name_timeout")]
    pub name_timeout: Option<Duration>,

    /// Print titles and headings in this language. States, protocols and numbers stay as they are.
    #[arg(long, value_name = "LANGUAGE", value_parser = super::named(&Language::ALL), default_value = "en", ignore_case = true, overrides_with = "lang")]
    pub lang: Language,

    /// Print again after so many seconds, until CTRL+C. With a colon (:8080): show only this local port.
    #[arg(value_name = "INTERVAL", action = ArgAction::Append)]
    pub words: Vec<String>,
}

/// A time limit: decimals are welcome, from nothing to an hour.
fn seconds(word: &str) -> Result<Duration, String> {
    word.parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds from 0 to 3600".to_owned())
}
