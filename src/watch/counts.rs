//! What the rows that are shown add up to.

use crate::lookup::rates::Rate;
use crate::model::owners::{OwnerStatus, Owners};
use crate::model::socket::State;
use crate::moment::row::Rows;
use crate::request::unit::{Quantity, Unit};

/// How many rows there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub sockets: usize,
    /// Those without a state.
    udp: usize,
    /// Those in each state, in the order of [`State::ALL`].
    states: [usize; State::ALL.len()],
    /// Those whose owner is hidden.
    pub hidden: usize,
    /// Further ones that may match the filter line.
    pub undecided: usize,
    /// Bytes per second, in the order of [`Rate::ALL`], as far as they are known.
    rates: [Option<u64>; Rate::ALL.len()],
}

impl Counts {
    /// Counts rows.
    pub fn of(rows: Rows<'_>) -> Self {
        let mut counts = Self { sockets: rows.len(), ..Self::default() };
        // Finding the owners of each row costs something, and says nothing if no process refused to be read.
        let may_be_hidden = !rows.snapshot().refused.is_none() || matches!(rows.snapshot().owners, Owners::ByRow(_));
        let has_rates = !rows.lookups().rates.is_empty();
        for row in rows.iter() {
            match row.socket.state {
                None => counts.udp += 1,
                Some(state) => {
                    if let Some(count) = counts.states.get_mut(state as usize) {
                        *count += 1;
                    }
                }
            }
            counts.hidden += usize::from(may_be_hidden && row.owners().status == OwnerStatus::Denied);
            if has_rates {
                for (rate, sum) in Rate::ALL.into_iter().zip(&mut counts.rates) {
                    *sum = row.rate(rate).map(|rate| sum.unwrap_or(0).saturating_add(rate)).or(*sum);
                }
            }
        }
        counts
    }

    /// `9 LISTENING`, `20 ESTABLISHED`, `3 UDP`: each kind that there is.
    pub fn kinds(&self) -> Vec<(State, usize)> {
        let count = |state: State| self.states.get(state as usize).copied().unwrap_or(0);
        State::ALL.into_iter().map(|state| (state, count(state))).filter(|&(_, count)| count > 0).collect()
    }

    /// How many sockets of UDP there are.
    pub const fn udp(&self) -> usize {
        self.udp
    }

    /// How much all connections together send and receive.
    pub fn traffic(&self) -> Option<String> {
        let rate = |rate: Rate| self.rates.get(rate as usize).copied().flatten();
        let (sent, received) = (rate(Rate::Send), rate(Rate::Receive));
        let text =
            |rate: Option<u64>| rate.map_or_else(|| "-".to_owned(), |rate| Quantity(rate, Unit::BytesPerSecond).to_string());
        (sent.is_some() || received.is_some()).then(|| format!("sent {} received {}", text(sent), text(received)))
    }
}
