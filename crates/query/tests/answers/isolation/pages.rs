//! Pages, named reports, explanations and the live list, asked by everybody.

use query::catalogue::{Ask, NumberId, REPORTS, Range, ReportDocument, TimeZone, answer, explain};
use query::reports::{self, Filter};
use serde_json::to_string;

use super::world::World;
use super::{Asker, askers, assert_clean};
use crate::support::{DAY_MS, NOW_MS};

fn range() -> Range {
    Range {
        from_ms: NOW_MS - DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    }
}

#[tokio::test]
async fn no_page_shows_what_is_not_seen() {
    let world = World::of(None).await;
    let filter = Filter::range(range().from_ms, range().to_ms);
    for asker in askers() {
        let question = world.bench.engine.question(asker.sight.clone());
        let overview = reports::overview(&question, &filter)
            .await
            .expect("answers");
        assert_clean(&asker, "overview", &to_string(&overview).expect("JSON"));
        let page = reports::sessions(&question, &filter, 100, None)
            .await
            .expect("answers");
        assert_clean(&asker, "sessions", &to_string(&page).expect("JSON"));
        let page = reports::prompts(&question, &filter, 100, None, false)
            .await
            .expect("answers");
        assert_clean(&asker, "prompts", &to_string(&page).expect("JSON"));
        let session = reports::session(&question, "session 1")
            .await
            .expect("answers");
        assert_clean(&asker, "session", &to_string(&session).expect("JSON"));
        let replay = reports::replay(&question, "prompt of session 1")
            .await
            .expect("answers");
        assert_eq!(
            replay.is_none(),
            asker.sight.organizations().is_some_and(|of| of.is_empty())
        );
        assert_clean(&asker, "replay", &to_string(&replay).expect("JSON"));
        live(&world, &asker);
    }
}

fn live(world: &World, asker: &Asker) {
    let snapshot = futures::executor::block_on(world.bench.all().snapshot()).expect("a snapshot");
    for batch in snapshot.batches(store::Table::Events) {
        let question = world.bench.engine.question(asker.sight.clone());
        let live = reports::live_items(&question, batch, 10).expect("items");
        assert_clean(asker, "live", &to_string(&live.items).expect("JSON"));
        if asker.sight.organizations().is_some_and(|of| of.is_empty()) {
            assert_eq!((live.items.len(), live.left_out), (0, 0));
        }
    }
}

#[tokio::test]
async fn no_report_shows_what_is_not_seen() {
    let world = World::of(None).await;
    for (at, asker) in askers().into_iter().enumerate() {
        let question = world.bench.engine.question(asker.sight.clone());
        for report in REPORTS {
            // Each asker by some of the dimensions, all of them together by all.
            let dimensions = report.dimensions.iter().skip(at).step_by(8);
            for dimension in dimensions {
                let ask = Ask::usual(report, range(), TimeZone::default());
                let ask = ask.grouped([dimension.name]).expect("a dimension");
                let what = format!("{} by {}", report.name, dimension.name);
                let found = answer(&question, ask).await;
                let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
                let document = ReportDocument::of(&found).expect("a document");
                assert_clean(&asker, &what, &to_string(&document).expect("JSON"));
            }
            let id = format!(
                "{}.{}@2026-11-01..2026-12-31",
                report.name, report.measures[0].name
            );
            let id = NumberId::read(&id, NOW_MS).expect("an id");
            let explained = explain(&question, &id).await.expect("explains");
            assert_clean(&asker, report.name, &to_string(&explained).expect("JSON"));
        }
    }
}
