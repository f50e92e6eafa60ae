//! What was issued and what was acknowledged, and what that demands of what is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rows::Stored;
use crate::telemetry::Request;

/// For so long a delivery is known when it is repeated.
pub(crate) const HORIZON: Duration = Duration::from_secs(24 * 3600);

/// One request as it was first sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    /// Time that had passed in the life.
    pub(crate) at: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Demand {
    copies: u64,
    is_acknowledged: bool,
}

/// All that happened between client and server.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    events: BTreeMap<u64, Demand>,
    odd: BTreeMap<u64, Demand>,
    points: BTreeMap<(u64, u64), Demand>,
    /// Every request that was made up, in order; repetitions are not in it.
    pub(crate) sent: Vec<Sent>,
    /// The number of the last item, and the last value of each series.
    last_number: u64,
    last_values: [u64; 3],
}

impl Ledger {
    /// A number that no item has had.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// The next point of a series, which grows by `step`.
    pub(crate) fn next_point(&mut self, series: usize, step: u64) -> (u64, u64) {
        self.last_values[series] += step;
        (series as u64, self.last_values[series])
    }

    pub(crate) fn series_count(&self) -> usize {
        self.last_values.len()
    }

    /// Notes what is about to be sent for the first time.
    pub(crate) fn issue(&mut self, request: &Request, at: Duration) {
        for number in &request.events {
            self.events.entry(*number).or_default().copies += 1;
        }
        for number in &request.odd {
            self.odd.entry(*number).or_default().copies = 1;
        }
        for point in &request.points {
            self.points.entry(*point).or_default().copies = 1;
        }
        self.sent.push(Sent {
            request: request.clone(),
            at,
        });
    }

    pub(crate) fn acknowledge(&mut self, request: &Request) {
        for number in &request.events {
            self.events.entry(*number).or_default().is_acknowledged = true;
        }
        for number in &request.odd {
            self.odd.entry(*number).or_default().is_acknowledged = true;
        }
        for point in &request.points {
            self.points.entry(*point).or_default().is_acknowledged = true;
        }
    }

    /// Requests that may be repeated at `now`: the first attempt is within the horizon.
    pub(crate) fn repeatable(&self, now: Duration) -> Vec<&Request> {
        let recent = self.sent.iter().filter(|sent| sent.at + HORIZON >= now);
        recent.map(|sent| &sent.request).collect()
    }

    /// Whether all of a request was acknowledged, in whichever requests.
    pub(crate) fn is_acknowledged(&self, request: &Request) -> bool {
        let is = |demand: Option<&Demand>| demand.is_some_and(|demand| demand.is_acknowledged);
        request
            .events
            .iter()
            .all(|number| is(self.events.get(number)))
            && request.odd.iter().all(|number| is(self.odd.get(number)))
            && request
                .points
                .iter()
                .all(|point| is(self.points.get(point)))
    }

    /// Acknowledged ⊆ stored ⊆ issued, each once; sums of increments are the totals.
    pub(crate) fn check(&self, stored: &Stored) -> Result<(), String> {
        compare("event", &self.events, &stored.events)?;
        compare("odd item", &self.odd, &stored.odd)?;
        compare("point", &self.points, &stored.points)?;
        for (series, sum) in &stored.increments {
            let points = stored.points.keys().filter(|(of, _)| of == series);
            let highest = points.map(|(_, value)| *value).max().unwrap_or_default();
            if *sum != highest {
                return Err(format!(
                    "series {series} adds up to {sum}, and its highest point is {highest}"
                ));
            }
        }
        Ok(())
    }

    /// What is not stored was never promised: for what a rotten bit has cost.
    pub(crate) fn forgive(&mut self, stored: &Stored) {
        forgive(&mut self.events, &stored.events);
        forgive(&mut self.odd, &stored.odd);
        forgive(&mut self.points, &stored.points);
    }

    /// Acknowledged items that are not stored.
    pub(crate) fn lost(&self, stored: &Stored) -> Vec<String> {
        let mut lost = missing("event", &self.events, &stored.events);
        lost.extend(missing("odd item", &self.odd, &stored.odd));
        lost.extend(missing("point", &self.points, &stored.points));
        lost
    }
}

fn compare<K: Ord + std::fmt::Debug>(
    kind: &str,
    demands: &BTreeMap<K, Demand>,
    stored: &BTreeMap<K, u64>,
) -> Result<(), String> {
    for (key, count) in stored {
        match demands.get(key) {
            None => return Err(format!("{kind} {key:?} is stored and was never issued")),
            Some(demand) if *count != demand.copies => {
                return Err(format!(
                    "{kind} {key:?} is stored {count} times and was issued {} times",
                    demand.copies
                ));
            }
            Some(_) => {}
        }
    }
    match missing(kind, demands, stored).into_iter().next() {
        Some(lost) => Err(format!("{lost} was acknowledged and is not stored")),
        None => Ok(()),
    }
}

fn forgive<K: Ord>(demands: &mut BTreeMap<K, Demand>, stored: &BTreeMap<K, u64>) {
    for (key, demand) in demands {
        demand.is_acknowledged &= stored.contains_key(key);
    }
}

fn missing<K: Ord + std::fmt::Debug>(
    kind: &str,
    demands: &BTreeMap<K, Demand>,
    stored: &BTreeMap<K, u64>,
) -> Vec<String> {
    let acknowledged = demands.iter().filter(|(_, demand)| demand.is_acknowledged);
    acknowledged
        .filter(|(key, _)| !stored.contains_key(key))
        .map(|(key, _)| format!("{kind} {key:?}"))
        .collect()
}
