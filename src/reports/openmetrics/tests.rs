//! Pages of made-up moments.

use super::compute::LIMIT;
use super::{Escaped, Number};
use crate::model::cgroup::Cgroup;
use crate::model::namespace::{NameSource, Namespace};
use crate::model::port_policy::PortPolicy;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Protocol, Socket, State};
use crate::model::tcp_info::{TcpField, TcpFields, TcpInfoTable};
use crate::output::escape::needs_escape;
use crate::reports::tests::{Machine, friendly, hostile, process};
use std::collections::{HashMap, HashSet};

const LINE: &str = "--format openmetrics";

/// A page, taken apart: the series with their values, and what HELP and TYPE say of their names.
struct Page {
    text: String,
    series: HashMap<String, String>,
}

impl Page {
    /// Takes a page apart, which has to be one: a heading for each metric, each series once, and its end.
    #[track_caller]
    fn parse(text: String) -> Self {
        let mut series = HashMap::new();
        let mut metric = String::new();
        let mut headings = HashSet::new();
        let body = text.strip_suffix("# EOF\n").expect("the end of the page");
        for line in body.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                metric = help.split(' ').next().unwrap().to_owned();
                assert!(headings.insert(metric.clone()), "twice: {line}");
            } else if line.starts_with('#') {
                assert_eq!(line, format!("# TYPE {metric} gauge"));
            } else {
                let (labels, value) = line.rsplit_once(' ').unwrap();
                assert_eq!(labels.split('{').next(), Some(metric.as_str()), "{line}");
                assert!(series.insert(labels.to_owned(), value.to_owned()).is_none(), "twice: {line}");
            }
        }
        Self { text, series }
    }

    fn of(machine: Machine) -> Self {
        Self::parse(machine.print(LINE))
    }

    #[track_caller]
    fn value(&self, series: &str) -> &str {
        self.series.get(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text))
    }

    /// The values of all series of a metric that counts.
    fn values(&self, metric: &str) -> Vec<u64> {
        let is_of = |name: &str| name.split('{').next() == Some(metric);
        self.series.iter().filter(|(name, _)| is_of(name)).map(|(_, value)| value.parse().unwrap()).collect()
    }
}

