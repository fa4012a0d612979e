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

#[cfg(test)]
mod tests {
    use crate::actions::{Item, NamedProcess, Plan, Step};
    use crate::model::action::{Action, Outcome, Report};
    use crate::reports::actions::text;
    use crate::reports::document::{SCHEMA, write_actions};
    use crate::reports::tests::{friendly, request};
    use crate::request::View;
    use serde_json::Value;

    /// A process that owns two rows, and a row without a known owner.
    fn plan() -> (Plan, Vec<Report>) {
        let ended = Report::of(Outcome::Ended);
        let refused = Report::because(Outcome::Refused, "\u{1b}[2J");
        let process = Some(NamedProcess { pid: 901, name: "ngi\u{202e}nx".to_owned() });
        let item =
            |rows: Vec<u32>, process, report: &Report| Item { rows, process, step: Step::Settled(report.clone()), note: None };
        let items = vec![item(vec![0, 1], process, &ended), item(vec![4], None, &refused)];
        (Plan { action: Action::End, items }, vec![ended, refused])
    }

    fn print(format: &str) -> String {
        let request = request(&format!("--end --pid 901 {format}"));
        let moment = friendly().moment(View::Sockets);
        let (plan, reports) = plan();
        let mut out = Vec::new();
        write_actions(&mut out, &moment, &request, &plan, &reports).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn errors(schema: &Value, value: &Value) -> Vec<String> {
        let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    #[test]
    fn actions_conform_to_the_schema_one_for_each_socket() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let document: Value = serde_json::from_str(&print("--json")).unwrap();
        assert_eq!(errors(&schema, &document), [""; 0]);
        let actions = document["actions"].as_array().unwrap();
        let port = |action: &Value| action["socket"]["local"]["port"].as_u64();
        assert_eq!(actions.iter().map(port).collect::<Vec<_>>(), [Some(443), Some(443), Some(5000)]);
        assert_eq!((&actions[1]["process"]["pid"], &actions[1]["outcome"]), (&901.into(), &"ended".into()));
        assert_eq!((&actions[2]["process"], &actions[2]["reason"]), (&Value::Null, &"\u{1b}[2J".into()));
        let mut line_schema = schema.clone();
        for keyword in ["type", "allOf", "properties", "unevaluatedProperties"] {
            line_schema.as_object_mut().unwrap().remove(keyword);
        }
        line_schema["$ref"] = "#/$defs/line".into();
        let lines = print("--format ndjson");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines.iter().map(|line| line["type"].as_str().unwrap()).collect::<Vec<_>>(),
            ["snapshot", "action", "action", "action"]
        );
        assert_eq!(lines.iter().flat_map(|line| errors(&line_schema, line)).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn lines_for_people_name_sockets_and_command_no_terminal() {
        let moment = friendly().moment(View::Sockets);
        let (plan, reports) = plan();
        let subjects = text::subjects(&plan, moment.rows(View::Sockets));
        let ended = "ngi\\u{202e}nx (901) of TCP 0.0.0.0:443 LISTENING, TCP 127.0.0.1:443 to 127.0.0.1:50000 ESTABLISHED";
        let hidden = "TCP 10.0.0.1:5000 to 10.0.0.2:443 ESTABLISHED of (hidden): \\u{1b}[2J";
        assert_eq!(text::report_lines(&reports, &subjects), [format!("ended    {ended}"), format!("refused  {hidden}")]);
        assert_eq!(text::plan_lines(&plan, &subjects).len(), 2);
    }
}
