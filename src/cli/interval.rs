//! The bare number of a command line: the seconds between two reports or two screens.

use super::{UsageError, suggest};
use std::time::Duration;

/// The longest interval that is taken for meant.
const DAY: u64 = 24 * 60 * 60;

/// An interval from which on a number may have been meant for a port.
const LONG: u64 = 60;

/// The interval of net-tools' `-c`, which names none, and of a screen.
const EVERY_SECOND: Duration = Duration::from_secs(1);

/// The interval between two reports. `is_continuous` asks for one that is not named.
pub(super) fn of_reports(words: &[String], is_continuous: bool) -> Result<Option<Duration>, UsageError> {
    let is_interval = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let Some(word) = only_word(words, is_interval)? else { return Ok(is_continuous.then_some(EVERY_SECOND)) };
    match word.parse::<u64>() {
        Ok(seconds @ 1..=DAY) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(out_of_range(word, &format!("It is a number of seconds from 1 to {DAY}, a day."))),
    }
}

/// The interval between two screens (`--watch`), in which fractions of a second make sense.
pub(super) fn of_screen(words: &[String]) -> Result<Duration, UsageError> {
    let is_interval = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit()) && word.parse::<f64>().is_ok();
    let Some(word) = only_word(words, is_interval)? else { return Ok(EVERY_SECOND) };
    match word.parse::<f64>() {
        Ok(seconds) if (0.2..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(out_of_range(word, "With --watch it is a number of seconds from 0.2 to 3600.")),
    }
}

fn out_of_range(word: &str, hint: &str) -> UsageError {
    UsageError::new(format!("the interval '{word}' is out of range"), hint)
}

/// The one word that is an interval, if there is any.
fn only_word(words: &[String], is_interval: impl Fn(&str) -> bool) -> Result<Option<&str>, UsageError> {
    if let Some(word) = words.iter().find(|word| !is_interval(word)) {
        return Err(suggest::unexpected_word(word));
    }
    match words {
        [] => Ok(None),
        [word] => Ok(Some(word)),
        [_, second, ..] => Err(UsageError::see_help(format!("unexpected argument '{second}': there is an interval already"))),
    }
}

/// What a person should know who may have meant a port.
pub(super) fn note(words: &[String]) -> Option<String> {
    let word = words.first().filter(|word| word.parse().is_ok_and(|seconds: u64| seconds >= LONG))?;
    Some(format!("printing again every {word} seconds, until CTRL+C; ':{word}' shows the sockets on port {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(word: &str) -> Vec<String> {
        word.split_ascii_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn fractions_of_a_second_are_for_screens_alone() {
        assert_eq!(of_screen(&words("0.2")), Ok(Duration::from_millis(200)));
        assert_eq!(of_screen(&words("3600")), Ok(Duration::from_hours(1)));
        assert_eq!(of_screen(&[]), Ok(EVERY_SECOND));
        assert_eq!(of_reports(&words("5"), false), Ok(Some(Duration::from_secs(5))));
        assert_eq!((of_reports(&[], false), of_reports(&[], true)), (Ok(None), Ok(Some(EVERY_SECOND))));
        for word in ["0", "0.1", "3601", "1e9"] {
            assert!(of_screen(&words(word)).unwrap_err().sentence.contains("out of range"), "{word}");
        }
        for word in ["nan", "inf", "nginx", "-1x", "1 2", "1s"] {
            assert!(of_screen(&words(word)).is_err(), "{word}");
        }
        assert!(of_reports(&words("0.5"), false).is_err());
    }
}
