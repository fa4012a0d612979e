//! Reading a [`Moment`]: one read of the system for all views, then filter, look up, order.

use super::closed::ClosedTraffic;
use super::look_up::{look_up_limits, look_up_processes, look_up_published};
use super::parts::{read_other_parts, try_bind};
use super::selection::{find, retain_by_conditions, retain_owned, select, sort, undecided};
use crate::lookup::rates::Rates;
use crate::lookup::resolver::Resolver;
use crate::lookup::services::Services;
use crate::lookup::state_times::StateTimes;
use crate::lookup::{hosts, users};
use crate::model::owners::Refused;
use crate::model::problem::{Problem, ProblemKind, Problems};
use crate::model::process::Facts;
use crate::model::snapshot::Snapshot;
use crate::model::socket::Socket;
use crate::model::system::System;
use crate::model::time;
use crate::moment::consumers::Consumer;
use crate::moment::findings::Finding;
use crate::moment::lookups::Lookups;
use crate::moment::peers::Peers;
use crate::moment::row::Rows;
use crate::moment::summary::Summary;
use crate::moment::{Host, Moment, Selection, Sockets};
use crate::output::progress::Progress;
use crate::platform;
use crate::request::column::Column;
use crate::request::needs::Needs;
use crate::request::{Amount, Format, Names, Query, Request, Task, View};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Reads moments. It keeps what outlives a refresh: the resolver, the names of services, the states as they were observed.
#[derive(Debug)]
pub struct Reader {
    hosts: Resolver<IpAddr>,
    users: Resolver<String>,
    services: Option<Arc<Services>>,
    state_times: StateTimes,
    rates: Rates,
    closed_traffic: ClosedTraffic,
    privileges: Privileges,
    /// Whether the names of hosts and users were withheld in an earlier refresh, which has said so.
    has_withheld_names: bool,
    /// Whether a screen shows the moments, over which no progress is written.
    is_on_screen: bool,
}

/// How long a screen waits for names: those that are late are there in the next display.
const SCREEN_LIMIT: Duration = Duration::from_millis(50);

/// What happens to the privileges of the process before names are looked up. The system's name service may load code and ask
/// servers, which shall not profit from the rights to read every process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Privileges {
    /// They are the caller's matter.
    #[default]
    Kept,
    /// Nothing is read afterwards: they are dropped.
    Dropped,
    /// They come from the file of the program and the next refresh needs them: no name is looked up.
    KeptWithoutNames,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            hosts: hosts::resolver(),
            users: users::resolver(),
            services: None,
            state_times: StateTimes::default(),
            rates: Rates::default(),
            closed_traffic: ClosedTraffic::default(),
            privileges: Privileges::default(),
            has_withheld_names: false,
            is_on_screen: false,
        }
    }
}

impl Reader {
    /// The reader of a process that does nothing else: it drops the privileges of the process when they are not needed any more.
    pub(crate) fn of_process(request: &Request) -> Self {
        let privileges = match request.is_repeated() {
            false => Privileges::Dropped,
            true if platform::has_more_rights_than_its_caller() => Privileges::KeptWithoutNames,
            true => Privileges::Kept,
        };
        Self { privileges, is_on_screen: request.task == Task::Watch, ..Self::default() }
    }

    /// Reads the system once, with all that the views of the request need.
    pub fn read(&mut self, request: &Request) -> Moment {
        let mut moment = Moment { time: time::now(), host: host(request), ..Moment::default() };
        let start = Instant::now();
        self.read_sockets(&mut moment, request);
        moment.duration = start.elapsed();
        moment.bind_attempts = try_bind(request);
        read_other_parts(&mut moment, request);
        self.look_up_names(&mut moment, request);
        sort(&mut moment, request);
        moment
    }

    /// A moment of sockets that were read for a request by [`Request::sockets_to_read`]: filtered, but not looked up.
    pub fn moment_of(&mut self, snapshot: Snapshot, request: &Request) -> Moment {
        let mut moment = Moment { time: time::now(), host: host(request), ..Moment::default() };
        if let Some(query) = request.sockets_to_read(platform::SYSTEM) {
            self.take(snapshot, &query, &mut moment, request);
        }
        moment
    }

    fn read_sockets(&mut self, moment: &mut Moment, request: &Request) {
        let Some(query) = request.sockets_to_read(platform::SYSTEM) else { return };
        self.closed_traffic.begin(request);
        let snapshot = {
            let _progress = (!self.is_on_screen).then(|| Progress::of("reading the sockets"));
            platform::snapshot(&query, request.owner_search(platform::SYSTEM))
        };
        self.take(snapshot, &query, moment, request);
        self.look_up(moment, request);
        moment.problems.extend(moment.lookups.processes.problems().iter().cloned());
    }

