//! What goes with `--format openmetrics`: filters do, and nothing that adds to rows or repeats them.

use super::{Arguments, UsageError};
use crate::request::column::Column;
use std::time::Duration;

impl Arguments {
    /// Refuses what has no place on a page of metrics. `added` are the columns that switches add.
    pub(super) fn check_metrics(&self, added: &[Column], interval: Option<Duration>) -> Result<(), UsageError> {
        const LABELS: &str = "Metrics have fixed labels; --format json has every column.";
        let adds_columns = added.iter().any(|&column| column != Column::Namespace);
        let refused = [
            (
                interval.is_some(),
                "--format openmetrics has no interval",
                "A page of metrics ends with '# EOF': a timer or the monitoring asks again.",
            ),
            (self.output.crlf, "--crlf does not go with --format openmetrics", "The format ends lines with LF on every system."),
            (
                self.output.no_header,
                "--no-header does not go with --format openmetrics",
                "Metrics have no heading; the format demands the lines that begin with '#'.",
            ),
            (self.output.columns.is_some(), "--columns does not go with --format openmetrics", LABELS),
            (!self.sort.sort.is_empty(), "--sort does not go with --format openmetrics", "Metrics are sums of rows."),
            (self.internals.tcp_info, "--tcp-info does not go with --format openmetrics", LABELS),
            (
                self.netstat.fqdn,
                "-f does not go with --format openmetrics",
                "Metrics have no foreign addresses, and so no names of them.",
            ),
            (adds_columns, "-b, -d, -i, -o, -p, -t and -y do not go with --format openmetrics", LABELS),
        ];
        match refused.into_iter().find(|(is_refused, ..)| *is_refused) {
            Some((_, sentence, hint)) => Err(UsageError::new(sentence, hint)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;
    use crate::model::socket::State;
    use crate::model::system::System;
    use crate::platform::SYSTEM;
    use crate::reports::tests::request;
    use std::ffi::OsString;

    #[test]
    fn metrics_are_of_all_sockets_or_of_those_that_filters_leave() {
        let scope = |line: &str| {
            let states = request(line).query.states;
            [State::Listening, State::Established, State::Bound].map(|state| states.contains(state))
        };
        assert_eq!(scope("--format openmetrics"), [true, true, false]);
        assert_eq!(scope("-an --format openmetrics"), [true, true, false]);
        assert_eq!(scope("-q --format openmetrics"), [true, true, true]);
        assert_eq!(scope("-l --format openmetrics"), [true, false, false]);
        assert!(scope("-ln --format openmetrics --port 1-1023")[0]);
    }

    #[test]
    fn what_has_no_place_among_metrics_is_refused() {
        for line in [
            "5",
            "--crlf",
            "--no-header",
            "--columns pid",
            "--sort pid",
            "--tcp-info",
            "-f",
            "-o",
            "-b",
            "-d",
            "-i",
            "-y",
            "-tulpn",
            "-s",
            "-e",
            "-r",
            "-c",
            "-x",
            "--summary",
            "--explain 80",
            "--wait 80",
            "--diff a.json",
            "--count",
            "--json",
            "--lang ko",
        ] {
            let words = format!("--format openmetrics {line}");
            assert!(parse(words.split(' ').map(OsString::from)).is_err(), "{line}");
        }
        let of_linux: &[&str] = if SYSTEM == System::Linux { &["--all-namespaces", "--owners-from proc"] } else { &[] };
        for line in ["--process nginx", "--exposed", "--color always", "-lnt4", "--quiet"].iter().chain(of_linux) {
            request(&format!("--format openmetrics {line}"));
        }
    }
}
