//! TCP states that are wanted.

use super::selector::Selector;
use crate::model::socket::{State, StateSet};

/// The states that are admitted, and what becomes of UDP, which has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// The states that are admitted.
    pub set: StateSet,
    /// Whether a row without a state is admitted: only where nothing but states to leave out were named.
    pub stateless: bool,
}

impl States {
    /// The states that a choice admits; `None` for all.
    pub fn new(choice: &Selector<State>) -> Option<Self> {
        if choice.is_empty() {
            return None;
        }
        let set =
            State::ALL.into_iter().filter(|state| choice.matches(|value| value == state)).fold(StateSet::NONE, StateSet::with);
        Some(Self { set, stateless: choice.wanted.is_empty() })
    }

    /// Whether a row with this state is admitted.
    pub fn matches(&self, state: Option<State>) -> bool {
        state.map_or(self.stateless, |state| self.set.contains(state))
    }
}

/// The state of a name: the table's word in any letter case, with `_`, `-` or nothing between its parts, or the word
/// that `ss` has for it.
pub fn parse(name: &str) -> Result<[State; 1], String> {
    let plain = |word: &str| -> String {
        word.chars().filter(|character| !matches!(character, '_' | '-')).map(|character| character.to_ascii_uppercase()).collect()
    };
    let wanted = plain(name);
    let alias = match wanted.as_str() {
        "LISTEN" => Some(State::Listening),
        "ESTAB" => Some(State::Established),
        "SYNRECV" => Some(State::SynReceived),
        "CLOSE" => Some(State::Closed),
        _ => None,
    };
    let known = State::ALL.into_iter().find(|state| plain(state.word()) == wanted);
    known.or(alias).map(|state| [state]).ok_or_else(|| "no TCP state has that name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(values: &[&str]) -> States {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        States::new(&Selector::parse(&values, parse).unwrap()).unwrap()
    }

    #[test]
    fn names_are_welcome_however_they_are_written() {
        for name in ["TIME_WAIT", "time-wait", "TimeWait"] {
            assert_eq!(parse(name), Ok([State::TimeWait]));
        }
        for state in State::ALL {
            assert_eq!(parse(state.word()), Ok([state]));
        }
        for (name, state) in [
            ("listen", State::Listening),
            ("estab", State::Established),
            ("syn-recv", State::SynReceived),
            ("fin-wait-1", State::FinWait1),
            ("close", State::Closed),
        ] {
            assert_eq!(parse(name), Ok([state]));
        }
        assert!(parse("listener").is_err() && parse("_").is_err());
    }

    #[test]
    fn udp_is_admitted_only_where_states_are_left_out() {
        let named = states(&["listening", "bound"]);
        assert!(named.matches(Some(State::Bound)) && !named.matches(Some(State::TimeWait)) && !named.matches(None));
        let left_out = states(&["!time_wait"]);
        assert!(left_out.matches(None) && left_out.matches(Some(State::Bound)) && !left_out.matches(Some(State::TimeWait)));
    }
}
