//! The counters of the protocols, from IP Helper.
#![allow(unsafe_code)] // IP Helper fills in structures of the caller's.

use super::call_with_buffer::CallError;
use super::dynamic_imports;
use super::ip_helper::family_number;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::Family;
use crate::model::statistics::{
    Both, Icmpv4Statistics, Icmpv6Statistics, IpStatistics, Section, Statistics, TcpStatistics, UdpStatistics,
};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GetIcmpStatisticsEx, GetIpStatisticsEx, GetTcpStatisticsEx, GetUdpStatisticsEx, MIB_ICMP_EX_XPSP1, MIB_IPSTATS_LH,
    MIB_TCPSTATS_LH, MIB_TCPSTATS2, MIB_UDPSTATS, MIB_UDPSTATS2,
};

/// `ERROR_NOT_SUPPORTED`: the protocol is not installed, and has counted nothing.
const NOT_SUPPORTED: u32 = 50;

/// Reads these sections. The counters have 32 bits, except the segments of TCP and the datagrams of UDP where this
/// Windows counts them with 64.
pub(crate) fn read(sections: &[Section]) -> (Statistics, Vec<Problem>) {
    let mut statistics = Statistics::default();
    let mut problems = Vec::new();
    for &section in sections {
        let outcome = match section {
            Section::Ipv4 => ip(Family::V4).map(|told| statistics.ipv4 = told),
            Section::Ipv6 => ip(Family::V6).map(|told| statistics.ipv6 = told),
            Section::Icmpv4 => icmp(Family::V4).map(|told| statistics.icmpv4 = icmpv4(&told)),
            Section::Icmpv6 => icmp(Family::V6).map(|told| statistics.icmpv6 = icmpv6(&told)),
            Section::TcpIpv4 => tcp(Family::V4).map(|told| statistics.tcp_ipv4 = told),
            Section::TcpIpv6 => tcp(Family::V6).map(|told| statistics.tcp_ipv6 = told),
            Section::UdpIpv4 => udp(Family::V4).map(|told| statistics.udp_ipv4 = told),
            Section::UdpIpv6 => udp(Family::V6).map(|told| statistics.udp_ipv6 = told),
        };
        if let Err(error) = outcome {
            let message = format!("the counters of {} cannot be read: {error}", section.word());
            problems.push(Problem::new(ProblemKind::TableUnreadable, message));
        }
    }
    (statistics, problems)
}

/// Lets a function fill in a structure of one family.
fn ask<T: Default>(family: Family, function: impl FnOnce(*mut T, u32) -> u32) -> Result<T, CallError> {
    let mut told = T::default();
    match function(&raw mut told, family_number(family).into()) {
        0 => Ok(told),
        NOT_SUPPORTED => Ok(T::default()),
        code => Err(CallError::Code(code)),
    }
}

fn ip(family: Family) -> Result<IpStatistics, CallError> {
    // SAFETY: the function fills in the structure that it is given.
    let told: MIB_IPSTATS_LH = ask(family, |told, family| unsafe { GetIpStatisticsEx(told, family) })?;
    Ok(IpStatistics {
        packets_received: told.dwInReceives.into(),
        received_header_errors: told.dwInHdrErrors.into(),
        received_address_errors: told.dwInAddrErrors.into(),
        datagrams_forwarded: told.dwForwDatagrams.into(),
        unknown_protocols_received: told.dwInUnknownProtos.into(),
        received_packets_discarded: told.dwInDiscards.into(),
        received_packets_delivered: told.dwInDelivers.into(),
        output_requests: told.dwOutRequests.into(),
        routing_discards: told.dwRoutingDiscards.into(),
        discarded_output_packets: told.dwOutDiscards.into(),
        output_packet_no_route: told.dwOutNoRoutes.into(),
        reassembly_required: told.dwReasmReqds.into(),
        reassembly_successful: told.dwReasmOks.into(),
        reassembly_failures: told.dwReasmFails.into(),
        datagrams_successfully_fragmented: told.dwFragOks.into(),
        datagrams_failing_fragmentation: told.dwFragFails.into(),
        fragments_created: told.dwFragCreates.into(),
    })
}

