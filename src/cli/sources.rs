//! The switches that say where rows and owners come from.

use super::UsageError;
use crate::model::system::System;
use crate::platform::SYSTEM;
use crate::request::{OwnerSource, SocketSource, Sources};
use clap::Args;

/// Sources of rows and owners.
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
    sockets_from: SocketSource,

    /// Where owners come from: auto, bpf (eBPF programs that iterate over tasks) or proc (the descriptors under /proc). A source
    /// that cannot serve is an error.
    #[arg(
        long,
        value_name = "SOURCE",
        default_value = "auto",
        overrides_with = "owners_from",
        ignore_case = true,
        hide_possible_values = true,
        hide_default_value = true
    )]
    owners_from: OwnerSource,
}

impl SourceArguments {
    /// The sources that are asked for.
    pub(super) fn sources(&self) -> Result<Sources, UsageError> {
        let sources = Sources { sockets: self.sockets_from, owners: self.owners_from };
        if SYSTEM != System::Linux && sources != Sources::default() {
            return Err(UsageError::new(
                "--sockets-from and --owners-from choose among sources of Linux",
                "Leave them out: this system has one source.",
            ));
        }
        Ok(sources)
    }
}
