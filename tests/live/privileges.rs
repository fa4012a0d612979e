//! What a privileged run does not do, and the effect of each capability.

use crate::owners::owner_column;
use crate::support::fixtures::{listener, local};
use crate::support::namespace::{Namespace, ip, may_change_user};
use crate::support::program::{OwnersFrom, PublicCopy, rnetstat, rnetstat_with_owners_from, table_of, traced, with_files};
use crate::support::skip::{have, have_or_skip, skipped};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The system calls of a run, one a line.
fn calls(switches: &str, source: Option<OwnersFrom>) -> String {
    let program = source.map_or_else(|| rnetstat(switches), |source| rnetstat_with_owners_from(source, switches));
    let options = ["-f", "-qq", "-e", "signal=none", "-e", "trace=%desc,%file,%network,%process,bpf"];
    let output = traced(&program, &options).output().unwrap();
    let calls = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)) && calls.contains("execve("), "strace does not work here: {calls}");
    calls
}

#[test]
fn a_run_writes_no_file_starts_no_child_and_closes_descriptors_on_exec() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let _socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let of_proc =
        ["-anob", "-c", "--json", "--summary", "--explain 53", "-tulpn"].map(|switches| (switches, Some(OwnersFrom::Proc)));
    let without_owners = ["-a --name-timeout 1", "-ser", "-x", "-ani"].map(|switches| (switches, None));
    let runs = of_proc.into_iter().chain(without_owners).chain([("-ano", Some(OwnersFrom::Bpf))]);
    for (switches, source) in runs {
        let calls = calls(switches, source);
        let found = |what: &dyn Fn(&str) -> bool| calls.lines().find(|line| what(line)).map(str::to_owned);
        let opens = |line: &str| line.contains("open(") || line.contains("openat(") || line.contains("openat2(");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
        assert_eq!(found(&|line| opens(line) && writes.iter().any(|flag| line.contains(flag))), None, "{switches}");
        let changes = ["unlink", "rename", "mkdir", "chmod", "chown", "symlink", "truncate", "mknod", "utimens"];
        let changing =
            |line: &str| changes.iter().any(|call| line.contains(&format!("{call}(")) || line.contains(&format!("{call}at(")));
        assert_eq!(found(&changing), None, "{switches}");
        assert_eq!(calls.matches("execve(").count(), 1, "{switches}");
        assert_eq!(found(&|line| line.contains("fork(")), None, "{switches}");
        // A thread shares memory; a child process would not.
        assert_eq!(
            found(&|line| (line.contains("clone(") || line.contains("clone3(")) && !line.contains("CLONE_VM")),
            None,
            "{switches}"
        );
        assert_eq!(found(&|line| opens(line) && !line.contains("O_CLOEXEC") && !line.contains(" = -1 ")), None, "{switches}");
        let sockets = |line: &str| line.contains("socket(") || line.contains("socketpair(");
        assert_eq!(found(&|line| sockets(line) && !line.contains("SOCK_CLOEXEC")), None, "{switches}");
        assert_eq!(found(&|line| line.contains("pipe2(") && !line.contains("O_CLOEXEC")), None, "{switches}");
        assert_eq!(found(&|line| line.contains("F_DUPFD,") || line.contains("dup2(")), None, "{switches}");
    }
}

#[test]
fn the_environment_does_not_change_which_files_are_opened() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("strace", "strace") {
        return;
    }
    let opened = |environment: &[(&str, &str)]| {
        let mut options = ["-f", "-qq", "-e", "signal=none", "-e", "trace=open,openat,execve"].map(str::to_owned).to_vec();
        options.extend(environment.iter().flat_map(|(name, value)| ["-E".to_owned(), format!("{name}={value}")]));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let output = traced(&rnetstat("-an --json"), &options).output().unwrap();
        let calls = String::from_utf8_lossy(&output.stderr).into_owned();
        // Without /proc: processes come and go.
        let mut paths: Vec<String> = calls.lines().filter_map(|line| Some(line.split('"').nth(1)?.to_owned())).collect();
        paths.retain(|path| path.starts_with('/') && !path.starts_with("/proc/"));
        paths.sort();
        paths.dedup();
        paths
    };
    let variables = [
        ("HOME", "/tmp/x"),
        ("XDG_CONFIG_HOME", "/tmp/x"),
        ("XDG_RUNTIME_DIR", "/tmp/x"),
        ("TMPDIR", "/tmp/x"),
        ("PROC_ROOT", "/tmp/x"),
        ("HOST_PROC", "/tmp/x"),
        ("RNETSTAT_CONFIG", "/tmp/x"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("LANG", "ko_KR.UTF-8"),
        ("TZ", ":/tmp/x"),
        ("TERM", "../../tmp/x"),
        ("COLUMNS", "-1"),
        ("NO_COLOR", "1"),
        ("PATH", "/tmp/x"),
    ];
    assert_eq!(opened(&variables), opened(&[]));
}

