//! The screen from made-up moments: what is drawn, what stays selected, what is marked.

use super::frame::frame;
use super::keys::Key;
use super::marks::{LIFETIME, Mark, Marks};
use super::model::Model;
use super::press::Effect;
use super::screen::OnBackend;
use crate::model::owners::{InodeOwners, OwnerStatus, Owners};
use crate::model::problem::{Problem, ProblemKind};
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::socket::tests::socket;
use crate::model::socket::{Endpoint, Protocol, Socket, State};
use crate::model::system::System;
use crate::moment::key::RowKey;
use crate::moment::lookups::Lookups;
use crate::moment::row::Row;
use crate::moment::{Host, Moment};
use crate::output::escape::needs_escape;
use crate::reports::tests::{Machine, friendly, process, request};
use crate::request::View;
use proptest::prelude::*;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A screen that shows made-up moments.
struct Watched {
    model: Model,
    now: Instant,
}

impl Watched {
    fn new(line: &str, width: u16, height: u16) -> Self {
        Self { model: Model::new(&request(line), (width, height)), now: Instant::now() }
    }

    /// The next moment, a second later.
    fn next(&mut self, moment: Moment) {
        self.now += SECOND;
        self.model.take_moment(moment, self.now);
        self.model.arrange();
    }

    fn press(&mut self, keys: impl IntoIterator<Item = Key>) -> Option<Effect> {
        let effect = keys.into_iter().filter_map(|key| self.model.press(key)).last();
        self.model.arrange();
        effect
    }

    fn type_text(&mut self, text: &str) {
        self.press(text.chars().map(Key::Char));
    }

    /// What is drawn, as a terminal has it.
    fn screen(&mut self) -> OnBackend<TestBackend> {
        self.screen_with(true)
    }

    fn screen_with(&mut self, has_color: bool) -> OnBackend<TestBackend> {
        let (width, height) = self.model.size;
        let mut screen = OnBackend::new(TestBackend::new(width, height), has_color).unwrap();
        screen.draw(&frame(&mut self.model, self.now)).unwrap();
        screen
    }

    /// The lines that are drawn, without blanks at their ends.
    fn text(&mut self) -> Vec<String> {
        let screen = self.screen();
        let buffer = screen.backend().buffer();
        let width = usize::from(buffer.area.width);
        let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
        buffer.content.chunks(width.max(1)).map(|cells| line(cells).trim_end().to_owned()).collect()
    }

    fn selected(&self) -> Option<RowKey> {
        self.model.selected_row().map(Row::key)
    }
}

fn moment_of(machine: Machine) -> Moment {
    let mut moment = machine.read("--watch");
    moment.time = 1_795_449_600;
    moment
}

/// A moment of sockets that are owned by the process of their inode.
fn moment(sockets: Vec<Socket>) -> Moment {
    let owned: Vec<(u32, u32)> = sockets.iter().map(|socket| (socket.inode, socket.inode)).collect();
    moment_of(Machine::new(sockets, &owned, Vec::new()))
}

fn connection(port: u16, state: State, inode: u32) -> Socket {
    let remote = Endpoint::new("192.0.2.9".parse().unwrap(), port);
    Socket { remote, state: Some(state), inode, ..socket("10.0.0.1", 443) }
}

fn marks(watched: &Watched) -> Vec<(u16, Mark)> {
    let rows = watched.model.rows().unwrap();
    let mut marks: Vec<(u16, Mark)> =
        rows.iter().filter_map(|row| Some((row.socket.remote.port, watched.model.marks.of(&row.key(), watched.now)?))).collect();
    marks.sort_unstable_by_key(|&(port, _)| port);
    marks
}

