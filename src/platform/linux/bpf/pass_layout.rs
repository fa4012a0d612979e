//! Where the kernel's socket tables are and how they look: offsets, sizes and type ids out of the running kernel's BTF.

use super::btf::{BtfError, Field, Types};

/// A field of a structure of the kernel's, and the name of both in a message.
type Name = (&'static [u8], &'static [u8], &'static str);

/// Names the fields of [`FIELDS`] and their places in it.
macro_rules! fields {
    ($($index:ident $structure:literal $member:literal),+ $(,)?) => {
        #[derive(Clone, Copy)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($index),+ }
        const FIELDS: [Name; [$(Index::$index),+].len()] =
            [$(($structure.as_bytes(), $member.as_bytes(), concat!($structure, ".", $member))),+];
    };
}

fields! {
    TaskNsproxy "task_struct" "nsproxy",
    NsproxyNet "nsproxy" "net_ns",
    NetIpv4 "net" "ipv4",
    NetNs "net" "ns",
    NetList "net" "list",
    NetHashMix "net" "hash_mix",
    NsInum "ns_common" "inum",
    NsOps "ns_common" "ops",
    Ipv4DeathRow "netns_ipv4" "tcp_death_row",
    Ipv4UdpTable "netns_ipv4" "udp_table",
    DeathRowHashinfo "inet_timewait_death_row" "hashinfo",
    Ehash "inet_hashinfo" "ehash",
    EhashMask "inet_hashinfo" "ehash_mask",
    Lhash2 "inet_hashinfo" "lhash2",
    Lhash2Mask "inet_hashinfo" "lhash2_mask",
    EhashChain "inet_ehash_bucket" "chain",
    Lhash2Head "inet_listen_hashbucket" "nulls_head",
    UdpHash "udp_table" "hash",
    UdpMask "udp_table" "mask",
    UdpHead "udp_hslot" "head",
    Daddr "sock_common" "skc_daddr",
    RcvSaddr "sock_common" "skc_rcv_saddr",
    Hash "sock_common" "skc_hash",
    Dport "sock_common" "skc_dport",
    Num "sock_common" "skc_num",
    Family "sock_common" "skc_family",
    State "sock_common" "skc_state",
    BoundDevIf "sock_common" "skc_bound_dev_if",
    Net "sock_common" "skc_net",
    NullsNode "sock_common" "skc_nulls_node",
    Node "sock_common" "skc_node",
    Addrpair "sock_common" "skc_addrpair",
    SockCommon "sock" "__sk_common",
    SkUid "sock" "sk_uid",
    SkSocket "sock" "sk_socket",
    SkAckBacklog "sock" "sk_ack_backlog",
    SkMaxAckBacklog "sock" "sk_max_ack_backlog",
    SkRmemAlloc "sock" "sk_backlog.rmem_alloc",
    SkWmemAlloc "sock" "sk_wmem_alloc",
    VfsInode "socket_alloc" "vfs_inode",
    SocketOfAlloc "socket_alloc" "socket",
    InodeNumber "inode" "i_ino",
    RcvNxt "tcp_sock" "rcv_nxt",
    CopiedSeq "tcp_sock" "copied_seq",
    WriteSeq "tcp_sock" "write_seq",
    SndUna "tcp_sock" "snd_una",
    ForwardDeficit "udp_sock" "forward_deficit",
    TwSubstate "inet_timewait_sock" "tw_substate",
    In6Addr "in6_addr" "in6_u",
    // Not in every kernel: these stand last.
    V6Daddr "sock_common" "skc_v6_daddr",
    V6RcvSaddr "sock_common" "skc_v6_rcv_saddr",
    TimerEntry "timer_list" "entry",
    TimerExpires "timer_list" "expires",
    Pprev "hlist_node" "pprev",
    SkTimer "sock" "sk_timer",
    TwTimer "inet_timewait_sock" "tw_timer",
    RskTimer "request_sock" "rsk_timer",
    IcskPending "inet_connection_sock" "icsk_pending",
    IcskRetransmitTimer "inet_connection_sock" "icsk_retransmit_timer",
    IcskTimeout "inet_connection_sock" "icsk_timeout",
    IcskKeepaliveTimer "inet_connection_sock" "icsk_keepalive_timer",
    Bhash2 "inet_hashinfo" "bhash2",
    BhashSize "inet_hashinfo" "bhash_size",
    BhashChain "inet_bind_hashbucket" "chain",
    PortNode "inet_bind2_bucket" "node",
    // Since sockets of every state are linked by one field (6.8).
    PortBhashNode "inet_bind2_bucket" "bhash_node",
    PortOwners "inet_bind2_bucket" "owners",
    BindNode "sock_common" "skc_bind_node",
    SkIno "sock" "sk_ino",
    SocketFile "socket" "file",
}

/// The kernel functions that the program calls.
const FUNCTIONS: [&str; 3] = ["bpf_rdonly_cast", "bpf_rcu_read_lock", "bpf_rcu_read_unlock"];

/// Everything that the pass has to know of the running kernel. Offsets and sizes are in bytes; `type_…` are BTF ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named after the kernel's fields
pub struct PassLayout {
    pub type_task: u32,
    pub type_nsproxy: u32,
    pub type_net: u32,
    pub type_hashinfo: u32,
    pub type_udp_table: u32,
    pub type_sock: u32,
    pub type_sock_common: u32,
    pub type_tcp_sock: u32,
    pub type_udp_sock: u32,
    pub type_timewait: u32,
    pub type_socket_alloc: u32,
    pub type_in6_addr: u32,
    pub cast: u32,
    pub rcu_read_lock: u32,
    pub rcu_read_unlock: u32,

    pub task_nsproxy: i16,
    pub nsproxy_net: i16,
    /// `struct net`: `ipv4.tcp_death_row.hashinfo`, `ipv4.udp_table`, `ns.inum`, `ns.ops`, `list` and `hash_mix`.
    pub net_hashinfo: i16,
    pub net_udp_table: i16,
    pub net_inum: i16,
    pub net_ops: i16,
    pub net_list: i16,
    pub net_hash_mix: i16,

    pub ehash: i16,
    pub ehash_mask: i16,
    pub lhash2: i16,
    pub lhash2_mask: i16,
    pub udp_hash: i16,
    pub udp_mask: i16,
    /// Of each table the size of a bucket, and where in it the chain begins.
    pub ehash_bucket: Bucket,
    pub lhash2_bucket: Bucket,
    pub udp_bucket: Bucket,

    pub daddr: i16,
    pub rcv_saddr: i16,
    pub v6: Option<Ipv6Addresses>,
    pub hash: i16,
    pub dport: i16,
    pub num: i16,
    pub family: i16,
    pub state: i16,
    pub bound_dev_if: i16,
    pub net: i16,
    /// The link of a chain, whichever table it is.
    pub node: i16,

    pub sk_uid: i16,
    /// `sock.sk_ino`, in newer kernels (6.18).
    pub sk_ino: Option<i16>,
    /// `sock.sk_socket`, and from a `struct socket` to the number of the inode beside it.
    pub sk_socket: i16,
    pub socket_inode: i16,
    /// `socket.file`
    pub socket_file: Option<i16>,
    pub sk_ack_backlog: i16,
    pub sk_max_ack_backlog: i16,
    pub sk_rmem_alloc: i16,
    pub sk_wmem_alloc: i16,
    pub rcv_nxt: i16,
    pub copied_seq: i16,
    pub write_seq: i16,
    pub snd_una: i16,
    pub forward_deficit: i16,
    pub tw_substate: i16,
    /// `None` if the timers are kept in another way.
    pub timers: Option<Timers>,
    /// `None` before Linux 6.8.
    pub bound: Option<BoundPorts>,
}

/// How the ports are linked that are bound, and the sockets that are bound to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct BoundPorts {
    /// `inet_hashinfo.bhash2` and `inet_hashinfo.bhash_size`.
    pub table: i16,
    pub buckets: i16,
    pub bucket: Bucket,
    /// `inet_bind2_bucket.node` and `inet_bind2_bucket.owners`.
    pub port_node: i16,
    pub port_owners: i16,
    /// `sock_common.skc_bind_node`
    pub socket_node: i16,
    /// The link back of a link.
    pub pprev: i16,
}

