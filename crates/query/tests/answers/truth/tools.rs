//! Tool calls: what came out of them, who decided, by tool and by person.

use std::collections::BTreeMap;

use fleet::{Call, ClientVersion, SessionFacts};

use super::sheet::Sheet;
use super::world::{World, count, text};

/// Person, tool, outcome, decision, who decided.
type Key = [String; 5];

const COLUMNS: [&str; 5] = [
    "person",
    "tool_name",
    "outcome",
    "decision_state",
    "decided_by",
];

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    let columns = COLUMNS.join(", ");
    let sql = format!("SELECT {columns}, count(*) AS calls FROM tool_calls GROUP BY {columns}");
    let mut answer: BTreeMap<Key, u64> = BTreeMap::new();
    for row in world.rows(&sql).await {
        answer.insert(COLUMNS.map(|name| text(&row, name)), count(&row, "calls"));
    }
    let mut truth: BTreeMap<Key, u64> = BTreeMap::new();
    for (_, session) in world.sessions() {
        for call in session.calls.values() {
            let facts = [
                &world.names[session.person],
                call.tool,
                outcome(call),
                decision_state(call, session),
                decided_by(call),
            ];
            *truth.entry(facts.map(str::to_owned)).or_default() += 1;
        }
    }
    let by = |side: &BTreeMap<Key, u64>, places: &[usize]| {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for (key, count) in side {
            let name: Vec<&str> = places.iter().map(|place| key[*place].as_str()).collect();
            *sums.entry(name.join(" ")).or_default() += count;
        }
        sums
    };
    for (measure, places) in [
        ("tool calls", &[2][..]),
        ("tool calls, decision", &[3]),
        ("tool calls, decided by", &[4]),
        ("tool calls, tool", &[1]),
    ] {
        sheet.count_each(measure, &by(&truth, places), &by(&answer, places));
    }
    // Ran, but nobody is known to have allowed it.
    let ran = |side: &BTreeMap<Key, u64>| {
        let ran = side
            .iter()
            .filter(|(key, _)| key[3] == "without_decision" && key[2] != "pending");
        ran.map(|(_, count)| count).sum()
    };
    sheet.count(
        "tool calls that ran without a decision",
        ran(&truth),
        ran(&answer),
    );
    let everything = &[0, 1, 2, 3, 4];
    sheet.same(
        "tool calls of each person, tool, outcome and decision",
        &by(&truth, everything),
        &by(&answer, everything),
    );
}

fn outcome(call: &Call) -> &'static str {
    match (call.succeeded, call.decision) {
        (Some(true), _) => "succeeded",
        (Some(false), _) => "failed",
        (None, Some((false, _))) => "refused",
        (None, _) => "pending",
    }
}

/// What can be known of who decided: clients before 2.1.119 may leave decisions out altogether, and
/// then nothing is known.
fn decision_state(call: &Call, session: &SessionFacts) -> &'static str {
    let tells = |call: &Call| call.decision.is_some();
    if tells(call) || call.decided_by.is_some() {
        "decided"
    } else if session.client == ClientVersion::V2_1_329 || session.calls.values().any(tells) {
        "without_decision"
    } else {
        "not_reported"
    }
}

fn decided_by(call: &Call) -> &'static str {
    match call.decision.map(|(_, source)| source).or(call.decided_by) {
        None => "-",
        Some("config") => "settings",
        Some("hook") => "hook",
        Some(_) => "person",
    }
}
