//! Acting on what was found: ending processes, closing sockets.
//!
//! [`plan`] decides row by row what is to be done, or why not; [`question`] asks for it, and [`carry_out`] does it. Whoever calls
//! them, the command line or the live screen, shows the plan and has the question answered in between.
//!
//! A plan names what it acts on so that nothing else can be hit: a process by its PID and start, a socket by the kernel's cookie.
//! The platform compares both again at the last moment.
#![warn(clippy::wildcard_enum_match_arm)]

mod close;
mod end;
mod facts;

use crate::filter::owners::OwnerFilter;
use crate::model::action::{Action, Ending, Outcome, ProcessTarget, Report, SocketIdentity, SocketTarget};
use crate::model::socket::Pid;
use crate::model::system::System;
use crate::moment::row::Rows;
use crate::platform;

/// The most sockets that are closed at a time, whatever the switches.
pub const MOST_SOCKETS: usize = 100;
/// The most processes that are ended at a time, whatever the switches.
pub const MOST_PROCESSES: usize = 10;

/// What is to be done with rows, decided for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is done.
    pub action: Action,
    /// The things to do, and those that are not done.
    pub items: Vec<Item>,
}

/// One process to end or one socket to close; or one that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The positions of its rows in the snapshot: for a process those for which it is ended.
    pub rows: Vec<u32>,
    /// The process that is ended.
    pub process: Option<NamedProcess>,
    /// What is done.
    pub step: Step,
    /// What a person should know before.
    pub note: Option<String>,
}

/// A process and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProcess {
    /// Its number.
    pub pid: Pid,
    /// Its name, as it calls itself.
    pub name: String,
}

/// What is done with a process or a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The process is ended.
    End(ProcessTarget),
    /// The socket is closed.
    Close(SocketTarget, SocketIdentity),
    /// Nothing: its outcome is known already.
    Settled(Report),
}

/// Plans an action on rows, whose owners and their names are known. `Err` is a sentence that refuses the whole.
///
/// [`Action::End`] ends every process that owns one of the rows and that `owners` names: with `--pid` nobody who shares a socket with
/// that process. The command line leaves it no other rows than those of listeners, unless processes are named.
pub fn plan(action: Action, rows: Rows<'_>, owners: &OwnerFilter, force: bool) -> Result<Plan, String> {
    if platform::has_more_rights_than_its_caller() {
        return Err(format!(
            "--{} is refused: this program has rights that its caller lacks (capabilities of its file, or a set-user-ID bit), and \
             would act with them; run it as root (sudo), or a copy without them",
            action.word()
        ));
    }
    if action == Action::End && !force && platform::SYSTEM == System::Windows {
        let sentence =
            "Windows has no signal that asks a process to end: --force ends it at once, and what it has not saved is lost";
        return Err(sentence.to_owned());
    }
    // The kernel is not asked about more rows than may be closed.
    if action == Action::Close && rows.len() > MOST_SOCKETS {
        return Err(too_many(action, rows.len()));
    }
    let items = match action {
        Action::End => end::plan(facts::candidates(rows, owners), rows),
        Action::Close => close::plan(rows, force, platform::identify_sockets),
    };
    within_limit(Plan { action, items })
}

/// The plan, unless it does too much at a time.
fn within_limit(plan: Plan) -> Result<Plan, String> {
    let most = match plan.action {
        Action::End => MOST_PROCESSES,
        Action::Close => MOST_SOCKETS,
    };
    let steps = plan.steps();
    if steps > most { Err(too_many(plan.action, steps)) } else { Ok(plan) }
}

fn too_many(action: Action, count: usize) -> String {
    match action {
        Action::End => format!("--end would end {count} processes, and ends at most {MOST_PROCESSES} at a time: choose fewer"),
        Action::Close => {
            format!("--close would close {count} sockets, and closes at most {MOST_SOCKETS} at a time: choose fewer")
        }
    }
}

