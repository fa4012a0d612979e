//! Actions in JSON: a record for each socket, and for each process that is ended for it.

use crate::actions::{NamedProcess, Plan};
use crate::model::action::Report;
use crate::moment::row::Rows;
use crate::reports::sockets::json::{Fields, SocketRecord};
use crate::request::column::Column;
use serde::{Serialize, Serializer};

/// What was done, or is planned.
pub(in crate::reports) struct ActionRecords<'a> {
    plan: &'a Plan,
    reports: &'a [Report],
    rows: Rows<'a>,
    fields: Fields,
}

/// One action on one socket.
#[derive(Serialize)]
pub(in crate::reports) struct ActionRecord<'a> {
    action: &'static str,
    outcome: &'static str,
    reason: Option<&'a str>,
    process: Option<ProcessRecord<'a>>,
    socket: SocketRecord<'a>,
}

#[derive(Serialize)]
struct ProcessRecord<'a> {
    pid: u32,
    name: &'a str,
}

impl<'a> ActionRecords<'a> {
    /// The records of a plan of these rows and of what became of it, with the fields of these columns.
    pub(in crate::reports) fn new(plan: &'a Plan, reports: &'a [Report], rows: Rows<'a>, columns: &[Column]) -> Self {
        Self { plan, reports, rows, fields: Fields::of(columns, true) }
    }

    /// The records, in the order of the plan.
    pub(in crate::reports) fn iter(&'a self) -> impl Iterator<Item = ActionRecord<'a>> {
        let process = |process: &'a NamedProcess| ProcessRecord { pid: process.pid, name: &process.name };
        self.plan.items.iter().zip(self.reports).flat_map(move |(item, report)| {
            let rows = item.rows.iter().filter_map(|&position| self.rows.get(position));
            rows.map(move |row| ActionRecord {
                action: self.plan.action.word(),
                outcome: report.outcome.word(),
                reason: report.reason.as_deref(),
                process: item.process.as_ref().map(process),
                socket: SocketRecord { row, fields: &self.fields, before: None },
            })
        })
    }
}

impl Serialize for ActionRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
