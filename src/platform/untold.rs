//! Counters, interfaces and routes on systems where nobody has taught this program to read them.

use crate::model::problem::{Problem, ProblemKind};

/// What the protocols count.
pub(crate) mod statistics {
    use crate::model::problem::Problem;
    use crate::model::statistics::{Section, Statistics};

    /// Nothing, and the reason.
    pub(crate) fn read(_sections: &[Section]) -> (Statistics, Vec<Problem>) {
        (Statistics::default(), vec![super::untold("the counters of the protocols")])
    }
}

/// What the interfaces count.
pub(crate) mod interfaces {
    use crate::model::interface::InterfaceTotals;
    use crate::model::problem::Problem;

    /// Nothing, and the reason.
    pub(crate) fn totals() -> (InterfaceTotals, Vec<Problem>) {
        (InterfaceTotals::default(), vec![super::untold("the counters of the interfaces")])
    }
}

/// Where packets are sent.
pub(crate) mod routes {
    use crate::model::problem::Problem;
    use crate::model::route::Routing;

    /// Nothing, and the reason.
    pub(crate) fn read() -> (Routing, Vec<Problem>) {
        (Routing::default(), vec![super::untold("the interfaces and the routes")])
    }
}

fn untold(what: &str) -> Problem {
    let message = format!("{what} cannot be read on this operating system yet: rnetstat reads them on Linux and Windows");
    Problem::new(ProblemKind::TableUnreadable, message)
}
