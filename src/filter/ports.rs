//! Sets of ports.

use super::selector::Selector;
use std::ops::RangeInclusive;

/// A set of ports, as ranges: a port is looked up in a few steps whatever was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSet {
    /// First and last port of each range; ascending, with at least one port between two ranges.
    ranges: Vec<(u16, u16)>,
}

impl PortSet {
    /// No port.
    pub const NONE: Self = Self { ranges: Vec::new() };

    /// Whether the port is in the set.
    pub fn contains(&self, port: u16) -> bool {
        let after = self.ranges.partition_point(|&(_, last)| last < port);
        self.ranges.get(after).is_some_and(|&(first, _)| first <= port)
    }

    /// The ranges of the set, ascending; no two of them touch.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u16>> {
        self.ranges.iter().map(|&(first, last)| first..=last)
    }

    /// The smallest single range that holds the whole set.
    #[must_use]
    pub fn hull(&self) -> Self {
        match (self.ranges.first(), self.ranges.last()) {
            (Some(&(first, _)), Some(&(_, last))) => Self { ranges: vec![(first, last)] },
            _ => Self::NONE,
        }
    }

    /// The ports that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0);
        for &(first, last) in &self.ranges {
            if let Some(gap) = next.filter(|&gap| gap < first) {
                ranges.push((gap, first - 1));
            }
            next = last.checked_add(1);
        }
        ranges.extend(next.map(|gap| (gap, u16::MAX)));
        Self { ranges }
    }
}

impl FromIterator<RangeInclusive<u16>> for PortSet {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<u16>>>(ranges: I) -> Self {
        let mut given: Vec<(u16, u16)> = ranges.into_iter().map(|range| (*range.start(), *range.end())).collect();
        given.retain(|&(first, last)| first <= last);
        given.sort_unstable();
        let mut ranges: Vec<(u16, u16)> = Vec::with_capacity(given.len());
        for (first, last) in given {
            match ranges.last_mut() {
                Some((_, end)) if end.checked_add(1).is_none_or(|next| first <= next) => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }
}

impl Selector<RangeInclusive<u16>> {
    /// The ports that the choice admits, where it is about one port; `None` for every port.
    pub fn into_set(self) -> Option<PortSet> {
        if self.is_empty() {
            return None;
        }
        let wanted = if self.wanted.is_empty() { vec![0..=u16::MAX] } else { self.wanted };
        let refused: PortSet = PortSet::from_iter(wanted).complement().ranges().chain(self.unwanted).collect();
        Some(refused.complement())
    }
}

/// What is asked of a socket's two ports together (`--any-port`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EitherPort {
    /// One of the two has to be here.
    pub wanted: PortSet,
    /// Neither of the two may be here.
    pub unwanted: PortSet,
}

impl EitherPort {
    /// What a choice asks of two ports; `None` where it asks nothing.
    pub fn new(choice: Selector<RangeInclusive<u16>>) -> Option<Self> {
        if choice.is_empty() {
            return None;
        }
        let all = choice.wanted.is_empty();
        let wanted: PortSet = choice.wanted.into_iter().collect();
        let wanted = if all { PortSet::NONE.complement() } else { wanted };
        Some(Self { wanted, unwanted: choice.unwanted.into_iter().collect() })
    }

    /// Whether a socket with these ports is wanted.
    pub fn matches(&self, local: u16, remote: u16) -> bool {
        (self.wanted.contains(local) || self.wanted.contains(remote))
            && !self.unwanted.contains(local)
            && !self.unwanted.contains(remote)
    }
}

/// The ports that a value stands for: a number, a range (`8000-8100`), or the name of a service. `named` is asked only
/// for a name.
pub fn parse(value: &str, named: impl FnOnce(&str) -> Vec<u16>) -> Result<Vec<RangeInclusive<u16>>, String> {
    /// Digits and nothing else: a number, however large.
    fn is_number(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
    }
    fn port(number: &str) -> Result<u16, String> {
        number.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
    }
    if is_number(value) {
        return port(value).map(|port| vec![port..=port]);
    }
    if let Some((first, last)) = value.split_once('-').filter(|(first, last)| is_number(first) && is_number(last)) {
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err("a range begins with its lower port".to_owned());
        }
        return Ok(vec![first..=last]);
    }
    match named(value) {
        ports if ports.is_empty() => Err("expected a port (443), a range (8000-8100) or a service name (https)".to_owned()),
        ports => Ok(ports.into_iter().map(|port| port..=port).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn services(name: &str) -> Vec<u16> {
        match name {
            "http" => vec![80],
            "ftp-data" => vec![20],
            "twice" => vec![7, 9],
            _ => Vec::new(),
        }
    }

    fn set(values: &[&str]) -> Vec<RangeInclusive<u16>> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Selector::parse(&values, |value| parse(value, services)).unwrap().into_set().unwrap().ranges().collect()
    }

    #[test]
    fn numbers_ranges_and_names() {
        assert_eq!(set(&["443", "http", "8000-8100"]), [80..=80, 443..=443, 8000..=8100]);
        assert_eq!(set(&["twice", "8", "ftp-data"]), [7..=9, 20..=20]);
        assert_eq!(set(&["!22"]), [0..=21, 23..=65535]);
        assert_eq!(set(&["1-10", "!3-4", "!10"]), [1..=2, 5..=9]);
        assert_eq!(set(&["0-65535", "!0-65535"]), []);
        assert_eq!(set(&["65535", "0"]), [0..=0, 65535..=65535]);
    }

    #[test]
    fn what_is_no_port_says_why() {
        let reason = |value| parse(value, services).unwrap_err();
        for value in ["70000", "65536", "99999999999999999999", "1-65536"] {
            assert_eq!(reason(value), "a port is a number from 0 to 65535", "{value}");
        }
        assert_eq!(reason("9-1"), "a range begins with its lower port");
        for value in ["-1", "1-", "x", "+80", "8 0", "80:90", "1-2-3"] {
            assert!(reason(value).starts_with("expected a port (443)"), "{value}");
        }
    }

    #[test]
    fn either_port_may_match_but_neither_may_be_refused() {
        let choice = Selector { wanted: vec![80..=80], unwanted: vec![22..=22] };
        let either = EitherPort::new(choice).unwrap();
        assert!(either.matches(80, 5) && either.matches(5, 80));
        assert!(!either.matches(5, 6) && !either.matches(80, 22) && !either.matches(22, 80));
        let refused = EitherPort::new(Selector { wanted: vec![], unwanted: vec![22..=22] }).unwrap();
        assert!(refused.matches(0, 65535) && !refused.matches(22, 0));
    }

    fn ranges() -> impl Strategy<Value = Vec<RangeInclusive<u16>>> {
        let port = || prop_oneof![0u16..40, 65500..=65535u16];
        prop::collection::vec((port(), port()).prop_map(|(a, b)| a.min(b)..=a.max(b)), 0..6)
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_ranges_hold_and_its_complement_the_rest(given in ranges()) {
            let set: PortSet = given.iter().cloned().collect();
            let complement = set.complement();
            for port in (0..50).chain(65490..=65535u16) {
                let expected = given.iter().any(|range| range.contains(&port));
                prop_assert_eq!(set.contains(port), expected);
                prop_assert_eq!(complement.contains(port), !expected);
                prop_assert!(!expected || set.hull().contains(port));
            }
            prop_assert_eq!(complement.complement(), set);
        }
    }
}
