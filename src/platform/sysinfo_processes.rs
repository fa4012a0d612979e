//! Facts about processes by the crate sysinfo: for systems other than Linux, and as an oracle for tests on Linux.

use crate::model::problem::Problem;
use crate::model::process::{Facts, Process, ProcessRead, User};
use crate::model::socket::Pid;
use std::time::{SystemTime, UNIX_EPOCH};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Now, in the unit of [`Process::start_order`]: seconds since 1970.
pub(crate) fn process_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads these facts of the processes, in their order.
pub(crate) fn process_facts(pids: &[Pid], facts: Facts) -> (Vec<ProcessRead>, Vec<Problem>) {
    let Ok(mut system) = System::new() else { return (vec![ProcessRead::Failed; pids.len()], Vec::new()) };
    let numbers: Vec<sysinfo::Pid> = pids.iter().map(|&pid| sysinfo::Pid::from_u32(pid)).collect();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&numbers), false, refresh_kind(facts));
    let read = |&pid: &Pid| match system.process(sysinfo::Pid::from_u32(pid)) {
        Some(process) => ProcessRead::Known(describe(process, pid)),
        None => ProcessRead::Ended,
    };
    (pids.iter().map(read).collect(), Vec::new())
}

fn refresh_kind(facts: Facts) -> ProcessRefreshKind {
    let when = |wanted| if wanted { UpdateKind::Always } else { UpdateKind::Never };
    ProcessRefreshKind::nothing()
        .without_tasks()
        .with_exe(when(facts.executable))
        .with_cmd(when(facts.command_line))
        .with_user(when(facts.user))
}

fn describe(process: &sysinfo::Process, pid: Pid) -> Process {
    let started = Some(process.start_time()).filter(|&seconds| seconds > 0);
    Process {
        pid,
        name: process.name().to_owned(),
        executable: process.exe().filter(|path| !path.as_os_str().is_empty()).map(ToOwned::to_owned),
        command_line: process.cmd().to_vec(),
        user: process.user_id().map(|id| User { id: id.to_string(), name: None }),
        started,
        start_order: started,
        parent: process.parent().map(sysinfo::Pid::as_u32),
        ..Process::default()
    }
}
