//! The units of numbers: as people read and write them, and as the data formats name them.

use std::fmt;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Things: it has no unit.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
}

/// Powers of 1024, each with its word.
const BYTES: [(u64, &str); 5] = [(1, "B"), (1 << 10, "KiB"), (1 << 20, "MiB"), (1 << 30, "GiB"), (1 << 40, "TiB")];
const BYTES_PER_SECOND: [(u64, &str); 5] =
    [(1, "B/s"), (1 << 10, "KiB/s"), (1 << 20, "MiB/s"), (1 << 30, "GiB/s"), (1 << 40, "TiB/s")];
const MICROSECONDS: [(u64, &str); 5] = [(1, "us"), (1000, "ms"), (1_000_000, "s"), (60_000_000, "min"), (3_600_000_000, "h")];
const MILLISECONDS: [(u64, &str); 4] = [(1, "ms"), (1000, "s"), (60_000, "min"), (3_600_000, "h")];

impl Unit {
    /// The words for multiples of the unit, the unit itself first; none for what is counted.
    pub const fn words(self) -> &'static [(u64, &'static str)] {
        match self {
            Self::Count => &[],
            Self::Bytes => &BYTES,
            Self::BytesPerSecond => &BYTES_PER_SECOND,
            Self::Microseconds => &MICROSECONDS,
            Self::Milliseconds => &MILLISECONDS,
        }
    }

    /// Whether a number of it is understood without a word.
    pub const fn is_understood(self) -> bool {
        match self {
            Self::Count | Self::Bytes | Self::BytesPerSecond => true,
            Self::Microseconds | Self::Milliseconds => false,
        }
    }
}

/// A number of a unit as people read it: `12.3ms`, `1.2MiB`, `50ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(pub u64, pub Unit);

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, unit) = *self;
        let mut words = unit.words().iter().rev();
        let Some((factor, word)) = words.find(|(factor, _)| number >= *factor).or(unit.words().first()) else {
            return write!(f, "{number}");
        };
        let (whole, rest) = (number / factor, number % factor);
        let tenth = u128::from(rest) * 10 / u128::from(*factor);
        // Tenths of what is large say nothing more.
        if tenth == 0 || whole >= 100 { write!(f, "{whole}{word}") } else { write!(f, "{whole}.{tenth}{word}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_largest_unit_that_fits_with_one_decimal() {
        let cases = [
            (0, Unit::Microseconds, "0us"),
            (999, Unit::Microseconds, "999us"),
            (12_345, Unit::Microseconds, "12.3ms"),
            (50_000, Unit::Microseconds, "50ms"),
            (90_000_000, Unit::Microseconds, "1.5min"),
            (1500, Unit::Milliseconds, "1.5s"),
            (7_200_000, Unit::Milliseconds, "2h"),
            (0, Unit::Bytes, "0B"),
            (1023, Unit::Bytes, "1023B"),
            (1_258_292, Unit::Bytes, "1.2MiB"),
            (123_456_789, Unit::Bytes, "117MiB"),
            (u64::MAX, Unit::Bytes, "16777215TiB"),
            (2048, Unit::BytesPerSecond, "2KiB/s"),
            (10_000, Unit::Count, "10000"),
        ];
        for (number, unit, text) in cases {
            assert_eq!(Quantity(number, unit).to_string(), text);
        }
    }
}
