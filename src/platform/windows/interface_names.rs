//! The names of interfaces, as Windows' settings show them (`Ethernet`).

use super::mib;

/// The index of the interface of this name, in any letter case.
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    let rows = mib::interfaces().ok()?;
    rows.iter().find(|row| alias(&row.Alias).to_lowercase() == name.to_lowercase()).map(|row| row.InterfaceIndex)
}

/// The name of the interface that has this index now.
pub(crate) fn interface_name(index: u32) -> Option<String> {
    let rows = mib::interfaces().ok()?;
    rows.iter().find(|row| row.InterfaceIndex == index).map(|row| alias(&row.Alias))
}

fn alias(units: &[u16]) -> String {
    String::from_utf16_lossy(units.split(|&unit| unit == 0).next().unwrap_or_default())
}
