//! The farms that are measured, and the targets for them.

use crate::competitors::{Competitor, Outcome};
use crate::support::baseline::Scanned;
use crate::support::farm::Plan;

/// One farm to measure in.
#[derive(Debug)]
pub struct Case {
    /// A short description.
    pub name: &'static str,
    /// What to build.
    pub plan: Plan,
    /// The targets.
    pub targets: &'static [Target],
}

/// A target.
#[derive(Debug)]
pub struct Target {
    /// Which row of the table it belongs to.
    pub competitor: Competitor,
    /// The target in words.
    pub text: &'static str,
    /// The measured value.
    pub value: fn(&Measured<'_>) -> Option<Value>,
    /// The limit.
    pub limit: Limit,
    /// The unit of the value.
    pub unit: &'static str,
}

/// An upper or lower limit.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// The value must not be larger.
    AtMost(f64),
    /// The value must not be smaller.
    AtLeast(f64),
}

/// A value, or a lower bound of it if a run reached its time limit.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The number.
    pub number: f64,
    /// Whether the number is only a lower bound.
    pub or_more: bool,
}

impl Limit {
    /// Whether the limit is met, if that is certain.
    pub fn is_met(self, value: Value) -> Option<bool> {
        match self {
            Self::AtMost(limit) if value.or_more => (value.number > limit).then_some(false),
            Self::AtLeast(limit) if value.or_more => (value.number >= limit).then_some(true),
            Self::AtMost(limit) => Some(value.number <= limit),
            Self::AtLeast(limit) => Some(value.number >= limit),
        }
    }
}

/// The measurements of one farm.
#[derive(Debug)]
pub struct Measured<'a> {
    /// The number of sockets.
    pub sockets: usize,
    /// The outcome of each competitor.
    pub outcomes: &'a [(Competitor, Outcome)],
}

impl Measured<'_> {
    fn outcome(&self, wanted: Competitor) -> Option<&Outcome> {
        self.outcomes.iter().find(|(competitor, _)| *competitor == wanted).map(|(_, outcome)| outcome)
    }

    /// The milliseconds that a competitor took.
    pub fn milliseconds(&self, competitor: Competitor) -> Option<Value> {
        let (duration, or_more) = match self.outcome(competitor)? {
            Outcome::Median(sample, _) => (sample.wall, false),
            Outcome::OutOfTime(limit) => (*limit, true),
            Outcome::Absent(_) => return None,
        };
        Some(Value { number: duration.as_secs_f64() * 1000.0, or_more })
    }

    /// The time of one competitor relative to the sum of some others.
    pub fn times(&self, one: Competitor, others: &[Competitor]) -> Option<Value> {
        let one = self.milliseconds(one)?;
        let mut together = 0.0;
        for &other in others {
            together += self.milliseconds(other).filter(|other| !other.or_more)?.number;
        }
        Some(Value { number: one.number / together, or_more: one.or_more })
    }

    /// The largest resident set of a competitor per socket.
    pub fn bytes_a_socket(&self, competitor: Competitor) -> Option<Value> {
        let Outcome::Median(sample, _) = self.outcome(competitor)? else { return None };
        Some(Value { number: sample.peak? as f64 / self.sockets as f64, or_more: false })
    }
}

