//! The switches that Linux' net-tools has and Windows' netstat has not, under long names of their own.

use super::compat::Dialect;
use clap::Args;

/// What the letters of `-tulpn` mean; see [`super::compat`].
#[derive(Args, Debug)]
#[command(next_help_heading = "Habits of Linux")]
pub(super) struct LinuxArguments {
    /// TCP sockets (net-tools: -t).
    #[arg(long, overrides_with = "tcp")]
    pub tcp: bool,

    /// UDP sockets (net-tools: -u).
    #[arg(long, overrides_with = "udp")]
    pub udp: bool,

    /// Raw sockets (net-tools: -w).
    #[arg(long, overrides_with = "raw", hide = true)]
    pub raw: bool,

    /// As --listening, unless -a or -q shows every socket (net-tools: -l).
    #[arg(long, overrides_with = "listeners", hide = true)]
    pub listeners: bool,

    /// The owning process: its PID and its name (net-tools: -p).
    #[arg(long, overrides_with = "programs")]
    pub programs: bool,

    /// Print again every second, or every INTERVAL, until CTRL+C (net-tools: -c).
    #[arg(long, overrides_with = "continuous")]
    pub continuous: bool,

    /// A line with a letter that Windows lacks (-l -u -w -4 -6), or with a -p that no protocol follows, is read as
    /// Linux' net-tools reads it: -t and -u choose TCP and UDP, -l listeners, -p adds the program, -c repeats every
    /// second, and every other letter keeps its Windows meaning. This switch decides where a line could be both (-ant).
    #[arg(long, value_name = "DIALECT", ignore_case = true, overrides_with = "dialect")]
    pub dialect: Option<Dialect>,
}
