//! What a system counts of its protocols (`-s`).
//!
//! Every figure counts since the system (on Linux: the network namespace) came up, except [`TcpStatistics::current_connections`],
//! which is a level. The fields stand in printing order.

/// One section of the statistics: a protocol over one version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// The Internet Protocol, version 4.
    Ipv4,
    /// The Internet Protocol, version 6.
    Ipv6,
    /// The control messages of IPv4.
    Icmpv4,
    /// The control messages of IPv6.
    Icmpv6,
    /// TCP over IPv4.
    TcpIpv4,
    /// TCP over IPv6.
    TcpIpv6,
    /// UDP over IPv4.
    UdpIpv4,
    /// UDP over IPv6.
    UdpIpv6,
}

impl Section {
    /// Every section, in printing order.
    pub const ALL: [Self; 8] =
        [Self::Ipv4, Self::Ipv6, Self::Icmpv4, Self::Icmpv6, Self::TcpIpv4, Self::TcpIpv6, Self::UdpIpv4, Self::UdpIpv6];

    /// The word by which `-p` chooses the section.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "IP",
            Self::Ipv6 => "IPv6",
            Self::Icmpv4 => "ICMP",
            Self::Icmpv6 => "ICMPv6",
            Self::TcpIpv4 => "TCP",
            Self::TcpIpv6 => "TCPv6",
            Self::UdpIpv4 => "UDP",
            Self::UdpIpv6 => "UDPv6",
        }
    }

    /// The section of a word, in any letter case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.word().eq_ignore_ascii_case(word))
    }
}

/// The counters of all protocols. A section that was not asked for may be filled or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// IPv4.
    pub ipv4: IpStatistics,
    /// IPv6.
    pub ipv6: IpStatistics,
    /// ICMP for IPv4.
    pub icmpv4: Icmpv4Statistics,
    /// ICMP for IPv6.
    pub icmpv6: Icmpv6Statistics,
    /// TCP over IPv4. A system that counts TCP once for both families (Linux) has the one count here, except for
    /// [`TcpStatistics::current_connections`], and the counters of `tcp_ipv6` are among the `unavailable` ones.
    pub tcp_ipv4: TcpStatistics,
    /// TCP over IPv6.
    pub tcp_ipv6: TcpStatistics,
    /// UDP over IPv4.
    pub udp_ipv4: UdpStatistics,
    /// UDP over IPv6.
    pub udp_ipv6: UdpStatistics,
    /// The fields that are 0 because this system does not count such a thing, in printing order.
    pub unavailable: Vec<Counter>,
}

impl Statistics {
    /// Whether every figure is 0.
    pub fn has_counted_nothing(&self) -> bool {
        *self == Self { unavailable: self.unavailable.clone(), ..Self::default() }
    }
}

/// The name of one field of the [`Statistics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The section that it belongs to.
    pub section: Section,
    /// The name of the field in the section's struct; for ICMP it stands for both directions.
    pub field: &'static str,
}

/// What the Internet Protocol counts, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpStatistics {
    /// All that came in from interfaces, faulty ones included.
    pub packets_received: u64,
    /// Thrown away for an error in the header.
    pub received_header_errors: u64,
    /// Thrown away because the destination is not valid here.
    pub received_address_errors: u64,
    /// Passed on to another host.
    pub datagrams_forwarded: u64,
    /// Discarded because no protocol handles them.
    pub unknown_protocols_received: u64,
    /// Without error, and discarded for lack of buffers or the like.
    pub received_packets_discarded: u64,
    /// Handed to a protocol.
    pub received_packets_delivered: u64,
    /// What local protocols gave out to be sent.
    pub output_requests: u64,
    /// Valid routing entries that were thrown away.
    pub routing_discards: u64,
    /// Without error, and not sent for lack of buffers or the like.
    pub discarded_output_packets: u64,
    /// Not sent because there was no route.
    pub output_packet_no_route: u64,
    /// Fragments that needed reassembly.
    pub reassembly_required: u64,
    /// Datagrams put together again.
    pub reassembly_successful: u64,
    /// Datagrams that could not be put together.
    pub reassembly_failures: u64,
    /// Datagrams cut into fragments.
    pub datagrams_successfully_fragmented: u64,
    /// Datagrams that needed to be cut and could not be.
    pub datagrams_failing_fragmentation: u64,
    /// Fragments made.
    pub fragments_created: u64,
}

/// A figure of each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both {
    /// What came in.
    pub received: u64,
    /// What went out.
    pub sent: u64,
}

