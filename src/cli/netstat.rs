//! The switches of Windows' netstat.

use crate::request::language::Language;
use clap::{ArgAction, Args};
use std::time::Duration;

/// Each switch as Windows' netstat has it, with a long name beside its letter.
#[derive(Args, Debug)]
#[command(next_help_heading = "Show")]
pub(super) struct NetstatArguments {
    /// All connections and listening ports, TCP and UDP.
    #[arg(short, long, overrides_with = "all")]
    pub all: bool,

    /// Under each row every executable that owns it; above it, on Linux, its systemd unit.
    #[arg(short = 'b', long, overrides_with = "executable")]
    pub executable: bool,

    /// The processes by the number of ports that they hold.
    #[arg(short = 'c', long, overrides_with = "consumers")]
    pub consumers: bool,

    /// The DSCP value of each connection: how its packets ask to be treated.
    #[arg(short, long, overrides_with = "dscp")]
    pub dscp: bool,

    /// Interface statistics; with -s both.
    #[arg(short, long, alias = "interfaces", overrides_with = "ethernet")]
    pub ethernet: bool,

    /// Whole names for foreign addresses, not the first label alone.
    #[arg(short, long, overrides_with = "fqdn")]
    pub fqdn: bool,

    /// The time in the state, at least: by the timer of TIME_WAIT, or as observed over an interval.
    #[arg(short = 'i', long, overrides_with = "time_in_state")]
    pub time_in_state: bool,

    /// Addresses and ports as numbers; nothing is looked up.
    #[arg(short, long, aliases = ["numeric-hosts", "numeric-ports", "numeric-users"], overrides_with = "numeric")]
    pub numeric: bool,

    /// The owning process: its PID.
    #[arg(short, long, overrides_with = "owner")]
    pub owner: bool,

    /// Only this protocol: TCP, UDP, TCPv6 or UDPv6; with -s also IP, IPv6, ICMP or ICMPv6.
    #[arg(short, long, value_name = "PROTOCOL", value_delimiter = ',', overrides_with = "protocol")]
    pub protocol: Vec<String>,

    /// As -a, and TCP ports that are bound without listening.
    #[arg(short = 'q', long, overrides_with = "bound")]
    pub bound: bool,

    /// The routing tables.
    #[arg(short, long, alias = "route", overrides_with = "routes")]
    pub routes: bool,

    /// Statistics of each protocol.
    #[arg(short, long, overrides_with = "statistics")]
    pub statistics: bool,

    /// The offload state of each TCP connection.
    #[arg(short = 't', long, overrides_with = "offload")]
    pub offload: bool,

    /// RDMA connections, listeners and shared endpoints.
    #[arg(short = 'x', long, overrides_with = "rdma")]
    pub rdma: bool,

    /// The template of each TCP connection: on Linux its congestion control.
    #[arg(short = 'y', long, overrides_with = "template")]
    pub template: bool,

    /// The seconds that all names of hosts together may take, and as long those of users; 3 without it.
    #[arg(long, help_heading = OUTPUT, value_name = "SECONDS", value_parser = seconds, overrides_with = "name_timeout")]
    pub name_timeout: Option<Duration>,

    /// The language of titles and headings. States, protocols and numbers stay as they are.
    #[arg(long, help_heading = OUTPUT, value_name = "LANGUAGE", value_parser = super::named(&Language::ALL), default_value = "en", ignore_case = true, overrides_with = "lang")]
    pub lang: Language,

    /// A number of seconds: print again after each such pause, until CTRL+C. With a colon (:8080): the local port.
    #[arg(value_name = "INTERVAL", help_heading = OUTPUT, action = ArgAction::Append)]
    pub words: Vec<String>,
}

/// The heading of the switches that are not Windows' own.
const OUTPUT: &str = "Names and repetition";

/// A time limit: decimals are welcome, from nothing to an hour.
fn seconds(word: &str) -> Result<Duration, String> {
    word.parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds from 0 to 3600".to_owned())
}
