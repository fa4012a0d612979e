//! Hostile names of processes, command lines, executables, users, interfaces and control groups: in no view do they reach the
//! terminal unescaped or break a line, and JSON has their exact bytes.

use crate::support::fixtures::{listener, local};
use crate::support::namespace::{Namespace, may_change_user};
use crate::support::program::{rnetstat, text_of, with_files};
use crate::support::skip::skipped;
use crate::support::wait::LIMIT;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A user ID that no system assigns.
const UNKNOWN_UID: u32 = 54_321;
pub(super) const NAMES: [&[u8]; 7] = [
    b"\x1b[2J\x1b]0;x\x07",
    b"a\nb) S 1 2 (c",
    b"x\xe2\x80\xaegpj.exe\xc2\x9b",
    b"\xff\xfe\x80 bad\t",
    b"=cmd|' C calc'!A0",
    b"\", ,\r\n\x08\x7f",
    b"(((((((((((((((",
];

/// A process with one listener and with a hostile executable, name and arguments.
pub(super) struct HostileProcess {
    child: Child,
    pub(super) port: u16,
    executable: PathBuf,
    words: Vec<OsString>,
}

impl HostileProcess {
    pub(super) fn start(folder: &Path, name: &[u8]) -> Self {
        let executable = folder.join(OsStr::from_bytes(name));
        fs::copy("/bin/cat", &executable).unwrap();
        fs::set_permissions(&executable, Permissions::from_mode(0o755)).unwrap();
        let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        socket.set_cloexec(false).unwrap();
        // 4 KB and more; cat ignores its name and reads '-u' and '-'.
        let long = OsString::from_vec(name.repeat(4096 / name.len() + 1));
        let mut command = Command::new(&executable);
        command.arg0(&long).args(["-u", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
        if may_change_user() {
            command.uid(UNKNOWN_UID);
        }
        let child = command.spawn().unwrap();
        let words = vec![long, "-u".into(), "-".into()];
        Self { child, port: local(&socket).port(), executable, words }
    }

    fn name(&self) -> Vec<u8> {
        let mut name = fs::read(format!("/proc/{}/comm", self.child.id())).unwrap();
        name.pop();
        name
    }
}

impl Drop for HostileProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A folder for the executables, with a user database.
pub(super) struct HostileHost(pub(super) PathBuf);

impl HostileHost {
    pub(super) fn make(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rnetstat-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let user = format!("root:x:0:0::/:/bin/sh\n\u{1b}[2J\u{202e}evil:x:{UNKNOWN_UID}:0::/:/bin/sh\n");
        fs::write(folder.join("passwd"), user).unwrap();
        Self(folder)
    }

    /// What the program prints; it must contain no control or invisible character.
    pub(super) fn print(&self, switches: &str) -> String {
        let mut command = rnetstat(switches);
        with_files(&mut command, &[(&self.0.join("passwd"), "/etc/passwd")]);
        let output = command.output().unwrap();
        assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)), "{switches}");
        let text = String::from_utf8(output.stdout).unwrap();
        let hostile = |character: char| {
            (character.is_control() && character != '\n')
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        };
        assert_eq!(text.lines().find(|line| line.contains(hostile)), None, "{switches}");
        text
    }
}

