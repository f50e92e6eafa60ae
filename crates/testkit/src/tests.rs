//! The readings hold to the clients' own ledgers before any server is asked.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Reading, Tally, Template, Totals, compare, scenarios};

/// Its ledger includes the run that it continues, which is recorded as the second.
const CONTINUED: (&str, &str) = ("cc329_compact_json", "cc329_resume_json");

fn everything(tally: &Tally) -> Totals {
    let mut sum = Totals::default();
    tally.values().for_each(|totals| sum += totals);
    sum
}

#[test]
fn every_reading_of_events_and_metrics_is_the_ledger() {
    let mut ledgers = 0;
    for scenario in scenarios().expect("captures") {
        let Some(ledger) = &scenario.expected else {
            continue;
        };
        let mut requests: Vec<_> = scenario.requests.iter().collect();
        let earlier = crate::scenario(CONTINUED.1).expect("the earlier run");
        if scenario.name == CONTINUED.0 {
            requests.extend(&earlier.requests);
        }
        let reading = Reading::of(requests).expect(&scenario.name);
        let expected = Totals::of_ledger(ledger);
        let events = everything(&reading.events).spent();
        assert!(
            events.agrees_with(&expected),
            "{}: {events:?} {expected:?}",
            scenario.name
        );
        // Cowork sends no metrics.
        if reading.items.metrics > 0 {
            let metrics = everything(&reading.metrics);
            assert!(
                metrics.agrees_with(&expected),
                "{}: {metrics:?}",
                scenario.name
            );
        }
        ledgers += 1;
    }
    assert_eq!(
        ledgers, 36,
        "of 38 scenarios two were interactive and have no ledger"
    );
}

#[test]
fn another_client_does_the_same_work_under_other_ids() {
    let mut templates = 0;
    for scenario in scenarios().expect("captures") {
        let (name, own) = (
            scenario.name.clone(),
            Reading::of(&scenario.requests).expect("reads"),
        );
        let Some(template) = Template::of(scenario).expect("ids") else {
            continue;
        };
        templates += 1;
        let mut sessions = BTreeSet::new();
        for number in [0, 1, 0x00ab_cdef] {
            let reading = Reading::of(&template.scenario(number).requests).expect("reads");
            compare(&name, &reading.events, &template.events(number)).expect("the same work");
            compare(&name, &reading.metrics, &template.metrics(number)).expect("the same metrics");
            assert_eq!(reading.items, own.items, "{name}");
            let mut records = BTreeMap::new();
            for index in 0..template.scenario(number).requests.len() {
                for (session, count) in template.records(number, index) {
                    *records.entry(Some(session)).or_default() += count;
                }
            }
            assert_eq!(records, reading.records, "{name}");
            assert!(reading.prompt_ids.is_disjoint(&own.prompt_ids), "{name}");
            sessions.extend(reading.events.into_keys());
        }
        assert_eq!(sessions.len(), 3 * own.events.len(), "{name}");
    }
    assert_eq!(templates, 37, "all but the one without sessions");
}
