//! The metrics of a moment, at most [`LIMIT`] series.

use super::counts::{Counts, ListenerLabels, Listeners, OwnerLabels, Queues, SocketLabels, Texts};
use super::{Metric, Number, Series};
use crate::moment::Moment;
use crate::moment::findings::{Code, Finding};
use crate::moment::row::protocol_name;
use crate::request::View;
use crate::request::column::Column;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The most series of one moment. A host with many processes and listeners shall not cost the monitoring more than another one.
pub(super) const LIMIT: usize = 500;

/// The most of them that listeners have: four for each that listens with TCP.
const LISTENERS_LIMIT: usize = 240;

/// The most network namespaces that are told apart.
const NAMESPACES_LIMIT: usize = 20;

/// What all processes and namespaces are called that are not told apart.
const OTHERS: &str = "(others)";

/// The metrics, in the order of the page.
pub(super) fn metrics(moment: &Moment) -> Vec<Metric> {
    let rows = moment.rows(View::Sockets);
    let mut counts = Counts::of(rows, Column::ReceiveQueue.is_on(moment.host.system));
    let mut metrics = about_the_moment(moment, counts.hidden);
    metrics.extend(Finding::most_used_ports(rows).map(|ports| {
        let used = if ports.limit == 0 { 0.0 } else { ports.used as f64 / ports.limit as f64 };
        metric(
            "rnetstat_ephemeral_ports_used_ratio",
            "The largest part of the ephemeral ports that connections from one local address to one remote endpoint use.",
            vec![series(Vec::new(), Number::Real(used))],
        )
    }));
    let fixed = 1 + metrics.iter().map(|metric| metric.series.len()).sum::<usize>();
    let wanted = fixed + counts.series();
    let mut left = LIMIT.saturating_sub(fixed);
    let listeners = listener_metrics(&mut counts, left.min(LISTENERS_LIMIT));
    left = left.saturating_sub(listeners.iter().map(|metric| metric.series.len()).sum());
    counts.fold(left);
    let sockets = socket_metrics(&counts, left);
    let written = fixed + listeners.iter().chain(&sockets).map(|metric| metric.series.len()).sum::<usize>();
    metrics.extend(sockets);
    metrics.extend(listeners);
    metrics.push(single(
        "rnetstat_series_dropped",
        "Series that this page would have had without its limit.",
        wanted.saturating_sub(written) as u64,
    ));
    metrics
}

/// The metrics about the answer itself, and the findings.
fn about_the_moment(moment: &Moment, hidden: u64) -> Vec<Metric> {
    let of_code = |code: Code| {
        let found = moment.findings.iter().flatten().filter(|finding| finding.fact.code() == code).count();
        series(vec![("code", code.word().to_owned())], Number::Count(found as u64))
    };
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    vec![
        metric("rnetstat_build_info", "The version of rnetstat that made this page.", vec![series(version, Number::Count(1))]),
        single(
            "rnetstat_snapshot_complete",
            "Whether every socket could be read: 1 or 0.",
            u64::from(moment.problems.is_complete()),
        ),
        single("rnetstat_snapshot_owners_hidden", "Sockets whose process this user may not see.", hidden),
        metric(
            "rnetstat_snapshot_duration_seconds",
            "How long the sockets and their processes took to be read.",
            vec![series(Vec::new(), Number::Real(moment.duration.as_secs_f64()))],
        ),
        metric(
            "rnetstat_findings",
            "What rnetstat --summary finds worth a look, by its rule.",
            Code::ALL.into_iter().map(of_code).collect(),
        ),
    ]
}

