//! The switches that say where rows and owners come from.

use super::UsageError;
use crate::filter::namespaces::{NamespacePattern, NamespaceSelection};
use crate::filter::selector::Selector;
use crate::model::system::System;
use crate::platform::SYSTEM;
use crate::request::{OwnerSource, SocketSource, Sources, Task, View};
use clap::Args;

/// Sources of rows and owners.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ROWS)]
pub(super) struct SourceArguments {
    /// Show the sockets of every network namespace of this machine, with their namespaces (Linux).
    #[arg(long, overrides_with = "all_namespaces")]
    pub all_namespaces: bool,

    /// Show only these network namespaces: the name of a container, pod or 'ip netns', in which * is any text; an inode; a
    /// path; pid:PID; host (Linux).
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    pub namespace: Vec<String>,

    /// Read sockets from this source: auto, bpf (the kernel's hash tables by an eBPF program), netlink (sock_diag) or proc. A
    /// source that cannot serve is an error.
    #[arg(
        long,
        value_name = "SOURCE",
        default_value = "auto",
        value_parser = super::named(&SocketSource::ALL),
        overrides_with = "sockets_from",
        ignore_case = true,
        hide_possible_values = true,
        hide_default_value = true
    )]
    sockets_from: SocketSource,

    /// Read owners from this source: auto, bpf (eBPF programs that iterate over tasks) or proc (the descriptors under /proc).
    /// A source that cannot serve is an error.
    #[arg(
        long,
        value_name = "SOURCE",
        default_value = "auto",
        value_parser = super::named(&OwnerSource::ALL),
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

    /// Whose sockets are wanted.
    pub(super) fn namespaces(&self, views: &[View], task: &Task) -> Result<NamespaceSelection, UsageError> {
        let selection = if !self.namespace.is_empty() {
            let selector = Selector::parse(&self.namespace, NamespacePattern::parse).map_err(|invalid| {
                UsageError::new(format!("--namespace cannot be {invalid}"), "It takes names, inodes, paths, pid:PID and host.")
            })?;
            NamespaceSelection::Matching(selector)
        } else if self.all_namespaces {
            NamespaceSelection::All
        } else {
            return Ok(NamespaceSelection::Own);
        };
        if SYSTEM != System::Linux {
            return Err(UsageError::new("this system has no network namespaces", "Leave --all-namespaces and --namespace out."));
        }
        let shows_sockets = |view: &View| matches!(view, View::Sockets | View::Summary | View::Consumers | View::Explanations);
        if !views.iter().all(shows_sockets) || task.wait().is_some() {
            return Err(UsageError::new(
                "--all-namespaces and --namespace go with the table of sockets, --summary, -c and --explain",
                "Enter a namespace for the others: nsenter --net=FILE rnetstat …",
            ));
        }
        Ok(selection)
    }
}
