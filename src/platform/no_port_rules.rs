//! Ports on systems whose rules about them nobody has taught this program to read.

use crate::explain::PortRules;

/// Nothing is told.
pub(crate) fn read() -> PortRules {
    PortRules::default()
}
