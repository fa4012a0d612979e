//! The accounts of Windows.
#![allow(unsafe_code)] // Names of accounts are read through pointers.

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::ConvertStringSidToSidW;
use windows_sys::Win32::Security::{LookupAccountSidW, PSID};

/// The longest name of an account or of a domain that Windows allows, and the NUL.
const LONGEST: usize = 257;

/// Sockets have no user ids on Windows.
pub(crate) const fn user_id(_name: &str) -> Option<u32> {
    None
}

/// Sockets have no user ids on Windows.
pub(crate) const fn local_user_id(_name: &str) -> Option<u32> {
    None
}

/// The name of an account, as `DOMAIN\name`, by its security identifier.
pub(crate) fn process_user_name(sid: &str) -> Option<String> {
    let text: Vec<u16> = sid.encode_utf16().chain([0]).collect();
    let mut sid: PSID = std::ptr::null_mut();
    // SAFETY: the text ends in NUL; on success `sid` is memory that has to be freed with LocalFree.
    if unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut sid) } == 0 {
        return None;
    }
    let (mut name, mut domain) = ([0u16; LONGEST], [0u16; LONGEST]);
    let (mut name_length, mut domain_length, mut kind) = (LONGEST as u32, LONGEST as u32, 0);
    // SAFETY: the buffers are as long as they are said to be; `sid` is freed once and not used again.
    let found = unsafe {
        let found = LookupAccountSidW(
            std::ptr::null(),
            sid,
            name.as_mut_ptr(),
            &raw mut name_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        );
        LocalFree(sid);
        found != 0
    };
    if !found {
        return None;
    }
    // On success the lengths are those of the texts, without the NUL.
    let name = String::from_utf16_lossy(name.get(..name_length as usize)?);
    let domain = String::from_utf16_lossy(domain.get(..domain_length as usize)?);
    Some(if domain.is_empty() { name } else { format!("{domain}\\{name}") })
}
