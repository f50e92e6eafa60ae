//! Questions that try one thing each.

use query::Sight;

use super::world::{NAMED, ORGANIZATIONS, WROTE, World, organization};
use super::{ask, askers, assert_clean, shown};

/// Whether anything passes a condition on any column of text of any view.
#[tokio::test]
async fn no_condition_finds_out_what_is_not_seen() {
    let world = World::of(None).await;
    let everything = world.bench.all();
    let views = query::reports::views(&everything).await.expect("views");
    for view in views {
        let columns = view.columns.iter().filter(|column| column.kind == "text");
        let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        let name = view.name;
        for asker in askers() {
            let has_word = |column: &&str| {
                let words = asker.forbidden.iter();
                let terms = words.map(|word| format!("\"{column}\" LIKE '%{word}%'"));
                terms.collect::<Vec<_>>().join(" OR ")
            };
            let terms: Vec<String> = columns.iter().map(has_word).collect();
            let all = terms.join(" OR ");
            for sql in [
                format!("SELECT count(*) FILTER (WHERE {all}) AS n FROM {name}"),
                format!("SELECT count(*) AS n FROM {name} WHERE {all}"),
            ] {
                let answer = ask(&world.bench, &asker, &sql).await.expect("answers");
                let json = query::render::json(&answer).expect("renders");
                let json = String::from_utf8_lossy(&json);
                assert_eq!(json.trim(), "[{\"n\":0}]", "{name} as {:?}", asker.sight);
            }
            let greatest = columns.iter().map(|column| format!("max(\"{column}\")"));
            let greatest = greatest.collect::<Vec<_>>().join(", ");
            let sql = format!("SELECT {greatest} FROM {name}");
            let answer = ask(&world.bench, &asker, &sql).await;
            assert_clean(&asker, name, &shown(&answer));
        }
    }
}

#[tokio::test]
async fn who_may_see_everything_sees_the_words() {
    let world = World::of(None).await;
    for (column, word) in [
        ("prompt", WROTE),
        ("user_email", NAMED),
        ("model", ORGANIZATIONS[2]),
    ] {
        let sql = format!("SELECT count(*) AS n FROM events WHERE {column} LIKE '%{word}%'");
        let row = world.bench.row(&sql).await;
        assert!(row["n"].as_u64() > Some(0), "{sql}");
    }
}

/// What fails on a value says the value: on rows of others nothing is tried.
#[tokio::test]
async fn a_failure_does_not_quote_rows_of_others() {
    let world = World::of(None).await;
    let none = Sight::everything().of_organizations(["nobody"]);
    for sql in [
        "SELECT count(*) AS n FROM events WHERE CAST(model AS BIGINT) = 1",
        "SELECT count(*) AS n FROM events WHERE session_id = 'session 1' AND CAST(prompt AS BIGINT) = 1",
        "SELECT count(*) AS n FROM metrics WHERE CAST(unit AS DOUBLE) > 0",
        "SELECT count(*) AS n FROM spans WHERE date_part('year', CAST(name AS TIMESTAMP)) > 0",
    ] {
        let question = world.bench.engine.question(none.clone());
        let answer = question.query(sql, None).await;
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let json = query::render::json(&answer).expect("renders");
        assert_eq!(
            String::from_utf8_lossy(&json).trim(),
            "[{\"n\":0}]",
            "{sql}"
        );
    }
}

/// What is made for views may not be called beside them, nor a plan be seen.
#[tokio::test]
async fn what_tells_of_people_or_storage_is_not_there() {
    let world = World::of(None).await;
    let viewer = Sight::everything().without_names();
    for sql in [
        "SELECT _called(now(), 'ann@example.com')",
        "SELECT _person(now(), 'session 1', NULL, NULL, NULL, NULL, NULL, NULL)",
        "SELECT _machine('machine')",
        "SELECT _members('{}', true)",
        "SELECT input_file_name() FROM events",
        "SELECT version()",
        "EXPLAIN SELECT 1 FROM events",
        "EXPLAIN ANALYZE SELECT 1 FROM events",
    ] {
        let refused = world
            .bench
            .engine
            .question(viewer.clone())
            .query(sql, None)
            .await;
        assert_eq!(
            refused.expect_err(sql).kind,
            query::ErrorKind::Invalid,
            "{sql}"
        );
    }
    let question = world.bench.engine.question(viewer);
    assert!(question.plan("SELECT 1 FROM events").await.is_err());
}

