//! Facts about processes, from the files under `/proc/PID`.
//!
//! The kernel reads `cmdline`, and in old versions `exe`, under the lock of the process' memory map, and waits for it as long
//! as it takes: a process in uninterruptible sleep (a dead NFS server, FUSE) may hold it for ever. What needs these files is
//! therefore read by threads that are given up if they make no progress. A process may also map what it likes as its command
//! line, of any size: what is read of one is bounded.

mod reading;

use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::{Facts, Process, ProcessRead};
use crate::model::socket::Pid;
use reading::{Reading, boot_time};
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much of a command line is read.
const COMMAND_LINE: usize = 64 * 1024;
/// How many arguments are kept: an argument of one byte costs as much memory as one of thirty.
const MAX_ARGUMENTS: usize = 4096;
/// How much of all command lines is kept; beyond, each is cut to [`SHORT_COMMAND_LINE`].
const ALL_COMMAND_LINES: usize = 64 * 1024 * 1024;
const SHORT_COMMAND_LINE: usize = 4096;

/// If nothing was read for so long, a further thread goes on with the next process.
const STALLED: Duration = Duration::from_millis(100);
/// If nothing was read for so long, what is missing is given up.
const NO_PROGRESS: Duration = Duration::from_secs(2);
/// After so long, what is missing is given up in any case.
const LIMIT: Duration = Duration::from_secs(10);
/// How many threads one call starts.
const MAX_THREADS: usize = 8;
/// If so many processes hang, executables and command lines are not read any more.
const MAX_HANGING: usize = 64;
const STACK: usize = 256 * 1024;

/// A process: its PID, and its start time, which no later process of this PID has.
type Identity = (Pid, u64);

/// The processes at which a thread that was given up still waits. They are not tried again, so that refreshes do not pile up
/// threads.
static HANGING: Mutex<Vec<Identity>> = Mutex::new(Vec::new());

/// Now, in the unit of [`Process::start_order`]: clock ticks since the boot.
pub(crate) fn process_clock() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let ticks = rustix::param::clock_ticks_per_second();
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
    u64::try_from(now.tv_sec).unwrap_or_default() * ticks + nanoseconds * ticks / 1_000_000_000
}

/// Reads these facts of the processes, in their order.
pub(crate) fn process_facts(pids: &[Pid], facts: Facts) -> (Vec<ProcessRead>, Vec<Problem>) {
    let boot = boot_time();
    if !facts.executable && !facts.command_line {
        return (pids.iter().map(|&pid| Reading::begin(pid, facts, boot).0).collect(), Vec::new());
    }
    let job = Arc::new(Job::new(pids, facts, boot));
    if !Job::start_thread(&job) {
        // Without a thread there is no time limit, but there are facts.
        job.work();
    }
    let late = job.wait();
    let mut late_pids = Vec::new();
    let reads = late.into_iter().zip(pids).map(|(read, &pid)| match read {
        Progress::Done(read) => read,
        Progress::Begun(process) => {
            late_pids.push(pid);
            ProcessRead::Known(process)
        }
        Progress::Waiting => {
            late_pids.push(pid);
            Reading::begin(pid, facts, boot).0
        }
    });
    let reads = reads.collect();
    (reads, late_problem(&late_pids).into_iter().collect())
}

fn late_problem(late: &[Pid]) -> Option<Problem> {
    /// How many PIDs are named.
    const NAMED: usize = 5;
    let named: Vec<String> = late.iter().take(NAMED).map(ToString::to_string).collect();
    let (first, named) = (late.first()?, named.join(", "));
    let message = match late.len() {
        1 => format!("the executable and the command line of process {first} could not be read in time: it hangs in the kernel"),
        count => {
            let more = if count > NAMED { ", …" } else { "" };
            format!(
                "the executables and the command lines of {count} processes ({named}{more}) could not be read in time: they, or \
                 one of them, hang in the kernel"
            )
        }
    };
    Some(Problem::new(ProblemKind::FactUnavailable, message))
}

