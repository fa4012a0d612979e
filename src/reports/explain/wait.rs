//! The end of a wait for a port, for people.

use super::compute::{Explanation, Role};
use super::ends::{endpoint, held_by};
use crate::model::answer::Answer;
use crate::moment::row::Row;
use crate::output::escape::escape;
use crate::reports::paint::Paint;
use crate::request::Until;
use std::io::{self, Write};

/// Writes who listens, that the port is free, or what is still in the way.
pub fn write(out: &mut impl Write, explanation: &Explanation<'_>, until: Until, color: bool) -> io::Result<()> {
    let port = explanation.question.port;
    let protocol = explanation.question.protocol.map_or("TCP or UDP", |protocol| protocol.word());
    let listeners: Vec<Row<'_>> = explanation.rows.iter().copied().filter(|&row| Role::of(row) == Role::Listener).collect();
    match (until, explanation.taken) {
        (Until::Listening, _) if !listeners.is_empty() => listeners.into_iter().try_for_each(|row| {
            let local = endpoint(row.socket, &row.socket.local);
            let listener = format!("{} {local}", row.socket.protocol.word());
            writeln!(out, "{}: {}", Paint::Waiting.on(color, &listener), escape(&held_by(row)))
        }),
        (Until::Listening, Answer::Yes | Answer::No) => {
            writeln!(out, "{}", Paint::Strong.on(color, &format!("Nothing listens on {protocol} port {port}.")))
        }
        (Until::Free, Answer::No) => writeln!(out, "{}", Paint::Good.on(color, &format!("{protocol} port {port} is free."))),
        (Until::Free, Answer::Yes) => {
            let taken = format!("{protocol} port {port} is still taken.");
            writeln!(out, "{} {}", Paint::Strong.on(color, &taken), escape(&explanation.advice()))
        }
        (Until::Listening | Until::Free, Answer::Unknown) => {
            writeln!(out, "Not every socket could be read: the state of {protocol} port {port} is unknown.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::tests::{Machine, friendly, request};

    fn print(machine: Machine, line: &str) -> String {
        let request = request(line);
        let wait = *request.task.wait().unwrap();
        let moment = machine.read(line);
        let explanations = Explanation::of_request(&moment, &request);
        let mut out = Vec::new();
        write(&mut out, &explanations[0], wait.until, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_wait_ends_with_the_owner_or_with_what_is_in_the_way() {
        assert_eq!(print(friendly(), "--wait 443"), "TCP 0.0.0.0:443: nginx (900), nginx (901)\n");
        assert_eq!(print(friendly(), "--wait 50000"), "Nothing listens on TCP port 50000.\n");
        assert_eq!(print(friendly(), "--wait 81"), "Nothing listens on TCP port 81.\n");
        assert_eq!(print(friendly(), "--wait !81"), "TCP port 81 is free.\n");
        assert!(print(friendly(), "--wait !443").starts_with("TCP port 443 is still taken. The port is held by nginx (PID 900)"));
        let waiting = print(friendly(), "--wait !40000");
        assert!(waiting.contains("wait 41 s until TIME_WAIT is over"), "{waiting}");
    }
}
