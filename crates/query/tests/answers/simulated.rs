//! Reports over an organisation whose truth is known.

use fleet::{Batched, ClientVersion, Config, Organisation, Truth, Variety};
use query::reports::{self, Filter};

use super::support::{Bench, DAY_MS, NOW_MS, assert_close, number};

const DAYS: u64 = 3;

#[tokio::test]
async fn the_overview_of_a_simulated_organisation_is_its_truth() {
    let bench = Bench::with(&[]).await;
    let mut organisation = Organisation::new(Config {
        people: 12,
        seed: 11,
        end_unix_ms: NOW_MS as u64,
        days: DAYS,
        client: ClientVersion::V2_1_329,
        content: false,
        metrics: true,
        variety: Variety::default(),
    });
    for (number, batch) in Batched::new(organisation.by_ref(), 500).enumerate() {
        bench
            .append(batch.signal, batch.protobuf().into(), batch.at_ms)
            .await;
        // Parts and buffer answer together.
        if number == 5 {
            bench.store.flush().await.expect("flushes");
        }
    }
    let truth = organisation.truth();
    let range = Filter::range(NOW_MS - (DAYS as i64 + 1) * DAY_MS, NOW_MS + DAY_MS);
    let overview = reports::overview(&bench.all(), &range)
        .await
        .expect("answers");
    let totals = overview.totals;
    assert_close(totals.cost_usd, truth.total_cost_usd, "cost");
    let counts = [
        totals.requests,
        totals.errors,
        totals.prompts,
        totals.sessions,
    ];
    assert_eq!(
        counts,
        [
            truth.requests,
            truth.api_errors,
            truth.prompts,
            truth.sessions
        ]
    );
    let tokens = [
        totals.input_tokens,
        totals.output_tokens,
        totals.cache_read_tokens,
        totals.cache_creation_tokens,
    ];
    let expect = truth.tokens;
    assert_eq!(
        tokens,
        [
            expect.input,
            expect.output,
            expect.cache_read,
            expect.cache_creation
        ]
    );
    let people: std::collections::BTreeSet<_> = truth.people_by_day.values().flatten().collect();
    assert_eq!(totals.active_people as usize, people.len());
    check_tools(&overview, truth);
    agrees_with_the_views(&bench, &overview).await;
}

fn check_tools(overview: &reports::Overview, truth: &Truth) {
    for (name, tool) in &truth.tools {
        let row = overview
            .tools
            .iter()
            .find(|row| row.tool_name.as_deref() == Some(name))
            .expect(name);
        let got = [row.calls, row.failures, row.rejections];
        assert_eq!(
            got,
            [tool.calls + tool.rejections, tool.failures, tool.rejections],
            "{name}"
        );
        let mut durations = tool.durations_ms.clone();
        durations.sort_unstable();
        if let Some(last) = (durations.len() * 95).div_ceil(100).checked_sub(1) {
            let exact = f64::from(durations[last]);
            let p95 = row.p95_duration_ms.expect("a duration");
            assert!(
                (p95 - exact).abs() <= exact / 100.0,
                "{name}: {p95} is not about {exact}"
            );
        }
    }
}

/// The same numbers by another way.
async fn agrees_with_the_views(bench: &Bench, overview: &reports::Overview) {
    for row in &overview.people {
        let person = row.person.as_deref().expect("everybody is known");
        let seen = bench
            .row(&format!("SELECT * FROM users WHERE person = '{person}'"))
            .await;
        assert_close(row.cost_usd, number(&seen, "cost_usd"), person);
        let expect = ["requests", "prompts", "sessions"].map(|name| number(&seen, name) as u64);
        assert_eq!(
            [row.requests, row.prompts, row.sessions],
            expect,
            "{person}"
        );
    }
    let (step_ms, monday_ms) = (overview.step_ms, 4 * DAY_MS);
    let steps = format!(
        "SELECT (CAST(time AS BIGINT) - {monday_ms}) / {step_ms} * {step_ms} + {monday_ms} AS step,
                sum(cost_usd) AS cost FROM api_requests GROUP BY step"
    );
    let steps = bench.rows(&steps).await;
    assert_eq!(
        steps.len(),
        overview
            .series
            .requests
            .iter()
            .filter(|requests| **requests > 0)
            .count()
    );
    for step in steps {
        let at = overview
            .series
            .time_ms
            .iter()
            .position(|time| *time as f64 == number(&step, "step"))
            .expect("a step");
        assert_close(
            overview.series.cost_usd[at],
            number(&step, "cost"),
            "a step",
        );
    }
}
