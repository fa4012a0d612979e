//! Filters on the owners of a socket: their PIDs, their names and, if sockets have no users, their users.

use super::selector::Selector;
use crate::lookup::processes::Processes;
use crate::model::answer::Answer;
use crate::model::owners::{OwnerStatus, Ownership, Refused};
use crate::model::process::{Facts, Process, User};
use crate::model::socket::Pid;
use std::path::Path;

/// Which owners a socket must have. Of several owners one is enough to match, and one is enough to exclude.
///
/// A socket without an owner matches nothing: it passes only if nothing but owners to exclude were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerFilter {
    /// The PIDs (`--pid`).
    pub pids: Selector<Pid>,
    /// The names of the processes (`--process`).
    pub names: Selector<NamePattern>,
    /// The users that the processes run as (`--user` where sockets have no user ids).
    pub users: Selector<UserName>,
}

impl OwnerFilter {
    /// Whether owners do not matter.
    pub const fn is_empty(&self) -> bool {
        self.pids.is_empty() && self.names.is_empty() && self.users.is_empty()
    }

    /// Whether a process is itself among the wanted ones, rather than an owner beside one of them.
    pub fn names_process(&self, pid: Pid, process: Option<&Process>) -> bool {
        let user = process.and_then(|process| process.user.as_ref());
        self.pids.matches(|&wanted| wanted == pid)
            && self.names.matches(|name| process.is_some_and(|process| name.matches_process(process)))
            && self.users.matches(|wanted| user.is_some_and(|user| wanted.is_of(user)))
    }

    /// The facts of processes that it needs; `None` if their PIDs are enough.
    pub fn facts(&self) -> Option<Facts> {
        let (executable, user) = (!self.names.is_empty(), !self.users.is_empty());
        (executable || user).then_some(Facts { executable, user, ..Facts::default() })
    }
}

