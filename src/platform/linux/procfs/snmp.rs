//! `/proc/self/net/snmp` and `/proc/self/net/snmp6`: from the kernel's text to [`Statistics`].

use crate::model::statistics::{
    Both, Counter, Icmpv4Statistics, Icmpv6Statistics, IpStatistics, Section, Statistics, TcpStatistics, UdpStatistics,
};
use std::collections::HashMap;

/// The file that counts IPv4, and TCP of both families.
pub const SNMP: &str = "/proc/self/net/snmp";
/// The file that counts IPv6.
pub const SNMP6: &str = "/proc/self/net/snmp6";

/// Fills in a struct of counters, each field from the kernel's counter of that name.
macro_rules! counted {
    ($statistics:ident from $source:expr, $($field:ident: $name:expr),+ $(,)?) => {
        $statistics { $($field: $source.take(stringify!($field), $name)),+ }
    };
}

impl Statistics {
    /// Takes the sections of IPv4, and TCP, which Linux counts once for both families, from the text of [`SNMP`].
    pub fn take_snmp(&mut self, text: &str) {
        let counters = Counters::of_lines_in_pairs(text);
        let missing = &mut self.unavailable;
        self.ipv4 = ip(&mut counters.of("Ip", Section::Ipv4, missing), "ForwDatagrams");
        let mut icmp = Messages(counters.of("Icmp", Section::Icmpv4, missing));
        self.icmpv4 = counted!(Icmpv4Statistics from icmp,
            messages: &["Msgs"],
            errors: &["Errors"],
            destination_unreachable: &["DestUnreachs"],
            time_exceeded: &["TimeExcds"],
            parameter_problems: &["ParmProbs"],
            source_quenches: &["SrcQuenchs"],
            redirects: &["Redirects"],
            echo_replies: &["EchoReps"],
            echos: &["Echos"],
            timestamps: &["Timestamps"],
            timestamp_replies: &["TimestampReps"],
            address_masks: &["AddrMasks"],
            address_mask_replies: &["AddrMaskReps"],
            router_solicitations: &["Type10"],
            router_advertisements: &["Type9"],
        );
        self.tcp_ipv4 = tcp(&mut counters.of("Tcp", Section::TcpIpv4, missing));
        // No file divides TCP by family: IPv6 alone has no counters.
        self.tcp_ipv6 = tcp(&mut Counters::default().of("Tcp6", Section::TcpIpv6, missing));
        self.udp_ipv4 = udp(&mut counters.of("Udp", Section::UdpIpv4, missing));
    }

    /// Takes the sections of IPv6 except TCP from the text of [`SNMP6`].
    pub fn take_snmp6(&mut self, text: &str) {
        let counters = Counters::of_single_lines(text);
        let missing = &mut self.unavailable;
        self.ipv6 = ip(&mut counters.of("Ip6", Section::Ipv6, missing), "OutForwDatagrams");
        let mut icmp = Messages(counters.of("Icmp6", Section::Icmpv6, missing));
        self.icmpv6 = counted!(Icmpv6Statistics from icmp,
            messages: &["Msgs"],
            errors: &["Errors"],
            destination_unreachable: &["DestUnreachs"],
            packet_too_big: &["PktTooBigs"],
            time_exceeded: &["TimeExcds"],
            parameter_problems: &["ParmProblems"],
            echos: &["Echos"],
            echo_replies: &["EchoReplies"],
            mld_queries: &["GroupMembQueries"],
            mld_reports: &["GroupMembResponses", "MLDv2Reports"],
            mld_dones: &["GroupMembReductions"],
            router_solicitations: &["RouterSolicits"],
            router_advertisements: &["RouterAdvertisements"],
            neighbor_solicitations: &["NeighborSolicits"],
            neighbor_advertisements: &["NeighborAdvertisements"],
            redirects: &["Redirects"],
            router_renumberings: &["Type138"],
        );
        self.udp_ipv6 = udp(&mut counters.of("Udp6", Section::UdpIpv6, missing));
    }
}

