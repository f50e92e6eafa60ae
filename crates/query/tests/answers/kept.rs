//! An answer that is kept is given only to the same question, of the same rows, by who may see as much.

use std::time::Duration;

use query::PeopleFiles;
use query::catalogue::{Ask, REPORTS, Range, Report, ReportAnswer, TimeZone, answer};
use query::reports::{self, Filter};
use query::{Mapping, Question, Sight, render};

use super::support::{Bench, DAY_MS, NOW_MS, scenario};

fn range() -> Range {
    Range {
        from_ms: NOW_MS - 30 * DAY_MS,
        to_ms: NOW_MS + DAY_MS,
    }
}

async fn asked(question: &Question<'_>, report: &str) -> ReportAnswer {
    let report = Report::find(report).expect("a report");
    let ask = Ask::usual(report, range(), TimeZone::default());
    let ask = ask.grouped(["person"]).expect("a dimension");
    answer(question, ask).await.expect("answers")
}

fn rows(answer: &ReportAnswer) -> String {
    String::from_utf8(render::json(&answer.rows).expect("renders")).expect("is UTF-8")
}

#[tokio::test]
async fn the_same_question_of_the_same_rows_is_answered_once() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let first = asked(&bench.all(), "cost").await;
    let again = asked(&bench.all(), "cost").await;
    assert!(!first.is_kept && again.is_kept);
    assert_eq!(rows(&first), rows(&again));
    let nameless = bench.engine.question(Sight::everything().without_names());
    let others = asked(&nameless, "cost").await;
    assert!(!others.is_kept);
    assert_ne!(rows(&first), rows(&others), "people have pseudonyms");
    let none = bench
        .engine
        .question(Sight::everything().of_organizations(["none"]));
    assert!(!asked(&none, "cost").await.is_kept);
}

#[tokio::test]
async fn what_comes_in_and_what_files_say_is_in_the_next_answer() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let filter = Filter::range(range().from_ms, range().to_ms);
    let first = asked(&bench.all(), "cost").await;
    let overview = reports::overview(&bench.all(), &filter)
        .await
        .expect("answers");
    for request in scenario("cowork_like_pb").requests {
        bench.receive(&request).await;
    }
    let more = asked(&bench.all(), "cost").await;
    assert!(!more.is_kept);
    assert_ne!(rows(&first), rows(&more));
    let newer = reports::overview(&bench.all(), &filter)
        .await
        .expect("answers");
    assert!(newer.totals.requests > overview.totals.requests);
    bench.store.flush().await.expect("flushes");
    let flushed = asked(&bench.all(), "cost").await;
    assert!(!flushed.is_kept);
    assert_eq!(flushed.totals.rows(), 1);
    let people = bench.row("SELECT min(person) AS person FROM events").await;
    let person = people["person"].as_str().expect("somebody");
    let mapping = format!("id,person\n{person},Somebody Else\n");
    bench.engine.set_people(PeopleFiles {
        mapping: Some(Mapping::parse("mapping.csv", mapping.as_bytes()).expect("a mapping")),
        ..PeopleFiles::default()
    });
    let renamed = asked(&bench.all(), "cost").await;
    assert!(!renamed.is_kept);
    assert!(
        rows(&renamed).contains("Somebody Else"),
        "{}",
        rows(&renamed)
    );
}

#[tokio::test]
async fn what_hangs_on_the_time_is_asked_anew() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let mut anew = Vec::new();
    for report in REPORTS {
        for _ in 0..2 {
            let ask = Ask::usual(report, range(), TimeZone::default());
            let found = answer(&bench.all(), ask).await.expect("answers");
            if !found.is_kept {
                anew.push(report.name);
            }
        }
    }
    let twice: Vec<&str> = anew
        .iter()
        .filter(|name| anew.iter().filter(|other| other == name).count() == 2)
        .copied()
        .collect();
    assert_eq!(twice, ["coverage", "coverage"]);
}

/// Who says that an older answer will do has one, and is told of when it is.
#[tokio::test]
async fn an_older_answer_is_given_to_who_allows_it() {
    let bench = Bench::configured(
        &["cc329_tools_json"],
        query::Config {
            older_after: Duration::ZERO,
            ..query::Config::default()
        },
    )
    .await;
    let allowing = || bench.all().no_older_than(Duration::from_mins(1));
    let first = asked(&bench.all(), "cost").await;
    let filter = Filter::range(range().from_ms, range().to_ms);
    let overview = reports::overview(&allowing(), &filter).await;
    assert!(!overview.expect("answers").is_older, "there was none");
    for request in scenario("cowork_like_pb").requests {
        bench.receive(&request).await;
    }
    let older = asked(&allowing(), "cost").await;
    assert!(older.is_older && !first.is_older);
    assert_eq!(
        (rows(&older), older.as_of_ms),
        (rows(&first), first.as_of_ms)
    );
    let overview = reports::overview(&allowing(), &filter).await;
    assert!(overview.expect("answers").is_older);
    // The range moves with the clock; what is given says which it is of.
    let mut ask = first.ask.clone();
    ask.range.from_ms += 30_000;
    ask.range.to_ms += 30_000;
    let moved = answer(&allowing(), ask.clone()).await.expect("answers");
    assert!(moved.is_older);
    assert_eq!(moved.ask.range.to_ms, first.ask.range.to_ms);
    assert_eq!(moved.asked, first.asked);
    ask.range.to_ms += 31_000;
    let further = answer(&allowing(), ask).await.expect("answers");
    assert!(!further.is_older, "further off than it may be old");
    // Who does not allow it has all that was acknowledged, and so has then who does.
    let now = asked(&bench.all(), "cost").await;
    assert!(!now.is_older);
    assert_ne!(rows(&now), rows(&first));
    assert_eq!(rows(&asked(&allowing(), "cost").await), rows(&now));
    let nameless = bench.engine.question(Sight::everything().without_names());
    let others = asked(&nameless.no_older_than(Duration::from_mins(1)), "cost").await;
    assert!(!others.is_older && !others.is_kept);
}
