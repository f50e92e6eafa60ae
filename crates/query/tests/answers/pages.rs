use query::reports::{self, Filter};

use super::support::{Bench, DAY_MS, NOW_MS, assert_close, scenario};

const NAMES: &[&str] = &[
    "cc329_tools_json",
    "cc329_agent_json",
    "cowork_like_pb",
    "cc329_many_pb_default",
    "cc10128_mcp_json",
];

fn day() -> Filter {
    Filter::range(NOW_MS - DAY_MS, NOW_MS + DAY_MS)
}

#[tokio::test]
async fn pages_of_sessions_hold_each_session_once_and_add_up() {
    let bench = Bench::with(NAMES).await;
    let whole = reports::sessions(&bench.all(), &day(), 100, None)
        .await
        .expect("answers");
    assert_eq!((whole.sessions.len(), whole.next_before_ms), (5, None));
    assert!(whole.sessions.is_sorted_by_key(|session| -session.start_ms));
    let (mut paged, mut before_ms) = (Vec::new(), None);
    for _ in 0..3 {
        let page = reports::sessions(&bench.all(), &day(), 2, before_ms)
            .await
            .expect("answers");
        paged.extend(page.sessions);
        before_ms = page.next_before_ms;
    }
    assert_eq!((paged, before_ms), (whole.sessions.clone(), None));
    for name in NAMES {
        let ledger = scenario(name).expected.expect("a ledger");
        let session = whole
            .sessions
            .iter()
            .find(|session| session.session_id == ledger.session_id)
            .expect(name);
        assert_close(session.cost_usd, ledger.total_cost_usd, name);
        assert!(
            !session.models.is_empty() && session.app_version.is_some(),
            "{session:?}"
        );
    }
}

#[tokio::test]
async fn one_session_has_its_prompts_in_order() {
    let bench = Bench::with(NAMES).await;
    for name in ["cc329_many_pb_default", "cc329_agent_json"] {
        let ledger = scenario(name).expected.expect("a ledger");
        let detail = reports::session(&bench.all(), &ledger.session_id)
            .await
            .expect("answers")
            .expect("is there");
        assert_close(detail.session.cost_usd, ledger.total_cost_usd, name);
        assert_close(
            detail.prompts.iter().map(|prompt| prompt.cost_usd).sum(),
            ledger.total_cost_usd,
            name,
        );
        assert!(
            detail.prompts.is_sorted_by_key(|prompt| prompt.time_ms),
            "{:?}",
            detail.prompts
        );
    }
    assert!(
        reports::session(&bench.all(), "' OR '1'='1")
            .await
            .expect("answers")
            .is_none()
    );
}

#[tokio::test]
async fn prompts_are_filtered_by_what_they_used_and_summed_up_whole() {
    let bench = Bench::with(&[
        "cc329_tools_json",
        "cc329_denied_json",
        "cc329_fatal400_json",
    ])
    .await;
    let list = async |filter: &Filter, errors| {
        reports::prompts(&bench.all(), filter, 100, None, errors)
            .await
            .expect("answers")
            .prompts
    };
    let all = list(&day(), false).await;
    assert!(
        all.len() >= 3 && all.is_sorted_by_key(|prompt| -prompt.time_ms),
        "{all:?}"
    );
    let globbing = list(
        &Filter {
            tool: Some("Glob".into()),
            ..day()
        },
        false,
    )
    .await;
    assert_eq!(globbing.len(), 1);
    assert!(
        all.contains(&globbing[0]) && globbing[0].tool_calls == 10,
        "{globbing:?}"
    );
    let failed = list(&day(), true).await;
    assert!(
        !failed.is_empty() && failed.iter().all(|prompt| prompt.errors > 0),
        "{failed:?}"
    );
    assert!(
        list(
            &Filter {
                model: Some("no-such-model".into()),
                ..day()
            },
            false
        )
        .await
        .is_empty()
    );
    let page = reports::prompts(&bench.all(), &day(), 1, None, false)
        .await
        .expect("answers");
    assert_eq!(
        (&page.prompts[..], page.next_before_ms),
        (&all[..1], Some(all[0].time_ms))
    );
}