/// A filter on owners together with what is known of the processes, ready to decide about each row.
#[derive(Debug)]
pub struct OwnerTest<'a> {
    processes: &'a Processes,
    pids: Selector<(Pid, Answer)>,
    names: Selector<(&'a NamePattern, Answer)>,
    users: Selector<(&'a UserName, Answer)>,
    /// Whether a process that refused to be read may also own a socket whose owners were found.
    refused_may_share: bool,
}

impl<'a> OwnerTest<'a> {
    /// Prepares the filter. `processes` has the facts of the owners and of the processes that refused to be read; each value
    /// comes with the answer to whether one of the latter matches it.
    pub fn new(filter: &'a OwnerFilter, processes: &'a Processes, refused: &Refused) -> Self {
        let any_refused = |matches: &dyn Fn(Pid) -> Answer| match refused {
            Refused::None => Answer::No,
            Refused::Processes(pids) => Answer::any(pids.iter().map(|&pid| matches(pid))),
            Refused::Unknown | Refused::Invisible => Answer::Unknown,
        };
        // That a refused process matches does not say which sockets it owns.
        let possible = |matches: &dyn Fn(Pid) -> Answer| match any_refused(matches) {
            Answer::No => Answer::No,
            Answer::Yes | Answer::Unknown => Answer::Unknown,
        };
        Self {
            processes,
            pids: filter.pids.map(|&wanted| match refused {
                // A process that can be seen is none of those that cannot.
                Refused::Invisible if processes.get(wanted).is_some() => (wanted, Answer::No),
                _ => (wanted, possible(&|pid| Answer::from(pid == wanted))),
            }),
            names: filter.names.map(|pattern| {
                let by_name = |process: &Process| pattern.matches_process(process) || pattern.matches_first_argument(process);
                (pattern, possible(&|pid| ask(processes, pid, by_name)))
            }),
            users: filter.users.map(|user| (user, possible(&|pid| ask_user(processes, pid, user)))),
            refused_may_share: *refused != Refused::Invisible,
        }
    }

    /// Whether a socket with these owners is wanted.
    pub fn decide(&self, owners: Ownership<'_>) -> Answer {
        // A socket of the kernel, or one that has vanished, is not owned by a process that refused to be read either.
        let hidden = |answer: Answer| match owners.status {
            OwnerStatus::Denied => answer,
            OwnerStatus::Owned if !self.refused_may_share => Answer::No,
            OwnerStatus::Owned => answer,
            OwnerStatus::None | OwnerStatus::Gone | OwnerStatus::Unsupported => Answer::No,
        };
        let any = |matches: &dyn Fn(Pid) -> Answer| Answer::any(owners.pids().map(matches));
        let is_without_owner = match owners.status {
            OwnerStatus::None | OwnerStatus::Gone => true,
            OwnerStatus::Owned | OwnerStatus::Denied | OwnerStatus::Unsupported => false,
        };
        let pids = self.pids.decide(|&(wanted, refused)| {
            match wanted {
                // The table shows PID 0 for a socket that no process owns, and another sign for a hidden owner.
                0 => is_without_owner.into(),
                wanted => any(&|pid| Answer::from(pid == wanted)).or(hidden(refused)),
            }
        });
        let names = self.names.decide(|&(pattern, refused)| {
            any(&|pid| ask(self.processes, pid, |process| pattern.matches_process(process))).or(hidden(refused))
        });
        let users = self.users.decide(|&(user, refused)| any(&|pid| ask_user(self.processes, pid, user)).or(hidden(refused)));
        pids.and(names).and(users)
    }
}

/// What a process says to a question; unknown if nothing is known of it.
fn ask(processes: &Processes, pid: Pid, question: impl FnOnce(&Process) -> bool) -> Answer {
    match processes.get(pid) {
        Some(process) => question(process).into(),
        None if processes.has_ended(pid) => Answer::No,
        None => Answer::Unknown,
    }
}

fn ask_user(processes: &Processes, pid: Pid, wanted: &UserName) -> Answer {
    match processes.get(pid).and_then(|process| process.user.as_ref()) {
        Some(user) if !wanted.is_of(user) && processes.is_user_late(user) => Answer::Unknown,
        Some(user) => wanted.is_of(user).into(),
        None if processes.has_ended(pid) => Answer::No,
        None => Answer::Unknown,
    }
}

/// A user by number, by name, or by name without the domain of Windows. Letter case does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// The user of a value.
    pub fn new(value: &str) -> Self {
        Self(value.to_lowercase())
    }

    /// Whether it is this user.
    pub fn is_of(&self, user: &User) -> bool {
        let name = user.name.as_deref().unwrap_or_default().to_lowercase();
        let account = name.rsplit_once('\\').map_or(name.as_str(), |(_, account)| account);
        [user.id.to_lowercase().as_str(), name.as_str(), account].contains(&self.0.as_str())
    }
}

/// The PID of a value.
pub fn parse_pid(value: &str) -> Result<[Pid; 1], String> {
    let pid = value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
    pid.map(|pid| [pid]).ok_or_else(|| "expected a PID (4711)".to_owned())
}

/// The name of a process, in which `*` stands for any text. Letter case does not matter, and neither does the `.exe`
/// of Windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// The texts between the asterisks, in lower case.
    parts: Vec<String>,
}

