//! Answers for scripts, by their exit statuses: waiting for a port, comparing with an earlier answer.

use crate::support::fixtures::{AddressCase, listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::rnetstat;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

/// What it prints, with its status.
fn answer(switches: &str) -> (String, Option<i32>) {
    let output = rnetstat(switches).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{switches}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn a_wait_ends_when_the_listener_is_there_and_names_its_owner() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let port = local(&listener(case.listen)).port();
    assert_eq!(answer(&format!("--wait {port} --timeout 0")), (format!("Nothing listens on TCP port {port}.\n"), Some(1)));
    let mut waiting = rnetstat(&format!("--wait {port}")).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = case.listen;
    address.set_port(port);
    let _listener = listener(address);
    let mut line = String::new();
    BufReader::new(waiting.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with(&format!("TCP 127.0.0.1:{port}: ")), "{line}");
    assert!(line.contains(&format!("({})", std::process::id())), "{line}");
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_that_is_kept_back_is_not_free_until_that_is_over() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let server = listener(case.listen);
    let address = local(&server);
    let free = format!("--wait !{} --timeout 0", address.port());
    let (text, status) = answer(&free);
    assert!(text.contains("is still taken. The port is held by"), "{text}");
    assert_eq!(status, Some(1));
    // The side that closes first keeps its port.
    let client = TcpStream::connect(address).unwrap();
    drop(server.accept().unwrap());
    drop(client);
    drop(server);
    let (text, status) = answer(&free);
    assert!(text.contains("until TIME_WAIT is over"), "{text}");
    assert_eq!(status, Some(1));
    let other = local(&listener(case.listen)).port();
    assert_eq!(answer(&format!("--wait !{other}")), (format!("TCP port {other} is free.\n"), Some(0)));
}

#[test]
fn a_difference_is_status_1_and_none_is_status_0() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let kept = listener(case.listen);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("diff-{}.ndjson", std::process::id()));
    let recorded = rnetstat("-a --format ndjson").output().unwrap().stdout;
    std::fs::write(&file, &recorded).unwrap();
    let diff = format!("--diff {}", file.display());
    assert_eq!(answer(&diff), (String::new(), Some(0)));
    let port = local(&kept).port();
    drop(kept);
    let opened = listener(case.listen);
    let (text, status) = answer(&diff);
    assert!(text.contains(&format!("- closed  TCP 127.0.0.1:{port} LISTENING: ")), "{text}");
    assert!(text.contains(&format!("+ opened  TCP 127.0.0.1:{} LISTENING: ", local(&opened).port())), "{text}");
    assert_eq!(status, Some(1));
    assert_eq!(answer(&format!("{diff} --quiet")), (String::new(), Some(1)));
    assert_eq!(answer(&format!("{diff} {}", file.display())), (String::new(), Some(0)));
    std::fs::write(&file, &recorded[..recorded.len() / 2]).unwrap();
    let output = rnetstat(&diff).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("is cut"), "{output:?}");
    assert_eq!(output.status.code(), Some(2));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(rnetstat(&diff).output().unwrap().status.code(), Some(2));
}
