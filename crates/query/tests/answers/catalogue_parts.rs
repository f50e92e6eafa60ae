//! Of every report: parts and the whole, filters and rows, coarse and fine, one range and two. By
//! groupings and filters that are drawn at random, the same at each run.

use proptest::sample::{select, subsequence};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use query::catalogue::{Ask, Measure, Parts, REPORTS, Range, Report, Unit};
use serde_json::Value;

use super::catalogue::{all_time, ask, asked, company, rows, totals};
use super::support::{Bench, DAY_MS, NOW_MS};

const DRAWS: usize = 2;

/// Draws of one seed.
struct Draws(TestRunner);

impl Draws {
    fn new() -> Draws {
        let random = proptest::test_runner::RngAlgorithm::ChaCha;
        let random = proptest::test_runner::TestRng::deterministic_rng(random);
        Draws(TestRunner::new_with_rng(Config::default(), random))
    }

    fn draw<S: Strategy>(&mut self, from: S) -> S::Value {
        from.new_tree(&mut self.0).expect("a value").current()
    }

    /// Some dimensions of a report that do not split everything into single rows.
    fn grouping(&mut self, report: &Report, at_least: usize) -> Vec<&'static str> {
        let names: Vec<_> = report.dimensions.iter().map(|own| own.name).collect();
        let at_most = 3.min(names.len());
        self.draw(subsequence(names, at_least..=at_most))
    }
}

fn figure(row: &Value, measure: &Measure) -> Option<f64> {
    let value = &row[measure.name];
    match value.as_str() {
        // A moment; in text of one form they are ordered as they are.
        Some(text) => text
            .bytes()
            .filter(u8::is_ascii_digit)
            .try_fold(0.0, |number, digit| {
                Some(number * 10.0 + f64::from(digit - b'0'))
            }),
        None => value.as_f64(),
    }
}

/// How far two answers of the same approximate percentile may lie apart: which of two neighbours it is among
/// few values depends on the order in which the engine's threads come together.
const APPROXIMATE: f64 = 0.25;

/// Whether two figures are the same but for rounding; percentiles are approximate.
fn is_same(left: Option<f64>, right: Option<f64>, measure: &Measure) -> bool {
    let leeway = if measure.is_approximate() {
        APPROXIMATE
    } else {
        1e-9
    };
    // Money is rounded, each row for itself.
    let rounding = if matches!(measure.unit, Unit::Usd | Unit::Currency) {
        1e-6
    } else {
        1e-12
    };
    match (left, right) {
        (Some(left), Some(right)) => {
            (left - right).abs() <= leeway * left.abs().max(right.abs()) + rounding
        }
        (left, right) => left.unwrap_or(0.0) == right.unwrap_or(0.0),
    }
}

/// What the kind of a figure promises of the figures of parts.
fn check(whole: &Value, parts: &[Value], measure: &Measure, what: &str) {
    let all = figure(whole, measure);
    let parts: Vec<f64> = parts
        .iter()
        .filter_map(|row| figure(row, measure))
        .collect();
    let what = format!("{what}, {}: {parts:?} are parts of {all:?}", measure.name);
    let sum: f64 = parts.iter().sum();
    let greatest = parts.iter().copied().reduce(f64::max);
    let least = parts.iter().copied().reduce(f64::min);
    let leeway = 1e-9 * (1.0 + sum.abs());
    match measure.parts {
        Parts::Sum => assert!(is_same(all, Some(sum), measure), "{what}"),
        Parts::Distinct => {
            let all = all.unwrap_or(0.0);
            assert!(greatest.unwrap_or(0.0) <= all && all <= sum, "{what}");
        }
        Parts::Mean => {
            let is_between = match (least, all, greatest) {
                (Some(least), Some(all), Some(greatest)) => {
                    least - leeway <= all && all <= greatest + leeway
                }
                (_, all, _) => parts.is_empty() && all.is_none(),
            };
            assert!(is_between, "{what}");
        }
        Parts::Greatest => assert!(is_same(all, greatest, measure), "{what}"),
        Parts::Least => assert!(is_same(all, least, measure), "{what}"),
        Parts::Other => {}
    }
}

