//! Who did it, and for which team: whatever is known, whenever it is learnt.

use contract::{LogRecord, Origin, Signal, Value};
use query::{Mapping, PeopleFiles, Roster};
use serde_json::json;

use super::support::{Bench, DAY_MS, NOW_MS, number, scenarios};

/// An event that costs a dollar, `minutes` after now, with these attributes.
fn event(minutes: i64, said: &[(&'static str, &'static str)]) -> LogRecord<'static> {
    let mut attributes = vec![
        ("event.name".into(), Value::from("api_request")),
        ("event.sequence".into(), Value::Int(minutes)),
        ("cost_usd".into(), Value::Double(1.0)),
    ];
    let said = said
        .iter()
        .map(|(key, value)| ((*key).into(), Value::from(*value)));
    attributes.extend(said);
    LogRecord {
        time_unix_nano: ((NOW_MS + minutes * 60_000) * 1_000_000) as u64,
        attributes,
        ..LogRecord::default()
    }
}

/// Sends events of a client with this resource.
async fn send(
    bench: &Bench,
    resource: &[(&'static str, &'static str)],
    events: Vec<LogRecord<'static>>,
) {
    let attributes = resource
        .iter()
        .map(|(key, value)| ((*key).into(), Value::from(*value)));
    let origin = Origin {
        resource: attributes.collect(),
        ..Origin::default()
    };
    let protobuf = otlp::encode::logs(&[(origin, events)]);
    bench
        .append(Signal::Logs, protobuf.into(), NOW_MS as u64)
        .await;
}

fn files(mapping: &str, roster: &str) -> PeopleFiles {
    let mapping = Mapping::parse("mapping.csv", mapping.as_bytes()).expect("a mapping");
    let roster = Roster::parse("roster.csv", roster.as_bytes()).expect("a roster");
    PeopleFiles {
        mapping: Some(mapping),
        roster: Some(roster),
        ..PeopleFiles::default()
    }
}

const NOBODY: &str = "person\n";

/// Every event's person, basis and team, in the order of time.
async fn persons(bench: &Bench) -> Vec<String> {
    let rows = bench
        .rows("SELECT person, person_basis, team FROM events ORDER BY time, sequence")
        .await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let text = |row: &serde_json::Value| {
        ["person", "person_basis", "team"]
            .map(|key| text(&row[key]))
            .join(" ")
    };
    rows.iter().map(text).collect()
}

#[track_caller]
fn check(got: &[String], expect: &[&str]) {
    assert_eq!(got, expect);
}

const ANN: &[(&str, &str)] = &[
    ("session.id", "s-ann"),
    ("user.id", "i-ann"),
    ("user.email", " Ann@Example.com"),
    ("user.account_id", "user_ann"),
];

#[tokio::test]
async fn a_session_is_its_persons_from_its_first_event_on() {
    let bench = Bench::with(&[]).await;
    let early = event(0, &[("session.id", "s-ann"), ("user.id", "i-1")]);
    send(&bench, &[], vec![early]).await;
    check(&persons(&bench).await, &["i-1 installation_id -"]);
    // What is learnt after a flush repairs what is in a part.
    bench.store.flush().await.expect("flushes");
    send(
        &bench,
        &[],
        vec![
            event(1, ANN),
            event(2, &[("session.id", "s-ann"), ("team", "Red")]),
        ],
    )
    .await;
    let expect = [
        "ann@example.com session Red",
        "ann@example.com email Red",
        "ann@example.com session Red",
    ];
    check(&persons(&bench).await, &expect);
    bench.store.flush().await.expect("flushes");
    check(&persons(&bench).await, &expect);
}

