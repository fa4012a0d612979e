//! Which of the processes that own rows are ended, by what is known of each: pure.

use super::{Item, NamedProcess, Step};
use crate::model::action::{Outcome, ProcessTarget, Report, UnitPolicy};
use crate::model::cgroup::Cgroup;
use crate::model::owners::OwnerStatus;
use crate::model::socket::{Pid, Socket};
use crate::moment::row::{Row, Rows};
use crate::output::escape::{escape_name, is_shell_word};
use std::path::PathBuf;

/// The process that the system starts first.
pub(super) const FIRST: Pid = 1;

/// A process that owns rows, and what decides whether it is ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidate {
    pub(super) pid: Pid,
    pub(super) name: String,
    /// The positions of its rows, and their sockets.
    pub(super) rows: Vec<u32>,
    pub(super) sockets: Vec<Socket>,
    /// When it was started; `None` if it has ended since the rows were read.
    pub(super) start: Option<u64>,
    pub(super) executable: Option<PathBuf>,
    /// Whether it is rnetstat or has started it.
    pub(super) kinship: Option<Kinship>,
    /// Whether it is a thread of the kernel's.
    pub(super) is_of_kernel: bool,
    /// Whether the service manager of Windows has started it.
    pub(super) is_windows_service: bool,
    /// The unit and the container, unless rnetstat is in the same.
    pub(super) cgroup: Cgroup,
    pub(super) policy: UnitPolicy,
    /// Whether the service manager has started it itself, so that the unit ends with it.
    pub(super) is_main: bool,
    /// A supervisor that has started it and does so again.
    pub(super) supervisor: Option<(Pid, String)>,
    /// The name of its container, as its engine knows it.
    pub(super) container_name: Option<String>,
    /// The container for which it forwards a port, if it does that: `None` inside if its name is not known.
    pub(super) forwards_to: Option<Option<String>>,
    /// Another process that holds the same listener and has started this one, under the same name.
    pub(super) master: Option<(Pid, String)>,
    /// Whether the first process holds one of its sockets too: the service manager's, for activation.
    pub(super) is_activated: bool,
    /// The `.socket` units of these ports; for the first process alone.
    pub(super) socket_units: Vec<String>,
}

/// How a process is related to rnetstat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    /// It is rnetstat.
    Own,
    /// It has started rnetstat, or what has started it.
    Ancestor,
}

/// The items for the processes, and for the rows without a known owner.
pub(super) fn plan(candidates: Vec<Candidate>, rows: Rows<'_>) -> Vec<Item> {
    let refusals: Vec<Option<String>> = candidates.iter().map(refusal).collect();
    let is_asked = |(candidate, refusal): (&Candidate, &Option<String>)| {
        let is_asked = refusal.is_none() && candidate.start.is_some() && candidate.master.is_none();
        is_asked.then_some(candidate.pid)
    };
    let asked: Vec<Pid> = candidates.iter().zip(&refusals).filter_map(is_asked).collect();
    let decided = candidates.into_iter().zip(refusals);
    let mut items: Vec<Item> = decided.map(|(candidate, refusal)| item(candidate, refusal, &asked)).collect();
    items.extend(rows.positions().iter().filter_map(|&position| unowned(position, rows.get(position)?)));
    items
}

/// The item of a process. A worker ends with its master, if that is asked to end.
fn item(candidate: Candidate, refusal: Option<String>, asked: &[Pid]) -> Item {
    let Candidate { pid, name, rows, sockets, start, executable, master, .. } = candidate;
    let target = |start, is_asked| Step::End(ProcessTarget { pid, start, executable, sockets, is_asked });
    let settled = |outcome, reason| (Step::Settled(Report::because(outcome, reason)), None);
    let (step, note) = match (refusal, start, master) {
        (Some(reason), ..) => settled(Outcome::Refused, reason),
        (None, None, _) => settled(Outcome::Gone, "the process has ended".to_owned()),
        (None, Some(start), None) => (target(start, true), None),
        (None, Some(start), Some((master, _))) if asked.contains(&master) => {
            (target(start, false), Some(format!("ends with its master ({master})")))
        }
        (None, Some(_), Some((master, name))) => {
            let master = format!("{} ({master}) would start another one: end that (--pid {master})", escape_name(&name));
            settled(Outcome::Refused, format!("its master {master}"))
        }
    };
    Item { rows, process: Some(NamedProcess { pid, name }), step, note }
}

