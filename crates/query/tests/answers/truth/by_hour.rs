//! What the sums of parts answer is what items answer, whatever is asked: the SQL of an answer is asked
//! again, and that reads items.

use std::collections::BTreeMap;

use query::Sight;
use query::catalogue::{Ask, Range, Report, TimeZone};
use store::Table;

use super::super::sums;
use super::super::support::DAY_MS;
use super::world::World;

const ROUNDS: u32 = 80;
const REPORTS: &[&str] = &[
    "cost",
    "tokens",
    "people",
    "productivity",
    "skills",
    "adoption",
    "retention",
];
const ZONES: &[&str] = &["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"];

/// Numbers that seem to be drawn at random, and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Any report over any range, grouping and condition.
fn asked(draw: &mut Draw, end_ms: i64, known: &BTreeMap<&str, Vec<String>>) -> Ask {
    let report = *draw.one(REPORTS);
    let report = Report::find(report).expect("a report");
    let length = [DAY_MS / 20, DAY_MS, 5 * DAY_MS, 40 * DAY_MS][draw.below(4)];
    let to_ms = end_ms - draw.below(20) as i64 * (DAY_MS + 123_457);
    // Some ranges begin and end with an hour.
    let to_ms = if draw.below(3) == 0 {
        to_ms - to_ms.rem_euclid(3_600_000)
    } else {
        to_ms
    };
    let range = Range {
        from_ms: to_ms - length,
        to_ms,
    };
    let zone: TimeZone = draw.one(ZONES).parse().expect("a zone");
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..draw.below(3) {
        let name = draw.one(report.dimensions).name;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut conditions = Vec::new();
    for (name, values) in known {
        if report.dimension(name).is_some() && draw.below(6) == 0 {
            let sign = *draw.one(&["=", "!="]);
            conditions.push(format!("{name}{sign}{}", draw.one(values)));
        }
    }
    let ask = Ask::usual(report, range, zone)
        .grouped(names)
        .expect("dimensions");
    ask.filtered(conditions.iter().map(String::as_str))
        .expect("conditions")
}

/// What is set aside by row, in parts and in memory, is what the view `copies` finds by comparing.
pub(super) async fn sets_aside(world: &World) {
    let snapshot = world.bench.store.snapshot().await;
    let in_parts: u64 = snapshot.parts(Table::Events).map(|part| part.rows).sum();
    let in_memory = snapshot
        .batches(Table::Events)
        .map(|batch| batch.num_rows() as u64);
    let stored = in_parts + in_memory.sum::<u64>();
    let counts = "SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM copies) AS copies,
                         (SELECT count(*) FROM events JOIN copies
                          ON events.session_id = copies.session_id AND events.time = copies.time
                             AND events.sequence = copies.sequence AND events.resource = copies.resource) AS both";
    let counts = world.bench.row(counts).await;
    let count = |name: &str| counts[name].as_u64().expect("a count");
    assert!(count("copies") > 100, "{counts}");
    assert_eq!(count("events") + count("copies"), stored, "{counts}");
    assert_eq!(count("both"), 0, "{counts}");
}

/// Asks at random, both ways.
pub(super) async fn agrees(world: &World) {
    let end_ms = world.config.end_unix_ms as i64;
    let people = world.names.iter().take(3).cloned().collect();
    let known = BTreeMap::from([
        ("person", people),
        (
            "product",
            vec!["cowork".to_owned(), "claude-code".to_owned()],
        ),
        ("model", vec!["claude-opus-4-1".to_owned(), String::new()]),
        ("team", vec![String::new(), "platform".to_owned()]),
        ("source", vec!["events".to_owned(), "metrics".to_owned()]),
    ]);
    let sights = sights(world).await;
    let (mut draw, mut figures, mut by_hour) = (Draw(29), 0, 0);
    for round in 0..ROUNDS {
        let ask = asked(&mut draw, end_ms, &known);
        let question = world.bench.engine.question(draw.one(&sights).clone());
        let what = format!("round {round}: {ask:?} by {:?}", question.sight());
        let compared = sums::compare(&question, ask, &what).await;
        figures += compared.figures;
        by_hour += u32::from(compared.by_hour);
    }
    assert!(
        figures > 2_000 && by_hour * 2 > ROUNDS,
        "{figures} {by_hour}"
    );
}

/// Who may see everything, less, and the rows of some organisations.
async fn sights(world: &World) -> Vec<Sight> {
    let ids = "SELECT DISTINCT organization_id FROM events WHERE organization_id IS NOT NULL";
    let ids = world.bench.rows(ids).await;
    let ids = ids
        .iter()
        .filter_map(|row| row["organization_id"].as_str().map(str::to_owned));
    let ids: Vec<String> = ids.chain(["default".to_owned()]).collect();
    let all = Sight::everything;
    vec![
        all(),
        all(),
        all().without_names(),
        all().without_content(),
        all().of_organizations(ids[..1].to_vec()),
        all().of_organizations(ids[1..].to_vec()).without_names(),
    ]
}
