//! The order of the rows.

use super::choice::rows_at;
use crate::moment::Moment;
use crate::order::keys::SortKey;
use crate::reports::sockets::wide::is_in_first_group;
use crate::request::column::Column;
use crate::request::needs::Needs;

/// By which columns the rows are sorted; without any, listeners come first, each by its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    keys: Vec<SortKey>,
    is_reversed: bool,
}

impl Order {
    /// The order of a command line.
    pub fn new(keys: &[SortKey]) -> Self {
        Self { keys: keys.to_vec(), is_reversed: false }
    }

    /// What has to be looked up of all rows to sort them.
    pub fn needs(&self) -> Needs {
        self.keys.iter().map(|key| key.needs()).collect()
    }

    /// Sorts rows of a moment.
    pub fn sort(&self, moment: &Moment, mut rows: Vec<u32>) -> Vec<u32> {
        let is_of_one_namespace = moment.snapshot().is_none_or(|snapshot| snapshot.namespaces.len() < 2);
        let all = rows_at(moment, &[]);
        match self.keys.as_slice() {
            [] if is_of_one_namespace => {
                let is_first = |position: &u32| all.get(*position).is_some_and(is_in_first_group);
                let (first, rest): (Vec<u32>, Vec<u32>) = rows.iter().partition(|position| is_first(position));
                rows = [first, rest].concat();
            }
            [] => {}
            keys => rows = crate::order::sort(keys, all.at(&rows)),
        }
        if self.is_reversed {
            rows.reverse();
        }
        rows
    }

    /// The next of the columns that are shown; after the last one the usual order.
    pub fn next(&mut self, columns: &[Column]) {
        let sortable = columns.iter().copied().filter(|column| column.definition().is_sortable);
        let next = match self.keys.first() {
            None => sortable.clone().next(),
            Some(key) => sortable.clone().skip_while(|&column| column != key.column).nth(1),
        };
        *self = Self::new(&next.map(ascending).into_iter().collect::<Vec<_>>());
    }

    /// By the column of a number; the same again reverses it. Says whether there is such a column with an order.
    pub fn by(&mut self, number: usize, columns: &[Column]) -> bool {
        let Some(&column) = columns.get(number.wrapping_sub(1)).filter(|column| column.definition().is_sortable) else {
            return false;
        };
        match self.keys.as_mut_slice() {
            [key] if key.column == column => key.descending = !key.descending,
            _ => *self = Self::new(&[ascending(column)]),
        }
        true
    }

    /// The other direction.
    pub fn reverse(&mut self) {
        if self.keys.is_empty() {
            self.is_reversed = !self.is_reversed;
        }
        self.keys.iter_mut().for_each(|key| key.descending = !key.descending);
    }

    /// The order for people: `pid`, `-state`.
    pub fn description(&self) -> Option<String> {
        let key = |key: &SortKey| format!("{}{}", if key.descending { "-" } else { "" }, key.column.name());
        match self.keys.as_slice() {
            [] => self.is_reversed.then(|| "reversed".to_owned()),
            keys => Some(keys.iter().map(key).collect::<Vec<_>>().join(",")),
        }
    }
}

const fn ascending(column: Column) -> SortKey {
    SortKey { column, descending: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [Column::Protocol, Column::Peer, Column::Pid];

    fn description(order: &Order) -> String {
        order.description().unwrap_or_default()
    }

    #[test]
    fn the_columns_that_are_shown_and_have_an_order_follow_each_other() {
        let mut order = Order::default();
        let mut seen = Vec::new();
        for _ in 0..4 {
            order.next(&COLUMNS);
            seen.push(description(&order));
        }
        assert_eq!(seen, ["protocol", "pid", "", "protocol"]);
    }

    #[test]
    fn a_number_sorts_by_its_column_and_again_reverses() {
        let mut order = Order::default();
        assert!(order.by(3, &COLUMNS) && order.by(3, &COLUMNS));
        assert_eq!(description(&order), "-pid");
        order.reverse();
        assert_eq!(description(&order), "pid");
        assert!(!order.by(2, &COLUMNS) && !order.by(4, &COLUMNS) && !order.by(0, &COLUMNS));
        assert_eq!(description(&order), "pid");
        let mut usual = Order::default();
        usual.reverse();
        assert_eq!(description(&usual), "reversed");
    }
}
