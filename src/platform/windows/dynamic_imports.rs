//! Functions that not every Windows has. They are imported at run time: calling one that is missing would end the program.
#![allow(unsafe_code)] // The address of a function has no type.

use crate::model::socket::Table;
use std::ffi::{CStr, c_void};
use windows_sys::Win32::Foundation::FARPROC;
use windows_sys::Win32::NetworkManagement::IpHelper::{MIB_TCPSTATS2, MIB_UDPSTATS2};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExA};

/// `InternalGetBoundTcpEndpointTable` and its sister: a table, the heap that it is allocated from, and that heap's flags.
pub(super) type BoundTable = unsafe extern "system" fn(*mut *mut c_void, *mut c_void, u32) -> u32;
/// `GetOwnerModuleFromTcpEntry` and its sisters: a row, the class of what is wanted, a buffer and its size.
pub(super) type OwnerModule = unsafe extern "system" fn(*const c_void, i32, *mut c_void, *mut u32) -> u32;
/// `IsProcessCritical`: a process and the answer.
pub(super) type IsProcessCritical = unsafe extern "system" fn(*mut c_void, *mut i32) -> i32;
/// `GetTcpStatisticsEx2`
pub(super) type TcpStatistics = unsafe extern "system" fn(*mut MIB_TCPSTATS2, u32) -> u32;
/// `GetUdpStatisticsEx2`
pub(super) type UdpStatistics = unsafe extern "system" fn(*mut MIB_UDPSTATS2, u32) -> u32;

/// The bound TCP endpoints of IPv4 or IPv6 (Windows 10 and later).
pub(super) fn bound_table(ipv6: bool) -> Option<BoundTable> {
    let name = if ipv6 { c"InternalGetBoundTcp6EndpointTable" } else { c"InternalGetBoundTcpEndpointTable" };
    // SAFETY: this is the signature of both, as System Informer declares them too.
    ip_helper(name).map(|address| unsafe { std::mem::transmute::<Address, BoundTable>(address) })
}

/// The service that made a socket, by its row.
pub(super) fn owner_module(table: Table) -> Option<OwnerModule> {
    let name = match table {
        Table::Tcp4 => c"GetOwnerModuleFromTcpEntry",
        Table::Tcp6 => c"GetOwnerModuleFromTcp6Entry",
        Table::Udp4 => c"GetOwnerModuleFromUdpEntry",
        Table::Udp6 => c"GetOwnerModuleFromUdp6Entry",
    };
    // SAFETY: the documented signatures differ in the type that the first argument points to, which is left open here.
    ip_helper(name).map(|address| unsafe { std::mem::transmute::<Address, OwnerModule>(address) })
}

/// The counters of TCP with 64 bits (Windows 10, version 1709, and later).
pub(super) fn tcp_statistics() -> Option<TcpStatistics> {
    // SAFETY: the documented signature.
    ip_helper(c"GetTcpStatisticsEx2").map(|address| unsafe { std::mem::transmute::<Address, TcpStatistics>(address) })
}

/// The counters of UDP with 64 bits (Windows 10, version 1709, and later).
pub(super) fn udp_statistics() -> Option<UdpStatistics> {
    // SAFETY: the documented signature.
    ip_helper(c"GetUdpStatisticsEx2").map(|address| unsafe { std::mem::transmute::<Address, UdpStatistics>(address) })
}

/// Whether Windows stops when a process ends (Windows 8.1 and later).
pub(super) fn is_process_critical() -> Option<IsProcessCritical> {
    // SAFETY: the documented signature.
    library(c"kernel32.dll", c"IsProcessCritical")
        .map(|address| unsafe { std::mem::transmute::<Address, IsProcessCritical>(address) })
}

type Address = unsafe extern "system" fn() -> isize;

fn ip_helper(name: &CStr) -> FARPROC {
    library(c"iphlpapi.dll", name)
}

fn library(file: &CStr, name: &CStr) -> FARPROC {
    // SAFETY: both names end in NUL. The library is the system's own and is never unloaded: this program is linked to it.
    unsafe {
        let library = LoadLibraryExA(file.as_ptr().cast(), std::ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32);
        if library.is_null() { None } else { GetProcAddress(library, name.as_ptr().cast()) }
    }
}
