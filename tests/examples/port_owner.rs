//! Finds out which process owns a local port.
//!
//!     cargo run --example port_owner 443
//!
//! The exit status is 0 if the port is in use, 1 if it is not, and 2 if that is not certain.

use rnetstat::Query;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(port) = std::env::args().nth(1).and_then(|argument| argument.parse().ok()) else {
        eprintln!("usage: port_owner PORT");
        return ExitCode::from(2);
    };
    let snapshot = rnetstat::snapshot(&Query::everything().on_local_port(port));
    let mut in_use = false;
    for entry in snapshot.iter() {
        in_use = true;
        let socket = entry.socket;
        let state = socket.state.map_or(String::new(), |state| format!(" {state}"));
        println!("{:?} {} to {}{state}", socket.protocol, socket.local.address, socket.remote.address);
        for owner in entry.owners.iter() {
            match rnetstat::process(owner.pid) {
                Some(process) => println!("    PID {}: {}", owner.pid, process.name.display()),
                None => println!("    PID {}", owner.pid),
            }
        }
    }
    for problem in &snapshot.problems {
        eprintln!("{}", problem.message);
    }
    match (in_use, snapshot.problems.is_empty()) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::from(1),
        (false, false) => ExitCode::from(2),
    }
}
