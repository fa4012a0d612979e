//! The column registry: each column of a table of sockets is defined once, in [`Column::definition`].
//!
//! The classic table's columns behind the state, the wide table, CSV, the fields of JSON, the keys of `--sort` and what has
//! to be read for any of them derive from these definitions. A new column is a variant with its definition here, its
//! accessor in [`crate::moment::row::Row::value`], and what fills it in the platform's parser.

mod definition;
pub mod tcp;

pub use definition::{Classic, ClassicCell, Definition, ValueKind};

use super::needs::Needs;
use super::unit::Unit;
use crate::lookup::rates::Rate;
use crate::model::details::WantedDetails;
use crate::model::exposure::Exposure;
use crate::model::process::Facts;
use crate::model::socket::{Protocol, State};
use crate::model::system::{System, Systems};
use crate::model::tcp_info::TcpField;

/// A column of the table of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// `tcp` or `udp`.
    Protocol,
    /// `ipv4` or `ipv6`, as the row is shown.
    Family,
    /// The local address and port.
    Local,
    /// The local address alone.
    LocalAddress,
    /// The local port alone.
    LocalPort,
    /// The remote address and port.
    Remote,
    /// The remote address alone.
    RemoteAddress,
    /// The remote port alone.
    RemotePort,
    /// The interface that the socket is bound to.
    Interface,
    /// The TCP state.
    State,
    /// Bytes received and not yet read.
    ReceiveQueue,
    /// Bytes sent and not yet acknowledged.
    SendQueue,
    /// The timer that runs.
    Timer,
    /// The milliseconds until it ends.
    TimerMs,
    /// The user id of the socket's creator.
    Uid,
    /// What is known of the owners.
    OwnerStatus,
    /// Every process that owns the socket.
    Pid,
    /// Whether the network card does the TCP work.
    Offload,
    /// The differentiated services code point.
    Dscp,
    /// How long the connection has been in its state.
    TimeInState,
    /// The congestion control algorithm.
    Congestion,
    /// The name of the socket's user; if sockets have no user, that of the owner.
    User,
    /// The inode of the socket.
    Inode,
    /// The names of the owners.
    Process,
    /// The network namespace.
    Namespace,
    /// Their executables.
    Executable,
    /// Their command lines.
    CommandLine,
    /// When they were started.
    Started,
    /// The service that the socket speaks.
    Service,
    /// The range that the local port belongs to.
    Range,
    /// From where a listener can be reached.
    Exposure,
    /// The process at the other end, if that is on this host, or the service of a near peer.
    Peer,
    /// The protocol that is attached to a TCP connection in the kernel.
    UpperLayer,
    /// A number that the kernel keeps for the socket; defined in [`tcp`].
    Tcp(TcpField),
    /// The growth of a counter over an interval; defined in [`tcp`].
    Rate(Rate),
}

/// The systems whose sockets have queues.
const QUEUES: Systems = Systems::of(&[System::Linux, System::MacOs]);

/// Needs that several columns have.
mod needs {
    use super::{Facts, Needs, WantedDetails};

    pub(super) const EXECUTABLE: Needs = Needs { processes: Some(Facts { executable: true, ..Facts::NAME }), ..Needs::OWNERS };
    pub(super) const COMMAND_LINE: Needs =
        Needs { processes: Some(Facts { command_line: true, ..Facts::NAME }), ..Needs::OWNERS };
    pub(super) const USER: Needs = Needs { users: true, ..Needs::NOTHING };
    pub(super) const INTERFACE: Needs = Needs { interfaces: true, ..Needs::NOTHING };
    pub(super) const PEER: Needs = Needs { peers: true, ..Needs::PROCESSES };
    pub(super) const DSCP: Needs =
        Needs { details: WantedDetails { traffic_class: true, ..WantedDetails::NONE }, ..Needs::NOTHING };
    pub(super) const CONGESTION: Needs =
        Needs { details: WantedDetails { congestion: true, ..WantedDetails::NONE }, ..Needs::NOTHING };
    pub(super) const TIME_IN_STATE: Needs =
        Needs { time_in_state: true, details: WantedDetails { age: true, ..WantedDetails::NONE }, ..Needs::NOTHING };
}

