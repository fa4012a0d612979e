//! Reading a table whose size nobody knows beforehand: ask, grow, ask again.

/// `ERROR_SUCCESS`
const SUCCESS: u32 = 0;
/// `ERROR_NOT_SUPPORTED`: the protocol is not installed.
const NOT_SUPPORTED: u32 = 50;
/// `ERROR_BUFFER_OVERFLOW`, by which some functions say what others say by the next.
const BUFFER_OVERFLOW: u32 = 111;
/// `ERROR_INSUFFICIENT_BUFFER`
const INSUFFICIENT_BUFFER: u32 = 122;
/// `ERROR_NO_DATA`
const NO_DATA: u32 = 232;
/// `STATUS_UNSUCCESSFUL`, which the tables return now and then while they change.
const UNSUCCESSFUL: u32 = 0xC000_0001;

/// What the first buffer holds, in numbers of 64 bits: about 400 sockets.
const FIRST: usize = 8 * 1024;
/// How often a table may outgrow its buffer, or be busy, before it is given up.
const ATTEMPTS: usize = 10;

/// Why a table could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The function failed with this number of Windows'.
    #[error("{}", std::io::Error::from_raw_os_error(*.0 as i32))]
    Code(u32),
    /// The table kept changing.
    #[error("the table changed faster than it could be read")]
    TableUnstable,
}

/// Reads a table by a function that is given a buffer and the buffer's size in bytes, and that puts into the latter
/// what it needs or has used. Returns how many bytes of the buffer are the table; none where there is no such table.
///
/// The buffer is of 64-bit numbers because the tables hold such numbers and have to be aligned to them. It always gets
/// a quarter more than was asked for: more sockets may be there at the next attempt.
pub fn call_with_buffer(buffer: &mut Vec<u64>, mut ask: impl FnMut(&mut [u64], &mut u32) -> u32) -> Result<usize, CallError> {
    if buffer.is_empty() {
        buffer.resize(FIRST, 0);
    }
    for _ in 0..ATTEMPTS {
        let room = u32::try_from(size_of_val(buffer.as_slice())).unwrap_or(u32::MAX);
        let mut size = room;
        match ask(buffer, &mut size) {
            SUCCESS => return Ok(if (1..=room).contains(&size) { size } else { room } as usize),
            NO_DATA | NOT_SUPPORTED => return Ok(0),
            INSUFFICIENT_BUFFER | BUFFER_OVERFLOW => {
                let wanted = (size.max(room) as usize).div_ceil(size_of::<u64>());
                buffer.resize(wanted + wanted / 4 + 1, 0);
            }
            UNSUCCESSFUL => {}
            code => return Err(CallError::Code(code)),
        }
    }
    Err(CallError::TableUnstable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_grows_is_read_with_a_quarter_to_spare() {
        let mut buffer = Vec::new();
        let mut rooms = Vec::new();
        let mut needed = 1_000_000;
        let outcome = call_with_buffer(&mut buffer, |buffer, size| {
            rooms.push(*size);
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
        assert_eq!(rooms.len(), 2);
        assert!(rooms[1] >= 1_250_000);
    }

    #[test]
    fn a_table_that_outruns_every_buffer_is_given_up() {
        let mut calls = 0;
        let outcome = call_with_buffer(&mut Vec::new(), |_, size| {
            calls += 1;
            *size = 0; // not even told how much
            INSUFFICIENT_BUFFER
        });
        assert_eq!((outcome, calls), (Err(CallError::TableUnstable), ATTEMPTS));
    }

    #[test]
    fn a_busy_table_is_asked_again_but_not_for_ever() {
        let mut answers = [UNSUCCESSFUL, UNSUCCESSFUL, SUCCESS].into_iter();
        assert!(call_with_buffer(&mut Vec::new(), |_, _| answers.next().unwrap()).is_ok());
        assert_eq!(call_with_buffer(&mut Vec::new(), |_, _| UNSUCCESSFUL), Err(CallError::TableUnstable));
    }

    #[test]
    fn a_protocol_that_is_not_installed_has_an_empty_table_and_other_errors_are_told() {
        assert_eq!(call_with_buffer(&mut Vec::new(), |_, _| NOT_SUPPORTED), Ok(0));
        assert_eq!(call_with_buffer(&mut Vec::new(), |_, _| NO_DATA), Ok(0));
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
