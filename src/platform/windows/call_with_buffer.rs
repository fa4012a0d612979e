//! Calls that fill in a table whose size is not known beforehand: ask, grow, ask again. And the codes by which they answer.

use std::time::Duration;

/// `ERROR_SUCCESS`
const SUCCESS: u32 = 0;
/// `ERROR_ACCESS_DENIED`
const ACCESS_DENIED: u32 = 5;
/// `ERROR_NOT_SUPPORTED`: the protocol is not installed.
const NOT_SUPPORTED: u32 = 50;
/// `ERROR_BUFFER_OVERFLOW`, with which some functions answer where others answer with the next.
const BUFFER_OVERFLOW: u32 = 111;
/// `ERROR_INSUFFICIENT_BUFFER`
const INSUFFICIENT_BUFFER: u32 = 122;
/// `ERROR_NO_DATA`
const NO_DATA: u32 = 232;
/// `ERROR_NOT_FOUND`
const NOT_FOUND: u32 = 1168;
/// `ERROR_ADDRESS_NOT_ASSOCIATED`: no interface has an address.
const ADDRESS_NOT_ASSOCIATED: u32 = 1228;
/// `STATUS_UNSUCCESSFUL`, which the socket tables return now and then while they grow.
const UNSUCCESSFUL: u32 = 0xC000_0001;

/// The size of the first buffer, in numbers of 64 bits: about 400 sockets.
const FIRST: usize = 8 * 1024;
/// How often a table may outgrow its buffer, or be busy, before it is given up.
const ATTEMPTS: u32 = 10;
/// The pause after the first time that a table was busy; it doubles each time. All pauses together take a second.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Whether a code of IP Helper says that a table is empty, in whichever way.
pub const fn is_empty_table(code: u32) -> bool {
    matches!(code, NOT_SUPPORTED | NO_DATA | NOT_FOUND | ADDRESS_NOT_ASSOCIATED)
}

/// Why a table could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The function failed with this code of Windows.
    #[error("{}", std::io::Error::from_raw_os_error(.0.cast_signed()))]
    Code(u32),
    /// The table kept changing.
    #[error("the table changed faster than it could be read")]
    TableUnstable,
}

impl CallError {
    /// Whether the answer may be had with more rights.
    pub const fn is_access_denied(self) -> bool {
        matches!(self, Self::Code(ACCESS_DENIED))
    }
}

/// Reads a table by a function that is given a buffer and the buffer's size in bytes, and that puts into the latter
/// what it needs or has used. Returns how many bytes of the buffer are the table; none if it is empty.
///
/// The buffer is of 64-bit numbers because the tables hold such numbers and have to be aligned to them. It always gets
/// a quarter more than was asked for: more sockets may be there at the next attempt.
pub fn call_with_buffer(buffer: &mut Vec<u64>, call: impl FnMut(&mut [u64], &mut u32) -> u32) -> Result<usize, CallError> {
    call_with_pauses(buffer, call, std::thread::sleep)
}

fn call_with_pauses(
    buffer: &mut Vec<u64>,
    mut call: impl FnMut(&mut [u64], &mut u32) -> u32,
    mut pause: impl FnMut(Duration),
) -> Result<usize, CallError> {
    if buffer.is_empty() {
        buffer.resize(FIRST, 0);
    }
    for attempt in 0..ATTEMPTS {
        let capacity = u32::try_from(size_of_val(buffer.as_slice())).unwrap_or(u32::MAX);
        let mut size = capacity;
        match call(buffer, &mut size) {
            SUCCESS => return Ok(if (1..=capacity).contains(&size) { size } else { capacity } as usize),
            code if is_empty_table(code) => return Ok(0),
            INSUFFICIENT_BUFFER | BUFFER_OVERFLOW => grow(buffer, size.max(capacity)),
            UNSUCCESSFUL => {
                grow(buffer, size.max(capacity));
                pause(FIRST_PAUSE * 2u32.pow(attempt));
            }
            code => return Err(CallError::Code(code)),
        }
    }
    Err(CallError::TableUnstable)
}

fn grow(buffer: &mut Vec<u64>, bytes: u32) {
    let wanted = (bytes as usize).div_ceil(size_of::<u64>());
    buffer.resize(wanted + wanted / 4 + 1, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_grows_is_read_with_a_quarter_to_spare() {
        let mut buffer = Vec::new();
        let mut capacities = Vec::new();
        let mut needed = 1_000_000;
        let outcome = call_with_buffer(&mut buffer, |buffer, size| {
            capacities.push(*size);
            assert_eq!(size_of_val(buffer), *size as usize);
            if *size < needed {
                *size = needed;
                needed += needed / 5; // within the slack
                return INSUFFICIENT_BUFFER;
            }
            *size = needed;
            SUCCESS
        });
        assert_eq!(outcome, Ok(1_200_000));
        assert_eq!(capacities.len(), 2);
        assert!(capacities[1] >= 1_250_000);
    }

    #[test]
    fn a_table_that_outgrows_every_buffer_is_given_up() {
        let mut calls = 0;
        let outcome = call_with_buffer(&mut Vec::new(), |_, size| {
            calls += 1;
            *size = 0; // it does not even say how much it needs
            INSUFFICIENT_BUFFER
        });
        assert_eq!((outcome, calls), (Err(CallError::TableUnstable), ATTEMPTS));
    }

    #[test]
    fn a_busy_table_gets_a_larger_buffer_and_more_time_but_not_for_ever() {
        let mut answers = [UNSUCCESSFUL, UNSUCCESSFUL, SUCCESS].into_iter();
        let mut capacities = Vec::new();
        let mut pauses = Vec::new();
        let call = |_: &mut [u64], size: &mut u32| {
            capacities.push(*size);
            answers.next().unwrap()
        };
        assert!(call_with_pauses(&mut Vec::new(), call, |pause| pauses.push(pause)).is_ok());
        assert!(capacities.is_sorted_by(|before, after| before < after));
        assert_eq!(pauses, [FIRST_PAUSE, FIRST_PAUSE * 2]);
        let mut paused = Duration::ZERO;
        let outcome = call_with_pauses(&mut Vec::new(), |_, _| UNSUCCESSFUL, |pause| paused += pause);
        assert_eq!(outcome, Err(CallError::TableUnstable));
        assert!(paused <= 1024 * FIRST_PAUSE, "{paused:?}");
    }

    #[test]
    fn each_code_for_an_empty_table_gives_one_and_other_codes_are_errors() {
        for code in [NOT_SUPPORTED, NO_DATA, NOT_FOUND, ADDRESS_NOT_ASSOCIATED] {
            assert_eq!(call_with_buffer(&mut Vec::new(), |_, _| code), Ok(0));
        }
        assert_eq!(call_with_buffer(&mut Vec::new(), |_, _| 5), Err(CallError::Code(5)));
    }

    #[test]
    fn a_size_beyond_the_buffer_is_not_believed() {
        let mut buffer = vec![0; 4];
        let outcome = call_with_buffer(&mut buffer, |_, size| {
            *size = u32::MAX;
            SUCCESS
        });
        assert_eq!(outcome, Ok(32));
    }
}
