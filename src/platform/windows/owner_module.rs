//! Which service of a process made a socket (`GetOwnerModuleFromTcpEntry` and its sisters).
#![allow(unsafe_code)] // The functions take a row back by pointer.

use super::call_with_buffer::{CallError, call_with_buffer};
use super::dynamic_imports::OwnerModule;
use super::module_info::Module;

/// `TCPIP_OWNER_MODULE_INFO_BASIC`
const BASIC: i32 = 0;
/// The largest row, in numbers of 64 bits.
const ROW: usize = 24;

/// Asks for the owners of rows, one after the other.
#[derive(Default)]
pub(super) struct OwnerModules {
    buffer: Vec<u64>,
}

impl OwnerModules {
    /// The module that made the socket of a row of the class [`super::tables::Class::OwnerModule`], if it is known.
    pub(super) fn module(&mut self, function: OwnerModule, row: &[u8]) -> Result<Option<Module>, CallError> {
        // The function wants the row aligned as it once was.
        let mut aligned = [0u64; ROW];
        for (number, bytes) in aligned.iter_mut().zip(row.as_chunks().0) {
            *number = u64::from_le_bytes(*bytes);
        }
        let length = call_with_buffer(&mut self.buffer, |buffer, size| {
            // SAFETY: the row is a copy of one that the system gave, padded with zeros to the size of the largest row; the
            // buffer is `size` bytes large and aligned to 8.
            unsafe { function(aligned.as_ptr().cast(), BASIC, buffer.as_mut_ptr().cast(), size) }
        })?;
        let start = self.buffer.as_ptr();
        // SAFETY: `call_with_buffer` returns no more than the size of the buffer; every byte of a u64 may be read as a byte.
        let answer = unsafe { std::slice::from_raw_parts(start.cast(), length) };
        Ok(Module::parse(answer, start.addr()))
    }
}
