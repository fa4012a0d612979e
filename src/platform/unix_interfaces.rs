//! The interfaces of Unix.

/// The index of the interface of this name, which is the scope id of its link-local addresses.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}
