//! Generated events have the attributes of recorded ones: same names, same types, same order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use contract::{LogRecord, Signal, Value};

use super::{config, text};
use crate::Scenario;
use crate::organisation::{ClientVersion, Organisation, Surface};

/// Keys in order, each with the kind of its value.
type Shape = Vec<(String, &'static str)>;

fn shape_of(record: &LogRecord<'_>) -> Shape {
    let kind = |value: &Value<'_>| match value {
        Value::Str(_) => "stringValue",
        Value::Int(_) => "intValue",
        Value::Double(_) => "doubleValue",
        Value::Bool(_) => "boolValue",
        Value::Array(_) => "arrayValue",
        other => panic!("{other:?}"),
    };
    record
        .attributes
        .iter()
        .map(|(key, value)| (key.to_string(), kind(value)))
        .collect()
}

fn recorded_shapes(scenario: &str) -> BTreeMap<String, BTreeSet<Shape>> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/captures");
    let scenario = Scenario::load(captures.join(scenario)).expect("a recorded scenario");
    let mut shapes: BTreeMap<String, BTreeSet<Shape>> = BTreeMap::new();
    for request in scenario
        .requests
        .iter()
        .filter(|request| request.signal == Signal::Logs)
    {
        let body: serde_json::Value = serde_json::from_slice(&request.plain_body).expect("JSON");
        for record in body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
            .as_array()
            .expect("records")
        {
            let mut name = String::new();
            let shape = record["attributes"]
                .as_array()
                .expect("attributes")
                .iter()
                .map(|attribute| {
                    let key = attribute["key"].as_str().expect("a key");
                    let (kind, value) = attribute["value"]
                        .as_object()
                        .and_then(|value| value.iter().next())
                        .expect("a value");
                    if key == "event.name" {
                        name = value.as_str().expect("a name").to_owned();
                    }
                    let kind = [
                        "stringValue",
                        "intValue",
                        "doubleValue",
                        "boolValue",
                        "arrayValue",
                    ]
                    .into_iter()
                    .find(|known| known == kind)
                    .expect("a known kind");
                    (key.to_owned(), kind)
                });
            let shape: Shape = shape.collect();
            shapes.entry(name).or_default().insert(shape);
        }
    }
    shapes
}

/// Attributes that depend on how somebody signed in: the recording has other people.
const IDENTITY: &[&str] = &[
    "organization.id",
    "user.email",
    "user.account_uuid",
    "user.account_id",
];

/// Every shape of these events in the recording is also generated, for that surface.
fn check_shapes(scenario: &str, content: bool, surface: Surface, events: &[&str]) {
    check_shapes_of(ClientVersion::V2_1_329, scenario, content, surface, events);
}

fn check_shapes_of(
    client: ClientVersion,
    scenario: &str,
    content: bool,
    surface: Surface,
    events: &[&str],
) {
    let recorded = recorded_shapes(scenario);
    let mut organisation = Organisation::new(config(client, content));
    let mut generated: BTreeMap<String, BTreeSet<Shape>> = BTreeMap::new();
    let signed_in = recorded
        .values()
        .flatten()
        .flatten()
        .any(|(key, _)| key == "user.email");
    while let Some(export) = organisation.next() {
        if organisation.people()[export.person].surface != surface {
            continue;
        }
        for (_, records) in export.log_groups() {
            for record in &records {
                let mut shape = shape_of(record);
                shape.retain(|(key, _)| signed_in || !IDENTITY.contains(&key.as_str()));
                if surface == Surface::Cowork {
                    // The recording was made without resource attributes of its own.
                    shape.retain(|(key, _)| {
                        !["department", "team.id", "cost_center"].contains(&key.as_str())
                    });
                }
                generated
                    .entry(text(record, "event.name").expect("a name"))
                    .or_default()
                    .insert(shape);
            }
        }
    }
    for event in events {
        let recorded = recorded
            .get(*event)
            .unwrap_or_else(|| panic!("no {event} in {scenario}"));
        for shape in recorded {
            assert!(
                generated
                    .get(*event)
                    .is_some_and(|shapes| shapes.contains(shape)),
                "{scenario} has a {event} like\n{shape:?}\nand only these are generated:\n{:#?}",
                generated.get(*event)
            );
        }
    }
}

#[test]
fn generated_events_have_the_shape_of_recorded_ones() {
    let common = [
        "managed_settings_resolved",
        "plugin_loaded",
        "user_prompt",
        "api_request",
        "assistant_response",
        "tool_decision",
        "tool_result",
    ];
    check_shapes("cc329_tools_json", false, Surface::Code, &common);
    check_shapes("cc329_oauth_identity_json", true, Surface::Code, &common);
    check_shapes("cowork_like_noterm_json", false, Surface::Cowork, &common);
    let old = ["user_prompt", "api_request"];
    let client = ClientVersion::V2_0_76;
    check_shapes_of(client, "cc2076_tools_json", false, Surface::Code, &old);
    let old = [&old[..], &["tool_decision", "tool_result"]].concat();
    check_shapes_of(client, "cc2076_interactive_json", true, Surface::Code, &old);
}
