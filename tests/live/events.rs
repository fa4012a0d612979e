//! `--events`: what opens and closes, while it does.

use crate::support::fixtures::{AddressCase, listener, local};
use crate::support::namespace::{Namespace, may_change_user};
use crate::support::program::{PublicCopy, rnetstat};
use crate::support::signals::end_children_at_interrupt;
use crate::support::skip::skipped;
use crate::support::wait::until;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use socket2::Socket;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A run, and the lines that it has printed so far.
struct Watch {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Watch {
    /// Starts it, and waits until it has read the sockets for the first time.
    fn start(switches: &str) -> Self {
        Self::of(rnetstat(&format!("--events --format ndjson {switches}")))
    }

    fn of(mut command: Command) -> Self {
        end_children_at_interrupt();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (output, seen) = (child.stdout.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let value = serde_json::from_str(&line.unwrap()).unwrap();
                seen.lock().unwrap().push(value);
            }
        });
        let watch = Self { child, lines };
        until("the head is there", || !watch.lines.lock().unwrap().is_empty());
        watch
    }

    /// The events and problems so far.
    fn events(&self) -> Vec<Value> {
        self.lines.lock().unwrap()[1..].to_vec()
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it by CTRL+C.
    fn end(mut self) -> Vec<Value> {
        self.signal(Signal::INT);
        until("rnetstat has ended", || self.child.try_wait().unwrap().is_some());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.events()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port_of(event: &Value, end: &str) -> Option<u64> {
    event["socket"][end]["port"].as_u64()
}

/// The events of a word about the connection or listener with this local and remote port.
fn about<'a>(events: &'a [Value], word: &str, local: u16, remote: Option<u16>) -> Vec<&'a Value> {
    let is_about = |event: &&Value| {
        event["event"] == *word
            && port_of(event, "local") == Some(local.into())
            && port_of(event, "remote") == remote.map(u64::from)
    };
    events.iter().filter(is_about).collect()
}

fn counted(events: &[Value], matches: impl Fn(&Value) -> bool) -> usize {
    events.iter().filter(|event| event["type"] == "event" && matches(event)).count()
}

/// A connection with both ends in this process: the client's and the server's.
fn pair(server: &Socket) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(local(server)).unwrap();
    let (accepted, _) = server.accept().unwrap();
    (client, accepted.into())
}

fn reset_at_close(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn what_opens_and_closes_is_told_with_owner_and_last_figures_as_the_schema_says() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let watch = Watch::start("");
    let server = listener(case.listen);
    let port = local(&server).port();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (mut client, mut accepted) = pair(&server);
    let client_port = client.local_addr().unwrap().port();
    until("the listener and both ends are opened", || {
        let events = watch.events();
        let is_there = |local, remote| about(&events, "opened", local, remote).len() == 1;
        is_there(port, None) && is_there(port, Some(client_port)) && is_there(client_port, Some(port))
    });
    client.write_all(&[7; 1000]).unwrap();
    accepted.read_exact(&mut [0; 1000]).unwrap();
    drop(client);
    assert_eq!(accepted.read(&mut [0; 1]).unwrap(), 0);
    drop(accepted);
    until("both ends are closed", || {
        let events = watch.events();
        about(&events, "closed", client_port, Some(port)).len() == 1
            && about(&events, "closed", port, Some(client_port)).len() == 1
    });
    let udp_port = udp.local_addr().unwrap().port();
    drop((udp, server));
    until("the listener and UDP are closed", || {
        let events = watch.events();
        about(&events, "closed", port, None).len() == 1 && about(&events, "closed", udp_port, None).len() == 1
    });
    let events = watch.end();
    let own = std::process::id();
    let opened = about(&events, "opened", port, None)[0];
    assert_eq!((&opened["socket"]["state"], &opened["socket"]["owners"][0]["pid"]), (&"LISTENING".into(), &own.into()));
    let closed = about(&events, "closed", client_port, Some(port))[0];
    assert_eq!((&closed["seen_open"], &closed["socket"]["owners"][0]["pid"]), (&true.into(), &own.into()));
    assert_eq!(closed["socket"]["tcp_info"]["bytes_sent"], 1000);
    assert!(closed["socket"]["tcp_info"]["rtt_us"].as_u64() > Some(0), "{closed}");
    // TIME_WAIT of the client is closed already: nothing is opened again.
    assert_eq!(about(&events, "opened", client_port, Some(port)).len(), 1);
    let schema: Value = serde_json::from_slice(&rnetstat("--schema").output().unwrap().stdout).unwrap();
    let of_line = serde_json::json!({ "$ref": "#/$defs/line", "$defs": schema["$defs"] });
    let validator = jsonschema::validator_for(&of_line).unwrap();
    events.iter().for_each(|event| assert!(validator.is_valid(event), "{event}"));
}

