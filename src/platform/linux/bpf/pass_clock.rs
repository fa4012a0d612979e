//! The unit of the kernel's timers: how many jiffies a second has, which no type of the kernel says.

/// What a kernel can be built with (`kernel/Kconfig.hz`).
const CHOICES: [u32; 4] = [100, 250, 300, 1000];
/// The kernel's clock of jiffies begins so many seconds before it wraps around 32 bits (`INITIAL_JIFFIES`).
const SECONDS_BEFORE_WRAP: i128 = 300;
const NANOSECONDS: i128 = 1_000_000_000;
/// How far the clocks may differ: their beginnings do, by less than a jiffy or two.
const TOLERANCE: i128 = NANOSECONDS / 2;

/// How many jiffies a second has, by the time in jiffies and in nanoseconds since the boot. `None` if it is none of the choices, or
/// about five minutes after the boot, when the times in all of them are the same.
pub fn jiffies_per_second(jiffies: u64, nanoseconds: u64) -> Option<u32> {
    let since_wrap = i128::from(nanoseconds) - SECONDS_BEFORE_WRAP * NANOSECONDS;
    let difference = |choice: u32| {
        let jiffies = i128::from(jiffies) - (1 << 32);
        (jiffies * NANOSECONDS / i128::from(choice) - since_wrap).abs()
    };
    let mut fitting = CHOICES.into_iter().filter(|&choice| difference(choice) < TOLERANCE);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// A time in jiffies in milliseconds, rounded up as the kernel does it; 0 if it is over.
pub fn milliseconds(jiffies: i32, per_second: u32) -> u32 {
    let milliseconds = (i64::from(jiffies.max(0)) * 1000 + i64::from(per_second) - 1) / i64::from(per_second.max(1));
    u32::try_from(milliseconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_two_clocks() {
        const SECOND: u64 = 1_000_000_000;
        for choice in CHOICES {
            for seconds in [1, 100, 400, 3600, 1 << 27] {
                let jiffies = (1 << 32) + u64::from(choice) * seconds - 300 * u64::from(choice);
                assert_eq!(jiffies_per_second(jiffies + 1, seconds * SECOND), Some(choice), "{choice} {seconds}");
            }
        }
        assert_eq!(jiffies_per_second(1 << 32, 300 * SECOND), None, "every unit fits");
        assert_eq!(jiffies_per_second((1 << 32) + 1024 * 3600, 3900 * SECOND), None);
        assert_eq!(jiffies_per_second(0, u64::MAX), None);
        assert_eq!(jiffies_per_second(u64::MAX, 0), None);
    }

    #[test]
    fn jiffies_are_rounded_up_and_what_is_over_is_0() {
        assert_eq!([(5, 250), (1, 300), (-7, 250), (0, 1000)].map(|(jiffies, hz)| milliseconds(jiffies, hz)), [20, 4, 0, 0]);
        assert_eq!(milliseconds(i32::MAX, 100), u32::MAX);
    }
}
