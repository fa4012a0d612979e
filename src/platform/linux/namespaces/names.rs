//! What network namespaces are called: after the container of their processes, by the files that container engines keep; after the
//! file that keeps the namespace; after the host name; after a process. No daemon is asked.
//!
//! Everything that is read here was written by others: it is data of unknown content, of bounded size, out of regular files alone.

use super::list::{Found, Listed};
use super::uts;
use crate::model::cgroup::Container;
use crate::model::namespace::{NameSource, Namespace, NamespaceContainer};
use crate::model::socket::Pid;
use crate::platform::linux::procfs::{cgroup, small_file};
use rustix::fs::{FileType, Mode, OFlags};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No file of an engine's is larger.
const LARGEST_FILE: u64 = 16 << 20;
/// No name is longer.
const LONGEST_NAME: usize = 253;

/// The name of the container that a process runs in, if its engine's files tell.
pub(crate) fn container_name(pid: Pid) -> Option<String> {
    let container = cgroup::membership(pid).container?;
    Names::of_system().describe(&container, pid).name
}

/// The name of Docker's container with an address.
pub(crate) fn container_at(address: &str) -> Option<String> {
    Names::of_system().docker_at(address)
}

/// Names of containers, as far as files tell.
pub(crate) struct Names {
    /// The root of the file system.
    root: PathBuf,
    /// What `/var/log/containers` says, by container id: pod, its namespace, container.
    kubernetes: HashMap<String, [String; 3]>,
    /// What podman's lists say, by file: names by container id.
    podman: RefCell<HashMap<PathBuf, HashMap<String, String>>>,
    /// The folder of Docker.
    docker: PathBuf,
    /// The UTS namespace of rnetstat.
    uts: Option<u64>,
}

impl Names {
    /// Of this system.
    pub(crate) fn of_system() -> Self {
        Self::under(Path::new("/"))
    }

    fn under(root: &Path) -> Self {
        let names = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
        let kubernetes =
            names(&root.join("var/log/containers")).filter_map(|entry| kubernetes_log(entry.file_name().to_str()?)).collect();
        let daemon = read_json(&root.join("etc/docker/daemon.json"));
        let data_root = daemon.as_ref().and_then(|daemon| daemon.get("data-root")?.as_str()).unwrap_or("/var/lib/docker");
        Self {
            root: root.to_owned(),
            kubernetes,
            podman: RefCell::default(),
            uts: uts::own(),
            docker: root.join(data_root.trim_start_matches('/')),
        }
    }

    /// The namespace of a number, with everything that is known of it but its rows.
    pub(crate) fn namespace(&self, key: u32, listed: &Listed) -> Namespace {
        let unknown = Found { inode: Some(key), ..Found::default() };
        let found = listed.get(key).unwrap_or(&unknown);
        let mut namespace = Namespace {
            inode: found.inode,
            own: listed.own == Some(key),
            initial: listed.initial == Some(key),
            processes: listed.refused.is_empty().then_some(found.processes),
            pid: found.pids.first().copied(),
            is_unread: listed.unreadable.contains(&key),
            ..Namespace::default()
        };
        if namespace.initial {
            namespace.name = Some("host".to_owned());
            return namespace;
        }
        namespace.container = self.container(&found.pids);
        let (name, source) = self.name(found, namespace.container.as_ref());
        (namespace.name, namespace.source) = (name, source);
        namespace
    }

    fn name(&self, found: &Found, container: Option<&NamespaceContainer>) -> (Option<String>, NameSource) {
        if let Some(container) = container {
            return (Some(container.label()), NameSource::Container);
        }
        if let Some(name) = found.path.as_deref().and_then(Path::file_name) {
            return (Some(name.to_string_lossy().into_owned()), NameSource::Netns);
        }
        let Some(&pid) = found.pids.first() else { return (None, NameSource::None) };
        if let Some(name) = uts::other_host_name(pid, self.uts) {
            return (Some(name), NameSource::Hostname);
        }
        match small_file::read(self.root.join(format!("proc/{pid}/comm"))) {
            Ok(comm) => (Some(format!("{} ({pid})", String::from_utf8_lossy(&comm).trim_end())), NameSource::Process),
            Err(_) => (None, NameSource::None),
        }
    }

    /// The container of one of the processes; one that has a name rather than the one that keeps a pod's namespace.
    fn container(&self, pids: &[Pid]) -> Option<NamespaceContainer> {
        let mut first = None;
        for &pid in pids {
            let Some(container) = cgroup::membership(pid).container else { continue };
            let described = self.describe(&container, pid);
            if described.name.is_some() {
                return Some(described);
            }
            first.get_or_insert(described);
        }
        first
    }

