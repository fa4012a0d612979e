//! The script for fish.

use super::{Switch, Values, call};

const SCRIPT: &str = include_str!("rnetstat.fish");

/// The script.
pub(super) fn script(switches: Vec<Switch<'_>>) -> String {
    let lines: Vec<String> = switches.iter().map(|switch| format!("{}\n", line(switch))).collect();
    SCRIPT.replace("@COMPLETE@\n", &lines.concat())
}

/// `complete -c rnetstat -s a -l all -d 'Show …'`.
fn line(switch: &Switch<'_>) -> String {
    let letter = switch.letter.map(|letter| format!(" -s {letter}"));
    let long = switch.long.map(|long| format!(" -l {long}"));
    let value = match &switch.value {
        None => String::new(),
        Some((_, values)) => match (values, call(values)) {
            (_, Some((between, switches))) => format!(" -x -a '(__rnetstat_now \"{between}\" {switches})'"),
            (Values::Words(words), None) => format!(" -x -a '(__rnetstat_list {})'", words.join(" ")),
            (Values::Files, None) => " -r -F".to_owned(),
            (Values::Unknown | Values::Now(..) | Values::Namespaces, None) => " -x".to_owned(),
        },
    };
    let description = switch.description.replace('\\', "\\\\").replace('\'', "\\'");
    format!("complete -c rnetstat{}{}{value} -d '{description}'", letter.unwrap_or_default(), long.unwrap_or_default())
}