#[test]
fn the_screen_shows_counts_columns_rows_and_keys() {
    let mut watched = Watched::new("--watch", 100, 12);
    watched.next(moment_of(friendly()));
    assert_eq!(
        watched.text(),
        [
            "6 sockets  1 LISTENING  3 ESTABLISHED  1 TIME_WAIT  1 UDP  2026-11-23T16:00:00Z",
            "every 1 s",
            "  Proto Local Address      Foreign Address  State       PID     Process      User     Service",
            "  TCP   0.0.0.0:443        *                LISTENING   900 901 nginx        www-data https",
            "  UDP   [fe80::1%eth0]:546 *                            1       (ended)      root     dhcpv6-client",
            "  TCP   10.0.0.1:5000      10.0.0.2:443     ESTABLISHED         (hidden)     77       https",
            "  TCP   127.0.0.1:443      127.0.0.1:50000  ESTABLISHED 901     nginx        root     https",
            "  TCP   127.0.0.1:50000    127.0.0.1:443    ESTABLISHED 4711    curl         root     https",
            "  TCP   192.0.2.1:40000    198.51.100.7:443 TIME_WAIT           (no process)          https",
            "",
            "",
            "? keys  q end  / filter  s sort  Enter details  x explain  f follow  c group  Space pause  n names",
        ]
    );
}

#[test]
fn nothing_yet_and_no_rows_are_screens_too() {
    let mut watched = Watched::new("--watch :443", 40, 6);
    assert_eq!(watched.text()[0], "reading the sockets …");
    watched.next(moment(Vec::new()));
    assert_eq!(
        watched.text(),
        [
            "0 sockets  2026-11-23T16:00:00Z",
            "  Proto Local Address Foreign Add… State",
            "",
            "",
            "",
            "? keys  q end  / filter  s sort"
        ]
    );
    watched.press([Key::Down, Key::End, Key::Enter, Key::PageDown, Key::Char('f'), Key::Char('x'), Key::Char('c')]);
    assert_eq!(watched.text().len(), 6);
}

#[test]
fn what_is_new_gone_or_changed_is_marked_for_two_seconds() {
    let mut watched = Watched::new("--watch", 60, 9);
    watched.next(moment(vec![connection(1, State::Established, 11), connection(2, State::Established, 12)]));
    assert_eq!(marks(&watched), []);
    watched.next(moment(vec![connection(1, State::CloseWait, 11), connection(3, State::Established, 13)]));
    let rows: Vec<String> =
        watched.text()[3..6].iter().map(|line| line.split_whitespace().take(5).collect::<Vec<_>>().join(" ")).collect();
    let row = |sign: &str, port, state| format!("{sign} TCP 10.0.0.1:443 192.0.2.9:{port} {state}");
    assert_eq!(rows, [row("~", 1, "CLOSE_WAIT"), row("-", 2, "ESTABLISHED"), row("+", 3, "ESTABLISHED")]);
    let screen = watched.screen();
    let color = |x, y| screen.backend().buffer()[(x, y)].fg;
    assert_eq!(
        [color(0, 3), color(0, 4), color(4, 4), color(0, 5), color(4, 5)],
        [Color::Yellow, Color::Red, Color::Red, Color::Green, Color::Green]
    );
    assert_eq!(color(4, 3), Color::Reset, "yellow text cannot be read on white");
    assert!(watched.text()[0].starts_with("2 sockets  +1/s -1/s  1 ESTABLISHED  1 CLOSE_WAIT"), "{:?}", watched.text());
    watched.now += LIFETIME;
    watched.model.expire(watched.now);
    watched.model.arrange();
    let signs: String = watched.text()[3..6].iter().filter_map(|line| line.chars().next()).collect();
    assert_eq!(signs, "  ");
}

#[test]
fn time_wait_counts_as_closed() {
    let mut watched = Watched::new("--watch", 60, 9);
    watched.next(moment(vec![connection(1, State::Established, 11)]));
    watched.next(moment(vec![connection(1, State::TimeWait, 0), connection(2, State::TimeWait, 0)]));
    assert_eq!(marks(&watched), [(1, Mark::Gone)]);
    let rate = watched.model.marks.rate.unwrap();
    assert_eq!((rate.opened, rate.closed), (0, 1));
    watched.next(moment(vec![connection(1, State::Established, 14)]));
    assert_eq!(marks(&watched), [(1, Mark::New)]);
    let rate = watched.model.marks.rate.unwrap();
    assert_eq!((rate.opened, rate.closed), (1, 0));
}

