//! Output into pipes and files: no colour, nothing on stderr, closed and full outputs.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use support::command::{PROGRAM, command_of_line, stderr, stdout, without_macos_notices};

/// So many sockets that their rows do not fit into a pipe.
fn many_sockets() -> Vec<std::net::UdpSocket> {
    (0..900).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).collect()
}

fn end(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), without_macos_notices(stderr))
}

#[test]
fn a_pipe_gets_plain_text_with_the_heading_on_line_four() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = listener.local_addr().unwrap().to_string();
    for line in ["-ano", "-an", "-anq", "-anoq"] {
        // The classic table has no colour, also if a variable asks for it.
        let mut command = command_of_line(line);
        let output = command.env("CLICOLOR_FORCE", "1").env("COLORTERM", "truecolor").output().unwrap();
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{line}");
        let text = stdout(&output);
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{line}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["", "Active Connections", ""], "{line}");
        assert!(lines[3].starts_with("  Proto  "), "{line}");
        // Programs split a row at blanks: the address is field 1, the owner the last one.
        let row = lines[4..].iter().find(|row| row.split_ascii_whitespace().nth(1) == Some(&local)).unwrap();
        let fields: Vec<&str> = row.split_ascii_whitespace().collect();
        assert_eq!(fields[..4], ["TCP", local.as_str(), "0.0.0.0:0", "LISTENING"]);
        let owner = line.contains('o').then(|| std::process::id().to_string());
        assert_eq!(fields.get(4).copied(), owner.as_deref());
        for row in &lines[4..] {
            let fields = row.split_ascii_whitespace().count();
            assert_eq!(fields, 3 + usize::from(row.contains("TCP")) + usize::from(line.contains('o')), "{row}");
        }
    }
}

#[test]
fn a_reader_that_closes_early_is_no_error() {
    let _sockets = many_sockets();
    for line in ["-ano", "--help"] {
        let mut child = command_of_line(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        // The pipe is closed here, with the rest unread.
        assert_eq!(end(child), (Some(0), String::new()), "{line}");
    }
}

#[test]
fn a_pipe_closed_from_the_start_is_no_error() {
    for line in ["-ano", "--help", "--version"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command_of_line(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        assert_eq!(end(child), (Some(0), String::new()), "{line}");
    }
}

#[test]
fn an_interval_repeats_the_whole_table_until_the_pipe_is_closed() {
    for line in ["-ano 1", "1 -ano", "-anop tcp 1"] {
        let mut child = command_of_line(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        for _ in 0..2 {
            let before: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("  Proto  ")).collect();
            let frame = before.len() - 3;
            assert!(before[..frame].iter().all(|row| row.starts_with("  TCP    ") || row.starts_with("  UDP    ")), "{line}");
            assert_eq!(before[frame..], ["", "Active Connections", ""], "{line}");
        }
        drop(lines);
        assert_eq!(end(child), (Some(0), String::new()), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_with_status_2() {
    let _sockets = many_sockets();
    for line in ["-ano", "-n", "--help", "--version", "-ano 1"] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let child = command_of_line(line).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let (status, stderr) = end(child);
        assert_eq!(status, Some(2), "{line}");
        assert!(stderr.starts_with("rnetstat: ") && stderr.lines().count() == 1 && stderr.contains("No space left"), "{stderr}");
    }
}

#[test]
fn a_closed_stdout_is_reported_with_status_2() {
    for line in ["-ano", "--help", "--json -n", "-s"] {
        let closed = format!("exec {PROGRAM} {line} >&-");
        let output = Command::new("sh").args(["-c", &closed]).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert_eq!(stderr, "rnetstat: the output cannot be written: standard output is closed\n", "{line}");
    }
    // /dev/null, open for reading too, takes the place of a stream that is closed: it is none.
    let null = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    assert_eq!(command_of_line("-ano").stdout(null).status().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_does_not_block_gets_every_byte() {
    use std::io::IoSlice;
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    // The pipe is full when the program begins: its first write would block.
    let mut filled = 0;
    while let Ok(count) = rustix::io::writev(&writer, &[IoSlice::new(&[b'x'; 4096])]) {
        filled += count;
    }
    let child = command_of_line("--help").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(end(child), (Some(0), String::new()));
    let expected = command_of_line("--help").output().unwrap().stdout;
    assert_eq!(&text[filled..], String::from_utf8(expected).unwrap());
}

#[test]
fn a_limit_of_file_sizes_is_reported_with_status_2() {
    let file = std::env::temp_dir().join(format!("rnetstat-file-size-{}", std::process::id()));
    let limited = format!("ulimit -f 1; exec {PROGRAM} --help >{}", file.display());
    let output = Command::new("sh").args(["-c", &limited]).stdin(Stdio::null()).output().unwrap();
    std::fs::remove_file(file).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("rnetstat: the output cannot be written: ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn an_interrupt_that_the_caller_ignores_stays_ignored() {
    let ignoring = format!("trap '' INT; exec {PROGRAM} -an 1");
    let mut child = Command::new("sh").args(["-c", &ignoring]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next_table = || lines.by_ref().find(|line| line == "Active Connections");
    assert!(next_table().is_some());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(next_table().is_some() && next_table().is_some());
    drop(lines);
    assert_eq!(end(child), (Some(0), String::new()));
}

#[test]
fn a_closed_stderr_changes_neither_output_nor_status() {
    let quiet = format!("exec {PROGRAM} -ano 2>&-");
    let output = Command::new("sh").args(["-c", &quiet]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let wrong = format!("exec {PROGRAM} -anoz 2>&-");
    let output = Command::new("sh").args(["-c", &wrong]).stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
}
