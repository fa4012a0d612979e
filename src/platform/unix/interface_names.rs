//! The interfaces of Unix.

/// The index of the interface of this name, which is the scope id of its link-local addresses.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// The name of the interface that has this index now; what is not UTF-8 in it is replaced.
pub(crate) fn interface_name(index: u32) -> Option<String> {
    let name = nix::net::if_::if_indextoname(index).ok()?;
    // For an index that no interface has the name is empty.
    Some(name.to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_has_a_name_and_an_unused_index_has_none() {
        let (index, name) = ["lo", "lo0"].into_iter().find_map(|name| Some((interface_index(name)?, name))).unwrap();
        assert_eq!(interface_name(index).as_deref(), Some(name));
        assert_eq!(interface_name(u32::MAX), None);
    }
}