fn tcp(family: Family) -> Result<TcpStatistics, CallError> {
    if let Some(function) = dynamic_imports::tcp_statistics() {
        // SAFETY: as above.
        let told: MIB_TCPSTATS2 = ask(family, |told, family| unsafe { function(told, family) })?;
        return Ok(TcpStatistics {
            active_opens: told.dwActiveOpens.into(),
            passive_opens: told.dwPassiveOpens.into(),
            failed_connection_attempts: told.dwAttemptFails.into(),
            reset_connections: told.dwEstabResets.into(),
            current_connections: told.dwCurrEstab.into(),
            segments_received: told.dw64InSegs,
            segments_sent: told.dw64OutSegs,
            segments_retransmitted: told.dwRetransSegs.into(),
        });
    }
    // SAFETY: as above.
    let told: MIB_TCPSTATS_LH = ask(family, |told, family| unsafe { GetTcpStatisticsEx(told, family) })?;
    Ok(TcpStatistics {
        active_opens: told.dwActiveOpens.into(),
        passive_opens: told.dwPassiveOpens.into(),
        failed_connection_attempts: told.dwAttemptFails.into(),
        reset_connections: told.dwEstabResets.into(),
        current_connections: told.dwCurrEstab.into(),
        segments_received: told.dwInSegs.into(),
        segments_sent: told.dwOutSegs.into(),
        segments_retransmitted: told.dwRetransSegs.into(),
    })
}

fn udp(family: Family) -> Result<UdpStatistics, CallError> {
    if let Some(function) = dynamic_imports::udp_statistics() {
        // SAFETY: as above.
        let told: MIB_UDPSTATS2 = ask(family, |told, family| unsafe { function(told, family) })?;
        return Ok(UdpStatistics {
            datagrams_received: told.dw64InDatagrams,
            no_ports: told.dwNoPorts.into(),
            receive_errors: told.dwInErrors.into(),
            datagrams_sent: told.dw64OutDatagrams,
        });
    }
    // SAFETY: as above.
    let told: MIB_UDPSTATS = ask(family, |told, family| unsafe { GetUdpStatisticsEx(told, family) })?;
    Ok(UdpStatistics {
        datagrams_received: told.dwInDatagrams.into(),
        no_ports: told.dwNoPorts.into(),
        receive_errors: told.dwInErrors.into(),
        datagrams_sent: told.dwOutDatagrams.into(),
    })
}

fn icmp(family: Family) -> Result<MIB_ICMP_EX_XPSP1, CallError> {
    // SAFETY: as above.
    ask(family, |told, family| unsafe { GetIcmpStatisticsEx(told, family) })
}

/// Both directions of a type of message.
fn of_type(told: &MIB_ICMP_EX_XPSP1, number: u8) -> Both {
    Both {
        received: told.icmpInStats.rgdwTypeCount[usize::from(number)].into(),
        sent: told.icmpOutStats.rgdwTypeCount[usize::from(number)].into(),
    }
}

fn messages(told: &MIB_ICMP_EX_XPSP1) -> Both {
    Both { received: told.icmpInStats.dwMsgs.into(), sent: told.icmpOutStats.dwMsgs.into() }
}

fn errors(told: &MIB_ICMP_EX_XPSP1) -> Both {
    Both { received: told.icmpInStats.dwErrors.into(), sent: told.icmpOutStats.dwErrors.into() }
}

fn icmpv4(told: &MIB_ICMP_EX_XPSP1) -> Icmpv4Statistics {
    Icmpv4Statistics {
        messages: messages(told),
        errors: errors(told),
        destination_unreachable: of_type(told, 3),
        time_exceeded: of_type(told, 11),
        parameter_problems: of_type(told, 12),
        source_quenches: of_type(told, 4),
        redirects: of_type(told, 5),
        echo_replies: of_type(told, 0),
        echos: of_type(told, 8),
        timestamps: of_type(told, 13),
        timestamp_replies: of_type(told, 14),
        address_masks: of_type(told, 17),
        address_mask_replies: of_type(told, 18),
        router_solicitations: of_type(told, 10),
        router_advertisements: of_type(told, 9),
    }
}

fn icmpv6(told: &MIB_ICMP_EX_XPSP1) -> Icmpv6Statistics {
    // Windows itself speaks the second version of multicast listener discovery, whose reports have a type of their own.
    let (reports, reports_of_version_2) = (of_type(told, 131), of_type(told, 143));
    Icmpv6Statistics {
        messages: messages(told),
        errors: errors(told),
        destination_unreachable: of_type(told, 1),
        packet_too_big: of_type(told, 2),
        time_exceeded: of_type(told, 3),
        parameter_problems: of_type(told, 4),
        echos: of_type(told, 128),
        echo_replies: of_type(told, 129),
        mld_queries: of_type(told, 130),
        mld_reports: Both {
            received: reports.received + reports_of_version_2.received,
            sent: reports.sent + reports_of_version_2.sent,
        },
        mld_dones: of_type(told, 132),
        router_solicitations: of_type(told, 133),
        router_advertisements: of_type(told, 134),
        neighbor_solicitations: of_type(told, 135),
        neighbor_advertisements: of_type(told, 136),
        redirects: of_type(told, 137),
        router_renumberings: of_type(told, 138),
    }
}
