//! A file or a BPF array mapped into memory.
#![allow(unsafe_code)] // mmap

use rustix::fd::OwnedFd;
use rustix::mm::{MapFlags, ProtFlags};

/// A read-only mapping; it is unmapped when this is dropped.
pub(crate) struct Mapping {
    address: *mut std::ffi::c_void,
    length: usize,
}

// SAFETY: the memory is only read through this structure, and no thread owns it; it is unmapped when nobody refers to it any more.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps a whole file of the kernel's.
    pub(crate) fn of_file(file: &OwnedFd) -> rustix::io::Result<Self> {
        let length = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
        Self::new(file, 0, length, MapFlags::PRIVATE)
    }

    /// Maps the first `length` bytes of an array that [`create_mappable_array`](super::syscall::create_mappable_array) made. No
    /// program may be writing to it.
    pub(crate) fn of_array(array: &OwnedFd, length: usize) -> rustix::io::Result<Self> {
        Self::of_array_part(array, 0, length)
    }

    /// The same of `length` bytes from `offset` on, a multiple of the page size: no program may be writing to these while they are
    /// read.
    pub(crate) fn of_array_part(array: &OwnedFd, offset: usize, length: usize) -> rustix::io::Result<Self> {
        Self::new(array, offset, length, MapFlags::SHARED)
    }

    /// Sets the first `length` bytes of such an array to zero. No program may be using it.
    pub(crate) fn clear_array(array: &OwnedFd, length: usize) -> rustix::io::Result<()> {
        Self::write_array(array, &vec![0; length])
    }

    /// Writes to the beginning of such an array. No program may be using it.
    pub(crate) fn write_array(array: &OwnedFd, bytes: &[u8]) -> rustix::io::Result<()> {
        let length = bytes.len();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses touches no memory of this process.
        let address = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, array, 0) }?;
        let mapping = Self { address, length };
        // SAFETY: the mapping is writable, as long as `bytes` and not unmapped before the end of this function; nothing refers to it
        // but this pointer.
        unsafe { mapping.address.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), mapping.length) };
        Ok(())
    }

    fn new(file: &OwnedFd, offset: usize, length: usize, flags: MapFlags) -> rustix::io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses touches no memory of this process.
        let address = unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, flags, file, offset as u64) }?;
        Ok(Self { address, length })
    }

    /// What is mapped.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is readable, `length` bytes long, and stays until `self` is dropped. It shows a part of the
        // kernel's image that nothing writes to, or an array that no program writes to any more.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to this structure, and no slice of it outlives it.
        let _ = unsafe { rustix::mm::munmap(self.address, self.length) };
    }
}
