//! The habits of hands, turned into plain words for clap: Windows' `/a`, `-ANO`, `-anop tcp 1`, `-?`; Linux' `-tulpn`.

use super::UsageError;
use clap::{Command, ValueEnum};
use std::ffi::{OsStr, OsString};

/// Whose letters a command line is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Dialect {
    /// Every letter as Windows has it.
    Windows,
    /// `c l p t u w 4 6` as net-tools has them, every other letter as Windows has it.
    Linux,
}

/// The switch that decides where a line could be both.
const DIALECT: &str = "--dialect";

/// The letters that net-tools has and Windows' netstat lacks.
const ONLY_LINUX: [char; 5] = ['l', 'u', 'w', '4', '6'];

/// The values that `-p` takes in either dialect.
const PROTOCOLS: [&str; 8] = ["tcp", "udp", "tcpv6", "udpv6", "ip", "ipv6", "icmp", "icmpv6"];

/// Splits clusters, lowers letters, turns slashes into hyphens, and Linux' letters into long switches. Long switches
/// and their values pass unchanged.
pub(super) fn to_plain_words(words: impl IntoIterator<Item = OsString>, clap: &Command) -> Result<Vec<OsString>, UsageError> {
    let tokens = tokens(words, clap)?;
    let dialect = chosen(&tokens).unwrap_or_else(|| guess(&tokens));
    let mut plain = Vec::new();
    let mut rest = tokens.iter();
    while let Some(token) = rest.next() {
        match token {
            Token::Plain(words) => plain.extend(words.iter().map(OsString::from)),
            Token::Word(word) => plain.push(word.into()),
            Token::Cluster(word) => Cluster { word, dialect, clap }.expand(&mut rest, &mut plain)?,
        }
    }
    Ok(plain)
}

/// A word of the command line, by its shape.
enum Token {
    /// A long switch, with its value where that is a word of its own.
    Plain(Vec<String>),
    /// Letters behind a hyphen or a slash.
    Cluster(String),
    /// Anything else.
    Word(String),
}

fn tokens(words: impl IntoIterator<Item = OsString>, clap: &Command) -> Result<Vec<Token>, UsageError> {
    let text = |word: OsString| {
        word.into_string().map_err(|word| UsageError::see_help(format!("the word '{}' is not valid UTF-8", word.display())))
    };
    let mut words = words.into_iter();
    let mut tokens = Vec::new();
    while let Some(word) = words.next() {
        let word = text(word)?;
        tokens.push(if let Some(long) = word.strip_prefix("--") {
            let value = takes_value(clap, |arg| is_long(arg, long)).then(|| words.next()).flatten();
            let value = value.map(text).transpose()?;
            Token::Plain([word].into_iter().chain(value).collect())
        } else if letters(&word).is_empty() {
            Token::Word(word)
        } else {
            Token::Cluster(word)
        });
    }
    Ok(tokens)
}

/// The letters of `-ano` or `/ano`; none where the word is no cluster.
fn letters(word: &str) -> &str {
    word.strip_prefix(['-', '/']).unwrap_or_default()
}

/// What `--dialect` says; a value that it cannot have is left for clap to print_error of.
fn chosen(tokens: &[Token]) -> Option<Dialect> {
    let value = tokens.iter().rev().find_map(|token| match token {
        Token::Plain(words) => match words.as_slice() {
            [switch, value] if switch == DIALECT => Some(value.as_str()),
            [word] => word.strip_prefix(DIALECT)?.strip_prefix('='),
            _ => None,
        },
        _ => None,
    })?;
    Dialect::from_str(value, true).ok()
}

/// Linux, where a cluster behind a hyphen holds a letter that Windows lacks, or a `p` that no protocol follows.
fn guess(tokens: &[Token]) -> Dialect {
    let is_linux = |(place, token): (usize, &Token)| {
        let Token::Cluster(word) = token else { return false };
        let Some(letters) = word.strip_prefix('-').filter(|letters| !asks_for_help(letters)) else { return false };
        letters.chars().any(|letter| match letter.to_ascii_lowercase() {
            // A word that could be meant for a protocol is one: the complaint about it is then the right one.
            'p' => !matches!(tokens.get(place + 1), Some(Token::Word(next)) if next.starts_with(|c: char| c.is_alphabetic())),
            letter => ONLY_LINUX.contains(&letter),
        })
    };
    if tokens.iter().enumerate().any(is_linux) { Dialect::Linux } else { Dialect::Windows }
}

fn asks_for_help(letters: &str) -> bool {
    matches!(letters, "?" | "h" | "H") || letters.eq_ignore_ascii_case("help")
}

/// A cluster and how to read it.
struct Cluster<'a> {
    word: &'a str,
    dialect: Dialect,
    clap: &'a Command,
}

impl<'a> Cluster<'a> {
    fn expand(&self, rest: &mut std::slice::Iter<'a, Token>, plain: &mut Vec<OsString>) -> Result<(), UsageError> {
        if asks_for_help(letters(self.word)) {
            plain.push(OsStr::new("--help").to_owned());
            return Ok(());
        }
        letters(self.word).chars().try_for_each(|letter| {
            if self.dialect == Dialect::Linux
                && let Some(switch) = linux_switch(letter, rest.as_slice().first())
            {
                plain.extend((!switch.is_empty()).then(|| switch.into()));
                return Ok(());
            }
            self.windows_letter(letter, rest, plain)
        })
    }

    fn windows_letter(
        &self,
        letter: char,
        rest: &mut std::slice::Iter<'a, Token>,
        plain: &mut Vec<OsString>,
    ) -> Result<(), UsageError> {
        // -V alone tells capital from small: it is no letter of netstat's.
        let letter = if letter == 'V' { letter } else { letter.to_ascii_lowercase() };
        if !self.clap.get_arguments().any(|arg| arg.get_short() == Some(letter)) {
            return Err(UsageError::see_help(if letters(self.word).chars().nth(1).is_none() {
                format!("unknown switch '{}'", self.word)
            } else {
                format!("unknown switch '{}' in '{}'", letter.escape_default(), self.word)
            }));
        }
        plain.push(format!("-{letter}").into());
        if takes_value(self.clap, |arg| arg.get_short() == Some(letter)) {
            let Some(Token::Word(value)) = rest.next() else {
                return Err(UsageError::see_help(format!("-{letter} needs a value: TCP, UDP, TCPv6 or UDPv6")));
            };
            plain.push(value.into());
        }
        Ok(())
    }
}

/// The long switch that a letter of net-tools stands for; an empty one where the letter asks for what is so anyway, and
/// none where the letter keeps its Windows meaning.
fn linux_switch(letter: char, next: Option<&Token>) -> Option<&'static str> {
    Some(match letter {
        'W' => "", // net-tools: cut no address; nothing is ever cut here
        _ => match letter.to_ascii_lowercase() {
            'c' => "--continuous",
            'l' => "--listeners",
            'p' => match next {
                Some(Token::Word(word)) if PROTOCOLS.iter().any(|protocol| protocol.eq_ignore_ascii_case(word)) => return None,
                _ => "--programs",
            },
            't' => "--tcp",
            'u' => "--udp",
            'w' => "--raw",
            '4' => "--ipv4",
            '6' => "--ipv6",
            _ => return None,
        },
    })
}

fn is_long(arg: &clap::Arg, name: &str) -> bool {
    arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
}

fn takes_value(clap: &Command, is_it: impl Fn(&clap::Arg) -> bool) -> bool {
    clap.get_arguments().any(|arg| is_it(arg) && arg.get_action().takes_values())
}
