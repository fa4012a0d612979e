//! The adapters of Windows (`GetAdaptersAddresses`): the interfaces that a person would count.
#![allow(unsafe_code)] // The answer is a list linked by pointers.

use super::call_with_buffer::{CallError, call_with_buffer};
use super::routing::Adapter;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_DNS_SERVER, GAA_FLAG_SKIP_MULTICAST, GAA_FLAG_SKIP_UNICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

const FLAGS: u32 = GAA_FLAG_SKIP_UNICAST | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;

/// A description longer than this is cut: it is there to be read.
const LONGEST_DESCRIPTION: usize = 256;

/// Reads the adapters.
pub(super) fn read() -> Result<Vec<Adapter>, CallError> {
    let mut buffer = Vec::new();
    let bytes = call_with_buffer(&mut buffer, |buffer, size| {
        // SAFETY: the buffer is `size` bytes large and aligned to 8, as the list wants it.
        unsafe { GetAdaptersAddresses(AF_UNSPEC.into(), FLAGS, std::ptr::null(), buffer.as_mut_ptr().cast(), size) }
    })?;
    let mut adapters = Vec::new();
    let mut next: *const IP_ADAPTER_ADDRESSES_LH = if bytes == 0 { std::ptr::null() } else { buffer.as_ptr().cast() };
    // SAFETY: the list and what it points to lie in the buffer, which lives until the end; the last entry's `Next` is null.
    while let Some(adapter) = unsafe { next.as_ref() } {
        let hardware_address = adapter.PhysicalAddress.get(..adapter.PhysicalAddressLength as usize).unwrap_or_default();
        adapters.push(Adapter {
            // SAFETY: every variant of the union is made of plain numbers.
            index: unsafe { adapter.Anonymous1.Anonymous.IfIndex },
            ipv6_index: adapter.Ipv6IfIndex,
            hardware_address: hardware_address.to_vec(),
            // SAFETY: a text of the system's, which ends in NUL.
            description: unsafe { text(adapter.Description) },
            ipv4_metric: adapter.Ipv4Metric,
            ipv6_metric: adapter.Ipv6Metric,
            is_up: adapter.OperStatus == IfOperStatusUp,
            // SAFETY: a text of the system's, which ends in NUL.
            name: unsafe { ascii_text(adapter.AdapterName) },
        });
        next = adapter.Next;
    }
    Ok(adapters)
}

/// A text that ends in NUL.
///
/// # Safety
/// `start` has to be null or to point to such a text.
unsafe fn text(start: *const u16) -> String {
    if start.is_null() {
        return String::new();
    }
    let mut units = Vec::new();
    for position in 0..LONGEST_DESCRIPTION {
        // SAFETY: the text goes on at least until its NUL, where this ends.
        match unsafe { *start.add(position) } {
            0 => break,
            unit => units.push(unit),
        }
    }
    String::from_utf16_lossy(&units)
}

/// A text of single bytes that ends in NUL.
///
/// # Safety
/// `start` has to be null or to point to such a text.
unsafe fn ascii_text(start: *const u8) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the caller promises a text that ends in NUL.
    unsafe { std::ffi::CStr::from_ptr(start.cast()) }.to_string_lossy().into_owned()
}
