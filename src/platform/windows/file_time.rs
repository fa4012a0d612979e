//! The time as Windows counts it.

use std::time::{Duration, SystemTime};

/// From 1601 to 1970, in units of 100 ns.
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;

/// How long before `now` a moment was that is given in units of 100 ns since 1601 (a `FILETIME`); nothing for the future.
pub fn age(moment: u64, now: SystemTime) -> Duration {
    let Some(since_1970) = moment.checked_sub(UNIX_EPOCH) else { return Duration::ZERO };
    let moment = Duration::new(since_1970 / 10_000_000, (since_1970 % 10_000_000) as u32 * 100);
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_as_old_as_the_clock_says() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let ago = |moment| age(moment, now);
        assert_eq!(ago(UNIX_EPOCH), Duration::from_secs(1_000_000));
        assert_eq!(ago(UNIX_EPOCH + 999_999 * 10_000_000 + 5_000_000), Duration::from_millis(500));
        assert_eq!(ago(UNIX_EPOCH + 1_000_001 * 10_000_000), Duration::ZERO);
        assert_eq!([ago(0), ago(1)], [Duration::ZERO; 2]);
        assert_eq!(ago(u64::MAX), Duration::ZERO);
    }
}
