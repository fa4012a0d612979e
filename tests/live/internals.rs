//! What is internal to TCP, compared with `ss -tinm` and with what was done to the connections.

use crate::support::delay::{BEHIND, DelayedLink, OWN};
use crate::support::fixtures::{bound, drop_incoming, listener, local, new_socket};
use crate::support::namespace::Namespace;
use crate::support::program::{rnetstat, text_of};
use crate::support::skip::{have_or_skip, skipped};
use crate::support::wait::until;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

const EVERY_FIELD: &str = "local,rtt,rtt_variation,min_rtt,rto,cwnd,ssthresh,mss,path_mtu,unacked,lost,retransmitting,retransmits,\
                           bytes_sent,bytes_acked,bytes_received,bytes_retransmitted,segments_out,segments_in,not_sent,\
                           delivery_rate,app_limited,pacing_rate,last_send,last_receive,last_ack,busy,window_limited,\
                           buffer_limited,send_window,receive_window,reordering,ecn,timeouts,memory_receive,memory_send,drops,\
                           congestion,upper_layer";

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A connection to a server: the client and the server's end.
fn connection(server: &Socket, to: SocketAddr) -> (Socket, Socket) {
    let client = new_socket(to, Protocol::TCP);
    client.connect(&to.into()).unwrap();
    let (accepted, _) = server.accept().unwrap();
    (client, accepted)
}

/// Sends bytes from one end to the other, which reads them all.
fn transfer(from: &Socket, to: &Socket, bytes: usize) {
    std::thread::scope(|scope| {
        scope.spawn(|| (&mut &*from).write_all(&vec![b'x'; bytes]).unwrap());
        let mut left = vec![0; bytes];
        (&mut &*to).read_exact(&mut left).unwrap();
    });
}

/// The sockets that a line of switches shows, by their local ends.
fn sockets(switches: &str) -> HashMap<String, Value> {
    let text = text_of(&format!("{switches} --format ndjson --no-header"));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let end = |socket: &Value| {
        let local = &socket["local"];
        format!("{}:{}", local["address"].as_str().unwrap(), local["port"])
    };
    lines.map(|socket| (end(&socket), socket)).collect()
}

/// The internals of the connections of this namespace as `ss` gives them, by their local ends.
fn internals_by_ss() -> HashMap<String, String> {
    let output = Command::new("ss").args(["-H", "-O", "-tinm", "state", "connected"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| (line.split_ascii_whitespace().nth(3).unwrap().to_owned(), line.to_owned())).collect()
}

/// The number behind `key:` in a line of `ss`; 0 if it leaves the key out, as it does with zeros.
fn number(line: &str, key: &str, scale: f64) -> u64 {
    let value = line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix(':'));
    let digits = value.unwrap_or("0").split(['/', ',']).next().unwrap().trim_end_matches("ms");
    (digits.parse::<f64>().unwrap_or_else(|error| panic!("{key} in {line}: {error}")) * scale).round() as u64
}

/// The number of bits per second behind a word, as bytes.
fn rate(line: &str, key: &str) -> u64 {
    let mut words = line.split_ascii_whitespace().skip_while(|word| *word != key).skip(1);
    words.next().map_or(0, |bits| bits.trim_end_matches("bps").parse::<u64>().unwrap() / 8)
}

/// A counter of `skmem:(r0,rb131072,t0,…)`.
fn memory(line: &str, key: &str) -> u64 {
    let counters = line.split_once("skmem:(").unwrap().1.split_once(')').unwrap().0;
    let number = |word: &str| word.strip_prefix(key)?.parse::<u64>().ok();
    counters.split(',').find_map(number).unwrap()
}

