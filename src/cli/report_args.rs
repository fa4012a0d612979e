//! The switches that ask something else than a table.

use clap::Args;

/// Questions about sockets.
#[derive(Args, Debug)]
#[command(next_help_heading = "Questions")]
pub(super) struct ReportArguments {
    /// All sockets in a few numbers: states, busiest processes, addresses, ports.
    #[arg(long, overrides_with = "summary")]
    pub summary: bool,

    /// Why this port is taken, or whether it can be bound. Exit status: 0 taken, 1 free.
    #[arg(long, value_name = "PORT", value_parser = port, overrides_with = "explain")]
    pub explain: Option<u16>,
}

fn port(word: &str) -> Result<u16, String> {
    word.parse().ok().filter(|&port| port != 0).ok_or_else(|| "it takes a port from 1 to 65535".to_owned())
}
