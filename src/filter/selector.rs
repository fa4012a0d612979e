//! The values of a filter: several of them, each perhaps with `!` before it.

use crate::model::answer::Answer;

/// The values given to one switch. Those without `!` are alternatives; of those with `!` none may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector<T> {
    /// What is wanted; empty if everything is.
    pub wanted: Vec<T>,
    /// What is not wanted (`!`).
    pub unwanted: Vec<T>,
}

impl<T> Default for Selector<T> {
    fn default() -> Self {
        Self { wanted: Vec::new(), unwanted: Vec::new() }
    }
}

/// A value that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}': {reason}", .value.escape_debug())]
pub struct InvalidValue {
    /// The value, as it was given.
    pub value: String,
    /// What is wrong with it: half a sentence.
    pub reason: String,
}

impl<T> Selector<T> {
    /// Parses the values with `meaning`, which may find several things that one value stands for.
    pub fn parse<M>(values: &[String], mut meaning: impl FnMut(&str) -> Result<M, String>) -> Result<Self, InvalidValue>
    where
        M: IntoIterator<Item = T>,
    {
        let mut selector = Self::default();
        for value in values {
            let (bare, list) = match value.strip_prefix('!') {
                Some(bare) => (bare, &mut selector.unwanted),
                None => (value.as_str(), &mut selector.wanted),
            };
            if bare.is_empty() {
                return Err(InvalidValue { value: value.clone(), reason: "a value is missing".to_owned() });
            }
            list.extend(meaning(bare).map_err(|reason| InvalidValue { value: value.clone(), reason })?);
        }
        Ok(selector)
    }

    /// Whether no value was given: everything matches.
    pub const fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// Whether one of the wanted values matches, if there are any, and none of the unwanted.
    pub fn matches(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.wanted.is_empty() || self.wanted.iter().any(&matches)) && !self.unwanted.iter().any(matches)
    }

    /// As [`Selector::matches`], if it may be unknown whether a value matches.
    pub fn decide(&self, matches: impl Fn(&T) -> Answer) -> Answer {
        let included = if self.wanted.is_empty() { Answer::Yes } else { Answer::any(self.wanted.iter().map(&matches)) };
        included.and(Answer::any(self.unwanted.iter().map(matches)).not())
    }

    /// A selector of what each value becomes.
    pub fn map<'a, U>(&'a self, mut value: impl FnMut(&'a T) -> U) -> Selector<U> {
        Selector { wanted: self.wanted.iter().map(&mut value).collect(), unwanted: self.unwanted.iter().map(value).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[&str]) -> Result<Selector<u8>, InvalidValue> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Selector::parse(&values, |value| value.parse().map(Some).map_err(|_| "it is no number".to_owned()))
    }

    fn admitted(values: &[&str]) -> Vec<u8> {
        let choice = numbers(values).unwrap();
        (1..=4).filter(|number| choice.matches(|value| value == number)).collect()
    }

    #[test]
    fn values_are_alternatives_and_an_exclamation_mark_excludes() {
        assert_eq!(admitted(&[]), [1, 2, 3, 4]);
        assert_eq!(admitted(&["1", "3"]), [1, 3]);
        assert_eq!(admitted(&["!1", "!3"]), [2, 4]);
        assert_eq!(admitted(&["1", "3", "!3"]), [1]);
    }

    #[test]
    fn what_cannot_be_meant_is_named_as_it_was_given() {
        assert_eq!(numbers(&["1", "!x"]).unwrap_err().to_string(), "'!x': it is no number");
        assert_eq!(numbers(&["!"]).unwrap_err().to_string(), "'!': a value is missing");
        assert_eq!(numbers(&[""]).unwrap_err().to_string(), "'': a value is missing");
    }
}