impl Drop for HostileHost {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A control group with a hostile unit name, with a process in it; `None` if none can be made.
struct Unit(PathBuf);

impl Unit {
    fn with(pid: u32) -> Option<Self> {
        let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/pids"];
        let folder = places.iter().map(Path::new).find(|place| place.join("cgroup.procs").exists())?;
        let unit = Self(folder.join(format!("rnetstat-{}-\u{1b}[2J\u{202e}.service", std::process::id())));
        fs::create_dir(&unit.0).ok()?;
        fs::write(unit.0.join("cgroup.procs"), pid.to_string()).ok()?;
        Some(unit)
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // A group is busy until its processes have been reaped. Nothing may panic here: the test may have failed already.
        let deadline = Instant::now() + LIMIT;
        while fs::remove_dir(&self.0).is_err() && self.0.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The bytes of a JSON field: those of its `_hex` companion if the text is not UTF-8.
fn bytes_of(object: &Value, name: &str) -> Vec<u8> {
    let hexadecimal =
        |text: &str| (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect::<Vec<u8>>();
    match object.get(format!("{name}_hex")) {
        Some(hex) => hexadecimal(hex.as_str().unwrap()),
        None => object[name].as_str().unwrap().as_bytes().to_vec(),
    }
}

#[test]
fn hostile_names_are_escaped_in_every_view_and_exact_in_json() {
    let Some(_namespace) = Namespace::enter() else { return };
    let host = HostileHost::make("hostile");
    let processes: Vec<HostileProcess> = NAMES.iter().map(|name| HostileProcess::start(&host.0, name)).collect();
    let unit = Unit::with(processes[0].child.id());

    let rows = |text: &str| text.lines().filter(|line| line.starts_with("  TCP    ")).count();
    let table = host.print("-anob");
    assert_eq!(rows(&table), NAMES.len());
    // A row, the unit and the executable; nothing else in between.
    let others = table.lines().skip(4).filter(|line| !line.starts_with("  TCP    "));
    let (executables, units): (Vec<&str>, Vec<&str>) = others.partition(|line| line.starts_with(" ["));
    assert_eq!(executables.len(), NAMES.len(), "{table}");
    if unit.is_some() {
        assert!(units.iter().any(|line| line.contains("\\u{1b}[2J\\u{202e}.service")), "{table}");
    } else {
        skipped::<()>("no control group can be made here");
    }
    for (switches, lines) in [("-tulpn", 4 + NAMES.len()), ("-c", 4 + NAMES.len()), ("-an --format wide", 4 + NAMES.len())] {
        let text = host.print(switches);
        assert_eq!(text.lines().count(), lines, "{switches}\n{text}");
        assert!(text.contains("\\u{1b}[2J") && text.contains("a\\u{a}b) S 1 2 (c"), "{switches}\n{text}");
    }
    host.print("--summary");
    host.print("-sen");
    for process in &processes {
        let text = host.print(&format!("--explain {}", process.port));
        let of = |label: &str| text.lines().filter(|line| line.trim_start().starts_with(label)).count();
        assert_eq!(
            [of(&format!("TCP 127.0.0.1:{}", process.port)), of("since  "), of("program  "), of("command  ")],
            [1; 4],
            "{text}"
        );
    }

    let json: Value = serde_json::from_str(&host.print("-an --json")).unwrap();
    let lines = host.print("-an --format ndjson");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let csv = host.print("-an --format csv --columns local_port,process,executable,command_line,user");
    let mut records = csv::Reader::from_reader(csv.as_bytes());
    let records: Vec<csv::StringRecord> = records.records().map(Result::unwrap).collect();
    assert_eq!((json["sockets"].as_array().unwrap().len(), records.len(), csv.lines().count()), (7, 7, 8), "{csv}");
    for process in &processes {
        let sockets = json["sockets"].as_array().unwrap().iter().chain(&lines);
        let owners: Vec<&Value> =
            sockets.filter(|socket| socket["local"]["port"] == process.port).map(|socket| &socket["owners"][0]).collect();
        assert_eq!(owners.len(), 2);
        for owner in owners {
            assert_eq!(owner["pid"], process.child.id());
            assert_eq!(bytes_of(owner, "name"), process.name(), "{owner}");
            assert_eq!(bytes_of(owner, "executable"), process.executable.as_os_str().as_bytes());
            let words: Vec<Vec<u8>> = match owner.get("command_line_hex") {
                Some(words) => {
                    let word = |word: &Value| bytes_of(&serde_json::json!({ "word_hex": word }), "word");
                    words.as_array().unwrap().iter().map(word).collect()
                }
                None => owner["command_line"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().into()).collect(),
            };
            assert_eq!(words, process.words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
            if may_change_user() {
                assert_eq!(owner["user"], "\u{1b}[2J\u{202e}evil");
            }
        }
        let port = process.port.to_string();
        let record = records.iter().find(|record| record[0] == port).unwrap();
        assert!(!record.iter().skip(1).any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{record:?}");
    }
    drop(processes);
}

#[test]
fn hostile_interface_names_stay_on_one_escaped_line() {
    let Some(_namespace) = Namespace::enter() else { return };
    // Not all lines: the kernel adds routes for a while after an interface is up.
    let lines = |text: &str| {
        let list = text.lines().skip_while(|line| *line != "Interface List");
        list.take_while(|line| !line.starts_with("===")).count()
    };
    let plain = lines(&text_of("-r"));
    let names: [&[u8]; 3] = [b"\x1b[2J\x07", b"x\xe2\x80\xaey", b"\xff\xfe\x80"];
    let mut made = 0;
    for (number, name) in names.into_iter().enumerate() {
        let words = [OsStr::new("link"), "add".as_ref(), OsStr::from_bytes(name), "type".as_ref(), "veth".as_ref()];
        let peer = format!("peer{number}");
        let added = Command::new("ip").args(words).args(["peer", "name", &peer]).stderr(Stdio::null()).status().unwrap();
        made += 2 * usize::from(added.success());
    }
    assert_ne!(made, 0, "this ip makes no interface of an odd name");
    let host = HostileHost::make("hostile");
    let text = host.print("-r");
    assert_eq!(lines(&text), plain + made, "{text}");
    assert!(text.contains("\\u{1b}[2J\\u{7}"), "{text}");
    let json: Value = serde_json::from_str(&host.print("-r --json")).unwrap();
    assert!(json.to_string().contains(r"\u001b[2J\u0007"), "{json}");
}
