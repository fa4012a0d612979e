//! `-r` compared with `ip route show table all`, `ip link` and, for interface addresses, `ip route get`.

use crate::support::namespace::{LINK, Namespace, index_of, ip, ip_json};
use crate::support::program::text_of;
use serde_json::Value;
use std::net::IpAddr;

/// Adds a route of every kind.
fn make_routes() {
    ip("link add far0 type veth peer name far1");
    ip("link set far0 address 02:00:00:00:ab:0c");
    for words in [
        "addr add 192.0.2.2/24 dev net0",
        "addr add 10.5.0.1/16 dev far0",
        "addr add 172.16.0.1/24 dev far0",
        "addr add 198.51.100.2 peer 198.51.100.9/32 dev net0",
        "-6 addr add 2001:db8:1111:2222:3333:4444:5555:6666/64 dev net0 nodad",
        "link set far0 up",
        "link set far1 up",
        "route add default via 192.0.2.1 metric 600",
        "route add default via 172.16.0.254 metric 700",
        "route add 203.0.113.0/24 nexthop via 192.0.2.7 weight 1 nexthop via 10.5.0.7 weight 3",
        "route add 10.77.0.0/16 via inet6 fe80::77 dev net0",
        "route add 10.78.0.0/17 dev far0 metric 4294967295",
        "route add blackhole 10.66.0.0/16",
        "route add unreachable 10.67.0.0/16 metric 5",
        "route add prohibit 10.68.0.0/16",
        "route add throw 10.69.0.0/16",
        "route add 10.99.0.0/16 via 192.0.2.1 table 77",
        "route add multicast 224.0.0.0/4 dev net0",
        "-6 route add default via fe80::1 dev net0 metric 1024",
        "-6 route add 2001:db8:1111:2222:3333:4444:5555:0/112 via fe80::9 dev far0",
        "-6 route add 2001:db8:f::/48 nexthop via fe80::7 dev net0 nexthop via fe80::8 dev far0",
        "-6 route add unreachable 2001:db8:dead::/48",
        "-6 route add blackhole 2001:db8:beef::/48 metric 7",
        "-6 route add 2001:db8:99::/48 via fe80::1 dev net0 table 77",
    ] {
        ip(words);
    }
}

/// The rows that `ip` implies, as the words of their lines.
fn reference(family: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for route in ip_json(&format!("-{family} route show table all")) {
        let text = |name: &str| route[name].as_str();
        if text("table").is_some_and(|table| table != "local") {
            continue;
        }
        let hops: Vec<&Value> = route["nexthops"].as_array().map_or_else(|| vec![&route], |hops| hops.iter().collect());
        for hop in hops {
            let (destination, length) = prefix(text("dst").unwrap(), family);
            let router = hop["gateway"].as_str().or(hop["via"]["host"].as_str());
            let refused = match text("type") {
                Some("blackhole") => Some("Blackhole"),
                Some("unreachable") => Some("Unreachable"),
                Some("prohibit") => Some("Prohibited"),
                Some("throw") => Some("Throw"),
                _ => None,
            };
            let gateway = refused.or(router).unwrap_or("On-link").to_owned();
            let interface = hop["dev"].as_str().filter(|_| refused.is_none());
            let metric = route["metric"].as_u64().unwrap_or(0).to_string();
            rows.push(if family == '4' {
                let bits = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                let own = match (text("prefsrc"), interface) {
                    (Some(own), _) => own.to_owned(),
                    (None, Some(interface)) => own_address(router, interface),
                    (None, None) => "-".to_owned(),
                };
                vec![destination, std::net::Ipv4Addr::from_bits(bits).to_string(), gateway, own, metric]
            } else {
                let index = interface.map_or(0, index_of).to_string();
                vec![index, metric, format!("{destination}/{length}"), gateway]
            });
        }
    }
    rows
}

fn prefix(text: &str, family: char) -> (String, u32) {
    match text.split_once('/') {
        _ if text == "default" => ((if family == '4' { "0.0.0.0" } else { "::" }).to_owned(), 0),
        Some((address, length)) => (address.to_owned(), length.parse().unwrap()),
        None => (text.to_owned(), if family == '4' { 32 } else { 128 }),
    }
}

/// The source address that the kernel would choose for a router on an interface.
fn own_address(router: Option<&str>, interface: &str) -> String {
    match router.map(|router| router.parse().unwrap()) {
        Some(IpAddr::V4(router)) => {
            ip_json(&format!("route get {router} oif {interface}"))[0]["prefsrc"].as_str().unwrap().to_owned()
        }
        _ => ip_json(&format!("-4 addr show dev {interface}"))[0]["addr_info"][0]["local"].as_str().unwrap().to_owned(),
    }
}

