//! The counters of the protocols, from IP Helper.
#![allow(unsafe_code)] // IP Helper fills in structures of the caller's.

use super::call_with_buffer::{CallError, is_empty_table};
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

/// Reads these sections. The counters have 32 bits, except the segments of TCP and the datagrams of UDP where this
/// Windows counts them with 64.
pub(crate) fn read(sections: &[Section]) -> (Statistics, Vec<Problem>) {
    let mut statistics = Statistics::default();
    let mut problems = Vec::new();
    for &section in sections {
        let outcome = match section {
            Section::Ipv4 => ip(Family::V4).map(|counters| statistics.ipv4 = counters),
            Section::Ipv6 => ip(Family::V6).map(|counters| statistics.ipv6 = counters),
            Section::Icmpv4 => icmp(Family::V4).map(|counters| statistics.icmpv4 = icmpv4(&counters)),
            Section::Icmpv6 => icmp(Family::V6).map(|counters| statistics.icmpv6 = icmpv6(&counters)),
            Section::TcpIpv4 => tcp(Family::V4).map(|counters| statistics.tcp_ipv4 = counters),
            Section::TcpIpv6 => tcp(Family::V6).map(|counters| statistics.tcp_ipv6 = counters),
            Section::UdpIpv4 => udp(Family::V4).map(|counters| statistics.udp_ipv4 = counters),
            Section::UdpIpv6 => udp(Family::V6).map(|counters| statistics.udp_ipv6 = counters),
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
    let mut counters = T::default();
    match function(&raw mut counters, family_number(family).into()) {
        0 => Ok(counters),
        // A protocol that is not installed has counted nothing.
        code if is_empty_table(code) => Ok(T::default()),
        code => Err(CallError::Code(code)),
    }
}

fn ip(family: Family) -> Result<IpStatistics, CallError> {
    // SAFETY: the function fills in the structure that it is given.
    let counters: MIB_IPSTATS_LH = ask(family, |counters, family| unsafe { GetIpStatisticsEx(counters, family) })?;
    Ok(IpStatistics {
        packets_received: counters.dwInReceives.into(),
        received_header_errors: counters.dwInHdrErrors.into(),
        received_address_errors: counters.dwInAddrErrors.into(),
        datagrams_forwarded: counters.dwForwDatagrams.into(),
        unknown_protocols_received: counters.dwInUnknownProtos.into(),
        received_packets_discarded: counters.dwInDiscards.into(),
        received_packets_delivered: counters.dwInDelivers.into(),
        output_requests: counters.dwOutRequests.into(),
        routing_discards: counters.dwRoutingDiscards.into(),
        discarded_output_packets: counters.dwOutDiscards.into(),
        output_packet_no_route: counters.dwOutNoRoutes.into(),
        reassembly_required: counters.dwReasmReqds.into(),
        reassembly_successful: counters.dwReasmOks.into(),
        reassembly_failures: counters.dwReasmFails.into(),
        datagrams_successfully_fragmented: counters.dwFragOks.into(),
        datagrams_failing_fragmentation: counters.dwFragFails.into(),
        fragments_created: counters.dwFragCreates.into(),
    })
}

fn tcp(family: Family) -> Result<TcpStatistics, CallError> {
    if let Some(function) = dynamic_imports::tcp_statistics() {
        // SAFETY: the function fills in the structure that it is given.
        let counters: MIB_TCPSTATS2 = ask(family, |counters, family| unsafe { function(counters, family) })?;
        return Ok(TcpStatistics {
            active_opens: counters.dwActiveOpens.into(),
            passive_opens: counters.dwPassiveOpens.into(),
            failed_connection_attempts: counters.dwAttemptFails.into(),
            reset_connections: counters.dwEstabResets.into(),
            current_connections: counters.dwCurrEstab.into(),
            segments_received: counters.dw64InSegs,
            segments_sent: counters.dw64OutSegs,
            segments_retransmitted: counters.dwRetransSegs.into(),
        });
    }
    // SAFETY: the function fills in the structure that it is given.
    let counters: MIB_TCPSTATS_LH = ask(family, |counters, family| unsafe { GetTcpStatisticsEx(counters, family) })?;
    Ok(TcpStatistics {
        active_opens: counters.dwActiveOpens.into(),
        passive_opens: counters.dwPassiveOpens.into(),
        failed_connection_attempts: counters.dwAttemptFails.into(),
        reset_connections: counters.dwEstabResets.into(),
        current_connections: counters.dwCurrEstab.into(),
        segments_received: counters.dwInSegs.into(),
        segments_sent: counters.dwOutSegs.into(),
        segments_retransmitted: counters.dwRetransSegs.into(),
    })
}

fn udp(family: Family) -> Result<UdpStatistics, CallError> {
    if let Some(function) = dynamic_imports::udp_statistics() {
        // SAFETY: the function fills in the structure that it is given.
        let counters: MIB_UDPSTATS2 = ask(family, |counters, family| unsafe { function(counters, family) })?;
        return Ok(UdpStatistics {
            datagrams_received: counters.dw64InDatagrams,
            no_ports: counters.dwNoPorts.into(),
            receive_errors: counters.dwInErrors.into(),
            datagrams_sent: counters.dw64OutDatagrams,
        });
    }
    // SAFETY: the function fills in the structure that it is given.
    let counters: MIB_UDPSTATS = ask(family, |counters, family| unsafe { GetUdpStatisticsEx(counters, family) })?;
    Ok(UdpStatistics {
        datagrams_received: counters.dwInDatagrams.into(),
        no_ports: counters.dwNoPorts.into(),
        receive_errors: counters.dwInErrors.into(),
        datagrams_sent: counters.dwOutDatagrams.into(),
    })
}

fn icmp(family: Family) -> Result<MIB_ICMP_EX_XPSP1, CallError> {
    // SAFETY: the function fills in the structure that it is given.
    ask(family, |counters, family| unsafe { GetIcmpStatisticsEx(counters, family) })
}

/// Both directions of a type of message.
fn of_type(counters: &MIB_ICMP_EX_XPSP1, number: u8) -> Both {
    let count = |counts: &[u32]| counts.get(usize::from(number)).copied().unwrap_or_default();
    Both { received: count(&counters.icmpInStats.rgdwTypeCount).into(), sent: count(&counters.icmpOutStats.rgdwTypeCount).into() }
}

fn messages(counters: &MIB_ICMP_EX_XPSP1) -> Both {
    Both { received: counters.icmpInStats.dwMsgs.into(), sent: counters.icmpOutStats.dwMsgs.into() }
}

fn errors(counters: &MIB_ICMP_EX_XPSP1) -> Both {
    Both { received: counters.icmpInStats.dwErrors.into(), sent: counters.icmpOutStats.dwErrors.into() }
}

fn icmpv4(counters: &MIB_ICMP_EX_XPSP1) -> Icmpv4Statistics {
    Icmpv4Statistics {
        messages: messages(counters),
        errors: errors(counters),
        destination_unreachable: of_type(counters, 3),
        time_exceeded: of_type(counters, 11),
        parameter_problems: of_type(counters, 12),
        source_quenches: of_type(counters, 4),
        redirects: of_type(counters, 5),
        echo_replies: of_type(counters, 0),
        echos: of_type(counters, 8),
        timestamps: of_type(counters, 13),
        timestamp_replies: of_type(counters, 14),
        address_masks: of_type(counters, 17),
        address_mask_replies: of_type(counters, 18),
        router_solicitations: of_type(counters, 10),
        router_advertisements: of_type(counters, 9),
    }
}

fn icmpv6(counters: &MIB_ICMP_EX_XPSP1) -> Icmpv6Statistics {
    // Windows itself speaks the second version of multicast listener discovery, whose reports have a type of their own.
    let (reports, reports_of_version_2) = (of_type(counters, 131), of_type(counters, 143));
    Icmpv6Statistics {
        messages: messages(counters),
        errors: errors(counters),
        destination_unreachable: of_type(counters, 1),
        packet_too_big: of_type(counters, 2),
        time_exceeded: of_type(counters, 3),
        parameter_problems: of_type(counters, 4),
        echos: of_type(counters, 128),
        echo_replies: of_type(counters, 129),
        mld_queries: of_type(counters, 130),
        mld_reports: Both {
            received: reports.received + reports_of_version_2.received,
            sent: reports.sent + reports_of_version_2.sent,
        },
        mld_dones: of_type(counters, 132),
        router_solicitations: of_type(counters, 133),
        router_advertisements: of_type(counters, 134),
        neighbor_solicitations: of_type(counters, 135),
        neighbor_advertisements: of_type(counters, 136),
        redirects: of_type(counters, 137),
        router_renumberings: of_type(counters, 138),
    }
}
