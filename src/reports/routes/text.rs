//! The interface list and the routing tables (`-r`), byte for byte as Windows' `route print` shows them.

use crate::model::route::{Gateway, Interface, Ipv4Route, Ipv6Route, PersistentRoute, Routing, netmask};
use crate::model::socket::Family;
use crate::output::escape::escape;
use crate::output::width::right_aligned;
use std::io::{self, Write};

/// The words of this view.
#[derive(Debug)]
pub struct Words {
    /// The title of the interfaces.
    pub interface_list: &'static str,
    /// The title of the IPv4 routes.
    pub ipv4_table: &'static str,
    /// The title of the IPv6 routes.
    pub ipv6_table: &'static str,
    /// What stands above the routes in use.
    pub active: &'static str,
    /// What stands above the routes that outlast a restart.
    pub persistent: &'static str,
    /// What stands instead of routes where there are none.
    pub none: &'static str,
    /// The heading of the IPv4 routes in use.
    pub ipv4_heading: &'static str,
    /// The heading of the IPv6 routes in use.
    pub ipv6_heading: &'static str,
    /// The heading of the IPv4 routes that outlast a restart.
    pub persistent_heading: &'static str,
    /// The metric of a persistent route that has none of its own.
    pub default_metric: &'static str,
    /// The gateway of a destination on the link.
    pub on_link: &'static str,
    /// The gateways of routes that lead nowhere.
    pub unreachable: &'static str,
    /// See `unreachable`.
    pub prohibited: &'static str,
    /// See `unreachable`.
    pub blackhole: &'static str,
    /// See `unreachable`.
    pub throw: &'static str,
}

/// The words as Windows has them in English. Windows has no routes that lead nowhere: those words are ours.
pub const ENGLISH: Words = Words {
    interface_list: "Interface List",
    ipv4_table: "IPv4 Route Table",
    ipv6_table: "IPv6 Route Table",
    active: "Active Routes:",
    persistent: "Persistent Routes:",
    none: "  None",
    ipv4_heading: "Network Destination        Netmask          Gateway       Interface  Metric",
    ipv6_heading: " If Metric Network Destination      Gateway",
    persistent_heading: "  Network Address          Netmask  Gateway Address  Metric",
    default_metric: "Default",
    on_link: "On-link ",
    unreachable: "Unreachable",
    prohibited: "Prohibited",
    blackhole: "Blackhole",
    throw: "Throw",
};

/// The words as Windows has them in Korean. The headings stand over the same cells as in English.
pub const KOREAN: Words = Words {
    interface_list: "인터페이스 목록",
    ipv4_table: "IPv4 경로 테이블",
    ipv6_table: "IPv6 경로 테이블",
    active: "활성 경로:",
    persistent: "영구 경로:",
    none: "  없음",
    ipv4_heading: "    네트워크 대상  네트워크 마스크       게이트웨이       인터페이스 메트릭",
    ipv6_heading: " IF 메트릭 네트워크 대상            게이트웨이",
    persistent_heading: "    네트워크 주소  네트워크 마스크  게이트웨이 주소  메트릭",
    default_metric: "기본값",
    on_link: "연결됨",
    ..ENGLISH
};

/// What divides the parts.
const RULE: &str = "===========================================================================";
/// The width of an IPv6 prefix. A longer one has its gateway on a line of its own.
const PREFIX: usize = 24;

/// Writes the interfaces and the routes, of one family or of both.
pub fn write(out: &mut impl Write, routing: &Routing, family: Option<Family>, words: &Words) -> io::Result<()> {
    writeln!(out, "{RULE}\n{}", words.interface_list)?;
    for interface in &routing.interfaces {
        write_interface(out, interface)?;
    }
    writeln!(out, "{RULE}")?;
    if family != Some(Family::V6) {
        writeln!(out, "\n{}\n{RULE}", words.ipv4_table)?;
        write_active(out, &routing.ipv4, words.ipv4_heading, words, write_ipv4)?;
        write_persistent(out, &routing.persistent_ipv4, words)?;
    }
    if family == Some(Family::V4) {
        return Ok(());
    }
    writeln!(out, "\n{}\n{RULE}", words.ipv6_table)?;
    write_active(out, &routing.ipv6, words.ipv6_heading, words, write_ipv6)?;
    writeln!(out, "{}\n{}", words.persistent, words.none)
}

