//! Tool calls: what came out of them, who decided, by tool and by person.

use std::collections::BTreeMap;

use fleet::{Call, ClientVersion, SessionFacts};

use super::sheet::Sheet;
use super::world::{World, count, text};

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT person, tool_name, outcome, decision_state, count(*) AS calls
               FROM tool_calls GROUP BY person, tool_name, outcome, decision_state";
    let mut answer: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for row in world.rows(sql).await {
        let key = ["person", "tool_name", "outcome", "decision_state"].map(|name| text(&row, name));
        answer.insert(key, count(&row, "calls"));
    }
    let mut truth: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for (_, session) in world.sessions() {
        for call in session.calls.values() {
            let key = [
                world.names[session.person].clone(),
                call.tool.to_owned(),
                outcome(call).to_owned(),
                decision_state(call, session).to_owned(),
            ];
            *truth.entry(key).or_default() += 1;
        }
    }
    let by = |side: &BTreeMap<[String; 4], u64>, places: &[usize]| {
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
        ("tool calls, tool", &[1]),
    ] {
        sheet.count_each(measure, &by(&truth, places), &by(&answer, places));
    }
    let everything = &[0, 1, 2, 3];
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
    if tells(call) || call.result_tells_decision {
        "decided"
    } else if session.client == ClientVersion::V2_1_329 || session.calls.values().any(tells) {
        "without_decision"
    } else {
        "not_reported"
    }
}
