//! Lists the listening sockets of this host with their owners.
//!
//!     cargo run --example listeners

use rnetstat::{OwnerStatus, Ownership, Query};

/// The names and PIDs of the owners, or the reason why there are none.
fn owners_of(owners: Ownership<'_>) -> String {
    match owners.status {
        OwnerStatus::Owned => {
            let names = owners.iter().map(|owner| {
                let process = rnetstat::process(owner.pid);
                process.map_or(owner.pid.to_string(), |process| format!("{} ({})", process.name.display(), owner.pid))
            });
            names.collect::<Vec<_>>().join(", ")
        }
        OwnerStatus::None => "no process".to_owned(),
        OwnerStatus::Denied => "hidden: try again as root".to_owned(),
        other => format!("unknown ({})", other.word()),
    }
}

fn main() {
    let snapshot = rnetstat::snapshot(&Query::everything().listening());
    for entry in snapshot.iter() {
        let (protocol, local) = (entry.socket.protocol, entry.socket.local);
        println!("{protocol:?} {} port {}: {}", local.address, local.port, owners_of(entry.owners));
    }
    for problem in &snapshot.problems {
        eprintln!("{}", problem.message);
    }
}
