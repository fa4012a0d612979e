//! The spellings of Windows (`/a`, `-ANO`, `-anop tcp 1`, `-?`) and of net-tools (`-tulpen`), turned into plain switches for clap.

use super::{UsageError, suggest};
use clap::{Command, ValueEnum};
use std::ffi::{OsStr, OsString};

/// Whose letters a command line is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Dialect {
    /// Every letter as Windows has it.
    Windows,
    /// The letters of net-tools as it has them ([`net_tools_letter`]), every other letter as Windows has it.
    Linux,
}

/// The switch that decides where a line could be both.
const DIALECT: &str = "--dialect";

/// The switch that has no effect on a line of net-tools, where it means that nothing is cut.
const WIDE: &str = "--wide";

/// The long form of a letter that net-tools alone has and that has no effect: what could not be read is reported in any case.
const VERBOSE: &str = "--verbose";

/// The letters that net-tools has and Windows' netstat lacks.
const ONLY_LINUX: [char; 9] = ['l', 'u', 'v', 'w', 'W', 'M', 'g', '4', '6'];

/// The values that `-p` takes in either dialect.
pub(super) const PROTOCOLS: [&str; 8] = ["tcp", "udp", "tcpv6", "udpv6", "ip", "ipv6", "icmp", "icmpv6"];

/// The address families of net-tools' `-A`, and the switch that stands for each that can be shown.
const FAMILIES: [(&str, Option<&str>); 10] = [
    ("inet", Some("--ipv4")),
    ("inet6", Some("--ipv6")),
    ("unix", None),
    ("ipx", None),
    ("ax25", None),
    ("netrom", None),
    ("ddp", None),
    ("bluetooth", None),
    ("x25", None),
    ("rose", None),
];

/// A command line in plain switches.
#[derive(Debug, Default)]
pub(super) struct PlainLine {
    /// The words for clap.
    pub words: Vec<OsString>,
    /// What a person should know about the line, though it runs.
    pub notes: Vec<String>,
}