const fn of_baseline(
    competitor: Competitor,
    text: &'static str,
    limit: f64,
    value: fn(&Measured<'_>) -> Option<Value>,
) -> Target {
    Target { competitor, text, value, limit: Limit::AtMost(limit), unit: "×" }
}

const fn of_ano(text: &'static str, limit: f64) -> Target {
    let value = |measured: &Measured<'_>| measured.times(Competitor::Ss, &[Competitor::Ano]);
    Target { competitor: Competitor::Ss, text, value, limit: Limit::AtLeast(limit), unit: "×" }
}

/// 100,000 sockets in 200 processes.
const LARGE: &[Target] = &[
    of_baseline(Competitor::Ano, "at most 0.45 × the baseline", 0.45, |measured| {
        measured.times(Competitor::Ano, &[Competitor::Baseline])
    }),
    of_baseline(Competitor::An, "at most 0.35 × the baseline", 0.35, |measured| {
        measured.times(Competitor::An, &[Competitor::Baseline])
    }),
    of_baseline(Competitor::Port, "at most 0.15 × the baseline", 0.15, |measured| {
        measured.times(Competitor::Port, &[Competitor::Baseline])
    }),
    of_baseline(Competitor::Proc, "at most 1.3 × (baseline + bare scan)", 1.3, |measured| {
        measured.times(Competitor::Proc, &[Competitor::Baseline, Competitor::BareScan])
    }),
    of_ano("at least 45 × rnetstat -ano", 45.0),
];

/// 1,000,000 sockets.
const HUGE: &[Target] = &[
    of_baseline(Competitor::Ano, "at most 0.6 × the baseline", 0.6, |measured| {
        measured.times(Competitor::Ano, &[Competitor::Baseline])
    }),
    Target {
        competitor: Competitor::Ano,
        text: "at most 110 bytes a socket",
        value: |measured| measured.bytes_a_socket(Competitor::Ano),
        limit: Limit::AtMost(110.0),
        unit: "bytes",
    },
];

/// 10,000 sockets in 1,000 processes.
const MANY_PROCESSES: &[Target] = &[of_ano("at least 10 × rnetstat -ano", 10.0)];

/// 100,000 sockets in 500 network namespaces.
const LARGE_SPREAD: &[Target] = &[of_baseline(
    Competitor::AllNamespaces,
    "at most 1.0 × the baseline of as many sockets in one namespace",
    1.0,
    |measured| measured.times(Competitor::AllNamespaces, &[Competitor::Baseline]),
)];

/// 20,000 sockets in 5,000 network namespaces.
const MANY_NAMESPACES: &[Target] = &[Target {
    competitor: Competitor::AllNamespaces,
    text: "at most 2 × rnetstat -ano",
    value: |measured| measured.times(Competitor::AllNamespaces, &[Competitor::Ano]),
    limit: Limit::AtMost(2.0),
    unit: "×",
}];

/// The most that a quiet host has.
const QUIET_PROCESSES: usize = 250;
const QUIET_DESCRIPTORS: usize = 1500;

/// A quiet host.
const QUIET: &[Target] = &[
    Target {
        competitor: Competitor::Ano,
        text: "at most 3 ms above /bin/true",
        value: |measured| {
            let (own, nothing) = (measured.milliseconds(Competitor::Ano)?, measured.milliseconds(Competitor::True)?);
            Some(Value { number: own.number - nothing.number, or_more: own.or_more })
        },
        limit: Limit::AtMost(3.0),
        unit: "ms",
    },
    of_ano("at least 2 × rnetstat -ano", 2.0),
];

/// A quiet host: 250 processes, 1,500 descriptors, 20 sockets. Those of the real host count; one that has more is measured as it
/// is, without targets.
pub fn quiet(host: Scanned) -> Case {
    let mut plan = Plan { servers: 4, clients: 4, idle: 0, connections: 6, udp: 4, others: 0, namespaces: 0 };
    plan.idle = QUIET_PROCESSES.saturating_sub(host.processes + plan.processes());
    let without_others = host.descriptors + 3 * plan.processes() + plan.sockets();
    plan.others = QUIET_DESCRIPTORS.saturating_sub(without_others) / plan.processes();
    let is_quiet = plan.idle > 0 && without_others <= QUIET_DESCRIPTORS;
    let (name, targets) = if is_quiet { ("a quiet host", QUIET) } else { ("a host that is not quiet", [].as_slice()) };
    Case { name, plan, targets }
}

/// A busy host; some sizes have targets.
pub fn busy(sockets: usize, processes: Option<usize>, others: Option<usize>) -> Case {
    let (usual, usual_others, targets) = match sockets {
        10_000 => (1000, 20, MANY_PROCESSES),
        100_000 => (200, 100, LARGE),
        1_000_000 => (200, 100, HUGE),
        _ => ((sockets / 20).clamp(2, 200), 100, [].as_slice()),
    };
    let plan = Plan::busy(sockets, processes.unwrap_or(usual), others.unwrap_or(usual_others));
    // A target is valid for the farm that it was set for.
    let targets = if processes.is_none_or(|processes| processes == usual) && others.is_none() { targets } else { &[] };
    Case { name: "a busy host", plan, targets }
}

/// A host whose sockets are in many network namespaces; some sizes have targets.
pub fn spread(sockets: usize, namespaces: usize, processes: Option<usize>, others: Option<usize>) -> Case {
    let targets = match (sockets, namespaces) {
        (100_000, 500) => LARGE_SPREAD,
        (20_000, 5_000) => MANY_NAMESPACES,
        _ => &[],
    };
    let plan = Plan::spread(sockets, processes.unwrap_or(200).min(namespaces), others.unwrap_or(100), namespaces);
    Case { name: "a host with many network namespaces", plan, targets }
}
