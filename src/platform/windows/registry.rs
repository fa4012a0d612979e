//! The names of the values of a registry key.
#![allow(unsafe_code)] // The registry is read through the caller's buffers.

use super::call_with_buffer::CallError;
use windows_sys::Win32::System::Registry::{HKEY, HKEY_LOCAL_MACHINE, KEY_READ, RegCloseKey, RegEnumValueW, RegOpenKeyExW};

/// `ERROR_FILE_NOT_FOUND`: there is no such key.
const NO_SUCH_KEY: u32 = 2;
/// `ERROR_NO_MORE_ITEMS`
const NO_MORE: u32 = 259;
/// The longest name of a value, and its NUL.
const LONGEST: usize = 16_384;

/// The names of all values of a key of this machine; none where there is no such key.
pub(super) fn value_names(key: &str) -> Result<Vec<String>, CallError> {
    let path: Vec<u16> = key.encode_utf16().chain([0]).collect();
    let mut key: HKEY = std::ptr::null_mut();
    // SAFETY: the path ends in NUL; on success `key` has to be closed, which is done below.
    match unsafe { RegOpenKeyExW(HKEY_LOCAL_MACHINE, path.as_ptr(), 0, KEY_READ, &raw mut key) } {
        0 => {}
        NO_SUCH_KEY => return Ok(Vec::new()),
        code => return Err(CallError::Code(code)),
    }
    let mut buffer = vec![0; LONGEST];
    let mut names = Vec::new();
    let outcome = loop {
        let mut length = buffer.len() as u32;
        let (number, nothing) = (names.len() as u32, std::ptr::null_mut());
        // SAFETY: the buffer is `length` units long; what is not wanted may be null.
        let code = unsafe {
            let name = buffer.as_mut_ptr();
            RegEnumValueW(key, number, name, &raw mut length, std::ptr::null(), nothing, nothing.cast(), nothing)
        };
        match code {
            0 => names.push(String::from_utf16_lossy(buffer.get(..length as usize).unwrap_or_default())),
            NO_MORE => break Ok(names),
            code => break Err(CallError::Code(code)),
        }
    };
    // SAFETY: the key was opened above and is not used again.
    unsafe { RegCloseKey(key) };
    outcome
}