    fn describe(&self, container: &Container, pid: Pid) -> NamespaceContainer {
        let Container { runtime, id } = container;
        let known = NamespaceContainer { runtime: (*runtime).to_owned(), id: id.clone(), ..NamespaceContainer::default() };
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return NamespaceContainer { name: Some(id.clone()), ..known };
        }
        if let Some([pod, pod_namespace, name]) = self.kubernetes.get(id) {
            let some = |text: &String| Some(text.clone());
            return NamespaceContainer { name: some(name), pod: some(pod), pod_namespace: some(pod_namespace), ..known };
        }
        match *runtime {
            "docker" => self.docker(id, known),
            "podman" => NamespaceContainer { name: self.podman(id, pid), ..known },
            // A folder that Kubernetes makes does not tell which runtime it uses.
            "containerd" | "cri-o" | "kubernetes" => self.annotated(id, known),
            _ => known,
        }
    }

    fn docker(&self, id: &str, known: NamespaceContainer) -> NamespaceContainer {
        let Some(config) = read_json(&self.docker.join("containers").join(id).join("config.v2.json")) else { return known };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).and_then(bounded);
        NamespaceContainer {
            name: text(config.get("Name")).map(|name| name.trim_start_matches('/').to_owned()),
            image: text(config.get("Config").and_then(|config| config.get("Image"))),
            ..known
        }
    }

    fn docker_at(&self, address: &str) -> Option<String> {
        let folders = std::fs::read_dir(self.docker.join("containers")).ok()?.flatten();
        folders.filter_map(|folder| read_json(&folder.path().join("config.v2.json"))).find_map(|config| {
            let networks = config.get("NetworkSettings")?.get("Networks")?.as_object()?;
            let has = |name: &str, network: &Value| network.get(name).and_then(Value::as_str) == Some(address);
            networks.values().find(|network| has("IPAddress", network) || has("GlobalIPv6Address", network))?;
            bounded(config.get("Name")?.as_str()?.trim_start_matches('/'))
        })
    }

    /// What a bundle's annotations say: of containerd, of k3s and of CRI-O.
    fn annotated(&self, id: &str, known: NamespaceContainer) -> NamespaceContainer {
        const CONTAINERD: &str = "containerd/io.containerd.runtime.v2.task";
        let of_containerd = ["run", "run/k3s"].into_iter().flat_map(|run| {
            ["k8s.io", "default", "moby"].map(|namespace| format!("{run}/{CONTAINERD}/{namespace}/{id}/config.json"))
        });
        let of_crio = std::iter::once(format!("run/containers/storage/overlay-containers/{id}/userdata/config.json"));
        let Some(config) = of_containerd.chain(of_crio).find_map(|path| read_json(&self.root.join(path))) else { return known };
        let annotation = |names: &[&str]| {
            let annotations = config.get("annotations")?;
            names.iter().find_map(|name| bounded(annotations.get(name)?.as_str()?))
        };
        NamespaceContainer {
            name: annotation(&["io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"]),
            pod: annotation(&["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"]),
            pod_namespace: annotation(&["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"]),
            image: annotation(&["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "nerdctl/image-name"]),
            ..known
        }
    }

    /// A container of root's, or of the user that the process runs as.
    fn podman(&self, id: &str, pid: Pid) -> Option<String> {
        const LIST: &str = "containers/storage/overlay-containers/containers.json";
        let of_root = self.root.join("var/lib").join(LIST);
        self.podman_name(of_root, id).or_else(|| {
            let home = self.home_of(pid)?;
            self.podman_name(home.join(".local/share").join(LIST), id)
        })
    }

    fn podman_name(&self, list: PathBuf, id: &str) -> Option<String> {
        let mut lists = self.podman.borrow_mut();
        let names = lists.entry(list).or_insert_with_key(|path| {
            let containers = read_json(path).and_then(|list| list.as_array().cloned()).unwrap_or_default();
            let named = containers.iter().filter_map(|container| {
                let name = container.get("names")?.as_array()?.first()?.as_str()?;
                Some((container.get("id")?.as_str()?.to_owned(), bounded(name)?))
            });
            named.collect()
        });
        names.get(id).cloned()
    }

    /// The home of the user that a process runs as.
    fn home_of(&self, pid: Pid) -> Option<PathBuf> {
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(self.root.join(format!("proc/{pid}"))).ok()?);
        let users = read_file(&self.root.join("etc/passwd"))?;
        let home = String::from_utf8_lossy(&users).lines().find_map(|line| {
            let mut fields = line.split(':').skip(2);
            let is_user = fields.next()?.parse() == Ok(uid);
            fields.nth(2).filter(|_| is_user).map(str::to_owned)
        })?;
        Some(self.root.join(home.trim_start_matches('/')))
    }
}

/// The id and the names in the name of a file in `/var/log/containers`: `POD_NAMESPACE_CONTAINER-ID.log`.
fn kubernetes_log(name: &str) -> Option<(String, [String; 3])> {
    let (rest, id) = name.strip_suffix(".log")?.rsplit_once('-')?;
    let mut names = rest.splitn(3, '_').map(bounded);
    let names = [names.next()??, names.next()??, names.next()??];
    (id.len() == 64).then(|| (id.to_owned(), names))
}

