//! What systemd's unit files say about starting a process again. No service manager is asked: that would take its bus.

use crate::model::action::UnitPolicy;
use crate::model::socket::Socket;
use crate::platform::linux::unit_file::{self, Settings};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where unit files are, the first that has a name wins (systemd.unit(5)).
const SYSTEM: [&str; 12] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
/// The last of them.
const SYSTEM_LATE: &str = "run/systemd/generator.late";
/// Those of the service managers of users; what users keep in their homes is not read.
const USER: [&str; 4] = ["etc/systemd/user", "run/systemd/user", "usr/local/lib/systemd/user", "usr/lib/systemd/user"];

/// No unit file is larger.
const LARGEST_FILE: u64 = 1 << 20;

/// What happens when a process of a unit ends, which a user's own service manager runs or that of the system.
pub(crate) fn unit_policy(unit: &str, manager_of: Option<u32>) -> UnitPolicy {
    policy_under(Path::new("/"), unit, manager_of)
}

/// The `.socket` units of the port that a socket is bound to.
pub(crate) fn socket_units(socket: &Socket) -> Vec<String> {
    socket_units_under(Path::new("/"), socket)
}

fn folders(root: &Path, manager_of: Option<u32>) -> Vec<PathBuf> {
    match manager_of {
        None => SYSTEM.iter().chain([&SYSTEM_LATE]).map(|name| root.join(name)).collect(),
        Some(user) => {
            let transient = root.join(format!("run/user/{user}/systemd/transient"));
            [transient].into_iter().chain(USER.iter().map(|name| root.join(name))).collect()
        }
    }
}

fn policy_under(root: &Path, unit: &str, manager_of: Option<u32>) -> UnitPolicy {
    let folders = folders(root, manager_of);
    let settings = settings(&folders, unit);
    let restarts = settings.as_ref().map(Settings::restarts);
    let mut sockets: Vec<String> = settings.iter().flat_map(Settings::sockets).collect();
    // Unless something else is said, a socket unit starts the service of its name.
    if let Some(stem) = unit.strip_suffix(".service") {
        let of_name = format!("{stem}.socket");
        if !sockets.contains(&of_name) && self::settings(&folders, &of_name).is_some() {
            sockets.push(of_name);
        }
    }
    UnitPolicy { restarts, sockets }
}

/// The settings of a unit and of its drop-ins; `None` if it has no file.
fn settings(folders: &[PathBuf], unit: &str) -> Option<Settings> {
    // The name comes from outside.
    if unit.contains('/') || unit.starts_with('.') {
        return None;
    }
    let names = unit_file::names(unit);
    let main = names.iter().find_map(|name| folders.iter().find_map(|folder| read(&folder.join(name))))?;
    let mut settings = Settings::default();
    settings.add(&main);
    // Of drop-ins with one name the first wins; all are read in the order of their names.
    let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
    let kind = unit.rsplit_once('.').map(|(_, kind)| kind.to_owned());
    for name in names.iter().chain(&kind) {
        for folder in folders {
            let entries = std::fs::read_dir(folder.join(format!("{name}.d"))).into_iter().flatten().flatten();
            for entry in entries {
                let file = entry.file_name().to_string_lossy().into_owned();
                if Path::new(&file).extension().is_some_and(|extension| extension == "conf") {
                    drop_ins.entry(file).or_insert_with(|| entry.path());
                }
            }
        }
    }
    drop_ins.values().filter_map(|path| read(path)).for_each(|text| settings.add(&text));
    Some(settings)
}

