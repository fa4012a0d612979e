//! The switches of Windows' netstat.

use clap::Args;

/// Each switch as Windows' netstat has it, with a long name beside its letter.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::SHOW)]
pub(super) struct NetstatArguments {
    /// Show all connections and listening ports, TCP and UDP.
    #[arg(short, long, overrides_with = "all")]
    pub all: bool,

    /// Show under each row every executable that owns it; above it, on Linux, its container or systemd unit.
    #[arg(short = 'b', long, overrides_with = "executable")]
    pub executable: bool,

    /// Show the processes by the number of ports that they hold.
    #[arg(short = 'c', long, overrides_with = "consumers")]
    pub consumers: bool,

    /// Add the DSCP value of each connection: how its packets ask to be treated.
    #[arg(short, long, overrides_with = "dscp")]
    pub dscp: bool,

    /// Show interface statistics; with -s both.
    #[arg(short, long, alias = "interfaces", overrides_with = "ethernet")]
    pub ethernet: bool,

    /// Look up whole names of foreign addresses, not the first label alone.
    #[arg(short, long, overrides_with = "fqdn")]
    pub fqdn: bool,

    /// Add the time in the state, at least: by the timer of TIME_WAIT, or as observed over an interval.
    #[arg(short = 'i', long, overrides_with = "time_in_state")]
    pub time_in_state: bool,

    /// Print addresses and ports as numbers; look nothing up.
    #[arg(short, long, aliases = ["numeric-hosts", "numeric-ports", "numeric-users"], overrides_with = "numeric")]
    pub numeric: bool,

    /// Add the PID of the owning process.
    #[arg(short, long, overrides_with = "owner")]
    pub owner: bool,

    /// Show only this protocol: TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6.
    #[arg(short, long, value_name = "PROTOCOL", value_delimiter = ',', overrides_with = "protocol")]
    pub protocol: Vec<String>,

    /// Show what -a shows, and TCP ports that are bound without listening.
    #[arg(short = 'q', long, overrides_with = "bound")]
    pub bound: bool,

    /// Show the routing tables.
    #[arg(short, long, alias = "route", overrides_with = "routes")]
    pub routes: bool,

    /// Show the statistics of each protocol.
    #[arg(short, long, overrides_with = "statistics")]
    pub statistics: bool,

    /// Add the offload state of each TCP connection.
    #[arg(short = 't', long, overrides_with = "offload")]
    pub offload: bool,

    /// Show RDMA connections, listeners and shared endpoints.
    #[arg(short = 'x', long, overrides_with = "rdma")]
    pub rdma: bool,

    /// Add the template of each TCP connection: on Linux its congestion control.
    #[arg(short = 'y', long, overrides_with = "template")]
    pub template: bool,
}