#[test]
fn a_reset_is_told_of_the_connection_that_it_was() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let server = listener(case.listen);
    let port = local(&server).port();
    let (client, accepted) = pair(&server);
    let client_port = client.local_addr().unwrap().port();
    let watch = Watch::start("");
    reset_at_close(&client);
    drop(client);
    until("the reset end is closed", || about(&watch.events(), "closed", client_port, Some(port)).len() == 1);
    drop(accepted);
    until("the other end is closed", || about(&watch.events(), "closed", port, Some(client_port)).len() == 1);
    // One that no read has seen has lost its port.
    let (client, accepted) = pair(&server);
    let unseen = client.local_addr().unwrap().port();
    reset_at_close(&client);
    drop((client, accepted));
    until("the other one is closed", || !about(&watch.events(), "closed", port, Some(unseen)).is_empty());
    let events = watch.end();
    let closed = about(&events, "closed", client_port, Some(port))[0];
    assert_eq!((&closed["seen_open"], &closed["socket"]["tcp_info"]["bytes_sent"]), (&true.into(), &Value::Null));
    let was_seen = !about(&events, "opened", unseen, Some(port)).is_empty();
    let remote = if was_seen { port } else { 0 };
    assert_eq!(about(&events, "closed", unseen, Some(remote)).len(), 1, "{events:#?}");
}

#[test]
fn filters_choose_among_the_events() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let (wanted, other) = (listener(case.listen), listener(case.listen));
    let (wanted_port, other_port) = (local(&wanted).port(), local(&other).port());
    let watches = [
        Watch::start(&format!("--port {wanted_port}")),
        Watch::start(&format!("--remote-port {wanted_port} -p tcp")),
        Watch::start(&format!("--port {wanted_port} --process no-such-process")),
    ];
    for server in [&other, &wanted] {
        drop(pair(server));
    }
    until("the end of the wanted one is told", || {
        watches[..2].iter().all(|watch| counted(&watch.events(), |event| event["event"] == "closed") == 1)
    });
    let [by_port, by_remote, by_process] = watches.map(Watch::end);
    assert!(by_port.iter().all(|event| port_of(event, "local") == Some(wanted_port.into())), "{by_port:#?}");
    assert!(by_remote.iter().all(|event| port_of(event, "remote") == Some(wanted_port.into())), "{by_remote:#?}");
    assert_eq!(counted(&by_process, |_| true), 0, "{by_process:#?}");
    assert_ne!(wanted_port, other_port);
}

