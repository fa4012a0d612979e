//! The counters of the protocols (`-s`), byte for byte as Windows' netstat prints them.

use crate::model::statistics::{Both, Section, Statistics};
use std::io::{self, Write};

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The titles of the sections, in the order of [`Section::ALL`].
    pub titles: [&'static str; 8],
    /// What stands above the columns of ICMP.
    pub icmp_heading: &'static str,
    /// The labels of IPv4 and IPv6.
    pub ip: [&'static str; 17],
    /// The labels of ICMP for IPv4.
    pub icmpv4: [&'static str; 15],
    /// The labels of ICMP for IPv6.
    pub icmpv6: [&'static str; 17],
    /// The labels of TCP.
    pub tcp: [&'static str; 8],
    /// The labels of UDP.
    pub udp: [&'static str; 4],
}

/// The words as Windows has them in English.
pub const ENGLISH: Words = Words {
    titles: [
        "IPv4 Statistics",
        "IPv6 Statistics",
        "ICMPv4 Statistics",
        "ICMPv6 Statistics",
        "TCP Statistics for IPv4",
        "TCP Statistics for IPv6",
        "UDP Statistics for IPv4",
        "UDP Statistics for IPv6",
    ],
    icmp_heading: "                            Received    Sent",
    ip: [
        "Packets Received",
        "Received Header Errors",
        "Received Address Errors",
        "Datagrams Forwarded",
        "Unknown Protocols Received",
        "Received Packets Discarded",
        "Received Packets Delivered",
        "Output Requests",
        "Routing Discards",
        "Discarded Output Packets",
        "Output Packet No Route",
        "Reassembly Required",
        "Reassembly Successful",
        "Reassembly Failures",
        "Datagrams Successfully Fragmented",
        "Datagrams Failing Fragmentation",
        "Fragments Created",
    ],
    icmpv4: [
        "Messages",
        "Errors",
        "Destination Unreachable",
        "Time Exceeded",
        "Parameter Problems",
        "Source Quenches",
        "Redirects",
        "Echo Replies",
        "Echos",
        "Timestamps",
        "Timestamp Replies",
        "Address Masks",
        "Address Mask Replies",
        "Router Solicitations",
        "Router Advertisements",
    ],
    icmpv6: [
        "Messages",
        "Errors",
        "Destination Unreachable",
        "Packet Too Big",
        "Time Exceeded",
        "Parameter Problems",
        "Echos",
        "Echo Replies",
        "MLD Queries",
        "MLD Reports",
        "MLD Dones",
        "Router Solicitations",
        "Router Advertisements",
        "Neighbor Solicitations",
        "Neighbor Advertisements",
        "Redirects",
        "Router Renumberings",
    ],
    tcp: [
        "Active Opens",
        "Passive Opens",
        "Failed Connection Attempts",
        "Reset Connections",
        "Current Connections",
        "Segments Received",
        "Segments Sent",
        "Segments Retransmitted",
    ],
    udp: ["Datagrams Received", "No Ports", "Receive Errors", "Datagrams Sent"],
};

/// The words in Korean. The labels of the rows are the same in every language.
pub const KOREAN: Words = Words {
    titles: [
        "IPv4 통계",
        "IPv6 통계",
        "ICMPv4 통계",
        "ICMPv6 통계",
        "IPv4에 대한 TCP 통계",
        "IPv6에 대한 TCP 통계",
        "IPv4에 대한 UDP 통계",
        "IPv6에 대한 UDP 통계",
    ],
    icmp_heading: "                            받음        보냄",
    ..ENGLISH
};

/// The width of the labels of IP.
const IP: usize = 34;
/// The width of the labels of TCP.
const TCP: usize = 35;
/// The width of the labels of UDP.
const UDP: usize = 21;

/// Writes these sections: each an empty line, its title, an empty line, its rows.
pub fn write(out: &mut impl Write, statistics: &Statistics, sections: &[Section], words: &Words) -> io::Result<()> {
    for &section in sections {
        writeln!(out, "\n{}\n", words.titles.get(section as usize).copied().unwrap_or_default())?;
        match section {
            Section::Ipv4 => rows(out, &words.ip, statistics.ipv4.fields(), IP)?,
            Section::Ipv6 => rows(out, &words.ip, statistics.ipv6.fields(), IP)?,
            Section::Icmpv4 => rows_of_both(out, words, &words.icmpv4, statistics.icmpv4.fields())?,
            Section::Icmpv6 => rows_of_both(out, words, &words.icmpv6, statistics.icmpv6.fields())?,
            Section::TcpIpv4 => rows(out, &words.tcp, statistics.tcp_ipv4.fields(), TCP)?,
            Section::TcpIpv6 => rows(out, &words.tcp, statistics.tcp_ipv6.fields(), TCP)?,
            Section::UdpIpv4 => rows(out, &words.udp, statistics.udp_ipv4.fields(), UDP)?,
            Section::UdpIpv6 => rows(out, &words.udp, statistics.udp_ipv6.fields(), UDP)?,
        }
    }
    Ok(())
}

fn rows<const N: usize>(out: &mut impl Write, labels: &[&str; N], fields: [(&str, u64); N], width: usize) -> io::Result<()> {
    for (label, (_, value)) in labels.iter().zip(fields) {
        writeln!(out, "  {label:<width$} = {value}")?;
    }
    Ok(())
}

fn rows_of_both<const N: usize>(
    out: &mut impl Write,
    words: &Words,
    labels: &[&str; N],
    fields: [(&str, Both); N],
) -> io::Result<()> {
    writeln!(out, "{}", words.icmp_heading)?;
    for (label, (_, Both { received, sent })) in labels.iter().zip(fields) {
        writeln!(out, "  {label:<24}  {received:<10}  {sent:<10}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::statistics::{IpStatistics, TcpStatistics, UdpStatistics};

    fn print(statistics: &Statistics, sections: &[Section]) -> String {
        let mut out = Vec::new();
        write(&mut out, statistics, sections, &ENGLISH).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_section_of_ip() {
        let ipv4 = IpStatistics {
            packets_received: u64::MAX,
            datagrams_failing_fragmentation: 16,
            fragments_created: 17,
            ..IpStatistics::default()
        };
        let statistics = Statistics { ipv4, ..Statistics::default() };
        assert_eq!(
            print(&statistics, &[Section::Ipv4]),
            "\nIPv4 Statistics\n\n\
             \x20 Packets Received                   = 18446744073709551615\n\
             \x20 Received Header Errors             = 0\n\
             \x20 Received Address Errors            = 0\n\
             \x20 Datagrams Forwarded                = 0\n\
             \x20 Unknown Protocols Received         = 0\n\
             \x20 Received Packets Discarded         = 0\n\
             \x20 Received Packets Delivered         = 0\n\
             \x20 Output Requests                    = 0\n\
             \x20 Routing Discards                   = 0\n\
             \x20 Discarded Output Packets           = 0\n\
             \x20 Output Packet No Route             = 0\n\
             \x20 Reassembly Required                = 0\n\
             \x20 Reassembly Successful              = 0\n\
             \x20 Reassembly Failures                = 0\n\
             \x20 Datagrams Successfully Fragmented  = 0\n\
             \x20 Datagrams Failing Fragmentation    = 16\n\
             \x20 Fragments Created                  = 17\n"
        );
    }

    #[test]
    fn the_sections_of_icmp_keep_the_padding_of_their_last_column() {
        let mut statistics = Statistics::default();
        statistics.icmpv4.messages = Both { received: 12, sent: 3_456_789_012 };
        let text = print(&statistics, &[Section::Icmpv4, Section::Icmpv6]);
        assert!(text.starts_with(
            "\nICMPv4 Statistics\n\n\
             \x20                           Received    Sent\n\
             \x20 Messages                  12          3456789012\n\
             \x20 Errors                    0           0         \n\
             \x20 Destination Unreachable   0           0         \n"
        ));
        assert!(text.ends_with(
            "\x20 Neighbor Advertisements   0           0         \n\
             \x20 Redirects                 0           0         \n\
             \x20 Router Renumberings       0           0         \n"
        ));
        assert_eq!(text.lines().count(), 4 + 15 + 4 + 17);
    }

    #[test]
    fn the_sections_of_tcp_and_udp() {
        let statistics = Statistics {
            tcp_ipv6: TcpStatistics {
                active_opens: 1,
                passive_opens: 2,
                failed_connection_attempts: 3,
                reset_connections: 4,
                current_connections: 5,
                segments_received: 6,
                segments_sent: 7,
                segments_retransmitted: 8,
            },
            udp_ipv4: UdpStatistics { datagrams_received: 1, no_ports: 2, receive_errors: 3, datagrams_sent: 4 },
            ..Statistics::default()
        };
        assert_eq!(
            print(&statistics, &[Section::TcpIpv6, Section::UdpIpv4]),
            "\nTCP Statistics for IPv6\n\n\
             \x20 Active Opens                        = 1\n\
             \x20 Passive Opens                       = 2\n\
             \x20 Failed Connection Attempts          = 3\n\
             \x20 Reset Connections                   = 4\n\
             \x20 Current Connections                 = 5\n\
             \x20 Segments Received                   = 6\n\
             \x20 Segments Sent                       = 7\n\
             \x20 Segments Retransmitted              = 8\n\
             \nUDP Statistics for IPv4\n\n\
             \x20 Datagrams Received    = 1\n\
             \x20 No Ports              = 2\n\
             \x20 Receive Errors        = 3\n\
             \x20 Datagrams Sent        = 4\n"
        );
    }

    #[test]
    fn every_section_has_its_title_in_order() {
        let text = print(&Statistics::default(), &Section::ALL);
        let titles: Vec<_> = text.lines().filter(|line| line.contains("Statistics")).collect();
        assert_eq!(titles, ENGLISH.titles);
    }

    #[test]
    fn every_label_stands_at_the_field_of_its_name() {
        let statistics = Statistics::default();
        let names = |label: &&str| label.to_lowercase().replace(' ', "_");
        assert_eq!(ENGLISH.ip.each_ref().map(names), statistics.ipv4.fields().map(|(name, _)| name));
        assert_eq!(ENGLISH.icmpv4.each_ref().map(names), statistics.icmpv4.fields().map(|(name, _)| name));
        assert_eq!(ENGLISH.icmpv6.each_ref().map(names), statistics.icmpv6.fields().map(|(name, _)| name));
        assert_eq!(ENGLISH.tcp.each_ref().map(names), statistics.tcp_ipv4.fields().map(|(name, _)| name));
        assert_eq!(ENGLISH.udp.each_ref().map(names), statistics.udp_ipv4.fields().map(|(name, _)| name));
    }
}