#[test]
fn a_connection_that_takes_the_place_of_another_one_is_new_and_one_without_an_inode_is_not() {
    let mut watched = Watched::new("--watch", 60, 9);
    watched.next(moment(vec![connection(1, State::Established, 11), connection(2, State::Established, 12)]));
    watched.next(moment(vec![connection(1, State::Established, 21), connection(2, State::FinWait2, 0)]));
    assert_eq!(marks(&watched), [(1, Mark::New), (2, Mark::Changed)]);
}

#[test]
fn another_owner_or_backlog_is_a_change() {
    let listener = |send_queue| Socket { inode: 11, send_queue, ..socket("0.0.0.0", 443) };
    let of = |send_queue, pids: &[u32]| {
        let owned: Vec<(u32, u32)> = pids.iter().map(|&pid| (11, pid)).collect();
        moment_of(Machine::new(vec![listener(send_queue)], &owned, Vec::new()))
    };
    for (next, expected) in [
        (of(5, &[1]), vec![]),
        (of(6, &[1]), vec![(0, Mark::Changed)]),
        (of(5, &[1, 2]), vec![(0, Mark::Changed)]),
        // An owner that is hidden may be the same.
        (of(5, &[]), vec![]),
    ] {
        let mut watched = Watched::new("--watch", 60, 9);
        watched.next(of(5, &[1]));
        watched.next(next);
        assert_eq!(marks(&watched), expected);
    }
}

#[test]
fn of_an_incomplete_moment_nothing_is_gone_and_later_nothing_is_new() {
    let all = || vec![connection(1, State::Established, 11), connection(2, State::Established, 12)];
    let mut watched = Watched::new("--watch", 60, 9);
    watched.next(moment(all()));
    let mut incomplete = moment(vec![connection(1, State::Established, 11)]);
    incomplete.problems.add(Problem::new(ProblemKind::TableIncomplete, "half"));
    watched.next(incomplete);
    assert_eq!((marks(&watched), watched.model.gone.len()), (vec![], 0));
    watched.next(moment(all()));
    assert_eq!(marks(&watched), []);
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let names = ["\u{1b}[2Jx", "a\nb", "x\u{202e}gpj.exe", "(hidden)", "\u{9b}31m", "n\u{0}"];
    let processes = names.iter().zip(1..).map(|(name, pid)| Process { name: (*name).into(), ..process(pid, "x") }).collect();
    let sockets: Vec<Socket> = (1..=6).map(|inode| Socket { inode, ..socket("127.0.0.1", 4444) }).collect();
    let owned: Vec<(u32, u32)> = (1..=6).map(|inode| (inode, inode)).collect();
    for keys in [vec![], vec![Key::Char('c')], vec![Key::Char('w'), Key::Char('\u{202e}')]] {
        let mut watched = Watched::new("--watch", 120, 14);
        watched.next(moment_of(Machine::new(sockets.clone(), &owned, Clone::clone(&processes))));
        watched.press(keys);
        let text = watched.text();
        assert!(!text.iter().any(|line| line.chars().any(needs_escape)), "{text:?}");
        assert!(text.iter().any(|line| line.contains("\\u{1b}[2Jx")), "{text:?}");
    }
}

#[test]
fn korean_headings_and_narrow_or_low_screens_are_drawn() {
    for line in ["--watch --lang ko", "--watch", "--watch --tcp-info"] {
        for (width, height) in [(20, 5), (20, 24), (200, 5), (1, 1), (5, 2), (13, 3), (80, 4), (60, 24), (300, 60)] {
            for keys in ["", "?", "c", "/--port", "w", "x", "s"] {
                let mut watched = Watched::new(line, width, height);
                watched.next(moment_of(friendly()));
                watched.type_text(keys);
                let text = watched.text();
                assert_eq!(text.len(), usize::from(height), "{width} {height} {keys}");
            }
        }
    }
    let mut watched = Watched::new("--watch --lang ko", 20, 5);
    watched.next(moment_of(friendly()));
    let text = watched.text();
    assert!(text[1].replace(' ', "").starts_with("프로"), "{text:?}");
    assert!(text[2].starts_with("  TCP"), "{text:?}");
}

