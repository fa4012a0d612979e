//! The switches that ask something else than a table.

use super::UsageError;
use super::filters::ServiceNames;
use crate::filter::namespaces::NamespaceSelection;
use crate::model::socket::Protocol;
use crate::request::PortQuestion;
use clap::Args;

/// Questions about sockets.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ASK)]
pub(super) struct ReportArguments {
    /// Count all sockets by state, process, address and port, and say what is worth a look (the man page has the rules, under
    /// FINDINGS).
    #[arg(long, overrides_with = "summary")]
    pub summary: bool,

    /// Say why a port is taken, and how to free it, or whether it can be bound: 80, https, tcp/53, or several. Exit status: 0
    /// taken, 1 free, 2 unknown.
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    pub explain: Vec<String>,

    /// With --explain: bind the port on every address and close it again, to be certain. For that moment nobody else can bind
    /// it.
    #[arg(long, overrides_with = "try_bind")]
    pub try_bind: bool,
}

impl ReportArguments {
    /// Refuses `--try-bind` if there is nothing to bind, or nowhere to do it.
    pub(super) fn check_try_bind(&self, namespaces: &NamespaceSelection) -> Result<(), UsageError> {
        match (self.try_bind, self.explain.is_empty()) {
            (false, _) => Ok(()),
            (true, true) => Err(UsageError::new("--try-bind goes with --explain", "It binds the ports that --explain names.")),
            (true, false) if !namespaces.is_own() => Err(UsageError::new(
                "--try-bind binds in the own network namespace alone",
                "Leave --all-namespaces and --namespace out, or enter one: nsenter --net=FILE rnetstat …",
            )),
            (true, false) => Ok(()),
        }
    }

    /// The ports to explain, each once.
    pub(super) fn ports(&self) -> Result<Vec<PortQuestion>, UsageError> {
        let mut questions = Vec::new();
        for value in &self.explain {
            for question in questions_of(value).ok_or_else(|| invalid(value))? {
                if !questions.contains(&question) {
                    questions.push(question);
                }
            }
        }
        Ok(questions)
    }
}

/// The ports that one value stands for, each with the protocol that it names; `None` if it stands for none.
pub(super) fn questions_of(value: &str) -> Option<Vec<PortQuestion>> {
    let (protocol, name) = match value.split_once('/') {
        Some((protocol, name)) if protocol.eq_ignore_ascii_case("tcp") => (Some(Protocol::Tcp), name),
        Some((protocol, name)) if protocol.eq_ignore_ascii_case("udp") => (Some(Protocol::Udp), name),
        Some(_) => return None,
        None => (None, value),
    };
    let name = name.strip_prefix(':').unwrap_or(name);
    let ports = match name.parse() {
        Ok(port) => vec![port],
        Err(_) => ServiceNames::default().named(name),
    };
    let is_usable = !ports.is_empty() && !ports.contains(&0);
    is_usable.then(|| ports.into_iter().map(|port| PortQuestion { port, protocol }).collect())
}

fn invalid(value: &str) -> UsageError {
    UsageError::new(
        super::invalid_value(
            value,
            "--explain",
            "expected a port (80), a service name (https) or either with a protocol (tcp/53)",
        ),
        "Several values are separated by commas.",
    )
}