    /// Takes the rows of a snapshot that the views show.
    fn take(&mut self, snapshot: Snapshot, query: &Query, moment: &mut Moment, request: &Request) {
        moment.lookups.processes.begin_refresh();
        moment.problems.extend(snapshot.problems.iter().cloned());
        let selections = select(&snapshot, query, request);
        let sockets = moment.sockets.insert(Sockets { snapshot, selections });
        self.filter_by_owners(sockets, &mut moment.lookups, request);
        moment.problems.extend(undecided(sockets, &moment.lookups));
        self.observe(sockets, &mut moment.lookups, request);
        moment.problems.extend(self.closed_traffic.count(sockets, &mut moment.lookups, request));
        self.filter_by_conditions(moment, request);
    }

    /// Finds what is worth a look among the rows of a moment that is not looked up.
    pub fn find(&mut self, moment: &mut Moment) {
        let Moment { sockets: Some(Sockets { snapshot, selections }), lookups, host, findings, .. } = moment else { return };
        lookups.port_policy = platform::port_policy();
        *findings = look_up_findings(snapshot, selections, lookups, host.system);
    }

    /// Looks up what some rows of a moment need that are shown, beside what was looked up for it before.
    pub fn look_up_rows(&mut self, moment: &mut Moment, rows: &[u32], needs: Needs, names: Names) {
        let needs = needs.on(moment.host.system);
        let Moment { sockets: Some(Sockets { snapshot, .. }), lookups, problems, .. } = moment else { return };
        if needs.peers {
            lookups.peers = Some(Peers::of_rows(snapshot, rows));
        }
        look_up_processes(snapshot, rows, lookups, needs);
        lookups.services = self.services();
        self.look_up_row_facts(snapshot, rows, lookups, needs);
        let may_look_up = self.settle_privileges();
        let hosts = names != Names::Numeric;
        let wanted = NamesOf { users: needs.users, hosts, limit: SCREEN_LIMIT, may_look_up };
        self.look_up_names_of(snapshot, rows, lookups, problems, wanted);
    }

    /// Compares the rows with those of the moment before.
    fn observe(&mut self, sockets: &Sockets, lookups: &mut Lookups, request: &Request) {
        let needs = request.needs_with_filters(platform::SYSTEM);
        let Sockets { snapshot, selections } = sockets;
        let now = Instant::now();
        if needs.rates {
            lookups.rates = self.rates.observe(snapshot, now);
        }
        if needs.time_in_state && request.interval.is_some() {
            let namespace = |row| snapshot.namespace_of(row).and_then(|namespace| namespace.inode);
            let rows = selections.iter().flat_map(|(_, selection)| &selection.rows).map(|&row| row as usize);
            let sockets = rows.filter_map(|row| Some((snapshot.sockets.get(row)?, namespace(row))));
            self.state_times.observe(sockets, now);
        }
    }

    /// Looks up what the conditions rest on, of all rows that may match, and drops the rows that do not.
    fn filter_by_conditions(&mut self, moment: &mut Moment, request: &Request) {
        let Moment { sockets: Some(sockets), lookups, problems, host, .. } = moment else { return };
        for (view, selection) in &sockets.selections {
            let Some(query) = request.query_of(*view).filter(|query| !query.filter.conditions.is_empty()) else { continue };
            let needs = query.filter.needs_of_conditions().on(host.system);
            look_up_processes(&sockets.snapshot, &selection.rows, lookups, needs);
            if query.filter.conditions.iter().any(|condition| condition.column == Column::Service) {
                lookups.services = self.services();
            }
            self.look_up_row_facts(&sockets.snapshot, &selection.rows, lookups, needs);
            if needs.processes.is_some_and(|facts| facts.user) {
                self.name_users_of_processes(lookups, request.name_limit);
            }
        }
        problems.extend(retain_by_conditions(sockets, lookups, host.system, request));
    }

    fn services(&mut self) -> Arc<Services> {
        Arc::clone(self.services.get_or_insert_with(|| Arc::new(Services::load(&platform::services_file()))))
    }

