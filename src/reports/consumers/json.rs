//! The processes that own the most ports, in JSON.

use crate::lookup::processes::Processes;
use crate::model::namespace::Namespace;
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
    /// Its inode; absent if only the own one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Option<u32>>,
}

impl<'a> ConsumerRecord<'a> {
    pub(in crate::reports) fn new(consumer: &Consumer, processes: &'a Processes, namespaces: &[Namespace]) -> Self {
        let process = consumer.pid.and_then(|pid| processes.get(pid));
        let namespace = consumer.namespace.and_then(|place| namespaces.get(place)).map(|namespace| namespace.inode);
        let name = process.map(|process| lossy(&process.name));
        Self { pid: consumer.pid, name, tcp: consumer.tcp, udp: consumer.udp, namespace }
    }
}
