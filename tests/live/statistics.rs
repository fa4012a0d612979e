//! `-s` compared with `nstat` before and after.

use crate::support::namespace::{Namespace, ip, json_of};
use crate::support::program::{rnetstat, text_of, without_netlink, without_proc};
use crate::support::skip::have_or_skip;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;

/// Every number that the kernel counts, by section and label, and the counters of `nstat` that it is the sum of.
const COUNTERS: [(&str, &str, &[&str]); 88] = [
    ("IPv4", "Packets Received", &["IpInReceives"]),
    ("IPv4", "Received Header Errors", &["IpInHdrErrors"]),
    ("IPv4", "Received Address Errors", &["IpInAddrErrors"]),
    ("IPv4", "Datagrams Forwarded", &["IpForwDatagrams"]),
    ("IPv4", "Unknown Protocols Received", &["IpInUnknownProtos"]),
    ("IPv4", "Received Packets Discarded", &["IpInDiscards"]),
    ("IPv4", "Received Packets Delivered", &["IpInDelivers"]),
    ("IPv4", "Output Requests", &["IpOutRequests"]),
    ("IPv4", "Routing Discards", &[]),
    ("IPv4", "Discarded Output Packets", &["IpOutDiscards"]),
    ("IPv4", "Output Packet No Route", &["IpOutNoRoutes"]),
    ("IPv4", "Reassembly Required", &["IpReasmReqds"]),
    ("IPv4", "Reassembly Successful", &["IpReasmOKs"]),
    ("IPv4", "Reassembly Failures", &["IpReasmFails"]),
    ("IPv4", "Datagrams Successfully Fragmented", &["IpFragOKs"]),
    ("IPv4", "Datagrams Failing Fragmentation", &["IpFragFails"]),
    ("IPv4", "Fragments Created", &["IpFragCreates"]),
    ("IPv6", "Packets Received", &["Ip6InReceives"]),
    ("IPv6", "Received Header Errors", &["Ip6InHdrErrors"]),
    ("IPv6", "Received Address Errors", &["Ip6InAddrErrors"]),
    ("IPv6", "Datagrams Forwarded", &["Ip6OutForwDatagrams"]),
    ("IPv6", "Unknown Protocols Received", &["Ip6InUnknownProtos"]),
    ("IPv6", "Received Packets Discarded", &["Ip6InDiscards"]),
    ("IPv6", "Received Packets Delivered", &["Ip6InDelivers"]),
    ("IPv6", "Output Requests", &["Ip6OutRequests"]),
    ("IPv6", "Routing Discards", &[]),
    ("IPv6", "Discarded Output Packets", &["Ip6OutDiscards"]),
    ("IPv6", "Output Packet No Route", &["Ip6OutNoRoutes"]),
    ("IPv6", "Reassembly Required", &["Ip6ReasmReqds"]),
    ("IPv6", "Reassembly Successful", &["Ip6ReasmOKs"]),
    ("IPv6", "Reassembly Failures", &["Ip6ReasmFails"]),
    ("IPv6", "Datagrams Successfully Fragmented", &["Ip6FragOKs"]),
    ("IPv6", "Datagrams Failing Fragmentation", &["Ip6FragFails"]),
    ("IPv6", "Fragments Created", &["Ip6FragCreates"]),
    ("ICMPv4", "Messages", &["Icmp_Msgs"]),
    ("ICMPv4", "Errors", &["Icmp_Errors"]),
    ("ICMPv4", "Destination Unreachable", &["IcmpMsg_Type3"]),
    ("ICMPv4", "Time Exceeded", &["IcmpMsg_Type11"]),
    ("ICMPv4", "Parameter Problems", &["IcmpMsg_Type12"]),
    ("ICMPv4", "Source Quenches", &["IcmpMsg_Type4"]),
    ("ICMPv4", "Redirects", &["IcmpMsg_Type5"]),
    ("ICMPv4", "Echo Replies", &["IcmpMsg_Type0"]),
    ("ICMPv4", "Echos", &["IcmpMsg_Type8"]),
    ("ICMPv4", "Timestamps", &["IcmpMsg_Type13"]),
    ("ICMPv4", "Timestamp Replies", &["IcmpMsg_Type14"]),
    ("ICMPv4", "Address Masks", &["IcmpMsg_Type17"]),
    ("ICMPv4", "Address Mask Replies", &["IcmpMsg_Type18"]),
    ("ICMPv4", "Router Solicitations", &["IcmpMsg_Type10"]),
    ("ICMPv4", "Router Advertisements", &["IcmpMsg_Type9"]),
    ("ICMPv6", "Messages", &["Icmp6_Msgs"]),
    ("ICMPv6", "Errors", &["Icmp6_Errors"]),
    ("ICMPv6", "Destination Unreachable", &["Icmp6_Type1"]),
    ("ICMPv6", "Packet Too Big", &["Icmp6_Type2"]),
    ("ICMPv6", "Time Exceeded", &["Icmp6_Type3"]),
    ("ICMPv6", "Parameter Problems", &["Icmp6_Type4"]),
    ("ICMPv6", "Echos", &["Icmp6_Type128"]),
    ("ICMPv6", "Echo Replies", &["Icmp6_Type129"]),
    ("ICMPv6", "MLD Queries", &["Icmp6_Type130"]),
    ("ICMPv6", "MLD Reports", &["Icmp6_Type131", "Icmp6_Type143"]),
    ("ICMPv6", "MLD Dones", &["Icmp6_Type132"]),
    ("ICMPv6", "Router Solicitations", &["Icmp6_Type133"]),
    ("ICMPv6", "Router Advertisements", &["Icmp6_Type134"]),
    ("ICMPv6", "Neighbor Solicitations", &["Icmp6_Type135"]),
    ("ICMPv6", "Neighbor Advertisements", &["Icmp6_Type136"]),
    ("ICMPv6", "Redirects", &["Icmp6_Type137"]),
    ("ICMPv6", "Router Renumberings", &["Icmp6_Type138"]),
    ("TCP IPv4", "Active Opens", &["TcpActiveOpens"]),
    ("TCP IPv4", "Passive Opens", &["TcpPassiveOpens"]),
    ("TCP IPv4", "Failed Connection Attempts", &["TcpAttemptFails"]),
    ("TCP IPv4", "Reset Connections", &["TcpEstabResets"]),
    ("TCP IPv4", "Segments Received", &["TcpInSegs"]),
    ("TCP IPv4", "Segments Sent", &["TcpOutSegs"]),
    ("TCP IPv4", "Segments Retransmitted", &["TcpRetransSegs"]),
    ("TCP IPv6", "Active Opens", &[]),
    ("TCP IPv6", "Passive Opens", &[]),
    ("TCP IPv6", "Failed Connection Attempts", &[]),
    ("TCP IPv6", "Reset Connections", &[]),
    ("TCP IPv6", "Segments Received", &[]),
    ("TCP IPv6", "Segments Sent", &[]),
    ("TCP IPv6", "Segments Retransmitted", &[]),
    ("UDP IPv4", "Datagrams Received", &["UdpInDatagrams"]),
    ("UDP IPv4", "No Ports", &["UdpNoPorts"]),
    ("UDP IPv4", "Receive Errors", &["UdpInErrors"]),
    ("UDP IPv4", "Datagrams Sent", &["UdpOutDatagrams"]),
    ("UDP IPv6", "Datagrams Received", &["Udp6InDatagrams"]),
    ("UDP IPv6", "No Ports", &["Udp6NoPorts"]),
    ("UDP IPv6", "Receive Errors", &["Udp6InErrors"]),
    ("UDP IPv6", "Datagrams Sent", &["Udp6OutDatagrams"]),
];