    /// Looks up what the views show of their rows. Facts about processes come directly after the owners were found, because a
    /// PID may be given to another process.
    fn look_up(&mut self, moment: &mut Moment, request: &Request) {
        let needs = request.needs(platform::SYSTEM);
        let Moment { sockets: Some(Sockets { snapshot, selections }), lookups, host, findings, summary, consumers, .. } =
            &mut *moment
        else {
            return;
        };
        if needs.peers {
            lookups.peers = Some(Peers::of_snapshot(snapshot));
        }
        if needs.port_policy {
            lookups.port_policy = platform::port_policy();
        }
        if needs.findings {
            *findings = look_up_findings(snapshot, selections, lookups, host.system);
        }
        for (view, selection) in &*selections {
            look_up_processes(snapshot, &selection.rows, lookups, needs);
            if request.output.amount == Amount::Rows {
                match view {
                    View::Summary => {
                        let counts =
                            Summary::of(Rows::of_parts(snapshot, lookups, host.system, &selection.rows), request.tcp_info);
                        let busy = counts.traffic.iter().flatten().filter_map(|traffic| traffic.pid);
                        let named = counts.processes.iter().map(|&(pid, _)| pid).chain(busy);
                        lookups.processes.look_up(named, Facts::NAME);
                        *summary = Some(counts);
                    }
                    View::Consumers => {
                        let counts = Consumer::of(Rows::of_parts(snapshot, lookups, host.system, &selection.rows));
                        lookups.processes.look_up(counts.iter().filter_map(|consumer| consumer.pid), Facts::NAME);
                        *consumers = Some(counts);
                    }
                    View::Explanations => {
                        let owners = Rows::of_parts(snapshot, lookups, host.system, &selection.rows).owner_pids();
                        look_up_published(snapshot, lookups, &owners);
                    }
                    View::Sockets | View::Interfaces | View::Statistics(_) | View::Routes | View::Rdma => {}
                }
            }
        }
        if shows_services(request) {
            lookups.services = self.services();
        }
        for (_, selection) in &*selections {
            self.look_up_row_facts(snapshot, &selection.rows, lookups, needs);
        }
    }

    /// Looks up what is neither a fact about processes nor a name that a server may know.
    fn look_up_row_facts(&self, snapshot: &Snapshot, rows: &[u32], lookups: &mut Lookups, needs: Needs) {
        let shown = || rows.iter().filter_map(|&row| Some((row as usize, snapshot.sockets.get(row as usize)?)));
        if needs.interfaces {
            // The numbers of interfaces are those of one namespace.
            let in_own = |row| snapshot.namespace_of(row).is_none_or(|namespace| namespace.own);
            for index in shown().filter(|&(row, _)| in_own(row)).map(|(_, socket)| socket.interface).filter(|&index| index != 0) {
                lookups.interfaces.entry(index).or_insert_with(|| platform::interface_name(index));
            }
        }
        if needs.time_in_state {
            let now = Instant::now();
            let inode_of_namespace = |row| snapshot.namespace_of(row).and_then(|namespace| namespace.inode);
            lookups.times_in_state.resize(snapshot.sockets.len(), None);
            for (row, socket) in shown() {
                let age = snapshot.details.get(row).and_then(|details| details.age);
                if let Some(time) = lookups.times_in_state.get_mut(row) {
                    *time = self.state_times.of(socket, inode_of_namespace(row), age, now);
                }
            }
        }
    }

