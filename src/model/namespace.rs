//! Network namespaces.

use super::socket::Pid;
use std::borrow::Cow;
use std::ops::Range;

/// A network namespace and which rows of a snapshot are in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its inode, as `/proc/PID/ns/net` shows it; `None` if this user may not know it.
    pub inode: Option<u32>,
    /// Whether it is that of rnetstat itself.
    pub own: bool,
    /// Whether it is the initial one, which people call the host.
    pub initial: bool,
    /// What it is called, if anything.
    pub name: Option<String>,
    /// What the name is the name of.
    pub source: NameSource,
    /// The container that its processes belong to.
    pub container: Option<NamespaceContainer>,
    /// How many processes are in it; `None` if not all can be seen.
    pub processes: Option<u32>,
    /// One of its processes, by which files of the namespace can be found.
    pub pid: Option<Pid>,
    /// Whether its sockets could not be read, so that it may have more than its rows.
    pub is_unread: bool,
    /// The positions of its rows.
    pub rows: Range<u32>,
}

impl Namespace {
    /// What the table calls it: its name, else its inode.
    pub fn label(&self) -> Cow<'_, str> {
        match (&self.name, self.inode) {
            _ if self.initial => Cow::Borrowed("host"),
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(inode)) => Cow::Owned(inode.to_string()),
            (None, None) => Cow::Borrowed("-"),
        }
    }

    /// The positions of its rows, as those of a slice.
    pub const fn positions(&self) -> Range<usize> {
        self.rows.start as usize..self.rows.end as usize
    }

    /// The order in which namespaces are shown: the own one first, then by name, those without one by inode.
    pub fn sort_key(&self) -> (bool, bool, Option<&str>, Option<u32>) {
        (!self.own, self.name.is_none() && !self.initial, self.name.as_deref(), self.inode)
    }
}

/// What the name of a network namespace is the name of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameSource {
    /// A container or a pod.
    Container,
    /// A file that `ip netns` or a container engine bound it to.
    Netns,
    /// The host name of its processes.
    Hostname,
    /// The name of a process.
    Process,
    /// It has no name.
    #[default]
    None,
}

impl NameSource {
    /// The fixed word of the machine-readable formats.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Netns => "netns",
            Self::Hostname => "hostname",
            Self::Process => "process",
            Self::None => "none",
        }
    }
}

/// A container as its engine describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceContainer {
    /// The engine or runtime.
    pub runtime: String,
    /// Its id, or its name if it is known by name.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The pod of Kubernetes.
    pub pod: Option<String>,
    /// The pod's namespace.
    pub pod_namespace: Option<String>,
    /// The image.
    pub image: Option<String>,
}

impl NamespaceContainer {
    /// What the namespace is called after it: the pod with its namespace, else the name, else the beginning of the id.
    pub fn label(&self) -> String {
        const SHORT: usize = 12;
        match (&self.pod_namespace, &self.pod, &self.name) {
            (Some(namespace), Some(pod), _) => format!("{namespace}/{pod}"),
            (None, Some(pod), _) => pod.clone(),
            (_, None, Some(name)) => name.clone(),
            (_, None, None) => match self.id.get(..SHORT) {
                Some(short) if self.id.len() == 64 => short.to_owned(),
                _ => self.id.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_called_by_its_name_or_its_inode() {
        let named = Namespace { name: Some("web".to_owned()), inode: Some(7), ..Namespace::default() };
        assert_eq!(named.label(), "web");
        assert_eq!(Namespace { name: None, ..named.clone() }.label(), "7");
        assert_eq!(Namespace { initial: true, ..named }.label(), "host");
    }

    #[test]
    fn the_own_namespace_comes_first_and_those_without_a_name_last() {
        let namespace = |own, name: Option<&str>, inode| Namespace {
            own,
            name: name.map(str::to_owned),
            inode: Some(inode),
            ..Namespace::default()
        };
        let mut all =
            [namespace(false, None, 3), namespace(false, Some("b"), 4), namespace(false, Some("a"), 5), namespace(true, None, 9)];
        all.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        assert_eq!(all.map(|namespace| namespace.inode.unwrap()), [9, 5, 4, 3]);
    }

    #[test]
    fn a_pod_is_called_with_its_namespace_and_a_long_id_is_cut() {
        let id = "0123456789abcdef".repeat(4);
        let mut container = NamespaceContainer { id, ..NamespaceContainer::default() };
        assert_eq!(container.label(), "0123456789ab");
        container.name = Some("web".to_owned());
        assert_eq!(container.label(), "web");
        (container.pod, container.pod_namespace) = (Some("web-1".to_owned()), Some("shop".to_owned()));
        assert_eq!(container.label(), "shop/web-1");
    }
}
