//! What only a socket's owners tell: their PIDs, their names and, where sockets do not tell them, their users.

use super::selector::Selector;
use crate::model::process::{Facts, Process, User};
use crate::model::socket::Pid;
use std::path::Path;

/// Which owners a socket must have. Of several owners one is enough to match; what is not wanted no owner may be.
///
/// A socket whose owners are not known, or that has none, matches nothing: it is there only where nothing but owners to
/// leave out were named.
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

    /// The facts of processes that it needs; `None` where their PIDs are enough.
    pub fn facts(&self) -> Option<Facts> {
        let (executable, user) = (!self.names.is_empty(), !self.users.is_empty());
        (executable || user).then_some(Facts { executable, user, ..Facts::default() })
    }

    /// Whether a socket with these owners is wanted. `process` tells what is known of one of them.
    pub fn matches<'a>(&self, owners: impl Iterator<Item = Pid> + Clone, process: impl Fn(Pid) -> Option<&'a Process>) -> bool {
        let any = |matches: &dyn Fn(&Process) -> bool| owners.clone().filter_map(&process).any(matches);
        self.pids.matches(|&wanted| owners.clone().any(|pid| pid == wanted))
            && self.names.matches(|wanted| any(&|process| wanted.is_of(process)))
            && self.users.matches(|wanted| any(&|process| process.user.as_ref().is_some_and(|user| wanted.is_of(user))))
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
    pid.map(|pid| [pid]).ok_or_else(|| format!("a PID is a number from 0 to {}", Pid::MAX))
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

    /// Whether a process goes by such a name: the one that it gives itself, which the system may have cut, or the one of
    /// its executable.
    pub fn is_of(&self, process: &Process) -> bool {
        let file = process.executable.as_deref().and_then(Path::file_name);
        [Some(process.name.as_os_str()), file].into_iter().flatten().any(|name| self.matches(&name.to_string_lossy()))
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

    fn matches(filter: &OwnerFilter, owners: &[Pid]) -> bool {
        let process = |name: &str, user: &str| Process {
            name: name.into(),
            user: Some(User { id: format!("S-1-{}", user.len()), name: Some(user.to_owned()) }),
            ..Process::default()
        };
        let processes = [
            process("", ""),
            process("systemd", "root"),
            process("sshd", "HOST\\Ann"),
            process("nginx", "root"),
            Process { executable: Some("/opt/Nginx.EXE".into()), ..process("worker", "bob") },
        ];
        filter.matches(owners.iter().copied(), |pid| processes.get(pid as usize))
    }

    #[test]
    fn one_owner_is_enough_to_match_and_one_is_enough_to_refuse() {
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
    fn a_process_without_a_known_name_matches_no_name() {
        assert!(!matches(&filter(&[], &["*"]), &[99]) && matches(&filter(&["99"], &[]), &[99]));
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
            assert_eq!(parse_pid(value).unwrap_err(), "a PID is a number from 0 to 4294967295");
        }
    }

    /// What a pattern means, the slow way.
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