/// A name, if it is one.
fn bounded(name: &str) -> Option<String> {
    (!name.is_empty() && name.len() <= LONGEST_NAME).then(|| name.to_owned())
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&read_file(path)?).ok()
}

/// The content of a regular file of a bearable size. What is no regular file is not even opened for long: a user may have put a pipe
/// or a device in its place.
fn read_file(path: &Path) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_size.cast_unsigned() > LARGEST_FILE {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    /// A folder with files, removed with everything in it.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("rnetstat-names-{name}-{}", std::process::id()));
            for (path, content) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn described(root: &Root, runtime: &'static str, id: &str) -> NamespaceContainer {
        Names::under(&root.0).describe(&Container { runtime, id: id.to_owned() }, 0)
    }

    #[test]
    fn files_of_every_engine_name_its_containers() {
        let docker = r#"{"Name":"/web","Config":{"Image":"nginx:1"}}"#;
        let root = Root::new(
            "engines",
            &[
                (&format!("var/log/containers/web-1_shop_nginx-{OTHER}.log"), ""),
                (&format!("var/lib/docker/containers/{ID}/config.v2.json"), docker),
                (
                    &format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json"),
                    r#"{"annotations":{"io.kubernetes.cri.sandbox-name":"db-0","io.kubernetes.cri.sandbox-namespace":"shop"}}"#,
                ),
                (
                    "var/lib/containers/storage/overlay-containers/containers.json",
                    &format!(r#"[{{"id":"{ID}","names":["cache"]}}]"#),
                ),
            ],
        );
        let web = described(&root, "docker", ID);
        assert_eq!((web.label(), web.image.as_deref()), ("web".to_owned(), Some("nginx:1")));
        assert_eq!(described(&root, "containerd", ID).label(), "shop/db-0");
        assert_eq!(described(&root, "podman", ID).label(), "cache");
        assert_eq!(described(&root, "lxc", "mail").label(), "mail");
        let pod = described(&root, "kubernetes", OTHER);
        assert_eq!((pod.label(), pod.name.as_deref()), ("shop/web-1".to_owned(), Some("nginx")));
        assert_eq!(described(&root, "docker", OTHER).label(), "shop/web-1");
        assert_eq!(described(&root, "podman", &"0".repeat(64)).label(), "000000000000");
    }

    #[test]
    fn another_data_root_of_docker_is_followed() {
        let root = Root::new(
            "data-root",
            &[
                ("etc/docker/daemon.json", r#"{"data-root":"/srv/docker"}"#),
                (&format!("srv/docker/containers/{ID}/config.v2.json"), r#"{"Name":"/web"}"#),
            ],
        );
        assert_eq!(described(&root, "docker", ID).label(), "web");
    }

    #[test]
    fn a_container_of_docker_is_found_by_its_address() {
        let network = r#"{"bridge":{"IPAddress":"172.17.0.2","GlobalIPv6Address":""}}"#;
        let config = format!(r#"{{"Name":"/web","NetworkSettings":{{"Networks":{network}}}}}"#);
        let stopped = r#"{"Name":"/old","NetworkSettings":{"Networks":{"bridge":{"IPAddress":""}}}}"#;
        let root = Root::new(
            "address",
            &[
                (&format!("var/lib/docker/containers/{OTHER}/config.v2.json"), stopped),
                (&format!("var/lib/docker/containers/{ID}/config.v2.json"), &config),
            ],
        );
        assert_eq!(Names::under(&root.0).docker_at("172.17.0.2").as_deref(), Some("web"));
        assert_eq!(Names::under(&root.0).docker_at("172.17.0.3"), None);
    }

    #[test]
    fn hostile_files_name_nothing() {
        let long = format!(r#"{{"Name":"/{}"}}"#, "x".repeat(1000));
        for (case, content) in
            [("long", long.as_str()), ("cut", "{\"Name\":\"/we"), ("number", "{\"Name\":7}"), ("deep", &"[".repeat(100_000))]
        {
            let root = Root::new(case, &[(&format!("var/lib/docker/containers/{ID}/config.v2.json"), content)]);
            assert_eq!(described(&root, "docker", ID).label(), "0123456789ab", "{case}");
        }
        let root = Root::new("pipe", &[("var/lib/docker/containers/x", "")]);
        let folder = root.0.join("var/lib/docker/containers").join(ID);
        std::fs::create_dir_all(&folder).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("config.v2.json"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert_eq!(described(&root, "docker", ID).label(), "0123456789ab");
        for name in ["a_b-1.log", "no log", &format!("_b_c-{ID}.log"), &format!("a_b-{ID}.log"), &format!("a_b_c-{ID}x.log")] {
            assert_eq!(kubernetes_log(name), None, "{name}");
        }
    }
}
