//! The script for zsh.

use super::{Switch, Values, call};

const SCRIPT: &str = include_str!("rnetstat.zsh");

/// The script.
pub(super) fn script(switches: Vec<Switch<'_>>) -> String {
    let specs: Vec<String> = switches.iter().map(|switch| format!("        {} \\\n", spec(switch))).collect();
    SCRIPT.replace("@SPECS@\n", &specs.concat())
}

/// `'(-a --all)'{-a,--all}'[Show …]'`.
fn spec(switch: &Switch<'_>) -> String {
    let description = escape(&switch.description);
    let value = switch.value.as_ref().map(|(name, values)| {
        let name = name.to_ascii_lowercase();
        let action = match (values, call(values)) {
            (_, Some((between, switches))) => format!(" _rnetstat_now {name} \"{between}\" {switches}"),
            (Values::Words(words), None) => format!(" _rnetstat_list {name} {}", words.join(" ")),
            (Values::Files, None) => "_files".to_owned(),
            (Values::Unknown | Values::Now(..) | Values::Namespaces, None) => " ".to_owned(),
        };
        format!(":{name}:{action}")
    });
    let takes_value = value.is_some();
    let rest = format!("'[{description}]{}'", value.unwrap_or_default());
    let letter = switch.letter.map(|letter| format!("-{letter}{}", if takes_value { "+" } else { "" }));
    let long = switch.long.map(|long| format!("--{long}{}", if takes_value { "=" } else { "" }));
    // A switch that may come again does not exclude itself.
    let excluded = if switch.is_repeated { "\\*".to_owned() } else { format!("'({})'", switch.spellings().join(" ")) };
    match (letter, long) {
        (Some(letter), Some(long)) => format!("{excluded}{{{letter},{long}}}{rest}"),
        (Some(one), None) | (None, Some(one)) => format!("{excluded}{one}{rest}"),
        (None, None) => String::new(),
    }
}

fn escape(text: &str) -> String {
    text.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}
