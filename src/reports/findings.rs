//! What is worth a look: its sentence for people, its record in JSON.

use super::paint::Paint;
use super::sockets::cells::name_and_pid;
use crate::lookup::processes::Processes;
use crate::model::socket::Pid;
use crate::moment::findings::{Finding, Severity};
use serde::Serialize;

/// The conclusion in a sentence without a full stop. Its names are untrusted.
pub(crate) fn sentence(finding: &Finding, processes: &Processes) -> String {
    let named = |pid| name_and_pid(pid, processes.get(pid).map(|process| process.name.to_string_lossy()).as_deref());
    finding.message(&finding.pid.map_or_else(|| "an unknown process".to_owned(), named))
}

/// How it looks to people.
pub(crate) const fn paint(finding: &Finding) -> Paint {
    match finding.fact.severity() {
        Severity::Warning => Paint::Bad,
        Severity::Note => Paint::Waiting,
    }
}

/// A conclusion in JSON.
#[derive(Serialize)]
pub(in crate::reports) struct FindingRecord {
    code: &'static str,
    severity: &'static str,
    message: String,
    pid: Option<Pid>,
    port: Option<u16>,
    value: u64,
    limit: u64,
}

impl FindingRecord {
    pub(in crate::reports) fn new(finding: &Finding, processes: &Processes) -> Self {
        Self {
            code: finding.fact.code().word(),
            severity: finding.fact.severity().word(),
            message: sentence(finding, processes),
            pid: finding.pid,
            port: finding.port.map(|(_, port)| port),
            value: finding.value,
            limit: finding.limit,
        }
    }
}
