//! Exposures of listeners that are wanted.

use super::selector::Selector;
use crate::model::exposure::Exposure;
use crate::model::socket::Socket;

/// A set of exposures. Only listeners have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureSet(u8);

impl ExposureSet {
    /// Every exposure: every listener.
    pub const ALL: Self = Self((1 << Exposure::ALL.len()) - 1);

    /// What can be reached from other hosts beyond the link (`--exposed`).
    pub const EXPOSED: Self =
        Self(1 << Exposure::Private as u8 | 1 << Exposure::Public as u8 | 1 << Exposure::EveryAddress as u8);

    /// The exposures that a selector wants; `None` if it is empty, which wants every socket.
    pub fn new(selector: &Selector<Exposure>) -> Option<Self> {
        if selector.is_empty() {
            return None;
        }
        let wanted = Exposure::ALL.into_iter().filter(|exposure| selector.matches(|value| value == exposure));
        Some(Self(wanted.fold(0, |set, exposure| set | 1 << exposure as u8)))
    }

    /// What both sets want.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a socket is a listener with one of these exposures.
    pub fn matches(self, socket: &Socket) -> bool {
        socket.exposure().is_some_and(|exposure| self.0 & 1 << exposure as u8 != 0)
    }
}

/// The exposure of a name, in any letter case, with `-`, `_` or nothing between its words.
pub fn parse(name: &str) -> Result<[Exposure; 1], String> {
    let plain = |word: &str| word.replace(['-', '_'], "").to_ascii_lowercase();
    let known = Exposure::ALL.into_iter().find(|exposure| plain(exposure.word()) == plain(name));
    known.map(|exposure| [exposure]).ok_or_else(|| format!("expected one of {}", Exposure::ALL.map(Exposure::word).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use crate::model::socket::{Endpoint, Protocol, State};

    fn set(values: &[&str]) -> ExposureSet {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        ExposureSet::new(&Selector::parse(&values, parse).unwrap()).unwrap()
    }

    #[test]
    fn only_listeners_have_an_exposure() {
        let listener = socket("0.0.0.0", 80);
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
        let udp = Socket { protocol: Protocol::Udp, state: None, ..listener };
        for (socket, matches) in [
            (listener, true),
            (Socket { state: Some(State::Bound), ..listener }, false),
            (Socket { state: Some(State::Established), remote, ..listener }, false),
            (udp, true),
            (Socket { remote, ..udp }, false),
        ] {
            assert_eq!(ExposureSet::ALL.matches(&socket), matches, "{socket:?}");
        }
    }

    #[test]
    fn exposures_are_alternatives_or_left_out() {
        let (loopback, every) = (socket("127.0.0.1", 80), socket("::", 80));
        assert!(set(&["loopback", "every_address"]).matches(&loopback) && set(&["Every-Address"]).matches(&every));
        assert!(!set(&["!loopback"]).matches(&loopback) && set(&["!loopback"]).matches(&every));
        assert_eq!(set(&["!loopback", "!linklocal"]), ExposureSet::EXPOSED);
        assert!(!set(&["loopback"]).and(ExposureSet::EXPOSED).matches(&loopback), "both switches must hold");
        assert!(parse("internet").is_err() && parse("").is_err());
    }
}
