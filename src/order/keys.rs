//! What a user may sort by (`--sort local,-pid`).

use crate::model::owners::OwnerSearch;
use crate::request::column::Column;
use crate::request::needs::Needs;
use std::str::FromStr;

/// A column to sort by and the direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The column.
    pub column: Column,
    /// Whether the greatest comes first (`-` before the name).
    pub descending: bool,
}

impl SortKey {
    /// The names of the columns that have an order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Column::ALL.into_iter().filter(|column| column.definition().is_sortable).map(Column::name)
    }

    /// What has to be read and looked up to sort by it: of several owners the one with the lowest PID decides.
    pub fn needs(self) -> Needs {
        Needs { owners: self.column.definition().needs.owners.min(OwnerSearch::Lowest), ..self.column.definition().needs }
    }
}

/// A word that names no column with an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a column with an order")]
pub struct UnknownKey;

impl FromStr for SortKey {
    type Err = UnknownKey;

    fn from_str(word: &str) -> Result<Self, UnknownKey> {
        let (name, descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        let column = Column::parse(name).filter(|column| column.definition().is_sortable).ok_or(UnknownKey)?;
        Ok(Self { column, descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_names_no_column_with_an_order_is_refused() {
        assert_eq!("-PID".parse(), Ok(SortKey { column: Column::Pid, descending: true }));
        assert_eq!("port".parse(), Ok(SortKey { column: Column::LocalPort, descending: false }));
        assert_eq!("local-port".parse(), Ok(SortKey { column: Column::LocalPort, descending: false }));
        for word in ["", "-", "--pid", "+pid", "ports", "command_line"] {
            assert_eq!(word.parse::<SortKey>(), Err(UnknownKey), "{word}");
        }
    }

    #[test]
    fn one_owner_is_enough_to_sort_by() {
        let needs = |word: &str| word.parse::<SortKey>().unwrap().needs();
        assert_eq!((needs("pid").owners, needs("local").owners), (OwnerSearch::Lowest, OwnerSearch::Skip));
        assert!(needs("process").processes.is_some());
    }
}
