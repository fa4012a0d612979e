//! The processes that own the most ports, in JSON.

use crate::lookup::processes::Processes;
use crate::model::socket::Pid;
use crate::moment::consumers::Consumer;
use crate::output::json::lossy;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
pub(in crate::reports) struct ConsumerRecord<'a> {
    pid: Option<Pid>,
    name: Option<Cow<'a, str>>,
    tcp: usize,
    udp: usize,
}

impl<'a> ConsumerRecord<'a> {
    pub(in crate::reports) fn new(consumer: &Consumer, processes: &'a Processes) -> Self {
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        Self { pid: consumer.pid, name: process.map(|process| lossy(&process.name)), tcp: consumer.tcp, udp: consumer.udp }
    }
}
