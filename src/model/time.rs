//! Times: the present one, and any as text.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 as RFC 3339 in UTC: `2026-11-23T15:53:57Z`; `None` beyond the year 9999.
pub fn rfc3339(seconds: u64) -> Option<String> {
    let seconds = i64::try_from(seconds).ok()?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// Milliseconds since 1970 as RFC 3339 in UTC, always with their three digits: `2026-11-23T15:53:57.250Z`; `None` beyond the year 9999.
pub fn rfc3339_ms(milliseconds: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?;
    Some(format!("{time:.3}"))
}

/// The seconds since 1970 now.
pub fn now() -> u64 {
    now_ms() / 1000
}

/// The milliseconds since 1970 now.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc() {
        assert_eq!(rfc3339(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(rfc3339(1_795_449_600).as_deref(), Some("2026-11-23T16:00:00Z"));
        assert_eq!(rfc3339(u64::MAX), None);
        assert_eq!(rfc3339_ms(1_795_449_600_050).as_deref(), Some("2026-11-23T16:00:00.050Z"));
        assert_eq!(rfc3339_ms(1_795_449_600_000).as_deref(), Some("2026-11-23T16:00:00.000Z"));
        assert_eq!(rfc3339_ms(u64::MAX), None);
    }
}