fn ip(source: &mut Source<'_>, forwarded: &str) -> IpStatistics {
    counted!(IpStatistics from source,
        packets_received: "InReceives",
        received_header_errors: "InHdrErrors",
        received_address_errors: "InAddrErrors",
        datagrams_forwarded: forwarded,
        unknown_protocols_received: "InUnknownProtos",
        received_packets_discarded: "InDiscards",
        received_packets_delivered: "InDelivers",
        output_requests: "OutRequests",
        routing_discards: "RoutingDiscards",
        discarded_output_packets: "OutDiscards",
        output_packet_no_route: "OutNoRoutes",
        reassembly_required: "ReasmReqds",
        reassembly_successful: "ReasmOKs",
        reassembly_failures: "ReasmFails",
        datagrams_successfully_fragmented: "FragOKs",
        datagrams_failing_fragmentation: "FragFails",
        fragments_created: "FragCreates",
    )
}

fn tcp(source: &mut Source<'_>) -> TcpStatistics {
    counted!(TcpStatistics from source,
        active_opens: "ActiveOpens",
        passive_opens: "PassiveOpens",
        failed_connection_attempts: "AttemptFails",
        reset_connections: "EstabResets",
        current_connections: "CurrEstab",
        segments_received: "InSegs",
        segments_sent: "OutSegs",
        segments_retransmitted: "RetransSegs",
    )
}

fn udp(source: &mut Source<'_>) -> UdpStatistics {
    counted!(UdpStatistics from source,
        datagrams_received: "InDatagrams",
        no_ports: "NoPorts",
        receive_errors: "InErrors",
        datagrams_sent: "OutDatagrams",
    )
}

/// The counters of a file, each by its group (`Ip`, `Udp6`) and name (`InReceives`).
#[derive(Default)]
struct Counters<'a>(HashMap<(&'a str, &'a str), u64>);

impl<'a> Counters<'a> {
    /// Of a file in which a line of names is followed by a line of values, both beginning with the group: `Ip: …`.
    fn of_lines_in_pairs(text: &'a str) -> Self {
        let mut counters = HashMap::new();
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let (Some((group, names)), Some((same_group, values))) = (names.split_once(':'), values.split_once(':')) else {
                continue;
            };
            if group != same_group {
                continue;
            }
            // The messages by type are ICMP's too; no name is in both groups.
            let group = if group == "IcmpMsg" { "Icmp" } else { group };
            for (name, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
                counters.extend(value.parse().ok().map(|value| ((group, name), value)));
            }
        }
        Self(counters)
    }

    /// Of a file with a counter a line, the group in front of its name: `Ip6InReceives 5`.
    fn of_single_lines(text: &'a str) -> Self {
        let counter = |line: &'a str| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?;
            let (group, name) = name.split_at_checked(name.find('6')? + 1)?;
            Some(((group, name), words.next()?.parse().ok()?))
        };
        Self(text.lines().filter_map(counter).collect())
    }

    fn of<'b>(&'b self, group: &'b str, section: Section, missing: &'b mut Vec<Counter>) -> Source<'b> {
        Source { counters: self, group, section, missing }
    }

    fn get(&self, group: &str, name: &str) -> Option<u64> {
        self.0.get(&(group, name)).copied()
    }
}

/// The counters of one section, and where to note those that the kernel does not have.
struct Source<'a> {
    counters: &'a Counters<'a>,
    group: &'a str,
    section: Section,
    missing: &'a mut Vec<Counter>,
}

impl Source<'_> {
    fn take(&mut self, field: &'static str, name: &str) -> u64 {
        let value = self.counters.get(self.group, name);
        self.or_missing(field, value)
    }

    fn or_missing<T: Default>(&mut self, field: &'static str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.missing.push(Counter { section: self.section, field });
            T::default()
        })
    }
}

/// The counters of ICMP, each of both directions.
struct Messages<'a>(Source<'a>);

