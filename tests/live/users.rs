//! Names of users: a user database that hangs, and what a program with file capabilities does.

use crate::support::fixtures::{listener, local};
use crate::support::namespace::{Namespace, may_change_user};
use crate::support::program::{PublicCopy, rnetstat, traced, with_files};
use crate::support::skip::{have, have_or_skip, skipped};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the program with a file of local users that nobody ever writes to: whoever opens it waits for ever.
fn with_hanging_users(switches: &str) -> (Output, Duration) {
    let file = std::env::temp_dir().join(format!("rnetstat-users-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let mut command = rnetstat(switches);
    with_files(&mut command, &[(&file, "/etc/passwd")]);
    let start = Instant::now();
    let output = command.output().unwrap();
    std::fs::remove_file(file).unwrap();
    (output, start.elapsed())
}

#[test]
fn a_user_database_that_hangs_costs_names_and_a_limited_time() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !Path::new("/etc/passwd").exists() {
        return skipped("/etc/passwd is not there to be replaced").unwrap_or_default();
    }
    let socket = listener(LOCALHOST);
    let port = local(&socket).port();
    // Socket users, users of processes, and both.
    for (line, shown) in [
        ("-an --format wide --columns local,user", format!("127.0.0.1:{port}  0")),
        ("-an --format csv --columns local,user", format!("127.0.0.1:{port},")),
        ("-an --json", r#""user":null,"#.to_owned()),
        ("-an --json", "was not looked up in time".to_owned()),
        (&format!("--explain {port}"), " (0)\n".to_owned()),
    ] {
        let (output, time) = with_hanging_users(&format!("{line} --name-timeout 0.2"));
        assert!(text(&output.stdout).contains(&shown), "{line}: {}", text(&output.stdout));
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)), "{line}");
        assert!(time < Duration::from_secs(30), "{line}: {time:?}");
    }
    let (output, _) = with_hanging_users("-an --user nobody");
    assert!(text(&output.stderr).contains("the user database did not answer in time: the number"), "{output:?}");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(with_hanging_users("-an --user 0").0.status.code(), Some(0), "a number needs no database");
}

#[test]
fn with_file_capabilities_a_user_is_found_without_the_name_service() {
    let Some(_namespace) = Namespace::enter() else { return };
    if !may_change_user() || !have("setcap") {
        return skipped("file capabilities cannot be given here (root, Debian package libcap2-bin)").unwrap_or_default();
    }
    if !have_or_skip("strace", "strace") {
        return;
    }
    let socket = listener(LOCALHOST);
    let program = PublicCopy::make();
    let set = Command::new("setcap").arg("cap_sys_ptrace,cap_dac_read_search+ep").arg(program.path()).status().unwrap();
    assert!(set.success());
    let output = program.as_nobody("-an --user root").output().unwrap();
    assert!(text(&output.stdout).contains(&format!("127.0.0.1:{}", local(&socket).port())), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    for line in ["-an --user no-such-user", "-an --where user=no-such-user"] {
        let output = program.as_nobody(line).output().unwrap();
        assert!(text(&output.stderr).contains("with the capabilities of this program: the number serves"), "{output:?}");
        assert_eq!(output.status.code(), Some(2));
    }
    // The name service reads its settings before anything else.
    let calls = |line: &str| {
        let options = ["-f", "-u", "nobody", "-e", "trace=openat,capset"];
        text(&traced(&program.as_nobody(line), &options).output().unwrap().stderr)
    };
    assert!(!calls("-an --user no-such-user").contains("nsswitch.conf"));
    let shown = calls("-an --user root --columns user");
    let position = |word| shown.find(word).unwrap_or_else(|| panic!("{word} is not in {shown}"));
    assert!(position("capset(") < position("nsswitch.conf"), "{shown}");
}
