//! `-e` compared with `ip -s -s link` before and after.

use crate::support::namespace::{LINK, Namespace, index_of, ip, ip_json};
use crate::support::program::{rnetstat, text_of, without_netlink};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};

/// The received and sent counters of `ip`: bytes, packets, discards, errors.
fn reference() -> [[u64; 2]; 4] {
    let mut sums = [[0; 2]; 4];
    for link in ip_json("-s -s link") {
        if link["link_type"] == "loopback" {
            continue;
        }
        for (place, direction) in ["rx", "tx"].into_iter().enumerate() {
            let counters = &link["stats64"][direction];
            let count = |name: &str| counters[name].as_u64().unwrap_or(0);
            sums[0][place] += count("bytes");
            sums[1][place] += count("packets");
            sums[2][place] += count("dropped") + count("missed_errors");
            sums[3][place] += count("errors");
        }
    }
    sums
}

/// The numbers of each row.
fn figures(text: &str) -> Vec<Vec<u64>> {
    let rows = text.lines().skip(4).take_while(|line| !line.is_empty());
    rows.map(|row| row.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()).collect()
}

#[test]
fn interface_statistics_equal_ip_link() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).unwrap();
    let all_nodes = SocketAddrV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 9, 0, index_of(LINK));
    for _ in 0..20 {
        socket.send_to(&[0; 100], all_nodes).unwrap();
        // Traffic on the loopback interface does not count.
        socket.send_to(&vec![0; 60_000], (Ipv6Addr::LOCALHOST, 9)).ok();
    }
    // An interface whose peer is down drops what is sent.
    ip("link set net1 down");
    let before = reference();
    let figures = figures(&text_of("-e"));
    let after = reference();
    assert_eq!(figures.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2, 2, 2, 1]);
    for (place, direction) in ["received", "sent"].into_iter().enumerate() {
        let value = |row: usize| figures[row][place];
        // `ip` counts unicast and other packets together.
        for (row, what) in [value(0), value(1) + value(2), value(3), value(4)].into_iter().enumerate() {
            let range = before[row][place]..=after[row][place];
            assert!(range.contains(&what), "{direction} {row}: {what} is not in {range:?}");
        }
        assert!(value(0) >= 20 * 100 && value(0) < 60_000, "{direction}: {} bytes", value(0));
    }
    assert_eq!(figures[5], [0]);
}

#[test]
fn interface_and_protocol_statistics_are_separated_by_an_empty_line() {
    let Some(_namespace) = Namespace::enter() else { return };
    for line in ["-es", "-s -e", "/S /E"] {
        let text = text_of(line);
        assert!(text.starts_with("Interface Statistics\n\n"), "{text}");
        assert!(text.contains("\nUnknown protocols                 0\n\nIPv4 Statistics\n\n  Packets Received  "), "{text}");
        assert_eq!(text.matches("Statistics").count(), 9, "{text}");
    }
}

#[test]
fn interface_statistics_without_netlink_are_an_error() {
    let Some(_namespace) = Namespace::enter() else { return };
    for line in ["-e", "-r"] {
        let output = without_netlink(&mut rnetstat(line)).output().unwrap();
        assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), output.status.code()), ("", Some(2)), "{line}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.lines().all(|line| line.contains("rtnetlink") && line.contains("not permitted")), "{stderr}");
    }
}
