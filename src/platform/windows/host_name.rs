//! The name of this computer.
#![allow(unsafe_code)] // The name is written into the caller's buffer.

use windows_sys::Win32::System::SystemInformation::{ComputerNameDnsFullyQualified, GetComputerNameExW};

/// The longest DNS name, and its NUL.
const LONGEST: usize = 256;

/// The full DNS name of this computer: the host name alone if it belongs to no domain.
pub(crate) fn host_name() -> Option<String> {
    let mut buffer = [0u16; LONGEST];
    let mut length = LONGEST as u32;
    // SAFETY: the buffer is `length` units long.
    let done = unsafe { GetComputerNameExW(ComputerNameDnsFullyQualified, buffer.as_mut_ptr(), &raw mut length) };
    // On success the length is that of the name, without the NUL.
    let name = buffer.get(..length as usize).filter(|name| done != 0 && !name.is_empty())?;
    Some(String::from_utf16_lossy(name))
}
