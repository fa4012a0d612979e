//! Unit files of systemd (systemd.unit(5)): the settings that say whether a process is started again.

use crate::model::socket::{Protocol, Socket};
use std::collections::BTreeMap;

/// The settings of a unit, each with its values in their order. The sections do not matter: what is used stands in one alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Vec<String>>);

impl Settings {
    /// Adds the settings of a file. An empty value resets those before it.
    pub fn add(&mut self, text: &str) {
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '['])) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let values = self.0.entry(name.trim().to_owned()).or_default();
            match value.trim() {
                "" => values.clear(),
                value => values.push(value.to_owned()),
            }
        }
    }

    /// Whether a service is started again when its process ends by SIGTERM. Many programs exit with a status of their own then,
    /// which is a failure to systemd.
    pub fn restarts(&self) -> bool {
        self.values("Restart").last().is_some_and(|value| value != "no")
    }

    /// The socket units of a service.
    pub fn sockets(&self) -> Vec<String> {
        self.values("Sockets").iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect()
    }

    /// Whether a socket unit listens on the port of a socket: `22`, `192.0.2.1:22` or `[::1]:22`, but not `/run/x`.
    pub fn listens_for(&self, socket: &Socket) -> bool {
        let name = match socket.protocol {
            Protocol::Tcp => "ListenStream",
            Protocol::Udp => "ListenDatagram",
        };
        let port = |value: &str| value.rsplit_once(':').map_or(value, |(_, port)| port).parse() == Ok(socket.local.port);
        self.values(name).iter().any(|value| !value.starts_with(['/', '@']) && port(value))
    }

    fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The names under which the files of a unit are kept: its own, and that of its template.
pub fn names(unit: &str) -> Vec<String> {
    let template = unit.split_once('@').and_then(|(stem, rest)| {
        let (_, kind) = rest.rsplit_once('.')?;
        Some(format!("{stem}@.{kind}"))
    });
    [Some(unit.to_owned()), template].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::socket::tests::socket;
    use proptest::prelude::*;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::default();
        settings.add(text);
        settings
    }

    #[test]
    fn the_last_value_counts_and_an_empty_one_resets() {
        assert!(settings("[Service]\nRestart=no\nRestart = \\\n always\n").restarts());
        for text in ["", "Restart=always\nRestart=\n", "#Restart=always", "Restart=no", "; Restart=always", "restart=always"] {
            assert!(!settings(text).restarts(), "{text}");
        }
    }

    #[test]
    fn a_port_stands_alone_or_behind_an_address() {
        let listens = |text: &str| settings(text).listens_for(&socket("::1", 22));
        assert!(listens("ListenStream=22") && listens("ListenStream=[::1]:22") && listens("ListenStream=192.0.2.1:22"));
        for text in ["ListenStream=2222", "ListenStream=/run/22", "ListenDatagram=22", "ListenStream=22\nListenStream=", "22"] {
            assert!(!listens(text), "{text}");
        }
    }

    #[test]
    fn a_unit_of_a_template_has_the_file_of_the_template_too() {
        assert_eq!(names("getty@tty1.service"), ["getty@tty1.service", "getty@.service"]);
        assert_eq!(names("nginx.service"), ["nginx.service"]);
        assert_eq!(names("odd@"), ["odd@"]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_unit_file(text in any::<String>(), unit in any::<String>()) {
            let settings = settings(&text);
            let _ = (settings.restarts(), settings.sockets(), settings.listens_for(&socket("::1", 22)));
            let names = names(&unit);
            prop_assert_eq!(names.first(), Some(&unit));
        }
    }
}
