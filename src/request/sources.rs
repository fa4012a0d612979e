//! Where sockets and owners come from on a system that has several ways to read them (Linux).

/// The sources of a query. A source that is forced and cannot serve is a problem; no other takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The source of the rows.
    pub sockets: SocketSource,
    /// The source of their owners.
    pub owners: OwnerSource,
}

/// The source of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketSource {
    /// What is cheapest on this host.
    #[default]
    Auto,
    /// The kernel's hash tables, read by an eBPF program.
    Bpf,
    /// The kernel's dumps (`sock_diag`).
    Netlink,
    /// The text files of `/proc`.
    Proc,
}

/// The source of owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnerSource {
    /// What is cheapest on this host.
    #[default]
    Auto,
    /// eBPF programs that iterate over tasks and their files.
    Bpf,
    /// A scan of the descriptors under `/proc`.
    Proc,
}

impl SocketSource {
    /// Every source with its name on the command line.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Auto, "auto"), (Self::Bpf, "bpf"), (Self::Netlink, "netlink"), (Self::Proc, "proc")];
}

impl OwnerSource {
    /// Every source with its name on the command line.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Auto, "auto"), (Self::Bpf, "bpf"), (Self::Proc, "proc")];
}
