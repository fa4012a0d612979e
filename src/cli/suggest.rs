//! What a user may have meant by a switch or a word that does not exist.

use super::UsageError;
use crate::filter::{addresses, states};
use crate::model::statistics::Section;
use clap::{Arg, Command};
use std::net::SocketAddr;

/// How to get what people ask for by the switches of other programs.
const OTHER_PROGRAMS: &[(&str, &str)] = &[
    ("active", "Connections are shown without any switch; --state established chooses those."),
    ("average", "There are no averages; '--summary' counts by state, process, address and port."),
    ("docker", "Use '--all-namespaces', or '--namespace NAME' for one container."),
    ("established", "Use '--state established'."),
    ("fields", "Use '--columns pid,process,local'."),
    ("filter", "Each filter has its switch: --port, --state, --process, --user, --local, --remote and more."),
    ("follow", "A number repeats: 'rnetstat -ano 2' prints again every 2 seconds; --watch is a live screen."),
    ("full", "Nothing is cut in the classic table; -f prints whole host names."),
    ("host", "Use '--remote ADDRESS' or '--local ADDRESS'."),
    ("info", "Use '--tcp-info'."),
    ("interface", "Use '--columns interface,local,process', or '-e' for the counters of the interfaces."),
    ("interval", "The interval is a bare number: 'rnetstat -ano 2' prints again every 2 seconds."),
    ("json-lines", "Use '--format ndjson'."),
    ("kill", "'--end :8080' ends the process that listens there; '--explain 8080' says what it is."),
    ("limit", "Use '| head'."),
    ("masquerade", "Connections of NAT are not shown; 'conntrack -L' lists them."),
    ("memory", "Use '--columns local,remote,receive_queue,send_queue'."),
    ("name", "Use '--process NAME'."),
    ("no-color", "Use '--color never', or set NO_COLOR."),
    ("no-colour", "Use '--color never', or set NO_COLOR."),
    ("no-dns", "Use '-n'."),
    ("no-headers", "Use '--no-header'."),
    ("no-resolve", "Use '-n'."),
    ("oneline", "Each socket is one line."),
    ("output", "Use '--format wide|json|ndjson|csv|openmetrics', and '>' for a file."),
    ("pids", "Use '-o' to show PIDs, '--pid 4711' to choose one."),
    ("ports", "Use '--port 80,443'."),
    ("raw", "Raw sockets cannot be shown: the tables that are read have TCP and UDP only."),
    ("refresh", "A number repeats: 'rnetstat -ano 2' prints again every 2 seconds."),
    ("resolve", "Names are looked up unless -n is given; -f prints whole ones."),
    ("symbolic", "Names are looked up unless -n is given."),
    ("unix", "Unix sockets cannot be shown: the tables that are read have TCP and UDP only."),
];

/// An error about a long switch that does not exist.
pub(super) fn unknown_switch(switch: &str, clap: &Command) -> UsageError {
    let name = switch.trim_start_matches('-');
    let sentence = format!("unknown switch '{switch}'");
    if let Some((_, hint)) = OTHER_PROGRAMS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)) {
        return UsageError::new(sentence, hint);
    }
    match closest(&name.to_ascii_lowercase(), clap) {
        Some(close) => UsageError::new(sentence, format!("Did you mean '--{close}'? 'rnetstat --help' lists the switches.")),
        None => UsageError::see_help(sentence),
    }
}

/// How to get what people ask for by the letters of other programs.
const OTHER_LETTERS: &[(char, &str)] = &[
    (':', "':8080' is a local port, '--any-port 8080' either end, '--state listening' a state."),
    ('k', "'--end' ends the processes of the rows, '--close' closes their sockets."),
    ('m', "'--columns local,remote,receive_queue,send_queue' shows what waits in memory."),
];

/// An error about a letter that does not exist.
pub(super) fn unknown_letter(letter: char, sentence: &str) -> UsageError {
    match OTHER_LETTERS.iter().find(|(known, _)| *known == letter) {
        Some((_, hint)) => UsageError::new(sentence, hint),
        None => UsageError::see_help(sentence),
    }
}

/// What stands for the words in which ss writes its filters.
fn filter_of_ss(word: &str) -> Option<&'static str> {
    Some(match word {
        "dst" => "A foreign address is chosen by '--remote 10.0.0.0/8', a foreign port by '--remote-port 443'.",
        "src" => "A local address is chosen by '--local 10.0.0.0/8', a local port by ':443'.",
        "sport" => "A local port is chosen by ':443'.",
        "dport" => "A foreign port is chosen by '--remote-port 443'.",
        "state" => "A state is chosen by '--state established'.",
        "exclude" => "A state is excluded by '--state !established'.",
        _ => return None,
    })
}

/// Whether a word may be letters whose hyphen was forgotten: `ano`. Most words of English are not.
fn may_be_letters(word: &str) -> bool {
    const LETTERS: &str = "abcdefilnopqrstuxy";
    let word = word.to_ascii_lowercase();
    let is_once = |letter: char| word.matches(letter).count() == 1;
    word.contains(['a', 'n']) && word.chars().all(|letter| LETTERS.contains(letter) && is_once(letter))
}