/// The same e-mail in two organisations is two people, and one for who sees both.
#[tokio::test]
async fn people_are_those_of_the_organisations_that_are_seen() {
    let world = World::of(None).await;
    let team_of_ann = |sight: Sight| {
        let engine = &world.bench.engine;
        async move {
            let sql = format!(
                "SELECT team, count(*) AS n FROM people WHERE person LIKE 'ann.{NAMED}%' GROUP BY team"
            );
            let answer = engine
                .question(sight)
                .query(&sql, None)
                .await
                .expect("answers");
            String::from_utf8(query::render::json(&answer).expect("renders"))
                .expect("UTF-8")
                .trim()
                .to_owned()
        }
    };
    for (at, name) in ORGANIZATIONS.iter().enumerate() {
        let own = Sight::everything().of_organizations([organization(at)]);
        let team = team_of_ann(own).await;
        assert_eq!(
            team,
            format!("[{{\"team\":\"mapped team {name}\",\"n\":1}}]")
        );
    }
    assert_eq!(
        team_of_ann(Sight::everything())
            .await
            .matches("\"n\":1")
            .count(),
        1
    );
}

/// Who does not see the organisation that says whose a session is does not learn it.
#[tokio::test]
async fn whose_a_session_is_says_who_is_seen() {
    let world = World::of(None).await;
    let persons = |sight: Sight| {
        let engine = &world.bench.engine;
        async move {
            let sql = "SELECT DISTINCT person FROM events WHERE session_id = 'session 3'";
            let answer = engine.question(sight).query(sql, None).await;
            let json = query::render::json(&answer.expect("answers")).expect("renders");
            String::from_utf8(json).expect("UTF-8")
        }
    };
    let of = |at| Sight::everything().of_organizations([organization(at)]);
    let named = format!("nan.{NAMED}.{}@example.com", ORGANIZATIONS[1]);
    assert_eq!(
        persons(of(0)).await.trim(),
        "[{\"person\":\"machine of nobody\"}]"
    );
    assert!(persons(of(1)).await.contains(&named));
    assert!(persons(Sight::everything()).await.contains(&named));
    assert_eq!(
        persons(of(2)).await.trim(),
        "[{\"person\":\"machine of nobody\"}]"
    );
}

/// People can be told apart, counted and looked for by their pseudonyms, whichever of their ids an item has.
#[tokio::test]
async fn a_pseudonym_is_one_persons() {
    let world = World::of(None).await;
    let viewer = || Sight::everything().without_names();
    let text = |sql: String| {
        let question = world.bench.engine.question(viewer());
        async move {
            let answer = question.query(&sql, None).await.expect("answers");
            String::from_utf8(query::render::json(&answer).expect("renders"))
                .expect("UTF-8")
                .trim()
                .to_owned()
        }
    };
    let whole = world
        .bench
        .row("SELECT count(DISTINCT person) AS n, count(*) AS rows FROM events")
        .await;
    let seen =
        text("SELECT count(DISTINCT person) AS n, count(*) AS rows FROM events".to_owned()).await;
    assert_eq!(seen, format!("[{whole}]"));
    let odd = text(
        "SELECT person FROM events WHERE user_email IS NOT NULL AND user_email <> person
                    OR user_account_id <> person"
            .to_owned(),
    );
    assert_eq!(odd.await, "[]");
    let of_ann = world
        .bench
        .row(&format!(
            "SELECT count(*) AS n FROM events WHERE person LIKE 'ann.{NAMED}%'"
        ))
        .await;
    let ann = query::Pseudonyms::by(&[7; 32]).person(&format!("ann.{NAMED}@example.com"));
    assert_eq!(
        text(format!(
            "SELECT count(*) AS n FROM events WHERE person = '{ann}'"
        ))
        .await,
        format!("[{of_ann}]")
    );
}