/// Splits clusters, lowers letters, turns slashes into hyphens, and the letters of net-tools into long switches. Long switches
/// and their values pass unchanged.
pub(super) fn to_plain_words(words: impl IntoIterator<Item = OsString>, clap: &Command) -> Result<PlainLine, UsageError> {
    let tokens = tokens(words, clap)?;
    let dialect = chosen(&tokens).unwrap_or_else(|| guess(&tokens));
    let mut plain = PlainLine::default();
    let mut rest = tokens.iter();
    while let Some(token) = rest.next() {
        match token {
            Token::Plain(words)
                if dialect == Dialect::Linux && matches!(words.as_slice(), [word] if word == WIDE || word == VERBOSE) => {}
            Token::Plain(words) => plain.words.extend(words.iter().map(OsString::from)),
            Token::Word(word) => plain.words.push(word.into()),
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
    let mut words = words.into_iter().peekable();
    let mut tokens = Vec::new();
    while let Some(word) = words.next() {
        let word = text(word)?;
        if word == "--" {
            tokens.push(Token::Plain(vec![word]));
            for word in words {
                tokens.push(Token::Word(text(word)?));
            }
            return Ok(tokens);
        }
        tokens.push(if let Some(long) = word.strip_prefix("--") {
            let value = takes_value(clap, |arg| is_long(arg, long)).then(|| words.next()).flatten();
            let value = value.map(text).transpose()?;
            let second = if long == "diff" { words.next_if(|word| word.to_str().is_some_and(is_file)) } else { None };
            let second = second.map(text).transpose()?.map(|file| ["--diff".to_owned(), file]);
            Token::Plain([word].into_iter().chain(value).chain(second.into_iter().flatten()).collect())
        } else if letters(&word).is_empty() {
            Token::Word(word)
        } else {
            Token::Cluster(word)
        });
    }
    Ok(tokens)
}

/// Whether a word behind the file of `--diff` is a second file, rather than a switch, a port or an interval.
fn is_file(word: &str) -> bool {
    match word.strip_prefix('/') {
        Some(path) => path.contains(['/', '.']),
        None => word == "-" || !(word.starts_with(['-', ':']) || word.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// The letters of `-ano` or `/ano`; none where the word is no cluster.
fn letters(word: &str) -> &str {
    word.strip_prefix(['-', '/']).unwrap_or_default()
}

/// What `--dialect` says; clap reports a value that it cannot have.
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

/// Linux, if a cluster behind a hyphen has a letter that Windows lacks, a `p` that no protocol follows, or an `A` before a family.
fn guess(tokens: &[Token]) -> Dialect {
    let is_linux = |(place, token): (usize, &Token)| {
        let word = match token {
            Token::Cluster(word) => word,
            Token::Plain(words) => return words.as_slice() == [VERBOSE],
            Token::Word(_) => return false,
        };
        let Some(letters) = word.strip_prefix('-').filter(|letters| !asks_for_help(letters)) else { return false };
        let next = tokens.get(place + 1);
        letters.chars().any(|letter| match letter {
            // A word that could be meant for a protocol is one: the error about it is then the right one.
            'p' | 'P' => !matches!(next, Some(Token::Word(next)) if next.starts_with(|c: char| c.is_alphabetic())),
            'A' => families(letters, next).is_some(),
            // -V is the version.
            'V' => false,
            'L' | 'U' | 'G' => true,
            letter => ONLY_LINUX.contains(&letter),
        })
    };
    if tokens.iter().enumerate().any(is_linux) { Dialect::Linux } else { Dialect::Windows }
}

/// The families that follow an `A` at the end of a cluster.
fn families<'a>(letters: &str, next: Option<&'a Token>) -> Option<&'a str> {
    let Some(Token::Word(next)) = next else { return None };
    let is_family = |word: &str| FAMILIES.iter().any(|(family, _)| family.eq_ignore_ascii_case(word));
    (letters.ends_with('A') && next.split(',').all(is_family)).then_some(next)
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
    fn expand(&self, rest: &mut std::slice::Iter<'a, Token>, plain: &mut PlainLine) -> Result<(), UsageError> {
        let letters = letters(self.word);
        if asks_for_help(letters) {
            plain.words.push(OsStr::new(if letters.eq_ignore_ascii_case("help") { "--help" } else { "-h" }).to_owned());
            return Ok(());
        }
        if letters.ends_with(['p', 'P'])
            && let Some(Token::Word(next)) = rest.as_slice().first()
            && next.bytes().all(|byte| byte.is_ascii_digit())
            && !next.is_empty()
        {
            return Err(three_meanings(next));
        }
        let mut families = families(letters, rest.as_slice().first()).filter(|_| self.dialect == Dialect::Linux);
        if families.is_some() {
            rest.next();
        }
        let mut left = letters.chars();
        while let Some(letter) = left.next() {
            if self.dialect == Dialect::Windows {
                self.windows_letter(letter, rest, plain)?;
                continue;
            }
            if let Some(names) = families.filter(|_| left.as_str().is_empty()) {
                choose_families(names, plain)?;
                families = None;
                continue;
            }
            match net_tools_letter(letter, rest.as_slice().first()) {
                Letter::Switch(switch) => plain.words.push(switch.into()),
                Letter::NoEffect => {}
                Letter::Interfaces => plain.notes.push("-i (interfaces): 'rnetstat -e' shows their counters".to_owned()),
                Letter::Refused(sentence, hint) => return Err(UsageError::new(sentence, hint)),
                Letter::OfWindows => self.windows_letter(letter, rest, plain)?,
            }
        }
        Ok(())
    }

    fn windows_letter(
        &self,
        letter: char,
        rest: &mut std::slice::Iter<'a, Token>,
        plain: &mut PlainLine,
    ) -> Result<(), UsageError> {
        // -V alone tells capital from small: it is no letter of netstat's.
        let letter = if letter == 'V' { letter } else { letter.to_ascii_lowercase() };
        let is_known = letter != 'h' && self.clap.get_arguments().any(|arg| arg.get_short() == Some(letter));
        if !is_known {
            let is_alone = letters(self.word).chars().nth(1).is_none();
            return Err(match (is_alone, letter) {
                (true, _) => suggest::unknown_letter(letter, &format!("unknown switch '{}'", self.word)),
                (false, 'h' | '?') => UsageError::new(
                    format!("'{letter}' asks for help and stands alone, not in '{}'", self.word),
                    "-h is the short help, --help the whole.",
                ),
                (false, letter) => {
                    suggest::unknown_letter(letter, &format!("unknown switch '{}' in '{}'", letter.escape_default(), self.word))
                }
            });
        }
        plain.words.push(format!("-{letter}").into());
        if takes_value(self.clap, |arg| arg.get_short() == Some(letter)) {
            let Some(Token::Word(value)) = rest.next() else {
                return Err(UsageError::see_help(format!("-{letter} needs a value: TCP, UDP, TCPv6 or UDPv6")));
            };
            plain.words.push(value.into());
        }
        Ok(())
    }
}

/// `-p 80`: whether 80 is a port, a process or an interval cannot be guessed.
fn three_meanings(number: &str) -> UsageError {
    UsageError::new(
        format!("'-p {number}' can mean three things"),
        format!(
            "Port {number}: ':{number}'. Process {number}: '--pid {number}'. Programs, every {number} seconds: put the {number} \
             before -p."
        ),
    )
}

/// The switches of the families of `-A`, which are alternatives.
fn choose_families(names: &str, plain: &mut PlainLine) -> Result<(), UsageError> {
    for name in names.split(',') {
        let family = FAMILIES.iter().find(|(family, _)| family.eq_ignore_ascii_case(name));
        match family.and_then(|(_, switch)| *switch) {
            Some(switch) => plain.words.push(switch.into()),
            None => {
                let sentence = format!("-A {name}: sockets of this family cannot be shown");
                return Err(UsageError::new(sentence, "-A takes inet and inet6."));
            }
        }
    }
    Ok(())
}

/// What a letter means on a line of net-tools.
enum Letter {
    /// The same as this long switch.
    Switch(&'static str),
    /// Nothing: what it asks for is so anyway.
    NoEffect,
    /// The table of interfaces, which is another letter here.
    Interfaces,
    /// What cannot be shown, why, and what can be done.
    Refused(&'static str, &'static str),
    /// What Windows means by it.
    OfWindows,
}

fn net_tools_letter(letter: char, next: Option<&Token>) -> Letter {
    match letter {
        // Verbose; no address is cut; masquerading, multicast groups, the tables of routes: nothing of it is shown differently.
        'v' | 'W' | 'M' | 'g' | 'G' | 'F' | 'C' => Letter::NoEffect,
        'i' | 'I' => Letter::Interfaces,
        'c' => Letter::Switch("--continuous"),
        'e' | 'E' => Letter::Switch("--extend"),
        'l' | 'L' => Letter::Switch("--listeners"),
        'p' | 'P' => match next {
            Some(Token::Word(word)) if is_protocols(word) => Letter::OfWindows,
            _ => Letter::Switch("--programs"),
        },
        't' | 'T' => Letter::Switch("--tcp"),
        'u' | 'U' => Letter::Switch("--udp"),
        '4' => Letter::Switch("--ipv4"),
        '6' => Letter::Switch("--ipv6"),
        'w' => Letter::Refused("-w (raw sockets): the tables that are read have TCP and UDP only", "-t chooses TCP, -u UDP."),
        'x' | 'X' => Letter::Refused(
            "-x (unix sockets) on a line of net-tools: the tables that are read have TCP and UDP only",
            "'rnetstat -x' alone shows RDMA connections, as on Windows.",
        ),
        _ => Letter::OfWindows,
    }
}

fn is_protocols(words: &str) -> bool {
    words.split(',').all(|word| PROTOCOLS.iter().any(|protocol| protocol.eq_ignore_ascii_case(word)))
}

fn is_long(arg: &clap::Arg, name: &str) -> bool {
    arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
}

fn takes_value(clap: &Command, is_it: impl Fn(&clap::Arg) -> bool) -> bool {
    clap.get_arguments().any(|arg| is_it(arg) && arg.get_action().takes_values())
}