fn socket_metrics(counts: &Counts, limit: usize) -> Vec<Metric> {
    let Counts { texts, sockets, queues, .. } = counts;
    let mut sockets: Vec<(SocketLabels, u64)> = sockets.iter().map(|(&labels, &count)| (labels, count)).collect();
    // Even without names there may be too many: the largest are kept.
    sockets.sort_unstable_by_key(|&(labels, count)| (Reverse(count), order(texts, labels)));
    sockets.truncate(limit);
    sockets.sort_unstable_by_key(|&(labels, _)| order(texts, labels));
    let rest = limit.saturating_sub(sockets.len()) / 2;
    let mut queues: Vec<(OwnerLabels, Queues)> = queues.iter().map(|(&labels, &bytes)| (labels, bytes)).collect();
    queues.sort_unstable_by_key(|&(labels, _)| owner_order(texts, labels));
    queues.truncate(rest);
    let of_sockets = |&(labels, count): &(SocketLabels, u64)| {
        let state = labels.state.map_or("", crate::model::socket::State::word);
        let fixed = [("protocol", protocol_name(labels.protocol)), ("family", labels.family.name()), ("state", state)];
        let fixed = fixed.map(|(name, word)| (name, word.to_owned()));
        series(fixed.into_iter().chain(owner(texts, labels.owner)).collect(), Number::Count(count))
    };
    let of_queues = |bytes: fn(&Queues) -> u64| {
        let of_owner =
            move |(labels, queues): &(OwnerLabels, Queues)| series(owner(texts, *labels).collect(), Number::Count(bytes(queues)));
        queues.iter().map(of_owner).collect()
    };
    vec![
        metric(
            "rnetstat_sockets",
            "Sockets. Each counts once: if several processes hold it, for the one with the lowest PID, PID 1 last.",
            sockets.iter().map(of_sockets).collect(),
        ),
        metric("rnetstat_receive_queue_bytes", "Bytes that the process did not read yet.", of_queues(|queues| queues.receive)),
        metric("rnetstat_send_queue_bytes", "Bytes that the other end did not acknowledge yet.", of_queues(|queues| queues.send)),
    ]
}

/// The metrics of listeners, of which those are left out that do not fit.
fn listener_metrics(counts: &mut Counts, limit: usize) -> Vec<Metric> {
    let mut left = limit;
    counts.listeners.retain(|_, listeners| {
        let fits = left >= listeners.series();
        left -= if fits { listeners.series() } else { 0 };
        fits
    });
    let texts = &counts.texts;
    let of_each = |value: fn(&Listeners) -> Option<u64>| {
        let of_listeners = move |(labels, listeners): (&ListenerLabels, &Listeners)| {
            Some(series(listener(texts, labels).collect(), Number::Count(value(listeners)?)))
        };
        counts.listeners.iter().filter_map(of_listeners).collect()
    };
    let info = |(labels, listeners): (&ListenerLabels, &Listeners)| {
        let exposure = listeners.exposure.map_or("", crate::model::exposure::Exposure::word);
        let labels: Vec<_> = listener(texts, labels).chain([("exposure", exposure.to_owned())]).collect();
        let of_unit = |unit: &String| {
            let labels = labels.iter().cloned().chain([("unit", unit.clone())]).collect();
            series(labels, Number::Count(1))
        };
        listeners.units.iter().map(of_unit).collect::<Vec<_>>()
    };
    vec![
        metric(
            "rnetstat_listener_info",
            "A port that waits for peers, and from where its address can be reached; no firewall is looked at.",
            counts.listeners.iter().flat_map(info).collect(),
        ),
        metric("rnetstat_listener_queue", "Connections that wait to be accepted.", of_each(|listeners| Some(listeners.queue?.0))),
        metric(
            "rnetstat_listener_queue_limit",
            "Connections that may wait to be accepted; further ones are dropped.",
            of_each(|listeners| Some(listeners.queue?.1)),
        ),
        metric(
            "rnetstat_listener_dropped",
            "Connections (TCP) and datagrams (UDP) that were dropped since the listener was opened.",
            of_each(|listeners| listeners.dropped),
        ),
    ]
}

impl Listeners {
    /// How many series they have.
    fn series(&self) -> usize {
        self.units.len() + if self.queue.is_some() { 2 } else { 0 } + usize::from(self.dropped.is_some())
    }
}

impl Counts {
    /// How many series there are.
    fn series(&self) -> usize {
        self.socket_series() + self.listeners.values().map(Listeners::series).sum::<usize>()
    }

    fn socket_series(&self) -> usize {
        self.sockets.len() + 2 * self.queues.len()
    }