/// The numbers of the output, by section and label; ICMP has two, received and sent.
fn figures(text: &str) -> BTreeMap<(String, String), Vec<u64>> {
    let mut figures = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some((title, family)) = line.split_once(" Statistics") {
            section = String::from([title, family.trim_start_matches(" for ")].join(" ").trim_end());
        } else if let Some((label, values)) = line.split_once(" = ").or_else(|| line.split_at_checked(26)) {
            let values: Vec<u64> = values.split_ascii_whitespace().filter_map(|value| value.parse().ok()).collect();
            if !values.is_empty() {
                figures.insert((section.clone(), label.trim().to_owned()), values);
            }
        }
    }
    figures
}

/// All counters of `nstat`; one that it does not print is 0.
fn nstat() -> Value {
    json_of(Command::new("nstat").args(["-asz", "--json"])).remove(0)["kernel"].take()
}

fn sum(nstat: &Value, counters: &[&str], direction: &str) -> u64 {
    counters.iter().map(|counter| nstat[counter.replace('_', direction)].as_u64().unwrap_or(0)).sum()
}

/// Traffic that changes many counters, those of IPv4 and IPv6 by different amounts.
fn traffic() -> Vec<TcpStream> {
    ip("link set lo mtu 1500");
    let mut open = Vec::new();
    let mut connect = |listen: &str, target: fn(u16) -> SocketAddr, times: usize| {
        let listener = TcpListener::bind(listen).unwrap();
        let address = target(listener.local_addr().unwrap().port());
        for _ in 0..times {
            let mut client = TcpStream::connect(address).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            client.write_all(b"hello").unwrap();
            server.read_exact(&mut [0; 5]).unwrap();
            open.extend([client, server]);
        }
    };
    connect("127.0.0.1:0", |port| SocketAddr::from(([127, 0, 0, 1], port)), 3);
    connect("[::1]:0", |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port)), 2);
    // IPv4 over IPv6 sockets.
    connect("[::]:0", |port| SocketAddr::from(([127, 0, 0, 1], port)), 1);
    for (address, times) in [("127.0.0.1", 5), ("::1", 7)] {
        let address: std::net::IpAddr = address.parse().unwrap();
        let socket = UdpSocket::bind((address, 0)).unwrap();
        for _ in 0..times {
            socket.send_to(b"delivered", socket.local_addr().unwrap()).unwrap();
            socket.send_to(b"refused", (address, 9)).unwrap();
        }
        // Larger than the MTU: fragments.
        socket.send_to(&[0; 5_000], socket.local_addr().unwrap()).unwrap();
    }
    assert!(TcpStream::connect("127.0.0.1:9").is_err());
    open
}