/// The lines between a heading and the rule that ends its table.
fn table<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let (_, rows) = text.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{heading} is not in {text}"));
    rows.lines().take_while(|line| !line.starts_with("====")).collect()
}

fn words(line: &str) -> Vec<String> {
    line.split_ascii_whitespace().map(str::to_owned).collect()
}

/// The output between two equal answers of `ip`: the kernel adds routes for a while after an interface is up.
fn stable_text() -> (String, [Vec<Vec<String>>; 2]) {
    for _ in 0..1000 {
        let before = ['4', '6'].map(reference);
        let text = text_of("-r");
        if before == ['4', '6'].map(reference) {
            return (text, before);
        }
    }
    panic!("the routes keep changing");
}

#[test]
fn every_route_equals_ip_route() {
    let Some(_namespace) = Namespace::enter() else { return };
    make_routes();
    let (text, [mut expected_ipv4, mut expected_ipv6]) = stable_text();

    let ipv4 = table(&text, "Network Destination        Netmask          Gateway       Interface  Metric");
    let mut rows: Vec<_> = ipv4.iter().map(|line| words(line)).collect();
    let addresses = rows.iter().map(|row| row[0].parse::<std::net::Ipv4Addr>().unwrap());
    assert!(addresses.is_sorted(), "{text}");
    let defaults: Vec<_> = rows.iter().filter(|row| row[..2] == ["0.0.0.0", "0.0.0.0"]).map(|row| row[2..].join(" ")).collect();
    assert_eq!(defaults, ["192.0.2.1 192.0.2.2 600", "172.16.0.254 172.16.0.1 700"]);
    assert!(ipv4.iter().any(|line| line == &"        127.0.0.0        255.0.0.0         On-link         127.0.0.1      0"));
    rows.sort();
    expected_ipv4.sort();
    assert_eq!(rows, expected_ipv4);

    let ipv6 = table(&text, " If Metric Network Destination      Gateway");
    // A long prefix has its gateway on the next line, in the gateways' column.
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in ipv6 {
        match line.strip_prefix(&" ".repeat(36)) {
            Some(gateway) => rows.last_mut().unwrap().extend(words(gateway)),
            None => rows.push(words(line)),
        }
    }
    rows.sort();
    expected_ipv6.sort();
    assert_eq!(rows, expected_ipv6);
    assert!(expected_ipv6.len() >= 12 && expected_ipv6.iter().any(|row| row[2].len() > 24 && row[3] == "fe80::9"));
}

#[test]
fn next_hop_objects_are_resolved_without_compat_mode() {
    let Some(_namespace) = Namespace::enter() else { return };
    for words in [
        "addr add 192.0.2.2/24 dev net0",
        "nexthop add id 5 via 192.0.2.9 dev net0",
        "nexthop add id 6 via 192.0.2.8 dev net0",
        "nexthop add id 7 blackhole",
        "nexthop add id 8 group 5/6",
        "nexthop add id 9 via fe80::9 dev net0",
        "route add 10.5.0.0/16 nhid 5",
        "route add 10.7.0.0/16 nhid 7",
        "route add 10.8.0.0/16 nhid 8",
        "-6 route add 2001:db8:9::/48 nhid 9",
    ] {
        ip(words);
    }
    let with_compat_mode = text_of("-r");
    assert!(
        with_compat_mode.contains("        10.5.0.0      255.255.0.0        192.0.2.9        192.0.2.2      0\n"),
        "{with_compat_mode}"
    );
    std::fs::write("/proc/sys/net/ipv4/nexthop_compat_mode", "0").unwrap();
    assert_eq!(text_of("-r"), with_compat_mode);
}

#[test]
fn the_interface_list_equals_ip_link() {
    let Some(_namespace) = Namespace::enter() else { return };
    make_routes();
    let text = text_of("-r");
    let mut expected: Vec<(u64, String)> = ip_json("link")
        .iter()
        .map(|link| {
            let index = link["ifindex"].as_u64().unwrap();
            let address = match link["address"].as_str().unwrap() {
                "00:00:00:00:00:00" => ".".repeat(18),
                address => address.replace(':', " ") + " ",
            };
            (index, format!("{index:>3}...{address}......{}", link["ifname"].as_str().unwrap()))
        })
        .collect();
    expected.sort();
    assert_eq!(table(&text, "Interface List"), expected.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
    assert!(text.contains("...02 00 00 00 ab 0c ......far0\n"), "{text}");
}

#[test]
fn a_namespace_without_routes_prints_none() {
    let Some(_namespace) = Namespace::enter() else { return };
    for interface in ["lo", LINK, "net1"] {
        ip(&format!("addr flush dev {interface}"));
        ip(&format!("link set {interface} down"));
    }
    let text = text_of("-r");
    assert_eq!(text.matches("Active Routes:\n  None\nPersistent Routes:\n  None\n").count(), 2, "{text}");
}
