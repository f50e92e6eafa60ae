//! What strangers learn, what they can bring about, and what a look at content is on record as.

use access::audit::{Place, Reader};
use access::{Password, Role};
use http::Method;
use serde_json::json;

use crate::bench::Bench;

const PASSWORD: &str = "correct horse battery";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn signed_in(bench: &Bench, role: Role) -> String {
    let password = Password::new(PASSWORD.to_owned());
    let added = bench.gate.add(role.name(), &[role], &password);
    added.expect("a person");
    let body = json!({"name": role.name(), "password": PASSWORD}).to_string();
    let answer = bench
        .ask(Method::POST, "/api/v1/session", &[JSON], &body)
        .await;
    let cookie = answer.header("set-cookie").split(';').next();
    cookie.expect("a cookie").to_owned()
}

#[tokio::test]
async fn a_stranger_is_not_told_of_the_data_directory() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let cookie = signed_in(&bench, Role::Analyst).await;
    bench.store.flush().await.expect("flushes");
    let snapshot = bench.store.snapshot().await;
    let part = snapshot.parts(store::Table::Events).next().expect("a part");
    std::fs::remove_file(bench.dir.path().join(&part.path)).expect("removes");
    let question = json!({"sql": "SELECT count(*) AS n FROM events"}).to_string();
    let ask = |headers: [(&'static str, String); 2]| {
        let question = question.clone();
        let bench = &bench;
        async move {
            let headers = headers
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            bench
                .ask(Method::POST, "/api/v1/query", &headers, &question)
                .await
        }
    };
    let json = || ("content-type", "application/json".to_owned());
    let told = ask([json(), ("cookie", cookie)]).await;
    assert_eq!(told.header("x-tallybook-damaged"), part.path, "{told:?}");
    let refused = ask([json(), ("cookie", "tallybook_session=x".to_owned())]).await;
    assert_eq!(refused.status, 401);
    for answer in [
        refused,
        bench.get("/api/v1/session").await,
        bench.get("/api/v1/nothing").await,
        bench.get("/api/v1/status").await,
    ] {
        assert_eq!(answer.header("x-tallybook-damaged"), "", "{answer:?}");
    }
}

#[tokio::test]
async fn what_a_proxy_brings_is_nobody_whatever_it_calls_itself() {
    let bench = Bench::with(&[]).await;
    assert_eq!(bench.get("/api/v1/overview").await.status, 200);
    for name in [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-server",
        "x-forwarded-port",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
    ] {
        let answer = bench
            .ask(Method::GET, "/api/v1/overview", &[(name, "1.1 proxy")], "")
            .await;
        assert_eq!(answer.status, 401, "{name}");
    }
}

#[tokio::test]
async fn every_column_of_content_is_a_look_at_content() {
    let bench = Bench::with(&["cc329_tools_json"]).await;
    let cookie = signed_in(&bench, Role::ContentReader).await;
    let questions = [
        ("SELECT item FROM quarantine", "reveal"),
        ("SELECT body FROM events", "reveal"),
        ("SELECT span_events FROM spans", "reveal"),
        ("SELECT * FROM events", "reveal"),
        ("SELECT prompt_length FROM prompts", "query"),
        ("SELECT count(*) FROM events", "query"),
    ];
    for (sql, _) in questions {
        let body = json!({ "sql": sql }).to_string();
        let headers = [JSON, ("cookie", cookie.as_str())];
        let answer = bench
            .ask(Method::POST, "/api/v1/query", &headers, &body)
            .await;
        assert_eq!(answer.status, 200, "{sql}: {answer:?}");
    }
    let reader = Reader::open(&Place::of(bench.dir.path())).expect("readable");
    let records = reader
        .expect("a trail")
        .latest(None, 100, |record| {
            matches!(record.action.as_str(), "query" | "reveal")
        })
        .expect("readable");
    let on_record = records.iter().rev();
    let on_record: Vec<(&str, &str)> = on_record
        .map(|record| (record.object.as_str(), record.action.as_str()))
        .collect();
    assert_eq!(on_record, questions);
}

#[tokio::test]
async fn nobody_makes_so_many_keys_that_none_are_left() {
    let bench = Bench::with(&[]).await;
    let admin = signed_in(&bench, Role::Admin).await;
    let viewer = signed_in(&bench, Role::Viewer).await;
    let body = json!({"label": "one more", "permissions": ["aggregates"]}).to_string();
    let make = async |cookie: &str| {
        let headers = [JSON, ("cookie", cookie)];
        bench
            .ask(Method::POST, "/api/v1/access/keys", &headers, &body)
            .await
    };
    for number in 1..=100 {
        assert_eq!(make(&viewer).await.status, 201, "key {number}");
    }
    let refused = make(&viewer).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let said = String::from_utf8_lossy(&refused.body);
    assert!(said.contains("viewer has 100 keys"), "{said}");
    assert!(said.contains("revoke those"), "{said}");
    assert_eq!(make(&admin).await.status, 201, "others are not concerned");
    let register = bench.gate.register().expect("reads");
    let id = &register.keys()[0].id;
    let headers = [JSON, ("cookie", viewer.as_str())];
    let path = format!("/api/v1/access/keys/{id}");
    let revoked = bench.ask(Method::DELETE, &path, &headers, "").await;
    assert_eq!(revoked.status, 204);
    assert_eq!(
        make(&viewer).await.status,
        201,
        "one that is revoked makes room"
    );
}
