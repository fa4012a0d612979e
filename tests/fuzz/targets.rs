//! What is tried with bytes from nowhere: one function for every parser of outside data.
//!
//! The fuzzer calls them with what it invents (`tests/fuzz/README.md`), the ordinary tests with the recordings in
//! `seeds/` and with what the fuzzer once found (`tests/corpora.rs`).

use rnetstat::names::services::Services;
use rnetstat::output::text;
use rnetstat::platform::linux::{descriptor_link, nlmsg, proc_net, sock_diag};
use rnetstat::socket::{Protocol, Table};

/// A function that may be called with any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its binary and of its folder of seeds.
pub const ALL: &[(&str, Target)] = &[
    ("netlink_messages", netlink_messages),
    ("proc_net", proc_net),
    ("descriptor_link", descriptor_link),
    ("services", services),
    ("text_guard", text_guard),
];

/// The datagrams of `sock_diag`: framing, rows, attributes.
pub fn netlink_messages(bytes: &[u8]) {
    for message in nlmsg::Messages::new(bytes).flatten() {
        if let nlmsg::Body::Payload(_, payload) = message.body {
            let tcp = sock_diag::parse(payload, Protocol::Tcp);
            let udp = sock_diag::parse(payload, Protocol::Udp);
            assert_eq!(tcp.map(|row| row.local), udp.map(|row| row.local));
            assert!(nlmsg::attributes(payload).count() <= payload.len());
        }
    }
}

/// The lines of `/proc/net/{tcp,tcp6,udp,udp6}`.
pub fn proc_net(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        for table in Table::ALL {
            if let Some(row) = proc_net::parse(line, table) {
                assert_eq!(row.protocol, table.protocol());
                assert_eq!(row.state.is_some(), row.protocol == Protocol::Tcp);
            }
        }
    }
}

/// The links under `/proc/PID/fd`.
pub fn descriptor_link(bytes: &[u8]) {
    if let Some(inode) = descriptor_link::socket_inode(bytes) {
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(text.trim_start_matches("socket:[").trim_end_matches(']').parse(), Ok(inode));
    }
}

/// The services file.
pub fn services(bytes: &[u8]) {
    let services = Services::parse(&String::from_utf8_lossy(bytes));
    for port in [0, 1, 22, 80, u16::MAX] {
        if let Some(name) = services.name(port, Protocol::Tcp) {
            assert!(services.ports(name).contains(&port));
        }
    }
}

/// The one place where text from outside is made safe.
pub fn text_guard(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let safe = text::visible(&text);
    assert!(!safe.chars().any(char::is_control));
    assert_eq!(text::visible(&safe), safe, "what is safe stays as it is");
}
