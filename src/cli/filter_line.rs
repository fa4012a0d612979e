//! A line of filters that is typed while the program runs: the command line's own words, and bare words.

use super::filters::FilterArguments;
use super::{UsageError, internals, sentence_of};
use crate::filter::Filter;
use clap::{Command, CommandFactory, FromArgMatches, Parser};
use std::iter::Peekable;

/// What a line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterLine {
    /// The switches and the words with a colon.
    pub filter: Filter,
    /// The other words: each must be part of the name of a process or of an address.
    pub words: Vec<BareWord>,
}

/// A word that is no switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareWord {
    /// The word in small letters.
    pub text: String,
    /// Whether rows are wanted that do not have it (`!`).
    pub is_excluded: bool,
}

#[derive(Debug, Parser)]
#[command(name = "filter", no_binary_name = true, disable_help_flag = true, disable_version_flag = true)]
struct Line {
    #[command(flatten)]
    filters: FilterArguments,

    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,

    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

/// Parses a line of filters. `!` before a switch excludes its values: `!--user root` is `--user !root`.
pub fn parse_filter(line: &str) -> Result<FilterLine, UsageError> {
    let mut clap = Line::command();
    let words = plain_words(line, &clap)?;
    let mut matches = clap.try_get_matches_from_mut(words).map_err(|error| sentence_of(&error, &clap))?;
    let line = Line::from_arg_matches_mut(&mut matches).map_err(|error| sentence_of(&error, &clap))?;
    let (ports, words) = line.words.into_iter().partition::<Vec<_>, _>(|word| word.starts_with(':'));
    let conditions = line.conditions.iter().map(|text| internals::condition(text)).collect::<Result<_, _>>()?;
    let words = words.iter().map(|word| bare_word(word)).collect::<Result<_, _>>()?;
    Ok(FilterLine { filter: Filter { conditions, ..line.filters.filter(&ports)? }, words })
}

fn bare_word(word: &str) -> Result<BareWord, UsageError> {
    let (text, is_excluded) = word.strip_prefix('!').map_or((word, false), |text| (text, true));
    if text.is_empty() {
        return Err(UsageError::see_help("'!' excludes the word behind it"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UsageError::see_help(format!(
            "'{text}' can mean several things: ':{text}' is the port, '--pid {text}' the process"
        )));
    }
    Ok(BareWord { text: text.to_lowercase(), is_excluded })
}

/// The words of a line, with each excluded switch as one that excludes its values.
fn plain_words(line: &str, clap: &Command) -> Result<Vec<String>, UsageError> {
    let mut words = split(line)?.into_iter().peekable();
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("!--") {
            Some(switch) => exclude(switch, &mut words, clap, &mut plain)?,
            None => plain.push(word),
        }
    }
    Ok(plain)
}

fn exclude(
    switch: &str,
    words: &mut Peekable<impl Iterator<Item = String>>,
    clap: &Command,
    plain: &mut Vec<String>,
) -> Result<(), UsageError> {
    let (name, value) = switch.split_once('=').map_or((switch, None), |(name, value)| (name, Some(value.to_owned())));
    let known = clap.get_arguments().find(|argument| argument.get_long() == Some(name));
    if known.is_some_and(|argument| !argument.get_action().takes_values()) {
        return Err(UsageError::see_help(format!("'!' excludes values, and --{name} has none")));
    }
    plain.push(format!("--{name}"));
    if let Some(value) = value.or_else(|| words.next_if(|word| !word.starts_with("--"))) {
        let excluded: Vec<String> = value.split(',').map(|part| format!("!{part}")).collect();
        plain.push(excluded.join(","));
    }
    Ok(())
}

/// Splits at blanks that are not between quotation marks.
fn split(line: &str) -> Result<Vec<String>, UsageError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(mark), character) if mark == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, character) if character.is_whitespace() => words.extend(word.take()),
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(UsageError::see_help("a quotation mark is open"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::request;

    fn filter(line: &str) -> Filter {
        parse_filter(line).unwrap().filter
    }

    fn error(line: &str) -> String {
        parse_filter(line).unwrap_err().sentence
    }

    #[test]
    fn the_words_are_those_of_the_command_line() {
        for line in ["--port 443", ":8080", "--state established --local 10.0.0.0/8", "--pid 7,!8", "--listening --ipv6"] {
            assert_eq!(filter(line), request(line).query.filter, "{line}");
        }
        assert_eq!(filter("--where 'process != nginx'"), filter("--where \"process != nginx\""));
        assert_eq!(parse_filter("  "), Ok(FilterLine::default()));
    }

    #[test]
    fn a_switch_is_excluded_with_its_values() {
        assert_eq!(filter("!--port 443,80 --pid 7"), filter("--port !443,!80 --pid 7"));
        assert_eq!(filter("!--port=443"), filter("--port !443"));
        assert_eq!(error("!--listening"), "'!' excludes values, and --listening has none");
        assert_eq!(error("!--port"), "--port needs a value");
    }

    #[test]
    fn bare_words_are_kept_and_numbers_are_refused() {
        let word = |text: &str, is_excluded| BareWord { text: text.to_owned(), is_excluded };
        let line = parse_filter("Nginx !192.168 --port 443").unwrap();
        assert_eq!(line.words, [word("nginx", false), word("192.168", true)]);
        assert_eq!(line.filter, filter("--port 443"));
        assert!(error("443").contains("':443' is the port"));
    }

    #[test]
    fn what_cannot_be_understood_is_answered_as_on_the_command_line() {
        assert!(error("--port foo").starts_with("invalid value 'foo' for --port"), "{}", error("--port foo"));
        assert_eq!(error("--prot 1"), "unknown switch '--prot'");
        assert_eq!(error("--state"), "--state needs a value");
        assert_eq!(error("'a"), "a quotation mark is open");
        assert_eq!(error("!"), "'!' excludes the word behind it");
    }
}
