//! Names of addresses, by the system's own resolver.

use super::resolver::Resolver;
use crate::platform;
use std::net::IpAddr;

/// How many addresses are resolved at the same time.
const MAX_THREADS: usize = 64;

/// A resolver of addresses, which keeps its answers over all refreshes.
pub fn resolver() -> Resolver<IpAddr> {
    Resolver::new(MAX_THREADS, |address| dns_lookup::lookup_addr(address).ok().filter(|name| is_name(name)))
}

/// The root of the name space is the name of no host.
fn is_name(name: &str) -> bool {
    name != "."
}

/// The name of this host, with its domain if the system gives it.
pub fn own_name() -> Option<String> {
    platform::host_name()
}

/// The first label of a name.
pub fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_name_of_no_host() {
        assert!(!is_name(".") && is_name("localhost"));
    }

    #[test]
    fn a_first_label_ends_at_the_dot() {
        assert_eq!(first_label("www.example.org"), "www");
        assert_eq!(first_label("localhost"), "localhost");
    }
}
