//! The values of registry keys.
#![allow(unsafe_code)] // The registry is read through the caller's buffers.

use super::call_with_buffer::CallError;
use super::persistent;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, RRF_RT_REG_MULTI_SZ, RegCloseKey, RegEnumValueW, RegGetValueW, RegOpenKeyExW,
};

/// `ERROR_FILE_NOT_FOUND`: there is no such key or value.
const NOT_FOUND: u32 = 2;
/// `ERROR_NO_MORE_ITEMS`
const NO_MORE: u32 = 259;
/// The longest name of a value, and its NUL. No value that is read here is longer.
const LONGEST: usize = 16_384;

/// The names of all values of a key of this machine; none if there is no such key.
pub(super) fn value_names(key: &str) -> Result<Vec<String>, CallError> {
    let path: Vec<u16> = key.encode_utf16().chain([0]).collect();
    let mut key: HKEY = std::ptr::null_mut();
    // SAFETY: the path ends in NUL; on success `key` has to be closed, which is done below.
    match unsafe { RegOpenKeyExW(HKEY_LOCAL_MACHINE, path.as_ptr(), 0, KEY_READ, &raw mut key) } {
        0 => {}
        NOT_FOUND => return Ok(Vec::new()),
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

/// The texts of a value of several texts; none if there is no such key or value.
pub(super) fn texts(key: &str, value: &str) -> Result<Vec<String>, CallError> {
    let [key, value] = [key, value].map(|text| text.encode_utf16().chain([0]).collect::<Vec<u16>>());
    let mut buffer = vec![0u16; LONGEST];
    let mut size = size_of_val(buffer.as_slice()) as u32;
    // SAFETY: both names end in NUL, the buffer is `size` bytes large; the kind of the value need not be known.
    let code = unsafe {
        let start = buffer.as_mut_ptr().cast();
        RegGetValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            value.as_ptr(),
            RRF_RT_REG_MULTI_SZ,
            std::ptr::null_mut(),
            start,
            &raw mut size,
        )
    };
    match code {
        0 => Ok(persistent::texts(buffer.get(..size as usize / size_of::<u16>()).unwrap_or_default())),
        NOT_FOUND => Ok(Vec::new()),
        code => Err(CallError::Code(code)),
    }
}
