//! Network namespaces that are wanted.

use super::owners::NamePattern;
use super::selector::Selector;
use crate::model::namespace::Namespace;
use crate::model::socket::Pid;
use std::path::PathBuf;

/// Whose sockets are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NamespaceSelection {
    /// Those of the network namespace that rnetstat runs in.
    #[default]
    Own,
    /// Those of every network namespace.
    All,
    /// Those of some network namespaces.
    Matching(Selector<NamespacePattern>),
}

/// One of the ways to name a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespacePattern {
    /// Its name, or that of its container or pod.
    Name(NamePattern),
    /// Its inode.
    Inode(u32),
    /// A file that it is bound to, or a link such as `/proc/1/ns/net`.
    Path(PathBuf),
    /// That of a process.
    Pid(Pid),
    /// The initial one.
    Host,
}

impl NamespacePattern {
    /// The pattern of a value.
    pub fn parse(value: &str) -> Result<[Self; 1], String> {
        if let Some(pid) = value.strip_prefix("pid:") {
            return super::owners::parse_pid(pid).map(|[pid]| [Self::Pid(pid)]);
        }
        Ok([match value {
            "host" => Self::Host,
            path if path.starts_with('/') => Self::Path(PathBuf::from(path)),
            name => match name.parse() {
                Ok(inode) => Self::Inode(inode),
                Err(_) => Self::Name(NamePattern::new(name)),
            },
        }])
    }
}

impl NamespaceSelection {
    /// Whether more than the own namespace may be wanted.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }

    /// Whether a namespace is wanted. `inode_of` finds the inode of a pattern that names a file or a process.
    pub fn matches(&self, namespace: &Namespace, inode_of: impl Fn(&NamespacePattern) -> Option<u32>) -> bool {
        let is = |pattern: &NamespacePattern| match pattern {
            NamespacePattern::Name(name) => names(namespace).any(|of| name.matches(of)),
            NamespacePattern::Inode(inode) => namespace.inode == Some(*inode),
            NamespacePattern::Path(_) | NamespacePattern::Pid(_) => {
                namespace.inode.is_some() && namespace.inode == inode_of(pattern)
            }
            NamespacePattern::Host => namespace.initial,
        };
        match self {
            Self::Own => namespace.own,
            Self::All => true,
            Self::Matching(selector) => selector.matches(is),
        }
    }
}

impl NamespaceSelection {
    /// Whether a namespace that is not known to be wanted may be so: it has no name that is known, and names are asked for.
    pub fn may_match(&self, namespace: &Namespace) -> bool {
        match self {
            Self::Own | Self::All => false,
            Self::Matching(selector) => {
                namespace.name.is_none() && selector.wanted.iter().any(|pattern| matches!(pattern, NamespacePattern::Name(_)))
            }
        }
    }
}

/// Everything that a namespace is called.
fn names(namespace: &Namespace) -> impl Iterator<Item = &str> {
    let container = namespace.container.as_ref();
    let of_container = container.into_iter().flat_map(|container| {
        let optional = [&container.name, &container.pod, &container.pod_namespace];
        std::iter::once(&container.id).chain(optional.into_iter().flatten())
    });
    namespace.name.iter().chain(of_container).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::namespace::NamespaceContainer;

    fn selection(values: &[&str]) -> NamespaceSelection {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        NamespaceSelection::Matching(Selector::parse(&values, NamespacePattern::parse).unwrap())
    }

    fn matches(values: &[&str], namespace: &Namespace) -> bool {
        selection(values).matches(namespace, |pattern| match pattern {
            NamespacePattern::Pid(7) => Some(4_026_532_000),
            _ => None,
        })
    }

    #[test]
    fn names_inodes_processes_and_the_host_name_a_namespace() {
        let container =
            NamespaceContainer { id: "c0ffee".to_owned(), pod: Some("web-1".to_owned()), ..NamespaceContainer::default() };
        let namespace = Namespace {
            inode: Some(4_026_532_000),
            name: Some("shop/web-1".to_owned()),
            container: Some(container),
            ..Namespace::default()
        };
        for value in ["shop/*", "web-1", "c0ffee", "4026532000", "pid:7", "!host", "!db*"] {
            assert!(matches(&[value], &namespace), "{value}");
        }
        for value in ["web", "4026532001", "pid:8", "host", "!web-1", "/proc/9/ns/net"] {
            assert!(!matches(&[value], &namespace), "{value}");
        }
        assert!(matches(&["db", "web-1"], &namespace) && !matches(&["web-1", "!shop/*"], &namespace));
        assert!(matches(&["host"], &Namespace { initial: true, ..namespace }));
    }

    #[test]
    fn a_namespace_without_a_known_name_may_be_one_that_is_asked_for_by_name() {
        let nameless = Namespace { inode: Some(7), ..Namespace::default() };
        assert!(selection(&["web"]).may_match(&nameless) && !selection(&["8", "pid:9"]).may_match(&nameless));
        assert!(!selection(&["web"]).may_match(&Namespace { name: Some("db".to_owned()), ..nameless }));
    }

    #[test]
    fn a_pid_is_a_number() {
        assert!(NamespacePattern::parse("pid:x").is_err() && NamespacePattern::parse("pid:").is_err());
    }
}