impl Messages<'_> {
    /// The sum of the counters of these names, without the `In` and `Out` before them.
    fn take(&mut self, field: &'static str, names: &[&str]) -> Both {
        let sum = |direction| {
            let counters = names.iter().filter_map(|name| self.get(direction, name));
            counters.reduce(u64::saturating_add)
        };
        let both = sum("In").zip(sum("Out")).map(|(received, sent)| Both { received, sent });
        self.0.or_missing(field, both)
    }

    fn get(&self, direction: &str, name: &str) -> Option<u64> {
        let Source { counters, group, .. } = self.0;
        // The kernel leaves out a type of which it has seen no message.
        let unseen = || name.starts_with("Type").then(|| counters.get(group, "InMsgs").and(Some(0))).flatten();
        counters.get(group, &format!("{direction}{name}")).or_else(unseen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every counter another number, some beyond 32 bits, one negative, as 6.18 prints them.
    const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits
Ip: 2 64 18446744073709551615 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps
Icmp: 201 202 203 204 205 206 207 208 209 210 211 212 213 214 301 302 303 304 305 306 307 308 309 310 311 312 313 314 315
IcmpMsg: InType3 InType9 OutType10
IcmpMsg: 204 401 402
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 501 502 503 504 505 4294967296 507 508 509 510 511
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 601 602 603 604 605 606 607 608 609
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 9 9 9 9 9 9 9 9 9
";

    const SNMP6: &str = "\
Ip6InReceives                   \t701
Ip6InHdrErrors                  \t702
Ip6InTooBigErrors               \t999
Ip6InNoRoutes                   \t999
Ip6InAddrErrors                 \t703
Ip6InUnknownProtos              \t704
Ip6InTruncatedPkts              \t999
Ip6InDiscards                   \t705
Ip6InDelivers                   \t706
Ip6OutForwDatagrams             \t707
Ip6OutRequests                  \t708
Ip6OutDiscards                  \t709
Ip6OutNoRoutes                  \t710
Ip6ReasmTimeout                 \t999
Ip6ReasmReqds                   \t711
Ip6ReasmOKs                     \t712
Ip6ReasmFails                   \t713
Ip6FragOKs                      \t714
Ip6FragFails                    \t715
Ip6FragCreates                  \t716
Icmp6InMsgs                     \t801
Icmp6InErrors                   \t802
Icmp6OutMsgs                    \t901
Icmp6OutErrors                  \t902
Icmp6InDestUnreachs             \t803
Icmp6InPktTooBigs               \t804
Icmp6InTimeExcds                \t805
Icmp6InParmProblems             \t806
Icmp6InEchos                    \t807
Icmp6InEchoReplies              \t808
Icmp6InGroupMembQueries         \t809
Icmp6InGroupMembResponses       \t10
Icmp6InGroupMembReductions      \t811
Icmp6InRouterSolicits           \t812
Icmp6InRouterAdvertisements     \t813
Icmp6InNeighborSolicits         \t814
Icmp6InNeighborAdvertisements   \t815
Icmp6InRedirects                \t816
Icmp6InMLDv2Reports             \t800
Icmp6OutDestUnreachs            \t903
Icmp6OutPktTooBigs              \t904
Icmp6OutTimeExcds               \t905
Icmp6OutParmProblems            \t906
Icmp6OutEchos                   \t907
Icmp6OutEchoReplies             \t908
Icmp6OutGroupMembQueries        \t909
Icmp6OutGroupMembResponses      \t10
Icmp6OutGroupMembReductions     \t911
Icmp6OutRouterSolicits          \t912
Icmp6OutRouterAdvertisements    \t913
Icmp6OutNeighborSolicits        \t914
Icmp6OutNeighborAdvertisements  \t915
Icmp6OutRedirects               \t916
Icmp6OutMLDv2Reports            \t900
Icmp6InType138                  \t817
Udp6InDatagrams                 \t1001
Udp6NoPorts                     \t1002
Udp6InErrors                    \t1003
Udp6OutDatagrams                \t1004
UdpLite6InDatagrams             \t9
";

    fn both(received: u64, sent: u64) -> Both {
        Both { received, sent }
    }

    #[test]
    fn every_field_of_ipv4_is_read_from_its_counter() {
        let mut statistics = Statistics::default();
        statistics.take_snmp(SNMP);
        assert_eq!(
            statistics.ipv4,
            IpStatistics {
                packets_received: u64::MAX,
                received_header_errors: 102,
                received_address_errors: 103,
                datagrams_forwarded: 104,
                unknown_protocols_received: 105,
                received_packets_discarded: 106,
                received_packets_delivered: 107,
                output_requests: 108,
                routing_discards: 0,
                discarded_output_packets: 109,
                output_packet_no_route: 110,
                reassembly_required: 112,
                reassembly_successful: 113,
                reassembly_failures: 114,
                datagrams_successfully_fragmented: 115,
                datagrams_failing_fragmentation: 116,
                fragments_created: 117,
            }
        );
        assert_eq!(
            statistics.icmpv4,
            Icmpv4Statistics {
                messages: both(201, 301),
                errors: both(202, 302),
                destination_unreachable: both(204, 305),
                time_exceeded: both(205, 306),
                parameter_problems: both(206, 307),
                source_quenches: both(207, 308),
                redirects: both(208, 309),
                echos: both(209, 310),
                echo_replies: both(210, 311),
                timestamps: both(211, 312),
                timestamp_replies: both(212, 313),
                address_masks: both(213, 314),
                address_mask_replies: both(214, 315),
                router_solicitations: both(0, 402),
                router_advertisements: both(401, 0),
            }
        );
        assert_eq!(
            statistics.tcp_ipv4,
            TcpStatistics {
                active_opens: 501,
                passive_opens: 502,
                failed_connection_attempts: 503,
                reset_connections: 504,
                current_connections: 505,
                segments_received: 1 << 32,
                segments_sent: 507,
                segments_retransmitted: 508,
            }
        );
        assert_eq!(
            statistics.udp_ipv4,
            UdpStatistics { datagrams_received: 601, no_ports: 602, receive_errors: 603, datagrams_sent: 604 }
        );
    }

    #[test]
    fn every_field_of_ipv6_is_read_from_its_counter() {
        let mut statistics = Statistics::default();
        statistics.take_snmp6(SNMP6);
        assert_eq!(
            statistics.ipv6,
            IpStatistics {
                packets_received: 701,
                received_header_errors: 702,
                received_address_errors: 703,
                datagrams_forwarded: 707,
                unknown_protocols_received: 704,
                received_packets_discarded: 705,
                received_packets_delivered: 706,
                output_requests: 708,
                routing_discards: 0,
                discarded_output_packets: 709,
                output_packet_no_route: 710,
                reassembly_required: 711,
                reassembly_successful: 712,
                reassembly_failures: 713,
                datagrams_successfully_fragmented: 714,
                datagrams_failing_fragmentation: 715,
                fragments_created: 716,
            }
        );
        assert_eq!(
            statistics.icmpv6,
            Icmpv6Statistics {
                messages: both(801, 901),
                errors: both(802, 902),
                destination_unreachable: both(803, 903),
                packet_too_big: both(804, 904),
                time_exceeded: both(805, 905),
                parameter_problems: both(806, 906),
                echos: both(807, 907),
                echo_replies: both(808, 908),
                mld_queries: both(809, 909),
                mld_reports: both(810, 910),
                mld_dones: both(811, 911),
                router_solicitations: both(812, 912),
                router_advertisements: both(813, 913),
                neighbor_solicitations: both(814, 914),
                neighbor_advertisements: both(815, 915),
                redirects: both(816, 916),
                router_renumberings: both(817, 0),
            }
        );
        assert_eq!(
            statistics.udp_ipv6,
            UdpStatistics { datagrams_received: 1001, no_ports: 1002, receive_errors: 1003, datagrams_sent: 1004 }
        );
    }

    #[test]
    fn what_the_kernel_does_not_count_is_named() {
        let mut statistics = Statistics::default();
        statistics.take_snmp(SNMP);
        statistics.take_snmp6(SNMP6);
        let tcp_ipv6 = statistics.unavailable.iter().filter(|counter| counter.section == Section::TcpIpv6).count();
        assert_eq!(tcp_ipv6, 8);
        statistics.unavailable.retain(|counter| counter.section != Section::TcpIpv6);
        let routing_discards = |section| Counter { section, field: "routing_discards" };
        assert_eq!(statistics.unavailable, [Section::Ipv4, Section::Ipv6].map(routing_discards));
    }

    #[test]
    fn columns_are_found_by_name_wherever_they_stand() {
        let mut statistics = Statistics::default();
        statistics.take_snmp("Udp: New OutDatagrams InDatagrams\nUdp: 1 2 3\nTcp: InSegs\nTcp: -7\n");
        assert_eq!((statistics.udp_ipv4.datagrams_received, statistics.udp_ipv4.datagrams_sent), (3, 2));
        let segments = Counter { section: Section::TcpIpv4, field: "segments_received" };
        assert!(statistics.unavailable.contains(&segments));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "((Ip|Icmp|IcmpMsg|Tcp|Ip6|Icmp6)(: | |In|OutType|[0-9]|\n|é|6){0,6}){0,20}") {
            let mut statistics = Statistics::default();
            statistics.take_snmp(&text);
            statistics.take_snmp6(&text);
        }
    }
}
