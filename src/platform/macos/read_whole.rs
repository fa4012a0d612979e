//! Reading a list whose size is not known beforehand: ask for the size, add slack, and read again while the answer fills the
//! buffer, for the kernel cuts a list that does not fit.

use std::io;

/// How often a list may outgrow its buffer.
const ATTEMPTS: usize = 10;

/// No entry of a list is larger: an answer that leaves less room than this may have been cut.
const LARGEST_ENTRY: usize = 16;

/// Room for what is added between the two calls, in bytes, beside a quarter of the size.
const SLACK: usize = 512;

/// Reads a list by a function that returns the size in bytes if it is given no buffer, and else how many bytes it has
/// filled in. Returns the part of the buffer that is the list.
///
/// `is_too_small` says of an error that the buffer was too small.
pub fn read_whole(
    buffer: &mut Vec<u8>,
    is_too_small: impl Fn(&io::Error) -> bool,
    mut call: impl FnMut(Option<&mut [u8]>) -> io::Result<usize>,
) -> io::Result<&[u8]> {
    for _ in 0..ATTEMPTS {
        let needed = call(None)?;
        let size = needed + needed / 4 + SLACK;
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        match call(Some(buffer)) {
            Ok(filled) if filled + LARGEST_ENTRY <= buffer.len() => return Ok(buffer.get(..filled).unwrap_or_default()),
            Ok(_) => {}
            Err(error) if is_too_small(&error) => {}
            Err(error) => return Err(error),
        }
        let doubled = buffer.len() * 2;
        buffer.resize(doubled, 0);
    }
    Err(io::Error::other("the list grew faster than it could be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: &io::Error) -> bool {
        false
    }

    #[test]
    fn a_list_that_fills_its_buffer_is_read_again_with_a_larger_one() {
        let mut calls = Vec::new();
        let mut buffer = Vec::new();
        let list = read_whole(&mut buffer, never, |buffer| match buffer {
            None => Ok(800),
            // The list has grown to 2,000 bytes since its size was asked for, and is cut at whole entries.
            Some(buffer) => {
                calls.push(buffer.len());
                Ok((buffer.len() / 8 * 8).min(2000))
            }
        })
        .unwrap();
        assert_eq!(list.len(), 2000);
        assert_eq!(calls, [1512, 3024]);
    }

    #[test]
    fn a_call_that_refuses_a_small_buffer_is_repeated_and_other_errors_end_it() {
        let too_small = |error: &io::Error| error.kind() == io::ErrorKind::OutOfMemory;
        let mut refusals = 2;
        let mut buffer = Vec::new();
        let list = read_whole(&mut buffer, too_small, |buffer| match buffer {
            None => Ok(10),
            Some(_) if refusals > 0 => {
                refusals -= 1;
                Err(io::ErrorKind::OutOfMemory.into())
            }
            Some(_) => Ok(10),
        });
        assert_eq!(list.unwrap().len(), 10);
        let refused = read_whole(&mut buffer, too_small, |_| Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_list_that_outgrows_every_buffer_is_given_up() {
        let mut calls = 0;
        let outcome = read_whole(&mut Vec::new(), never, |buffer| {
            calls += 1;
            Ok(buffer.map_or(8, |buffer| buffer.len()))
        })
        .map(<[u8]>::len);
        assert!(outcome.is_err());
        assert_eq!(calls, 2 * ATTEMPTS);
    }
}
