//! `--end` and `--close` of the Windows build.

use crate::cell::{Cell, Holder};
use crate::support::namespace::{LINK, index_of};
use crate::{OWN, SILENT, network};

#[test]
fn a_process_is_ended_by_force_alone_and_another_one_lives_on() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let [ended, spared] = [(); 2].map(|()| Holder::start(&cell, index_of(LINK), OWN, SILENT));
    let line = format!("--end --yes --pid {}", ended.pid());
    let refused = cell.run_line(&line);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && stderr.contains("--force ends it at once"), "{refused:?}");
    let planned = cell.rnetstat(&format!("{line} --force").replace("--yes", "--dry-run"));
    assert!(planned.starts_with(&format!("end      socket-holder.exe ({}) of ", ended.pid())), "{planned}");
    let said = cell.rnetstat(&format!("{line} --force"));
    assert!(said.starts_with(&format!("ended    socket-holder.exe ({}) of ", ended.pid())), "{said}");
    let left = cell.rnetstat("-ano");
    assert!(!left.contains(&format!(" {}\r\n", ended.pid())) && left.contains(&format!(" {}\r\n", spared.pid())), "{left}");
}

#[test]
fn what_windows_cannot_close_is_refused_with_the_reason_and_what_is_not_closed_is_said() {
    let Some(cell) = Cell::find() else { return };
    let Some(_network) = network() else { return };
    let holder = Holder::start(&cell, index_of(LINK), OWN, SILENT);
    let before = holder.rows().len();
    let output = cell.run_line(&format!("--close --yes --pid {}", holder.pid()));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let reasons = ["it is UDP", "it is a listener", "over IPv4 alone"];
    assert!(said.lines().count() == before && reasons.iter().all(|reason| said.contains(reason)), "{said}");
    // Wine accepts the request and does nothing.
    assert!(said.contains("lists it still"), "{said}");
}