/// Where timers stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Timers {
    pub type_request: u32,
    pub type_connection: u32,
    /// `inet_connection_sock.icsk_pending`, and when that ends: `icsk_timeout`, or the time of the timer itself (6.18).
    pub pending: i16,
    pub expires: i16,
    /// `inet_connection_sock.icsk_keepalive_timer` (6.12.118 of Debian) or, if there is none (6.18.44), `sock.sk_timer` of the socket
    /// that a connection begins with: when it ends, and the link that a timer has only if it runs.
    pub keepalive_expires: i16,
    pub keepalive_pprev: i16,
    pub timewait_expires: i16,
    pub request_expires: i16,
}

/// A bucket of a hash table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its size, so that of the table's step.
    pub size: i32,
    /// Where in it the first pointer of the chain stands.
    pub head: i16,
}

/// The addresses of an IPv6 socket, which a kernel without IPv6 does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ipv6Addresses {
    pub daddr: i16,
    pub rcv_saddr: i16,
}

impl PassLayout {
    /// Looks everything up in the bytes of [`btf::PATH`](super::btf::PATH), and refuses what the program would not fit.
    #[expect(clippy::indexing_slicing, reason = "an Index is a position of FIELDS")]
    pub fn find(btf: &[u8]) -> Result<Self, BtfError> {
        let mut types = Types::open(btf).ok_or(BtfError::Malformed)?;
        // Older kernels lack the functions, and need not be searched for anything else.
        if let Some(missing) = FUNCTIONS.into_iter().find(|function| !types.knows(function)) {
            return Err(BtfError::Missing(missing));
        }
        let (fields, functions) = types.find(&FIELDS, &FUNCTIONS)?;
        let optional = |index: Index| fields.get(index as usize).copied().flatten();
        let field =
            |index: Index| -> Result<Field, BtfError> { optional(index).ok_or(BtfError::Missing(FIELDS[index as usize].2)) };
        let offset = |index| field(index).map(|field| field.offset);
        let id = |index| field(index).map(|field| field.structure);
        let function = |index: usize| functions.get(index).copied().flatten().ok_or(BtfError::Missing(FUNCTIONS[index]));
        let [cast, rcu_read_lock, rcu_read_unlock] = [function(0)?, function(1)?, function(2)?];
        let sum = |outer: Index, inner: Index| -> Result<i16, BtfError> {
            offset(outer)?.checked_add(offset(inner)?).ok_or(BtfError::Missing(FIELDS[outer as usize].2))
        };
        // What the program takes for granted.
        let expect = |index: Index, holds: bool| if holds { Ok(()) } else { Err(BtfError::Unexpected(FIELDS[index as usize].2)) };
        let bucket = |head: Index| -> Result<Bucket, BtfError> {
            let Field { offset, size, .. } = field(head)?;
            expect(head, (8..=256).contains(&size) && size.is_multiple_of(8) && i64::from(offset) + 8 <= i64::from(size))?;
            Ok(Bucket { size: size.cast_signed(), head: offset })
        };
        expect(Index::Addrpair, offset(Index::Addrpair)? == 0)?;
        expect(Index::SockCommon, offset(Index::SockCommon)? == 0)?;
        expect(Index::In6Addr, field(Index::In6Addr)?.size == 16)?;
        expect(Index::SocketOfAlloc, offset(Index::SocketOfAlloc)? == 0)?;
        // Both ports are read as one number.
        expect(Index::Num, offset(Index::Num)? == offset(Index::Dport)? + 2 && offset(Index::Dport)?.rem_euclid(4) == 0)?;
        expect(Index::EhashChain, offset(Index::EhashChain)? == 0)?;
        expect(Index::UdpHead, offset(Index::UdpHead)? == 0)?;
        // One program walks chains of both kinds.
        expect(Index::NullsNode, offset(Index::NullsNode)? == offset(Index::Node)?)?;
        expect(Index::RcvSaddr, offset(Index::Daddr)? == 0 && offset(Index::RcvSaddr)? == 4)?;
        let death_row = sum(Index::NetIpv4, Index::Ipv4DeathRow)?;
        let v6 = match (optional(Index::V6Daddr), optional(Index::V6RcvSaddr)) {
            (Some(daddr), Some(rcv_saddr)) => Some(Ipv6Addresses { daddr: daddr.offset, rcv_saddr: rcv_saddr.offset }),
            _ => None,
        };
        let timers = || {
            let [entry, expires] = [offset(Index::TimerEntry).ok()?, offset(Index::TimerExpires).ok()?];
            let ends = |timer: Index| offset(timer).ok()?.checked_add(expires);
            let keepalive = optional(Index::IcskKeepaliveTimer).or_else(|| optional(Index::SkTimer))?.offset;
            Some(Timers {
                type_request: id(Index::RskTimer).ok()?,
                type_connection: id(Index::IcskPending).ok()?,
                pending: offset(Index::IcskPending).ok()?,
                expires: optional(Index::IcskTimeout).map(|field| field.offset).or_else(|| ends(Index::IcskRetransmitTimer))?,
                keepalive_expires: keepalive.checked_add(expires)?,
                keepalive_pprev: keepalive.checked_add(entry)?.checked_add(offset(Index::Pprev).ok()?)?,
                timewait_expires: ends(Index::TwTimer)?,
                request_expires: ends(Index::RskTimer)?,
            })
        };
        let bound = || {
            offset(Index::PortBhashNode).ok()?;
            Some(BoundPorts {
                table: offset(Index::Bhash2).ok()?,
                buckets: offset(Index::BhashSize).ok()?,
                bucket: bucket(Index::BhashChain).ok()?,
                port_node: offset(Index::PortNode).ok()?,
                port_owners: offset(Index::PortOwners).ok()?,
                socket_node: offset(Index::BindNode).ok()?,
                pprev: offset(Index::Pprev).ok()?,
            })
        };
        Ok(Self {
            timers: timers(),
            bound: bound(),
            type_task: id(Index::TaskNsproxy)?,
            type_nsproxy: id(Index::NsproxyNet)?,
            type_net: id(Index::NetIpv4)?,
            type_hashinfo: id(Index::Ehash)?,
            type_udp_table: id(Index::UdpHash)?,
            type_sock: id(Index::SkUid)?,
            type_sock_common: id(Index::Daddr)?,
            type_tcp_sock: id(Index::RcvNxt)?,
            type_udp_sock: id(Index::ForwardDeficit)?,
            type_timewait: id(Index::TwSubstate)?,
            type_socket_alloc: id(Index::VfsInode)?,
            type_in6_addr: id(Index::In6Addr)?,
            cast,
            rcu_read_lock,
            rcu_read_unlock,
            task_nsproxy: offset(Index::TaskNsproxy)?,
            nsproxy_net: offset(Index::NsproxyNet)?,
            net_hashinfo: death_row
                .checked_add(offset(Index::DeathRowHashinfo)?)
                .ok_or(BtfError::Missing(FIELDS[Index::DeathRowHashinfo as usize].2))?,
            net_udp_table: sum(Index::NetIpv4, Index::Ipv4UdpTable)?,
            net_inum: sum(Index::NetNs, Index::NsInum)?,
            net_ops: sum(Index::NetNs, Index::NsOps)?,
            net_list: offset(Index::NetList)?,
            net_hash_mix: offset(Index::NetHashMix)?,
            ehash: offset(Index::Ehash)?,
            ehash_mask: offset(Index::EhashMask)?,
            lhash2: offset(Index::Lhash2)?,
            lhash2_mask: offset(Index::Lhash2Mask)?,
            udp_hash: offset(Index::UdpHash)?,
            udp_mask: offset(Index::UdpMask)?,
            ehash_bucket: bucket(Index::EhashChain)?,
            lhash2_bucket: bucket(Index::Lhash2Head)?,
            udp_bucket: bucket(Index::UdpHead)?,
            daddr: offset(Index::Daddr)?,
            rcv_saddr: offset(Index::RcvSaddr)?,
            v6,
            hash: offset(Index::Hash)?,
            dport: offset(Index::Dport)?,
            num: offset(Index::Num)?,
            family: offset(Index::Family)?,
            state: offset(Index::State)?,
            bound_dev_if: offset(Index::BoundDevIf)?,
            net: offset(Index::Net)?,
            node: offset(Index::Node)?,
            sk_uid: offset(Index::SkUid)?,
            sk_ino: optional(Index::SkIno).map(|field| field.offset),
            sk_socket: offset(Index::SkSocket)?,
            socket_file: optional(Index::SocketFile).map(|field| field.offset),
            socket_inode: sum(Index::VfsInode, Index::InodeNumber)?,
            sk_ack_backlog: offset(Index::SkAckBacklog)?,
            sk_max_ack_backlog: offset(Index::SkMaxAckBacklog)?,
            sk_rmem_alloc: offset(Index::SkRmemAlloc)?,
            sk_wmem_alloc: offset(Index::SkWmemAlloc)?,
            rcv_nxt: offset(Index::RcvNxt)?,
            copied_seq: offset(Index::CopiedSeq)?,
            write_seq: offset(Index::WriteSeq)?,
            snd_una: offset(Index::SndUna)?,
            forward_deficit: offset(Index::ForwardDeficit)?,
            tw_substate: offset(Index::TwSubstate)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::bpf::btf::{FUNC, PATH};
    use crate::platform::linux::bpf::task_layout::tests::Builder;
    use std::collections::BTreeMap;

    /// A kernel that has every function and every field, one after another at multiples of 8 bytes, but those that `change` moves.
    fn kernel(change: impl Fn(&str) -> Option<u32>) -> Vec<u8> {
        let mut btf = Builder::new();
        let function = btf.add("", 13 << 24, 0, &[]);
        for name in FUNCTIONS {
            btf.add(name, FUNC << 24, function, &[]);
        }
        let nested = btf.structure("", &[("rmem_alloc", 0, 32)]);
        let mut structures = BTreeMap::<&str, Vec<(&str, u32, u32)>>::new();
        for (structure, member, label) in FIELDS {
            let (structure, member) = (std::str::from_utf8(structure).unwrap(), std::str::from_utf8(member).unwrap());
            let members = structures.entry(structure).or_default();
            let usual = match label {
                "sock_common.skc_addrpair" | "sock_common.skc_daddr" | "socket_alloc.socket" | "sock.__sk_common" => 0,
                "sock_common.skc_rcv_saddr" => 4 * 8,
                "sock_common.skc_hash" => 8 * 8,
                "sock_common.skc_dport" => 12 * 8,
                "sock_common.skc_num" => 14 * 8,
                "sock_common.skc_node" | "sock_common.skc_nulls_node" => 104 * 8,
                "inet_ehash_bucket.chain" | "inet_listen_hashbucket.nulls_head" | "udp_hslot.head" => 0,
                _ => 128 * 8 + 64 * members.len() as u32,
            };
            let offset = change(label).unwrap_or(usual);
            if offset != u32::MAX {
                let kind = if member == "sk_backlog.rmem_alloc" { nested } else { 0 };
                members.push((member.split('.').next().unwrap(), kind, offset));
            }
        }
        for (structure, members) in structures {
            let more: Vec<u32> = members.iter().flat_map(|&(name, kind, offset)| [btf.string(name), kind, offset]).collect();
            let size = if structure == "in6_addr" { 16 } else { 8 };
            btf.add(structure, super::super::btf::STRUCT << 24 | members.len() as u32, size, &more);
        }
        btf.build()
    }

    #[test]
    fn every_field_is_found_and_members_of_members_are_added_up() {
        let layout = PassLayout::find(&kernel(|_| None)).unwrap();
        assert_eq!((layout.rcv_saddr, layout.hash, layout.dport, layout.num, layout.node), (4, 8, 12, 14, 104));
        assert_eq!(layout.ehash_bucket, Bucket { size: 8, head: 0 });
        let missing = |label| PassLayout::find(&kernel(|other| (other == label).then_some(u32::MAX)));
        // The first of its structure stands at 128, the second 8 bytes on, and the nested one 4 bytes into it.
        assert_eq!(layout.sk_rmem_alloc % 8, 4);
        assert!(layout.sk_ino.is_some());
        assert_eq!(missing("sock.sk_ino").unwrap().sk_ino, None);
        let keepalive = |layout: PassLayout| layout.timers.unwrap().keepalive_expires;
        let of_socket = missing("inet_connection_sock.icsk_keepalive_timer").unwrap();
        assert_ne!(keepalive(layout), keepalive(of_socket), "one timer is not taken for the other");
        assert_eq!(missing("inet_connection_sock.icsk_pending").unwrap().timers, None);
        assert_eq!(missing("sock_common.skc_v6_daddr").unwrap().v6, None);
        assert_eq!(missing("inet_hashinfo.lhash2"), Err(BtfError::Missing("inet_hashinfo.lhash2")));
    }

    #[test]
    fn a_layout_that_the_program_does_not_fit_is_refused() {
        for (label, offset) in [
            ("sock_common.skc_addrpair", 64),
            ("sock_common.skc_num", 18 * 8),
            ("sock_common.skc_nulls_node", 112 * 8),
            ("sock_common.skc_rcv_saddr", 16 * 8),
            ("inet_listen_hashbucket.nulls_head", 8 * 8),
            ("socket_alloc.socket", 64),
            ("sock.__sk_common", 64),
        ] {
            let found = PassLayout::find(&kernel(|other| (other == label).then_some(offset)));
            assert!(matches!(found, Err(BtfError::Unexpected(_))), "{label}: {found:?}");
        }
    }

    #[test]
    fn a_kernel_without_the_functions_is_not_searched() {
        let mut btf = Builder::new();
        btf.structure("sock_common", &[("skc_daddr", 0, 0)]);
        assert_eq!(PassLayout::find(&btf.build()), Err(BtfError::Missing("bpf_rdonly_cast")));
        assert_eq!(PassLayout::find(b""), Err(BtfError::Malformed));
    }

    #[test]
    fn the_running_kernels_own_description_is_understood() {
        let Ok(btf) = std::fs::read(PATH) else {
            eprintln!("SKIPPED: this kernel has no {PATH}");
            return;
        };
        match PassLayout::find(&btf) {
            Ok(layout) => assert!(layout.node > layout.num && layout.ehash_bucket.size >= 8, "{layout:?}"),
            Err(error) => eprintln!("SKIPPED: {error}"),
        }
    }
}
