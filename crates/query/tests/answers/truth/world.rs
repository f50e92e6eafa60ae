//! An organisation's exports, stored as they arrive, and what is true of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, ManualClock};
use fleet::{
    Config, Deliveries, Disorder, Facts, Habits, Organisation, Person, Requests, SessionFacts,
    Signals,
};
use serde_json::Value;

use super::super::support::{Bench, DAY_MS};

const HOUR_MS: u64 = 3_600_000;
const REQUEST_ITEMS: usize = 2_000;
const REQUEST_WAIT_MS: u64 = 30 * 60_000;
/// How many requests there are between two flushes.
const FLUSHED_EVERY: usize = 400;

/// A store that has lived through it.
pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) config: Config,
    pub(super) people: Vec<Person>,
    pub(super) habits: Vec<Habits>,
    /// The name by which answers must know each person.
    pub(super) names: Vec<String>,
    pub(super) arrived: Facts,
    pub(super) lost: Facts,
    requests: usize,
    items: usize,
}

impl World {
    /// Stores all that arrives: with flushes in between, and opened again once, in the middle.
    pub(super) async fn live(config: Config, disorder: Disorder) -> World {
        let mut organisation = Organisation::new(config);
        let (people, habits) = (
            organisation.people().to_vec(),
            organisation.habits().to_vec(),
        );
        let mut deliveries = Deliveries::new(organisation.by_ref(), disorder);
        let start_ms = config.end_unix_ms - config.days * DAY_MS as u64;
        let clock = Arc::new(ManualClock::at(start_ms * 1_000_000));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut bench = Some(Bench::at(dir, Arc::clone(&clock), query::Config::default()).await);
        let (mut requests, mut items, mut was_reopened) = (0, 0, false);
        for request in Requests::new(deliveries.by_ref(), REQUEST_ITEMS, REQUEST_WAIT_MS) {
            advance(&clock, request.at_ms);
            if !was_reopened && request.at_ms > start_ms + config.days * DAY_MS as u64 / 2 {
                was_reopened = true;
                let open: Bench = bench.take().expect("is open");
                bench = Some(open.reopened(query::Config::default()).await);
            }
            let open = bench.as_ref().expect("is open");
            open.append(request.signal, request.protobuf.into(), request.at_ms)
                .await;
            requests += 1;
            items += request.items;
            if requests % FLUSHED_EVERY == 0 {
                open.store.flush().await.expect("flushes");
            }
        }
        assert!(was_reopened);
        // By then all that is late has come.
        advance(&clock, config.end_unix_ms + 40 * HOUR_MS);
        let names = people.iter().zip(&habits);
        World {
            bench: bench.expect("is open"),
            names: names
                .map(|(person, habits)| habits.name(person).to_owned())
                .collect(),
            arrived: deliveries.arrived().clone(),
            lost: deliveries.lost().clone(),
            config,
            people,
            habits,
            requests,
            items,
        }
    }

    /// What was lived through, in a sentence.
    pub(super) fn describe(&self) -> String {
        let events = |facts: &Facts| {
            facts
                .sessions
                .values()
                .map(|session| session.events)
                .sum::<u64>()
        };
        format!(
            "{} people, {} days: {} sessions, {} events and {} lost, {} items in {} requests",
            self.people.len(),
            self.config.days,
            self.arrived.sessions.len(),
            events(&self.arrived),
            events(&self.lost),
            self.items,
            self.requests,
        )
    }

    /// Sessions of which an event arrived, or a data point.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (&String, &SessionFacts)> {
        self.arrived.sessions.iter()
    }

    /// Counts by the name of the person.
    pub(super) fn by_person(&self, of: impl Fn(&SessionFacts) -> u64) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (_, session) in self.sessions() {
            *counts
                .entry(self.names[session.person].clone())
                .or_default() += of(session);
        }
        counts.retain(|_, count| *count > 0);
        counts
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<Value> {
        self.bench.rows(sql).await
    }

    /// Refuses an organisation in which a kind of trouble does not occur: it would prove nothing.
    pub(super) fn is_varied(&self) {
        let count = |of: &dyn Fn(&SessionFacts) -> bool| {
            self.sessions().filter(|(_, session)| of(session)).count()
        };
        for (what, count) in [
            ("continued", count(&|session| session.processes() > 1)),
            ("unlabelled", count(&|session| !session.names_team)),
            ("without account", count(&|session| !session.names_account)),
            (
                "logged in late",
                count(&|session| session.events_before_login > 0),
            ),
            ("metrics only", count(&|session| session.events == 0)),
            ("logs only", count(&|session| session.metered().is_none())),
            ("with gaps", count(&|session| session.sequence_gaps() > 0)),
        ] {
            assert!(count > 5, "{count} sessions {what}");
        }
        let versions: BTreeSet<&str> = self
            .sessions()
            .map(|(_, session)| session.client.cli())
            .collect();
        assert_eq!(versions.len(), 2);
        let people =
            |of: &dyn Fn(&Habits) -> bool| self.habits.iter().filter(|habits| of(habits)).count();
        for (what, count) in [
            ("with an API key", people(&|habits| !habits.has_account)),
            (
                "with both products",
                people(&|habits| habits.second_installation.is_some()),
            ),
            ("who leave", people(&|habits| habits.leaves_ms.is_some())),
            (
                "of metrics only",
                people(&|habits| habits.signals == Signals::Metrics),
            ),
        ] {
            assert!(count >= 2, "{count} people {what}");
        }
    }
}

/// Time passes until then; it never goes back.
fn advance(clock: &ManualClock, to_ms: u64) {
    let now_ms = clock.now_unix_ns() / 1_000_000;
    clock.advance(Duration::from_millis(to_ms.saturating_sub(now_ms)));
}

/// A text cell; what is absent is `-`.
pub(super) fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or("-").to_owned()
}

/// A number; what is absent is nothing.
pub(super) fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or(0.0)
}

pub(super) fn count(row: &Value, name: &str) -> u64 {
    number(row, name).round() as u64
}
