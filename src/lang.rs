//! Which language titles and headings are written in: English, unless another is asked for. States, protocol words, labels
//! and numbers are the same in every language, and the locale is never asked.

use crate::views::{connections, consumers, interfaces, rdma, routes, statistics};
use clap::ValueEnum;

/// A language of titles and headings. Each view keeps its words of every language side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// The words of the table of sockets.
    pub const fn connections(self) -> &'static connections::Words {
        match self {
            Self::En => &connections::ENGLISH,
            Self::Ko => &connections::KOREAN,
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
}
