//! Odd JSON of metrics and spans: what becomes of each.

use contract::{PointValue, Signal, Span, Temporality};

use super::{Group, collect_json};

fn read(signal: Signal, json: &str) -> Group {
    let (mut collected, _) = collect_json(signal, json);
    assert_eq!(collected.quarantined, []);
    collected.groups.remove(0)
}

#[test]
fn metrics() {
    let read = |metric: &str| {
        read(
            Signal::Metrics,
            &format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#),
        )
    };
    let value = |point: &str| {
        read(&format!(r#"{{"sum":{{"dataPoints":[{point}]}}}}"#)).points[0]
            .1
            .value
    };
    assert_eq!(value(r#"{"asDouble":0}"#), PointValue::Double(0.0));
    assert_eq!(value(r#"{"asInt":0}"#), PointValue::Int(0));
    assert_eq!(value(r#"{"asInt":"-5"}"#), PointValue::Int(-5));
    assert_eq!(value(r#"{"asInt":1.5}"#), PointValue::Double(1.5));
    assert_eq!(value(r#"{"asDouble":"1e3"}"#), PointValue::Double(1000.0));
    assert_eq!(value(r#"{"asDouble":null}"#), PointValue::Empty);
    assert_eq!(value(r#"{"asDouble":{}}"#), PointValue::Empty);
    assert_eq!(
        value(r#"{"asInt":1,"asDouble":2}"#),
        PointValue::Double(2.0)
    );
    let sum = read(
        r#"{"name":"m","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true,"dataPoints":[{}]}}"#,
    );
    assert_eq!(
        (sum.points[0].0.temporality, sum.points[0].0.is_monotonic),
        (Temporality::Delta, true)
    );
    let histogram = r#"{"histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"3","sum":0,"bucketCounts":["1",2,null],"explicitBounds":[0.5,"1"],"min":-1}]}}"#;
    let (metric, point) = &read(histogram).points[0];
    assert_eq!(metric.temporality, Temporality::Cumulative);
    assert_eq!(
        point.value,
        PointValue::Distribution {
            count: 3,
            sum: Some(0.0)
        }
    );
    let exponential = r#"{"exponentialHistogram":{"dataPoints":[{"attributes":[{"key":"a"}],"scale":-3,"positive":{"offset":-1,"bucketCounts":[1,"2"]},"zeroThreshold":0.1}]}}"#;
    assert_eq!(read(exponential).points[0].1.attributes.len(), 1);
    let summary = r#"{"summary":{"dataPoints":[{"count":2,"sum":1.5,"quantileValues":[{"quantile":0.5,"value":1}]}]}}"#;
    assert_eq!(
        read(summary).points[0].1.value,
        PointValue::Distribution {
            count: 2,
            sum: Some(1.5)
        }
    );
}

#[test]
fn bad_points_and_metrics_are_quarantined_alone() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","sum":{"dataPoints":[{"asInt":1},{"attributes":5},{"asInt":2}]}},
        {"name":"b","sum":{"dataPoints":[{},4],"aggregationTemporality":[3]}},
        {"name":"c","gauge":{"dataPoints":[{"asInt":3}]}}]}]}]}"#;
    let (collected, _) = collect_json(Signal::Metrics, json);
    let values: Vec<_> = collected.groups[0]
        .points
        .iter()
        .map(|(_, point)| point.value)
        .collect();
    assert_eq!(values, [1, 2, 3].map(PointValue::Int));
    let reasons: Vec<_> = collected
        .quarantined
        .iter()
        .map(|item| item.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "The data point cannot be read: attributes: expected an array, found a number.",
            "The metric cannot be read: sum.aggregationTemporality: expected a number, found an array.",
        ]
    );
}

#[test]
fn spans() {
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"name":"s","kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"m"},
         "events":[{"timeUnixNano":"7","name":"e","attributes":[{"key":"n","value":{"intValue":"1"}}]}],"links":[]},
        {"links":{}}]}]}]}"#;
    let (collected, _) = collect_json(Signal::Traces, json);
    let [span] = &collected.groups[0].spans[..] else {
        panic!("{collected:?}")
    };
    let expected = Span {
        name: "s".into(),
        kind: 3,
        status_code: 2,
        status_message: "m".into(),
        events_json: Some(
            r#"[{"timeUnixNano":"7","name":"e","attributes":[{"key":"n","value":{"intValue":1}}]}]"#.into(),
        ),
        raw: span.raw,
        ..Span::default()
    };
    assert_eq!(*span, expected);
    assert_eq!(
        collected.quarantined[0].reason,
        "The span cannot be read: links: expected an array, found an object."
    );
}
