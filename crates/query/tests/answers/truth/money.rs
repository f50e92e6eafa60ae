//! Cost, tokens and requests: in total, by person, team, model and day, and each combination.

use std::collections::BTreeMap;

use fleet::{Nanos, Spent, day_name};

use super::sheet::Sheet;
use super::world::{World, count, number, text};

/// Person, team, model, day.
type Key = [String; 4];

const DIMENSIONS: [&str; 4] = ["person", "team", "model", "day"];

#[derive(Clone, Copy, Default)]
struct Answer {
    cost_usd: f64,
    counts: [u64; 5],
}

pub(super) async fn compare(world: &World, sheet: &mut Sheet) {
    let (truth, answer) = (truth(world), answer(world).await);
    let cost: u64 = truth.values().map(|spent| spent.cost.0).sum();
    let answered = answer.values().map(|answer| answer.cost_usd).sum();
    sheet.usd("cost, USD", Nanos(cost), answered);
    for (place, name) in COUNTS.iter().enumerate() {
        let true_sum = truth.values().map(|spent| counts(spent)[place]).sum();
        sheet.count(
            name,
            true_sum,
            answer.values().map(|answer| answer.counts[place]).sum(),
        );
    }
    for (place, name) in DIMENSIONS.iter().enumerate() {
        let mut of_truth: BTreeMap<String, Nanos> = BTreeMap::new();
        for (key, spent) in &truth {
            of_truth.entry(key[place].clone()).or_default().0 += spent.cost.0;
        }
        let mut of_answer: BTreeMap<String, f64> = BTreeMap::new();
        for (key, answer) in &answer {
            *of_answer.entry(key[place].clone()).or_default() += answer.cost_usd;
        }
        sheet.usd_each(&format!("cost, USD, {name}"), &of_truth, &of_answer);
    }
    let of_truth = truth
        .iter()
        .map(|(key, spent)| (key.join(" "), (spent.cost.0, counts(spent))));
    let of_answer = answer
        .iter()
        .map(|(key, answer)| (key.join(" "), (nanos(answer.cost_usd), answer.counts)));
    sheet.same(
        "cost, tokens, requests of each person, team, model and day",
        &of_truth.collect(),
        &of_answer.collect(),
    );
    reconcile(world, sheet).await;
    metrics(world, sheet).await;
}

const COUNTS: [&str; 5] = [
    "requests",
    "input tokens",
    "output tokens",
    "tokens read from the cache",
    "tokens written to the cache",
];

/// In billionths of a dollar, of which every cost is a whole number: sums of doubles differ by less.
fn nanos(usd: f64) -> u64 {
    (usd * 1e9).round() as u64
}

fn counts(spent: &Spent) -> [u64; 5] {
    let tokens = &spent.tokens;
    [
        spent.requests,
        tokens.input,
        tokens.output,
        tokens.cache_read,
        tokens.cache_creation,
    ]
}

fn truth(world: &World) -> BTreeMap<Key, Spent> {
    let mut truth: BTreeMap<Key, Spent> = BTreeMap::new();
    for (_, session) in world.sessions() {
        let team = match session.names_team {
            true => world.people[session.person].team,
            false => "-",
        };
        for ((day, model), spent) in session.spent() {
            let person = world.names[session.person].clone();
            let key = [person, team.to_owned(), model.to_owned(), day_name(day)];
            *truth.entry(key).or_default() += spent;
        }
    }
    truth.retain(|_, spent| *spent != Spent::default());
    truth
}

async fn answer(world: &World) -> BTreeMap<Key, Answer> {
    let sql = "SELECT person, team, model, to_char(time, '%Y-%m-%d') AS day, sum(cost_usd) AS cost_usd,
                      sum(requests) AS requests, sum(input_tokens) AS input, sum(output_tokens) AS output,
                      sum(cache_read_tokens) AS read, sum(cache_creation_tokens) AS written
               FROM usage GROUP BY 1, 2, 3, 4";
    let mut answer = BTreeMap::new();
    for row in world.rows(sql).await {
        let counts =
            ["requests", "input", "output", "read", "written"].map(|name| count(&row, name));
        let cost_usd = number(&row, "cost_usd");
        if cost_usd > 0.0 || counts.iter().any(|count| *count > 0) {
            let key = DIMENSIONS.map(|name| text(&row, name));
            answer.insert(key, Answer { cost_usd, counts });
        }
    }
    answer
}

