//! The calls of IP Helper that return tables of interfaces, routes and addresses, and what is read out of their unions.
#![allow(unsafe_code)] // IP Helper allocates these tables itself and hands out pointers to them.

use super::call_with_buffer::{CallError, is_empty_table};
use super::ip_helper::family_number;
use crate::model::socket::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    FreeMibTable, GetIfTable2, GetIpForwardTable2, GetUnicastIpAddressTable, MIB_IF_ROW2, MIB_IF_TABLE2, MIB_IPFORWARD_ROW2,
    MIB_IPFORWARD_TABLE2, MIB_UNICASTIPADDRESS_ROW, MIB_UNICASTIPADDRESS_TABLE,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6, SOCKADDR_INET};

/// The counters of every interface, filters and loopbacks included.
pub(super) fn interfaces() -> Result<Vec<MIB_IF_ROW2>, CallError> {
    let mut table: *mut MIB_IF_TABLE2 = std::ptr::null_mut();
    // SAFETY: on success the function has stored a table of `NumEntries` rows, which `copy` frees.
    unsafe {
        let code = GetIfTable2(&raw mut table);
        copy(code, table, |table| (&raw const (*table).Table).cast(), |table| (*table).NumEntries)
    }
}

/// The routes of one family.
pub(super) fn routes(family: Family) -> Result<Vec<MIB_IPFORWARD_ROW2>, CallError> {
    let mut table: *mut MIB_IPFORWARD_TABLE2 = std::ptr::null_mut();
    // SAFETY: on success the function has stored a table of `NumEntries` rows, which `copy` frees.
    unsafe {
        let code = GetIpForwardTable2(family_number(family), &raw mut table);
        copy(code, table, |table| (&raw const (*table).Table).cast(), |table| (*table).NumEntries)
    }
}

/// The addresses of this host, of one family.
pub(super) fn addresses(family: Family) -> Result<Vec<MIB_UNICASTIPADDRESS_ROW>, CallError> {
    let mut table: *mut MIB_UNICASTIPADDRESS_TABLE = std::ptr::null_mut();
    // SAFETY: on success the function has stored a table of `NumEntries` rows, which `copy` frees.
    unsafe {
        let code = GetUnicastIpAddressTable(family_number(family), &raw mut table);
        copy(code, table, |table| (&raw const (*table).Table).cast(), |table| (*table).NumEntries)
    }
}

/// Copies the rows of a table and frees it.
///
/// # Safety
/// If `code` is 0, `table` has to be null or a table of IP Helper, `first` its first row and `count` their number.
unsafe fn copy<T, Row: Copy>(
    code: u32,
    table: *mut T,
    first: impl FnOnce(*mut T) -> *const Row,
    count: impl FnOnce(*mut T) -> u32,
) -> Result<Vec<Row>, CallError> {
    match code {
        0 if table.is_null() => Ok(Vec::new()),
        0 => {
            // SAFETY: the caller promises it; the table is not used after it is freed.
            unsafe {
                let rows = std::slice::from_raw_parts(first(table), count(table) as usize).to_vec();
                FreeMibTable(table.cast());
                Ok(rows)
            }
        }
        code if is_empty_table(code) => Ok(Vec::new()),
        code => Err(CallError::Code(code)),
    }
}

/// The address that a socket address of either family holds.
pub(super) fn address(socket_address: &SOCKADDR_INET) -> Option<IpAddr> {
    // SAFETY: every member of the union begins with the family, which says which of them it is; any bytes are an address.
    unsafe {
        match socket_address.si_family {
            AF_INET => Some(IpAddr::V4(Ipv4Addr::from(socket_address.Ipv4.sin_addr.S_un.S_addr.to_ne_bytes()))),
            AF_INET6 => Some(IpAddr::V6(Ipv6Addr::from(socket_address.Ipv6.sin6_addr.u.Byte))),
            _ => None,
        }
    }
}
