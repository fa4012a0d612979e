//! `--close` for every kind of socket: what is closed, what is refused, and what the processes see.

use crate::support::fixtures::{AddressCase, Fixtures, bound, listener, local, new_socket};
use crate::support::isolation;
use crate::support::namespace::{Namespace, ip, may_change_user};
use crate::support::program::{PublicCopy, asked_at_a_terminal, rnetstat, traced};
use crate::support::skip::{have, have_or_skip, skipped};
use crate::support::wait::until;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::sync::mpsc::channel;

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What became of each socket: its state, the outcome and the reason. The status comes first.
fn actions(command: &mut Command) -> (Option<i32>, Vec<(String, String, String)>) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let document: Value = serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr)));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let action = |action: &Value| {
        assert_eq!((&action["action"], &action["process"]), (&"close".into(), &Value::Null));
        (text(&action["socket"]["state"]), text(&action["outcome"]), text(&action["reason"]))
    };
    (status.code(), document["actions"].as_array().unwrap().iter().map(action).collect())
}

fn close(switches: &str) -> (Option<i32>, Vec<(String, String, String)>) {
    actions(&mut rnetstat(&format!("--close --yes --json {switches}")))
}

/// The states of the sockets on a port.
fn states_of(port: u16) -> Vec<String> {
    let output = rnetstat(&format!("--any-port {port} --columns state --no-header --sort state -q")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim().to_owned()).collect()
}

fn connect(server: &Socket) -> (Socket, Socket) {
    let client = new_socket(local(server), Protocol::TCP);
    client.connect(&local(server).into()).unwrap();
    (client, server.accept().unwrap().0)
}

fn error_of(result: io::Result<usize>) -> Option<i32> {
    result.unwrap_err().raw_os_error()
}

fn receive(socket: &Socket) -> io::Result<usize> {
    socket.recv(&mut [std::mem::MaybeUninit::uninit(); 8])
}

#[test]
fn connections_in_every_state_are_closed_and_a_listener_stays() {
    let Some(_namespace) = Namespace::enter() else { return };
    for case in AddressCase::all() {
        let mut fixtures = Fixtures::default();
        fixtures.fill(case);
        let listening = rnetstat("--listening --tcp --columns local_port --no-header").output().unwrap();
        let port: u16 = String::from_utf8(listening.stdout).unwrap().trim().parse().unwrap();
        let before = states_of(port);
        let (status, actions) = close(&format!("--any-port {port}"));
        assert_eq!((status, actions.len()), (Some(2), before.len()), "{actions:?}");
        for (state, outcome, reason) in &actions {
            let expected: &[&str] = match state.as_str() {
                "LISTENING" | "CLOSED" => &["refused"],
                // The reset of one end closes the other.
                _ => &["closed", "gone"],
            };
            assert!(expected.contains(&outcome.as_str()), "{state} {outcome} {reason}");
        }
        let of = |outcome: &str| actions.iter().filter(|(_, found, _)| found == outcome).count();
        assert!(of("closed") > of("gone"), "{actions:?}");
        assert_eq!(states_of(port), ["CLOSED", "LISTENING"]);
    }
}

#[test]
fn a_process_sees_that_its_connection_was_aborted_and_the_peer_a_reset() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(LOCALHOST);
    let (client, accepted) = connect(&server);
    let (status, actions) = close(&format!("--port {}", local(&client).port()));
    assert_eq!((status, actions.len(), actions[0].1.as_str()), (Some(0), 1, "closed"));
    assert_eq!(error_of(receive(&client)), Some(libc::ECONNABORTED));
    assert_eq!(error_of(receive(&accepted)), Some(libc::ECONNRESET));

    // In CLOSE_WAIT the peer has closed; in SYN_SENT there is none.
    let (client, accepted) = connect(&server);
    drop(accepted);
    until("the peer has closed", || states_of(local(&client).port()).contains(&"CLOSE_WAIT".to_owned()));
    assert_eq!(close(&format!("--port {}", local(&client).port())).1[0].1, "closed");
    assert_eq!(client.take_error().unwrap().unwrap().raw_os_error(), Some(libc::ECONNABORTED));
    ip("addr add 192.0.2.1/24 dev net0");
    ip("neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev net0 nud permanent");
    let connecting = new_socket(LOCALHOST, Protocol::TCP);
    connecting.set_nonblocking(true).unwrap();
    connecting.connect(&SocketAddr::from(([192, 0, 2, 99], 9)).into()).unwrap_err();
    assert_eq!(close("--remote 192.0.2.99").1[0].1, "closed");
    assert_eq!(connecting.take_error().unwrap().unwrap().raw_os_error(), Some(libc::ECONNABORTED));
}

