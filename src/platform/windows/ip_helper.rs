//! The calls of IP Helper that return socket tables.
#![allow(unsafe_code)] // The functions of IP Helper write into the caller's memory.

use super::call_with_buffer::{CallError, call_with_buffer, is_empty_table};
use super::dynamic_imports::BoundTable;
use super::tables::{self, Class};
use crate::model::socket::{Family, Protocol, Table};
use windows_sys::Win32::Foundation::ERROR_INVALID_BLOCK;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetExtendedTcpTable, GetExtendedUdpTable, TCP_TABLE_OWNER_MODULE_ALL, UDP_TABLE_OWNER_MODULE,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6};
use windows_sys::Win32::System::Memory::{GetProcessHeap, HeapFree, HeapSize, HeapValidate};

/// Memory for one table after the other.
#[derive(Default)]
pub(super) struct TableBuffer(Vec<u64>);

impl TableBuffer {
    /// Reads a table with the owner and the module of each row ([`super::tables::Class::OwnerModule`]); empty if the
    /// protocol is not installed.
    pub(super) fn read(&mut self, table: Table) -> Result<&[u8], CallError> {
        let family = u32::from(family_number(table.family()));
        let bytes = call_with_buffer(&mut self.0, |buffer, size| {
            let buffer = buffer.as_mut_ptr().cast();
            // SAFETY: the buffer is `size` bytes large and aligned to 8, as the rows want it.
            unsafe {
                match table.protocol() {
                    Protocol::Tcp => GetExtendedTcpTable(buffer, size, 0, family, TCP_TABLE_OWNER_MODULE_ALL, 0),
                    Protocol::Udp => GetExtendedUdpTable(buffer, size, 0, family, UDP_TABLE_OWNER_MODULE, 0),
                }
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

/// Reads a table of bound endpoints ([`super::tables::Class::Offload`]): its rows, without what the block of memory has behind
/// them. An empty answer is an empty table.
pub(super) fn bound_endpoints(function: BoundTable, table: Table) -> Result<Vec<u8>, CallError> {
    let mut block = std::ptr::null_mut();
    // SAFETY: the function takes the memory for its table from the heap that it is given and stores its address.
    let (heap, code) = unsafe {
        let heap = GetProcessHeap();
        (heap, function(&raw mut block, heap, 0))
    };
    match code {
        0 if block.is_null() => return Ok(Vec::new()),
        0 => {}
        code if is_empty_table(code) => return Ok(Vec::new()),
        code => return Err(CallError::Code(code)),
    }
    // SAFETY: the block is not null; the check touches nothing of it, and only says whether it is one of this heap.
    if unsafe { HeapValidate(heap, 0, block) } == 0 {
        // Neither its size nor the heap that it belongs to is known: it can be neither read nor freed.
        return Err(CallError::Code(ERROR_INVALID_BLOCK));
    }
    // SAFETY: the block is one of the heap, which has just been checked, and holds what the function has put there. It is
    // freed once and not used again.
    unsafe {
        let size = HeapSize(heap, 0, block);
        let whole: &[u8] = std::slice::from_raw_parts(block.cast(), if size == usize::MAX { 0 } else { size });
        let rows = tables::used_part(whole, table, Class::Offload).to_vec();
        HeapFree(heap, 0, block);
        Ok(rows)
    }
}
