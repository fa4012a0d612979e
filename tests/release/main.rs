//! The static build for Linux in a root without any other file: no loader, no library, no configuration of the C library. It has
//! to answer as the dynamic build does.
//!
//! `.ci/try-release` builds it, names it in `RNETSTAT_STATIC`, and runs these tests as root.
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

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::command::command_of_line;
use support::fixtures::Fixtures;
use support::namespace::{Namespace, ip};
use support::program::rnetstat;
use support::wait::stable_snapshot;

/// The folder that becomes the root: the program, and what a test puts beside it.
struct Root(PathBuf);

impl Root {
    fn with_the_program() -> Self {
        let program = std::env::var_os("RNETSTAT_STATIC").expect("RNETSTAT_STATIC names the static build");
        let folder = std::env::temp_dir().join(format!("rnetstat-root-{}-{:?}", std::process::id(), std::thread::current().id()));
        fs::create_dir(&folder).unwrap();
        for name in ["etc", "proc", "sys"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        fs::copy(program, folder.join("rnetstat")).unwrap();
        fs::set_permissions(folder.join("rnetstat"), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.0.join("etc").join(name), content).unwrap();
    }

    /// Runs the program in the root, with these of the kernel's file systems in it.
    fn run(&self, file_systems: &[&str], switches: &str) -> Output {
        let mounts: String = file_systems.iter().map(|name| format!("mount --rbind /{name} \"$0/{name}\" && ")).collect();
        let script = format!("{mounts} exec chroot \"$0\" /rnetstat \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).arg(&self.0).args(switches.split_ascii_whitespace());
        command.output().unwrap()
    }

    /// What it prints if it succeeds and has nothing to report.
    #[track_caller]
    fn print(&self, switches: &str) -> String {
        text_of(&self.run(&["proc", "sys"], switches), switches)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn text_of(output: &Output, switches: &str) -> String {
    assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)), "{switches}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_static_program_answers_as_the_dynamic_one_by_every_source() {
    let Some(_namespace) = Namespace::enter() else { return };
    let root = Root::with_the_program();
    let _fixtures = Fixtures::all();
    for switches in [
        "-anoq",
        "-anoq --owners-from bpf",
        "-anoq --owners-from proc",
        "-ano --sockets-from bpf",
        "-anoq --sockets-from netlink",
        "-ano --sockets-from proc",
        "-anob",
        "-tulpn",
        "-an --format csv --columns protocol,local,remote,state,uid,inode,pid,process,congestion",
        "-r",
    ] {
        let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let dynamic = || lines(text_of(&rnetstat(switches).output().unwrap(), switches));
        let (dynamic, mut fixed) = stable_snapshot(dynamic, || lines(root.print(switches)));
        fixed.sort();
        assert_eq!(fixed, dynamic, "{switches}");
    }
    // Counters go on, their names do not.
    let words = |text: String| text.replace(|character: char| !character.is_alphabetic(), "");
    for switches in ["-s", "-e"] {
        let dynamic = text_of(&rnetstat(switches).output().unwrap(), switches);
        assert_eq!(words(root.print(switches)), words(dynamic), "{switches}");
    }
}

#[test]
fn names_of_users_services_and_hosts_come_from_files_and_from_name_servers() {
    let Some(_namespace) = Namespace::enter() else { return };
    let root = Root::with_the_program();
    root.write("passwd", "captain:x:0:0::/:/bin/sh\n");
    root.write("services", "made-up 4242/udp\n");
    root.write("hosts", "192.0.2.8 file.example\n");
    root.write("resolv.conf", "nameserver 127.0.0.1\n");
    ip("addr add 192.0.2.8/32 dev lo");
    ip("addr add 192.0.2.9/32 dev lo");
    let of_file = UdpSocket::bind("127.0.0.1:0").unwrap();
    of_file.connect("192.0.2.8:4242").unwrap();
    let of_server = UdpSocket::bind("127.0.0.1:0").unwrap();
    of_server.connect("192.0.2.9:9").unwrap();
    let server = UdpSocket::bind("127.0.0.1:53").unwrap();
    let text = std::thread::scope(|scope| {
        scope.spawn(|| answer_one(&server));
        root.print("-af -p udp --name-timeout 5")
    });
    assert!(text.contains("file.example:made-up") && text.contains("server.example:9"), "{text}");
    let users = root.print("-an --columns user,local --no-header");
    assert!(users.lines().all(|line| line.starts_with("captain ")), "{users}");
}

/// Answers the first question for a name, whatever it is about.
fn answer_one(server: &UdpSocket) {
    let mut question = [0; 512];
    let (length, client) = server.recv_from(&mut question).unwrap();
    let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], &question[12..length]].concat();
    answer.extend(b"\xc0\x0c\x00\x0c\x00\x01\x00\x00\x0e\x10\x00\x10\x06server\x07example\x00");
    server.send_to(&answer, client).unwrap();
}

#[test]
fn without_the_files_of_the_kernel_rows_come_by_netlink_and_owners_are_unknown() {
    let Some(_namespace) = Namespace::enter() else { return };
    let root = Root::with_the_program();
    let socket = UdpSocket::bind("127.0.0.1:4243").unwrap();
    let output = root.run(&[], "-ano");
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text.lines().find(|line| line.contains("127.0.0.1:4243")).expect("the row of the socket");
    assert_eq!((row.split_whitespace().last(), output.status.code()), (Some("-"), Some(0)), "{text}");
    drop(socket);
}

#[test]
fn pages_and_schema_need_no_file() {
    let root = Root::with_the_program();
    for switches in ["--man", "--schema", "--completions bash", "--help"] {
        let dynamic = text_of(&command_of_line(switches).output().unwrap(), switches);
        assert_eq!(text_of(&root.run(&[], switches), switches), dynamic, "{switches}");
    }
}