/// What is asked before a plan is carried out; `None` if it does nothing.
pub fn question(plan: &Plan) -> Option<String> {
    let steps = plan.steps();
    let [one, many] = match plan.action {
        Action::End => ["End this process?".to_owned(), format!("End these {steps} processes?")],
        Action::Close => ["Close this socket?".to_owned(), format!("Close these {steps} sockets?")],
    };
    match steps {
        0 => None,
        1 => Some(one),
        _ => Some(many),
    }
}

/// Carries out a plan: one report for each of its items, in their order. It ends within twice the grace and some seconds.
pub fn carry_out(plan: &Plan, ending: Ending) -> Vec<Report> {
    let mut processes = Vec::new();
    let mut sockets = Vec::new();
    for item in &plan.items {
        match &item.step {
            Step::End(target) => processes.push(target.clone()),
            Step::Close(target, identity) => sockets.push((*target, *identity)),
            Step::Settled(_) => {}
        }
    }
    let mut ended = platform::end_processes(&processes, ending).into_iter();
    let mut closed = platform::close_sockets(&sockets).into_iter();
    let unanswered = || Report::because(Outcome::Failed, "the system gave no answer");
    let report = |item: &Item| match &item.step {
        Step::End(_) => ended.next().unwrap_or_else(unanswered),
        Step::Close(..) => closed.next().unwrap_or_else(unanswered),
        Step::Settled(report) => report.clone(),
    };
    plan.items.iter().map(report).collect()
}

impl Plan {
    /// What is known of its items while nothing was done.
    pub fn reports(&self) -> Vec<Report> {
        let report = |item: &Item| match &item.step {
            Step::End(_) | Step::Close(..) => Report { outcome: Outcome::Planned, reason: item.note.clone() },
            Step::Settled(report) => report.clone(),
        };
        self.items.iter().map(report).collect()
    }

    /// How many processes are asked to end, or sockets are closed.
    fn steps(&self) -> usize {
        let is_step = |item: &&Item| match &item.step {
            Step::End(target) => target.is_asked,
            Step::Close(..) => true,
            Step::Settled(_) => false,
        };
        self.items.iter().filter(is_step).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;

    fn plan_of(action: Action, asked: usize, waited_for: usize) -> Plan {
        let target = |is_asked| ProcessTarget { pid: 900, start: 1, executable: None, sockets: Vec::new(), is_asked };
        let socket = SocketTarget { socket: socket("0.0.0.0", 80), namespace: None };
        let step = |is_asked| match action {
            Action::End => Step::End(target(is_asked)),
            Action::Close => Step::Close(socket, SocketIdentity { cookie: 1, mptcp: None }),
        };
        let item = |is_asked| Item { rows: Vec::new(), process: None, step: step(is_asked), note: None };
        let items = (0..asked).map(|_| item(true)).chain((0..waited_for).map(|_| item(false))).collect();
        Plan { action, items }
    }

    #[test]
    fn a_question_counts_what_is_asked_to_end_and_not_what_ends_with_it() {
        assert_eq!(question(&plan_of(Action::End, 0, 0)), None);
        assert_eq!(question(&plan_of(Action::End, 1, 4)).as_deref(), Some("End this process?"));
        assert_eq!(question(&plan_of(Action::End, 2, 0)).as_deref(), Some("End these 2 processes?"));
        assert_eq!(question(&plan_of(Action::Close, 3, 0)).as_deref(), Some("Close these 3 sockets?"));
    }

    #[test]
    fn at_most_ten_processes_or_a_hundred_sockets_are_taken_at_a_time() {
        assert_eq!(within_limit(plan_of(Action::End, 10, 90)).map(|plan| plan.items.len()), Ok(100));
        let sentence = within_limit(plan_of(Action::End, 11, 0)).unwrap_err();
        assert_eq!(sentence, "--end would end 11 processes, and ends at most 10 at a time: choose fewer");
        assert!(within_limit(plan_of(Action::Close, 100, 0)).is_ok());
        let sentence = within_limit(plan_of(Action::Close, 101, 0)).unwrap_err();
        assert_eq!(sentence, "--close would close 101 sockets, and closes at most 100 at a time: choose fewer");
    }
}