impl NamePattern {
    /// The pattern of a value.
    pub fn new(value: &str) -> Self {
        Self { parts: value.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    /// The pattern in lower case.
    pub fn text(&self) -> String {
        self.parts.join("*")
    }

    /// Whether a process has such a name: the one that it gives itself, which the system may have cut, or the one of its
    /// executable.
    pub fn matches_process(&self, process: &Process) -> bool {
        let file = process.executable.as_deref().and_then(Path::file_name);
        [Some(process.name.as_os_str()), file].into_iter().flatten().any(|name| self.matches(&name.to_string_lossy()))
    }

    /// Whether the first argument of a process, which everybody may read, is such a name or a path that ends in it.
    fn matches_first_argument(&self, process: &Process) -> bool {
        let file = process.command_line.first().map(Path::new).and_then(Path::file_name);
        file.is_some_and(|name| self.matches(&name.to_string_lossy()))
    }

    /// Whether the whole name is as the pattern says.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.fits(&name) || name.strip_suffix(".exe").is_some_and(|stem| self.fits(stem))
    }

    fn fits(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|whole| whole == name);
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        for part in middle {
            // The first place where a part fits leaves the most to those behind it.
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::owners::{Owners, RowOwners};
    use crate::model::socket::tests::socket;
    use proptest::prelude::*;

    fn filter(pids: &[&str], names: &[&str]) -> OwnerFilter {
        OwnerFilter {
            pids: choice(pids, parse_pid),
            names: choice(names, |value| Ok([NamePattern::new(value)])),
            users: Selector::default(),
        }
    }

    fn choice<T>(values: &[&str], meaning: fn(&str) -> Result<[T; 1], String>) -> Selector<T> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Selector::parse(&values, meaning).unwrap()
    }

    fn process(pid: Pid, name: &str, user: &str) -> Process {
        let user = Some(User { id: format!("S-1-{}", user.len()), name: Some(user.to_owned()) });
        Process { pid, name: name.into(), user, ..Process::default() }
    }

    /// What the filter says of a socket with these owners; `None` for one whose owner may not be seen.
    fn decide(filter: &OwnerFilter, owners: Option<&[Pid]>, refused: &Refused) -> Answer {
        let processes: Processes = [
            process(1, "systemd", "root"),
            process(2, "sshd", "HOST\\Ann"),
            process(3, "nginx", "root"),
            Process { executable: Some("/opt/Nginx.EXE".into()), ..process(4, "worker", "bob") },
            Process { command_line: vec!["/usr/bin/python3".into()], ..process(5, "short", "bob") },
        ]
        .into_iter()
        .collect();
        let mut row = RowOwners::default();
        match owners {
            Some(pids) => row.push_owned(pids.iter().copied()),
            None => row.push_hidden(),
        }
        let owners = Owners::ByRow(row);
        OwnerTest::new(filter, &processes, refused).decide(owners.of(0, &socket("127.0.0.1", 1)))
    }

    fn matches(filter: &OwnerFilter, owners: &[Pid]) -> bool {
        decide(filter, Some(owners), &Refused::None) == Answer::Yes
    }

    #[test]
    fn one_owner_is_enough_to_match_and_one_is_enough_to_exclude() {
        assert!(matches(&filter(&["2"], &[]), &[1, 2]));
        assert!(!matches(&filter(&["2"], &[]), &[1, 3]));
        assert!(!matches(&filter(&["!2"], &[]), &[1, 2]));
        assert!(matches(&filter(&[], &["ssh*"]), &[1, 2]));
        assert!(!matches(&filter(&[], &["!ssh*"]), &[1, 2]));
        assert!(!matches(&filter(&["1"], &["nginx"]), &[2, 3]));
    }

    #[test]
    fn a_process_goes_by_the_name_of_its_executable_too() {
        assert!(matches(&filter(&[], &["nginx"]), &[4]) && matches(&filter(&[], &["worker"]), &[4]));
        assert!(!matches(&filter(&[], &["!nginx"]), &[4]) && !matches(&filter(&[], &["!worker"]), &[4]));
    }

    #[test]
    fn users_go_by_name_account_or_number() {
        let users =
            |values: &[&str]| OwnerFilter { users: choice(values, |value| Ok([UserName::new(value)])), ..filter(&[], &[]) };
        for name in ["ann", "host\\ANN", "s-1-8"] {
            assert!(matches(&users(&[name]), &[1, 2]), "{name}");
            assert!(!matches(&users(&[name]), &[1]), "{name}");
        }
        assert!(!matches(&users(&["!root"]), &[1, 2]) && matches(&users(&["!root"]), &[2]));
        assert!(users(&["ann"]).facts().is_some_and(|facts| facts.user && !facts.executable));
    }

    #[test]
    fn sockets_of_nobody_match_nothing_and_are_left_out_by_nothing() {
        assert!(!matches(&filter(&["2"], &[]), &[]) && !matches(&filter(&[], &["*"]), &[]));
        assert!(matches(&filter(&["!2"], &["!nginx"]), &[]));
    }

    #[test]
    fn pid_0_matches_the_sockets_that_no_process_owns() {
        assert!(matches(&filter(&["0"], &[]), &[]) && matches(&filter(&["2", "0"], &[]), &[2]));
        assert!(!matches(&filter(&["0"], &[]), &[2]) && !matches(&filter(&["!0"], &[]), &[]));
        assert!(matches(&filter(&["!0"], &[]), &[2]));
        let refused = Refused::Processes(vec![3]);
        assert_eq!(decide(&filter(&["0"], &[]), None, &refused), Answer::No, "a hidden owner is some process");
        assert_eq!(decide(&filter(&["0"], &[]), None, &Refused::Invisible), Answer::No);
    }

    #[test]
    fn of_a_process_without_a_known_name_it_is_unknown_whether_a_name_matches() {
        assert_eq!(decide(&filter(&[], &["nginx"]), Some(&[99]), &Refused::None), Answer::Unknown);
        assert_eq!(decide(&filter(&[], &["!nginx"]), Some(&[99]), &Refused::None), Answer::Unknown);
        assert!(matches(&filter(&["99"], &[]), &[99]));
    }

    #[test]
    fn a_process_that_refused_to_be_read_may_own_a_hidden_socket() {
        let refused = Refused::Processes(vec![3, 5]);
        let answer = |filter: &OwnerFilter, refused: &Refused| decide(filter, None, refused);
        assert_eq!(answer(&filter(&["3"], &[]), &refused), Answer::Unknown);
        assert_eq!(answer(&filter(&["2"], &[]), &refused), Answer::No);
        assert_eq!(answer(&filter(&[], &["nginx"]), &refused), Answer::Unknown);
        assert_eq!(answer(&filter(&[], &["python3"]), &refused), Answer::Unknown, "by its first argument");
        assert_eq!(answer(&filter(&[], &["sshd"]), &refused), Answer::No);
        assert_eq!(answer(&filter(&[], &["!sshd"]), &refused), Answer::Yes);
        assert_eq!(answer(&filter(&[], &["!nginx"]), &refused), Answer::Unknown);
        assert_eq!(answer(&filter(&[], &["sshd"]), &Refused::Unknown), Answer::Unknown);
        assert_eq!(answer(&filter(&[], &["sshd"]), &Refused::Invisible), Answer::Unknown);
        assert_eq!(decide(&filter(&["3"], &[]), Some(&[2]), &Refused::Invisible), Answer::No, "its owners are known");
        assert_eq!(answer(&filter(&["3"], &[]), &Refused::Invisible), Answer::No, "process 3 is visible");
        assert_eq!(answer(&filter(&["99"], &[]), &Refused::Invisible), Answer::Unknown);
        assert_eq!(decide(&filter(&["3"], &[]), Some(&[2]), &refused), Answer::Unknown, "a socket may be shared");
        assert_eq!(decide(&filter(&["3"], &[]), Some(&[]), &refused), Answer::No, "the system's own");
    }

    #[test]
    fn names_match_as_a_whole_in_any_case_with_or_without_exe() {
        let matches = |pattern: &str, name: &str| NamePattern::new(pattern).matches(name);
        assert!(matches("nginx", "Nginx.EXE") && matches("NGINX.exe", "nginx.exe") && matches("nginx*", "nginx: worker"));
        assert!(!matches("nginx", "nginx2") && !matches("nginx", "mynginx") && !matches("nginx.exe", "nginx"));
        assert!(matches("*d", "sshd") && matches("s*h*d", "sshd") && matches("**", "") && matches("ÄB*", "äbc"));
        assert!(!matches("ab*ba", "aba") && matches("ab*ba", "abba") && !matches("a*b*c", "acb"));
    }

    #[test]
    fn what_is_no_pid_says_so() {
        assert_eq!(parse_pid("4294967295"), Ok([u32::MAX]));
        for value in ["nginx", "-1", "+1", "4294967296", "1.0"] {
            assert_eq!(parse_pid(value).unwrap_err(), "expected a PID (4711)");
        }
    }

    /// The reference implementation of patterns.
    fn fits(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skip| fits(rest, &name[skip..])),
            Some((character, rest)) => name.first() == Some(character) && fits(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn asterisks_stand_for_any_text(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
            let slow = fits(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>());
            prop_assert_eq!(NamePattern::new(&pattern).matches(&name), slow);
        }
    }
}
