//! Conditions on a socket, as far as the kernel can test them.

use ipnet::IpNet;

/// One end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This host's end, the kernel's "source".
    Local,
    /// The other end, the kernel's "destination".
    Remote,
}

/// What one instruction tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The port of an end is this one or a higher one.
    PortFrom(End, u16),
    /// The port of an end is this one or a lower one.
    PortTo(End, u16),
    /// The address of an end lies within a prefix.
    Within(End, IpNet),
}

/// A condition. Those that the functions below put together hold [`Condition::Always`] and [`Condition::Never`] at the top alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Every socket meets it.
    Always,
    /// No socket meets it.
    Never,
    /// A test by the kernel.
    Test(Test),
    /// The condition is not met.
    Not(Box<Condition>),
    /// All are met; two or more.
    All(Vec<Condition>),
    /// One of them is met; two or more.
    Any(Vec<Condition>),
    /// Where the test is passed the first is met, where it is not the second.
    Either(Test, Box<(Condition, Condition)>),
}

impl Condition {
    /// All of the conditions are met.
    pub(super) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::combine(conditions, Self::Always, Self::Never, Self::All)
    }

    /// One of the conditions is met.
    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::combine(conditions, Self::Never, Self::Always, Self::Any)
    }

    /// The condition is not met.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Leaves out what changes nothing (`neutral`) and lets what decides (`absorbing`) decide.
    fn combine(
        conditions: impl IntoIterator<Item = Self>,
        neutral: Self,
        absorbing: Self,
        together: impl FnOnce(Vec<Self>) -> Self,
    ) -> Self {
        let mut parts = Vec::new();
        for condition in conditions {
            if condition == absorbing {
                return absorbing;
            }
            if condition != neutral {
                parts.push(condition);
            }
        }
        match parts.len() {
            0 => neutral,
            1 => parts.swap_remove(0),
            _ => together(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_disappears() {
        let test = || Condition::Test(Test::PortFrom(End::Local, 80));
        assert_eq!(Condition::all([Condition::Always, test()]), test());
        assert_eq!(Condition::all([test(), Condition::Never]), Condition::Never);
        assert_eq!(Condition::any([test(), Condition::Always]), Condition::Always);
        assert_eq!(Condition::any([]), Condition::Never);
        assert_eq!(Condition::all([]), Condition::Always);
        assert_eq!(test().not().not(), test());
        assert_eq!(Condition::any([test(), Condition::Never, test()]), Condition::Any(vec![test(), test()]));
    }
}