/// The visible switch that a name is nearest to: one that begins with it, else one that differs in few letters, else one that
/// it begins with.
fn closest<'a>(name: &str, clap: &'a Command) -> Option<&'a str> {
    const SHORTEST: usize = 3;
    if name.len() < SHORTEST {
        return None;
    }
    let visible = || clap.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
    let few = (name.len() / 3).min(2);
    let differences = |long: &str| strsim::damerau_levenshtein(long, name);
    let shorter = || visible().filter(|long| long.len() >= SHORTEST && name.starts_with(long)).max_by_key(|long| long.len());
    let alike = || visible().filter(|long| differences(long) <= few).min_by_key(|long| differences(long));
    let longer = visible().filter(|long| long.starts_with(name)).min_by_key(|long| long.len());
    longer.or_else(alike).or_else(shorter)
}

/// An error about a word that is no switch and no interval.
pub(super) fn unexpected_word(word: &str) -> UsageError {
    let sentence = format!("unexpected argument '{word}'");
    UsageError::new(sentence, meaning_of(word))
}

fn meaning_of(word: &str) -> String {
    let is_text = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    let protocols = || word.split(',').all(|word| Section::from_word(word).is_some());
    let ports = |part: &str| part.split('-').all(|port| port.parse::<u16>().is_ok());
    if !is_text {
        "It is no switch and no interval. 'rnetstat --help' lists the switches.".to_owned()
    } else if word.starts_with(['-', '/']) {
        "Switches stand before '--'.".to_owned()
    } else if protocols() {
        format!("Did you mean '-p {word}'?")
    } else if word.split(',').all(ports) {
        format!("Did you mean the local port, ':{word}'?")
    } else if states::parse(word).is_ok() {
        format!("Did you mean '--state {word}'?")
    } else if addresses::parse(word, |_| None).is_ok() {
        format!("Did you mean '--remote {word}' or '--local {word}'?")
    } else if let Some(hint) = filter_of_ss(word) {
        hint.to_owned()
    } else if let Ok(end) = word.parse::<SocketAddr>() {
        format!("Did you mean '--local {} :{}'?", end.ip(), end.port())
    } else if word.parse::<f64>().is_ok() || word.starts_with(|first: char| first.is_ascii_digit()) {
        "The interval is a whole number of seconds; ':8080' is a port.".to_owned()
    } else if may_be_letters(word) {
        format!("Did you mean the switches '-{word}', or '--process {word}'?")
    } else {
        format!("Did you mean '--process {word}'?")
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::{self, Arguments};
    use clap::CommandFactory;

    #[track_caller]
    fn hint(line: &str) -> String {
        cli::parse(line.split(' ').map(Into::into)).unwrap_err().hint
    }

    #[test]
    fn a_misspelt_switch_is_recognized_and_a_hidden_one_is_never_proposed() {
        for (line, switch) in [
            ("--por", "--port"),
            ("--prot", "--protocol"),
            ("--protocl tcp", "--protocol"),
            ("--listenin", "--listening"),
            ("--explian", "--explain"),
            ("--remote-prt 80", "--remote-port"),
            ("--sumary", "--summary"),
            ("--coun", "--count"),
        ] {
            let hint = hint(line);
            let proposes = |switch: &str| hint.contains(&format!("'{switch}'"));
            assert!(proposes(switch), "{line}: {hint}");
        }
        for line in ["--xyzzy", "--zz", "--listeners-only-please", "--mine"] {
            assert!(!hint(line).contains("--listeners'"), "{line}: {}", hint(line));
        }
        assert!(!hint("--xyzzy").contains("Did you mean"));
    }

    #[test]
    fn the_words_of_other_programs_are_answered_and_none_of_them_exists() {
        let clap = Arguments::command();
        for (word, hint) in super::OTHER_PROGRAMS {
            assert!(!clap.get_arguments().any(|arg| arg.get_long() == Some(word)), "{word}");
            assert_eq!(self::hint(&format!("--{word}")), *hint);
        }
        assert!(super::OTHER_PROGRAMS.is_sorted(), "each word once, in order");
        assert!(hint("--interval 5").contains("bare number"));
        assert!(hint("--no-color").contains("--color never"));
    }

    #[test]
    fn a_word_in_no_place_is_answered_by_the_switch_that_takes_it() {
        for (line, expected) in [
            ("ano", "Did you mean the switches '-ano', or '--process ano'?"),
            ("tulpn", "Did you mean the switches '-tulpn', or '--process tulpn'?"),
            ("root", "Did you mean '--process root'?"),
            ("dst 10.0.0.1", "A foreign address is chosen by '--remote 10.0.0.0/8', a foreign port by '--remote-port 443'."),
            ("state established", "A state is chosen by '--state established'."),
            ("127.0.0.1:8080", "Did you mean '--local 127.0.0.1 :8080'?"),
            ("[::1]:8080", "Did you mean '--local ::1 :8080'?"),
            ("-iTCP:8080", "':8080' is a local port, '--any-port 8080' either end, '--state listening' a state."),
            ("-k", "'--end' ends the processes of the rows, '--close' closes their sockets."),
            ("nginx", "Did you mean '--process nginx'?"),
            ("-an tcp", "Did you mean '-p tcp'?"),
            ("established", "Did you mean '--state established'?"),
            ("8080,8081", "Did you mean the local port, ':8080,8081'?"),
            ("192.0.2.1", "Did you mean '--remote 192.0.2.1' or '--local 192.0.2.1'?"),
            ("-n 1.5", "The interval is a whole number of seconds; ':8080' is a port."),
            ("-- -ano", "Switches stand before '--'."),
        ] {
            assert_eq!(hint(line), expected, "{line}");
        }
    }
}
