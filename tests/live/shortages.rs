//! Few descriptors, little memory, no `/proc`, a PID namespace, slow readers: as many rows as possible, or one error.

use crate::owners::owner_column;
use crate::support::fixtures::{listener, local};
use crate::support::namespace::Namespace;
use crate::support::program::{
    OwnersFrom, limited, rnetstat, rnetstat_with_owners_from, table_of, with_terminal_for_stderr, without_proc,
};
use crate::support::row::{Row, parse};
use crate::support::skip::have_or_skip;
use crate::support::wait::until;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Runs the program with limited resources; `None` if it failed before `main`. It has to exit with status 0 or 1, or with status 2,
/// an empty stdout and a message.
fn outcome(command: &mut Command) -> Option<Output> {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let not_loaded = output.status.code() == Some(127) && stderr.contains("shared librar");
    // The kernel could not map the stack of the program, which cannot report it.
    let without_stack = output.status.signal() == Some(libc::SIGSEGV) && stderr.is_empty() && output.stdout.is_empty();
    // The standard library failed before it called `main`.
    if not_loaded || without_stack || stderr.contains("fatal runtime error: initialization") {
        return None;
    }
    assert!(stderr.lines().all(|line| line.starts_with("rnetstat: ")), "{command:?}: {stderr}");
    match output.status.code() {
        Some(0 | 1) => {}
        Some(2) => assert!(!stderr.is_empty() && output.stdout.is_empty(), "{command:?}"),
        other => panic!("{command:?}: {other:?} {stderr}"),
    }
    Some(output)
}

#[test]
fn with_few_descriptors_owners_are_right_or_unknown() {
    let Some(_namespace) = Namespace::enter() else { return };
    let sockets = [listener(LOCALHOST), listener("[::1]:0".parse().unwrap())];
    let whole = table_of(&mut rnetstat("-ano"));
    assert_eq!(whole.len(), sockets.len());
    let (mut unknown, mut known) = (0, 0);
    for most in 4..=10 {
        let output =
            outcome(limited(&mut rnetstat_with_owners_from(OwnersFrom::Proc, "-ano"), libc::RLIMIT_NOFILE, most)).unwrap();
        assert_eq!(output.status.code(), Some(0), "{most}");
        let rows = parse(&String::from_utf8(output.stdout).unwrap(), true);
        assert_eq!(rows.iter().map(Row::anonymous).collect::<Vec<_>>(), whole.iter().map(Row::anonymous).collect::<Vec<_>>());
        for (row, whole) in rows.iter().zip(&whole) {
            match row.owner.as_str() {
                "-" => unknown += 1,
                owner => {
                    assert_eq!(owner, whole.owner, "with {most} descriptors");
                    known += 1;
                }
            }
        }
        let (table, stderr, _) = with_terminal_for_stderr(limited(
            &mut rnetstat_with_owners_from(OwnersFrom::Proc, "-ano"),
            libc::RLIMIT_NOFILE,
            most + 2,
        ));
        let rows = parse(&table, true);
        assert_eq!(rows.iter().any(|row| row.owner == "-"), stderr.contains("Too many open files"), "{most}: {stderr}");
        for switches in ["--json", "-b", "-c", "-s", "-r", "-e", "--summary", "--explain 53", "-tulpn", "-a --name-timeout 1"] {
            outcome(limited(&mut rnetstat(switches), libc::RLIMIT_NOFILE, most));
        }
    }
    assert!(unknown > 0 && known > 0, "{unknown} {known}");
}

#[test]
fn with_little_memory_there_is_a_table_or_an_error() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _sockets: Vec<UdpSocket> = (0..900).map(|_| UdpSocket::bind(LOCALHOST).unwrap()).collect();
    const MEGABYTE: u64 = 1 << 20;
    let within = |switches: &str, most| outcome(limited(&mut rnetstat(switches), libc::RLIMIT_AS, most));
    // The dynamic loader needs so much before the program begins.
    let loaded = (4..200).map(|megabytes| megabytes * MEGABYTE).find(|&most| {
        let output = limited(&mut rnetstat("--version"), libc::RLIMIT_AS, most).output().unwrap();
        [Some(0), Some(2)].contains(&output.status.code())
    });
    let begin = loaded.unwrap() - MEGABYTE;
    let mut statuses = Vec::new();
    for step in 1..=24 {
        let most = begin + step * MEGABYTE / 12;
        let Some(output) = within("-ano", most) else { continue };
        let whole = output.stdout.iter().filter(|&&byte| byte == b'\n').count() == 4 + 900;
        assert!(whole || output.status.code() == Some(2), "{most}");
        statuses.push(output.status.code());
        within(["-an --json", "-b", "-a --name-timeout 1"][step as usize % 3], most);
    }
    assert!(statuses.contains(&Some(2)), "{statuses:?}");
    assert_eq!(within("-ano", begin + 32 * MEGABYTE).unwrap().status.code(), Some(0));
}

#[test]
fn without_proc_rows_have_no_owners_and_the_reason_is_reported() {
    let Some(_namespace) = Namespace::enter() else { return };
    let socket = listener(LOCALHOST);
    let (table, stderr, status) = with_terminal_for_stderr(without_proc(&mut rnetstat("-ano")));
    assert_eq!((owner_column(local(&socket), &parse(&table, true)).as_str(), status), ("-", Some(0)));
    assert!(stderr.contains("owners cannot be looked for: /proc: ") && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(table_of(without_proc(&mut rnetstat("-an"))).len(), 1);
    let json: serde_json::Value =
        serde_json::from_slice(&without_proc(&mut rnetstat("-an --json")).output().unwrap().stdout).unwrap();
    assert_eq!(json["problems"][0]["code"], "owners-unreadable", "{json}");
}

#[test]
fn in_a_pid_namespace_owners_outside_are_reported_as_hidden() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !have_or_skip("unshare", "util-linux") {
        return;
    }
    let socket = listener(LOCALHOST);
    // BPF does not serve in a PID namespace.
    for switches in ["-ano", "-ano --owners-from proc"] {
        let program = rnetstat(switches);
        let mut command = Command::new("unshare");
        command.args(["-p", "-f", "--mount-proc"]).arg(program.get_program()).args(program.get_args());
        let (table, stderr, status) = with_terminal_for_stderr(&mut command);
        assert_eq!((owner_column(local(&socket), &parse(&table, true)).as_str(), status), ("-", Some(0)), "{switches}");
        assert!(stderr.contains("owners of 1 socket are hidden, perhaps outside this PID namespace"), "{stderr}");
    }
}

#[test]
fn a_reader_that_stalls_gets_every_byte() {
    let Some(_namespace) = Namespace::enter() else { return };
    let _sockets: Vec<UdpSocket> = (0..900).map(|_| UdpSocket::bind(LOCALHOST).unwrap()).collect();
    for switches in ["-ano", "-an --json", "-an --format csv"] {
        let mut child = rnetstat(switches).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        // The pipe holds one page.
        rustix::pipe::fcntl_setpipe_size(&stdout, 4096).unwrap();
        until("the pipe is full", || rustix::io::ioctl_fionread(&stdout).unwrap() >= 4096);
        assert!(child.try_wait().unwrap().is_none());
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(text.ends_with('\n') && text.matches("127.0.0.1").count() >= 900, "{switches}: {} bytes", text.len());
    }
}
