//! The values of columns as text.

use crate::lookup::state_times::TimeInState;
use crate::model::process::Process;
use crate::model::socket::{Endpoint, Pid};
use crate::model::time::rfc3339;
use crate::moment::value::Value;
use crate::output::escape::{escape, escape_item, escape_name};
use crate::request::unit::Quantity;
use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;

/// Where the text of a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::reports) enum Origin {
    /// It is made of numbers, addresses and fixed words.
    Known,
    /// It may hold what came from outside and is not escaped yet.
    Outside,
}

/// Adds the text of a value as programs read it, nothing if there is none, and says where it comes from.
pub(in crate::reports) fn push_text(out: &mut String, value: &Value<'_>) -> Origin {
    match value {
        Value::Null => {}
        Value::Word(word) | Value::Ranked(_, word) => out.push_str(word),
        Value::Number(number) | Value::Quantity(Quantity(number, _)) => push_number(out, *number),
        Value::Flag(flag) => out.push_str(if *flag { "yes" } else { "no" }),
        Value::Address(address, scope) => push_address(out, *address, *scope),
        Value::Endpoint(end, scope) => out.push_str(&endpoint(end, *scope)),
        Value::Elapsed(time) => out.push_str(&elapsed(*time)),
        Value::Numbers(numbers) => push_each(out, " ", numbers, |out, number| push_number(out, *number)),
        Value::Times(times) => push_each(out, "; ", times, |out, &time| out.push_str(&rfc3339(time).unwrap_or_default())),
        Value::NamedEndpoint(host, end) => {
            out.push_str(host);
            out.push(':');
            push_number(out, end.port.into());
            return Origin::Outside;
        }
        Value::Text(text) => {
            out.push_str(text);
            return Origin::Outside;
        }
        Value::Texts(texts) => {
            push_each(out, "; ", texts, |out, text| out.push_str(&escape_item(text)));
            return Origin::Outside;
        }
        Value::Names(names) => {
            push_each(out, "; ", names, |out, name| out.push_str(&escape_name(name)));
            return Origin::Outside;
        }
        Value::Processes(processes) => {
            push_each(out, "; ", processes, |out, (pid, name)| out.push_str(&name_and_pid(*pid, name.as_deref())));
            return Origin::Outside;
        }
    }
    Origin::Known
}

/// The text of a value as people read it, with its unit, safe for a terminal; empty if there is none.
pub(in crate::reports) fn cell_text(value: &Value<'_>) -> String {
    if let Value::Quantity(quantity) = value {
        return quantity.to_string();
    }
    let mut text = String::new();
    match push_text(&mut text, value) {
        Origin::Known => text,
        Origin::Outside => match escape(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(safe) => safe,
        },
    }
}

fn push_number(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

fn push_address(out: &mut String, address: IpAddr, scope: u32) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{address}");
    if scope != 0 {
        out.push('%');
        push_number(out, scope.into());
    }
}

fn push_each<T>(out: &mut String, between: &str, items: &[T], push: impl Fn(&mut String, &T)) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push_str(between);
        }
        push(out, item);
    }
}

/// The name of a process, quoted if it could be taken for something else.
pub(in crate::reports) fn process_name(process: &Process) -> String {
    escape_name(&process.name.to_string_lossy()).into_owned()
}

/// `nginx (900)`; `(900)` for a process whose name is not known.
pub(crate) fn name_and_pid(pid: Pid, name: Option<&str>) -> String {
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
    let mut text = String::new();
    if end.address.is_ipv4() {
        push_address(&mut text, end.address, scope);
    } else {
        text.push('[');
        push_address(&mut text, end.address, scope);
        text.push(']');
    }
    text.push(':');
    push_number(&mut text, end.port.into());
    text
}
