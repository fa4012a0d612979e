//! The calls of IP Helper that return socket tables.
#![allow(unsafe_code)] // The functions of IP Helper write into the caller's memory.

use super::call_with_buffer::{CallError, call_with_buffer};
use super::dynamic_imports::BoundTable;
use crate::model::socket::{Family, Protocol, Table};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, GetExtendedUdpTable, TCP_TABLE_OWNER_MODULE_ALL, UDP_TABLE_OWNER_MODULE,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6};
use windows_sys::Win32::System::Memory::{GetProcessHeap, HeapFree, HeapSize};

/// Memory for one table after the other.
#[derive(Default)]
pub(super) struct TableBuffer(Vec<u64>);

impl TableBuffer {
    /// Reads a table with the owner and the module of each row ([`super::tables::Class::OwnerModule`]); empty where the
    /// protocol is not installed.
    pub(super) fn read(&mut self, table: Table) -> Result<&[u8], CallError> {
        let family = u32::from(family_number(table.family()));
        let bytes = call_with_buffer(&mut self.0, |buffer, size| {
            let buffer = buffer.as_mut_ptr().cast();
            // SAFETY: the buffer is `size` bytes large and aligned to 8, as the rows want it.
            match table.protocol() {
                Protocol::Tcp => unsafe { GetExtendedTcpTable(buffer, size, 0, family, TCP_TABLE_OWNER_MODULE_ALL, 0) },
                Protocol::Udp => unsafe { GetExtendedUdpTable(buffer, size, 0, family, UDP_TABLE_OWNER_MODULE, 0) },
            }
        })?;
        // SAFETY: `call_with_buffer` returns no more than the size of the buffer; every byte of a u64 may be read as a byte.
        Ok(unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), bytes) })
    }
}

/// The function that reads a table, for messages.
pub(super) const fn name_of_call(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "GetExtendedTcpTable",
        Protocol::Udp => "GetExtendedUdpTable",
    }
}

/// The number of a family in Windows' own functions.
pub(super) const fn family_number(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

/// Reads a table of bound endpoints ([`super::tables::Class::Offload`]).
pub(super) fn bound_endpoints(function: BoundTable) -> Result<Vec<u8>, CallError> {
    let mut table = std::ptr::null_mut();
    // SAFETY: the function takes the memory for its table from the heap that it is given and stores its address.
    let (heap, code) = unsafe {
        let heap = GetProcessHeap();
        (heap, function(&raw mut table, heap, 0))
    };
    if code != 0 {
        return Err(CallError::Code(code));
    }
    if table.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the table is a block of the heap, of which the heap knows the size (all ones where it is no block of it),
    // and it is not used after it is freed.
    unsafe {
        let size = HeapSize(heap, 0, table);
        let bytes = if size == usize::MAX { Vec::new() } else { std::slice::from_raw_parts(table.cast(), size).to_vec() };
        HeapFree(heap, 0, table);
        Ok(bytes)
    }
}
