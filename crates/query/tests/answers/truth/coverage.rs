//! What did not come: gaps in sequences, people who fell silent; and what came again.

use std::collections::BTreeMap;

use fleet::{SessionFacts, Surface};

use super::sheet::Sheet;
use super::world::{World, count, text};

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    of_sessions(world, sheet).await;
    of_clients(world, sheet).await;
    silence(world, sheet).await;
}

fn product(surface: Surface) -> &'static str {
    match surface {
        Surface::Code => "claude-code",
        Surface::Cowork => "cowork",
    }
}

/// What the view reckons with: gaps of each session.
async fn of_sessions(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT session_id, get_field(found, 'missing') AS missing FROM (
                 SELECT session_id, _sequence_gaps(stretches) OVER (PARTITION BY machine ORDER BY session_id) AS found
                 FROM (SELECT user_id AS machine, session_id,
                              _sequence_stretches(least(time, received_at), sequence) AS stretches
                       FROM events WHERE sequence IS NOT NULL GROUP BY user_id, session_id))";
    let rows = world.rows(sql).await;
    let answer = rows
        .iter()
        .map(|row| (text(row, "session_id"), count(row, "missing")));
    let truth = world
        .sessions()
        .map(|(id, session)| (id.clone(), session.sequence_gaps()));
    let gaps = |of: &BTreeMap<String, u64>| of.values().sum();
    let has_gaps = |(_, gaps): &(String, u64)| *gaps > 0;
    let (truth, answer) = (
        truth.filter(has_gaps).collect(),
        answer.filter(has_gaps).collect(),
    );
    sheet.count("events missing in sequences", gaps(&truth), gaps(&answer));
    sheet.same(
        "events missing in sequences of each session",
        &truth,
        &answer,
    );
}

type Count<'a> = &'a dyn Fn(&SessionFacts) -> u64;

async fn of_clients(world: &World, sheet: &mut Sheet) {
    let sql =
        "SELECT person, product, machine, sum(sequence_gaps) AS gaps, sum(restarts) AS restarts,
                      sum(events) AS events, sum(identity_missing) AS nameless
               FROM coverage GROUP BY person, product, machine";
    let rows = world.rows(sql).await;
    let key = |row: &_| {
        ["person", "product", "machine"]
            .map(|name| text(row, name))
            .join(" ")
    };
    let nameless = |session: &SessionFacts| match world.habits[session.person].has_account {
        true => session.events_before_login,
        false => session.events,
    };
    let measures: [(&str, &str, Count<'_>); 4] = [
        (
            "coverage: missing events",
            "gaps",
            &SessionFacts::sequence_gaps,
        ),
        ("coverage: restarts", "restarts", &|session| {
            session.processes().saturating_sub(1) as u64
        }),
        ("coverage: events", "events", &|session| session.events),
        ("coverage: events without an account", "nameless", &nameless),
    ];
    for (measure, column, of) in measures {
        let mut truth: BTreeMap<String, u64> = BTreeMap::new();
        for (_, session) in world.sessions() {
            let key = [
                world.names[session.person].as_str(),
                product(session.surface),
                &session.installation,
            ];
            *truth.entry(key.join(" ")).or_default() += of(session);
        }
        let answer: BTreeMap<_, _> = rows
            .iter()
            .map(|row| (key(row), count(row, column)))
            .collect();
        sheet.count(measure, truth.values().sum(), answer.values().sum());
        sheet.same(
            &format!("{measure} of each person, product and machine"),
            &truth,
            &answer,
        );
    }
}

/// Who has gone silent with the product that is theirs.
async fn silence(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT person, product, bool_and(is_overdue) AS is_silent FROM coverage GROUP BY person, product";
    let rows = world.rows(sql).await;
    let mut truth = BTreeMap::new();
    let mut answer = BTreeMap::new();
    for (place, name) in world.names.iter().enumerate() {
        let product = product(world.people[place].surface);
        truth.insert(name.clone(), world.habits[place].leaves_ms.is_some());
        let row = rows
            .iter()
            .find(|row| text(row, "person") == *name && text(row, "product") == product);
        answer.extend(row.and_then(|row| Some((name.clone(), row["is_silent"].as_bool()?))));
    }
    let silent =
        |of: &BTreeMap<String, bool>| of.values().filter(|is_silent| **is_silent).count() as u64;
    sheet.count("people who fell silent", silent(&truth), silent(&answer));
    sheet.same("who fell silent", &truth, &answer);
}
