use query::reports::{self, Filter, Overview};

use super::support::{Bench, DAY_MS, NOW_MS, assert_close, scenario};

async fn overview(bench: &Bench, filter: &Filter) -> Overview {
    reports::overview(&bench.engine, filter).await.expect("answers")
}

fn day() -> Filter {
    Filter::range(NOW_MS - DAY_MS, NOW_MS + DAY_MS)
}

#[tokio::test]
async fn totals_are_the_clients_ledgers_and_every_column_adds_up_to_them() {
    let names = ["cc329_tools_json", "cc329_agent_json", "cowork_like_pb", "cc10128_tools_pb", "cc329_fatal400_json"];
    let bench = Bench::with(&names).await;
    let ledgers: Vec<_> = names.iter().map(|name| scenario(name).expected.expect("a ledger")).collect();
    let overview = overview(&bench, &day()).await;
    let totals = overview.totals;
    assert_close(totals.cost_usd, ledgers.iter().map(|ledger| ledger.total_cost_usd).sum(), "cost");
    assert_eq!(totals.input_tokens, ledgers.iter().map(|ledger| ledger.input_tokens).sum::<u64>());
    assert_eq!(totals.output_tokens, ledgers.iter().map(|ledger| ledger.output_tokens).sum::<u64>());
    assert_eq!(totals.cache_read_tokens, ledgers.iter().map(|ledger| ledger.cache_read_input_tokens).sum::<u64>());
    let written = ledgers.iter().map(|ledger| ledger.cache_creation_input_tokens).sum::<u64>();
    assert_eq!(totals.cache_creation_tokens, written);
    assert_eq!(totals.sessions, 5);
    assert!(totals.errors > 0 && totals.tool_calls > 0 && totals.prompts >= 5, "{totals:?}");
    assert_close(overview.series.cost_usd.iter().sum(), totals.cost_usd, "series");
    assert_eq!(overview.series.requests.iter().sum::<u64>(), totals.requests);
    assert_eq!(overview.series.errors.iter().sum::<u64>(), totals.errors);
    assert_close(overview.people.iter().map(|row| row.cost_usd).sum(), totals.cost_usd, "people");
    assert_eq!(overview.people.iter().map(|row| row.prompts).sum::<u64>(), totals.prompts);
    assert_close(overview.models.iter().map(|row| row.cost_usd).sum(), totals.cost_usd, "models");
    assert_close(overview.products.iter().map(|row| row.cost_usd).sum(), totals.cost_usd, "products");
    assert_eq!(overview.products.len(), 2, "{:?}", overview.products);
    assert_eq!(overview.tools.iter().map(|row| row.calls).sum::<u64>(), totals.tool_calls);
    assert_eq!(overview.tools.iter().map(|row| row.failures).sum::<u64>(), totals.tool_failures);
    assert!(overview.tools.iter().any(|row| row.p95_duration_ms.is_some_and(|ms| ms > 0.0)));
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
        assert_eq!((only.totals.sessions, only.totals.prompts), (row.sessions, row.prompts));
    }
    for row in &all.models {
        let only = overview(&bench, &Filter { model: row.model.clone(), ..day() }).await;
        assert_close(only.totals.cost_usd, row.cost_usd, "model");
        assert!(only.totals.requests == row.requests && only.models.len() == 1, "{:?}", only.models);
    }
    let quoted = overview(&bench, &Filter { person: Some("o'hara' OR '1'='1".into()), ..day() }).await;
    assert_eq!((quoted.totals.sessions, quoted.people.len()), (0, 0));
}

#[tokio::test]
async fn a_range_without_time_is_refused() {
    let bench = Bench::with(&[]).await;
    for filter in [Filter::range(5, 5), Filter::range(7, 5), Filter::range(-1, 5), Filter::range(0, i64::MAX)] {
        let error = reports::overview(&bench.engine, &filter).await.expect_err("is refused");
        assert_eq!(error.kind, query::ErrorKind::Invalid, "{error}");
    }
    assert_eq!(overview(&bench, &Filter::range(0, NOW_MS)).await.totals, reports::Totals::default());
}
