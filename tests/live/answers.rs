//! Answers for scripts, by their exit statuses: waiting for a port.

use crate::support::fixtures::{AddressCase, listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::rnetstat;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
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
