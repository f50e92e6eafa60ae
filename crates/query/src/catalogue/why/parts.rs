//! Which dimension and which value tells most.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::Amount;
use super::figures::{Figures, Values};
use super::wanted::Asked;
use crate::catalogue::report::{Dimension, Parts};

/// Values of a dimension that are told one by one.
const TOLD: usize = 8;

/// What the values of one dimension have to do with the difference.
#[derive(Debug, Serialize, ToSchema)]
pub struct Maker {
    /// The dimension.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What its values are.
    pub about: &'static str,
    /// How much the share of a value in the whole has changed, of the value that changed most, 0 to 1. Where all
    /// values grew alike it is 0, however much the whole grew: such a dimension makes no difference. 0 also where
    /// one side has nothing.
    pub divergence: Amount,
    /// The values that differ most, the greatest difference first.
    pub values: Vec<Part>,
    /// All other values together.
    pub others: Option<Others>,
}

/// What one value has to do with the difference.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Part {
    /// The value; null: what has none.
    pub value: Option<String>,
    /// Its figure of the selection.
    pub selection: Amount,
    /// Its figure of the baseline.
    pub baseline: Amount,
    /// The former less the latter times the scale.
    pub difference: Amount,
    /// Which part of the whole difference it is; null where differences do not add up, or there is none.
    pub share: Option<Amount>,
}

/// Values that are not told one by one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Others {
    /// How many there are.
    pub count: usize,
    /// Their figures; null where these do not add up.
    pub selection: Option<Amount>,
    /// Their figures of the baseline; null where these do not add up.
    pub baseline: Option<Amount>,
    /// Their difference; null where it does not add up.
    pub difference: Option<Amount>,
    /// Which part of the whole difference it is.
    pub share: Option<Amount>,
}

/// The dimensions, the one that tells most first.
pub(super) fn makers(
    asked: &Asked,
    selection: &Figures,
    baseline: &Figures,
    scale: f64,
) -> Vec<Maker> {
    let of = Comparison {
        adds_up: asked.id.measure.parts == Parts::Sum,
        whole: (selection.whole, baseline.whole),
        scale,
    };
    let sides = selection.values.iter().zip(&baseline.values);
    let makers = asked.by.iter().zip(sides);
    let mut makers: Vec<Maker> = makers
        .map(|(dimension, (own, other))| of.maker(dimension, own, other))
        .filter(|maker| !maker.values.is_empty())
        .collect();
    makers.sort_by(|a, b| descending(a.divergence.0, b.divergence.0));
    makers
}

fn descending(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}

struct Comparison {
    adds_up: bool,
    whole: (f64, f64),
    scale: f64,
}

impl Comparison {
    fn maker(&self, dimension: &Dimension, selection: &Values, baseline: &Values) -> Maker {
        let names: BTreeSet<&Option<String>> = selection.keys().chain(baseline.keys()).collect();
        let figure = |of: &Values, name| of.get(name).copied().unwrap_or_default();
        let mut parts: Vec<Part> = names
            .into_iter()
            .map(|name| {
                self.part(
                    name.clone(),
                    figure(selection, name),
                    figure(baseline, name),
                )
            })
            .filter(|part| part.selection.0 != 0.0 || part.baseline.0 != 0.0)
            .collect();
        parts.sort_by(|a, b| descending(a.difference.0.abs(), b.difference.0.abs()));
        let divergence = Amount(divergence(&parts));
        let hidden = parts.split_off(parts.len().min(TOLD));
        Maker {
            name: dimension.name,
            title: dimension.title,
            about: dimension.about,
            divergence,
            others: (!hidden.is_empty()).then(|| self.others(&parts, hidden.len())),
            values: parts,
        }
    }

    fn part(&self, value: Option<String>, selection: f64, baseline: f64) -> Part {
        let difference = selection - baseline * self.scale;
        Part {
            value,
            selection: Amount(selection),
            baseline: Amount(baseline),
            difference: Amount(difference),
            share: self.share(difference),
        }
    }

    /// What the whole has beside those that are told.
    fn others(&self, told: &[Part], count: usize) -> Others {
        let sum = |of: fn(&Part) -> f64| told.iter().map(of).sum::<f64>();
        let selection = self.whole.0 - sum(|part| part.selection.0);
        let baseline = self.whole.1 - sum(|part| part.baseline.0);
        let difference = selection - baseline * self.scale;
        let where_added = |figure| self.adds_up.then_some(Amount(figure));
        Others {
            count,
            selection: where_added(selection),
            baseline: where_added(baseline),
            difference: where_added(difference),
            share: self.share(difference),
        }
    }

    fn share(&self, difference: f64) -> Option<Amount> {
        let whole = self.whole.0 - self.whole.1 * self.scale;
        let is_there = self.adds_up && whole.abs() > 1e-9;
        is_there.then(|| Amount(difference / whole))
    }
}

/// The greatest change of a value's share of the whole. Not the sum of all changes: many values that
/// change a little each would seem to tell more than one that changed a lot.
fn divergence(parts: &[Part]) -> f64 {
    let sum = |of: fn(&Part) -> f64| parts.iter().map(of).sum::<f64>();
    let (selection, baseline) = (sum(|part| part.selection.0), sum(|part| part.baseline.0));
    if selection <= 0.0 || baseline <= 0.0 {
        return 0.0;
    }
    let change = |part: &Part| (part.selection.0 / selection - part.baseline.0 / baseline).abs();
    parts.iter().map(change).fold(0.0, f64::max)
}
