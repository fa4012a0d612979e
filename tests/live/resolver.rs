//! Name servers that do not answer, answer garbage, or answer with control characters.

use crate::support::namespace::{Namespace, ip};
use crate::support::program::{rnetstat, with_files};
use crate::support::skip::skipped;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;

/// Answers questions for the name of 192.0.2.N until a short datagram comes: 2 gets no answer, 3 garbage, 4 a name, 5 escape
/// codes, 6 a name that points at itself, 7 an answer without a name.
fn serve(server: &UdpSocket) {
    let mut question = [0; 512];
    while let Ok((length, client)) = server.recv_from(&mut question) {
        let Some(question) = question.get(..length).filter(|question| question.len() > 14) else { return };
        let digits = &question[13..13 + usize::from(question[12])];
        let name: &[u8] = match digits {
            b"3" => {
                let _ = server.send_to(&[&question[..2], &[0xff; 300]].concat(), client);
                continue;
            }
            b"4" => b"\x04good\x07example\x00",
            b"5" => b"\x08\x1b[2J\x07\n\x9bx\x07example\x00",
            b"6" => b"\xc0\x30",
            b"7" => b"\x00",
            _ => continue,
        };
        // An answer to one question, by a pointer to its name: PTR, IN, an hour.
        let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], &question[12..]].concat();
        answer.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 14, 16, 0, name.len() as u8]);
        answer.extend(name);
        let _ = server.send_to(&answer, client);
    }
}

#[test]
fn slow_and_hostile_name_servers_neither_block_nor_reach_the_terminal() {
    let Some(_namespace) = Namespace::enter() else { return };
    let places = ["/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts"];
    if let Some(missing) = places.iter().find(|place| !Path::new(place).exists()) {
        return skipped(&format!("{missing} is not there to be replaced")).unwrap_or_default();
    }
    let folder = std::env::temp_dir().join(format!("rnetstat-resolver-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let contents = ["nameserver 127.0.0.1\n", "hosts: files dns\n", "192.0.2.8 \u{1b}[2J\u{202e}evil.example\n"];
    let files = [0, 1, 2].map(|number| folder.join(number.to_string()));
    files.iter().zip(contents).for_each(|(file, content)| fs::write(file, content).unwrap());

    let server = UdpSocket::bind("127.0.0.1:53").unwrap();
    let stopper = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut others = Vec::new();
    for number in 2..=8 {
        ip(&format!("addr add 192.0.2.{number}/32 dev lo"));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect((format!("192.0.2.{number}"), 9)).unwrap();
        others.push(socket);
    }
    let text = std::thread::scope(|scope| {
        scope.spawn(|| serve(&server));
        let mut command = rnetstat("-af -p udp --name-timeout 1");
        with_files(&mut command, &[(&files[0], places[0]), (&files[1], places[1]), (&files[2], places[2])]);
        let output = command.output().unwrap();
        stopper.send_to(b"end", "127.0.0.1:53").unwrap();
        assert_eq!((String::from_utf8_lossy(&output.stderr).as_ref(), output.status.code()), ("", Some(0)));
        String::from_utf8(output.stdout).unwrap()
    });
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        !text.contains(|character: char| character.is_control() && character != '\n') && !text.contains('\u{202e}'),
        "{text}"
    );
    let of = |port: u16| {
        let address = format!("127.0.0.1:{port}");
        let row = text.lines().find(|line| line.split_whitespace().nth(1) == Some(&address)).unwrap();
        row.split_whitespace().nth(2).unwrap().rsplit_once(':').unwrap().0.to_owned()
    };
    let names: Vec<String> = others.iter().map(|socket| of(socket.local_addr().unwrap().port())).collect();
    let number = |last: usize| format!("192.0.2.{last}");
    for unnamed in [2, 3, 6, 7] {
        assert_eq!(names[unnamed - 2], number(unnamed), "{text}");
    }
    assert_eq!(names[2], "good.example", "{text}");
    // Most system resolvers discard such a name.
    assert!(names[3] == number(5) || names[3].contains("\\u{1b}[2J"), "{text}");
    assert_eq!(names[6], "\\u{1b}[2J\\u{202e}evil.example", "{text}");
}
