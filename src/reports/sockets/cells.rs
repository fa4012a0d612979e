//! The values of columns as text.

use crate::lookup::state_times::TimeInState;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid};
use crate::moment::value::Value;
use crate::output::escape::{escape, escape_item, escape_name};
use crate::output::time::rfc3339;
use std::borrow::Cow;
use std::net::IpAddr;

/// The text of a value, and whether it may hold what came from outside and is not escaped yet.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::reports) enum Text<'a> {
    /// Numbers, addresses and fixed words.
    Known(Cow<'a, str>),
    /// Text from outside.
    Outside(Cow<'a, str>),
}

/// The text of a value; empty if there is none.
pub(in crate::reports) fn text<'a>(value: &'a Value<'_>) -> Text<'a> {
    match value {
        Value::Null => Text::Known("".into()),
        Value::Word(word) | Value::Ranked(_, word) => Text::Known((*word).into()),
        Value::Number(number) => Text::Known(number.to_string().into()),
        Value::Address(address, scope) => Text::Known(self::address(*address, *scope).into()),
        Value::Endpoint(end, scope) => Text::Known(endpoint(end, *scope).into()),
        Value::NamedEndpoint(host, end) => Text::Outside(format!("{host}:{}", end.port).into()),
        Value::Elapsed(time) => Text::Known(elapsed(*time).into()),
        Value::Text(text) => Text::Outside(text.as_ref().into()),
        Value::Numbers(numbers) => Text::Known(joined(" ", numbers.iter().map(u64::to_string)).into()),
        Value::Texts(texts) => Text::Outside(joined("; ", texts.iter().map(|text| escape_item(text).into_owned())).into()),
        Value::Names(names) => Text::Outside(joined("; ", names.iter().map(|name| escape_name(name).into_owned())).into()),
        Value::Processes(processes) => {
            let named = processes.iter().map(|(pid, name)| name_and_pid(*pid, name.as_deref()));
            Text::Outside(joined("; ", named).into())
        }
        Value::Times(times) => Text::Known(joined("; ", times.iter().filter_map(|&time| rfc3339(time))).into()),
    }
}

/// The text of a value, safe for a terminal; empty if there is none.
pub(in crate::reports) fn cell_text<'a>(value: &'a Value<'_>) -> Cow<'a, str> {
    match text(value) {
        Text::Known(text) => text,
        Text::Outside(text) => match escape(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(safe) => safe.into(),
        },
    }
}

fn joined(between: &str, texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(between)
}

/// The name of a process, quoted if it could be taken for something else.
pub(in crate::reports) fn process_name(process: &Process) -> String {
    escape_name(&process.name.to_string_lossy()).into_owned()
}

/// `nginx (900)`; `(900)` for a process whose name is not known.
pub(in crate::reports) fn name_and_pid(pid: Pid, name: Option<&str>) -> String {
    name.map_or_else(|| format!("({pid})"), |name| format!("{} ({pid})", escape_name(name)))
}

/// `1.5s`; `1.5s+` if it may be longer.
fn elapsed(time: TimeInState) -> String {
    match time {
        TimeInState::Exactly(time) => format!("{:.1}s", time.as_secs_f64()),
        TimeInState::AtLeast(time) => format!("{:.1}s+", time.as_secs_f64()),
    }
}

/// `192.0.2.7:443`, `[fe80::1%12]:546`.
pub(in crate::reports) fn endpoint(end: &Endpoint, scope: u32) -> String {
    match end.address {
        IpAddr::V4(address) => format!("{address}:{}", end.port),
        IpAddr::V6(_) => format!("[{}]:{}", address(end.address, scope), end.port),
    }
}

/// `192.0.2.7`, `fe80::1%12`.
fn address(address: IpAddr, scope: u32) -> String {
    match scope {
        0 => address.to_string(),
        scope => format!("{address}%{scope}"),
    }
}
