//! Owners that may not be seen: runs as the user `nobody`.

use crate::owners::{Holder, inheritable_listener, owner_column};
use crate::support::fixtures::{Fixtures, listener, local};
use crate::support::namespace::{Namespace, may_change_user};
use crate::support::program::{PublicCopy, rnetstat, table_of, with_hidepid, with_terminal_for_stderr};
use crate::support::row::{Row, parse};
use crate::support::skip::skipped;
use crate::support::wait::stable_snapshot;
use std::net::{Ipv4Addr, SocketAddr};

fn enter() -> Option<(Namespace, PublicCopy)> {
    let namespace = Namespace::enter()?;
    if !may_change_user() {
        return skipped("this process cannot become another user");
    }
    Some((namespace, PublicCopy::make()))
}

#[test]
fn an_unprivileged_run_has_all_rows_and_only_its_own_owners() {
    let Some((_namespace, program)) = enter() else { return };
    let fixtures = Fixtures::all();
    let (socket, address) = inheritable_listener();
    let own = Holder::start_as_nobody();
    drop(socket);
    let in_order = || table_of(&mut rnetstat("-anoq")).into_iter().enumerate().collect();
    let (whole, seen) = stable_snapshot(in_order, || table_of(&mut program.as_nobody("-anoq")));
    let whole: Vec<Row> = whole.into_iter().map(|(_, row)| row).collect();
    assert_eq!(whole.iter().map(Row::anonymous).collect::<Vec<_>>(), seen.iter().map(Row::anonymous).collect::<Vec<_>>());
    assert_eq!(owner_column(address, &seen), own.pid().to_string());
    for (whole, seen) in whole.iter().zip(&seen) {
        let expected = match whole.owner.as_str() {
            "0" => "0",
            pid if pid == own.pid().to_string() => pid,
            _ => "-",
        };
        assert_eq!(seen.owner, expected, "{seen:?}");
    }
    drop(fixtures);
}

#[test]
fn hidden_owners_are_counted_on_stderr_only_at_a_terminal() {
    let Some((_namespace, program)) = enter() else { return };
    let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let one = listener(localhost);
    let (table, stderr, status) = with_terminal_for_stderr(&mut program.as_nobody("-ano"));
    assert_eq!((owner_column(local(&one), &parse(&table, true)).as_str(), status), ("-", Some(0)));
    assert!(stderr.contains("1 socket ") && stderr.contains("sudo"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    let two = listener(localhost);
    let (_, stderr, _) = with_terminal_for_stderr(&mut program.as_nobody("-ano"));
    assert!(stderr.contains("2 sockets "), "{stderr}");
    // Nothing is hidden without an owner column, and nothing from root.
    for command in [&mut program.as_nobody("-an"), &mut rnetstat("-ano")] {
        let (table, stderr, status) = with_terminal_for_stderr(command);
        assert_eq!((table.lines().count(), stderr.as_str(), status), (6, "", Some(0)));
    }
    drop(two);
}

#[test]
fn owners_that_hidepid_conceals_are_hidden_not_absent() {
    let Some((_namespace, program)) = enter() else { return };
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut command = program.as_nobody("-ano");
    // It mounts its own /proc as root and changes its user afterwards.
    let mut command = std::mem::replace(&mut command, std::process::Command::new("true"));
    std::os::unix::process::CommandExt::uid(&mut command, 0);
    std::os::unix::process::CommandExt::gid(&mut command, 0);
    let rows = table_of(with_hidepid(&mut command));
    assert_eq!(owner_column(local(&socket), &rows), "-");
}