const BYTES: ValueKind = ValueKind::Number(Unit::Bytes);
const MILLISECONDS: ValueKind = ValueKind::Number(Unit::Milliseconds);
const PROTOCOLS: [(u8, &str); 2] = [(Protocol::Tcp as u8, "tcp"), (Protocol::Udp as u8, "udp")];
/// The exposures in their order.
#[expect(clippy::indexing_slicing, reason = "the loop ends with the table")]
const EXPOSURES: [(u8, &str); Exposure::ALL.len()] = {
    let mut exposures = [(0, ""); Exposure::ALL.len()];
    let mut next = 0;
    while next < exposures.len() {
        exposures[next] = (Exposure::ALL[next] as u8, Exposure::ALL[next].word());
        next += 1;
    }
    exposures
};
/// The states in their order.
#[expect(clippy::indexing_slicing, reason = "the loop ends with the table")]
const STATES: [(u8, &str); State::ALL.len()] = {
    let mut states = [(0, ""); State::ALL.len()];
    let mut next = 0;
    while next < states.len() {
        states[next] = (State::ALL[next] as u8, State::ALL[next].word());
        next += 1;
    }
    states
};

/// Lists the columns that are not of a group.
macro_rules! general {
    ($($name:ident,)*) => {
        /// The columns that are not of a group.
        const GENERAL: [Column; [$(Column::$name),*].len()] = [$(Column::$name),*];

        impl Column {
            /// What the registry says of the column.
            pub const fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$name => const { &Self::$name.define() },)*
                    Self::Tcp(field) => tcp::definition_of_field(field),
                    Self::Rate(rate) => tcp::definition_of_rate(rate),
                }
            }
        }
    };
}

general! {
    Protocol,
    Family,
    Local,
    LocalAddress,
    LocalPort,
    Remote,
    RemoteAddress,
    RemotePort,
    Interface,
    State,
    ReceiveQueue,
    SendQueue,
    Timer,
    TimerMs,
    Uid,
    OwnerStatus,
    Pid,
    Offload,
    Dscp,
    TimeInState,
    Congestion,
    User,
    Inode,
    Process,
    Namespace,
    Executable,
    CommandLine,
    Started,
    Service,
    Range,
    Exposure,
    Peer,
    UpperLayer,
}

impl Column {
    /// Every column. Those of the classic table follow each other as they stand there, behind the state.
    #[expect(clippy::indexing_slicing, reason = "the three lists together are as long as the table")]
    pub const ALL: [Self; GENERAL.len() + TcpField::ALL.len() + Rate::ALL.len()] = {
        let mut all = [Self::Protocol; GENERAL.len() + TcpField::ALL.len() + Rate::ALL.len()];
        let mut next = 0;
        while next < all.len() {
            let (field, rate) = (next.wrapping_sub(GENERAL.len()), next.wrapping_sub(GENERAL.len() + TcpField::ALL.len()));
            all[next] = match next {
                _ if next < GENERAL.len() => GENERAL[next],
                _ if field < TcpField::ALL.len() => Self::Tcp(TcpField::ALL[field]),
                _ => Self::Rate(Rate::ALL[rate]),
            };
            next += 1;
        }
        all
    };