    /// Puts the namespaces and processes with the fewest sockets together until not more than so many series are left, if that
    /// is possible.
    fn fold(&mut self, limit: usize) {
        let namespaces = self.largest(|owner| owner.namespace);
        if namespaces.len() > NAMESPACES_LIMIT {
            let kept: HashSet<usize> = namespaces.into_iter().take(NAMESPACES_LIMIT).collect();
            let others = self.texts.number(OTHERS);
            self.map_owners(|owner| OwnerLabels {
                namespace: owner.namespace.map(|namespace| if kept.contains(&namespace) { namespace } else { others }),
                ..owner
            });
        }
        if self.socket_series() <= limit {
            return;
        }
        let mut series_of: HashMap<usize, usize> = HashMap::new();
        self.sockets.keys().for_each(|labels| *series_of.entry(labels.owner.process).or_default() += 1);
        self.queues.keys().for_each(|owner| *series_of.entry(owner.process).or_default() += 2);
        let others = self.texts.number(OTHERS);
        let anonymous = |owner| OwnerLabels { process: others, ..owner };
        let of_others = |labels: &SocketLabels| SocketLabels { owner: anonymous(labels.owner), ..*labels };
        let reserve = self.sockets.keys().map(of_others).collect::<HashSet<_>>().len()
            + 2 * self.queues.keys().map(|&owner| anonymous(owner)).collect::<HashSet<_>>().len();
        let mut left = limit.saturating_sub(reserve);
        let fits = |process: &usize| {
            let series = series_of.get(process).copied().unwrap_or_default();
            let fits = series <= left;
            left -= if fits { series } else { 0 };
            fits
        };
        let kept: HashSet<usize> = self.largest(|owner| Some(owner.process)).into_iter().filter(fits).collect();
        self.map_owners(|owner| if kept.contains(&owner.process) { owner } else { anonymous(owner) });
    }

    /// The processes or namespaces, those with the most sockets first.
    fn largest(&self, key: impl Fn(OwnerLabels) -> Option<usize>) -> Vec<usize> {
        let mut sums: HashMap<usize, u64> = HashMap::new();
        for (labels, count) in &self.sockets {
            if let Some(key) = key(labels.owner) {
                *sums.entry(key).or_default() += count;
            }
        }
        let mut sums: Vec<(usize, u64)> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|&(key, sum)| (Reverse(sum), self.texts.get(key)));
        sums.into_iter().map(|(key, _)| key).collect()
    }

    fn map_owners(&mut self, map: impl Fn(OwnerLabels) -> OwnerLabels) {
        for (labels, count) in std::mem::take(&mut self.sockets) {
            *self.sockets.entry(SocketLabels { owner: map(labels.owner), ..labels }).or_default() += count;
        }
        for (owner, bytes) in std::mem::take(&mut self.queues) {
            self.queues.entry(map(owner)).or_default().add(bytes);
        }
    }
}

/// The order of series on the page.
fn order(texts: &Texts, labels: SocketLabels) -> impl Ord {
    (owner_order(texts, labels.owner), labels.protocol, labels.family.name(), labels.state)
}

fn owner_order(texts: &Texts, owner: OwnerLabels) -> (Option<&str>, &str) {
    (owner.namespace.map(|namespace| texts.get(namespace)), texts.get(owner.process))
}

/// The labels of a process and, if several network namespaces were read, of its namespace.
fn owner(texts: &Texts, owner: OwnerLabels) -> impl Iterator<Item = (&'static str, String)> {
    let namespace = owner.namespace.map(|namespace| ("namespace", texts.get(namespace).to_owned()));
    std::iter::once(("process", texts.get(owner.process).to_owned())).chain(namespace)
}

/// The labels that every metric of a listener has, so that they can be joined.
fn listener(texts: &Texts, labels: &ListenerLabels) -> impl Iterator<Item = (&'static str, String)> {
    let own = [
        ("protocol", protocol_name(labels.protocol).to_owned()),
        ("address", labels.address.to_string()),
        ("port", labels.port.to_string()),
    ];
    own.into_iter().chain(owner(texts, labels.owner))
}

fn metric(name: &'static str, help: &'static str, series: Vec<Series>) -> Metric {
    Metric { name, help, series }
}

fn single(name: &'static str, help: &'static str, count: u64) -> Metric {
    metric(name, help, vec![series(Vec::new(), Number::Count(count))])
}

fn series(labels: Vec<(&'static str, String)>, value: Number) -> Series {
    Series { labels, value }
}
