//! The words of each report in each language.

use super::consumers::text as consumers;
use super::interfaces::text as interfaces;
use super::rdma::text as rdma;
use super::routes::text as routes;
use super::sockets::table;
use super::statistics::text as statistics;
use super::summary::text as summary;
use crate::request::language::Language;

impl Language {
    /// The words of the table of sockets.
    pub const fn sockets(self) -> &'static table::Words {
        match self {
            Self::En => &table::ENGLISH,
            Self::Ko => &table::KOREAN,
        }
    }

    /// The words of the busiest processes.
    pub const fn consumers(self) -> &'static consumers::Words {
        match self {
            Self::En => &consumers::ENGLISH,
            Self::Ko => &consumers::KOREAN,
        }
    }

    /// The words of the interfaces' counters.
    pub const fn interfaces(self) -> &'static interfaces::Words {
        match self {
            Self::En => &interfaces::ENGLISH,
            Self::Ko => &interfaces::KOREAN,
        }
    }

    /// The words of the RDMA connections.
    pub const fn rdma(self) -> &'static rdma::Words {
        match self {
            Self::En => &rdma::ENGLISH,
            Self::Ko => &rdma::KOREAN,
        }
    }

    /// The words of the routes.
    pub const fn routes(self) -> &'static routes::Words {
        match self {
            Self::En => &routes::ENGLISH,
            Self::Ko => &routes::KOREAN,
        }
    }

    /// The words of the protocols' counters.
    pub const fn statistics(self) -> &'static statistics::Words {
        match self {
            Self::En => &statistics::ENGLISH,
            Self::Ko => &statistics::KOREAN,
        }
    }

    /// The words of the summary.
    pub const fn summary(self) -> &'static summary::Words {
        match self {
            Self::En => &summary::ENGLISH,
            Self::Ko => &summary::KOREAN,
        }
    }
}
