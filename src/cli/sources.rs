//! The switches that say where rows come from.

use crate::request::SocketSource;
use clap::Args;

/// Sources of rows.
#[derive(Args, Debug)]
#[command(next_help_heading = "Sources")]
pub(super) struct SourceArguments {
    /// Where sockets come from: auto, bpf (the kernel's hash tables by an eBPF program), netlink (sock_diag) or proc. A source
    /// that cannot serve is an error.
    #[arg(
        long,
        value_name = "SOURCE",
        default_value = "auto",
        overrides_with = "sockets_from",
        ignore_case = true,
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub sockets_from: SocketSource,
}
