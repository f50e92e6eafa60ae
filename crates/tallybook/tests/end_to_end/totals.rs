//! Every recorded scenario over its own transport comes to its ledger.

use testkit::{Problem, Tally, Totals, compare, scenarios};

use crate::stage::{Expectation, all, deliver, fates, items_sent, launch, play, requests_of};

/// The one scenario that continues another: its ledger includes the earlier run, and both runs are
/// of one session. So its ledger holds for both together.
const CONTINUES: (&str, &str) = ("cc329_compact_json", "cc329_resume_json");
/// The one scenario whose client leaves out `session.id`: all its items are of no session.
const WITHOUT_SESSION: &str = "cc329_nosession_json";

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_alone_comes_to_its_ledger() -> Result<(), Problem> {
    let mut ledgers = 0;
    for scenario in scenarios()? {
        let name = scenario.name.as_str();
        let server = launch().start()?;
        play(&scenario, &server).await?;
        let sql = server.sql();
        let expected = Expectation::of(&scenario.requests)?;
        expected.check(name, &sql).await?;
        let sessions = sql.sessions_tally().await?;
        compare(&format!("{name}, sessions"), &sessions, expected.events())?;
        let fates = fates(&sql).await?;
        assert_eq!(fates.accepted, all(expected.items()), "{name}: {fates:?}");
        assert_eq!(
            fates.received,
            items_sent(&scenario.requests)?,
            "{name}: {fates:?}"
        );
        let Some(ledger) = &scenario.expected else {
            continue;
        };
        ledgers += 1;
        if name == CONTINUES.0 {
            continue;
        }
        let session = (name != WITHOUT_SESSION).then(|| ledger.session_id.clone());
        let ledger = Tally::from([(session, Totals::of_ledger(ledger))]);
        compare(name, &spent(sql.tally().await?), &ledger)?;
        if expected.items().metrics > 0 {
            compare(
                &format!("{name}, metrics"),
                &sql.metrics_tally().await?,
                &ledger,
            )?;
        }
    }
    assert_eq!(ledgers, 36);
    Ok(())
}

/// All on one server, as an organisation would: sessions do not mix, and the session that was
/// continued comes to the ledger of its last run.
#[tokio::test(flavor = "multi_thread")]
async fn all_scenarios_together_come_to_all_ledgers() -> Result<(), Problem> {
    let server = launch().start()?;
    let scenarios = scenarios()?;
    for scenario in &scenarios {
        play(scenario, &server).await?;
    }
    let requests = requests_of(&scenarios);
    let sql = server.sql();
    Expectation::of(&requests)?
        .check("all scenarios", &sql)
        .await?;
    let (events, metrics) = (spent(sql.tally().await?), sql.metrics_tally().await?);
    for scenario in scenarios
        .iter()
        .filter(|scenario| scenario.name != CONTINUES.1)
    {
        let Some(ledger) = &scenario.expected else {
            continue;
        };
        let session = (scenario.name != WITHOUT_SESSION).then(|| ledger.session_id.clone());
        let expected = Tally::from([(session.clone(), Totals::of_ledger(ledger))]);
        let of_session = |tally: &Tally| {
            let found = tally.get(&session).copied().unwrap_or_default();
            Tally::from([(session.clone(), found)])
        };
        compare(&scenario.name, &of_session(&events), &expected)?;
        if !scenario.name.starts_with("cowork_like") {
            compare(&scenario.name, &of_session(&metrics), &expected)?;
        }
    }
    Ok(())
}

/// One number, one source: also while calls are decided and not yet carried out, the view of
/// sessions says what the views under it say.
#[tokio::test(flavor = "multi_thread")]
async fn views_agree_in_the_middle_of_a_session() -> Result<(), Problem> {
    let server = launch().start()?;
    for scenario in scenarios()? {
        let half = &scenario.requests[..scenario.requests.len() / 2];
        deliver(&server, half).await?;
    }
    let sql = server.sql();
    let what = "sessions, and the views under it";
    compare(
        what,
        &sql.sessions_tally().await?,
        &sql.ended_tally().await?,
    )
}

/// Only what a ledger knows.
fn spent(tally: Tally) -> Tally {
    let spent = tally
        .into_iter()
        .map(|(session, totals)| (session, totals.spent()));
    spent.collect()
}
