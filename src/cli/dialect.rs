//! The habits of hands, turned into plain words for clap: `/a`, `-ANO`, `-anop tcp 1`, `-?`.

use super::UsageError;
use clap::Command;
use std::ffi::{OsStr, OsString};

/// Splits clusters, lowers letters, turns slashes into hyphens. Long switches and their values pass unchanged.
pub(super) fn to_plain_words(words: impl IntoIterator<Item = OsString>, clap: &Command) -> Result<Vec<OsString>, UsageError> {
    let mut words = words.into_iter();
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else {
            return Err(UsageError::see_help(format!("the word '{}' is not valid UTF-8", word.display())));
        };
        if let Some(long) = text.strip_prefix("--") {
            let takes_next = long.split_once('=').is_none() && takes_value(clap, |arg| arg.get_long() == Some(long));
            plain.push(word);
            plain.extend(takes_next.then(|| words.next()).flatten());
        } else if let Some(cluster) = cluster(text) {
            expand(text, cluster, clap, &mut words, &mut plain)?;
        } else {
            plain.push(word);
        }
    }
    Ok(plain)
}

/// The letters of `-ano` or `/ano`.
fn cluster(word: &str) -> Option<&str> {
    word.strip_prefix(['-', '/']).filter(|letters| !letters.is_empty())
}

fn expand(
    word: &str,
    cluster: &str,
    clap: &Command,
    words: &mut impl Iterator<Item = OsString>,
    plain: &mut Vec<OsString>,
) -> Result<(), UsageError> {
    if matches!(cluster, "?" | "h" | "H") || cluster.eq_ignore_ascii_case("help") {
        plain.push(OsStr::new("--help").to_owned());
        return Ok(());
    }
    for letter in cluster.chars() {
        // -V alone tells capital from small: it is no letter of netstat's.
        let letter = if letter == 'V' { letter } else { letter.to_ascii_lowercase() };
        if !clap.get_arguments().any(|arg| arg.get_short() == Some(letter)) {
            let sentence = if cluster.chars().count() == 1 {
                format!("unknown switch '{word}'")
            } else {
                format!("unknown switch '{}' in '{word}'", letter.escape_default())
            };
            return Err(UsageError::see_help(sentence));
        }
        plain.push(format!("-{letter}").into());
        if takes_value(clap, |arg| arg.get_short() == Some(letter)) {
            let Some(value) = words.next() else {
                return Err(UsageError::see_help(format!("-{letter} needs a value: TCP, UDP, TCPv6 or UDPv6")));
            };
            plain.push(value);
        }
    }
    Ok(())
}

fn takes_value(clap: &Command, is_it: impl Fn(&clap::Arg) -> bool) -> bool {
    clap.get_arguments().any(|arg| is_it(arg) && arg.get_action().takes_values())
}
