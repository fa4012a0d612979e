//! The values of columns: typed, so that every format writes them and every order compares them.

use crate::lookup::state_times::TimeInState;
use crate::model::socket::{Endpoint, Pid};
use crate::request::unit::Quantity;
use std::borrow::Cow;
use std::net::IpAddr;

/// What a row has in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing: there is no such thing, or it is unknown.
    Null,
    /// One of the fixed words of the program.
    Word(&'static str),
    /// A fixed word with its place in the order of such words.
    Ranked(u8, &'static str),
    /// A number.
    Number(u64),
    /// A number of a unit.
    Quantity(Quantity),
    /// Yes or no.
    Flag(bool),
    /// An address with its scope id, 0 for none.
    Address(IpAddr, u32),
    /// An address with a port, and the scope id of the address.
    Endpoint(Endpoint, u32),
    /// An endpoint whose address has a name. The name comes from outside.
    NamedEndpoint(&'a str, Endpoint),
    /// A time that has passed.
    Elapsed(TimeInState),
    /// Text from outside.
    Text(Cow<'a, str>),
    /// Several numbers, in order.
    Numbers(Vec<u64>),
    /// Several texts from outside, each once.
    Texts(Vec<Cow<'a, str>>),
    /// Several names of processes, each once.
    Names(Vec<Cow<'a, str>>),
    /// Several processes with their names, if those are known.
    Processes(Vec<(Pid, Option<Cow<'a, str>>)>),
    /// Several times in seconds since 1970, each once.
    Times(Vec<u64>),
}

impl<'a> Value<'a> {
    /// The value of what is there.
    pub fn some<T>(option: Option<T>, value: impl FnOnce(T) -> Self) -> Self {
        option.map_or(Self::Null, value)
    }

    /// A number.
    pub fn number(number: impl Into<u64>) -> Self {
        Self::Number(number.into())
    }

    /// Text from outside; no text at all is no value.
    pub fn text(text: &'a str) -> Self {
        if text.is_empty() { Self::Null } else { Self::Text(text.into()) }
    }

    /// Several numbers; none is no value, and one is itself.
    pub fn numbers(mut numbers: impl Iterator<Item = u32>) -> Self {
        match (numbers.next(), numbers.next()) {
            (None, _) => Self::Null,
            (Some(only), None) => Self::number(only),
            (Some(first), Some(second)) => Self::Numbers([first, second].into_iter().chain(numbers).map(u64::from).collect()),
        }
    }

    /// Several texts, each once and none of them empty; none is no value.
    pub fn texts(texts: impl Iterator<Item = Cow<'a, str>>) -> Self {
        let texts = each_once(texts.filter(|text| !text.is_empty()));
        if texts.is_empty() { Self::Null } else { Self::Texts(texts) }
    }

    /// The names of processes, each once and none of them empty; none is no value.
    pub fn names(names: impl Iterator<Item = Cow<'a, str>>) -> Self {
        let names = each_once(names.filter(|name| !name.is_empty()));
        if names.is_empty() { Self::Null } else { Self::Names(names) }
    }

    /// Several times, each once; none is no value.
    pub fn times(times: impl Iterator<Item = u64>) -> Self {
        let times = each_once(times);
        if times.is_empty() { Self::Null } else { Self::Times(times) }
    }
}

fn each_once<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}
