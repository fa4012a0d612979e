//! Ports that Docker publishes: its proxy holds the port, and a container behind it listens on another one.

use crate::model::process::Process;
use crate::model::socket::Pid;
use std::ffi::OsStr;
use std::net::IpAddr;

/// The name of Docker's proxy, of which one process runs for each published port.
const PROXY: &str = "docker-proxy";

/// Where a proxy passes on what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The address of the container.
    pub address: IpAddr,
    /// The port in the container.
    pub port: u16,
    /// The position of the network namespace that has the address, if namespaces were asked for and one has it.
    pub namespace: Option<usize>,
}

impl Published {
    /// What a process publishes by its command line; `None` if it is no proxy.
    pub fn by(process: &Process) -> Option<Self> {
        if process.name != OsStr::new(PROXY) {
            return None;
        }
        let value = |switch: &str| {
            let mut words = process.command_line.iter().skip_while(|word| word.as_os_str() != OsStr::new(switch));
            words.nth(1)?.to_str()
        };
        Some(Self {
            address: value("-container-ip")?.parse().ok()?,
            port: value("-container-port")?.parse().ok()?,
            namespace: None,
        })
    }

    /// What these processes publish.
    pub fn all<'a>(processes: impl IntoIterator<Item = &'a Process>) -> impl Iterator<Item = (Pid, Self)> {
        processes.into_iter().filter_map(|process| Some((process.pid, Self::by(process)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(name: &str, line: &str) -> Process {
        let command_line = line.split(' ').map(Into::into).collect();
        Process { pid: 7, name: name.into(), command_line, ..Process::default() }
    }

    #[test]
    fn a_proxy_names_the_container_and_its_port() {
        let line =
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80";
        let expected = Published { address: "172.17.0.2".parse().unwrap(), port: 80, namespace: None };
        assert_eq!(Published::by(&proxy("docker-proxy", line)), Some(expected));
        assert_eq!(Published::by(&proxy("nginx", line)), None);
    }

    #[test]
    fn a_command_line_that_is_cut_or_no_proxy_s_publishes_nothing() {
        for line in [
            "docker-proxy",
            "docker-proxy -container-ip",
            "docker-proxy -container-ip 172.17.0.2 -container-port",
            "docker-proxy -container-ip web -container-port 80",
            "docker-proxy -container-ip ::1 -container-port 65536",
        ] {
            assert_eq!(Published::by(&proxy("docker-proxy", line)), None, "{line}");
        }
    }
}
