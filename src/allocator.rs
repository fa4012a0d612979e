//! What happens when there is no memory left: a sentence and status 2, rather than an abort.
#![allow(unsafe_code)] // an allocator is unsafe by its nature

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;

/// The system's allocator, which never answers that it has nothing.
pub struct Allocator;

// SAFETY: every call is the system allocator's own with the same arguments; what it answers is returned unchanged.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        checked(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        checked(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        checked(unsafe { System.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn checked(memory: *mut u8) -> *mut u8 {
    if memory.is_null() {
        give_up();
    }
    memory
}

/// Neither the sentence nor the end needs any memory.
#[cold]
fn give_up() -> ! {
    let _ = std::io::stderr().write_all(b"rnetstat: there is not enough memory\n");
    std::process::exit(2)
}
