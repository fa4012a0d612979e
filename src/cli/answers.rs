//! The switches that answer with an exit status: waiting for a port, comparing with an earlier answer.

use super::report_args::questions_of;
use super::{UsageError, invalid_value};
use crate::model::socket::Protocol;
use crate::request::{Diff, Document, PortQuestion, PortWait, Task, Until};
use clap::Args;
use std::time::Duration;

/// Answers for scripts.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ASK)]
pub(super) struct AnswerArguments {
    /// Wait until something listens on a port, and print who; '!8080' waits until the port can be bound. TCP, unless it is
    /// udp/53. Exit status: 0 it is so, 1 the time is up, 2 an error. rnetstat --wait 8080 --timeout 30 && ./test
    #[arg(long, value_name = "PORT", overrides_with = "wait")]
    pub wait: Option<String>,

    /// With --wait: wait at most so many seconds; as long as it takes without it.
    #[arg(long, value_name = "SECONDS", overrides_with = "timeout")]
    pub timeout: Option<String>,

    /// Print what was opened, closed or changed since FILE was made by 'rnetstat -a --json' or ndjson ('-' is standard
    /// input), or between two FILEs: listeners and UDP without a peer; with -a every socket. A restarted service is one
    /// change. Exit status: 0 no difference, 1 differences, 2 an error. rnetstat --diff yesterday.json --quiet || mail root
    #[arg(long, value_name = "FILE")]
    pub diff: Vec<String>,

    /// With --diff: compare files of two hosts too.
    #[arg(long, overrides_with = "other_host")]
    pub other_host: bool,

    /// Tell what happens to sockets, as text or with --format ndjson an event a line, until CTRL+C: opened, closed, changed (owner,
    /// state, backlog). The sockets are read every second, or every INTERVAL; filters choose among them. On Linux closed TCP
    /// connections come with their last bytes, round-trip time and retransmits, also those that lived between two reads. TIME_WAIT
    /// counts as closed. rnetstat --events --port 443
    #[arg(long, overrides_with = "events")]
    pub events: bool,
}

impl AnswerArguments {
    /// What the run does.
    pub(super) fn task(&self) -> Result<Task, UsageError> {
        let asked = [
            ("--wait", self.wait()?.map(Task::Wait)),
            ("--diff", self.diff()?.map(Task::Diff)),
            ("--events", self.events.then_some(Task::Events)),
        ];
        let mut asked = asked.into_iter().filter_map(|(switch, task)| Some((switch, task?)));
        match (asked.next(), asked.next()) {
            (Some((switch, _)), Some((other, _))) => {
                Err(UsageError::new(format!("{switch} and {other} are mutually exclusive"), "Ask one after the other."))
            }
            (Some((_, task)), None) => Ok(task),
            (None, _) => Ok(Task::Report),
        }
    }

    /// What is waited for, if anything.
    fn wait(&self) -> Result<Option<PortWait>, UsageError> {
        let limit = self.limit()?;
        let Some(value) = &self.wait else {
            return match limit {
                None => Ok(None),
                Some(_) => Err(UsageError::new("--timeout goes with --wait", "--name-timeout limits the time for names.")),
            };
        };
        let (until, port) = match value.strip_prefix('!') {
            Some(port) => (Until::Free, port),
            None => (Until::Listening, value.as_str()),
        };
        match questions_of(port).as_deref() {
            Some([question]) => {
                let question = PortQuestion { protocol: question.protocol.or(Some(Protocol::Tcp)), ..*question };
                Ok(Some(PortWait { question, until, limit }))
            }
            _ => Err(UsageError::see_help(invalid_value(
                value,
                "--wait",
                "expected one port (8080), a service name (https), either with a protocol (udp/53), and '!' for a free port",
            ))),
        }
    }

    /// What is compared, if anything.
    fn diff(&self) -> Result<Option<Diff>, UsageError> {
        let document = |name: &String| match name.as_str() {
            "-" => Document::Stdin,
            path => Document::File(path.into()),
        };
        let mut documents = self.diff.iter().map(document);
        match (documents.next(), documents.next()) {
            _ if documents.next().is_some() => Err(UsageError::see_help("--diff compares two documents")),
            (None, _) if self.other_host => Err(UsageError::see_help("--other-host goes with --diff")),
            (None, _) => Ok(None),
            (Some(Document::Stdin), Some(Document::Stdin)) => {
                Err(UsageError::new("--diff cannot read both documents from standard input", "Save one of them in a file."))
            }
            (Some(earlier), later) => Ok(Some(Diff { earlier, later, other_host: self.other_host })),
        }
    }

