//! What `src/reports/fleet` tells whoever has many hosts, with the programs that it is for: DuckDB, ClickHouse and Prometheus read
//! what rnetstat prints on two hosts.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/mod.rs"]
mod support;
mod tables;

use serde_json::Value;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::command::PROGRAM;
use support::namespace::Namespace;
use support::skip::{have_or_skip, skipped};
use tables::Dialect;

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reports/fleet")
}

/// Where `.ci/fleet-tools` puts the engines.
fn engines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fleet")
}

/// Runs a script of Python with an engine; `None`, reported as skipped, if it is not there.
fn python(engine: &str, folder: &Path, script: &str) -> Option<String> {
    if !engines().join(engine).exists() {
        return skipped(&format!("{engine} is not in {}: .ci/fleet-tools installs it", engines().display()));
    }
    let mut command = Command::new("python3");
    command.args(["-c", script]).env("PYTHONPATH", engines()).env("RECIPES", recipes()).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A folder with what rnetstat prints on two hosts: each has a name of its own, and a listener of its own.
struct Hosts {
    folder: PathBuf,
    ports: [u16; 2],
    _namespace: Namespace,
}

impl Hosts {
    fn run() -> Option<Self> {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let namespace = Namespace::enter()?;
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rnetstat-fleet-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let ports = ["web-1", "db-1"].map(|host| {
            let listener = TcpListener::bind("0.0.0.0:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let script = r#"hostname "$1" && exec "$2" -a --format ndjson --tcp-info >"$1.ndjson""#;
            let mut command = Command::new("unshare");
            command.args(["--uts", "sh", "-c", script, "sh", host, PROGRAM]).current_dir(&folder);
            assert!(command.status().unwrap().success());
            drop(connection);
            port
        });
        Some(Self { folder, ports, _namespace: namespace })
    }

    /// The listeners of both hosts and their processes, as every engine has to know them.
    fn expected(&self) -> Vec<String> {
        let process = fs::read_to_string("/proc/self/comm").unwrap();
        let row = |host: &str, port| format!("{host} {port} {} {}", process.trim(), std::process::id());
        vec![row("db-1", self.ports[1]), row("web-1", self.ports[0])]
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn assert_lines(text: &str, expected: &[String]) {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn the_published_tables_are_those_of_the_schema() {
    let output = Command::new(PROGRAM).arg("--schema").output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (dialect, name) in [(Dialect::DuckDb, "duckdb.sql"), (Dialect::ClickHouse, "clickhouse.sql")] {
        let (made, path) = (tables::file(&schema, dialect), recipes().join(name));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(published == made, "{name} is not of this schema: BLESS=1 cargo test --test fleet");
    }
}

#[test]
fn duckdb_knows_who_listens_on_two_hosts() {
    const SCRIPT: &str = r"
import duckdb, os
db = duckdb.connect()
db.execute(open(os.environ['RECIPES'] + '/duckdb.sql').read())
db.execute('''INSERT INTO sockets BY NAME FROM rnetstat('*.ndjson')''')
for row in db.execute('''
    SELECT host, local.port, owners[1].name, owners[1].pid FROM sockets
    WHERE state = 'LISTENING' AND exposure = 'every-address'
''').fetchall():
    print(*row)
hosts, internals, dated = db.execute('''
    SELECT count(DISTINCT host), count(tcp_info.rtt_us), count(*) FILTER (time > TIMESTAMP '2020-01-01') = count(*) FROM sockets
''').fetchone()
assert hosts == 2 and internals > 0 and dated, (hosts, internals, dated)
";
    let Some(hosts) = Hosts::run() else { return };
    if let Some(text) = python("duckdb", &hosts.folder, SCRIPT) {
        assert_lines(&text, &hosts.expected());
    }
}

#[test]
fn clickhouse_knows_who_listens_on_two_hosts() {
    const SCRIPT: &str = r"
import chdb, os
from chdb import session
db = session.Session()
for statement in open(os.environ['RECIPES'] + '/clickhouse.sql').read().split(';\n'):
    if statement.strip():
        db.query(statement.replace(chr(39) + '*.ndjson', chr(39) + os.getcwd() + '/*.ndjson'))
print(db.query('''
    SELECT host || ' ' || toString(local.port) || ' ' || owners[1].name || ' ' || toString(owners[1].pid) FROM sockets
    WHERE state = 'LISTENING' AND exposure = 'every-address'
''', 'TSVRaw'), end='')
assert str(db.query('SELECT uniq(host), countIf(tcp_info.rtt_us > 0) > 0, min(time) > toDateTime(1600000000) FROM sockets', 'CSV')) == '2,1,1\n'
";
    let Some(hosts) = Hosts::run() else { return };
    if let Some(text) = python("chdb", &hosts.folder, SCRIPT) {
        assert_lines(&text, &hosts.expected());
    }
}

#[test]
fn the_fields_of_a_shipper_are_chosen_and_small() {
    let Some(hosts) = Hosts::run() else { return };
    let whole = fs::read_to_string(hosts.folder.join("web-1.ndjson")).unwrap();
    let output = Command::new(PROGRAM)
        .args(["-a", "--format", "ndjson", "--no-header", "--columns", "protocol,local,remote,state,pid,process"])
        .output()
        .unwrap();
    let chosen = String::from_utf8(output.stdout).unwrap();
    for line in chosen.lines() {
        let socket: Value = serde_json::from_str(line).unwrap();
        let names: Vec<&String> = socket.as_object().unwrap().keys().collect();
        assert_eq!(names, ["local", "owners", "protocol", "remote", "state", "type"]);
    }
    assert!(chosen.len() < whole.len());
}

#[test]
fn the_command_lines_of_the_shippers_are_accepted() {
    let mut lines = Vec::new();
    for name in ["vector.yaml", "fluent-bit.yaml"] {
        let text = fs::read_to_string(recipes().join(name)).unwrap();
        let commands = text.lines().filter_map(|line| line.split_once("rnetstat").filter(|_| line.contains("--format")));
        for (_, words) in commands {
            let words = words.split('|').next().unwrap().replace([',', '"', ']'], " ");
            // The names of columns are separated by commas too.
            let (switches, columns) = words.split_once("--columns").unwrap_or((&words, ""));
            let mut line: Vec<String> = switches.split_whitespace().map(str::to_owned).collect();
            let columns: Vec<&str> = columns.split_whitespace().collect();
            if !columns.is_empty() {
                line.push(format!("--columns={}", columns.join(",")));
            }
            lines.push(line);
        }
    }
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        let parsed = rnetstat::cli::parse(line.iter().map(Into::into));
        assert!(matches!(parsed, Ok(rnetstat::cli::Command::Run(_))), "{line:?}: {parsed:?}");
    }
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_as_they_should() {
    if !have_or_skip("promtool", "prometheus") {
        return;
    }
    for arguments in [
        vec!["check".into(), "rules".into(), recipes().join("prometheus-rules.yml")],
        vec!["test".into(), "rules".into(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/prometheus-rules.test.yml")],
    ] {
        let output = Command::new("promtool").args(&arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
    }
}