#[test]
fn every_counter_equals_nstat() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("nstat", "iproute2") {
        return;
    }
    let _open = traffic();
    let before = nstat();
    let figures = figures(&text_of("-s"));
    let after = nstat();
    let mut changed = 0;
    for (section, label, counters) in COUNTERS {
        let values = &figures[&(section.to_owned(), label.to_owned())];
        let directions: &[&str] = if section.starts_with("ICMP") { &["In", "Out"] } else { &[""] };
        assert_eq!(values.len(), directions.len(), "{section} {label}");
        for (&value, direction) in values.iter().zip(directions) {
            let range = sum(&before, counters, direction)..=sum(&after, counters, direction);
            assert!(range.contains(&value), "{section} {label} {direction}: {value} is not in {range:?}");
            changed += usize::from(value > 0);
        }
    }
    for section in ["IPv4", "IPv6"] {
        assert_eq!(figures[&(section.to_owned(), "Reassembly Successful".to_owned())], [1], "{section}");
    }
    assert!(changed >= 30, "only {changed} counters changed: the comparison means little");
    assert_eq!(figures.len(), COUNTERS.len() + 2, "and the two of current connections");
}

#[test]
fn current_connections_are_counted_by_the_family_of_their_packets() {
    let Some(_namespace) = Namespace::enter() else { return };
    let mut open = traffic();
    // CLOSE_WAIT is a current connection, FIN_WAIT_2 is not.
    let closed_by_its_server = open.remove(1);
    drop(closed_by_its_server);
    assert_eq!(open[0].read(&mut [0; 1]).unwrap(), 0);
    let current = |family| {
        figures(&text_of(&format!("-s -n -p {family}")))
            .into_iter()
            .find_map(|((_, label), values)| (label == "Current Connections").then(|| values[0]))
    };
    assert_eq!((current("tcp"), current("tcpv6")), (Some(7), Some(4)));
    let without_netlink = without_netlink(&mut rnetstat("-s -p tcpv6 -n")).output().unwrap();
    let text = String::from_utf8(without_netlink.stdout).unwrap();
    assert_eq!(figures(&text)[&("TCP IPv6".to_owned(), "Current Connections".to_owned())], [4], "{text}");
}

#[test]
fn counters_that_cannot_be_read_are_an_error_not_zero() {
    let Some(_namespace) = Namespace::enter() else { return };
    let output = without_proc(&mut rnetstat("-s")).output().unwrap();
    assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), output.status.code()), ("", Some(2)));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    for file in ["/proc/self/net/snmp", "/proc/self/net/snmp6"] {
        assert!(stderr.contains(&format!("{file} cannot be read")), "{stderr}");
    }
}

#[test]
fn statistics_of_tcp_and_udp_are_followed_by_their_table() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _open = traffic();
    for (protocol, title, rows) in [("TCP", "TCP Statistics for IPv4", 8), ("tcpv6", "TCP Statistics for IPv6", 4)] {
        let text = text_of(&format!("-s -n -p {protocol}"));
        assert!(text.starts_with(&format!("\n{title}\n\n  Active Opens")), "{text}");
        let (statistics, table) = text.split_once("\nActive Connections\n").unwrap();
        assert_eq!((statistics.lines().count(), table.matches("ESTABLISHED").count()), (11, rows), "{text}");
    }
    for protocol in ["ip", "ipv6", "icmp", "icmpv6"] {
        let text = text_of(&format!("-s -n -p {protocol}"));
        assert_eq!((text.matches("Statistics").count(), text.contains("Active Connections")), (1, false), "{text}");
    }
    assert!(!text_of("-s").contains("Active Connections"));
}
