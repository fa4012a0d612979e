//! The switches that choose rows.

use super::{UsageError, invalid_value};
use crate::filter::exposure::{self, ExposureSet};
use crate::filter::ports::{self, EitherPort};
use crate::filter::selector::{InvalidValue, Selector};
use crate::filter::states::States;
use crate::filter::{Filter, addresses, owners, states};
use crate::lookup::services::Services;
use crate::lookup::users;
use crate::model::socket::{Family, State};
use crate::platform;
use clap::Args;
use std::cell::OnceCell;
use std::ops::RangeInclusive;

/// Several values of one switch are alternatives, several switches must all hold, and `!` before a value excludes it.
#[derive(Args, Debug)]
#[command(next_help_heading = super::headings::ROWS)]
pub(super) struct FilterArguments {
    /// Show only this local port: 443, 8000-8100 or https. ':443' says the same.
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    pub port: Vec<String>,

    /// Show only this foreign port.
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    pub remote_port: Vec<String>,

    /// Show only this port, local or foreign; with '!' neither.
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    pub any_port: Vec<String>,

    /// Show only this TCP state: closed, listening, syn-sent, syn-received, established, fin-wait-1, fin-wait-2, close-wait,
    /// closing, last-ack, time-wait or bound. UDP has none.
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<String>,

    /// Show only what waits to be called: TCP listeners, and UDP sockets without a peer (net-tools: -l).
    #[arg(long, alias = "listen", overrides_with = "listening")]
    pub listening: bool,

    /// Show only listeners that are bound to such an address: loopback, link-local, private, public or every-address. The
    /// firewall is not evaluated.
    #[arg(long, value_name = "EXPOSURE", value_delimiter = ',')]
    pub exposure: Vec<String>,

    /// Show only listeners that other networks may reach: private, public and every-address.
    #[arg(long, overrides_with = "exposed")]
    pub exposed: bool,

    /// Show only the sockets that the process with this PID holds.
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<String>,

    /// Show only the sockets of this process: its whole name in any letter case; '*' is any text.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub process: Vec<String>,

    /// Show only the sockets of this user, by name or number.
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    pub user: Vec<String>,

    /// Show only this local address or prefix: 10.0.0.0/8, 2001:db8::1, fe80::%eth0/64.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub local: Vec<String>,

    /// Show only this foreign address or prefix.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub remote: Vec<String>,

    /// Show only IPv4, also where it comes through IPv6 sockets (net-tools: -4).
    #[arg(long, alias = "inet", overrides_with = "ipv4")]
    pub ipv4: bool,

    /// Show only IPv6 (net-tools: -6).
    #[arg(long, alias = "inet6", overrides_with = "ipv6")]
    pub ipv6: bool,
}

impl FilterArguments {
    /// What the switches ask, and the words with a colon (`:8080`), which are local ports.
    pub(super) fn filter(&self, colon_words: &[String]) -> Result<Filter, UsageError> {
        let services = ServiceNames::default();
        let mut local_port = services.ports("--port", &self.port)?;
        for word in colon_words {
            let value = word.strip_prefix(':').unwrap_or(word).split(',').map(str::to_owned).collect::<Vec<_>>();
            let ports = services.ports(":PORT", &value)?;
            local_port.wanted.extend(ports.wanted);
            local_port.unwanted.extend(ports.unwanted);
        }
        let state = Selector::parse(&self.state, states::parse).map_err(|invalid| {
            let known = State::ALL.map(State::word).map(str::to_owned);
            let known = super::either(&known);
            invalid_filter("--state", &InvalidValue { reason: format!("expected {known} in any letter case"), ..invalid })
        })?;
        Ok(Filter {
            local_port: local_port.into_set(),
            remote_port: services.ports("--remote-port", &self.remote_port)?.into_set(),
            either_port: EitherPort::new(services.ports("--any-port", &self.any_port)?),
            states: States::new(&state),
            listening: self.listening,
            exposure: self.exposures()?,
            local: prefixes("--local", &self.local)?,
            remote: prefixes("--remote", &self.remote)?,
            family: match (self.ipv4, self.ipv6) {
                (true, false) => Some(Family::V4),
                (false, true) => Some(Family::V6),
                (true, true) | (false, false) => None,
            },
            users: self.users(platform::SOCKETS_HAVE_USERS, user)?,
            owners: owners::OwnerFilter {
                pids: Selector::parse(&self.pid, owners::parse_pid).map_err(|invalid| invalid_filter("--pid", &invalid))?,
                names: Selector::parse(&self.process, |name| Ok([owners::NamePattern::new(name)]))
                    .map_err(|invalid| invalid_filter("--process", &invalid))?,
                users: self.users(!platform::SOCKETS_HAVE_USERS, |name| Ok([owners::UserName::new(name)]))?,
            },
            conditions: Vec::new(),
        })
    }

