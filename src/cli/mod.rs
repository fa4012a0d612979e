//! From the arguments to a [`Request`], or to one sentence that says what is wrong with them.

mod actions;
mod answers;
mod compat;
mod completions;
mod effects;
mod events;
mod filter_line;
mod filters;
mod generate;
mod headings;
mod internals;
mod interval;
mod linux;
mod metrics;
mod netstat;
mod output;
mod repetition;
mod report_args;
mod sort;
mod sources;
mod suggest;
mod validate;
mod views;
mod watch;

pub use filter_line::{BareWord, FilterLine, parse_filter};

use crate::output::escape::escape;
use crate::request::Request;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// To read and print something of the system.
    Run(Box<Request>),
    /// To print a text that is known already: the help, the version.
    Print(String),
}

/// A command line that cannot be understood: one sentence, and a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}\n{hint}")]
pub struct UsageError {
    /// What is wrong, naming the word that is wrong.
    pub sentence: String,
    /// What to do about it.
    pub hint: String,
}

impl UsageError {
    /// An error with a hint of its own. The words that they name come from outside: they are made safe here.
    pub fn new(sentence: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self { sentence: escape(sentence.as_ref()).into_owned(), hint: escape(hint.as_ref()).into_owned() }
    }

    /// An error for which the help text is the hint.
    pub fn see_help(sentence: impl AsRef<str>) -> Self {
        Self::new(sentence, "Try 'rnetstat --help' for the switches.")
    }
}

/// Every switch of the program, as clap knows it. The doc comments are the help text.
#[derive(Debug, Parser)]
#[command(
    name = "rnetstat",
    version,
    max_term_width = 80,
    about = "See which process owns every socket.",
    override_usage = "rnetstat [SWITCHES] [:PORT] [INTERVAL]",
    after_help = concat!(
        "A filter other than --ipv4 and --ipv6 looks through listeners and UDP too, as -a does; --state bound also \
         through bound ports, as -q does.\n\
         Switches may be joined (-ano), written with a slash (/a /n /o), and in any letter case.\n\
         Exit status: 0 done, 1 a filter matched nothing, 2 an error or unknown.\n\n",
        include_str!("examples.txt")
    ),
    disable_help_flag = true,
    disable_version_flag = true
)]
struct Arguments {
    #[command(flatten)]
    netstat: netstat::NetstatArguments,

    #[command(flatten)]
    screen: watch::WatchArguments,

    #[command(flatten)]
    filters: filters::FilterArguments,

    #[command(flatten)]
    internals: internals::InternalsArguments,

    #[command(flatten)]
    sources: sources::SourceArguments,

    #[command(flatten)]
    questions: report_args::ReportArguments,

    #[command(flatten)]
    answers: answers::AnswerArguments,

    #[command(flatten)]
    actions: actions::ActionArguments,

    #[command(flatten)]
    output: output::OutputArguments,

    #[command(flatten)]
    sort: sort::SortArguments,

    #[command(flatten)]
    repetition: repetition::RepetitionArguments,

    #[command(flatten)]
    linux: linux::LinuxArguments,

    #[command(flatten)]
    pages: generate::PageArguments,
}

/// A parser of values that are listed with their names, in any letter case if the argument ignores it.
fn named<T: Clone + Send + Sync + 'static>(values: &'static [(T, &'static str)]) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.iter().map(|(_, name)| *name)).try_map(|word| {
        let value = values.iter().find(|(_, name)| name.eq_ignore_ascii_case(&word)).map(|(value, _)| value.clone());
        value.ok_or_else(|| format!("there is no '{word}'"))
    })
}

/// Every switch as clap knows it: the one definition behind the parser, the help, the man page and the completions.
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// Parses a command line, without the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut clap = Arguments::command();
    let compat::PlainLine { words, notes } = compat::to_plain_words(words, &clap)?;
    let mut matches = match clap.try_get_matches_from_mut([OsString::from("rnetstat")].into_iter().chain(words)) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Command::Print(error.to_string()));
        }
        Err(error) => return Err(sentence_of(&error, &clap)),
    };
    let arguments = Arguments::from_arg_matches_mut(&mut matches).map_err(|error| sentence_of(&error, &clap))?;
    if arguments.output.schema {
        return Ok(Command::Print(crate::reports::document::SCHEMA.to_owned()));
    }
    if let Some(page) = arguments.pages.text(Arguments::command())? {
        return Ok(Command::Print(page));
    }
    let mut request = arguments.into_request()?;
    request.notes.splice(0..0, notes);
    Ok(Command::Run(Box::new(request)))
}

/// Says in one sentence what clap says in a paragraph.
fn sentence_of(error: &clap::Error, clap: &clap::Command) -> UsageError {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    let switch = word(ContextKind::InvalidArg).map(|switch| switch.split(' ').next().unwrap_or(switch));
    match (error.kind(), switch, word(ContextKind::InvalidValue)) {
        (ErrorKind::UnknownArgument, Some(switch), _) => suggest::unknown_switch(switch, clap),
        (ErrorKind::TooManyValues, Some(switch), _) => UsageError::see_help(format!("{switch} takes no value")),
        (ErrorKind::InvalidValue, Some(switch), None | Some("")) => UsageError::see_help(format!("{switch} needs a value")),
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(switch), Some(value)) => {
            let reason = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => format!("expected {}", either(values)),
                _ => std::error::Error::source(error).map(ToString::to_string).unwrap_or_default(),
            };
            UsageError::see_help(invalid_value(value, switch, &reason))
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            UsageError::see_help(first.strip_prefix("error: ").unwrap_or(first))
        }
    }
}

/// The sentence about a value that a switch cannot have. `reason` says what is wrong with it, or what is expected.
fn invalid_value(value: &str, switch: &str, reason: &str) -> String {
    format!("invalid value '{value}' for {switch}: {reason}")
}

/// `a, b or c`.
fn either(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
