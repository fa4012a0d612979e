//! The settings of ports in `/proc/sys/net/ipv4`.

use crate::model::port_policy::PortPolicy;
use std::ops::RangeInclusive;

/// Parses the texts of `ip_local_port_range`, `ip_local_reserved_ports` and `ip_unprivileged_port_start`; one that
/// could not be read is empty, and one that cannot be parsed counts as unknown.
pub fn parse(local_range: &str, reserved: &str, unprivileged: &str) -> PortPolicy {
    let mut bounds = local_range.split_ascii_whitespace().map_while(|word| word.parse().ok());
    PortPolicy {
        ephemeral: bounds.next().zip(bounds.next()).map(|(first, last)| first..=last),
        reserved: reserved.trim().split(',').filter_map(range).collect(),
        unprivileged_from: unprivileged.trim().parse().ok(),
        ..PortPolicy::default()
    }
}

/// `8080` or `9000-9010`.
fn range(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Reads the settings of the network namespace of this process.
pub fn read() -> PortPolicy {
    parse(&text(LOCAL_RANGE), &text("ip_local_reserved_ports"), &text("ip_unprivileged_port_start"))
}

/// The range of ephemeral ports.
pub fn ephemeral() -> Option<RangeInclusive<u16>> {
    parse(&text(LOCAL_RANGE), "", "").ephemeral
}

const LOCAL_RANGE: &str = "ip_local_port_range";

fn text(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_files_are_parsed() {
        let rules = parse("32768\t60999\n", "8080,9000-9010\n", "1024\n");
        assert_eq!(
            rules,
            PortPolicy {
                ephemeral: Some(32768..=60999),
                reserved: vec![8080..=8080, 9000..=9010],
                unprivileged_from: Some(1024),
                ..PortPolicy::default()
            }
        );
        assert!(rules.is_reserved(9010) && rules.is_privileged(1023) && !rules.is_privileged(1024));
        assert!(rules.is_ephemeral(40000) && !rules.is_ephemeral(61000));
    }

    #[test]
    fn settings_that_cannot_be_parsed_are_unknown() {
        assert_eq!(parse("", "\n", ""), PortPolicy::default());
        assert_eq!(parse("32768", "x,70000,9-", "none"), PortPolicy::default());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(a in ".{0,40}", b in ".{0,40}", c in ".{0,40}") {
            let _ = parse(&a, &b, &c);
        }
    }
}