#[test]
fn the_filter_box_narrows_while_it_is_typed_and_escape_takes_it_back() {
    let mut watched = Watched::new("--watch", 100, 12);
    watched.next(moment_of(friendly()));
    watched.type_text("/!--port 443");
    let shown = |watched: &Watched| watched.model.listing.lines.len();
    assert_eq!(shown(&watched), 4);
    watched.type_text("x");
    assert_eq!(shown(&watched), 4, "what was understood last stays");
    assert!(watched.text()[11].contains("invalid value"), "{:?}", watched.text());
    assert_eq!(watched.press([Key::Enter]), None);
    assert_eq!(watched.press([Key::Backspace, Key::Enter]), Some(Effect::Read));
    assert!(watched.text()[1].contains("filter: !--port 443"), "{:?}", watched.text());
    watched.press([Key::Escape]);
    assert_eq!(shown(&watched), 6);
    watched.type_text("/NGINX");
    assert_eq!(shown(&watched), 2);
    watched.press([Key::Escape]);
    watched.type_text("/198.51");
    assert_eq!(shown(&watched), 1);
}

#[test]
fn all_keys_fit_on_24_lines_of_80_cells() {
    let mut watched = Watched::new("--watch", 80, 24);
    watched.next(moment_of(friendly()));
    watched.type_text("?");
    let text = watched.text();
    assert!(text[0].contains("arrows, j k") && text[22].contains("another state, owner or backlog"), "{text:?}");
    for (keys, what) in super::keys::HELP {
        assert!(text.iter().any(|line| line.contains(keys) && line.ends_with(what)), "{keys}");
    }
    watched.type_text("x");
    assert!(watched.text()[0].starts_with("6 sockets"));
}

#[test]
fn what_a_condition_of_the_filter_box_rests_on_is_read() {
    // Elsewhere the command line refuses it.
    if crate::platform::SYSTEM != System::Linux {
        return;
    }
    let mut watched = Watched::new("--watch", 100, 12);
    watched.next(moment_of(friendly()));
    let reads = |watched: &Watched| !watched.model.reading().needs(System::Linux).details.tcp_info.is_empty();
    assert!(!reads(&watched));
    watched.type_text("/--where rtt>50ms");
    assert!(reads(&watched));
    watched.press([Key::Escape]);
    assert!(!reads(&watched));
}

#[test]
fn control_c_ends_whatever_is_open() {
    for keys in ["", "/", "w", "?", "/--port x", "x"] {
        let mut watched = Watched::new("--watch", 100, 12);
        watched.next(moment_of(friendly()));
        watched.type_text(keys);
        assert_eq!(watched.press([Key::Control('c')]), Some(Effect::Quit), "{keys}");
    }
}

#[test]
fn keys_choose_sort_and_group() {
    let mut watched = Watched::new("--watch", 100, 14);
    watched.next(moment_of(friendly()));
    let ports = |watched: &Watched| -> Vec<u16> {
        let rows = watched.model.rows().unwrap();
        let row = |line: &super::listing::Line| line.row(rows, &watched.model.gone).map(|row| row.socket.local.port);
        watched.model.listing.lines.iter().filter_map(row).collect()
    };
    watched.type_text("l");
    assert_eq!(ports(&watched), [443, 546]);
    watched.type_text("e");
    assert_eq!(ports(&watched), [5000, 443, 50000, 40000]);
    watched.type_text("t4a");
    assert_eq!(ports(&watched), [443, 5000, 443, 50000, 40000]);
    watched.type_text("t46");
    assert_eq!(ports(&watched), [546]);
    watched.type_text("65");
    assert_eq!(ports(&watched)[5], 50000, "by PID, those without one first");
    watched.type_text("S");
    assert_eq!(ports(&watched)[0], 50000);
    watched.type_text("c");
    assert_eq!(ports(&watched), [0; 0]);
    let text = watched.text();
    assert!(text.iter().any(|line| line == "curl (4711) · 1 socket · 1 ESTABLISHED"), "{text:?}");
    watched.press([Key::Enter]);
    assert_eq!(ports(&watched), [546], "the group of the selected row is open");
    watched.press([Key::Down, Key::Char('f')]);
    assert_eq!(watched.model.choice.followed, Some(1));
    watched.press([Key::Escape, Key::Home, Key::Char('f')]);
    assert_eq!(watched.model.choice.followed, None, "a heading has no process");
}