/// What ICMP for IPv4 counts, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Icmpv4Statistics {
    /// All messages, faulty ones included.
    pub messages: Both,
    /// Messages with an error of ICMP's own.
    pub errors: Both,
    /// Type 3.
    pub destination_unreachable: Both,
    /// Type 11.
    pub time_exceeded: Both,
    /// Type 12.
    pub parameter_problems: Both,
    /// Type 4.
    pub source_quenches: Both,
    /// Type 5.
    pub redirects: Both,
    /// Type 0.
    pub echo_replies: Both,
    /// Type 8.
    pub echos: Both,
    /// Type 13.
    pub timestamps: Both,
    /// Type 14.
    pub timestamp_replies: Both,
    /// Type 17.
    pub address_masks: Both,
    /// Type 18.
    pub address_mask_replies: Both,
    /// Type 10.
    pub router_solicitations: Both,
    /// Type 9.
    pub router_advertisements: Both,
}

/// What ICMP for IPv6 counts, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Icmpv6Statistics {
    /// All messages, faulty ones included.
    pub messages: Both,
    /// Messages with an error of ICMP's own.
    pub errors: Both,
    /// Type 1.
    pub destination_unreachable: Both,
    /// Type 2.
    pub packet_too_big: Both,
    /// Type 3.
    pub time_exceeded: Both,
    /// Type 4.
    pub parameter_problems: Both,
    /// Type 128.
    pub echos: Both,
    /// Type 129.
    pub echo_replies: Both,
    /// Type 130.
    pub mld_queries: Both,
    /// Types 131 and 143, the reports of both versions of multicast listener discovery.
    pub mld_reports: Both,
    /// Type 132.
    pub mld_dones: Both,
    /// Type 133.
    pub router_solicitations: Both,
    /// Type 134.
    pub router_advertisements: Both,
    /// Type 135.
    pub neighbor_solicitations: Both,
    /// Type 136.
    pub neighbor_advertisements: Both,
    /// Type 137.
    pub redirects: Both,
    /// Type 138.
    pub router_renumberings: Both,
}

/// What TCP counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStatistics {
    /// Connections that this host began.
    pub active_opens: u64,
    /// Connections that others began.
    pub passive_opens: u64,
    /// Connections that were given up before they stood.
    pub failed_connection_attempts: u64,
    /// Connections that stood and were reset.
    pub reset_connections: u64,
    /// Connections that are `ESTABLISHED` or in `CLOSE_WAIT` now.
    pub current_connections: u64,
    /// Segments received, faulty ones included.
    pub segments_received: u64,
    /// Segments sent, without those that hold nothing but retransmitted bytes.
    pub segments_sent: u64,
    /// Segments sent again.
    pub segments_retransmitted: u64,
}

/// What UDP counts, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpStatistics {
    /// Delivered to a socket.
    pub datagrams_received: u64,
    /// Received for a port without a socket.
    pub no_ports: u64,
    /// Not delivered for another reason.
    pub receive_errors: u64,
    /// Sent.
    pub datagrams_sent: u64,
}

/// Lists the fields of a struct of counters, so that every format shows all of them in the same order.
macro_rules! tell_fields {
    ($statistics:ty: $($field:ident),+ => $value:ty) => {
        impl $statistics {
            /// The name and the value of every field, in printing order.
            pub fn fields(&self) -> [(&'static str, $value); [$(stringify!($field)),+].len()] {
                [$((stringify!($field), self.$field)),+]
            }
        }
    };
}

tell_fields!(IpStatistics:
    packets_received,
    received_header_errors,
    received_address_errors,
    datagrams_forwarded,
    unknown_protocols_received,
    received_packets_discarded,
    received_packets_delivered,
    output_requests,
    routing_discards,
    discarded_output_packets,
    output_packet_no_route,
    reassembly_required,
    reassembly_successful,
    reassembly_failures,
    datagrams_successfully_fragmented,
    datagrams_failing_fragmentation,
    fragments_created => u64);
tell_fields!(Icmpv4Statistics:
    messages,
    errors,
    destination_unreachable,
    time_exceeded,
    parameter_problems,
    source_quenches,
    redirects,
    echo_replies,
    echos,
    timestamps,
    timestamp_replies,
    address_masks,
    address_mask_replies,
    router_solicitations,
    router_advertisements => Both);
tell_fields!(Icmpv6Statistics:
    messages,
    errors,
    destination_unreachable,
    packet_too_big,
    time_exceeded,
    parameter_problems,
    echos,
    echo_replies,
    mld_queries,
    mld_reports,
    mld_dones,
    router_solicitations,
    router_advertisements,
    neighbor_solicitations,
    neighbor_advertisements,
    redirects,
    router_renumberings => Both);
tell_fields!(TcpStatistics:
    active_opens,
    passive_opens,
    failed_connection_attempts,
    reset_connections,
    current_connections,
    segments_received,
    segments_sent,
    segments_retransmitted => u64);
tell_fields!(UdpStatistics:
    datagrams_received,
    no_ports,
    receive_errors,
    datagrams_sent => u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_finds_its_section_in_any_case() {
        for section in Section::ALL {
            assert_eq!(Section::from_word(section.word()), Some(section));
            assert_eq!(Section::from_word(&section.word().to_lowercase()), Some(section));
        }
        assert_eq!(Section::from_word("tcpv4"), None);
    }
}
