//! Names of ports: the system's services file, and a small table of our own for what it lacks.

use crate::model::socket::Protocol;
use std::collections::HashMap;
use std::path::Path;

/// The ports that a services file may lack, with the names that IANA registered.
const BUILT_IN: [(u16, Protocol, &str); 30] = [
    (20, Protocol::Tcp, "ftp-data"),
    (21, Protocol::Tcp, "ftp"),
    (22, Protocol::Tcp, "ssh"),
    (23, Protocol::Tcp, "telnet"),
    (25, Protocol::Tcp, "smtp"),
    (53, Protocol::Tcp, "domain"),
    (53, Protocol::Udp, "domain"),
    (67, Protocol::Udp, "bootps"),
    (68, Protocol::Udp, "bootpc"),
    (69, Protocol::Udp, "tftp"),
    (80, Protocol::Tcp, "http"),
    (88, Protocol::Tcp, "kerberos"),
    (110, Protocol::Tcp, "pop3"),
    (123, Protocol::Udp, "ntp"),
    (135, Protocol::Tcp, "epmap"),
    (137, Protocol::Udp, "netbios-ns"),
    (143, Protocol::Tcp, "imap"),
    (161, Protocol::Udp, "snmp"),
    (389, Protocol::Tcp, "ldap"),
    (443, Protocol::Tcp, "https"),
    (443, Protocol::Udp, "https"),
    (445, Protocol::Tcp, "microsoft-ds"),
    (546, Protocol::Udp, "dhcpv6-client"),
    (547, Protocol::Udp, "dhcpv6-server"),
    (1433, Protocol::Tcp, "ms-sql-s"),
    (1521, Protocol::Tcp, "oracle"),
    (3306, Protocol::Tcp, "mysql"),
    (3389, Protocol::Tcp, "ms-wbt-server"),
    (5353, Protocol::Udp, "mdns"),
    (5432, Protocol::Tcp, "postgresql"),
];

/// The aliases that a services file may lack, as Debian and Windows have them.
const BUILT_IN_ALIASES: [(&str, u16); 2] = [("www", 80), ("mail", 25)];

/// The names of ports.
#[derive(Debug, Default)]
pub struct Services {
    names: HashMap<(u16, Protocol), Box<str>>,
    /// Further names, which are understood but not shown.
    aliases: Vec<(Box<str>, u16)>,
}

impl Services {
    /// Reads the services file at `path`; without one there is the built-in table alone.
    pub fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Understands the text of a services file: `name port/protocol aliases…`, `#` before a comment.
    pub fn parse(text: &str) -> Self {
        let mut names: HashMap<_, Box<str>> = HashMap::new();
        let mut aliases = Vec::new();
        for (port, protocol, name, others) in text.lines().filter_map(entry) {
            // The first line of a port has its name, as in the system's own look-up (getservbyport).
            if &**names.entry((port, protocol)).or_insert_with(|| name.into()) != name {
                aliases.push((name.into(), port));
            }
            aliases.extend(others.map(|alias| (alias.into(), port)));
        }
        for (port, protocol, name) in BUILT_IN {
            names.entry((port, protocol)).or_insert_with(|| name.into());
        }
        aliases.extend(BUILT_IN_ALIASES.map(|(alias, port)| (alias.into(), port)));
        Self { names, aliases }
    }

    /// The name of a port; port 0 has none.
    pub fn name(&self, port: u16, protocol: Protocol) -> Option<&str> {
        self.names.get(&(port, protocol)).filter(|_| port != 0).map(AsRef::as_ref)
    }

    /// Every port that has this name or alias, in either protocol, ascending.
    pub fn ports(&self, name: &str) -> Vec<u16> {
        let named = self.names.iter().filter(|(_, known)| known.eq_ignore_ascii_case(name));
        let aliased = self.aliases.iter().filter(|(alias, _)| alias.eq_ignore_ascii_case(name));
        let mut ports: Vec<u16> = named.map(|(&(port, _), _)| port).chain(aliased.map(|&(_, port)| port)).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// The port, the protocol, the name and the aliases of a line.
fn entry(line: &str) -> Option<(u16, Protocol, &str, impl Iterator<Item = &str>)> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let name = words.next()?;
    let (port, protocol) = words.next()?.split_once('/')?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    Some((port.parse().ok()?, protocol, name, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_port_is_shown_and_comments_are_skipped() {
        let services = Services::parse("# a comment\nweb 80/tcp www # 81/tcp\nlater 80/tcp\nweb 80/sctp\nalt 8080/tcp\n");
        assert_eq!(services.name(80, Protocol::Tcp), Some("web"));
        assert_eq!(services.name(80, Protocol::Udp), None);
        assert_eq!(services.name(81, Protocol::Tcp), None);
        assert_eq!(services.ports("ALT"), [8080]);
    }

    #[test]
    fn aliases_and_later_names_are_understood_but_not_shown() {
        let services = Services::parse("http 80/tcp www # WorldWideWeb\nkerberos 88/udp kerberos5 krb5 www\nlater 80/tcp\n");
        assert_eq!((services.ports("WWW"), services.ports("krb5"), services.ports("later")), (vec![80, 88], vec![88], vec![80]));
        assert!(services.ports("WorldWideWeb").is_empty());
        assert_eq!(services.name(80, Protocol::Tcp), Some("http"));
    }

    #[test]
    fn well_known_ports_have_names_without_a_file() {
        let services = Services::parse("");
        for (port, protocol) in [
            (20, Protocol::Tcp),
            (21, Protocol::Tcp),
            (22, Protocol::Tcp),
            (23, Protocol::Tcp),
            (53, Protocol::Udp),
            (67, Protocol::Udp),
            (68, Protocol::Udp),
            (69, Protocol::Udp),
            (80, Protocol::Tcp),
            (443, Protocol::Tcp),
            (1521, Protocol::Tcp),
            (3306, Protocol::Tcp),
            (3389, Protocol::Tcp),
        ] {
            assert!(services.name(port, protocol).is_some(), "{port}");
        }
        assert_eq!(services.name(0, Protocol::Tcp), None);
    }

    #[test]
    fn malformed_lines_are_skipped() {
        let services = Services::parse("broken\nbroken 80\nbroken x/tcp\nbroken 70000/tcp\nfine 81/udp\n");
        assert_eq!(services.name(81, Protocol::Udp), Some("fine"));
        assert!(services.ports("broken").is_empty());
    }
}
