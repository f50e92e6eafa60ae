use fleet::Ledger;
use query::reports::{self, Filter, Overview};

use super::support::{Bench, DAY_MS, NOW_MS, assert_close, scenario};

async fn overview(bench: &Bench, filter: &Filter) -> Overview {
    reports::overview(&bench.all(), filter)
        .await
        .expect("answers")
}

fn day() -> Filter {
    Filter::range(NOW_MS - DAY_MS, NOW_MS + DAY_MS)
}

#[tokio::test]
async fn totals_are_the_clients_ledgers_and_every_column_adds_up_to_them() {
    let names = [
        "cc329_tools_json",
        "cc329_agent_json",
        "cowork_like_pb",
        "cc10128_tools_pb",
        "cc329_fatal400_json",
    ];
    let bench = Bench::with(&names).await;
    let overview = overview(&bench, &day()).await;
    let totals = overview.totals;
    let ledgers = names.map(|name| scenario(name).expected.expect("a ledger"));
    let cost = ledgers.iter().map(|ledger| ledger.total_cost_usd).sum();
    assert_close(totals.cost_usd, cost, "cost");
    let sum = |of: fn(&Ledger) -> u64| ledgers.iter().map(of).sum::<u64>();
    assert_eq!(totals.input_tokens, sum(|ledger| ledger.input_tokens));
    assert_eq!(totals.output_tokens, sum(|ledger| ledger.output_tokens));
    let (read, written) = (totals.cache_read_tokens, totals.cache_creation_tokens);
    assert_eq!(read, sum(|ledger| ledger.cache_read_input_tokens));
    assert_eq!(written, sum(|ledger| ledger.cache_creation_input_tokens));
    assert_eq!((totals.sessions, overview.products.len()), (5, 2));
    let happened = [
        totals.errors,
        totals.tool_calls,
        totals.tool_failures,
        totals.prompts,
    ];
    assert!(happened.iter().all(|count| *count > 0), "{totals:?}");
    adds_up(&overview);
}

fn adds_up(overview: &Overview) {
    let totals = overview.totals;
    let (series, people, tools) = (&overview.series, &overview.people, &overview.tools);
    for (what, cost) in [
        ("series", series.cost_usd.iter().sum()),
        ("people", people.iter().map(|row| row.cost_usd).sum()),
        (
            "models",
            overview.models.iter().map(|row| row.cost_usd).sum(),
        ),
        (
            "products",
            overview.products.iter().map(|row| row.cost_usd).sum(),
        ),
    ] {
        assert_close(cost, totals.cost_usd, what);
    }
    for (what, count, total) in [
        (
            "requests",
            series.requests.iter().sum::<u64>(),
            totals.requests,
        ),
        ("errors", series.errors.iter().sum(), totals.errors),
        (
            "prompts",
            people.iter().map(|row| row.prompts).sum(),
            totals.prompts,
        ),
        (
            "calls",
            tools.iter().map(|row| row.calls).sum(),
            totals.tool_calls,
        ),
        (
            "failures",
            tools.iter().map(|row| row.failures).sum(),
            totals.tool_failures,
        ),
    ] {
        assert_eq!(count, total, "{what}");
    }
    assert!(
        tools
            .iter()
            .any(|row| row.p95_duration_ms.is_some_and(|ms| ms > 0.0))
    );
}

#[tokio::test]
async fn the_period_before_is_the_same_question_asked_earlier() {
    let bench = Bench::with(&["cc329_tools_json", "cc329_denied_json"]).await;
    let now = overview(&bench, &day()).await;
    let later = overview(&bench, &Filter::range(NOW_MS + DAY_MS, NOW_MS + 3 * DAY_MS)).await;
    assert_eq!((later.previous, later.totals.requests), (now.totals, 0));
    assert_eq!(now.totals.tool_rejections, 2);
    assert!(later.people.is_empty() && later.models.is_empty() && later.tools.is_empty());
    assert!(later.series.time_ms.len() > 100);
}

#[tokio::test]
async fn the_period_before_is_the_one_that_is_named_and_nothing_between_counts() {
    let bench = Bench::with(&["cc329_tools_json", "cc329_denied_json"]).await;
    let now = overview(&bench, &day()).await;
    let (from_ms, to_ms) = (day().from_ms, day().to_ms);
    // What happened lies in the gap, then in the period that is named.
    let later = Filter::range(to_ms + 5 * DAY_MS, to_ms + 6 * DAY_MS);
    let named = |previous| Filter {
        previous: Some(previous),
        ..later.clone()
    };
    let gap = overview(&bench, &named((from_ms - DAY_MS, from_ms))).await;
    assert_eq!((gap.previous.requests, gap.totals.requests), (0, 0));
    let before = overview(&bench, &named((from_ms, to_ms))).await;
    assert_eq!(before.previous, now.totals);
    let after = named((later.from_ms, later.to_ms));
    assert!(
        query::reports::overview(&bench.all(), &after)
            .await
            .is_err(),
        "not before the range"
    );
}

#[tokio::test]
async fn a_filter_keeps_what_belongs_to_its_value() {
    let bench = Bench::with(&["cc329_agent_json", "cowork_like_pb", "cc10128_mcp_json"]).await;
    let all = overview(&bench, &day()).await;
    for row in &all.products {
        let product = row.product.clone();
        let only = overview(&bench, &Filter { product, ..day() }).await;
        assert_close(only.totals.cost_usd, row.cost_usd, "product");
        assert_eq!(only.products.len(), 1);
    }
    for row in &all.people {
        // An empty filter asks for those without an identity.
        let person = Some(row.person.clone().unwrap_or_default());
        let only = overview(&bench, &Filter { person, ..day() }).await;
        assert_close(only.totals.cost_usd, row.cost_usd, "person");
        assert_eq!(
            (only.totals.sessions, only.totals.prompts),
            (row.sessions, row.prompts)
        );
    }
    for row in &all.models {
        let only = overview(
            &bench,
            &Filter {
                model: row.model.clone(),
                ..day()
            },
        )
        .await;
        assert_close(only.totals.cost_usd, row.cost_usd, "model");
        assert!(
            only.totals.requests == row.requests && only.models.len() == 1,
            "{:?}",
            only.models
        );
    }
    let quoted = overview(
        &bench,
        &Filter {
            person: Some("o'hara' OR '1'='1".into()),
            ..day()
        },
    )
    .await;
    assert_eq!((quoted.totals.sessions, quoted.people.len()), (0, 0));
}

#[tokio::test]
async fn a_range_without_time_is_refused() {
    let bench = Bench::with(&[]).await;
    for filter in [
        Filter::range(5, 5),
        Filter::range(7, 5),
        Filter::range(-1, 5),
        Filter::range(0, i64::MAX),
    ] {
        let error = reports::overview(&bench.all(), &filter)
            .await
            .expect_err("is refused");
        assert_eq!(error.kind, query::ErrorKind::Invalid, "{error}");
    }
    assert_eq!(
        overview(&bench, &Filter::range(0, NOW_MS)).await.totals,
        reports::Totals::default()
    );
}