/// Why a process is not ended: what it is, or what would start it again.
fn refusal(candidate: &Candidate) -> Option<String> {
    let Candidate { pid, cgroup, policy, .. } = candidate;
    if *pid == FIRST {
        let units: Vec<&String> = candidate.socket_units.iter().collect();
        return Some(match units.is_empty() {
            true => {
                "it is the first process of the system ('systemctl list-sockets' shows what it holds for services)".to_owned()
            }
            false => format!("it is held for a service: {}", stop("systemctl stop", "units", &units)),
        });
    }
    match candidate.kinship {
        Some(Kinship::Own) => return Some("it is rnetstat itself".to_owned()),
        Some(Kinship::Ancestor) => return Some("it has started rnetstat".to_owned()),
        None => {}
    }
    if candidate.is_of_kernel {
        return Some("it is the kernel's".to_owned());
    }
    if candidate.is_windows_service {
        return Some(format!("it is a service: 'tasklist /svc /fi \"PID eq {pid}\"' names it, 'sc stop' stops it"));
    }
    if let Some(container) = &candidate.forwards_to {
        return Some(match container {
            Some(name) => format!("it forwards the port to a container: {}", stop("docker stop", "container", &[name])),
            None => {
                let port = candidate.sockets.first().map_or(0, |socket| socket.local.port);
                format!(
                    "it forwards the port to a container: 'docker ps --filter publish={port}' names it, 'docker stop' stops it"
                )
            }
        });
    }
    if let Some(container) = &cgroup.container {
        let name = candidate.container_name.clone().unwrap_or_else(|| container.id.chars().take(12).collect());
        return Some(match container.runtime {
            "docker" => format!("it runs in a container: {}", stop("docker stop", "container", &[&name])),
            "podman" => format!("it runs in a container: {}", stop("podman stop", "container", &[&name])),
            runtime => {
                let name = escape_name(&name);
                format!("it runs in the container {name} of {runtime}, which may start it again: stop the container")
            }
        });
    }
    if let Some((pid, name)) = &candidate.supervisor {
        return Some(format!("{} ({pid}) starts it again: stop it there", escape_name(name)));
    }
    let unit = cgroup.unit.as_ref().filter(|unit| unit.ends_with(".service"))?;
    let systemctl = if cgroup.manager_of.is_some() { "systemctl --user stop" } else { "systemctl stop" };
    if candidate.is_activated && !policy.sockets.is_empty() {
        let units: Vec<&String> = policy.sockets.iter().chain([unit]).collect();
        let sockets = policy.sockets.iter().map(|name| escape_name(name)).collect::<Vec<_>>().join(", ");
        return Some(format!("{sockets} would start it again: {}", stop(systemctl, "units", &units)));
    }
    let instead = stop(systemctl, "unit", &[unit]);
    match policy.restarts {
        Some(false) => None,
        // To stop the unit may stop much more, such as all of cron's jobs.
        Some(true) | None if !candidate.is_main => {
            Some(format!("it belongs to the unit {}, which may start it again", escape_name(unit)))
        }
        Some(true) => Some(format!("its unit starts it again: {instead}")),
        None => Some(format!("its unit may start it again: {instead}")),
    }
}

/// The command that stops some things, if their names can be copied into a shell as they are.
fn stop(command: &str, what: &str, names: &[&String]) -> String {
    let joined = |between| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(between);
    match names.iter().all(|name| is_shell_word(name)) {
        true => format!("{command} {}", joined(" ")),
        false => format!("stop the {what} '{}'", joined("', '")),
    }
}

