//! Reading what is not a table of sockets: counters, interfaces, routes, RDMA connections, and whether ports can be bound.

use crate::model::bind::BindAttempt;
use crate::model::problem::{Problem, ProblemKind};
use crate::model::route::Routing;
use crate::model::socket::Family;
use crate::moment::{Moment, Part};
use crate::platform;
use crate::request::{Request, View};

/// Tries to bind the ports to explain, if that is asked for.
pub(super) fn try_bind(request: &Request) -> Vec<BindAttempt> {
    let questions = request.ports.iter().filter(|_| request.try_bind);
    let ports = questions.flat_map(|question| question.protocols().map(|protocol| (protocol, question.port)));
    ports.flat_map(|(protocol, port)| platform::try_bind(protocol, port)).collect()
}

/// Reads what the views show beside sockets.
pub(super) fn read_other_parts(moment: &mut Moment, request: &Request) {
    let shows = |view| request.views.contains(&view);
    let sections = request.sections();
    if !sections.is_empty() {
        let (statistics, problems) = platform::statistics(&sections);
        let is_empty = statistics.has_counted_nothing();
        moment.statistics = Some(part(Box::new(statistics), is_empty, &problems));
        moment.problems.extend(problems);
    }
    if shows(View::Interfaces) {
        let (totals, problems) = platform::interface_totals();
        moment.interfaces = Some(part(totals, true, &problems));
        moment.problems.extend(problems);
    }
    if shows(View::Routes) {
        let (mut routing, problems) = platform::routing();
        let is_empty = routing == Routing::default();
        match request.query.filter.family {
            Some(Family::V4) => routing.ipv6.clear(),
            Some(Family::V6) => {
                routing.ipv4.clear();
                routing.persistent_ipv4.clear();
            }
            None => {}
        }
        moment.routing = Some(part(routing, is_empty, &problems));
        moment.problems.extend(problems);
    }
    if shows(View::Rdma) {
        let (endpoints, problems) = platform::rdma();
        let is_empty = endpoints.is_empty();
        moment.rdma = Some(part(endpoints, is_empty, &problems));
        moment.problems.extend(problems);
    }
}

/// A part that says nothing, and of which a table could not be read, is no answer.
fn part<T>(value: T, is_empty: bool, problems: &[Problem]) -> Part<T> {
    let is_unreadable = |problem: &Problem| problem.kind == ProblemKind::TableUnreadable;
    Part { value, is_unreadable: is_empty && problems.iter().any(is_unreadable) }
}
