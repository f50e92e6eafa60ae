//! Which events a request brings.

use std::collections::HashSet;

use arrow::array::StringViewArray;

use super::Prepared;
use crate::schema::Table;

/// The place of `events.event`.
const EVENT: usize = 3;

impl Prepared {
    /// Which of these events it holds.
    pub fn events<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        let of_events = self.rows.iter().find(|rows| rows.table == Table::Events);
        let column = of_events.map(|rows| rows.batch.column(EVENT).as_any());
        let column = column.and_then(|column| column.downcast_ref::<StringViewArray>());
        let present: HashSet<&str> = column.into_iter().flatten().flatten().collect();
        let wanted = names.iter().copied();
        wanted.filter(|name| present.contains(name)).collect()
    }
}