async fn check_all(bench: &Bench, ask: Ask) {
    let answer = asked(bench, ask).await;
    let what = format!(
        "{} by {:?} of {}",
        answer.ask.report.name, answer.ask.group_by, answer.asked
    );
    let (whole, parts) = (rows(&answer.totals).remove(0), rows(&answer.rows));
    for measure in answer.ask.report.measures {
        check(&whole, &parts, measure, &what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_make_up_the_whole() {
    let bench = company().await;
    let mut draws = Draws::new();
    for report in REPORTS {
        check_all(&bench, ask(report.name)).await;
        for _ in 0..DRAWS {
            let grouping = draws.grouping(report, 1);
            check_all(&bench, ask(report.name).grouped(grouping).expect("known")).await;
        }
    }
}

/// The condition that a row of a grouping stands for.
fn conditions(row: &Value, grouping: &[&str]) -> Vec<String> {
    let value = |name: &str| match &row[name] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let of = |name: &&str| format!("{name}={}", value(name));
    grouping.iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_the_row_of_the_grouping_in_whatever_order_it_is_written() {
    let bench = company().await;
    let mut draws = Draws::new();
    for report in REPORTS {
        for _ in 0..DRAWS {
            let grouping = draws.grouping(report, 1);
            let grouped = ask(report.name).grouped(grouping.clone()).expect("known");
            let groups = rows(&asked(&bench, grouped).await.rows);
            if groups.is_empty() {
                continue;
            }
            let row = draws.draw(select(groups));
            let mut conditions = conditions(&row, &grouping);
            let filtered = |conditions: &[String]| {
                let conditions = conditions.iter().map(String::as_str);
                ask(report.name).filtered(conditions).expect("known")
            };
            let one = totals(&bench, filtered(&conditions)).await;
            conditions.reverse();
            let other = totals(&bench, filtered(&conditions)).await;
            for measure in report.measures {
                let figures = [&row, &one, &other].map(|row| figure(row, measure));
                let what = format!(
                    "{}.{} of {conditions:?}: {figures:?}",
                    report.name, measure.name
                );
                assert!(is_same(figures[0], figures[1], measure), "{what}");
                assert!(is_same(figures[1], figures[2], measure), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fine_groups_sum_up_to_coarse_ones() {
    let bench = company().await;
    let mut draws = Draws::new();
    for report in REPORTS {
        for _ in 0..DRAWS {
            let fine = draws.grouping(report, 2);
            let coarse = &fine[..1];
            let by =
                |names: &[&'static str]| ask(report.name).grouped(names.to_vec()).expect("known");
            let fine_rows = rows(&asked(&bench, by(&fine)).await.rows);
            for group in rows(&asked(&bench, by(coarse)).await.rows) {
                let of_group = |row: &&Value| row[coarse[0]] == group[coarse[0]];
                let parts: Vec<Value> = fine_rows.iter().filter(of_group).cloned().collect();
                for measure in report.measures {
                    let what = format!("{} by {fine:?} in {}", report.name, group[coarse[0]]);
                    check(&group, &parts, measure, &what);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ranges_make_up_the_range_of_both() {
    let bench = company().await;
    let mut draws = Draws::new();
    for report in REPORTS {
        let whole = totals(&bench, ask(report.name)).await;
        for _ in 0..1 {
            let cut_ms = draws.draw(NOW_MS - 8 * DAY_MS..NOW_MS);
            let Range { from_ms, to_ms } = all_time();
            let mut parts = Vec::new();
            for range in [
                Range {
                    from_ms,
                    to_ms: cut_ms,
                },
                Range {
                    from_ms: cut_ms,
                    to_ms,
                },
            ] {
                parts.push(
                    totals(
                        &bench,
                        Ask {
                            range,
                            ..ask(report.name)
                        },
                    )
                    .await,
                );
            }
            let told = [Parts::Sum, Parts::Distinct];
            for measure in report
                .measures
                .iter()
                .filter(|own| told.contains(&own.parts))
            {
                check(
                    &whole,
                    &parts,
                    measure,
                    &format!("{} cut at {cut_ms}", report.name),
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_any_zone_sum_up_to_the_same_whole() {
    let bench = company().await;
    for report in REPORTS
        .iter()
        .filter(|report| report.dimension("day").is_some())
    {
        let whole = totals(&bench, ask(report.name)).await;
        for zone in ["Asia/Kolkata", "America/New_York", "UTC"] {
            let zone = zone.parse().expect("a zone");
            let by_day = Ask {
                zone,
                ..ask(report.name)
            }
            .grouped(["day"])
            .expect("known");
            let parts = rows(&asked(&bench, by_day).await.rows);
            for measure in report.measures.iter().filter(|own| own.parts == Parts::Sum) {
                if measure.name.contains("off_hours") || measure.name.contains("weekend") {
                    continue;
                }
                check(
                    &whole,
                    &parts,
                    measure,
                    &format!("{} in {zone}", report.name),
                );
            }
        }
    }
}