/// The routes in use of one family, each as `write_route` writes it.
fn write_active<W: Write, T>(
    out: &mut W,
    routes: &[T],
    heading: &str,
    words: &Words,
    write_route: impl Fn(&mut W, &T, &Words) -> io::Result<()>,
) -> io::Result<()> {
    writeln!(out, "{}", words.active)?;
    if routes.is_empty() {
        return writeln!(out, "{}", words.none);
    }
    writeln!(out, "{heading}")?;
    for route in routes {
        write_route(out, route, words)?;
    }
    writeln!(out, "{RULE}")
}

fn write_interface(out: &mut impl Write, interface: &Interface) -> io::Result<()> {
    let Interface { index, hardware_address, name } = interface;
    write!(out, "{index:>3}...")?;
    if hardware_address.is_empty() {
        write!(out, "..................")?;
    }
    for byte in hardware_address {
        write!(out, "{byte:02x} ")?;
    }
    writeln!(out, "......{}", escape(name))
}

fn write_ipv4(out: &mut impl Write, route: &Ipv4Route, words: &Words) -> io::Result<()> {
    let mask = netmask(route.prefix_length);
    let gateway = right_aligned(&gateway(route.gateway, words), 15);
    let interface = route.interface_address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    writeln!(out, "{:>17}  {mask:>15}  {gateway}  {interface:>15}  {:>5}", route.destination, route.metric)
}

fn write_ipv6(out: &mut impl Write, route: &Ipv6Route, words: &Words) -> io::Result<()> {
    let prefix = format!("{}/{}", route.destination, route.prefix_length);
    let gateway = gateway(route.gateway, words);
    let Ipv6Route { interface, metric, .. } = route;
    if prefix.len() > PREFIX {
        writeln!(out, "{interface:>3} {metric:>6} {prefix}\n{:36}{gateway}", "")
    } else {
        writeln!(out, "{interface:>3} {metric:>6} {prefix:<PREFIX$} {gateway}")
    }
}

fn gateway(gateway: Gateway, words: &Words) -> String {
    match gateway {
        Gateway::Address(address) => address.to_string(),
        Gateway::OnLink => words.on_link.to_owned(),
        Gateway::Unreachable => words.unreachable.to_owned(),
        Gateway::Prohibited => words.prohibited.to_owned(),
        Gateway::Blackhole => words.blackhole.to_owned(),
        Gateway::Throw => words.throw.to_owned(),
    }
}

