//! What the metrics of a session add up to, whatever the order in which they are observed.

use std::collections::{BTreeMap, BTreeSet};

use contract::Temporality;

use super::{Nanos, Run, Spent, SpentByDayModel};
use crate::organisation::calendar::DAY_MS;
use crate::organisation::meter::{Instrument, Point};

type Own = Vec<(&'static str, &'static str)>;

/// What names a series within a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    process: u32,
    instrument: Instrument,
    own: Own,
    has_account: bool,
    /// 0 for deltas, of which each point starts anew.
    first_ms: u64,
}

/// What a session measured, by series and time: cumulative values by their own, deltas summed up by
/// the day.
#[derive(Clone, Debug, Default)]
pub(super) struct Metered {
    pub(super) is_cumulative: bool,
    points: BTreeMap<Series, BTreeMap<u64, f64>>,
}

impl Metered {
    pub(super) fn add(&mut self, point: &Point, run: &Run, at_ms: u64) {
        self.is_cumulative = run.temporality == Temporality::Cumulative;
        let series = Series {
            process: run.number,
            instrument: point.instrument,
            own: point.own.clone(),
            has_account: point.has_account,
            first_ms: if self.is_cumulative {
                point.first_ms
            } else {
                0
            },
        };
        // Of deltas it is enough to know the day.
        let at_ms = match self.is_cumulative {
            true => at_ms,
            false => at_ms / DAY_MS * DAY_MS,
        };
        let value = self
            .points
            .entry(series)
            .or_default()
            .entry(at_ms)
            .or_default();
        *value = if self.is_cumulative {
            value.max(point.value)
        } else {
            *value + point.value
        };
    }

    /// What is added to each series, and when, in time order.
    fn increments(&self) -> impl Iterator<Item = (&Series, u64, f64)> {
        self.points.iter().flat_map(move |(series, points)| {
            let mut before = 0.0;
            points.iter().map(move |(at_ms, value)| {
                let grown = value - before;
                if self.is_cumulative {
                    before = *value;
                }
                (series, *at_ms, grown)
            })
        })
    }

    pub(super) fn spent(&self) -> SpentByDayModel {
        let mut spent = SpentByDayModel::new();
        for (series, at_ms, grown) in self.increments() {
            let own = |key| series.own.iter().find(|(own, _)| *own == key);
            let Some((_, model)) = own("model") else {
                continue;
            };
            let mut added = Spent::default();
            let kind = own("type").map_or("", |(_, kind)| kind);
            let tokens = grown.round() as u64;
            match (series.instrument, kind) {
                (Instrument::Cost, _) => added.cost = Nanos::of_usd(grown),
                (Instrument::Tokens, "input") => added.tokens.input = tokens,
                (Instrument::Tokens, "output") => added.tokens.output = tokens,
                (Instrument::Tokens, "cacheRead") => added.tokens.cache_read = tokens,
                (Instrument::Tokens, _) => added.tokens.cache_creation = tokens,
                _ => continue,
            }
            *spent.entry((at_ms / DAY_MS, *model)).or_default() += added;
        }
        spent
    }

    pub(super) fn days(&self) -> BTreeSet<u64> {
        let grew = self.increments().filter(|(_, _, grown)| *grown > 0.0);
        grew.map(|(_, at_ms, _)| at_ms / DAY_MS).collect()
    }

    pub(super) fn totals(&self) -> BTreeMap<String, f64> {
        let mut totals = BTreeMap::new();
        for (series, _, grown) in self.increments() {
            let name = series
                .instrument
                .metric(Temporality::Delta)
                .name
                .into_owned();
            *totals.entry(name).or_default() += grown;
        }
        totals
    }
}
