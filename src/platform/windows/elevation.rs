//! Whether this process runs with an administrator's rights.
#![allow(unsafe_code)] // The token of a process is read through a handle.

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::{GetTokenInformation, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Whether it does; where that cannot be found out, it does not.
pub(super) fn is_elevated() -> bool {
    let mut token: HANDLE = std::ptr::null_mut();
    let mut elevation = TOKEN_ELEVATION::default();
    let mut length = size_of::<TOKEN_ELEVATION>() as u32;
    // SAFETY: the handle is opened here, closed once and not used again; the structure is as large as it is said to be.
    unsafe {
        if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) == 0 {
            return false;
        }
        let told = GetTokenInformation(token, TokenElevation, (&raw mut elevation).cast(), length, &raw mut length);
        CloseHandle(token);
        told != 0 && elevation.TokenIsElevated != 0
    }
}