    fn limit(&self) -> Result<Option<Duration>, UsageError> {
        let Some(value) = &self.timeout else { return Ok(None) };
        match value.parse::<u32>() {
            Ok(seconds) => Ok(Some(Duration::from_secs(seconds.into()))),
            Err(_) => Err(UsageError::see_help(invalid_value(value, "--timeout", "expected a number of seconds (30)"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::{Command, parse};
    use crate::model::socket::Protocol;
    use crate::request::{PortQuestion, PortWait, Task, Until};
    use std::ffi::OsString;
    use std::time::Duration;

    fn wait(line: &str) -> Option<PortWait> {
        match parse(line.split(' ').map(OsString::from)) {
            Ok(Command::Run(request)) => request.task.wait().copied(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_port_is_waited_for_with_tcp_unless_it_has_a_protocol() {
        let tcp = |port| PortQuestion { port, protocol: Some(Protocol::Tcp) };
        let expected = PortWait { question: tcp(8080), until: Until::Listening, limit: None };
        assert_eq!(wait("--wait 8080"), Some(expected));
        assert_eq!(wait("--wait :8080"), Some(expected));
        assert_eq!(wait("--wait !tcp/8080"), Some(PortWait { until: Until::Free, ..expected }));
        let udp = PortQuestion { port: 53, protocol: Some(Protocol::Udp) };
        let limit = Some(Duration::from_secs(30));
        assert_eq!(wait("--wait udp/53 --timeout 30"), Some(PortWait { question: udp, limit, ..expected }));
        assert_eq!(wait("-an"), None);
    }

    #[test]
    fn one_file_is_compared_with_now_and_two_with_each_other() {
        let diff = |line: &str| match parse(line.split(' ').map(OsString::from)) {
            Ok(Command::Run(request)) => match request.task {
                Task::Diff(diff) => Some((diff.earlier.name(), diff.later.map(|later| later.name()))),
                Task::Report | Task::Wait(_) | Task::Act(_) | Task::Watch | Task::Events => None,
            },
            other => panic!("{line}: {other:?}"),
        };
        let files = |earlier: &str, later: Option<&str>| Some((earlier.to_owned(), later.map(str::to_owned)));
        for (line, expected) in [
            ("-an", None),
            ("--diff a", files("a", None)),
            ("--diff a b", files("a", Some("b"))),
            ("--diff /tmp/a /tmp/b -a", files("/tmp/a", Some("/tmp/b"))),
            ("--diff a /a", files("a", None)),
            ("--diff a :443", files("a", None)),
            ("--diff a -", files("a", Some("standard input"))),
            ("--diff - -an", files("standard input", None)),
            ("--diff a --diff b", files("a", Some("b"))),
        ] {
            assert_eq!(diff(line), expected, "{line}");
        }
        for line in
            ["--diff a 5", "--diff - -", "--diff a b :443", "--other-host", "--diff a --csv", "--diff a -s", "--diff a --count"]
        {
            assert!(parse(line.split(' ').map(OsString::from)).is_err(), "{line}");
        }
    }

    #[test]
    fn what_does_not_go_with_waiting_is_refused() {
        for (line, sentence) in [
            ("--wait 80,443", "invalid value '80,443' for --wait: expected one port"),
            ("--wait 0", "invalid value '0' for --wait"),
            ("--wait !", "invalid value '!' for --wait"),
            ("--wait 80 --timeout soon", "invalid value 'soon' for --timeout: expected a number of seconds"),
            ("--timeout 5", "--timeout goes with --wait"),
            ("--wait 80 5", "--wait has no interval"),
            ("--wait 80 --explain 80", "--explain and --wait are mutually exclusive"),
            ("--wait 80 --diff a.json", "--wait and --diff are mutually exclusive"),
            ("--wait 80 --summary", "--summary and --wait are mutually exclusive"),
            ("--wait 80 -s", "--wait and -c, -e, -r, -s or -x are mutually exclusive"),
            ("--wait 80 --pid 1", "filters and --sort are for the table"),
            ("--wait 80 --count", "--count counts the rows"),
        ] {
            let error = parse(line.split(' ').map(OsString::from)).unwrap_err();
            assert!(error.sentence.starts_with(sentence), "{line}: {error}");
        }
    }
}
