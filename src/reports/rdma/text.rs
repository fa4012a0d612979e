//! RDMA connections and listeners (`-x`), as Windows' netstat prints those of NetworkDirect.

use crate::model::rdma::RdmaEndpoint;
use crate::model::socket::{Endpoint, has_scope};
use crate::reports::sockets::cells::endpoint;
use std::io::{self, Write};

/// The words of this view. The words in the rows are the same in every language.
#[derive(Debug)]
pub struct Words {
    /// The title.
    pub title: &'static str,
    /// The heading.
    pub heading: &'static str,
}

/// The words as Windows has them in English.
pub const ENGLISH: Words = Words {
    title: "Active NetworkDirect Connections, Listeners, SharedEndpoints",
    heading: "  Mode   IfIndex Type           Local Address          Foreign Address        PID",
};

/// The words in Korean.
pub const KOREAN: Words = Words {
    title: "활성 NetworkDirect 연결, 수신기, 공유 끝점",
    heading: "  모드   IfIndex 종류           로컬 주소              외부 주소              PID",
};

/// Writes the title and the heading, if they are wanted, and the rows.
pub fn write(out: &mut impl Write, endpoints: &[RdmaEndpoint], words: &Words, no_header: bool) -> io::Result<()> {
    if !no_header {
        writeln!(out, "\n{}\n\n{}\n", words.title, words.heading)?;
    }
    for RdmaEndpoint { pid, interface, is_listener, local, remote } in endpoints {
        let mode = if pid.is_some() { "User" } else { "Kernel" };
        let kind = if *is_listener { "Listener" } else { "Connection" };
        let [local, remote] = [local, remote].map(|end| text(end, *interface));
        writeln!(out, "  {mode:<6} {interface:>7} {kind:<14} {local:<21}  {remote:<21}  {}", pid.unwrap_or(0))?;
    }
    Ok(())
}

/// A link-local address means nothing without its interface.
fn text(end: &Endpoint, interface: u32) -> String {
    endpoint(end, if has_scope(end.address) { interface } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(endpoints: &[RdmaEndpoint]) -> String {
        let mut out = Vec::new();
        write(&mut out, endpoints, &ENGLISH, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    const HEADING: &str = "\nActive NetworkDirect Connections, Listeners, SharedEndpoints\n\n\
        \x20 Mode   IfIndex Type           Local Address          Foreign Address        PID\n\n";

    #[test]
    fn without_rdma_there_are_the_title_and_the_heading() {
        assert_eq!(print(&[]), HEADING);
    }

    #[test]
    fn rows_stand_under_their_headings() {
        let end = |address: &str, port| Endpoint::new(address.parse().unwrap(), port);
        let listener =
            RdmaEndpoint { pid: None, interface: 3, is_listener: true, local: end("0.0.0.0", 20049), remote: end("0.0.0.0", 0) };
        let connection = RdmaEndpoint {
            pid: Some(4711),
            is_listener: false,
            local: end("fe80::7", 20049),
            remote: end("2001:db8::8", 1023),
            ..listener
        };
        assert_eq!(
            print(&[listener, connection]).strip_prefix(HEADING).unwrap(),
            "\x20 Kernel       3 Listener       0.0.0.0:20049          0.0.0.0:0              0\n\
             \x20 User         3 Connection     [fe80::7%3]:20049      [2001:db8::8]:1023     4711\n"
        );
    }
}
