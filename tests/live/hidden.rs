//! Owners that may not be seen: runs by a user who owns nothing.

use crate::namespace::{Namespace, may_change_user, skipped, while_still};
use crate::owners::{Holder, inheritable_listener, owner_of};
use crate::program::{PublicCopy, rnetstat, table_of, with_hidepid, with_terminal_for_stderr};
use crate::row::{Row, parse};
use crate::zoo::{Zoo, listener, local};
use std::net::{Ipv4Addr, SocketAddr};

fn enter() -> Option<(Namespace, PublicCopy)> {
    let namespace = Namespace::enter()?;
    if !may_change_user() {
        return skipped("no other user can be had here");
    }
    Some((namespace, PublicCopy::make()))
}

#[test]
fn the_rows_are_the_same_and_only_what_is_nobodys_or_ones_own_has_an_owner() {
    let Some((_namespace, program)) = enter() else { return };
    let zoo = Zoo::full();
    let (socket, address) = inheritable_listener();
    let own = Holder::start_as_nobody();
    drop(socket);
    let in_order = || table_of(&mut rnetstat("-anoq")).into_iter().enumerate().collect();
    let (whole, seen) = while_still(in_order, || table_of(&mut program.as_nobody("-anoq")));
    let whole: Vec<Row> = whole.into_iter().map(|(_, row)| row).collect();
    assert_eq!(whole.iter().map(Row::anonymous).collect::<Vec<_>>(), seen.iter().map(Row::anonymous).collect::<Vec<_>>());
    assert_eq!(owner_of(address, &seen), own.pid().to_string());
    for (whole, seen) in whole.iter().zip(&seen) {
        let expected = match whole.owner.as_str() {
            "0" => "0",
            pid if pid == own.pid().to_string() => pid,
            _ => "-",
        };
        assert_eq!(seen.owner, expected, "{seen:?}");
    }
    drop(zoo);
}

#[test]
fn only_somebody_at_a_terminal_is_told_how_many_owners_are_hidden() {
    let Some((_namespace, program)) = enter() else { return };
    let localhost = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let one = listener(localhost);
    let (table, said, status) = with_terminal_for_stderr(&mut program.as_nobody("-ano"));
    assert_eq!((owner_of(local(&one), &parse(&table, true)).as_str(), status), ("-", Some(0)));
    assert!(said.contains("1 socket ") && said.contains("sudo"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    let two = listener(localhost);
    let (_, said, _) = with_terminal_for_stderr(&mut program.as_nobody("-ano"));
    assert!(said.contains("2 sockets "), "{said}");
    // Without an owner column nothing is hidden, nor where everything may be seen.
    for command in [&mut program.as_nobody("-an"), &mut rnetstat("-ano")] {
        let (table, said, status) = with_terminal_for_stderr(command);
        assert_eq!((table.lines().count(), said.as_str(), status), (6, "", Some(0)));
    }
    drop(two);
}

#[test]
fn processes_that_proc_does_not_even_list_are_hidden_and_not_gone() {
    let Some((_namespace, program)) = enter() else { return };
    let socket = listener(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let mut command = program.as_nobody("-ano");
    // It becomes another user itself, after it has made its /proc.
    let mut command = std::mem::replace(&mut command, std::process::Command::new("true"));
    std::os::unix::process::CommandExt::uid(&mut command, 0);
    std::os::unix::process::CommandExt::gid(&mut command, 0);
    let rows = table_of(with_hidepid(&mut command));
    assert_eq!(owner_of(local(&socket), &rows), "-");
}
