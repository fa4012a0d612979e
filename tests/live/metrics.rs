//! Metrics of real sockets, read by the programs that they are for: Prometheus' own checker, and the strict parser of its client
//! library.

use super::hostile::{HostileHost, HostileProcess, NAMES};
use crate::support::fixtures::{listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::text_of;
use crate::support::skip::{have_or_skip, python_with, skipped};
use serde_json::Value;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};

const LINE: &str = "--format openmetrics";

/// What a program prints that reads a page; it has to accept it.
fn read_by(program: &str, arguments: &[&str], page: &str) -> String {
    let mut command = Command::new(program);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{program}: {complaint}\n{page}");
    String::from_utf8(output.stdout).unwrap()
}

/// The series of a page as the strict parser reads them: metric, labels, value.
fn samples(python: &str, page: &str) -> Vec<Value> {
    const SCRIPT: &str = r"
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode()):
    assert family.type == 'gauge' and family.documentation, family
    for sample in family.samples:
        print(json.dumps([sample.name, sample.labels, sample.value]))
";
    read_by(python, &["-c", SCRIPT], page).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn python() -> Option<&'static str> {
    python_with("prometheus_client")
        .or_else(|| skipped("prometheus_client (Debian package python3-prometheus-client) is not installed"))
}

#[test]
fn prometheus_reads_metrics_with_hostile_names() {
    let Some(_namespace) = Namespace::enter() else { return };
    let host = HostileHost::make("metrics");
    let processes: Vec<HostileProcess> = NAMES.iter().map(|name| HostileProcess::start(&host.0, name)).collect();
    let page = host.print(LINE);
    if have_or_skip("promtool", "prometheus") {
        assert_eq!(read_by("promtool", &["check", "metrics"], &page), "");
    }
    let Some(python) = python() else { return };
    let samples = samples(python, &page);
    for process in &processes {
        let port = process.port.to_string();
        let infos = samples.iter().filter(|sample| sample[0] == "rnetstat_listener_info" && sample[1]["port"] == port.as_str());
        assert_eq!(infos.count(), 1, "{page}");
    }
    let sockets = samples.iter().filter(|sample| sample[0] == "rnetstat_sockets");
    assert_eq!(sockets.map(|sample| sample[2].as_f64().unwrap() as usize).sum::<usize>(), processes.len());
}

#[test]
fn connections_that_wait_and_that_are_dropped_are_metrics_of_their_listener() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    socket.listen(1).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, local(&socket).port()));
    // The queue takes one more than its limit; what comes then is dropped.
    let _waiting = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
    assert!(TcpStream::connect_timeout(&address, std::time::Duration::from_millis(50)).is_err());
    let page = text_of(LINE);
    let value = |metric: &str| {
        let port = format!("port=\"{}\"", address.port());
        let line = page.lines().find(|line| line.starts_with(&format!("{metric}{{")) && line.contains(&port));
        line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.parse::<f64>().unwrap())
    };
    assert_eq!((value("rnetstat_listener_queue"), value("rnetstat_listener_queue_limit")), (Some(2.0), Some(1.0)), "{page}");
    assert!(value("rnetstat_listener_dropped") >= Some(1.0), "{page}");
    assert!(page.contains("rnetstat_findings{code=\"backlog-full\"} 1\n"), "{page}");
    assert!(page.contains(&format!("address=\"127.0.0.1\",port=\"{}\"", address.port())), "{page}");
}