fn assert_equals_ss(socket: &Value, line: &str) {
    let info = &socket["tcp_info"];
    let equal = |field: &str, expected: u64| {
        // ss leaves out what is 0 or unknown.
        assert_eq!(info[field].as_u64().unwrap_or(0), expected, "{field}: {line}\n{info}");
    };
    let after_slash = |key: &str| {
        let value = line.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix(':'));
        value.and_then(|value| value.split_once('/')).map_or("0", |(_, after)| after).parse::<f64>().unwrap()
    };
    equal("rtt_us", number(line, "rtt", 1000.0));
    equal("rtt_variation_us", (after_slash("rtt") * 1000.0).round() as u64);
    equal("min_rtt_us", number(line, "minrtt", 1000.0));
    equal("rto_us", number(line, "rto", 1000.0));
    equal("cwnd", number(line, "cwnd", 1.0));
    equal("ssthresh", number(line, "ssthresh", 1.0));
    equal("mss_bytes", number(line, "mss", 1.0));
    equal("path_mtu_bytes", number(line, "pmtu", 1.0));
    equal("unacked", number(line, "unacked", 1.0));
    equal("lost", number(line, "lost", 1.0));
    equal("retransmitting", number(line, "retrans", 1.0));
    equal("retransmits", after_slash("retrans") as u64);
    equal("bytes_sent", number(line, "bytes_sent", 1.0));
    equal("bytes_acked", number(line, "bytes_acked", 1.0));
    equal("bytes_received", number(line, "bytes_received", 1.0));
    equal("bytes_retransmitted", number(line, "bytes_retrans", 1.0));
    equal("segments_out", number(line, "segs_out", 1.0));
    equal("segments_in", number(line, "segs_in", 1.0));
    equal("not_sent_bytes", number(line, "notsent", 1.0));
    equal("send_window_bytes", number(line, "snd_wnd", 1.0));
    equal("delivery_rate_bytes_per_second", rate(line, "delivery_rate"));
    equal("pacing_rate_bytes_per_second", rate(line, "pacing_rate"));
    let has = |word: &str| line.split_ascii_whitespace().any(|found| found == word);
    assert_eq!(info["app_limited"], has("app_limited"), "{line}");
    assert_eq!(info["ecn"] != "off", has("ecn") || has("ecnseen"), "{line}");
    assert!(has(socket["congestion"].as_str().unwrap()), "{line}");
    assert_eq!(socket["memory_receive_bytes"], memory(line, "r"), "{line}");
    assert_eq!(socket["memory_send_bytes"], memory(line, "w"), "{line}");
    assert_eq!(socket["drops"], memory(line, "d"), "{line}");
    // These change between two reads, of which that of ss is the later one.
    let limit = 60_000;
    for (field, key) in [("last_send_ms", "lastsnd"), ("last_receive_ms", "lastrcv"), ("last_ack_ms", "lastack")] {
        assert!(info[field].as_u64().unwrap().abs_diff(number(line, key, 1.0)) < limit, "{field}: {line}");
    }
    assert!(info["busy_us"].as_u64().unwrap() / 1000 <= number(line, "busy", 1.0), "{line}");
}

#[test]
fn internals_of_connections_equal_those_of_ss_and_bytes_are_those_transferred() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("ss", "iproute2") {
        return;
    }
    let server = listener(loopback());
    let (client, accepted) = connection(&server, local(&server));
    transfer(&client, &accepted, 1_234_567);
    transfer(&accepted, &client, 89);
    // One whose data is lost, and one that is idle.
    let (lossy, deaf) = connection(&server, local(&server));
    drop_incoming(&deaf);
    (&mut &lossy).write_all(&[b'x'; 5000]).unwrap();
    let idle = connection(&server, local(&server));

    let mut expected = internals_by_ss();
    let mut found = HashMap::new();
    until("ss and rnetstat read the same moment", || {
        let switches = format!("--columns {EVERY_FIELD}");
        found = sockets(&switches);
        let after = internals_by_ss();
        let counts = |lines: &HashMap<String, String>| -> Vec<_> {
            let mut counts: Vec<_> = lines
                .iter()
                .map(|(end, line)| {
                    (end.clone(), number(line, "segs_out", 1.0), number(line, "segs_in", 1.0), number(line, "rto", 1.0))
                })
                .collect();
            counts.sort();
            counts
        };
        let is_stable = counts(&expected) == counts(&after);
        expected = after;
        is_stable
    });
    let connections: Vec<_> = found.values().filter(|socket| !socket["tcp_info"].is_null()).collect();
    assert!(connections.len() >= expected.len());
    for (end, line) in &expected {
        if end != &local(&server).to_string() {
            assert_equals_ss(&found[end], line);
        }
    }
    let of = |socket: &Socket, field: &str| found[&local(socket).to_string()]["tcp_info"][field].as_u64().unwrap();
    // On a busy host data may be sent again although nothing was lost.
    let sent = of(&client, "bytes_sent") - of(&client, "bytes_retransmitted");
    assert_eq!([sent, of(&client, "bytes_received")], [1_234_567, 89]);
    drop((accepted, deaf, idle));
}

#[test]
fn lost_data_is_counted_as_retransmitted_and_found_by_a_condition() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(loopback());
    let (lossy, deaf) = connection(&server, local(&server));
    let healthy = connection(&server, local(&server));
    transfer(&healthy.0, &healthy.1, 1000);
    drop_incoming(&deaf);
    (&mut &lossy).write_all(&[b'x'; 5000]).unwrap();
    let line = "--where retransmits>0 --where timeouts>=1 --where bytes_retransmitted>=1KiB --columns local,retransmits";
    let mut found = HashMap::new();
    until("data is sent again", || {
        let output = rnetstat(&format!("{line} --format ndjson --no-header")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(i32::from(text.is_empty())), "{text}");
        found = text.lines().map(|line| (line.to_owned(), ())).collect();
        !found.is_empty()
    });
    let port = local(&lossy).port();
    assert!(found.len() == 1 && found.keys().all(|line| line.contains(&format!("\"port\":{port},"))), "{found:?}");
}

