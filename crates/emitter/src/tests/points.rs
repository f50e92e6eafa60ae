//! Every recorded request of metrics, rebuilt byte for byte, delta and cumulative; and the sums that
//! events add to the metrics.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use contract::{DataPoint, PointValue, Signal, Temporality};

use super::captures::{Scenario, assert_same, scenarios, text};
use super::events::session_of;
use crate::event::kinds;
use crate::meter::INSTRUMENTS;
use crate::shared::lock;

/// Attributes of a data point after those that all points of its session have.
fn own(point: &DataPoint<'_>, head: usize) -> Vec<(&'static str, String)> {
    const KEYS: [&str; 14] = [
        "start_type",
        "type",
        "model",
        "query_source",
        "speed",
        "effort",
        "agent.name",
        "skill.name",
        "mcp_server.name",
        "mcp_tool.name",
        "decision",
        "source",
        "tool_name",
        "language",
    ];
    let own = point.attributes[head..].iter().map(|(key, value)| {
        let key = KEYS.into_iter().find(|known| known == key);
        (key.expect("a known key"), text(value))
    });
    own.collect()
}

fn number(point: &DataPoint<'_>) -> f64 {
    match point.value {
        PointValue::Double(number) => number,
        other => panic!("{other:?}"),
    }
}

/// A number that, added to `before`, makes `after` exactly.
fn difference(before: f64, after: f64) -> f64 {
    let near = after - before;
    let around = [near, near.next_up(), near.next_down()];
    let exact = around.into_iter().find(|number| before + number == after);
    exact.expect("a difference")
}

fn rebuild(scenario: &Scenario) -> usize {
    let (shared, clock) = scenario.telemetry();
    let is_cumulative = shared.settings.temporality == Temporality::Cumulative;
    let mut sessions = HashMap::new();
    let mut sums: HashMap<String, f64> = HashMap::new();
    let (mut count, mut last_nanos) = (0, 0);
    for request in scenario
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Metrics)
    {
        let points = request.items().points;
        let follows = |(_, point): &(_, DataPoint<'_>)| point.start_time_unix_nano == last_nanos;
        if !is_cumulative && last_nanos > 0 && !points.iter().any(follows) {
            // The client collected in between, and had nothing to send.
            let idle = shared.encode_metrics(&[request.encoding]);
            assert!(idle.is_none(), "{}", request.file);
        }
        let mut time_ms = 0;
        for (metric, point) in &points {
            let session = session_of(&shared, &mut sessions, &point.attributes);
            let own = own(point, session.head.standard.len());
            let instrument = INSTRUMENTS
                .into_iter()
                .find(|one| one.about().0 == metric.name);
            // Counted when the series starts; one that goes on was counted any time after its start.
            let goes_on = u64::from(point.start_time_unix_nano == last_nanos);
            let at_ms = point.start_time_unix_nano / 1_000_000 + goes_on;
            clock.store(at_ms * 1_000_000, Ordering::Relaxed);
            time_ms = point.time_unix_nano / 1_000_000;
            let mut value = number(point);
            if is_cumulative {
                let series = format!("{} {own:?}", metric.name);
                let before = sums.insert(series, value);
                value = difference(before.unwrap_or(0.0), value);
                if before.is_some() && value == 0.0 {
                    continue;
                }
            }
            session.measure(instrument.expect("a known metric"), own, value);
        }
        last_nanos = time_ms * 1_000_000;
        clock.store(time_ms * 1_000_000, Ordering::Relaxed);
        let (bodies, items) = shared.encode_metrics(&[request.encoding]).expect("points");
        assert_same(&request.file, &bodies[0], &request.body);
        count += items as usize;
    }
    count
}

#[test]
fn every_recorded_data_point_is_rebuilt_byte_for_byte() {
    let count: usize = scenarios().iter().map(rebuild).sum();
    assert!(count > 500, "{count} data points");
}

/// Cost and tokens by metric and own attributes.
type Sums = BTreeMap<String, f64>;

fn recorded_sums(scenario: &Scenario) -> Sums {
    let (shared, _) = scenario.telemetry();
    let mut sessions = HashMap::new();
    let mut sums = Sums::new();
    for request in scenario
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Metrics)
    {
        for (metric, point) in &request.items().points {
            let session = session_of(&shared, &mut sessions, &point.attributes);
            if metric.name.ends_with(".usage") {
                let own = own(point, session.head.standard.len());
                *sums.entry(format!("{} {own:?}", metric.name)).or_default() += number(point);
            }
        }
    }
    sums
}

fn sums_of_events(scenario: &Scenario) -> Sums {
    let content = scenario.settings().content;
    let kind = kinds()
        .iter()
        .find(|kind| kind.name == "api_request")
        .expect("known");
    let mut sums = Sums::new();
    let requests = scenario
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Logs);
    for record in requests.flat_map(|request| request.items().logs) {
        let own = record
            .attributes
            .iter()
            .skip_while(|(key, _)| key != "model");
        let is_request = record
            .attributes
            .iter()
            .any(|(key, value)| key == "event.name" && text(value) == kind.name);
        if !is_request {
            continue;
        }
        let pairs = own
            .map(|(key, value)| (key.to_string(), text(value)))
            .collect();
        let event = kind.parse(pairs).expect("well-formed").into_any();
        for measure in event.sums(&content) {
            let (name, own, value) = measure.parts();
            *sums.entry(format!("{name} {own:?}")).or_default() += value;
        }
    }
    sums
}

#[test]
fn requests_add_to_the_metrics_what_the_client_counted() {
    let mut count = 0;
    for scenario in scenarios() {
        let is_counted = scenario.has("OTEL_METRICS_EXPORTER")
            && scenario.settings().temporality == Temporality::Delta;
        if !is_counted {
            continue;
        }
        let (recorded, counted) = (recorded_sums(&scenario), sums_of_events(&scenario));
        let keys = |sums: &Sums| sums.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&counted), keys(&recorded), "{}", scenario.name);
        for (series, sum) in &recorded {
            assert!(
                (counted[series] - sum).abs() < 1e-9,
                "{}: {series}",
                scenario.name
            );
        }
        count += recorded.len();
    }
    assert!(count > 100, "{count} series");
}

#[test]
fn what_would_spoil_a_sum_is_not_counted() {
    let (shared, _) = scenarios()[0].telemetry();
    let session = crate::session::Session::new(&shared, "s".to_owned());
    let mut meter = lock(&shared.meter);
    for value in [f64::NAN, f64::INFINITY, -1.0] {
        let measure = crate::Measure::new(crate::Instrument::Cost, Vec::new(), value);
        assert!(!meter.add(&session.head, measure, 0));
    }
    for number in 0..2001 {
        let own = vec![("model", number.to_string())];
        let measure = crate::Measure::new(crate::Instrument::Cost, own, 1.0);
        assert_eq!(
            meter.add(&session.head, measure, 0),
            number < 2000,
            "series are bounded"
        );
    }
}
