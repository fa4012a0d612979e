//! Ending the process of the selected row, closing its socket: as `--end` and `--close` do, after the same question.

use super::input::Inputs;
use super::listing::Line;
use super::model::Model;
use super::press::Mode;
use crate::actions::{self, Plan};
use crate::app::Reader;
use crate::filter::owners::OwnerFilter;
use crate::model::action::{Action, Ending};
use crate::reports::actions::text;
use crate::request::needs::Needs;
use crate::request::{Names, View};
use std::time::Duration;

/// How long a process may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// An action that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    plan: Plan,
    subjects: Vec<String>,
    /// What is to be done, line by line, safe to print.
    pub lines: Vec<String>,
    /// What is asked.
    pub text: String,
}

/// Asks whether something is to be done with the selected row. What is refused is said.
pub fn ask(model: &mut Model, reader: &mut Reader, action: Action) {
    let Some(&Line::Row(position)) = model.listing.lines.get(model.at) else {
        model.message = Some("select a row whose socket is there".to_owned());
        return;
    };
    let Some(moment) = &mut model.moment else { return };
    reader.look_up_rows(moment, &[position], Needs::PROCESSES, Names::Numeric);
    let positions = [position];
    let rows = moment.rows(View::Sockets).at(&positions);
    match actions::plan(action, rows, &OwnerFilter::default(), false) {
        Err(refusal) => model.message = Some(refusal),
        Ok(plan) => {
            let subjects = text::subjects(&plan, rows);
            let lines = text::plan_lines(&plan, &subjects);
            match actions::question(&plan) {
                Some(text) => model.mode = Mode::Act(Box::new(Question { plan, subjects, lines, text })),
                None => model.message = Some(lines.join("; ")),
            }
        }
    }
}

/// Does it on a thread of its own: a process may take its time to end. What became of it comes as an input.
pub fn start(model: &mut Model, inputs: &Inputs, question: Question) {
    let Question { plan, subjects, .. } = question;
    model.message = Some(format!("{}: …", subjects.join("; ")));
    let act = move || {
        let reports = actions::carry_out(&plan, Ending { grace: GRACE, force: false });
        text::report_lines(&reports, &subjects)
    };
    if let Err(error) = inputs.act(act) {
        model.message = Some(error.to_string());
    }
}
