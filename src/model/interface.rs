//! What the network interfaces have carried (`-e`).

/// The counters of all network interfaces together, without the loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceTotals {
    /// What came in.
    pub received: Traffic,
    /// What went out.
    pub sent: Traffic,
    /// Packets received that no protocol handles.
    pub unknown_protocols: u64,
    /// The fields that are 0 because this system does not count such a thing, such as `sent.non_unicast_packets`.
    pub unavailable: Vec<&'static str>,
}

impl InterfaceTotals {
    /// Adds the counters of an interface, except for the list of those that are unavailable.
    pub fn add(&mut self, other: &Self) {
        self.received.add(&other.received);
        self.sent.add(&other.sent);
        self.unknown_protocols = self.unknown_protocols.saturating_add(other.unknown_protocols);
    }
}

/// The counters of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes, headers of the link layer included.
    pub bytes: u64,
    /// Packets to one receiver. Where a system does not count the others apart, they are among these.
    pub unicast_packets: u64,
    /// Packets to a group or to everybody, as far as they are counted.
    pub non_unicast_packets: u64,
    /// Packets without error that were discarded.
    pub discards: u64,
    /// Packets with an error.
    pub errors: u64,
}

impl Traffic {
    fn add(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.unicast_packets = self.unicast_packets.saturating_add(other.unicast_packets);
        self.non_unicast_packets = self.non_unicast_packets.saturating_add(other.non_unicast_packets);
        self.discards = self.discards.saturating_add(other.discards);
        self.errors = self.errors.saturating_add(other.errors);
    }
}
