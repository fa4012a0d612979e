//! The script for bash.

use super::{Switch, Values, call};
use std::fmt::Write;

const SCRIPT: &str = include_str!("rnetstat.bash");

/// The script. Switches with the same values share a line.
pub(super) fn script(switches: Vec<Switch<'_>>) -> String {
    let mut cases: Vec<(Vec<String>, Values)> = Vec::new();
    for switch in &switches {
        let Some((_, values)) = &switch.value else { continue };
        // The letter may be the last one of a cluster.
        let letter = switch.letter.map(|letter| format!("-{letter} | -[!-]*{letter}"));
        let patterns = letter.into_iter().chain(switch.long.map(|long| format!("--{long}")));
        match cases.iter_mut().find(|(_, known)| known == values) {
            Some((known, _)) => known.extend(patterns),
            None => cases.push((patterns.collect(), values.clone())),
        }
    }
    let mut lines = String::new();
    for (patterns, values) in cases {
        let action = match (&values, call(&values)) {
            (_, Some((between, switches))) => format!("_rnetstat_list < <(_rnetstat_now '{between}' {switches})"),
            (Values::Words(words), None) => format!("_rnetstat_list < <(printf '%s\\n' {})", words.join(" ")),
            (Values::Files, None) => "_rnetstat_files".to_owned(),
            (Values::Unknown | Values::Now(..) | Values::Namespaces, None) => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "        {})\n            {}return ;;",
            patterns.join(" | "),
            if action.is_empty() { action } else { action + "\n            " }
        );
    }
    let words: Vec<String> = switches.iter().flat_map(Switch::spellings).collect();
    SCRIPT.replace("@CASES@\n", &lines).replace("@SWITCHES@", &words.join(" "))
}