/// What is to be said of a row of which no owner is known.
fn unowned(position: u32, row: Row<'_>) -> Option<Item> {
    let report = match row.owners().status {
        OwnerStatus::Owned => return None,
        OwnerStatus::Gone => Report::because(Outcome::Gone, "it was closed meanwhile"),
        OwnerStatus::None => Report::because(Outcome::Refused, "no process owns it: it is the kernel's own"),
        OwnerStatus::Denied => {
            let reason = format!("the process that owns it is hidden from you: {}", crate::platform::MORE_RIGHTS);
            Report::because(Outcome::Refused, reason)
        }
        OwnerStatus::Unsupported => Report::because(Outcome::Refused, "this system does not name its owner"),
    };
    Some(Item { rows: vec![position], process: None, step: Step::Settled(report), note: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cgroup::Container;
    use crate::model::socket::tests::socket;
    use crate::reports::tests::Machine;
    use crate::request::View;

    fn candidate(pid: Pid) -> Candidate {
        let sockets = vec![socket("0.0.0.0", 8080)];
        Candidate { pid, name: "server".to_owned(), rows: vec![0], sockets, start: Some(7), ..Candidate::default() }
    }

    fn of_unit(unit: &str, restarts: Option<bool>) -> Candidate {
        let cgroup = Cgroup { unit: Some(unit.to_owned()), ..Cgroup::default() };
        Candidate { cgroup, policy: UnitPolicy { restarts, ..UnitPolicy::default() }, is_main: true, ..candidate(900) }
    }

    fn of_container(runtime: &'static str, name: Option<&str>) -> Candidate {
        let container = Some(Container { runtime, id: "0123456789abcdef".repeat(4) });
        Candidate { cgroup: Cgroup { container, ..Cgroup::default() }, container_name: name.map(str::to_owned), ..candidate(900) }
    }

    /// The steps for these processes, which own a row that nobody else does.
    fn steps(candidates: Vec<Candidate>) -> Vec<Step> {
        let moment = Machine::new(vec![socket("0.0.0.0", 8080)], &[(1, 900)], Vec::new()).moment(View::Sockets);
        plan(candidates, moment.rows(View::Sockets)).into_iter().map(|item| item.step).collect()
    }

    fn refusal_of(candidate: Candidate) -> String {
        let step = steps(vec![candidate]).remove(0);
        let Step::Settled(Report { outcome: Outcome::Refused, reason: Some(reason) }) = step else { panic!("{step:?}") };
        reason
    }

    fn is_ended(candidate: Candidate) -> bool {
        matches!(&steps(vec![candidate])[..], [Step::End(target)] if target.is_asked)
    }

    #[test]
    fn a_process_is_ended_as_the_one_that_was_seen() {
        let seen = Candidate { executable: Some("/usr/bin/server".into()), ..candidate(900) };
        let target = ProcessTarget {
            pid: 900,
            start: 7,
            executable: Some("/usr/bin/server".into()),
            sockets: vec![socket("0.0.0.0", 8080)],
            is_asked: true,
        };
        assert_eq!(steps(vec![seen]), [Step::End(target)]);
        let ended = Candidate { start: None, ..candidate(900) };
        assert_eq!(steps(vec![ended]), [Step::Settled(Report::because(Outcome::Gone, "the process has ended"))]);
    }

    #[test]
    fn the_first_process_rnetstat_itself_what_started_it_and_the_kernel_are_refused() {
        assert!(refusal_of(candidate(FIRST)).contains("systemctl list-sockets"));
        let activating = Candidate { socket_units: vec!["ssh.socket".to_owned()], ..candidate(FIRST) };
        assert!(refusal_of(activating).ends_with("systemctl stop ssh.socket"));
        assert_eq!(refusal_of(Candidate { kinship: Some(Kinship::Own), ..candidate(900) }), "it is rnetstat itself");
        assert_eq!(refusal_of(Candidate { kinship: Some(Kinship::Ancestor), ..candidate(900) }), "it has started rnetstat");
        assert_eq!(refusal_of(Candidate { is_of_kernel: true, ..candidate(900) }), "it is the kernel's");
    }

    #[test]
    fn what_a_service_manager_starts_again_is_named_with_the_command_that_stops_it() {
        assert_eq!(refusal_of(of_unit("nginx.service", Some(true))), "its unit starts it again: systemctl stop nginx.service");
        assert_eq!(refusal_of(of_unit("nginx.service", None)), "its unit may start it again: systemctl stop nginx.service");
        let mut of_user = of_unit("web.service", Some(true));
        of_user.cgroup.manager_of = Some(1000);
        assert_eq!(refusal_of(of_user), "its unit starts it again: systemctl --user stop web.service");
        let policy = UnitPolicy { restarts: Some(false), sockets: vec!["ssh.socket".to_owned()] };
        let activated = Candidate { policy, is_activated: true, ..of_unit("ssh.service", None) };
        assert_eq!(refusal_of(activated.clone()), "ssh.socket would start it again: systemctl stop ssh.socket ssh.service");
        // Its socket is not that of the unit.
        assert!(is_ended(Candidate { is_activated: false, ..activated }));
        let job = Candidate { is_main: false, ..of_unit("cron.service", Some(true)) };
        assert_eq!(refusal_of(job), "it belongs to the unit cron.service, which may start it again");
        let supervised = Candidate { supervisor: Some((7, "runsv".to_owned())), ..candidate(900) };
        assert_eq!(refusal_of(supervised), "runsv (7) starts it again: stop it there");
        assert!(is_ended(of_unit("nginx.service", Some(false))));
        assert!(is_ended(of_unit("session-3.scope", None)));
    }

    #[test]
    fn a_service_of_windows_is_stopped_by_its_manager() {
        let reason = refusal_of(Candidate { is_windows_service: true, ..candidate(900) });
        assert_eq!(reason, "it is a service: 'tasklist /svc /fi \"PID eq 900\"' names it, 'sc stop' stops it");
    }

    #[test]
    fn a_hostile_name_of_a_unit_is_no_command() {
        let reason = refusal_of(of_unit("a$(reboot).service", Some(true)));
        assert_eq!(reason, "its unit starts it again: stop the unit 'a$(reboot).service'");
    }

    #[test]
    fn what_runs_in_a_container_is_stopped_with_it() {
        assert_eq!(refusal_of(of_container("docker", Some("web"))), "it runs in a container: docker stop web");
        assert_eq!(refusal_of(of_container("podman", None)), "it runs in a container: podman stop 0123456789ab");
        let pod = refusal_of(of_container("containerd", Some("web")));
        assert_eq!(pod, "it runs in the container web of containerd, which may start it again: stop the container");
        let proxy = |name: Option<&str>| Candidate {
            forwards_to: Some(name.map(str::to_owned)),
            ..of_unit("docker.service", Some(true))
        };
        assert_eq!(refusal_of(proxy(Some("web"))), "it forwards the port to a container: docker stop web");
        assert!(refusal_of(proxy(None)).contains("'docker ps --filter publish=8080' names it"));
    }

    #[test]
    fn workers_end_with_their_master_and_are_not_ended_without_it() {
        let worker = |pid| Candidate { master: Some((900, "nginx".to_owned())), ..candidate(pid) };
        let asked: Vec<_> = steps(vec![candidate(900), worker(901), worker(902)])
            .into_iter()
            .map(|step| {
                let Step::End(target) = step else { panic!("{step:?}") };
                (target.pid, target.is_asked)
            })
            .collect();
        assert_eq!(asked, [(900, true), (901, false), (902, false)]);
        let alone = refusal_of(worker(901));
        assert_eq!(alone, "its master nginx (900) would start another one: end that (--pid 900)");
        // A master that is refused ends nobody.
        let refused = Candidate { kinship: Some(Kinship::Ancestor), ..candidate(900) };
        let both = steps(vec![refused, worker(901)]);
        assert!(both.iter().all(|step| matches!(step, Step::Settled(report) if report.outcome == Outcome::Refused)), "{both:?}");
    }

    #[test]
    fn a_row_without_a_known_owner_is_refused() {
        let listener = socket("0.0.0.0", 8080);
        let moment = Machine::new(vec![Socket { inode: 5, ..listener }, Socket { inode: 0, ..listener }], &[], Vec::new());
        let moment = moment.moment(View::Sockets);
        let reasons: Vec<_> = plan(Vec::new(), moment.rows(View::Sockets))
            .into_iter()
            .filter_map(|item| match item.step {
                Step::Settled(report) if report.outcome == Outcome::Refused => report.reason,
                Step::Settled(_) | Step::End(_) | Step::Close(..) => None,
            })
            .collect();
        assert!(reasons.len() == 2 && reasons.iter().any(|reason| reason.contains("hidden from you")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("the kernel's own")), "{reasons:?}");
    }
}