#[test]
fn sockets_count_once_by_protocol_family_state_and_process() {
    let page = Page::of(friendly());
    for (labels, sockets) in [
        (r#"protocol="tcp",family="ipv4",state="LISTENING",process="nginx""#, "1"),
        (r#"protocol="tcp",family="ipv4",state="ESTABLISHED",process="nginx""#, "1"),
        (r#"protocol="tcp",family="ipv4",state="TIME_WAIT",process="(no process)""#, "1"),
        (r#"protocol="tcp",family="ipv4",state="ESTABLISHED",process="(hidden)""#, "1"),
        // Its process has ended since.
        (r#"protocol="udp",family="ipv6",state="",process="(ended)""#, "1"),
    ] {
        assert_eq!(page.value(&format!("rnetstat_sockets{{{labels}}}")), sockets);
    }
    assert_eq!(page.values("rnetstat_sockets").iter().sum::<u64>(), 6);
    assert_eq!(page.value("rnetstat_snapshot_owners_hidden"), "1");
}

#[test]
fn a_page_has_neither_foreign_addresses_nor_pids() {
    let page = Page::of(friendly()).text;
    for secret in ["198.51.100.7", "10.0.0.2", "40000", "50000", "4711", "900", "901"] {
        assert!(!page.contains(secret), "{secret} in\n{page}");
    }
}

#[test]
fn a_listener_has_its_unit_its_exposure_its_queue_and_its_drops() {
    let mut machine = friendly();
    machine.snapshot.sockets[0].receive_queue = 3;
    let mut tcp_info = TcpInfoTable::new(TcpFields::of(&[TcpField::Drops]));
    tcp_info.push().set(TcpField::Drops, 17);
    machine.snapshot.tcp_info = tcp_info;
    let unit = Cgroup { unit: Some("nginx.service".to_owned()), ..Cgroup::default() };
    machine.lookups.cgroups = [(900, unit)].into();
    let page = Page::of(machine);
    let labels = r#"protocol="tcp",address="0.0.0.0",port="443",process="nginx""#;
    for (metric, value) in [("queue", "3"), ("queue_limit", "511"), ("dropped", "17")] {
        assert_eq!(page.value(&format!("rnetstat_listener_{metric}{{{labels}}}")), value);
    }
    let more = r#"exposure="every-address",unit="nginx.service""#;
    assert_eq!(page.value(&format!("rnetstat_listener_info{{{labels},{more}}}")), "1");
    let udp = r#"protocol="udp",address="fe80::1",port="546",process="(ended)",exposure="link-local",unit="""#;
    assert_eq!(page.value(&format!("rnetstat_listener_info{{{udp}}}")), "1");
}

#[test]
fn sockets_that_share_a_port_are_one_series() {
    let listener = |inode, queue| Socket { inode, receive_queue: queue, send_queue: 128, ..socket("::", 80) };
    let machine =
        Machine::new(vec![listener(1, 2), listener(2, 3)], &[(1, 7), (2, 8)], vec![process(7, "web"), process(8, "web")]);
    let page = Page::of(machine);
    let labels = r#"{protocol="tcp",address="::",port="80",process="web"}"#;
    assert_eq!(page.value(&format!("rnetstat_listener_queue{labels}")), "5");
    assert_eq!(page.value(&format!("rnetstat_listener_queue_limit{labels}")), "256");
}

#[test]
fn queues_of_connections_are_bytes_by_process() {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
    let connection = |inode, receive, send| Socket {
        remote,
        state: Some(State::Established),
        inode,
        receive_queue: receive,
        send_queue: send,
        ..socket("10.0.0.1", 5000)
    };
    let sockets = vec![connection(1, 10, 1), connection(2, 20, 2), Socket { inode: 3, receive_queue: 9, ..socket("::", 80) }];
    let page = Page::of(Machine::new(sockets, &[(1, 7), (2, 7), (3, 7)], vec![process(7, "web")]));
    assert_eq!(page.value(r#"rnetstat_receive_queue_bytes{process="web"}"#), "30");
    assert_eq!(page.value(r#"rnetstat_send_queue_bytes{process="web"}"#), "3");
}

#[test]
fn the_first_process_does_not_take_the_sockets_that_it_opened_for_others() {
    let sockets = vec![Socket { inode: 1, ..socket("::", 22) }, Socket { inode: 2, ..socket("::", 111) }];
    let machine = Machine::new(sockets, &[(1, 1), (1, 90), (2, 1)], vec![process(1, "systemd"), process(90, "sshd")]);
    let page = Page::of(machine);
    let of = |process: &str| {
        page.value(&format!("rnetstat_sockets{{protocol=\"tcp\",family=\"ipv6\",state=\"LISTENING\",process=\"{process}\"}}"))
    };
    assert_eq!((of("sshd"), of("systemd")), ("1", "1"));
}

#[test]
fn the_worst_use_of_ephemeral_ports_and_the_findings_are_there() {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
    let connection = |port| Socket { state: Some(State::TimeWait), remote, ..socket("10.0.0.1", port) };
    let mut machine = Machine::new((40000..40090).map(connection).collect(), &[], Vec::new());
    machine.lookups.port_policy = PortPolicy { ephemeral: Some(40000..=40099), ..PortPolicy::default() };
    let page = Page::of(machine);
    assert_eq!(page.value("rnetstat_ephemeral_ports_used_ratio"), "0.9");
    assert_eq!(page.value(r#"rnetstat_findings{code="ports-nearly-used"}"#), "1");
    assert_eq!(page.value(r#"rnetstat_findings{code="close-wait"}"#), "0");
    assert!(Page::of(friendly()).values("rnetstat_ephemeral_ports_used_ratio").is_empty(), "the range is not known");
}

#[test]
fn an_incomplete_snapshot_says_so() {
    assert_eq!(Page::of(friendly()).value("rnetstat_snapshot_complete"), "1");
    let mut machine = friendly();
    machine.snapshot.problems = vec![Problem::new(ProblemKind::TableUnreadable, "TCP cannot be read")];
    assert_eq!(Page::of(machine).value("rnetstat_snapshot_complete"), "0");
}

#[test]
fn namespaces_are_a_label_if_several_are_read() {
    let mut machine = friendly();
    machine.snapshot.namespaces = vec![
        Namespace { initial: true, rows: 0..2, ..Namespace::default() },
        Namespace { name: Some("web\u{1b}\"".to_owned()), source: NameSource::Netns, rows: 2..4, ..Namespace::default() },
        Namespace { name: Some("sh (4711)".to_owned()), source: NameSource::Process, rows: 4..5, ..Namespace::default() },
        Namespace { inode: Some(4_026_532_000), rows: 5..6, ..Namespace::default() },
    ];
    let page = Page::of(machine);
    let labels = r#"protocol="tcp",family="ipv4",state="LISTENING",process="nginx",namespace="host""#;
    assert_eq!(page.value(&format!("rnetstat_sockets{{{labels}}}")), "1");
    assert!(page.text.contains(r#"namespace="web\\u{1b}\"""#), "{}", page.text);
    // Neither a PID nor a number that is another one after each start.
    assert!(page.text.contains(r#"namespace="sh""#) && page.text.contains(r#"namespace="(unnamed)""#), "{}", page.text);
}

#[test]
fn hostile_names_neither_break_a_line_nor_command_a_terminal() {
    let page = Page::of(hostile());
    assert_eq!(page.text.chars().find(|&character| character != '\n' && needs_escape(character)), None);
    assert_eq!(page.values("rnetstat_sockets").len(), hostile().snapshot.sockets.len());
}

#[test]
fn a_process_is_not_taken_for_our_own_words() {
    let sockets = (1..=2).map(|inode| Socket { inode, ..socket("::", 80) }).collect();
    let machine = Machine::new(sockets, &[(1, 7), (2, 8)], vec![process(7, "(others)"), process(8, "a\\b")]);
    let text = Page::of(machine).text;
    assert!(text.contains(r#"process="\"(others)\"""#) && text.contains(r#"process="a\\b""#), "{text}");
}

/// A machine with so many processes, each with a listener and connections in three states.
fn crowd(processes: u32) -> Machine {
    let states = [State::Established, State::CloseWait, State::TimeWait];
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
    let of_process = |pid: u32| {
        let connection =
            move |(place, state)| Socket { state: Some(state), remote, inode: pid * 10 + place, ..socket("10.0.0.1", 30000) };
        let connections = (1..).zip(states).map(connection);
        std::iter::once(Socket { inode: pid * 10, ..socket("::", pid as u16) }).chain(connections)
    };
    let sockets: Vec<Socket> = (1..=processes).flat_map(of_process).collect();
    let owned: Vec<(u32, u32)> = sockets.iter().map(|socket| (socket.inode, socket.inode / 10 + 100)).collect();
    let named = (1..=processes).map(|pid| process(pid + 100, &format!("p{pid:05}"))).collect();
    Machine::new(sockets, &owned, named)
}

#[test]
fn the_series_are_limited_and_every_socket_still_counts() {
    for processes in [1, 50, 100, 1000, 5000] {
        let page = Page::of(crowd(processes));
        assert!(page.series.len() <= LIMIT, "{processes} processes: {} series", page.series.len());
        assert_eq!(page.values("rnetstat_sockets").iter().sum::<u64>(), u64::from(processes) * 4);
        let is_cut = page.text.contains(r#"process="(others)""#);
        assert_eq!((page.value("rnetstat_series_dropped") != "0", is_cut), (processes > 50, processes > 50), "{processes}");
    }
}

#[test]
fn the_processes_with_the_most_sockets_keep_their_names() {
    let mut machine = crowd(1000);
    let connection = machine.snapshot.sockets[1];
    machine.snapshot.sockets.extend((1..=50).map(|port| Socket {
        local: Endpoint { port, ..connection.local },
        inode: 9990,
        ..connection
    }));
    let page = Page::of(machine);
    let labels = r#"protocol="tcp",family="ipv4",state="ESTABLISHED",process="p00999""#;
    assert_eq!(page.value(&format!("rnetstat_sockets{{{labels}}}")), "51");
}

#[test]
fn listeners_that_do_not_fit_are_left_out_and_udp_clients_first() {
    let udp = |port| Socket { protocol: Protocol::Udp, state: None, ..socket("0.0.0.0", port) };
    let mut machine = Machine::new((40000..40300).map(udp).chain([udp(53)]).collect(), &[], Vec::new());
    machine.lookups.port_policy = PortPolicy { ephemeral: Some(40000..=49999), ..PortPolicy::default() };
    let page = Page::of(machine);
    assert!(page.text.contains("port=\"53\""));
    let listeners = page.values("rnetstat_listener_info").len();
    assert_eq!(page.value("rnetstat_series_dropped"), (301 - listeners).to_string());
}

#[test]
fn many_namespaces_are_limited_too() {
    let mut machine = crowd(600);
    let namespace = |place: u32| Namespace {
        name: Some(format!("n{place}")),
        source: NameSource::Netns,
        rows: place * 4..place * 4 + 4,
        ..Namespace::default()
    };
    machine.snapshot.namespaces = (0..600).map(namespace).collect();
    let page = Page::of(machine);
    assert!(page.series.len() <= LIMIT, "{} series", page.series.len());
    assert_eq!(page.values("rnetstat_sockets").iter().sum::<u64>(), 2400);
    assert!(page.text.contains(r#"namespace="(others)""#));
}

#[test]
fn numbers_and_labels_are_written_as_the_format_demands() {
    assert_eq!(Escaped("a\\b\"c\nd").to_string(), "a\\\\b\\\"c\\nd");
    assert_eq!(Number::Count(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!((Number::Real(0.25).to_string(), Number::Real(1e-7).to_string()), ("0.25".into(), "0.0000001".into()));
}
