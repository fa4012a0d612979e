//! The switches that net-tools on Linux has and Windows' netstat lacks, under long names of their own.

use super::compat::Dialect;
use clap::Args;

/// What the letters of `-tulpen` mean; see [`super::compat`].
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::NET_TOOLS)]
pub(super) struct LinuxArguments {
    /// Show only TCP (net-tools: -t).
    #[arg(long, overrides_with = "tcp")]
    pub tcp: bool,

    /// Show only UDP (net-tools: -u).
    #[arg(long, overrides_with = "udp")]
    pub udp: bool,

    /// As --listening, unless -a or -q shows every socket (net-tools: -l).
    #[arg(long, overrides_with = "listeners", hide = true)]
    pub listeners: bool,

    /// Add the PID and the name of the owning process (net-tools: -p).
    #[arg(long, alias = "program", overrides_with = "programs")]
    pub programs: bool,

    /// Add the user and the inode of each socket (net-tools: -e).
    #[arg(long, overrides_with = "extend")]
    pub extend: bool,

    /// Add the timer of each socket, in any format but the classic table (net-tools: -o).
    #[arg(long, overrides_with = "timers")]
    pub timers: bool,

    /// Print again every second, or every INTERVAL, until CTRL+C (net-tools: -c).
    #[arg(long, overrides_with = "continuous")]
    pub continuous: bool,

    /// Read letters as 'windows' or 'linux' has them. Without it, a line with a letter that Windows lacks (-l -u -v -4 -6), with
    /// a -p that no protocol follows, or with -A FAMILY is read as net-tools reads it: -t and -u choose TCP and UDP, -l
    /// listeners, -p adds the program, -e the user and the inode, -c repeats every second.
    #[arg(long, value_name = "DIALECT", ignore_case = true, overrides_with = "dialect")]
    pub dialect: Option<Dialect>,
}