#[test]
fn a_listener_is_closed_by_force_alone_and_a_port_that_it_has_chosen_stays_bound() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(LOCALHOST);
    let port = local(&server).port();
    let (status, refused) = close(&format!("--port {port}"));
    assert_eq!((status, refused[0].1.as_str()), (Some(2), "refused"));
    assert!(refused[0].2.contains("--force"), "{refused:?}");
    assert_eq!(close(&format!("--port {port} --force")).0, Some(0));
    assert_eq!(server.accept().unwrap_err().raw_os_error(), Some(libc::EINVAL), "its process lives on without it");
    let successor = new_socket(LOCALHOST, Protocol::TCP);
    successor.bind(&local_address(port)).unwrap();
    // The kernel chose that port, and has taken it back; this one was chosen by the process.
    successor.listen(1).unwrap();
    assert_eq!(close(&format!("--port {port} --force")).0, Some(0));
    assert_eq!(states_of(port), ["BOUND"]);
    assert!(new_socket(LOCALHOST, Protocol::TCP).bind(&local_address(port)).is_err());
}

fn local_address(port: u16) -> socket2::SockAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
}

#[test]
fn every_listener_that_shares_a_port_is_found_by_its_cookie() {
    let Some(_namespace) = Namespace::enter() else { return };
    let shared = |port| {
        let socket = new_socket(LOCALHOST, Protocol::TCP);
        socket.set_reuse_port(true).unwrap();
        socket.bind(&local_address(port)).unwrap();
        socket.listen(1).unwrap();
        socket
    };
    let first = shared(0);
    let port = local(&first).port();
    let _others: Vec<Socket> = (0..7).map(|_| shared(port)).collect();
    let (status, actions) = close(&format!("--port {port} --force"));
    assert_eq!((status, actions.len()), (Some(0), 8), "{actions:?}");
    assert!(actions.iter().all(|(_, outcome, _)| outcome == "closed"), "{actions:?}");
    assert!(states_of(port).iter().all(|state| state == "BOUND"));
}

#[test]
fn udp_and_bound_sockets_are_refused_and_stay() {
    let Some(_namespace) = Namespace::enter() else { return };
    let udp = bound(LOCALHOST, Protocol::UDP);
    let tcp = new_socket(LOCALHOST, Protocol::TCP);
    tcp.bind(&local_address(local(&udp).port())).unwrap();
    let (status, mut actions) = close(&format!("--port {} --force", local(&udp).port()));
    actions.sort();
    assert_eq!((status, actions.len()), (Some(2), 2), "{actions:?}");
    assert!(actions[0].2.contains("UDP") && actions[1].2.contains("only bound"), "{actions:?}");
    udp.connect(&udp.local_addr().unwrap()).unwrap();
    udp.send(b"x").unwrap();
    assert_eq!(receive(&udp).unwrap(), 1, "it works as before");
}