/// What is known of one process by now.
enum Progress {
    /// Its reading has not begun.
    Waiting,
    /// These facts were read, others are being read.
    Begun(Process),
    Done(ProcessRead),
}

/// Processes that are read by threads.
struct Job {
    pids: Vec<Pid>,
    facts: Facts,
    boot: Duration,
    state: Mutex<JobState>,
    /// Signalled when the last process is done.
    done: Condvar,
}

struct JobState {
    progress: Vec<Progress>,
    /// The position of the process that is read next.
    next: usize,
    done: usize,
    threads: usize,
    /// Counts whatever was read.
    steps: u64,
    /// The bytes of all command lines.
    bytes: usize,
    /// The processes that threads are reading.
    in_progress: Vec<Identity>,
    given_up: bool,
}

impl Job {
    fn new(pids: &[Pid], facts: Facts, boot: Duration) -> Self {
        let state = JobState {
            progress: pids.iter().map(|_| Progress::Waiting).collect(),
            next: 0,
            done: 0,
            threads: 0,
            steps: 0,
            bytes: 0,
            in_progress: Vec::new(),
            given_up: false,
        };
        Self { pids: pids.to_vec(), facts, boot, state: Mutex::new(state), done: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that reads processes, and says whether that was possible.
    fn start_thread(job: &Arc<Self>) -> bool {
        let worker = Arc::clone(job);
        let started = std::thread::Builder::new().stack_size(STACK).spawn(move || worker.work()).is_ok();
        job.lock().threads += usize::from(started);
        started
    }

    /// Waits until every process is done, or until those that are not are given up.
    fn wait(self: &Arc<Self>) -> Vec<Progress> {
        let start = Instant::now();
        let mut last = (start, 0);
        let mut state = self.lock();
        while state.done < self.pids.len() {
            state = self.done.wait_timeout(state, STALLED).unwrap_or_else(PoisonError::into_inner).0;
            let now = Instant::now();
            if state.steps != last.1 {
                last = (now, state.steps);
            } else if state.done < self.pids.len() && now - last.0 >= STALLED {
                if now - last.0 >= NO_PROGRESS {
                    break;
                }
                if state.next < self.pids.len() && state.threads < MAX_THREADS {
                    drop(state);
                    Self::start_thread(self);
                    state = self.lock();
                }
            }
            if now - start >= LIMIT {
                break;
            }
        }
        state.given_up = true;
        let mut hanging = HANGING.lock().unwrap_or_else(PoisonError::into_inner);
        hanging.append(&mut state.in_progress);
        std::mem::take(&mut state.progress)
    }

    /// Reads one process after another until there is none, or until the rest was given up.
    fn work(&self) {
        let mut buffer = Vec::new();
        while let Some((place, pid)) = self.next() {
            let (read, reading) = Reading::begin(pid, self.facts, self.boot);
            let (ProcessRead::Known(process), Some(reading)) = (&read, reading) else {
                self.finish(place, Some(read), None);
                continue;
            };
            let identity = (pid, process.start_order.unwrap_or_default());
            let Some(limit) = self.begin(place, process, identity) else {
                self.finish(place, None, None);
                continue;
            };
            let mut process = process.clone();
            if self.facts.executable {
                reading.read_executable(&mut process);
            }
            if self.facts.command_line {
                self.update(place, &process);
                reading.read_command_line(&mut process, &mut buffer, limit);
            }
            self.finish(place, Some(ProcessRead::Known(process)), Some(identity));
        }
    }

    fn next(&self) -> Option<(usize, Pid)> {
        let mut state = self.lock();
        let place = state.next;
        let pid = *self.pids.get(place).filter(|_| !state.given_up)?;
        state.next += 1;
        Some((place, pid))
    }

    /// Takes note of what is known before a thread reads what may block, and says how long the command line may be; `None` if
    /// the process is known to hang.
    fn begin(&self, place: usize, process: &Process, identity: Identity) -> Option<usize> {
        self.update(place, process);
        let hanging = HANGING.lock().unwrap_or_else(PoisonError::into_inner);
        if hanging.contains(&identity) || hanging.len() >= MAX_HANGING {
            return None;
        }
        drop(hanging);
        let mut state = self.lock();
        state.in_progress.push(identity);
        Some(if state.bytes < ALL_COMMAND_LINES { COMMAND_LINE } else { SHORT_COMMAND_LINE })
    }

    fn update(&self, place: usize, process: &Process) {
        let mut state = self.lock();
        state.steps += 1;
        if let Some(progress) = state.progress.get_mut(place) {
            *progress = Progress::Begun(process.clone());
        }
    }

    /// Takes note that no more is read of a process; without a result it stays as it was begun.
    fn finish(&self, place: usize, read: Option<ProcessRead>, identity: Option<Identity>) {
        let mut state = self.lock();
        if let Some(identity) = identity {
            if state.given_up {
                let mut hanging = HANGING.lock().unwrap_or_else(PoisonError::into_inner);
                hanging.retain(|&other| other != identity);
            }
            state.in_progress.retain(|&other| other != identity);
        }
        state.steps += 1;
        state.done += 1;
        if let Some(ProcessRead::Known(process)) = &read {
            state.bytes += process.command_line.iter().map(|argument| argument.len()).sum::<usize>();
        }
        if let (Some(progress), Some(read)) = (state.progress.get_mut(place), read) {
            *progress = Progress::Done(read);
        }
        if state.done == self.pids.len() {
            self.done.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reading::is_running;
    use super::*;
    use crate::platform::sysinfo_processes;
    use std::ffi::OsString;
    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    const ALL: Facts = Facts { executable: true, command_line: true, user: true };

    fn known(pid: Pid) -> Process {
        match process_facts(&[pid], ALL).0.remove(0) {
            ProcessRead::Known(process) => process,
            other => panic!("{other:?}"),
        }
    }

    /// A process that is killed at the end of the test.
    struct Running(Child);

    impl Running {
        /// Starts a program, and waits until it is the one that runs.
        fn start(command: &mut Command) -> Self {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n");
            Self(child)
        }

        fn pid(&self) -> Pid {
            self.0.id()
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// A shell that waits, with further arguments.
    fn shell(arguments: &[&str]) -> Running {
        Running::start(Command::new("/bin/sh").args(["-c", "echo ready; read line"]).args(arguments))
    }

    /// A copy of the shell under another name, in a folder of its own.
    fn copy_of_shell(name: &str) -> (PathBuf, PathBuf) {
        let folder = std::env::temp_dir().join(format!("rnetstat-process-facts-{}-{}", std::process::id(), name.len()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        fs::copy("/bin/sh", &file).unwrap();
        (folder, file)
    }

    #[test]
    fn an_independent_reader_finds_the_same_facts() {
        let child = shell(&["", "x", ""]);
        let pids = [std::process::id(), child.pid(), 1];
        let (ours, problems) = process_facts(&pids, ALL);
        let theirs = sysinfo_processes::process_facts(&pids, ALL).0;
        assert!(problems.is_empty());
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let (ProcessRead::Known(ours), ProcessRead::Known(theirs)) = (ours, theirs) else { panic!() };
            assert_eq!((ours.pid, &ours.name, ours.parent, &ours.user), (theirs.pid, &theirs.name, theirs.parent, &theirs.user));
            assert_eq!(ours.executable, theirs.executable);
            assert!(ours.started.unwrap().abs_diff(theirs.started.unwrap()) <= 1);
        }
    }

    #[test]
    fn empty_arguments_are_kept() {
        let child = shell(&["", "x", "", "a b", ""]);
        assert_eq!(known(child.pid()).command_line[3..], ["", "x", "", "a b", ""].map(OsString::from));
    }

    #[test]
    fn a_long_command_line_is_cut_and_said_to_be() {
        let long = "x".repeat(100_000);
        let process = known(shell(&[&long]).pid());
        assert!(process.command_line_truncated);
        assert_eq!(process.command_line.iter().map(|word| word.len() + 1).sum::<usize>(), COMMAND_LINE + 1);
        let many = vec!["a"; MAX_ARGUMENTS];
        let process = known(shell(&many).pid());
        assert_eq!((process.command_line.len(), process.command_line_truncated), (MAX_ARGUMENTS, true));
        assert!(!known(shell(&[&"x".repeat(60_000)]).pid()).command_line_truncated);
    }

    #[test]
    fn a_deleted_executable_differs_from_one_with_such_a_name() {
        let start = |file: &PathBuf| Running::start(Command::new(file).args(["-c", "echo ready; read line"]));
        let (folder, file) = copy_of_shell("odd (deleted)");
        let odd = start(&file);
        assert_eq!((known(odd.pid()).executable, known(odd.pid()).executable_deleted), (Some(file.clone()), false));
        // Another link keeps the file, but not its name.
        fs::hard_link(&file, folder.join("other")).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!((known(odd.pid()).executable, known(odd.pid()).executable_deleted), (Some(file), true));
        let (_, plain) = copy_of_shell("odd (deleted)");
        let replaced = start(&plain);
        fs::remove_file(&plain).unwrap();
        fs::write(&plain, "another").unwrap();
        assert_eq!((known(replaced.pid()).executable, known(replaced.pid()).executable_deleted), (Some(plain), true));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_process_that_has_ended_differs_from_one_that_cannot_be_read() {
        assert_eq!(process_facts(&[u32::MAX - 1], Facts::default()).0, [ProcessRead::Ended]);
        let mut child = shell(&[]);
        let pid = child.pid();
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        assert_eq!(process_facts(&[pid], ALL).0, [ProcessRead::Ended]);
        assert!(is_running(1) && is_running(std::process::id()) && !is_running(pid));
    }

    #[test]
    fn a_process_starts_before_the_clock_that_is_read_afterwards() {
        let before = process_clock();
        let child = shell(&[]);
        let start = known(child.pid()).start_order.unwrap();
        assert!((before..=process_clock()).contains(&start), "{before} {start}");
    }

    #[test]
    fn what_a_thread_waits_for_is_given_up_and_not_tried_again() {
        let child = shell(&[]);
        let pids = [child.pid(), std::process::id()];
        let job = Arc::new(Job::new(&pids, ALL, boot_time()));
        // A thread that has begun with a process and never finishes it.
        let (place, pid) = job.next().unwrap();
        let (ProcessRead::Known(process), _) = Reading::begin(pid, ALL, job.boot) else { panic!() };
        let identity = (pid, process.start_order.unwrap());
        assert_eq!(job.begin(place, &process, identity), Some(COMMAND_LINE));
        assert!(Job::start_thread(&job));
        while job.lock().done < 1 {
            std::thread::yield_now();
        }
        let progress = job.wait();
        assert!(matches!(&progress[..], [Progress::Begun(late), Progress::Done(ProcessRead::Known(_))] if *late == process));
        // The next refresh neither waits for it nor starts a thread that hangs too.
        let (reads, problems) = process_facts(&pids[..1], ALL);
        assert_eq!(reads, [ProcessRead::Known(process.clone())]);
        assert!(problems[0].message.contains(&format!("process {pid} could not be read in time")), "{problems:?}");
        // When the thread goes on after all, the process can be read again.
        job.finish(place, Some(ProcessRead::Known(process)), Some(identity));
        assert!(!known(pid).command_line.is_empty());
    }

    #[test]
    fn a_problem_names_some_processes() {
        let message = |pids: &[Pid]| late_problem(pids).map(|problem| problem.message);
        assert_eq!(message(&[]), None);
        assert!(message(&[7]).unwrap().contains("of process 7 could not"));
        assert!(message(&[1, 2, 3, 4, 5, 6]).unwrap().contains("of 6 processes (1, 2, 3, 4, 5, …)"));
    }
}
