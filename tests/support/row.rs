//! A row of the table, whichever program reports it, and the table that rnetstat prints.

use std::net::{IpAddr, Ipv4Addr};

/// One socket: the fields of one row of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// `TCP` or `UDP`.
    pub protocol: String,
    /// As printed: `127.0.0.1:80`.
    pub local: String,
    /// As printed.
    pub remote: String,
    /// The state's word; empty for UDP.
    pub state: String,
    /// The owner column; empty if it was not asked for.
    pub owner: String,
}

impl Row {
    /// The same row without its owner, to compare with a reference that has no owners.
    pub fn anonymous(&self) -> Self {
        Self { owner: String::new(), ..self.clone() }
    }
}

/// An endpoint as the table prints it: mapped addresses as IPv4, a scope for link-local addresses alone.
pub fn endpoint(address: IpAddr, scope: u32, port: u16) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => {
            let local = address.is_unicast_link_local() || [0xff01, 0xff02].contains(&(address.segments()[0] & 0xff0f));
            if local && scope != 0 { format!("[{address}%{scope}]:{port}") } else { format!("[{address}]:{port}") }
        }
    }
}

/// The foreign endpoint: `*:*` for a UDP socket without a peer, and the wildcard of an IPv4 row is IPv4's.
pub fn remote_endpoint(protocol: &str, local: IpAddr, address: IpAddr, scope: u32, port: u16) -> String {
    match (address.to_canonical().is_unspecified(), port) {
        (true, 0) if protocol == "UDP" => "*:*".to_owned(),
        (true, _) if local.to_canonical().is_ipv4() => endpoint(Ipv4Addr::UNSPECIFIED.into(), scope, port),
        _ => endpoint(address, scope, port),
    }
}

/// The rows of a table that rnetstat printed with `-n`; `owner` says whether `-o` was among the switches.
pub fn parse(table: &str, owner: bool) -> Vec<Row> {
    let lines: Vec<&str> = table.split('\n').collect();
    assert_eq!(lines[..3], ["", "Active Connections", ""], "{table}");
    assert!(lines[3].starts_with("  Proto  Local Address          Foreign Address        State"), "{table}");
    assert_eq!(lines.last(), Some(&""), "the last line has no end: {table}");
    let rows = lines[4..lines.len() - 1].iter().map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let states = usize::from(fields[0] == "TCP");
        assert_eq!(fields.len(), 3 + states + usize::from(owner), "{line}");
        Row {
            protocol: fields[0].to_owned(),
            local: fields[1].to_owned(),
            remote: fields[2].to_owned(),
            state: if states == 1 { fields[3].to_owned() } else { String::new() },
            owner: if owner { fields[3 + states].to_owned() } else { String::new() },
        }
    });
    rows.collect()
}

/// Compares two tables as multisets, and reports what is missing and what is too many.
pub fn assert_same(ours: &[Row], theirs: &[Row], reference: &str) {
    let mut missing = theirs.to_vec();
    let mut extra = Vec::new();
    for row in ours {
        match missing.iter().position(|other| other == row) {
            Some(place) => drop(missing.swap_remove(place)),
            None => extra.push(row),
        }
    }
    assert!(
        missing.is_empty() && extra.is_empty(),
        "rnetstat and {reference} differ\nonly {reference} has: {missing:#?}\nonly rnetstat has: {extra:#?}"
    );
}
