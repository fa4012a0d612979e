//! `/proc/PID/cgroup`: the systemd unit and the container of a process.

use super::small_file;
use crate::model::cgroup::{Cgroup, Container};
use crate::model::socket::Pid;

/// The kinds of systemd units that hold processes, other than slices, which only hold units.
const UNITS: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

/// How runtimes name the control group of a container, before its id.
const PREFIXES: [(&str, &str); 5] = [
    ("docker-", "docker"),
    ("libpod-payload-", "podman"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("crio-", "cri-o"),
];

/// The folders in which runtimes keep control groups that are called by the id alone.
const FOLDERS: [(&str, &str); 4] =
    [("docker", "docker"), ("libpod_parent", "podman"), ("containerd", "containerd"), ("kubepods", "kubernetes")];

/// Reads the file of a process; the result is empty if it is not accessible.
pub fn membership(pid: Pid) -> Cgroup {
    small_file::read(format!("/proc/{pid}/cgroup")).map_or_else(|_| Cgroup::default(), |text| parse_bytes(&text))
}

/// Groups may have any name: what of it is not UTF-8 does not hide the rest of the path.
fn parse_bytes(text: &[u8]) -> Cgroup {
    parse(&String::from_utf8_lossy(text))
}

/// Understands the text of the file: a line for each hierarchy, `number:controllers:path`.
pub fn parse(text: &str) -> Cgroup {
    // The unified hierarchy has no controllers in its line; before it, systemd kept one of its own name.
    let path = text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let rank = match controllers {
            "" => 1,
            "name=systemd" => 2,
            _ => 0,
        };
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        Some((rank, path)).filter(|&(_, path)| path != "/")
    });
    let Some((_, path)) = path.max_by_key(|&(rank, _)| rank) else { return Cgroup::default() };
    Cgroup { unit: unit(path), manager_of: manager_of(path), container: container(path) }
}

fn unit(path: &str) -> Option<String> {
    let is_unit = |name: &&str| UNITS.iter().any(|kind| name.strip_suffix(kind).is_some_and(|stem| !stem.is_empty()));
    // An underline in front keeps a name apart from the kernel's own files.
    path.split('/').map(|name| name.strip_prefix('_').unwrap_or(name)).rfind(is_unit).map(str::to_owned)
}

/// The user in whose service manager, `user@1000.service`, the process runs.
fn manager_of(path: &str) -> Option<u32> {
    path.split('/').find_map(|name| name.strip_prefix("user@")?.strip_suffix(".service")?.parse().ok())
}

fn container(path: &str) -> Option<Container> {
    let names: Vec<&str> = path.split('/').collect();
    (0..names.len()).rev().find_map(|position| {
        let (folders, rest) = names.split_at_checked(position)?;
        named(rest.first()?, folders)
    })
}

fn named(name: &str, folders: &[&str]) -> Option<Container> {
    let found = |runtime, id: &str| Some(Container { runtime, id: id.to_owned() });
    if let Some(scope) = name.strip_suffix(".scope") {
        if let Some(machine) = scope.strip_prefix("machine-").filter(|machine| !machine.is_empty()) {
            return found("machine", machine);
        }
        return prefixed(scope).and_then(|(runtime, id)| found(runtime, id));
    }
    if let Some(name) = name.strip_prefix("lxc.payload.").filter(|name| !name.is_empty()) {
        return found("lxc", name);
    }
    if folders.last() == Some(&"lxc") && !name.is_empty() {
        return found("lxc", name);
    }
    if let Some((runtime, id)) = prefixed(name) {
        return found(runtime, id);
    }
    if !is_id(name) {
        return None;
    }
    let runtime = FOLDERS.iter().find(|(folder, _)| folders.iter().any(|name| name.starts_with(folder)));
    found(runtime?.1, name)
}

fn prefixed(name: &str) -> Option<(&'static str, &str)> {
    PREFIXES.iter().find_map(|&(prefix, runtime)| Some((runtime, name.strip_prefix(prefix).filter(|id| is_id(id))?)))
}

fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn unit_of(path: &str) -> Option<String> {
        parse(&format!("0::{path}\n")).unit
    }

    fn container_of(path: &str) -> Option<(&'static str, String)> {
        parse(&format!("0::{path}\n")).container.map(|container| (container.runtime, container.id))
    }

    #[test]
    fn the_unit_is_the_innermost_that_is_no_slice() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(unit_of("/system.slice/nginx.service"), some("nginx.service"));
        assert_eq!(unit_of("/system.slice/system-getty.slice/getty@tty1.service"), some("getty@tty1.service"));
        assert_eq!(unit_of("/user.slice/user-1000.slice/session-3.scope"), some("session-3.scope"));
        assert_eq!(unit_of("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"), some("web.service"));
        assert_eq!(unit_of("/system.slice/runner.service/worker/7"), some("runner.service"));
        assert_eq!(unit_of("/system.slice/_cgroup.service"), some("cgroup.service"));
        assert_eq!(unit_of("/system.slice/old.service (deleted)"), some("old.service"));
        assert_eq!(unit_of("/init.scope"), some("init.scope"));
        assert_eq!([unit_of("/"), unit_of("/system.slice"), unit_of("/a/.service"), unit_of("")], [None, None, None, None]);
    }

    #[test]
    fn older_systems_keep_the_unit_in_a_hierarchy_of_its_name() {
        let text = "12:cpu,cpuacct:/elsewhere.service\n1:name=systemd:/system.slice/ssh.service\n0::/\n";
        assert_eq!(parse(text).unit.as_deref(), Some("ssh.service"));
        let colon = "0::/system.slice/odd:name.service\n";
        assert_eq!(parse(colon).unit.as_deref(), Some("odd:name.service"));
    }

    #[test]
    fn containers_of_every_runtime_are_known_by_their_ids() {
        let id = |runtime| Some((runtime, ID.to_owned()));
        assert_eq!(container_of(&format!("/system.slice/docker-{ID}.scope")), id("docker"));
        assert_eq!(container_of(&format!("/docker/{ID}")), id("docker"));
        assert_eq!(container_of(&format!("/docker/{ID}/system.slice/nginx.service")), id("docker"));
        assert_eq!(container_of(&format!("/machine.slice/libpod-{ID}.scope/container")), id("podman"));
        assert_eq!(container_of(&format!("/libpod_parent/libpod-{ID}")), id("podman"));
        let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234.slice";
        assert_eq!(container_of(&format!("{pod}/cri-containerd-{ID}.scope")), id("containerd"));
        assert_eq!(container_of(&format!("{pod}/crio-{ID}.scope")), id("cri-o"));
        assert_eq!(container_of(&format!("/kubepods/burstable/pod1234/{ID}")), id("kubernetes"));
        assert_eq!(container_of("/lxc/web/init.scope"), Some(("lxc", "web".to_owned())));
        assert_eq!(container_of("/lxc.payload.web/init.scope"), Some(("lxc", "web".to_owned())));
        assert_eq!(container_of("/machine.slice/machine-web.scope"), Some(("machine", "web".to_owned())));
    }

    #[test]
    fn what_only_looks_like_a_container_is_none() {
        for path in [
            "/system.slice/docker.service",
            "/system.slice/docker-0123.scope",
            &format!("/machine.slice/libpod-conmon-{ID}.scope"),
            &format!("/elsewhere/{ID}"),
            "/lxc",
            "/docker/",
        ] {
            assert_eq!(container_of(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_that_is_no_text_hides_neither_unit_nor_container() {
        let text = [b"0::/system.slice/docker-", ID.as_bytes(), b".scope/\xff\xfe/init\n"].concat();
        let cgroup = parse_bytes(&text);
        assert_eq!(cgroup.unit, Some(format!("docker-{ID}.scope")));
        assert_eq!(cgroup.container.map(|container| container.id).as_deref(), Some(ID));
        assert_eq!(parse_bytes(b"0::/x.slice/bad\xff.service\n").unit.as_deref(), Some("bad\u{fffd}.service"));
    }

    #[test]
    fn a_machine_without_a_name_is_no_container() {
        assert_eq!(container_of("/machine.slice/machine-.scope"), None);
        assert_eq!(unit_of("/machine.slice/machine-.scope").as_deref(), Some("machine-.scope"));
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_not(text in "([0-9]{0,2}:[a-z=,]{0,12}:(/[a-z_.0-9\\-]{0,12}(.service|.scope|.slice)?){0,4}\n){0,4}|.{0,100}") {
            let membership = parse(&text);
            prop_assert!(membership.unit.is_none_or(|unit| text.contains(&unit)));
        }
    }
}
