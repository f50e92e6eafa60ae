//! Who was there: people by day, week and month, and what each did.

use std::collections::{BTreeMap, BTreeSet};

use fleet::day_name;

use super::sheet::Sheet;
use super::world::{World, count, text};

/// Everything that somebody did: an event, or a metric that grew.
const DEEDS: &str =
    "(SELECT person, time FROM events UNION ALL SELECT person, time FROM metrics WHERE value > 0)";

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    let mut truth: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for (_, session) in world.sessions() {
        for day in session
            .event_days
            .iter()
            .copied()
            .chain(session.metered_days())
        {
            truth
                .entry(day)
                .or_default()
                .insert(&world.names[session.person]);
        }
    }
    for (period, of) in [
        ("day", day_name as fn(u64) -> String),
        // 1970-01-01 was a Thursday: weeks begin with the Monday before.
        ("week", |day| day_name((day + 3) / 7 * 7 - 3)),
        ("month", |day| format!("{}-01", &day_name(day)[..7])),
    ] {
        let mut of_truth: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (day, people) in &truth {
            of_truth.entry(of(*day)).or_default().extend(people);
        }
        let sql = format!(
            "SELECT to_char(date_trunc('{period}', time), '%Y-%m-%d') AS period, count(DISTINCT person) AS people
             FROM {DEEDS} GROUP BY 1"
        );
        let rows = world.rows(&sql).await;
        let of_answer = rows
            .iter()
            .map(|row| (text(row, "period"), count(row, "people")));
        let of_truth = of_truth
            .iter()
            .map(|(key, people)| (key.clone(), people.len() as u64));
        sheet.count_each(
            &format!("people, {period}"),
            &of_truth.collect(),
            &of_answer.collect(),
        );
    }
    who(world, sheet, &truth).await;
    deeds(world, sheet).await;
}

/// Not only how many: who.
async fn who(world: &World, sheet: &mut Sheet, truth: &BTreeMap<u64, BTreeSet<&str>>) {
    let sql = format!("SELECT DISTINCT to_char(time, '%Y-%m-%d') AS day, person FROM {DEEDS}");
    let mut answer: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in world.rows(&sql).await {
        answer
            .entry(text(&row, "day"))
            .or_default()
            .insert(text(&row, "person"));
    }
    let owned = |people: &BTreeSet<&str>| people.iter().map(|name| (*name).to_owned()).collect();
    let truth = truth
        .iter()
        .map(|(day, people)| (day_name(*day), owned(people)));
    sheet.same("people of each day by name", &truth.collect(), &answer);
}

async fn deeds(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT person, count(*) AS events, count(DISTINCT session_id) AS sessions,
                      sum(CASE WHEN event = 'user_prompt' THEN 1 ELSE 0 END) AS prompts,
                      sum(CASE WHEN event = 'api_error' THEN 1 ELSE 0 END) AS errors
               FROM events GROUP BY person";
    let rows = world.rows(sql).await;
    let answer = |name: &str| -> BTreeMap<String, u64> {
        let all = rows
            .iter()
            .map(|row| (text(row, "person"), count(row, name)));
        all.filter(|(_, count)| *count > 0).collect()
    };
    for (measure, column, truth) in [
        (
            "events",
            "events",
            world.by_person(|session| session.events),
        ),
        (
            "sessions with events",
            "sessions",
            world.by_person(|session| u64::from(session.events > 0)),
        ),
        (
            "prompts",
            "prompts",
            world.by_person(|session| session.prompts),
        ),
        (
            "failed requests",
            "errors",
            world.by_person(|session| session.api_errors),
        ),
    ] {
        let answer = answer(column);
        sheet.count(measure, truth.values().sum(), answer.values().sum());
        sheet.same(&format!("{measure} of each person"), &truth, &answer);
    }
}
