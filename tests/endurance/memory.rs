//! Many sockets under a limit of address space.
#![allow(unsafe_code, reason = "what a child does between fork and exec")]

use crate::support::baseline;
use crate::support::farm::{Farm, Plan};
use anyhow::ensure;
use rnetstat::model::socket::Socket;
use rustix::process::{Resource, Rlimit};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The formats that stream their rows, and the number of their lines that are no rows.
const FORMATS: [(&str, usize); 4] =
    [("-ano", 4), ("-ano --format csv", 1), ("-ano --format ndjson", 1), ("-an --sort local-port", 4)];

/// The limit for each row: the row, its position in the order (4 bytes), its owner (8 bytes, and 8 in the index of owners). All
/// of it may exist twice: a vector that grows is copied into one of up to twice its size, and the rows and owners of several
/// threads are merged.
const PER_ROW: usize = 2 * (size_of::<Socket>() + 4 + 16);
/// The limit that does not depend on the number of rows: code and libraries, the stacks of at most five threads (2 MiB each), the
/// receive buffers, the kernel's type information (BTF), chunks of output.
const CONSTANT: usize = 48 << 20;
/// The precision of the least limit.
const PRECISION: usize = 256 << 10;

/// Builds a host with that many sockets and prints it in every format under the limit; `measure` also finds the least limit.
pub fn run(sockets: usize, measure: bool) -> anyhow::Result<()> {
    let plan = Plan::busy(sockets, (sockets / 100).clamp(2, 200), 10);
    let _farm = Farm::build(&plan)?;
    let rows = baseline::sockets()?;
    ensure!(rows == plan.sockets(), "{rows} sockets came up instead of {}", plan.sockets());
    let limit = CONSTANT + rows * PER_ROW;
    println!("memory: {rows} sockets of {} bytes under {} MiB of address space", size_of::<Socket>(), limit >> 20);
    for (switches, heading) in FORMATS {
        let lines = rows + heading;
        match lines_under(limit, switches)? {
            Ok(found) => ensure!(found == lines, "{switches}: {found} lines instead of {lines}"),
            Err(failure) => anyhow::bail!("{switches}: {failure}"),
        }
        if measure {
            let least = least_limit(limit, |limit| Ok(lines_under(limit, switches)? == Ok(lines)))?;
            println!("{switches}: at least {:.1} MiB", least as f64 / f64::from(1 << 20));
        } else {
            println!("{switches}: {lines} lines");
        }
    }
    Ok(())
}

/// The least limit that is enough, if this one is.
fn least_limit(enough: usize, suffices: impl Fn(usize) -> anyhow::Result<bool>) -> anyhow::Result<usize> {
    let (mut low, mut high) = (0, enough);
    while high - low > PRECISION {
        let middle = low + (high - low) / 2;
        if suffices(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

/// The number of lines that rnetstat prints within that much address space, or how it failed.
fn lines_under(limit: usize, switches: &str) -> anyhow::Result<Result<usize, String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rnetstat"));
    command.args(switches.split(' ')).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let limit = Some(limit as u64);
    let set = move || Ok(rustix::process::setrlimit(Resource::As, Rlimit { current: limit, maximum: limit })?);
    // SAFETY: the closure makes one system call; it allocates nothing and takes no lock.
    unsafe { command.pre_exec(set) };
    let mut child = match command.spawn() {
        Ok(child) => child,
        // Not even the program fits.
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut lines = 0;
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::with_capacity(1 << 20, stdout);
        loop {
            let chunk = stdout.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            lines += chunk.iter().filter(|&&byte| byte == b'\n').count();
            let length = chunk.len();
            stdout.consume(length);
        }
    }
    let output = child.wait_with_output()?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Ok(Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))));
    }
    Ok(Ok(lines))
}