    /// The columns of the wide table if none are chosen. The last ones are left out first where they do not fit.
    pub const WIDE: &'static [Self] = &[
        Self::Protocol,
        Self::Local,
        Self::Remote,
        Self::State,
        Self::Pid,
        Self::Process,
        Self::User,
        Self::Service,
        Self::Peer,
    ];

    /// How many columns of the wide table are shown however narrow the terminal is.
    pub const ESSENTIAL: usize = 6;

    /// The columns of CSV if none are chosen.
    pub const CSV: &'static [Self] = &[
        Self::Protocol,
        Self::Family,
        Self::LocalAddress,
        Self::LocalPort,
        Self::RemoteAddress,
        Self::RemotePort,
        Self::Interface,
        Self::State,
        Self::ReceiveQueue,
        Self::SendQueue,
        Self::Timer,
        Self::TimerMs,
        Self::Uid,
        Self::User,
        Self::Inode,
        Self::OwnerStatus,
        Self::Pid,
        Self::Process,
        Self::Executable,
        Self::CommandLine,
        Self::Started,
        Self::Service,
        Self::Range,
    ];

    /// The columns whose fields a socket has in JSON if none are chosen.
    pub const JSON: &'static [Self] = &[
        Self::Protocol,
        Self::Family,
        Self::Local,
        Self::Remote,
        Self::State,
        Self::Interface,
        Self::ReceiveQueue,
        Self::SendQueue,
        Self::Timer,
        Self::TimerMs,
        Self::Uid,
        Self::User,
        Self::Inode,
        Self::OwnerStatus,
        Self::Pid,
        Self::Process,
        Self::Executable,
        Self::CommandLine,
        Self::Started,
        Self::Exposure,
    ];

    /// The columns that the metrics are made of.
    pub const METRICS: &'static [Self] = &[
        Self::Protocol,
        Self::Family,
        Self::LocalAddress,
        Self::LocalPort,
        Self::State,
        Self::ReceiveQueue,
        Self::SendQueue,
        Self::OwnerStatus,
        Self::Process,
        Self::Exposure,
        Self::Tcp(TcpField::Drops),
    ];

    /// The registry: one definition for each column.
    const fn define(self) -> Definition {
        use ClassicCell::{LowestName, LowestPid, Offload, Value};
        match self {
            Self::Protocol => Definition::new("protocol", "protocol", "Proto", "프로토콜").of_kind(ValueKind::Words(&PROTOCOLS)),
            Self::Family => Definition::new("family", "family", "Family", "주소 체계"),
            Self::Local => Definition::new("local", "local", "Local Address", "로컬 주소")
                .of_kind(ValueKind::Endpoint)
                .needing(needs::INTERFACE),
            Self::LocalAddress => Definition::new("local_address", "local.address", "Local IP", "로컬 IP")
                .of_kind(ValueKind::Address)
                .needing(needs::INTERFACE),
            Self::LocalPort => Definition::new("local_port", "local.port", "Local Port", "로컬 포트").number(),
            Self::Remote => Definition::new("remote", "remote", "Foreign Address", "외부 주소")
                .of_kind(ValueKind::Endpoint)
                .needing(needs::INTERFACE),
            Self::RemoteAddress => Definition::new("remote_address", "remote.address", "Foreign IP", "외부 IP")
                .of_kind(ValueKind::Address)
                .needing(needs::INTERFACE),
            Self::RemotePort => Definition::new("remote_port", "remote.port", "Foreign Port", "외부 포트").number(),
            Self::Interface => Definition::new("interface", "interface", "Interface", "인터페이스").needing(needs::INTERFACE),
            Self::State => Definition::new("state", "state", "State", "상태").of_kind(ValueKind::Words(&STATES)),
            Self::ReceiveQueue => {
                Definition::new("receive_queue", "receive_queue", "Recv-Q", "수신 대기").of_kind(BYTES).on(QUEUES)
            }
            Self::SendQueue => Definition::new("send_queue", "send_queue", "Send-Q", "송신 대기").of_kind(BYTES).on(QUEUES),
            Self::Timer => Definition::new("timer", "timer.kind", "Timer", "타이머").on(Systems::LINUX),
            Self::TimerMs => Definition::new("timer_ms", "timer.remaining_ms", "Timer ms", "타이머 ms")
                .of_kind(MILLISECONDS)
                .on(Systems::LINUX),
            Self::Uid => Definition::new("uid", "uid", "UID", "UID").number().on(Systems::LINUX),
            Self::OwnerStatus => Definition::new("owner_status", "owner_status", "Owner", "소유").needing(Needs::OWNERS),
            Self::Pid => Definition::new("pid", "owners[].pid", "PID", "PID")
                .number()
                .needing(Needs::OWNERS)
                .classic("PID", "PID", 9, LowestPid),
            Self::Offload => {
                let column = Definition::new("offload", "offload", "Offload", "오프로드").without_order();
                column.classic("Offload State", "오프로드 상태", 15, Offload)
            }
            Self::Dscp => {
                let column = Definition::new("dscp", "dscp", "DSCP", "DSCP").number().on(Systems::LINUX);
                column.needing(needs::DSCP).classic("DSCP", "DSCP", 6, Value)
            }
            Self::TimeInState => {
                let column = Definition::new("time_in_state", "time_in_state_ms", "In State", "상태 유지").of_kind(MILLISECONDS);
                column.needing(needs::TIME_IN_STATE).classic("Time in State", "상태 유지 시간", 15, Value)
            }
            Self::Congestion => {
                let column = Definition::new("congestion", "congestion", "Congestion", "혼잡 제어").on(Systems::LINUX);
                column.needing(needs::CONGESTION).classic("Template", "템플릿", 18, Value)
            }
            Self::User => {
                let column = Definition::new("user", "user", "User", "사용자");
                column.needing(needs::USER).classic("User", "사용자", 11, Value)
            }
            Self::Inode => {
                let column = Definition::new("inode", "inode", "Inode", "Inode").number().on(Systems::LINUX);
                column.classic("Inode", "Inode", 11, Value)
            }
            Self::Process => {
                let column = Definition::new("process", "owners[].name", "Process", "프로세스");
                column.needing(Needs::PROCESSES).classic("Program", "프로그램", 17, LowestName)
            }
            Self::Namespace => {
                let column = Definition::new("namespace", "namespace", "Namespace", "네임스페이스").on(Systems::LINUX);
                column.classic("Namespace", "네임스페이스", 17, Value)
            }
            Self::Executable => {
                Definition::new("executable", "owners[].executable", "Executable", "실행 파일").needing(needs::EXECUTABLE)
            }
            Self::CommandLine => Definition::new("command_line", "owners[].command_line", "Command Line", "명령줄")
                .without_order()
                .needing(needs::COMMAND_LINE),
            Self::Started => Definition::new("started", "owners[].start_time", "Started", "시작 시각").needing(Needs::PROCESSES),
            Self::Service => Definition::new("service", "service", "Service", "서비스"),
            Self::Range => Definition::new("range", "range", "Range", "포트 범위"),
            Self::Exposure => Definition::new("exposure", "exposure", "Exposure", "노출").of_kind(ValueKind::Words(&EXPOSURES)),
            Self::Peer => Definition::new("peer", "peers[]", "Peer", "상대").without_order().needing(needs::PEER),
            Self::UpperLayer => {
                let column = Definition::new("upper_layer", "tcp_info.upper_layer", "Upper Layer", "상위 계층");
                column.on(Systems::LINUX).needing(tcp::UPPER_LAYER)
            }
            Self::Tcp(field) => tcp::define_field(field),
            Self::Rate(rate) => tcp::define_rate(rate),
        }
    }

    /// The name of the column, which is also its heading in CSV.
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// The column of a name, in any letter case, with hyphens or underscores, or of a word that other programs have for it.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('-', "_");
        let name = match name.as_str() {
            "port" => "local_port",
            "address" => "local_address",
            "proto" => "protocol",
            "program" => "process",
            "template" => "congestion",
            name => name,
        };
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Whether a system can fill the column.
    pub const fn is_on(self, system: System) -> bool {
        self.definition().systems.contains(system)
    }

    /// What all these columns need together.
    pub fn needs_of(columns: &[Self]) -> Needs {
        columns.iter().map(|column| column.definition().needs).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::OwnerSearch;
    use crate::request::language::Language;

    #[test]
    fn every_column_is_listed_once_and_found_by_its_name_alone() {
        for (position, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(Column::ALL.iter().position(|&other| other == column), Some(position));
            assert_eq!(Column::parse(column.name()), Some(column));
        }
        assert_eq!(Column::parse("Local-Address"), Some(Column::LocalAddress));
        assert_eq!(Column::parse("port"), Some(Column::LocalPort));
        assert_eq!(Column::parse("Program"), Some(Column::Process));
        assert_eq!(Column::parse("nothing"), None);
    }

    #[test]
    fn the_columns_of_the_classic_table_stand_in_the_order_of_the_contract() {
        let headings: Vec<_> = Column::ALL
            .into_iter()
            .filter_map(|column| column.definition().classic)
            .map(|classic| classic.heading(Language::En))
            .collect();
        assert_eq!(
            headings,
            ["PID", "Offload State", "DSCP", "Time in State", "Template", "User", "Inode", "Program", "Namespace"]
        );
    }

    #[test]
    fn nothing_is_looked_up_for_columns_that_need_nothing() {
        assert_eq!(Column::needs_of(&[Column::LocalPort, Column::State, Column::Service]), Needs::NOTHING);
        let needs = Column::needs_of(&[Column::Pid, Column::CommandLine, Column::User]);
        assert_eq!(needs.processes, Some(Facts { command_line: true, ..Facts::NAME }));
        assert_eq!((needs.owners, needs.peers), (OwnerSearch::All, false));
        let of_user = Column::User.definition().needs;
        assert_eq!(of_user.on(System::Linux).owners, OwnerSearch::Skip, "the socket itself has a user");
        assert_eq!(of_user.on(System::Windows).processes, Some(Facts { user: true, ..Facts::NAME }));
        assert_eq!(needs.of_lowest_owner().owners, OwnerSearch::Lowest);
    }
}