#[test]
fn a_delay_of_50_ms_is_the_round_trip_time() {
    let Some(_namespace) = Namespace::enter() else { return };
    let Some(_link) = DelayedLink::new(Duration::from_millis(25)) else { return };
    let server = listener(format!("{OWN}:0").parse().unwrap());
    let to: SocketAddr = format!("{BEHIND}:{}", local(&server).port()).parse().unwrap();
    let (client, accepted) = connection(&server, to);
    transfer(&client, &accepted, 100);
    let near = listener(loopback());
    let near_ends = connection(&near, local(&near));
    transfer(&near_ends.0, &near_ends.1, 100);
    let found = sockets("--where min_rtt>=50ms --where rtt<30s --columns local,min_rtt,rtt");
    let mut ends: Vec<_> = found.keys().cloned().collect();
    ends.sort();
    let mut expected = vec![local(&server).to_string(), local(&client).to_string()];
    expected.sort();
    assert_eq!(ends, expected, "both ends wait for both directions, and nobody else does");
    drop(accepted);
}

#[test]
fn datagrams_that_found_no_room_are_dropped_ones() {
    let Some(_namespace) = Namespace::enter() else { return };
    let receiver = bound(loopback(), Protocol::UDP);
    receiver.set_recv_buffer_size(4096).unwrap();
    let sender = bound(loopback(), Protocol::UDP);
    for _ in 0..100 {
        sender.send_to(&[0; 1000], &receiver.local_addr().unwrap()).unwrap();
    }
    let found = sockets("--where drops>50 --columns local,drops,memory_receive,rtt");
    let socket = &found[&local(&receiver).to_string()];
    assert!(found.len() == 1 && socket["memory_receive_bytes"].as_u64().unwrap() > 0, "{found:?}");
    assert!(socket["tcp_info"].is_null());
}

#[test]
fn a_connection_of_mptcp_names_it_as_its_upper_layer() {
    let Some(_namespace) = Namespace::enter() else { return };
    let new = || Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP));
    let server = match new() {
        Ok(server) => server,
        Err(error) => return skipped::<()>(&format!("this kernel has no MPTCP: {error}")).unwrap_or_default(),
    };
    server.bind(&loopback().into()).unwrap();
    server.listen(1).unwrap();
    let client = new().unwrap();
    client.connect(&server.local_addr().unwrap()).unwrap();
    let (accepted, _) = server.accept().unwrap();
    let found = sockets("--where upper_layer=mptcp --columns local,upper_layer");
    assert!(found.contains_key(&local(&client).to_string()), "{found:?}");
    drop(accepted);
}

#[test]
fn a_rate_is_the_growth_of_the_counter_over_the_time_between_two_moments() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    use std::time::Instant;
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(loopback());
    let (client, accepted) = connection(&server, local(&server));
    let port = local(&client).port();
    let line = format!("--port {port} --columns bytes_sent,send_rate,receive_rate --format csv --no-header 1");
    let mut child = rnetstat(&line).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        let numbers: Vec<Option<u64>> = line.split(',').map(|cell| cell.parse().ok()).collect();
        (numbers, Instant::now())
    };
    let (first, mut before) = next();
    assert_eq!(first[1..3], [None, None], "there is no rate yet");
    let mut sent = first[0].unwrap();
    let mut left: u64 = 2_500_000;
    transfer(&client, &accepted, left as usize);
    // The transfer may lie in one pause or in several.
    while left > 0 {
        let (numbers, now) = next();
        let grown = numbers[0].unwrap() - sent;
        // Between two reads lie a second and what writing takes. That is at most the time between what was seen of them, but for
        // what this test was kept from seeing the first one.
        let rate = numbers[1].unwrap();
        let longest = now.duration_since(before).as_secs_f64() + 1.0;
        assert!(rate <= grown && rate as f64 >= grown as f64 / longest, "{numbers:?} after {longest}");
        assert_eq!(numbers[2], Some(0));
        left -= left.min(grown);
        (sent, before) = (numbers[0].unwrap(), now);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn without_sock_diag_a_condition_on_internals_is_undecided() {
    let Some(_namespace) = Namespace::enter() else { return };
    let server = listener(loopback());
    let ends = connection(&server, local(&server));
    let output = rnetstat("--sockets-from proc --where rtt>1s").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("sockets may match: rtt could not be read"), "{message}");
    drop(ends);
}