fn read(path: &Path) -> Option<String> {
    let file = std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn socket_units_under(root: &Path, socket: &Socket) -> Vec<String> {
    let folders = folders(root, None);
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let mut units: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    units.retain(|name| name.ends_with(".socket") && !name.contains("@."));
    units.sort_unstable();
    units.dedup();
    units.retain(|unit| settings(&folders, unit).is_some_and(|settings| settings.listens_for(socket)));
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::Protocol;
    use crate::model::socket::tests::socket;

    /// A folder of its own with these files, which ends with the test.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("rnetstat-systemd-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_unit_restarts_by_its_file_and_its_drop_ins() {
        let root = Root::new(
            "restart",
            &[
                ("usr/lib/systemd/system/plain.service", "[Service]\nExecStart=/bin/true\n"),
                ("usr/lib/systemd/system/web.service", "[Unit]\n# Restart=no\n[Service]\nRestart = always\n"),
                ("usr/lib/systemd/system/over.service", "[Service]\nRestart=always\n"),
                ("etc/systemd/system/over.service", "[Service]\nRestart=no\n"),
                ("usr/lib/systemd/system/drop.service", "[Service]\nRestart=no\n"),
                ("etc/systemd/system/drop.service.d/50-a.conf", "[Service]\nRestart=\\\non-failure\n"),
                ("usr/lib/systemd/system/many@.service", "[Service]\nRestart=on-abnormal\n"),
                ("run/systemd/transient/run-1.service", "Restart=on-success"),
                ("usr/lib/systemd/system/kind.service", ""),
                ("usr/lib/systemd/system/reset.service", "Restart=always\nRestart=\n"),
            ],
        );
        let restarts = |unit: &str| policy_under(&root.0, unit, None).restarts;
        assert_eq!(
            ["plain", "web", "over", "drop", "many@1", "run-1", "kind", "reset"].map(|name| restarts(&format!("{name}.service"))),
            [false, true, false, true, true, true, false, false].map(Some)
        );
        assert_eq!([restarts("none.service"), restarts("../system/web.service")], [None, None]);
        let all = root.0.join("etc/systemd/system/service.d");
        std::fs::create_dir_all(&all).unwrap();
        std::fs::write(all.join("99-all.conf"), "[Service]\nRestart=always\n").unwrap();
        assert_eq!(restarts("plain.service"), Some(true));
    }

    #[test]
    fn a_socket_unit_is_found_by_its_service_and_by_its_port() {
        let root = Root::new(
            "socket",
            &[
                ("usr/lib/systemd/system/ssh.service", "[Service]\n"),
                ("usr/lib/systemd/system/ssh.socket", "[Socket]\nListenStream=22\nListenStream=[::1]:2222\nAccept=no\n"),
                ("usr/lib/systemd/system/log.service", "[Service]\nSockets=a.socket b.socket\n"),
                ("usr/lib/systemd/system/dns.socket", "ListenDatagram=127.0.0.1:53\nListenStream=/run/53\n"),
            ],
        );
        let sockets = |unit| policy_under(&root.0, unit, None).sockets;
        assert_eq!(sockets("ssh.service"), ["ssh.socket"]);
        assert_eq!(sockets("log.service"), ["a.socket", "b.socket"]);
        let of_port = |socket| socket_units_under(&root.0, &socket);
        assert_eq!(of_port(socket("::", 22)), ["ssh.socket"]);
        assert_eq!(of_port(socket("::1", 2222)), ["ssh.socket"]);
        let udp = Socket { protocol: Protocol::Udp, state: None, ..socket("127.0.0.1", 53) };
        assert_eq!(of_port(udp), ["dns.socket"]);
        assert_eq!(of_port(socket("127.0.0.1", 53)), [""; 0]);
    }

    #[test]
    fn units_of_a_users_manager_have_their_own_files() {
        let root = Root::new(
            "user",
            &[
                ("usr/lib/systemd/system/web.service", "Restart=always\n"),
                ("usr/lib/systemd/user/web.service", "Restart=no\n"),
                ("run/user/1000/systemd/transient/run-u7.service", "Restart=always\n"),
            ],
        );
        let restarts = |unit, manager_of| policy_under(&root.0, unit, manager_of).restarts;
        assert_eq!([restarts("web.service", None), restarts("web.service", Some(1000))], [Some(true), Some(false)]);
        assert_eq!([restarts("run-u7.service", Some(1000)), restarts("run-u7.service", Some(1001))], [Some(true), None]);
    }
}