#[test]
fn events_are_lines_of_text_and_a_closed_pipe_ends_them_with_status_0() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let mut child = rnetstat("--events").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // A listener that comes too early is no event: others follow until one is.
    let (done, servers) = (Arc::new(Mutex::new(false)), Arc::new(Mutex::new(Vec::new())));
    let opens = std::thread::spawn({
        let (done, servers) = (Arc::clone(&done), Arc::clone(&servers));
        move || {
            until("a line is read", || {
                servers.lock().unwrap().push(listener(case.listen));
                std::thread::sleep(Duration::from_millis(100));
                *done.lock().unwrap()
            });
        }
    });
    let line = lines.next().unwrap().unwrap();
    *done.lock().unwrap() = true;
    opens.join().unwrap();
    let (time, difference) = line.split_once(' ').unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{line}");
    assert!(difference.starts_with("+ opened  TCP 127.0.0.1:") && difference.contains(" LISTENING: "), "{line}");
    drop(lines);
    until("rnetstat has ended", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn the_summary_counts_what_closed_connections_have_sent() {
    const COUNT: u64 = 200;
    const SENT: u64 = 1000;
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let server = listener(case.listen);
    let watch = Watch::of(rnetstat("--summary --tcp-info --format ndjson 1"));
    let traffic = |field: &str| {
        let lines = watch.lines.lock().unwrap();
        let sums = lines.iter().flat_map(|line| line["traffic"].as_array().into_iter().flatten());
        sums.filter_map(|sum| sum[field].as_u64()).sum::<u64>()
    };
    until("a summary is there", || watch.lines.lock().unwrap().len() > 1);
    for _ in 0..COUNT {
        let (mut client, mut accepted) = pair(&server);
        client.write_all(&[7; SENT as usize]).unwrap();
        accepted.read_exact(&mut [0; SENT as usize]).unwrap();
    }
    // What is open at a display is among its bytes, and again among those of the next one if it is closed then.
    until("all bytes are counted", || traffic("bytes_sent") >= COUNT * SENT);
    // A display takes a second and longer.
    until("they have a rate", || traffic("send_rate_bytes_per_second") >= COUNT * SENT / 10);
    assert!(traffic("send_rate_bytes_per_second") <= COUNT * SENT, "no byte is counted twice");
}

/// How many servers there are, how many connections go to each, and how many bytes are sent by each.
const SERVERS: usize = 5;
const CONNECTIONS: usize = 10_000;
const BYTES: usize = 160;

/// Makes connections at some 1,000 a second that send and close at once.
fn connect_many(address: SocketAddr) {
    let begin = Instant::now();
    for number in 0..CONNECTIONS {
        let due = begin + Duration::from_millis(number as u64);
        if number % 50 == 0 {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&[7; BYTES]).unwrap();
    }
}

fn serve_many(server: &Socket) {
    for _ in 0..CONNECTIONS {
        let (accepted, _) = server.accept().unwrap();
        let read = TcpStream::from(accepted).read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(read, BYTES);
    }
}

#[test]
fn of_five_thousand_connections_a_second_each_is_told_or_the_loss_is() {
    let Some(_namespace) = Namespace::enter() else { return };
    let [case, ..] = AddressCase::all();
    let watch = Watch::start("");
    let servers: Vec<Socket> = (0..SERVERS).map(|_| listener(case.listen)).collect();
    let ports: Vec<u64> = servers.iter().map(|server| local(server).port().into()).collect();
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| serve_many(server));
            scope.spawn(|| connect_many(local(server)));
        }
    });
    let opened = |events: &[Value]| counted(events, |event| event["event"] == "opened");
    let closed = |events: &[Value], seen: bool| counted(events, |event| event["event"] == "closed" && event["seen_open"] == seen);
    until("what was opened less what was closed is what there is", || {
        let events = watch.events();
        opened(&events) - closed(&events, true) == SERVERS
    });
    let is_of_client = |event: &Value| port_of(event, "remote").is_some_and(|port| ports.contains(&port));
    let lost = |events: &[Value]| events.iter().filter(|event| event["code"] == "events-lost").count();
    until("every client is told, or the loss", || {
        let events = watch.events();
        lost(&events) > 0 || counted(&events, |event| event["event"] == "closed" && is_of_client(event)) == SERVERS * CONNECTIONS
    });
    let events = watch.end();
    let figures = |event: &&Value| event["event"] == "closed" && is_of_client(event);
    let bytes: u64 = events.iter().filter(figures).filter_map(|event| event["socket"]["tcp_info"]["bytes_sent"].as_u64()).sum();
    let all = (SERVERS * CONNECTIONS * BYTES) as u64;
    if lost(&events) == 0 {
        assert_eq!(bytes, all, "8,000,000 bytes");
        assert_eq!(opened(&events) - SERVERS + closed(&events, false), 2 * SERVERS * CONNECTIONS);
    } else {
        eprintln!("{} losses were reported, {bytes} of {all} bytes are accounted for", lost(&events));
        assert!(bytes <= all);
    }
}

/// Whether the kernel could not deliver a message about a closed TCP connection in this namespace.
fn has_dropped_messages() -> bool {
    const TCP_DESTROY: &str = "00000005";
    let table = std::fs::read_to_string("/proc/thread-self/net/netlink").unwrap();
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Groups, and the count of drops behind the locks.
    rows.any(|row| row.get(3) == Some(&TCP_DESTROY) && row.get(8).is_some_and(|drops| *drops != "0"))
}

#[test]
fn what_the_kernel_could_not_keep_is_a_problem_and_what_was_seen_is_closed() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() {
        return skipped("the user cannot be changed").unwrap_or_default();
    }
    let [case, ..] = AddressCase::all();
    let server = listener(case.listen);
    let port = local(&server).port();
    let seen = pair(&server);
    let seen_port = seen.0.local_addr().unwrap().port();
    // Without rights the kernel keeps little.
    let copy = PublicCopy::make();
    let mut command = copy.as_nobody("--events --format ndjson");
    let watch = Watch::of(std::mem::replace(&mut command, Command::new("true")));
    watch.signal(Signal::STOP);
    until("the kernel has dropped a message", || {
        for _ in 0..500 {
            let (client, accepted) = pair(&server);
            // Without TIME_WAIT the ports suffice.
            reset_at_close(&client);
            drop((client, accepted));
        }
        has_dropped_messages()
    });
    drop(seen);
    watch.signal(Signal::CONT);
    until("the loss is told, and that what was seen is closed", || {
        let events = watch.events();
        events.iter().any(|event| event["code"] == "events-lost")
            && about(&events, "closed", seen_port, Some(port)).len() == 1
            && about(&events, "closed", port, Some(seen_port)).len() == 1
    });
}
