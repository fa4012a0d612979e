//! Which rows are closed, by what the kernel does with each kind of socket: pure, but for the identities that it is given.

use super::{Item, Step};
use crate::model::action::{MptcpConnection, Outcome, Report, SocketIdentity, SocketTarget};
use crate::model::socket::{Protocol, Socket, State, Timer};
use crate::moment::row::{Row, Rows};

/// The identity of each target, or the reason why it cannot be closed.
type Identify = fn(&[SocketTarget]) -> Vec<Result<SocketIdentity, Report>>;

/// An item for each row.
pub(super) fn plan(rows: Rows<'_>, force: bool, identify: Identify) -> Vec<Item> {
    let decided: Vec<(u32, Result<SocketTarget, Report>)> = rows
        .positions()
        .iter()
        .filter_map(|&position| {
            let row = rows.get(position)?;
            let target = match refusal(row.socket, force) {
                Some(reason) => Err(Report::because(Outcome::Refused, reason)),
                None => target(row),
            };
            Some((position, target))
        })
        .collect();
    let targets: Vec<SocketTarget> = decided.iter().filter_map(|(_, target)| target.as_ref().ok().copied()).collect();
    let identities = identify(&targets);
    let chosen: Vec<(Option<u32>, MptcpConnection)> = targets
        .iter()
        .zip(&identities)
        .filter_map(|(target, identity)| Some((target.namespace, identity.as_ref().ok()?.mptcp?)))
        .collect();
    let mut identities = identities.into_iter();
    let item = |(position, target): (u32, Result<SocketTarget, Report>)| {
        let identified = target.and_then(|target| {
            let unknown = || Err(Report::because(Outcome::Failed, "the system did not say which socket it is"));
            let identity = identities.next().unwrap_or_else(unknown)?;
            match lives_on(target.namespace, identity.mptcp, &chosen) {
                Some(reason) => Err(Report::because(Outcome::Refused, reason)),
                None => Ok((target, identity)),
            }
        });
        let (step, note) = match identified {
            Ok((target, identity)) => (Step::Close(target, identity), note(&target.socket)),
            Err(report) => (Step::Settled(report), None),
        };
        Item { rows: vec![position], process: None, step, note }
    };
    decided.into_iter().map(item).collect()
}

fn target(row: Row<'_>) -> Result<SocketTarget, Report> {
    let namespace = match row.namespace().filter(|namespace| !namespace.own) {
        None => None,
        Some(namespace) => match namespace.inode {
            Some(inode) => Some(inode),
            None => return Err(Report::because(Outcome::Refused, "its network namespace is not known")),
        },
    };
    Ok(SocketTarget { socket: *row.socket, namespace })
}

/// Why a socket is not closed, by what it is.
fn refusal(socket: &Socket, force: bool) -> Option<&'static str> {
    match (socket.protocol, socket.state) {
        (Protocol::Udp, _) => {
            Some("it is UDP: the kernel would report one error to its process and keep it bound; --end ends the process")
        }
        (Protocol::Tcp, Some(State::Bound | State::Closed) | None) => {
            Some("it is only bound: the kernel closes no such socket; --end --pid ends its process")
        }
        (Protocol::Tcp, Some(State::Listening)) if !force => Some(
            "it is a listener: its process would live on without it, and may keep the port; --end ends the process, --force closes it all the same",
        ),
        (Protocol::Tcp, Some(_)) => None,
    }
}

/// Why closing one subflow of an MPTCP connection would close nothing, if some are not chosen.
fn lives_on(namespace: Option<u32>, of: Option<MptcpConnection>, chosen: &[(Option<u32>, MptcpConnection)]) -> Option<String> {
    let MptcpConnection { token, subflows } = of?;
    let together = chosen.iter().filter(|(within, other)| *within == namespace && other.token == token).count();
    (together < subflows).then(|| {
        format!(
            "it is one of {subflows} subflows of an MPTCP connection, which lives on while it has one: choose all, as by --pid"
        )
    })
}