#[tokio::test]
async fn an_installation_speaks_for_its_one_person_and_for_none_of_two() {
    let bench = Bench::with(&[]).await;
    let key_only = event(0, &[("session.id", "s-key"), ("user.id", "i-ann")]);
    send(&bench, &[], vec![key_only, event(1, ANN)]).await;
    check(
        &persons(&bench).await,
        &["ann@example.com installation -", "ann@example.com email -"],
    );
    let other = event(
        2,
        &[
            ("session.id", "s-2"),
            ("user.id", "i-ann"),
            ("user.email", "ben@example.com"),
        ],
    );
    send(&bench, &[], vec![other]).await;
    check(
        &persons(&bench).await,
        &[
            "i-ann installation_id -",
            "ann@example.com email -",
            "ben@example.com email -",
        ],
    );
    // That the two are one person is learnt last, and makes it one person's installation again.
    let both = event(
        3,
        &[
            ("user.email", "ben@example.com"),
            ("user.account_id", "user_ann"),
        ],
    );
    send(&bench, &[], vec![both]).await;
    let expect = ["ben@example.com installation -", "ben@example.com email -"];
    check(&persons(&bench).await[..2], &expect);
}

#[tokio::test]
async fn an_account_gets_its_newest_email_whenever_that_is_learnt() {
    let bench = Bench::with(&[]).await;
    let account = event(0, &[("session.id", "s-1"), ("user.account_uuid", "u-1")]);
    send(&bench, &[("service.name", "claude-code")], vec![account]).await;
    check(&persons(&bench).await, &["u-1 account -"]);
    bench.store.flush().await.expect("flushes");
    let tomorrow = DAY_MS / 60_000;
    let renamed = event(
        tomorrow,
        &[
            ("session.id", "s-2"),
            ("user.account_uuid", "u-1"),
            ("user.email", "ann.b@example.com"),
        ],
    );
    send(&bench, &[("service.name", "cowork")], vec![renamed]).await;
    let older = event(
        1,
        &[
            ("user.account_uuid", "u-1"),
            ("user.email", "ann.a@example.com"),
        ],
    );
    send(&bench, &[], vec![older]).await;
    check(
        &persons(&bench).await,
        &[
            "ann.b@example.com account -",
            "ann.b@example.com email -",
            "ann.b@example.com email -",
        ],
    );
    let row = bench
        .row("SELECT count(DISTINCT person) AS people FROM usage")
        .await;
    assert_eq!(row["people"], 1);
    let row = bench
        .row("SELECT person, products, user_emails, attributed, is_expected FROM people")
        .await;
    assert_eq!(row["person"], "ann.b@example.com");
    assert_eq!(row["user_emails"], "ann.a@example.com, ann.b@example.com");
    assert!(
        row["products"]
            .as_str()
            .is_some_and(|text| text.contains("cowork") && text.contains("claude-code"))
    );
    assert_eq!(
        (&row["attributed"], &row["is_expected"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn of_two_people_in_a_session_the_nearest_is_meant() {
    let bench = Bench::with(&[]).await;
    let said = |minutes, email| event(minutes, &[("session.id", "s"), ("user.email", email)]);
    let silent = |minutes| event(minutes, &[("session.id", "s")]);
    let mut events = vec![
        silent(0),
        said(10, "ann@example.com"),
        silent(15),
        said(20, "ben@example.com"),
        silent(30),
    ];
    events.extend([
        event(40, &[("session.id", "t"), ("team", "Red")]),
        event(41, &[("session.id", "t"), ("team", "Blue")]),
        event(42, &[("session.id", "t")]),
    ]);
    send(&bench, &[], events).await;
    check(
        &persons(&bench).await,
        &[
            "ann@example.com session -",
            "ann@example.com email -",
            "ann@example.com session -",
            "ben@example.com email -",
            "ben@example.com session -",
            "- - Red",
            "- - Blue",
            "- - Blue",
        ],
    );
}

/// Midnight after now.
const MIDNIGHT_MS: i64 = (NOW_MS / DAY_MS + 1) * DAY_MS;

#[tokio::test]
async fn a_mapping_holds_from_its_day_to_its_day() {
    let bench = Bench::with(&[]).await;
    let midnight = (MIDNIGHT_MS - NOW_MS) / 60_000;
    let mut events = vec![event(midnight - 2, ANN), event(midnight + 2, ANN)];
    events.push(event(
        midnight + 3,
        &[("session.id", "s-ann"), ("team", "Own")],
    ));
    send(&bench, &[], events).await;
    let day = |ms: i64| {
        let at = contract::iso_millis(ms as u64).expect("a day");
        String::from_utf8_lossy(&at[..10]).into_owned()
    };
    let mapping = format!(
        "id,team,from,to\nuser_ann,Red,,{midnight}\nuser_ann,Blue,{midnight},\n",
        midnight = day(MIDNIGHT_MS)
    );
    bench.engine.set_people(files(&mapping, NOBODY));
    check(
        &persons(&bench).await,
        &[
            "ann@example.com email Red",
            "ann@example.com email Blue",
            "ann@example.com session Blue",
        ],
    );
    let row = bench
        .row("SELECT client_team FROM events WHERE client_team IS NOT NULL")
        .await;
    assert_eq!(row["client_team"], "Own");
    bench.engine.set_people(PeopleFiles::default());
    assert_eq!(persons(&bench).await[2], "ann@example.com session Own");
}

#[tokio::test]
async fn clients_that_name_nobody_are_named_by_the_mapping() {
    let bench = Bench::with(&[]).await;
    let bot = vec![event(0, &[("session.id", "s-1"), ("user.id", "i-1")])];
    send(&bench, &[("service.name", "build-bot")], bot).await;
    send(
        &bench,
        &[("service.name", "other")],
        vec![
            event(1, &[("user.id", "i-2")]),
            event(2, &[("session.id", "s-3")]),
            event(3, &[("organization.id", "o-4")]),
            event(4, ANN),
            event(5, &[]),
        ],
    )
    .await;
    let mapping = "id;person;team;cost_center\nservice.name=build-bot;Build bot;Platform;\n                   i-2;user_ann;;\ns-3;Carol;;\norganization.id=o-4;Guest;;\n                   ann@example.com;ann.new@example.com;;C1\n";
    let roster = "person,name,team\nann@example.com,Ann,Roster\ndora@example.com,Dora,Roster\n";
    bench.engine.set_people(files(mapping, roster));
    check(
        &persons(&bench).await,
        &[
            "Build bot mapping Platform",
            "ann.new@example.com mapping Roster",
            "Carol mapping -",
            "Guest mapping -",
            "ann.new@example.com email Roster",
            "- - -",
        ],
    );
    let people = bench.rows("SELECT person, name, attributed, is_expected, team, cost_center FROM people ORDER BY person").await;
    let named: Vec<&str> = people
        .iter()
        .filter_map(|row| row["person"].as_str())
        .collect();
    let expect = [
        "Build bot",
        "Carol",
        "Guest",
        "ann.new@example.com",
        "dora@example.com",
    ];
    assert_eq!(named, expect);
    assert_eq!(
        (&people[3]["name"], &people[3]["is_expected"]),
        (&json!("Ann"), &json!(true))
    );
    assert_eq!(people[3]["cost_center"], "C1");
    assert_eq!(people[4]["name"], "Dora");
    let roster = bench
        .row("SELECT person, id FROM roster WHERE name = 'Ann'")
        .await;
    assert_eq!(
        (&roster["person"], &roster["id"]),
        (&json!("ann.new@example.com"), &json!("ann@example.com"))
    );
}

#[tokio::test]
async fn what_stood_in_a_part_that_is_gone_is_not_known() {
    let bench = Bench::with(&[]).await;
    send(
        &bench,
        &[],
        vec![
            event(-2 * 24 * 60, ANN),
            event(0, &[("session.id", "s-ann"), ("user.id", "i-ann")]),
        ],
    )
    .await;
    bench.store.flush().await.expect("flushes");
    assert_eq!(persons(&bench).await[1], "ann@example.com session -");
    let parts = bench.store.snapshot().await;
    let oldest = parts
        .parts(store::Table::Events)
        .min_by_key(|part| part.day)
        .expect("a part");
    std::fs::remove_file(bench.dir.path().join(&oldest.path)).expect("removable");
    let Bench {
        dir, store, engine, ..
    } = bench;
    drop((parts, engine, store));
    let other = Bench::over(dir).await;
    check(&persons(&other).await, &["i-ann installation_id -"]);
    assert_eq!(other.store.damaged().len(), 1);
}

/// What is asked of a day must not need the parts of others, unless people are asked for.
#[tokio::test]
async fn who_is_known_is_asked_for_when_people_are() {
    let bench = Bench::with(&[]).await;
    send(&bench, &[], vec![event(-2 * 24 * 60, ANN), event(0, ANN)]).await;
    bench.store.flush().await.expect("flushes");
    let parts = bench.store.snapshot().await;
    let oldest = parts
        .parts(store::Table::Events)
        .min_by_key(|part| part.day)
        .expect("a part");
    std::fs::remove_file(bench.dir.path().join(&oldest.path)).expect("removable");
    let today = format!(
        "FROM events WHERE time >= to_timestamp_millis({})",
        NOW_MS - DAY_MS
    );
    bench
        .row(&format!("SELECT count(*) AS events {today}"))
        .await;
    assert!(bench.store.damaged().is_empty());
    bench.row(&format!("SELECT person {today}")).await;
    assert_eq!(bench.store.damaged().len(), 1);
}

#[tokio::test]
async fn every_recorded_client_has_its_person() {
    let mut with_email = 0;
    for scenario in scenarios() {
        let bench = Bench::with(&[&scenario.name]).await;
        for table in ["events", "metrics", "spans"] {
            let sql = format!(
                "SELECT count(*) AS items, count(user_email) AS with_email, count(person) AS with_person,
                        count(*) FILTER (WHERE user_email IS NOT NULL AND person = user_email AND person_basis = 'email') AS by_email,
                        count(*) FILTER (WHERE coalesce(user_email, user_account_id, user_account_uuid, user_id, session_id) IS NULL
                                         AND person IS NOT NULL) AS invented,
                        count(*) FILTER (WHERE coalesce(user_email, user_account_id, user_account_uuid, user_id) IS NOT NULL
                                         AND person IS NULL) AS lost
                 FROM {table}"
            );
            let row = bench.row(&sql).await;
            assert_eq!(
                number(&row, "by_email"),
                number(&row, "with_email"),
                "{} {table}: {row}",
                scenario.name
            );
            assert_eq!(
                (&row["invented"], &row["lost"]),
                (&json!(0), &json!(0)),
                "{} {table}",
                scenario.name
            );
            with_email += number(&row, "with_email") as u64;
        }
    }
    assert!(with_email > 0);
}

#[tokio::test]
async fn people_and_the_unattributed_add_up_to_everything() {
    let bench = Bench::with(&["cc329_tools_json", "cowork_like_pb", "cc10128_tools_pb"]).await;
    send(
        &bench,
        &[],
        vec![
            event(0, &[]),
            event(1, &[("user.id", "i-1")]),
            event(2, ANN),
        ],
    )
    .await;
    let total = bench
        .row("SELECT sum(cost_usd) AS cost_usd FROM usage")
        .await;
    let by_person = bench
        .rows("SELECT person, sum(cost_usd) AS cost_usd FROM usage GROUP BY person")
        .await;
    let sum: f64 = by_person.iter().map(|row| number(row, "cost_usd")).sum();
    super::support::assert_close(sum, number(&total, "cost_usd"), "sum by person");
    let share = bench
        .row("SELECT sum(cost_usd) FILTER (WHERE person_basis IS NULL OR person_basis = 'installation_id') AS cost_usd FROM usage")
        .await;
    assert!(number(&share, "cost_usd") >= 2.0, "{share}");
    let people = bench
        .row("SELECT sum(CASE WHEN attributed THEN 0 ELSE 1 END) AS unattributed FROM people")
        .await;
    assert!(number(&people, "unattributed") >= 1.0);
}

#[tokio::test]
async fn the_live_list_names_people_by_what_is_known() {
    let bench = Bench::with(&[]).await;
    let mut arrivals = bench.store.watch();
    send(&bench, &[], vec![event(0, ANN)]).await;
    let row = bench.row("SELECT person FROM events").await;
    assert_eq!(row["person"], "ann@example.com");
    send(&bench, &[], vec![event(1, &[("session.id", "s-ann")])]).await;
    for _ in 0..2 {
        let events = arrivals.recv().await.expect("new events");
        let items = query::reports::live_items(&bench.all(), &events, 10)
            .expect("items")
            .items;
        assert_eq!(items[0].person.as_deref(), Some("ann@example.com"));
    }
}
