//! Each kind of disorder by itself, and all together.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::organisation::{ClientVersion, Config, Organisation, Variety};

fn config() -> Config {
    Config {
        people: 20,
        seed: 5,
        // 2026-11-21T02:00:00Z, a Saturday.
        end_unix_ms: 1_795_226_400_000,
        days: 3,
        client: ClientVersion::V2_1_329,
        content: false,
        metrics: true,
        variety: Variety::FULL,
    }
}

/// Number, time of sending, time of arrival, collector, items.
type Arrival = (u64, u64, u64, Option<&'static str>, usize);

fn arrivals(disorder: Disorder) -> (Vec<Arrival>, Facts, Facts) {
    let mut deliveries = Deliveries::new(Organisation::new(config()), disorder);
    let seen = |delivery: Delivery| {
        let items = delivery.items();
        (
            delivery.number,
            delivery.export.at_ms,
            delivery.at_ms,
            delivery.collector,
            items,
        )
    };
    let all = deliveries.by_ref().map(seen).collect();
    (all, deliveries.arrived, deliveries.lost)
}

fn events(facts: &Facts) -> u64 {
    facts.sessions.values().map(|session| session.events).sum()
}

fn gaps(facts: &Facts) -> u64 {
    facts
        .sessions
        .values()
        .map(|session| session.sequence_gaps())
        .sum()
}

#[test]
fn without_disorder_everything_comes_once_in_order() {
    let (all, arrived, lost) = arrivals(Disorder::default());
    assert!(all.len() > 1000);
    assert!(
        all.iter()
            .enumerate()
            .all(|(place, seen)| seen.0 == place as u64 && seen.1 == seen.2)
    );
    assert!(lost.sessions.is_empty() && gaps(&arrived) == 0 && events(&arrived) > 5000);
}

#[test]
fn each_kind_does_what_it_says_and_nothing_else() {
    let (plain, all_arrived, _) = arrivals(Disorder::default());
    let base = Disorder {
        seed: 9,
        ..Disorder::default()
    };
    let share = |count: usize, low: f64, high: f64| {
        let share = count as f64 / plain.len() as f64;
        assert!((low..high).contains(&share), "{share}");
    };
    let numbers = |all: &[Arrival]| all.iter().map(|seen| seen.0).collect::<BTreeSet<_>>();

    let (repeated, ..) = arrivals(Disorder {
        repeated: 0.1,
        ..base
    });
    share(repeated.len() - plain.len(), 0.08, 0.12);
    assert_eq!(numbers(&repeated).len(), plain.len());

    let (overtaken, ..) = arrivals(Disorder {
        overtaken: 0.1,
        ..base
    });
    assert_eq!(overtaken.len(), plain.len());
    share(
        overtaken.iter().filter(|seen| seen.2 > seen.1).count(),
        0.08,
        0.12,
    );
    assert!(
        overtaken.windows(2).all(|pair| pair[0].2 <= pair[1].2),
        "in order of arrival"
    );
    assert!(overtaken.windows(2).any(|pair| pair[0].0 > pair[1].0));

    let (late, ..) = arrivals(Disorder { late: 0.1, ..base });
    share(
        late.iter()
            .filter(|seen| seen.2 >= seen.1 + HOUR_MS)
            .count(),
        0.08,
        0.12,
    );

    let (kept, arrived, lost) = arrivals(Disorder { lost: 0.1, ..base });
    share(plain.len() - kept.len(), 0.08, 0.12);
    assert_eq!(events(&arrived) + events(&lost), events(&all_arrived));
    assert!(gaps(&arrived) > 0 && gaps(&arrived) <= events(&lost));

    let (twice, arrived, _) = arrivals(Disorder {
        forwarded_twice: 0.3,
        ..base
    });
    let mut by_number: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for seen in &twice {
        by_number.entry(seen.0).or_default().push(seen.3);
    }
    let both = by_number
        .values()
        .filter(|names| **names == [Some("north"), Some("south")]);
    share(both.count(), 0.15, 0.5);
    assert!(
        by_number
            .values()
            .all(|names| names.len() == 2 || **names == [None])
    );
    assert_eq!(events(&arrived), events(&all_arrived));
}

#[test]
fn the_seed_decides_everything() {
    let bodies = |seed| -> Vec<Vec<u8>> {
        let disorder = Disorder {
            seed,
            ..Disorder::FULL
        };
        let mut deliveries = Deliveries::new(Organisation::new(config()), disorder);
        Requests::new(deliveries.by_ref(), 300, 15 * MINUTE_MS)
            .map(|request| request.protobuf)
            .collect()
    };
    let first = bodies(1);
    assert!(first == bodies(1));
    assert!(first != bodies(2));
}

/// What arrived is what was packed, and no request holds one export twice.
#[test]
fn requests_hold_every_delivery_once() {
    let (all, ..) = arrivals(Disorder::FULL);
    let mut deliveries = Deliveries::new(Organisation::new(config()), Disorder::FULL);
    let requests: Vec<Request> = Requests::new(deliveries.by_ref(), 300, 15 * MINUTE_MS).collect();
    let items: usize = all.iter().map(|seen| seen.4).sum();
    assert_eq!(
        requests.iter().map(|request| request.items).sum::<usize>(),
        items
    );
    assert!(requests.len() * 20 < items, "{} requests", requests.len());
    assert!(
        requests
            .iter()
            .all(|request| request.items > 0 && !request.protobuf.is_empty())
    );
    let north = b"north";
    let has_mark = |body: &[u8]| body.windows(north.len()).any(|window| window == north);
    assert!(requests.iter().any(|request| has_mark(&request.protobuf)));
}