#[test]
fn a_connection_of_another_namespace_is_closed_there() {
    let Some(_namespace) = Namespace::enter() else { return };
    // The same ends in two namespaces: the cookie tells them apart.
    let here = listener(LOCALHOST);
    let port = local(&here).port();
    let (client_here, _accepted_here) = connect(&here);
    let client_port = local(&client_here).port();
    let (send, ready) = channel();
    let (end, wait) = channel::<()>();
    let thread = std::thread::spawn(move || {
        isolation::enter().unwrap();
        let server = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let client = new_socket(LOCALHOST, Protocol::TCP);
        client.bind(&local_address(client_port)).unwrap();
        client.connect(&local(&server).into()).unwrap();
        let accepted = server.accept().unwrap().0;
        let process = Command::new("sleep").arg("600").stdin(std::process::Stdio::null()).spawn().unwrap();
        send.send(process).unwrap();
        let _ = wait.recv();
        let seen = error_of(receive(&client));
        drop(accepted);
        seen
    });
    let mut process = ready.recv().unwrap();
    let (status, actions) = close(&format!("--namespace pid:{} --port {client_port}", process.id()));
    assert_eq!((status, actions.len(), actions[0].1.as_str()), (Some(0), 1, "closed"), "{actions:?}");
    end.send(()).unwrap();
    assert_eq!(thread.join().unwrap(), Some(libc::ECONNABORTED));
    assert!(states_of(client_port).contains(&"ESTABLISHED".to_owned()), "the one here lives on");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn of_an_mptcp_connection_all_subflows_are_closed_or_none() {
    let Some(_namespace) = Namespace::enter() else { return };
    let mptcp = || Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::from(libc::IPPROTO_MPTCP)));
    let Ok(server) = mptcp() else {
        return skipped("this kernel has no MPTCP").unwrap_or_default();
    };
    for address in ["192.0.2.1/32", "192.0.2.2/32"] {
        ip(&format!("addr add {address} dev lo"));
    }
    ip("mptcp limits set subflow 2 add_addr_accepted 2");
    ip("mptcp endpoint add 192.0.2.2 dev lo subflow");
    server.bind(&SocketAddr::from(([192, 0, 2, 1], 0)).into()).unwrap();
    server.listen(8).unwrap();
    let port = local(&server).port();
    let client = mptcp().unwrap();
    client.connect(&server.local_addr().unwrap()).unwrap();
    let (accepted, _) = server.accept().unwrap();
    let subflows = || {
        let output = rnetstat(&format!("--remote-port {port} --state established --count")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    until("the second subflow is established", || {
        client.send(b"x").unwrap();
        accepted.send(b"x").unwrap();
        subflows() == "2"
    });
    let (status, actions) = close(&format!("--remote-port {port} --local 192.0.2.2"));
    assert_eq!((status, actions[0].1.as_str()), (Some(2), "refused"));
    assert!(actions[0].2.contains("one of 2 subflows"), "{actions:?}");
    assert_eq!(subflows(), "2");
    let (status, actions) = close(&format!("--remote-port {port}"));
    assert_eq!((status, actions.len()), (Some(0), 2), "{actions:?}");
    assert_eq!(states_of(port), ["LISTENING"]);
}

#[test]
fn without_the_right_to_it_nothing_is_closed() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return skipped("the user cannot be changed").unwrap_or_default();
    }
    let server = listener(LOCALHOST);
    let (client, _accepted) = connect(&server);
    let program = PublicCopy::make();
    let port = local(&client).port();
    let (status, actions) = actions(&mut program.as_nobody(&format!("--close --yes --json --port {port}")));
    assert_eq!((status, actions[0].1.as_str()), (Some(2), "failed"));
    assert!(actions[0].2.contains("CAP_NET_ADMIN"), "{actions:?}");
    // The rights of the program's file are not those of its caller.
    if have("setcap") {
        let set = Command::new("setcap").arg("cap_net_admin+ep").arg(program.path()).status().unwrap();
        assert!(set.success());
        let output = program.as_nobody(&format!("--close --yes --port {port}")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains("rights that its caller lacks"), "{stderr}");
    }
    assert!(states_of(port).contains(&"ESTABLISHED".to_owned()));
}

#[test]
fn a_dry_run_sends_no_request_to_close_and_only_a_yes_does() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let server = listener(LOCALHOST);
    let (client, _accepted) = connect(&server);
    let port = local(&client).port();
    // The type of the message, behind its length.
    let destroys = |switches: &str| {
        let options = ["-f", "-qq", "-e", "signal=none", "-e", "trace=%network,kill,tgkill,pidfd_send_signal"];
        let output = traced(&rnetstat(&format!("--close --port {port} {switches}")), &options).output().unwrap();
        let calls = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(calls.contains("NETLINK_SOCK_DIAG") && !calls.contains("kill("), "{calls}");
        (calls.contains("SOCK_DESTROY"), output.status.code())
    };
    assert_eq!(destroys("--dry-run"), (false, Some(0)));
    assert_eq!(destroys("--dry-run --json"), (false, Some(0)));
    assert_eq!(destroys(""), (false, Some(1)), "there is no terminal");
    let (stdout, status) = asked_at_a_terminal(&mut rnetstat(&format!("--close --port {port}")), |shown| {
        assert!(shown.contains("close    TCP 127.0.0.1:") && shown.ends_with("Close this socket? [y/N] "), "{shown}");
        "\u{4}"
    });
    assert_eq!((stdout.as_str(), status), ("", Some(1)), "the end of the input is a no");
    assert_eq!(states_of(port).len(), 2);
    assert_eq!(destroys("--yes"), (true, Some(0)));
    assert_eq!(close(&format!("--port {port}")), (Some(1), Vec::new()), "nothing matches any more");
}