#[test]
fn the_selected_row_is_reversed() {
    let mut watched = Watched::new("--watch", 60, 9);
    watched.next(moment(vec![connection(1, State::Established, 11), connection(2, State::Established, 12)]));
    watched.press([Key::Down]);
    let screen = watched.screen();
    let is_reversed = |y| screen.backend().buffer()[(59, y)].modifier.contains(Modifier::REVERSED);
    assert_eq!([is_reversed(3), is_reversed(4)], [false, true]);
}

#[test]
fn without_colour_the_signs_and_the_selection_are_left_and_no_colour_is_bright() {
    let mut watched = Watched::new("--watch", 80, 9);
    watched.next(moment(vec![connection(1, State::Established, 11), connection(2, State::Established, 12)]));
    watched.next(moment(vec![connection(1, State::CloseWait, 11), connection(3, State::Established, 13)]));
    let screen = watched.screen_with(false);
    let cells = &screen.backend().buffer().content;
    assert!(cells.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    let text = watched.text().concat();
    assert!(["~ TCP", "- TCP", "+ TCP"].iter().all(|sign| text.contains(sign)), "{text}");
    let plain = [Color::Reset, Color::Red, Color::Green, Color::Yellow, Color::Magenta, Color::Cyan];
    let screen = watched.screen();
    assert!(screen.backend().buffer().content.iter().all(|cell| plain.contains(&cell.fg) && cell.bg == Color::Reset));
}

/// A machine at one moment: its sockets by the numbers of their ports, in any state.
fn any_sockets() -> impl Strategy<Value = Vec<Socket>> {
    let states = prop::sample::select(vec![State::Established, State::CloseWait, State::TimeWait, State::FinWait2]);
    let connections = prop::collection::vec((1u16..12, states, 0u32..3), 0..12);
    let listeners = prop::collection::vec((1u16..4, 1u32..6), 0..6);
    (connections, listeners).prop_map(|(connections, listeners)| {
        let mut seen = HashSet::new();
        let connections = connections.into_iter().filter(|(port, ..)| seen.insert(*port));
        let connections = connections
            .map(|(port, state, inode)| connection(port, state, if inode == 0 { 0 } else { 100 * u32::from(port) + inode }));
        let mut inodes = HashSet::new();
        let listeners = listeners.into_iter().filter(|(_, inode)| inodes.insert(*inode));
        let listeners = listeners.map(|(port, inode)| Socket {
            inode,
            protocol: if inode % 2 == 0 { Protocol::Udp } else { Protocol::Tcp },
            state: (inode % 2 == 1).then_some(State::Listening),
            ..socket("0.0.0.0", port)
        });
        connections.chain(listeners).collect()
    })
}

/// What a comparison by keys alone finds: the reference implementation of [`Marks`].
fn expected_marks(before: &Moment, now: &Moment) -> (HashMap<RowKey, Mark>, usize, usize) {
    let live = |moment: &Moment| -> HashMap<RowKey, Socket> {
        let rows = moment.rows(View::Sockets);
        rows.iter().filter(|row| row.socket.state != Some(State::TimeWait)).map(|row| (row.key(), *row.socket)).collect()
    };
    let (before, listed) = (live(before), now.rows(View::Sockets));
    let now = live(now);
    let mut marks = HashMap::new();
    let (mut opened, mut closed) = (0, 0);
    for (key, socket) in &now {
        match before.get(key) {
            None => {
                opened += 1;
                marks.insert(*key, Mark::New);
            }
            Some(old) if old.inode != 0 && socket.inode != 0 && old.inode != socket.inode => {
                (opened, closed) = (opened + 1, closed + 1);
                marks.insert(*key, Mark::New);
            }
            Some(old) if old.state != socket.state => {
                marks.insert(*key, Mark::Changed);
            }
            Some(_) => {}
        }
    }
    for key in before.keys().filter(|key| !now.contains_key(key)) {
        closed += 1;
        if listed.iter().any(|row| row.key() == *key) {
            marks.insert(*key, Mark::Gone);
        }
    }
    (marks, opened, closed)
}

proptest! {
    #[test]
    fn marks_are_those_that_a_comparison_by_keys_finds(before in any_sockets(), now in any_sockets()) {
        let (before, now) = (moment(before), moment(now));
        let (expected, opened, closed) = expected_marks(&before, &now);
        let mut marks = Marks::default();
        let time = Instant::now();
        marks.observe(None, &before, time);
        marks.observe(Some(&before), &now, time + SECOND);
        let rate = marks.rate.unwrap();
        prop_assert_eq!((rate.opened, rate.closed), (opened, closed));
        for row in now.rows(View::Sockets).iter() {
            prop_assert_eq!(marks.of(&row.key(), time + SECOND), expected.get(&row.key()).copied(), "{:?}", row.socket);
        }
    }

    #[test]
    fn the_selection_stays_on_its_socket(before in any_sockets(), now in any_sockets(), at in 0usize..12, keys in "[sSleatu46c]{0,2}") {
        let mut watched = Watched::new("--watch", 80, 10);
        watched.next(moment(before));
        watched.press(std::iter::repeat_n(Key::Down, at));
        let selected = watched.selected();
        watched.next(moment(now));
        let is_there = |watched: &Watched, key| watched.model.listing.lines.iter().any(|line| {
            line.row(watched.model.rows().unwrap(), &watched.model.gone).is_some_and(|row| row.key() == key)
        });
        if let Some(key) = selected.filter(|&key| is_there(&watched, key)) {
            prop_assert_eq!(watched.selected(), Some(key));
        }
        let selected = watched.selected();
        watched.type_text(&keys);
        if let Some(key) = selected.filter(|&key| is_there(&watched, key)) {
            prop_assert_eq!(watched.selected(), Some(key));
        }
        let window = watched.model.top..watched.model.top + watched.model.rows_on_screen();
        prop_assert!(watched.model.listing.lines.is_empty() || window.contains(&watched.model.at));
        prop_assert_eq!(watched.text().len(), 10);
    }

    #[test]
    fn keys_in_any_order_on_any_screen_never_panic(
        sockets in any_sockets(),
        now in any_sockets(),
        keys in "[a-zA-Z0-9/? +\\-:\\n\\t]{0,12}",
        size in (1u16..120, 1u16..20),
    ) {
        let mut watched = Watched::new("--watch", size.0, size.1);
        let key = |character| match character {
            '\n' => Key::Enter,
            '\t' => Key::Escape,
            'A' => Key::PageDown,
            'B' => Key::Up,
            'C' => Key::End,
            other => Key::Char(other),
        };
        watched.press(keys.chars().map(key));
        watched.next(moment(sockets));
        for character in keys.chars() {
            watched.press([key(character)]);
            watched.text();
        }
        watched.next(moment(now));
        prop_assert_eq!(watched.text().len(), usize::from(size.1));
    }
}

#[test]
fn sockets_of_two_namespaces_are_compared_namespace_by_namespace() {
    use crate::model::namespace::Namespace;
    // Elsewhere the command line refuses it.
    if crate::platform::SYSTEM != System::Linux {
        return;
    }
    let of = |inodes: [u32; 2]| {
        let namespace = |inode, rows| Namespace { inode: Some(inode), rows, ..Namespace::default() };
        let sockets = vec![connection(1, State::Established, 11), connection(1, State::Established, 12)];
        let namespaces = vec![namespace(inodes[0], 0..1), namespace(inodes[1], 1..2)];
        let owners = Owners::ByInode(InodeOwners::new(Vec::new(), OwnerStatus::None));
        let snapshot = Snapshot { sockets, namespaces, owners, ..Snapshot::default() };
        let host = Host { system: System::Linux, ..Host::default() };
        Moment::of_snapshot(snapshot, Lookups::default(), host, &request("--watch --all-namespaces"))
    };
    let mut watched = Watched::new("--watch --all-namespaces", 100, 10);
    watched.next(of([1, 2]));
    watched.next(of([2, 3]));
    let marked: Vec<Option<Mark>> =
        watched.model.rows().unwrap().iter().map(|row| watched.model.marks.of(&row.key(), watched.now)).collect();
    // The connection of namespace 2 had another inode.
    assert_eq!(marked, [Some(Mark::New), Some(Mark::New)]);
    assert_eq!(watched.model.gone.len(), 1);
}