#[test]
fn each_capability_has_its_documented_effect() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() || !have("setcap") {
        return skipped("file capabilities cannot be given here (root, Debian package libcap2-bin)").unwrap_or_default();
    }
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let program = PublicCopy::make();
    let owner = |capabilities: &str| {
        let set = Command::new("setcap").arg(format!("{capabilities}+ep")).arg(program.path()).status().unwrap();
        assert!(set.success(), "{capabilities}");
        owner_column(local(&socket), &table_of(&mut program.as_nobody("-ano")))
    };
    let own = std::process::id().to_string();
    // The scan of /proc needs both. BPF serves those who may load it, if this host allows it at all.
    assert_eq!(owner("cap_dac_read_search,cap_sys_ptrace"), own);
    assert_eq!(owner("cap_net_admin,cap_dac_read_search,cap_sys_ptrace,cap_bpf,cap_perfmon"), own);
    assert!([own.as_str(), "-"].contains(&owner("cap_bpf,cap_perfmon").as_str()));
    for too_little in ["cap_net_admin", "cap_dac_read_search", "cap_sys_ptrace", "cap_bpf", "cap_perfmon"] {
        assert_eq!(owner(too_little), "-", "{too_little}");
    }
    // The environment of an unprivileged caller does not choose the source of a program with more rights.
    assert_eq!(owner("cap_dac_read_search,cap_sys_ptrace,cap_bpf,cap_perfmon"), own);
    for source in OwnersFrom::ALL {
        let rows = table_of(source.apply(&mut program.as_nobody("-ano")));
        assert_eq!(owner_column(local(&socket), &rows), own);
    }
}

#[test]
fn no_thread_has_capabilities_while_names_are_looked_up() {
    let Some(_namespace) = Namespace::enter() else { return };
    ip("addr add 192.0.2.9/32 dev lo");
    let folder = std::env::temp_dir().join(format!("rnetstat-privileges-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let contents = ["nameserver 127.0.0.1\n", "hosts: dns\n"];
    let files = [0, 1].map(|number| folder.join(number.to_string()));
    files.iter().zip(contents).for_each(|(file, content)| fs::write(file, content).unwrap());
    let silent_server = UdpSocket::bind("127.0.0.1:53").unwrap();
    silent_server.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect("192.0.2.9:9").unwrap();
    for line in ["-abf", "-af --json", "-af --format wide"] {
        let mut command = rnetstat(&format!("{line} --name-timeout 1"));
        with_files(&mut command, &[(&files[0], "/etc/resolv.conf"), (&files[1], "/etc/nsswitch.conf")]);
        let mut running = command.stdout(Stdio::null()).spawn().unwrap();
        silent_server.recv_from(&mut [0; 512]).unwrap();
        let threads: Vec<_> = fs::read_dir(format!("/proc/{}/task", running.id())).unwrap().collect();
        assert!(threads.len() >= 2, "{line}");
        for thread in threads {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            let sets = status.lines().filter(|line| ["CapPrm:", "CapEff:", "CapInh:"].iter().any(|set| line.starts_with(set)));
            assert!(sets.clone().count() == 3 && sets.clone().all(|set| set.ends_with("\t0000000000000000")), "{line}: {status}");
        }
        assert!(running.wait().unwrap().success(), "{line}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_repeated_run_with_file_capabilities_looks_up_no_names_and_says_so_once() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() || !have("setcap") {
        return skipped("the user cannot be changed, or setcap (Debian package libcap2-bin) is not installed")
            .unwrap_or_default();
    }
    ip("addr add 192.0.2.9/32 dev lo");
    let server = UdpSocket::bind("127.0.0.1:53").unwrap();
    server.set_nonblocking(true).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect("192.0.2.9:9").unwrap();
    let program = PublicCopy::make();
    let set = Command::new("setcap").arg("cap_sys_ptrace,cap_dac_read_search+ep").arg(program.path()).status().unwrap();
    assert!(set.success());
    let mut command = program.as_nobody("-af --format ndjson --name-timeout 1 1");
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
    let heads: Vec<String> = lines.filter(|line| line.contains(r#""type":"snapshot""#)).take(2).collect();
    assert!(
        heads[0].contains("names of hosts and users are not looked up") && !heads[1].contains("are not looked up"),
        "{heads:?}"
    );
    assert!(server.recv_from(&mut [0; 512]).is_err());
    running.wait().unwrap();
}