/// What a person should know before a socket is closed.
fn note(socket: &Socket) -> Option<String> {
    let waits = socket.state == Some(State::TimeWait) || socket.timer == Timer::TimeWait;
    match socket.state {
        _ if waits => Some(format!("the system does this itself in {} s", socket.expires_ms.div_ceil(1000))),
        Some(State::Listening) => Some("its process lives on without it, and may keep the port bound".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Endpoint;
    use crate::model::socket::tests::socket;
    use crate::reports::tests::Machine;
    use crate::request::View;

    /// Each socket is known by its inode.
    fn known(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
        targets.iter().map(|target| Ok(SocketIdentity { cookie: target.socket.inode.into(), mptcp: None })).collect()
    }

    /// Subflows of one connection, of which there are two.
    fn subflows(targets: &[SocketTarget]) -> Vec<Result<SocketIdentity, Report>> {
        let mptcp = Some(MptcpConnection { token: 9, subflows: 2 });
        targets.iter().map(|_| Ok(SocketIdentity { cookie: 1, mptcp })).collect()
    }

    fn connection(port: u16, state: State, inode: u32) -> Socket {
        let remote = Endpoint::new("192.0.2.9".parse().unwrap(), 443);
        Socket { remote, state: Some(state), inode, ..socket("10.0.0.1", port) }
    }

    fn items(sockets: Vec<Socket>, force: bool, identify: Identify) -> Vec<Item> {
        let moment = Machine::new(sockets, &[], Vec::new()).moment(View::Sockets);
        plan(moment.rows(View::Sockets), force, identify)
    }

    fn refusal_of(socket: Socket, force: bool) -> Option<String> {
        match items(vec![socket], force, known).remove(0).step {
            Step::Settled(Report { outcome: Outcome::Refused, reason }) => reason,
            Step::Settled(_) | Step::End(_) | Step::Close(..) => None,
        }
    }

    #[test]
    fn udp_and_bound_sockets_are_refused_because_they_would_stay_bound() {
        let udp = Socket { protocol: Protocol::Udp, state: None, ..socket("0.0.0.0", 53) };
        let bound = Socket { state: Some(State::Bound), ..socket("0.0.0.0", 53) };
        assert!(refusal_of(udp, true).unwrap().contains("keep it bound"));
        assert!(refusal_of(bound, true).unwrap().contains("only bound"));
        assert!(refusal_of(connection(5, State::Closed, 3), true).unwrap().contains("only bound"));
    }

    #[test]
    fn a_listener_is_closed_only_by_force() {
        let listener = socket("0.0.0.0", 80);
        assert!(refusal_of(listener, false).unwrap().contains("--force closes it all the same"));
        let item = items(vec![listener], true, known).remove(0);
        assert!(matches!(item.step, Step::Close(target, identity) if target.socket == listener && identity.cookie == 1));
        assert_eq!(item.note.as_deref(), Some("its process lives on without it, and may keep the port bound"));
    }

    #[test]
    fn time_wait_is_closed_and_said_to_end_by_itself() {
        let waiting = Socket { timer: Timer::TimeWait, expires_ms: 40_100, ..connection(5, State::TimeWait, 0) };
        let item = items(vec![waiting], false, known).remove(0);
        assert!(matches!(item.step, Step::Close(..)));
        assert_eq!(item.note.as_deref(), Some("the system does this itself in 41 s"));
    }

    #[test]
    fn all_subflows_of_a_connection_are_closed_or_none() {
        let [one, other] = [connection(5, State::Established, 3), connection(6, State::Established, 3)];
        let alone = items(vec![one], false, subflows).remove(0).step;
        assert!(
            matches!(&alone, Step::Settled(report) if report.reason.as_deref().unwrap().contains("one of 2 subflows")),
            "{alone:?}"
        );
        let both = items(vec![one, other], false, subflows);
        assert!(both.iter().all(|item| matches!(item.step, Step::Close(..))), "{both:?}");
    }

    #[test]
    fn each_row_gets_its_own_identity_also_beside_rows_that_are_refused() {
        let sockets = vec![
            socket("0.0.0.0", 80),
            connection(5, State::Established, 30),
            Socket { inode: 7, ..socket("0.0.0.0", 81) },
            connection(6, State::CloseWait, 31),
        ];
        let found: Vec<_> = items(sockets, false, known)
            .into_iter()
            .filter_map(|item| match item.step {
                Step::Close(target, identity) => Some((target.socket.inode, identity.cookie)),
                Step::End(_) | Step::Settled(_) => None,
            })
            .collect();
        assert_eq!(found, [(30, 30), (31, 31)]);
        let gone = |targets: &[SocketTarget]| vec![Err(Report::of(Outcome::Gone)); targets.len()];
        let item = items(vec![connection(5, State::Established, 3)], false, gone).remove(0);
        assert_eq!(item.step, Step::Settled(Report::of(Outcome::Gone)));
    }
}
