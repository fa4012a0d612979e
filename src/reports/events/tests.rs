//! Events as text and as NDJSON.

use super::{json, text};
use crate::model::closed::LastFigures;
use crate::model::owners::OwnerStatus;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Socket, State, TableSet};
use crate::moment::changes::{Groups, Key, Owner, RowFacts, differences};
use crate::moment::events::Event;
use serde_json::Value;
use std::sync::Arc;

const TIME: u64 = 1_795_449_600_250;

fn connection() -> Socket {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 5000);
    Socket { state: Some(State::Established), remote, inode: 13, ..socket("10.0.0.1", 443) }
}

/// One read of one socket, or of none.
fn read(socket: Option<Socket>, owner: Option<(u32, &str)>, owner_status: OwnerStatus) -> Groups {
    let owner = owner.map(|(pid, name)| Owner { pid, name: Some(name.to_owned()), start_time: None });
    let owners: Arc<[Owner]> = owner.into_iter().collect();
    let mut groups = Groups::default();
    if let Some(socket) = &socket {
        let device = (socket.interface != 0).then(|| "eth\u{1b}[2J".into());
        let key = Key::of(socket, None, device);
        let (cookie, is_wanted, may_have_more_owners) = (None, true, false);
        groups.add(key, &RowFacts { socket, cookie, owners: &owners, owner_status, may_have_more_owners, is_wanted });
    }
    groups
}

fn event(before: &Groups, after: &Groups, last: Option<LastFigures>) -> Event {
    let difference = differences(before, after, TableSet::NONE, TableSet::NONE).remove(0);
    Event { time_ms: TIME, difference, last, was_seen: true }
}

/// A listener that is opened, a service that is restarted, a connection that is closed, one that no read has seen.
fn events() -> Vec<Event> {
    let none = || read(None, None, OwnerStatus::None);
    let listener = |owner, backlog| {
        let listener = Socket { send_queue: backlog, interface: 3, ..socket("0.0.0.0", 443) };
        read(Some(listener), Some(owner), OwnerStatus::Owned)
    };
    let established = read(Some(connection()), Some((900, "nginx\u{1b}[2J")), OwnerStatus::Owned);
    let last = LastFigures {
        bytes_sent: Some(1500),
        bytes_received: Some(12),
        bytes_retransmitted: Some(0),
        rtt_us: Some(12_300),
        retransmits: Some(2),
    };
    let unseen = read(Some(Socket { state: Some(State::Closed), ..connection() }), None, OwnerStatus::Gone);
    vec![
        event(&none(), &listener((900, "nginx"), 128), None),
        event(&listener((900, "nginx"), 128), &listener((901, "nginx"), 511), None),
        event(&established, &none(), Some(last)),
        Event { was_seen: false, ..event(&unseen, &none(), Some(LastFigures::default())) },
    ]
}

#[test]
fn a_line_has_the_time_the_difference_and_the_last_figures() {
    let mut out = Vec::new();
    text::write(&mut out, &events()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("2026-11-23T16:00:00.250Z ") && !line.contains('\u{1b}')), "{text}");
    assert!(lines[0].contains(" + opened  TCP 0.0.0.0:443 on eth"), "{text}");
    assert!(lines[1].ends_with(": owner nginx (900) -> nginx (901); backlog 128 -> 511"), "{text}");
    assert!(lines[2].contains(" - closed  TCP 10.0.0.1:443 to 192.0.2.9:5000 ESTABLISHED: "), "{text}");
    assert!(lines[2].ends_with("(900); sent 1.4KiB, received 12B, rtt 12.3ms, retransmits 2"), "{text}");
    assert!(lines[3].ends_with(" CLOSED: (ended); it was opened after the last read"), "{text}");
}

fn lines() -> Vec<Value> {
    let mut out = Vec::new();
    json::write(&mut out, &events()).unwrap();
    let lost = Problem::new(ProblemKind::EventsLost, "too many");
    json::write_problem(&mut out, &lost, TIME).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_line_of_json_is_as_the_schema_says() {
    let mut schema: Value = serde_json::from_str(crate::reports::document::SCHEMA).unwrap();
    let line = schema["$defs"]["line"].clone();
    for (name, value) in line.as_object().unwrap() {
        schema[name] = value.clone();
    }
    schema.as_object_mut().unwrap().remove("allOf");
    schema.as_object_mut().unwrap().remove("properties");
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in lines() {
        assert!(validator.is_valid(&line), "{line:#}");
        let mut wrong = line.clone();
        wrong["type"] = "other".into();
        assert!(!validator.is_valid(&wrong), "{wrong:#}");
    }
}

#[test]
fn json_has_what_is_known_and_leaves_out_what_there_is_not() {
    let lines = lines();
    let [opened, changed, closed, unseen, problem] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&opened["event"], &opened["time"]), (&"opened".into(), &"2026-11-23T16:00:00.250Z".into()));
    assert_eq!((&opened["socket"]["send_queue"], &opened["socket"]["owners"][0]["pid"]), (&128.into(), &900.into()));
    assert_eq!(opened.get("changed").or(opened["socket"].get("remote")).or(opened.get("seen_open")), None);
    assert_eq!(changed["changed"], serde_json::json!(["owner", "backlog"]));
    assert_eq!((&changed["before"]["owners"][0]["pid"], &changed["before"]["send_queue"]), (&900.into(), &128.into()));
    assert_eq!((&changed["socket"]["owners"][0]["pid"], &changed["socket"]["send_queue"]), (&901.into(), &511.into()));
    let figures = serde_json::json!({"bytes_sent": 1500, "bytes_received": 12, "rtt_us": 12300, "retransmits": 2});
    assert_eq!((&closed["socket"]["tcp_info"], &closed["seen_open"]), (&figures, &true.into()));
    assert_eq!((&unseen["socket"]["owner_status"], &unseen["seen_open"]), (&"gone".into(), &false.into()));
    assert_eq!(unseen["socket"]["tcp_info"]["bytes_sent"], Value::Null);
    assert_eq!((&problem["type"], &problem["code"]), (&"problem".into(), &"events-lost".into()));
}