    /// Looks up the names of users and hosts, which may take long: last, when nothing is read any more.
    fn look_up_names(&mut self, moment: &mut Moment, request: &Request) {
        let may_look_up = self.settle_privileges();
        let users = request.needs(platform::SYSTEM).users;
        let Moment { sockets: Some(Sockets { snapshot, selections }), lookups, problems, .. } = moment else { return };
        let hosts = request.names != Names::Numeric && request.output.amount == Amount::Rows;
        let rows: Cow<'_, [u32]> = match selections.as_slice() {
            [(_, selection)] => selection.rows.as_slice().into(),
            all => all.iter().flat_map(|(_, selection)| &selection.rows).copied().collect(),
        };
        self.look_up_names_of(
            snapshot,
            &rows,
            lookups,
            problems,
            NamesOf { users, hosts, limit: request.name_limit, may_look_up },
        );
    }

    fn look_up_names_of(
        &mut self,
        snapshot: &Snapshot,
        rows: &[u32],
        lookups: &mut Lookups,
        problems: &mut Problems,
        wanted: NamesOf,
    ) {
        let NamesOf { users, hosts, limit, may_look_up } = wanted;
        if !may_look_up {
            if (hosts || users) && !std::mem::replace(&mut self.has_withheld_names, true) {
                problems.add(Problem::new(ProblemKind::FactUnavailable, NAMES_WITHHELD));
            }
            return;
        }
        let mut late = self.name_users_of_processes(lookups, limit);
        let shown = || rows.iter().filter_map(|&row| snapshot.sockets.get(row as usize));
        if users {
            let ids: HashMap<u32, String> = shown().filter_map(Socket::owner_uid).map(|uid| (uid, uid.to_string())).collect();
            self.users.look_up(ids.values().cloned(), limit);
            late.extend(ids.values().filter(|id| self.users.is_late(id)).cloned());
            lookups.users.extend(ids.into_iter().map(|(uid, id)| (uid, self.users.name(&id).map(str::to_owned))));
        }
        problems.extend(late_users(&late));
        if hosts {
            let _progress = (!self.is_on_screen).then(|| Progress::of("looking up names; -n does without"));
            let remotes = || shown().map(|socket| socket.remote.address);
            self.hosts.look_up(remotes().filter(|address| !address.is_unspecified() && !address.is_loopback()), limit);
            let names = lookups.hosts.get_or_insert_default();
            for address in remotes() {
                if let Some(name) = self.hosts.name(&address) {
                    names.entry(address).or_insert_with(|| name.to_owned());
                }
            }
        }
    }

    /// Names the users of the processes that were looked up, and returns the ids of those whose names have not come in time.
    fn name_users_of_processes(&mut self, lookups: &mut Lookups, limit: Duration) -> HashSet<String> {
        let mut ids = lookups.processes.nameless_users();
        self.users.look_up(ids.iter().cloned(), limit);
        lookups.processes.name_users(|id| self.users.name(&id.to_owned()));
        ids.retain(|id| self.users.is_late(id));
        lookups.processes.set_late_users(ids.clone());
        ids
    }

    /// Looks up what the filters need to know of the owners, and drops the rows whose owners are not the wanted ones.
    fn filter_by_owners(&mut self, sockets: &mut Sockets, lookups: &mut Lookups, request: &Request) {
        let Sockets { snapshot, selections } = &*sockets;
        for (view, selection) in selections {
            let Some(query) = request.query_of(*view) else { continue };
            let owners = &query.filter.owners;
            if snapshot.refused == Refused::Invisible {
                let pids = owners.pids.wanted.iter().chain(&owners.pids.unwanted);
                lookups.processes.look_up(pids.copied(), Facts::NAME);
            }
            if let Some(facts) = owners.facts() {
                let rows = Rows::of_parts(snapshot, lookups, System::Other, &selection.rows);
                let pids = rows.owner_pids();
                lookups.processes.look_up(pids, facts);
                if let Refused::Processes(pids) = &snapshot.refused {
                    lookups.processes.look_up(pids.iter().copied(), Facts { command_line: true, ..facts });
                }
                if facts.user {
                    self.name_users_of_processes(lookups, request.name_limit);
                }
            }
        }
        retain_owned(sockets, lookups, request);
    }

    /// Drops the privileges that are not needed any more, and says whether names may be looked up.
    fn settle_privileges(&self) -> bool {
        match self.privileges {
            Privileges::Kept => true,
            Privileges::Dropped => platform::drop_capabilities(),
            Privileges::KeptWithoutNames => false,
        }
    }
}

/// What is worth a look, with what it rests on beside the rows and the names of the processes that it is about.
fn look_up_findings(
    snapshot: &Snapshot,
    selections: &[(View, Selection)],
    lookups: &mut Lookups,
    system: System,
) -> Option<Vec<Finding>> {
    look_up_limits(snapshot, selections, lookups);
    let findings = find(snapshot, selections, lookups, system);
    lookups.processes.look_up(findings.iter().flatten().filter_map(|finding| finding.pid), Facts::NAME);
    findings
}

/// Which names are looked up.
#[derive(Clone, Copy, Debug)]
struct NamesOf {
    users: bool,
    /// Those of remote addresses.
    hosts: bool,
    /// How long they may take.
    limit: Duration,
    may_look_up: bool,
}

/// What to say of users whose names have not come in time.
fn late_users(ids: &HashSet<String>) -> Option<Problem> {
    let first = ids.iter().min()?;
    let users = if ids.len() == 1 { format!("of user {first}") } else { format!("of {} users, among them {first},", ids.len()) };
    let message = format!("the name {users} was not looked up in time: the user database is slow (--name-timeout waits longer)");
    Some(Problem::new(ProblemKind::FactUnavailable, message))
}

const NAMES_WITHHELD: &str = "names of hosts and users are not looked up: this program would keep the capabilities of its file \
                              meanwhile; run it as root (sudo), or without an interval";

/// The machine, as far as the output names it.
pub(crate) fn host(request: &Request) -> Host {
    let is_document = request.is_document();
    let known = |fact: fn() -> Result<String, sysinfo::Error>| if is_document { fact().ok() } else { None };
    Host {
        name: if is_document || request.names != Names::Numeric { hosts::own_name() } else { None },
        system: platform::SYSTEM,
        os_name: known(sysinfo::System::name),
        os_version: known(sysinfo::System::os_version),
        kernel: known(sysinfo::System::kernel_version),
    }
}

fn shows_services(request: &Request) -> bool {
    request.output.amount == Amount::Rows
        && (request.names != Names::Numeric || request.output.format != Format::Table || request.views != [View::Sockets])
}
