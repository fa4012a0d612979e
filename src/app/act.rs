//! Acting on the rows (`--end`, `--close`): what is planned is shown, asked for and done.

use super::{Exit, Reader, WRITING, print_error, report_problems};
use crate::actions::{self, Plan};
use crate::model::action::Report;
use crate::model::answer::Answer;
use crate::moment::Moment;
use crate::output::line_ending::Lines;
use crate::output::stdout::stdout;
use crate::platform;
use crate::reports::actions::text;
use crate::reports::document;
use crate::request::column::Column;
use crate::request::{Act, Amount, Consent, Format, Names, Output, Request, View};
use anyhow::Context;
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// The fields of a socket that is acted on.
const COLUMNS: [Column; 9] = [
    Column::Protocol,
    Column::Family,
    Column::Local,
    Column::Remote,
    Column::State,
    Column::Inode,
    Column::OwnerStatus,
    Column::Pid,
    Column::Process,
];

/// More of an answer is not read.
const LONGEST_ANSWER: u64 = 64;

/// Status 0 if everything was done or was gone by itself, 1 if nothing matched or the answer was no, 2 if something failed or was
/// refused.
pub(super) fn act(request: &Request, act: &Act) -> anyhow::Result<Exit> {
    let of_rows = of_rows(request);
    // The privileges of the process are kept, and no name is looked up.
    let moment = Reader::default().read(&of_rows);
    report_problems(&moment.problems);
    let rows = moment.rows(View::Sockets);
    let plan = actions::plan(act.action, rows, &request.query.filter.owners, act.ending.force).map_err(anyhow::Error::msg)?;
    let subjects = text::subjects(&plan, rows);
    let planned = || (plan.reports(), text::plan_lines(&plan, &subjects));
    let (reports, lines, exit) = match (actions::question(&plan), act.consent) {
        // All that there is was refused, or is gone.
        (None, _) => done(plan.reports(), &subjects),
        (Some(_), Consent::Given) => done(actions::carry_out(&plan, act.ending), &subjects),
        (Some(_), Consent::Withheld) => {
            let (reports, lines) = planned();
            let exit = Exit::of_reports(&reports);
            (reports, lines, exit)
        }
        (Some(question), Consent::Asked) => match ask(&text::plan_lines(&plan, &subjects), &question) {
            Answer::Yes => done(actions::carry_out(&plan, act.ending), &subjects),
            // The lines stand above the question.
            Answer::No => (plan.reports(), Vec::new(), Exit::No),
            Answer::Unknown => {
                let (reports, lines) = planned();
                print_error("nothing was done: there is no terminal to ask at; --yes does it without asking");
                (reports, lines, Exit::No)
            }
        },
    };
    let written = Request { output: request.output.clone(), ..of_rows };
    write(&moment, &written, &plan, &reports, &lines)?;
    Ok(if plan.items.is_empty() { nothing_matched(&moment) } else { exit })
}

/// The outcome of what was done.
fn done(reports: Vec<Report>, subjects: &[String]) -> (Vec<Report>, Vec<String>, Exit) {
    let lines = text::report_lines(&reports, subjects);
    let exit = Exit::of_reports(&reports);
    (reports, lines, exit)
}

/// A request for the rows with all their owners, and without names of hosts and users.
fn of_rows(request: &Request) -> Request {
    let mut columns = COLUMNS.to_vec();
    columns.extend((!request.query.namespaces.is_own()).then_some(Column::Namespace));
    Request {
        columns,
        columns_are_chosen: true,
        names: Names::Numeric,
        // Data formats have every owner of a row.
        output: Output { format: Format::Ndjson, amount: Amount::Rows, ..request.output.clone() },
        ..request.clone()
    }
}

fn nothing_matched(moment: &Moment) -> Exit {
    let is_undecided = moment.selection(View::Sockets).is_none_or(|selection| selection.undecided > 0);
    if is_undecided || moment.problems.iter().any(|problem| problem.kind.hides_sockets()) { Exit::Failed } else { Exit::No }
}

fn write(moment: &Moment, request: &Request, plan: &Plan, reports: &[Report], lines: &[String]) -> anyhow::Result<()> {
    let mut out = Lines::new(stdout(), request.output.line_end);
    let written = match (request.output.amount, request.output.format) {
        (Amount::Nothing, _) => Ok(()),
        (Amount::Rows | Amount::Count, Format::Json | Format::Ndjson) => {
            document::write_actions(&mut out, moment, request, plan, reports)
        }
        (Amount::Rows | Amount::Count, Format::Table | Format::Wide | Format::Csv | Format::OpenMetrics) => {
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        }
    };
    written.and_then(|()| out.flush()).context(WRITING)
}

/// Shows the lines of a plan and asks whether it is to be carried out. Everything but a yes is a no; it is unknown if there is no
/// terminal to ask at.
fn ask(lines: &[String], question: &str) -> Answer {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Answer::Unknown;
    }
    let mut text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    text.push_str(question);
    text.push_str(" [y/N] ");
    let mut err = io::stderr();
    if platform::LINE_END.write(&mut err, text.as_bytes()).and_then(|()| err.flush()).is_err() {
        return Answer::No;
    }
    let mut answer = String::new();
    // The end of the input and what is no text are a no.
    let _ = io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut answer);
    is_yes(&answer).into()
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
}
