//! What the network interfaces have carried (`sysctl`, `net.link.generic`).
//!
//! The interface list of the routing socket (`NET_RT_IFLIST2`) would be one call for all interfaces, but since macOS 13 it
//! gives programs that Apple has not signed no more than the lower 32 bits of the bytes.

use super::{interface_data, sysctl};
use crate::model::interface::InterfaceTotals;
use crate::model::problem::{Problem, ProblemKind};
use std::io;
use std::mem::offset_of;

// The layout that the parser reads is that of this system.
const _: () = {
    use libc::{if_data64, ifmibdata};
    assert!(size_of::<ifmibdata>() >= interface_data::LENGTH);
    assert!(offset_of!(ifmibdata, ifmd_snd_drops) == interface_data::SEND_DROPS);
    assert!(offset_of!(ifmibdata, ifmd_data) == interface_data::DATA);
    assert!(offset_of!(if_data64, ifi_type) == interface_data::TYPE);
    assert!(offset_of!(if_data64, ifi_ipackets) == interface_data::PACKETS_IN);
    assert!(offset_of!(if_data64, ifi_ierrors) == interface_data::ERRORS_IN);
    assert!(offset_of!(if_data64, ifi_opackets) == interface_data::PACKETS_OUT);
    assert!(offset_of!(if_data64, ifi_oerrors) == interface_data::ERRORS_OUT);
    assert!(offset_of!(if_data64, ifi_ibytes) == interface_data::BYTES_IN);
    assert!(offset_of!(if_data64, ifi_obytes) == interface_data::BYTES_OUT);
    assert!(offset_of!(if_data64, ifi_imcasts) == interface_data::MULTICASTS_IN);
    assert!(offset_of!(if_data64, ifi_omcasts) == interface_data::MULTICASTS_OUT);
    assert!(offset_of!(if_data64, ifi_iqdrops) == interface_data::DROPS_IN);
    assert!(offset_of!(if_data64, ifi_noproto) == interface_data::UNKNOWN_PROTOCOL);
};

/// The counters of all interfaces except loopbacks, added up.
pub(crate) fn totals() -> (InterfaceTotals, Vec<Problem>) {
    let unread =
        |kind, error: io::Error| vec![Problem::new(kind, format!("the counters of the interfaces cannot be read: {error}"))];
    let interfaces = match nix::net::if_::if_nameindex() {
        Ok(interfaces) => interfaces,
        Err(errno) => return (InterfaceTotals::default(), unread(ProblemKind::TableUnreadable, errno.into())),
    };
    let mut totals = InterfaceTotals::default();
    let mut problems = Vec::new();
    let mut buffer = Vec::new();
    for interface in &interfaces {
        match counters(interface.index(), &mut buffer) {
            Ok(Some(counters)) => totals.add(&counters),
            Ok(None) => {}
            Err(error) => problems = unread(ProblemKind::TableIncomplete, error),
        }
    }
    (totals, problems)
}

/// The counters of one interface; `None` if it has gone meanwhile.
fn counters(index: u32, buffer: &mut Vec<u8>) -> io::Result<Option<InterfaceTotals>> {
    let name =
        [libc::CTL_NET, libc::PF_LINK, libc::NETLINK_GENERIC, libc::IFMIB_IFDATA, index.cast_signed(), libc::IFDATA_GENERAL];
    match sysctl::read(&name, buffer) {
        Ok(answer) => interface_data::parse(answer).map(Some).ok_or_else(|| io::Error::other("the answer is too short")),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENXIO)) => Ok(None),
        Err(error) => Err(error),
    }
}
