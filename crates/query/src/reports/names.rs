//! Sums by name. Telemetry repeats itself: rows of one session lie together and their texts are the
//! same bytes, so that most names are known again without being read.

use std::collections::HashMap;

use arrow::array::{Array, StringViewArray};

/// Names in the order of their first appearance; an absent name is one, too.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    places: HashMap<Option<Box<str>>, usize>,
    all: Vec<Option<Box<str>>>,
}

/// Which name the row before had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    known: Option<(Option<u128>, usize)>,
}

impl Names {
    /// The place of a name.
    pub(super) fn place(&mut self, name: Option<&str>) -> usize {
        let name = name.map(Box::from);
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        self.all.push(name.clone());
        self.places.insert(name, self.all.len() - 1);
        self.all.len() - 1
    }

    /// The place of a row's name. `last` is of the same column and batch.
    pub(super) fn place_in(
        &mut self,
        column: &StringViewArray,
        row: usize,
        last: &mut Last,
    ) -> usize {
        // Equal views show the same bytes; different ones may, too.
        let view = column.is_valid(row).then(|| column.views()[row]);
        if let Some((_, place)) = last.known.filter(|(known, _)| *known == view) {
            return place;
        }
        let place = self.place(view.map(|_| column.value(row)));
        last.known = Some((view, place));
        place
    }

    /// All names by place.
    pub(super) fn all(&self) -> &[Option<Box<str>>] {
        &self.all
    }
}

/// Sums that can be added to each other.
pub(super) trait Sum: Clone + Default {
    /// Adds another's.
    fn add(&mut self, other: &Self);
}

/// Sums by name.
#[derive(Clone, Debug, Default)]
pub(super) struct ByName<S> {
    names: Names,
    sums: Vec<S>,
}

impl<S: Sum> ByName<S> {
    /// The sums of a row's name. `last` is of the same column and batch.
    pub(super) fn at(&mut self, column: &StringViewArray, row: usize, last: &mut Last) -> &mut S {
        let place = self.names.place_in(column, row, last);
        self.at_place(place)
    }

    fn at_place(&mut self, place: usize) -> &mut S {
        if self.sums.len() <= place {
            self.sums.resize(place + 1, S::default());
        }
        &mut self.sums[place]
    }

    pub(super) fn merge(&mut self, other: &ByName<S>) {
        for (name, sums) in other.names.all.iter().zip(&other.sums) {
            let place = self.names.place(name.as_deref());
            self.at_place(place).add(sums);
        }
    }

    /// Names with their sums, the greatest `rank` first and names of equal rank in their order.
    pub(super) fn ranked(&self, rank: impl Fn(&S) -> f64) -> Vec<(Option<String>, &S)> {
        let mut rows: Vec<_> = self.names.all.iter().zip(&self.sums).collect();
        rows.sort_by(|(left_name, left), (right_name, right)| {
            rank(right)
                .total_cmp(&rank(left))
                .then_with(|| left_name.cmp(right_name))
        });
        rows.into_iter()
            .map(|(name, sums)| (name.as_deref().map(str::to_owned), sums))
            .collect()
    }
}
