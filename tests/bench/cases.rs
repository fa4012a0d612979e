//! The farms that are measured, and the figures that are to be reached in them.

use crate::contenders::{Contender, Outcome};
use crate::farm::Plan;
use crate::floor::Walked;

/// One farm to measure in.
#[derive(Debug)]
pub struct Case {
    /// What it is, in a few words.
    pub name: &'static str,
    /// What to build.
    pub plan: Plan,
    /// What to reach.
    pub figures: &'static [Figure],
}

/// A figure to reach.
#[derive(Debug)]
pub struct Figure {
    /// Which row of the table it belongs to.
    pub contender: Contender,
    /// What is demanded.
    pub demand: &'static str,
    /// What was measured.
    pub value: fn(&Measured<'_>) -> Option<Value>,
    /// The limit.
    pub limit: Limit,
    /// The unit of the value.
    pub unit: &'static str,
}

/// On which side of the figure it is good to be.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// Small is good.
    AtMost(f64),
    /// Large is good.
    AtLeast(f64),
}

/// A quotient, or less than it: the true one is larger where a contender did not come to its end.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The number.
    pub number: f64,
    /// Whether the true one is larger.
    pub or_more: bool,
}

impl Limit {
    /// Whether the value is on the good side, where that can be said.
    pub fn is_met(self, value: Value) -> Option<bool> {
        match self {
            Self::AtMost(limit) if value.or_more => (value.number > limit).then_some(false),
            Self::AtLeast(limit) if value.or_more => (value.number >= limit).then_some(true),
            Self::AtMost(limit) => Some(value.number <= limit),
            Self::AtLeast(limit) => Some(value.number >= limit),
        }
    }
}

/// What was measured in one farm.
#[derive(Debug)]
pub struct Measured<'a> {
    /// How many sockets there were.
    pub sockets: usize,
    /// What came of each contender.
    pub outcomes: &'a [(Contender, Outcome)],
}

impl Measured<'_> {
    fn outcome(&self, wanted: Contender) -> Option<&Outcome> {
        self.outcomes.iter().find(|(contender, _)| *contender == wanted).map(|(_, outcome)| outcome)
    }

    /// The milliseconds that a contender took.
    pub fn milliseconds(&self, contender: Contender) -> Option<Value> {
        let (duration, or_more) = match self.outcome(contender)? {
            Outcome::Median(sample, _) => (sample.wall, false),
            Outcome::OutOfTime(limit) => (*limit, true),
            Outcome::Absent(_) => return None,
        };
        Some(Value { number: duration.as_secs_f64() * 1000.0, or_more })
    }

    /// How many times as long one took as some others together.
    pub fn times(&self, one: Contender, others: &[Contender]) -> Option<Value> {
        let one = self.milliseconds(one)?;
        let mut together = 0.0;
        for &other in others {
            together += self.milliseconds(other).filter(|other| !other.or_more)?.number;
        }
        Some(Value { number: one.number / together, or_more: one.or_more })
    }

    /// The largest resident set of a contender, for each socket.
    pub fn bytes_a_socket(&self, contender: Contender) -> Option<Value> {
        let Outcome::Median(sample, _) = self.outcome(contender)? else { return None };
        Some(Value { number: sample.peak? as f64 / self.sockets as f64, or_more: false })
    }
}

const fn of_floor(contender: Contender, demand: &'static str, limit: f64, value: fn(&Measured<'_>) -> Option<Value>) -> Figure {
    Figure { contender, demand, value, limit: Limit::AtMost(limit), unit: "×" }
}

const fn of_ano(demand: &'static str, limit: f64) -> Figure {
    let value = |measured: &Measured<'_>| measured.times(Contender::Ss, &[Contender::Ano]);
    Figure { contender: Contender::Ss, demand, value, limit: Limit::AtLeast(limit), unit: "×" }
}

/// 100,000 sockets in 200 processes.
const LARGE: &[Figure] = &[
    of_floor(Contender::Ano, "at most 1.0 × the floor", 1.0, |measured| measured.times(Contender::Ano, &[Contender::Floor])),
    of_floor(Contender::An, "at most 0.8 × the floor", 0.8, |measured| measured.times(Contender::An, &[Contender::Floor])),
    of_floor(Contender::Port, "at most 0.5 × the floor", 0.5, |measured| measured.times(Contender::Port, &[Contender::Floor])),
    of_floor(Contender::Walk, "at most 1.3 × (floor + bare walk)", 1.3, |measured| {
        measured.times(Contender::Walk, &[Contender::Floor, Contender::BareWalk])
    }),
    of_ano("at least 45 × rnetstat -ano", 45.0),
];

/// 1,000,000 sockets.
const HUGE: &[Figure] = &[
    of_floor(Contender::Ano, "at most 1.2 × the floor", 1.2, |measured| measured.times(Contender::Ano, &[Contender::Floor])),
    Figure {
        contender: Contender::Ano,
        demand: "at most 110 bytes a socket",
        value: |measured| measured.bytes_a_socket(Contender::Ano),
        limit: Limit::AtMost(110.0),
        unit: "bytes",
    },
];

/// 10,000 sockets in 1,000 processes.
const MANY_PROCESSES: &[Figure] = &[of_ano("at least 10 × rnetstat -ano", 10.0)];

/// What a quiet host has at most.
const QUIET_PROCESSES: usize = 250;
const QUIET_DESCRIPTORS: usize = 1500;

/// A quiet host.
const QUIET: &[Figure] = &[
    Figure {
        contender: Contender::Ano,
        demand: "at most 3 ms above /bin/true",
        value: |measured| {
            let (own, nothing) = (measured.milliseconds(Contender::Ano)?, measured.milliseconds(Contender::True)?);
            Some(Value { number: own.number - nothing.number, or_more: own.or_more })
        },
        limit: Limit::AtMost(3.0),
        unit: "ms",
    },
    of_ano("at least 2 × rnetstat -ano", 2.0),
];

/// A host that does hardly anything: 250 processes, 1,500 descriptors, 20 sockets. What the host has itself counts, and a
/// host that has more than that of its own is measured as it is, against no figures.
pub fn quiet(host: Walked) -> Case {
    let mut plan = Plan { servers: 4, clients: 4, idle: 0, connections: 6, udp: 4, others: 0 };
    plan.idle = QUIET_PROCESSES.saturating_sub(host.processes + plan.processes());
    let without_others = host.descriptors + 3 * plan.processes() + plan.sockets();
    plan.others = QUIET_DESCRIPTORS.saturating_sub(without_others) / plan.processes();
    let is_quiet = plan.idle > 0 && without_others <= QUIET_DESCRIPTORS;
    let (name, figures) = if is_quiet { ("a quiet host", QUIET) } else { ("a host that is not quiet", [].as_slice()) };
    Case { name, plan, figures }
}

/// A host that is busy; the sizes for which there are figures have theirs.
pub fn busy(sockets: usize, processes: Option<usize>, others: Option<usize>) -> Case {
    let (usual, usual_others, figures) = match sockets {
        10_000 => (1000, 20, MANY_PROCESSES),
        100_000 => (200, 100, LARGE),
        1_000_000 => (200, 100, HUGE),
        _ => ((sockets / 20).clamp(2, 200), 100, [].as_slice()),
    };
    let plan = Plan::busy(sockets, processes.unwrap_or(usual), others.unwrap_or(usual_others));
    // A figure holds for the farm that it was set for.
    let figures = if processes.is_none_or(|processes| processes == usual) && others.is_none() { figures } else { &[] };
    Case { name: "a busy host", plan, figures }
}
