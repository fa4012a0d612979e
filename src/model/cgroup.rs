//! Which part of the system a process belongs to.

/// The unit and the container of a process, as far as the system names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// The systemd unit, as `nginx.service`: the innermost one that is no slice.
    pub unit: Option<String>,
    /// The user whose own service manager runs the unit; `None` for that of the system.
    pub manager_of: Option<u32>,
    /// The container.
    pub container: Option<Container>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// What runs it: `docker`, `podman`, `containerd`, `cri-o`, `kubernetes`, `lxc` or `machine` (systemd-machined).
    pub runtime: &'static str,
    /// Its id, or its name where it is known by name.
    pub id: String,
}

impl Container {
    /// The runtime and the id; of a long id the twelve digits that container tools show.
    pub fn short_name(&self) -> String {
        const LONG: usize = 64;
        const SHORT: usize = 12;
        let id = if self.id.len() == LONG { self.id.get(..SHORT).unwrap_or(&self.id) } else { &self.id };
        format!("{} {id}", self.runtime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_cut_and_a_name_is_not() {
        let named = |id: &str| Container { runtime: "docker", id: id.to_owned() }.short_name();
        assert_eq!(named(&"0123456789abcdef".repeat(4)), "docker 0123456789ab");
        assert_eq!(named("a-machine-of-some-name"), "docker a-machine-of-some-name");
    }
}