/// What events and metrics of each session say, side by side.
async fn reconcile(world: &World, sheet: &mut Sheet) {
    let sql = "SELECT session_id, sum(CASE WHEN measure = 'cost_usd' THEN events_value END) AS of_events,
                      sum(CASE WHEN measure = 'cost_usd' THEN metrics_value END) AS of_metrics,
                      sum(CASE WHEN measure <> 'cost_usd' THEN events_value END) AS tokens_of_events,
                      sum(CASE WHEN measure <> 'cost_usd' THEN metrics_value END) AS tokens_of_metrics,
                      sum(CASE WHEN measure = 'cost_usd' THEN difference END) AS difference,
                      sum(CASE WHEN verdict = 'differs' THEN 1 ELSE 0 END) AS differing
               FROM reconciliation GROUP BY session_id";
    let rows = world.rows(sql).await;
    let side = |row: &_, cost: &str, tokens: &str| (nanos(number(row, cost)), count(row, tokens));
    let answer = rows.iter().map(|row| {
        let events = side(row, "of_events", "tokens_of_events");
        let metrics = side(row, "of_metrics", "tokens_of_metrics");
        (text(row, "session_id"), (events, metrics))
    });
    let side = |spent: Option<Spent>| {
        let spent = spent.unwrap_or_default();
        let tokens: u64 = counts(&spent)[1..].iter().sum();
        (spent.cost.0, tokens)
    };
    let truth = world.sessions().map(|(id, session)| {
        (
            id.clone(),
            (side(session.requested()), side(session.metered())),
        )
    });
    let spent = |sides: &((u64, u64), (u64, u64))| sides.0 != (0, 0) || sides.1 != (0, 0);
    sheet.same(
        "reconciliation: cost and tokens of each session by events and by metrics",
        &truth.filter(|(_, sides)| spent(sides)).collect(),
        &answer.filter(|(_, sides)| spent(sides)).collect(),
    );
    // What was lost on the way is seen where the metrics came whole.
    let mut lost = Nanos::default();
    let mut seen = 0.0;
    for row in &rows {
        let id = text(row, "session_id");
        let (Some(session), Some(missing)) = (
            world.arrived.sessions.get(&id),
            world.lost.sessions.get(&id),
        ) else {
            continue;
        };
        let is_whole = missing.metrics().is_empty();
        if let (Some(_), Some(_), Some(requests), true) = (
            session.requested(),
            session.metered(),
            missing.requested(),
            is_whole,
        ) {
            lost.0 += requests.cost.0;
            seen += number(row, "difference");
        }
    }
    sheet.usd(
        "reconciliation: cost of lost events where metrics came whole, USD",
        lost,
        seen,
    );
}

/// Delta or cumulative, reset or not: sums of increments by name.
async fn metrics(world: &World, sheet: &mut Sheet) {
    let mut truth: BTreeMap<String, f64> = BTreeMap::new();
    for (_, session) in world.sessions() {
        for (name, value) in session.metrics() {
            *truth.entry(name).or_default() += value;
        }
    }
    let rows = world
        .rows("SELECT name, sum(value) AS value FROM metrics GROUP BY name")
        .await;
    let thousandths = |value: f64| (value * 1e3).round() as u64;
    let of_truth = truth
        .iter()
        .map(|(name, value)| (name.clone(), thousandths(*value)));
    let of_answer = rows
        .iter()
        .map(|row| (text(row, "name"), thousandths(number(row, "value"))));
    sheet.count_each(
        "thousandths, metric",
        &of_truth.collect(),
        &of_answer.collect(),
    );
}
