//! Completions of shells. Values that are fixed stand in the script; what is known of this host comes from rnetstat itself,
//! which the script calls with `--columns … --no-header`. Nothing in the shell reads the system, and no names of files are
//! proposed but where a switch takes a file.

mod bash;
mod fish;
mod zsh;

use super::compat;
use crate::model::exposure::Exposure;
use crate::order::keys::SortKey;
use crate::request::column::Column;
use clap::builder::{PossibleValuesParser, ValueHint};
use clap::{Arg, Command};
use clap_complete::Shell;

/// The script of a shell for the switches of a definition.
pub(super) fn script(shell: Shell, clap: &Command) -> String {
    let switches = || clap.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional()).map(Switch::of).collect();
    match shell {
        Shell::Bash => bash::script(switches()),
        Shell::Fish => fish::script(switches()),
        Shell::Zsh => zsh::script(switches()),
        // Of the others no list and nothing of this host.
        shell => {
            let mut page = Vec::new();
            clap_complete::generate(shell, &mut for_clap(clap), clap.get_name(), &mut page);
            String::from_utf8_lossy(&page).into_owned()
        }
    }
}

/// A switch, as shells know it.
struct Switch<'a> {
    letter: Option<char>,
    long: Option<&'a str>,
    /// What it does, in a few words.
    description: String,
    /// What its value is called, if it takes one.
    value: Option<(&'a str, Values)>,
    /// Whether it can stand more than once on a line.
    is_repeated: bool,
}

/// What is proposed as the value of a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    /// Nothing: a number, an address or a text.
    Unknown,
    /// Names of files.
    Files,
    /// Words, of which several may stand in a list.
    Words(Vec<String>),
    /// What these columns of the sockets are now; and what stands between several values of a cell.
    Now(&'static str, &'static str),
    /// The namespaces that there are now.
    Namespaces,
}

/// The TCP states, as they are easy to type.
const STATES: [&str; 12] = [
    "closed",
    "listening",
    "syn-sent",
    "syn-received",
    "established",
    "fin-wait-1",
    "fin-wait-2",
    "close-wait",
    "closing",
    "last-ack",
    "time-wait",
    "bound",
];

/// The words that a switch takes of which clap does not know; none if it takes no words or if clap knows them.
fn words_of(switch: &str) -> Vec<&'static str> {
    match switch {
        "state" => STATES.to_vec(),
        "columns" => Column::ALL.into_iter().map(Column::name).collect(),
        "sort" | "conditions" => SortKey::names().collect(),
        "protocol" => compat::PROTOCOLS.to_vec(),
        "exposure" => Exposure::ALL.into_iter().map(Exposure::word).collect(),
        _ => Vec::new(),
    }
}

impl Values {
    fn of(arg: &Arg) -> Self {
        let possible = arg.get_possible_values();
        let possible = possible.iter().map(|value| value.get_name().to_owned());
        let words: Vec<String> = words_of(arg.get_id().as_str()).into_iter().map(str::to_owned).chain(possible).collect();
        match arg.get_id().as_str() {
            _ if !words.is_empty() => Self::Words(words),
            "port" | "any_port" | "explain" | "wait" => Self::Now("local_port,service", " "),
            "remote_port" => Self::Now("remote_port", " "),
            "local" => Self::Now("local_address", " "),
            "remote" => Self::Now("remote_address", " "),
            "pid" => Self::Now("pid", " "),
            "process" => Self::Now("process", "; "),
            "user" => Self::Now("user", "; "),
            "namespace" => Self::Namespaces,
            "diff" => Self::Files,
            _ => Self::Unknown,
        }
    }
}

impl<'a> Switch<'a> {
    fn of(arg: &'a Arg) -> Self {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let end = [". ", ": ", "; ", " ("].into_iter().filter_map(|end| help.find(end)).min().unwrap_or(help.len());
        let name = || arg.get_value_names().and_then(<[_]>::first).map_or("value", |name| name.as_str());
        Self {
            letter: arg.get_short(),
            long: arg.get_long(),
            description: help.get(..end).unwrap_or_default().trim_end_matches('.').to_owned(),
            value: arg.get_action().takes_values().then(|| (name(), Values::of(arg))),
            is_repeated: arg.get_action().takes_values() && arg.get_value_delimiter().is_some(),
        }
    }

    /// `-a --all`.
    fn spellings(&self) -> Vec<String> {
        let letter = self.letter.map(|letter| format!("-{letter}"));
        letter.into_iter().chain(self.long.map(|long| format!("--{long}"))).collect()
    }
}

/// The switches that call rnetstat for what it knows now: its columns, and what shows rows of every namespace.
fn call(values: &Values) -> Option<(&'static str, String)> {
    match values {
        Values::Now(columns, between) => Some((between, format!("--columns {columns}"))),
        Values::Namespaces => Some(("; ", "--all-namespaces --columns namespace".to_owned())),
        Values::Unknown | Values::Files | Values::Words(_) => None,
    }
}

/// The visible switches with the words that they are known to take, for clap's own generator.
fn for_clap(clap: &Command) -> Command {
    let visible = clap.get_arguments().filter(|arg| !arg.is_hide_set()).cloned();
    let with_values = |arg: Arg| match (Values::of(&arg), words_of(arg.get_id().as_str())) {
        _ if !arg.get_action().takes_values() => arg,
        (Values::Files, _) => arg.value_hint(ValueHint::FilePath),
        (Values::Words(_), words) if words.is_empty() => arg,
        (Values::Words(_), words) => arg.value_parser(PossibleValuesParser::new(words)),
        (Values::Unknown | Values::Now(..) | Values::Namespaces, _) => arg.value_hint(ValueHint::Other),
    };
    Command::new("rnetstat")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(visible.map(with_values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_that_are_completed_are_understood() {
        assert!(STATES.iter().all(|state| crate::filter::states::parse(state).is_ok()));
    }

    #[test]
    fn scripts_know_values_and_complete_neither_hidden_switches_nor_what_has_no_place() {
        let clap = crate::cli::definition();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell, &clap);
            for known in ["time-wait", "local_port", "receive_queue", "ndjson", "tcpv6", "every-address", "--columns pid"] {
                assert!(script.contains(known), "{shell} {known}");
            }
            for unknown in ["--listeners", "/proc", "@CASES@", "@SWITCHES@", "@SPECS@", "@COMPLETE@"] {
                assert!(!script.contains(unknown), "{shell} {unknown}");
            }
        }
    }

    #[test]
    fn descriptions_are_short_and_break_no_quotes() {
        let clap = crate::cli::definition();
        for arg in clap.get_arguments().filter(|arg| !arg.is_positional()) {
            let description = Switch::of(arg).description;
            assert!(!description.is_empty() && description.chars().count() < 100, "{description}");
        }
    }
}