    /// Whether a port, an address, a process or a PID is wanted: what is only excluded leaves nearly everything.
    pub(super) fn narrows(&self, colon_words: &[&String]) -> bool {
        let lists = [&self.port, &self.remote_port, &self.any_port, &self.pid, &self.process, &self.local, &self.remote];
        let colon_ports = colon_words.iter().flat_map(|word| word.strip_prefix(':').unwrap_or(word).split(','));
        lists.into_iter().flatten().map(String::as_str).chain(colon_ports).any(|value| !value.starts_with('!'))
    }

    /// Whether processes are named by PID.
    pub(super) fn names_pids(&self) -> bool {
        self.pid.iter().any(|value| !value.starts_with('!'))
    }

    /// The exposures that both switches want.
    fn exposures(&self) -> Result<Option<ExposureSet>, UsageError> {
        let selector =
            Selector::parse(&self.exposure, exposure::parse).map_err(|invalid| invalid_filter("--exposure", &invalid))?;
        let chosen = ExposureSet::new(&selector);
        let exposed = self.exposed.then_some(ExposureSet::EXPOSED);
        Ok(match (chosen, exposed) {
            (Some(chosen), Some(exposed)) => Some(chosen.and(exposed)),
            (chosen, exposed) => chosen.or(exposed),
        })
    }

    /// The filters as switches in a fixed order, so that those of two runs can be compared.
    pub(super) fn written(&self, colon_words: &[String]) -> Vec<String> {
        let colon_ports = colon_words.iter().flat_map(|word| word.strip_prefix(':').unwrap_or(word).split(','));
        let ports: Vec<String> = self.port.iter().cloned().chain(colon_ports.map(str::to_owned)).collect();
        let lists = [
            ("port", &ports),
            ("remote-port", &self.remote_port),
            ("any-port", &self.any_port),
            ("state", &self.state),
            ("exposure", &self.exposure),
            ("pid", &self.pid),
            ("process", &self.process),
            ("user", &self.user),
            ("local", &self.local),
            ("remote", &self.remote),
        ];
        let list = |(switch, values): (&str, &Vec<String>)| {
            let mut values = values.clone();
            values.sort_unstable();
            (!values.is_empty()).then(|| format!("--{switch}={}", values.join(",")))
        };
        let flags = [("--listening", self.listening), ("--exposed", self.exposed), ("--ipv4", self.ipv4), ("--ipv6", self.ipv6)];
        let flags = flags.into_iter().filter(|&(_, is_set)| is_set).map(|(switch, _)| switch.to_owned());
        lists.into_iter().filter_map(list).chain(flags).collect()
    }

    /// The users, where they are asked of the one who is to tell: the sockets or their owners.
    fn users<T>(&self, asked: bool, meaning: fn(&str) -> Result<[T; 1], String>) -> Result<Selector<T>, UsageError> {
        let values = if asked { self.user.as_slice() } else { &[] };
        Selector::parse(values, meaning).map_err(|invalid| invalid_filter("--user", &invalid))
    }
}

/// The names of ports, read when the first of them is asked for.
#[derive(Default)]
pub(super) struct ServiceNames(OnceCell<Services>);

impl ServiceNames {
    /// Every port of a service.
    pub(super) fn named(&self, name: &str) -> Vec<u16> {
        self.0.get_or_init(|| Services::load(&platform::services_file())).ports(name)
    }

    fn ports(&self, switch: &str, values: &[String]) -> Result<Selector<RangeInclusive<u16>>, UsageError> {
        Selector::parse(values, |value| ports::parse(value, |name| self.named(name)))
            .map_err(|invalid| invalid_filter(switch, &invalid))
    }
}

fn prefixes(switch: &str, values: &[String]) -> Result<Selector<addresses::Prefix>, UsageError> {
    Selector::parse(values, |value| addresses::parse(value, platform::interface_index))
        .map_err(|invalid| invalid_filter(switch, &invalid))
}

fn user(value: &str) -> Result<[u32; 1], String> {
    value.parse().or_else(|_| users::id_of(value)).map(|uid| [uid]).map_err(|error| error.to_string())
}

fn invalid_filter(switch: &str, invalid: &InvalidValue) -> UsageError {
    let sentence = invalid_value(&invalid.value, switch, &invalid.reason);
    UsageError::new(sentence, "Several values are separated by commas; '!' before a value excludes it.")
}