fn write_persistent(out: &mut impl Write, routes: &[PersistentRoute], words: &Words) -> io::Result<()> {
    writeln!(out, "{}", words.persistent)?;
    if routes.is_empty() {
        return writeln!(out, "{}", words.none);
    }
    writeln!(out, "{}", words.persistent_heading)?;
    for PersistentRoute { destination, prefix_length, gateway, metric } in routes {
        let mask = netmask(*prefix_length);
        let metric = metric.map_or_else(|| right_aligned(words.default_metric, 6), |metric| format!("{metric:>6}"));
        writeln!(out, "{destination:>17}  {mask:>15}  {gateway:>15}  {metric}")?;
    }
    writeln!(out, "{RULE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(routing: &Routing) -> String {
        let mut text = Vec::new();
        write(&mut text, routing, None, &ENGLISH).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn ipv4(destination: &str, prefix_length: u8, gateway: Gateway, own: Option<&str>, metric: u32) -> Ipv4Route {
        Ipv4Route {
            destination: destination.parse().unwrap(),
            prefix_length,
            metric,
            gateway,
            interface_address: own.map(|own| own.parse().unwrap()),
            interface: 2,
        }
    }

    fn ipv6(destination: &str, prefix_length: u8, gateway: Gateway, interface: u32, metric: u32) -> Ipv6Route {
        Ipv6Route { destination: destination.parse().unwrap(), prefix_length, metric, gateway, interface }
    }

    #[test]
    fn the_whole_view() {
        let router = |address: &str| Gateway::Address(address.parse().unwrap());
        let interface = |index, hardware_address: &[u8], name: &str| Interface {
            index,
            hardware_address: hardware_address.to_vec(),
            name: name.to_owned(),
        };
        let routing = Routing {
            interfaces: vec![
                interface(1, &[], "lo"),
                interface(2, &[0x02, 0xfc, 0, 0, 0, 0x0a], "eth0"),
                interface(1234, &[], "evil\u{1b}[2J"),
            ],
            ipv4: vec![
                ipv4("0.0.0.0", 0, router("192.168.100.254"), Some("192.168.100.100"), 600),
                ipv4("10.0.0.0", 8, Gateway::Blackhole, None, 0),
                ipv4("192.168.100.100", 32, Gateway::OnLink, Some("192.168.100.100"), 123_456),
            ],
            ipv6: vec![
                ipv6("::", 0, router("fe80::1"), 2, 1024),
                ipv6("::1", 128, Gateway::OnLink, 1, 0),
                ipv6("2001:db8:1111:2222::", 64, Gateway::OnLink, 2, 4_294_967_295),
                ipv6("2001:db8:1111:22::33", 128, Gateway::OnLink, 2, 0),
                ipv6("2001:db8:1111:22::333", 128, router("fe80::1"), 1234, 0),
                ipv6("2001:db8:f::", 48, Gateway::Unreachable, 0, 7),
            ],
            persistent_ipv4: Vec::new(),
        };
        assert_eq!(
            print(&routing),
            "===========================================================================\n\
             Interface List\n\
             \x20 1...........................lo\n\
             \x20 2...02 fc 00 00 00 0a ......eth0\n\
             1234...........................evil\\u{1b}[2J\n\
             ===========================================================================\n\
             \n\
             IPv4 Route Table\n\
             ===========================================================================\n\
             Active Routes:\n\
             Network Destination        Netmask          Gateway       Interface  Metric\n\
             \x20         0.0.0.0          0.0.0.0  192.168.100.254  192.168.100.100    600\n\
             \x20        10.0.0.0        255.0.0.0        Blackhole                -      0\n\
             \x20 192.168.100.100  255.255.255.255         On-link   192.168.100.100  123456\n\
             ===========================================================================\n\
             Persistent Routes:\n\
             \x20 None\n\
             \n\
             IPv6 Route Table\n\
             ===========================================================================\n\
             Active Routes:\n\
             \x20If Metric Network Destination      Gateway\n\
             \x20 2   1024 ::/0                     fe80::1\n\
             \x20 1      0 ::1/128                  On-link \n\
             \x20 2 4294967295 2001:db8:1111:2222::/64  On-link \n\
             \x20 2      0 2001:db8:1111:22::33/128 On-link \n\
             1234      0 2001:db8:1111:22::333/128\n\
             \x20                                   fe80::1\n\
             \x20 0      7 2001:db8:f::/48          Unreachable\n\
             ===========================================================================\n\
             Persistent Routes:\n\
             \x20 None\n"
        );
    }

    #[test]
    fn a_family_without_routes_says_none() {
        let text = print(&Routing::default());
        assert!(text.ends_with(&format!("IPv6 Route Table\n{RULE}\nActive Routes:\n  None\nPersistent Routes:\n  None\n")));
    }

    #[test]
    fn persistent_routes_have_a_heading_and_a_rule_of_their_own() {
        let route = |metric| PersistentRoute {
            destination: "10.1.0.0".parse().unwrap(),
            prefix_length: 16,
            gateway: "192.168.100.254".parse().unwrap(),
            metric,
        };
        let routing = Routing { persistent_ipv4: vec![route(None), route(Some(5))], ..Routing::default() };
        let expected = "Persistent Routes:\n\
             \x20 Network Address          Netmask  Gateway Address  Metric\n\
             \x20        10.1.0.0      255.255.0.0  192.168.100.254  Default\n\
             \x20        10.1.0.0      255.255.0.0  192.168.100.254       5\n\
             ===========================================================================\n\
             \nIPv6 Route Table\n";
        assert!(print(&routing).contains(expected), "{}", print(&routing));
    }

    #[test]
    fn korean_headings_end_where_their_columns_do() {
        use crate::output::width::width;
        let ends =
            |heading: &str, words: [&str; 4]| words.map(|word| width(&heading[..heading.find(word).unwrap() + word.len()]));
        assert_eq!(ends(KOREAN.ipv4_heading, ["대상", "마스크", "게이트웨이", "인터페이스"]), [17, 34, 51, 68]);
        assert_eq!(width(KOREAN.ipv4_heading), 75);
        assert_eq!(ends(KOREAN.persistent_heading, ["네트워크 주소", "마스크", "게이트웨이 주소", "메트릭"]), [17, 34, 51, 59]);
        let begin = KOREAN.ipv6_heading.find("게이트웨이").unwrap();
        assert_eq!(width(&KOREAN.ipv6_heading[..begin]), 36);
    }
}
