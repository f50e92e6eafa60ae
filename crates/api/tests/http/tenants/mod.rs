//! Several organisations in one server: every route × every role × own and other organisation, as people
//! and with keys, and what the routes answer.

mod house;

use access::{Change, Organizations, Role};
use serde_json::{Value, json};

use crate::access::rows;
use crate::bench::Answer;
pub(crate) use house::{House, OTHER, OWN, house_name, organization};

/// Whether a word is in an answer, but for where it says again what was asked for.
fn shows(answer: &Answer, word: &str, asked: &[String]) -> bool {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let own = asked.iter().filter(|asked| !asked.is_empty());
    own.fold(text, |text, asked| text.replace(asked, ""))
        .contains(word)
}

/// What could be put in the place of `{id}`, `{name}` or `{slot}` of a path: of an organisation.
fn objects(house: &House, path: &str, word: &str) -> Vec<String> {
    let at = |word: &str| match path {
        path if path.contains("/people/") => vec![house_name("viewer", word)],
        path if path.contains("/keys/") => vec![house.key("viewer", word).key.id.clone()],
        path if path.contains("/access/sessions/") => {
            let all = house.bench.gate.list_sessions().expect("sessions");
            let of = all
                .iter()
                .filter(|(_, name)| *name == house_name("viewer", word));
            of.map(|(session, _)| session.id()).collect()
        }
        path if path.contains("/tokens/") => {
            vec![house.token(word).to_owned(), format!("slot-{word}")]
        }
        path if path.contains("/connect/") => vec!["cowork".to_owned()],
        path if path.contains("/reports/") => vec!["cost".to_owned()],
        path if path.contains("/prompts/") => vec!["prompt 1".to_owned()],
        path if path.contains("/sessions/") => vec!["session 1".to_owned()],
        _ => vec!["nothing".to_owned()],
    };
    at(word)
        .iter()
        .map(|id| id.replace(' ', "%20").replace('@', "%40"))
        .collect()
}

/// Whether a route names somebody or something of one organisation.
fn is_of_one(path: &str) -> bool {
    ["/people/", "/keys/", "/access/sessions/", "/tokens/"]
        .iter()
        .any(|part| path.contains(part))
}

fn filled(path: &str, id: &str) -> String {
    let (before, rest) = path.split_once('{').expect("a place");
    let (_, after) = rest.split_once('}').expect("its end");
    format!("{before}{id}{after}")
}

/// Everything that could be changed by a request that must change nothing.
fn state(house: &House) -> String {
    let register = house.bench.gate.register().expect("people");
    let sessions = house.bench.gate.list_sessions().expect("sessions");
    let mut sessions: Vec<String> = sessions.iter().map(|(session, _)| session.id()).collect();
    sessions.sort();
    let tokens = house.book.list().expect("tokens");
    format!("{register:?} {sessions:?} {tokens:?}")
}

fn body_of(path: &str) -> &'static str {
    match path {
        "/api/v1/query" => "{\"sql\": \"SELECT * FROM events\"}",
        path if path.contains("/people/") => "{\"disabled\": true}",
        _ => "{}",
    }
}

/// Every route, as each role of one organisation, with what belongs to it (only read), and with what
/// belongs to the other: admitted as the table says, nothing of the other is shown, changed or known.
#[tokio::test]
async fn every_route_keeps_organisations_apart() {
    let house = House::new().await;
    let (mut asked, mut of_others, mut typed) = (0, 0, Vec::new());
    for route in rows() {
        let (method, path) = (route.method.as_str(), route.path.as_str());
        if path == "/api/v1/live" || path == "/api/v1/session" && method == "DELETE" {
            // Its answer does not end (see `live`); they would be signed out.
            continue;
        }
        for (role, may) in Role::ALL.iter().zip(&route.may) {
            let expect = *may && (route.lets_bound || route.policy == "anyone");
            let mut paths = vec![(path.to_owned(), String::new(), false)];
            if path.contains('{') {
                paths = objects(&house, path, OTHER)
                    .into_iter()
                    .map(|id| (filled(path, &id), id, is_of_one(path)))
                    .collect();
                if method == "GET" {
                    let own = objects(&house, path, OWN).into_iter();
                    paths.extend(own.map(|id| (filled(path, &id), id, false)));
                }
            }
            for (at, id, is_other) in paths {
                for is_key in [false, true] {
                    let before = state(&house);
                    let body = body_of(path);
                    let answer = match is_key {
                        false => house.ask(role.name(), OWN, method, &at, body).await,
                        true => house.with_key(role.name(), OWN, method, &at, body).await,
                    };
                    let what = format!("{role} (key: {is_key}): {method} {at}: {answer:?}");
                    let is_admitted = !matches!(answer.status.as_u16(), 401 | 403);
                    // A key changes nobody's access, whoever may.
                    let is_barred = is_key && answer.status == 403;
                    assert!(is_admitted == expect || (expect && is_barred), "{what}");
                    // On record is what they asked for, too.
                    typed.push(id.replace("%20", " ").replace("%40", "@"));
                    typed.push(id.clone());
                    assert!(!shows(&answer, OTHER, &typed), "{what}");
                    if is_other && expect {
                        assert!(matches!(answer.status.as_u16(), 404 | 403), "{what}");
                        assert_eq!(state(&house), before, "{what}");
                        of_others += 1;
                    }
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 400 && of_others > 25, "{asked}, {of_others}");
}

/// What would have been seen by who is bound to nothing: the words are there.
#[tokio::test]
async fn who_is_not_bound_sees_both() {
    let house = House::new().await;
    for path in [
        "/api/v1/access/people",
        "/api/v1/access/keys",
        "/api/v1/access/sessions",
        "/api/v1/audit?limit=1000",
        "/api/v1/tokens",
        "/api/v1/door",
        "/api/v1/redaction",
        "/api/v1/organizations",
        "/api/v1/prompts?from_ms=0",
        "/api/v1/prompts/prompt%201",
        "/api/v1/sessions/session%201",
        "/api/v1/overview?from_ms=0",
        "/api/v1/reports/cost?from=2026-01-01&group_by=model",
        "/api/v1/why?id=cost.cost_usd@2026-01-01..2027-01-01&by=model",
    ] {
        for (word, other) in [("", OTHER), (OWN, OWN)] {
            let answer = house.ask("all", word, "GET", path, "").await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            // Whoever is turned away is nobody that is known.
            let is_shown = path != "/api/v1/door" || word.is_empty();
            // Both have the same ids of sessions and prompts: who sees both has one, with the words of one.
            let is_one =
                path.starts_with("/api/v1/prompts") || path.starts_with("/api/v1/sessions");
            let found = shows(&answer, other, &[]) || (is_one && shows(&answer, OWN, &[]));
            assert_eq!(found, is_shown, "{word} {path}");
        }
    }
}

/// Questions of keys that are bound, over every view: their own rows, and no others.
#[tokio::test]
async fn a_bound_key_asks_about_its_own_rows() {
    let house = House::new().await;
    let rows = async |word: &str, sql: &str| -> Value {
        let body = json!({ "sql": sql }).to_string();
        let answer = house
            .with_key("all", word, "POST", "/api/v1/query", &body)
            .await;
        assert_eq!(answer.status, 200, "{sql}: {answer:?}");
        answer.json()
    };
    for view in ["events", "metrics", "spans", "quarantine"] {
        let sql = format!("SELECT count(*) AS n FROM {view}");
        let count = async |word: &str| rows(word, &sql).await[0]["n"].as_u64().expect("a number");
        let (own, other, all) = (count(OWN).await, count(OTHER).await, count("").await);
        assert!(
            own > 0 && own == other && own + other == all,
            "{view}: {own} {other} {all}"
        );
    }
    for sql in [
        "SELECT * FROM events",
        "SELECT * FROM people",
        "SELECT * FROM quarantine",
        "SELECT DISTINCT model FROM usage",
        "SELECT organization, organization_id, count(*) AS n FROM events GROUP BY 1, 2",
    ] {
        let text = rows(OWN, sql).await.to_string();
        assert!(
            text.contains(OWN) || sql.contains("people"),
            "{sql}: {text}"
        );
        assert!(!text.contains(OTHER), "{sql}: {text}");
    }
    for sql in [
        "EXPLAIN SELECT * FROM events",
        "SELECT * FROM information_schema.tables",
        "SELECT CAST(model AS BIGINT) FROM events",
    ] {
        let body = json!({ "sql": sql }).to_string();
        let answer = house
            .with_key("all", OWN, "POST", "/api/v1/query", &body)
            .await;
        assert!(answer.status.is_client_error(), "{sql}: {answer:?}");
        assert!(!shows(&answer, OTHER, &[]), "{sql}: {answer:?}");
    }
}

/// The parameter `organization` narrows what is seen, and widens it for nobody.
#[tokio::test]
async fn somebody_chooses_among_the_organisations_that_they_see() {
    let house = House::new().await;
    let sql = "{\"sql\": \"SELECT count(*) AS n FROM events\"}";
    let count = async |word: &str, query: &str| {
        let path = format!("/api/v1/query{query}");
        let answer = house.ask("all", word, "POST", &path, sql).await;
        (answer.status == 200).then(|| answer.json()[0]["n"].as_u64().expect("a number"))
    };
    let (own, other) = (
        format!("?organization=House%20{OWN}"),
        format!("?organization=House%20{OTHER}"),
    );
    let both = format!("{own}&{}", &other[1..]);
    let all = count("", "").await.expect("answers");
    assert_eq!(count("", &own).await, Some(all / 2));
    assert_eq!(count("", &both).await, Some(all));
    assert_eq!(count("", "?organization=nobody").await, Some(0));
    assert_eq!(count(OWN, &own).await, Some(all / 2));
    for refused in [&other, &both, "?organization=nobody"] {
        assert_eq!(count(OWN, refused).await, None, "{refused}");
    }
    assert_eq!(count("", "?organization=").await, None);
    let listed = async |word: &str| {
        let answer = house
            .ask("all", word, "GET", "/api/v1/organizations", "")
            .await;
        answer.json()["organizations"].clone()
    };
    assert_eq!(listed(OWN).await, json!([organization(OWN)]));
    assert_eq!(
        listed("").await,
        json!([organization(OTHER), organization(OWN)])
    );
    let me = house.ask("viewer", OWN, "GET", "/api/v1/session", "").await;
    assert_eq!(me.json()["organizations"], json!([organization(OWN)]));
    let me = house.ask("viewer", "", "GET", "/api/v1/session", "").await;
    assert_eq!(me.json()["organizations"], Value::Null);
}

/// Who manages one organisation makes nobody and no token beyond it; who is bound anew is so at once.
#[tokio::test]
async fn who_manages_one_organisation_makes_nothing_beyond_it() {
    let house = House::new().await;
    let post = async |path: &str, body: Value| {
        let body = body.to_string();
        house.ask("admin", OWN, "POST", path, &body).await
    };
    let (people, keys, tokens) = (
        "/api/v1/access/people",
        "/api/v1/access/keys",
        "/api/v1/tokens",
    );
    let new = |name: &str, organizations: Value| {
        json!({"name": name, "roles": ["viewer"], "password": "correct horse battery",
               "organizations": organizations})
    };
    let made = post(people, new("new", Value::Null)).await;
    assert_eq!(
        made.json()["organizations"],
        json!([organization(OWN)]),
        "{made:?}"
    );
    let both = json!([organization(OWN), organization(OTHER)]);
    let key = |organizations: Value| json!({"label": "k", "permissions": ["names"], "organizations": organizations});
    let token = |word: &str, slot: &str| json!({"slot": slot, "organization": organization(word)});
    for (path, body) in [
        (people, new("more", both.clone())),
        (people, new("more", json!([]))),
        (keys, key(both.clone())),
        (keys, key(json!([organization(OTHER)]))),
        (tokens, token(OTHER, "more")),
    ] {
        let refused = post(path, body.clone()).await;
        assert_eq!(refused.status, 400, "{path} {body}: {refused:?}");
    }
    assert_eq!(post(tokens, token(OWN, "more")).await.status, 201);
    let made = post(keys, key(Value::Null)).await.json();
    assert_eq!(made["key"]["organizations"], json!([organization(OWN)]));
    let patch = async |name: &str, body: Value| {
        let path = format!("{people}/{}", name.replace('@', "%40"));
        house
            .ask("admin", OWN, "PATCH", &path, &body.to_string())
            .await
            .status
            .as_u16()
    };
    assert_eq!(patch("new", json!({"organizations": both})).await, 400);
    assert_eq!(patch("new", json!({"organizations": null})).await, 400);
    assert_eq!(
        patch(
            &house_name("viewer", ""),
            json!({"password": "another good one"})
        )
        .await,
        404
    );
    let bound = Organizations::of([organization(OTHER)]).expect("a name");
    let change = Change::Organizations(bound);
    house.bench.gate.change("new", change).expect("bound");
    assert_eq!(patch("new", json!({"disabled": true})).await, 404);
}

/// A stream that is open ends when whoever watches sees other organisations than when it began.
#[tokio::test]
async fn a_live_stream_ends_when_who_watches_is_bound_anew() {
    let house = House::new().await;
    let request = http::Request::get(format!("http://{}/api/v1/live", house.bench.addr))
        .header("cookie", house.cookie("analyst", OWN))
        .body(Default::default());
    let answer = house.bench.open(request.expect("a request")).await;
    assert_eq!(answer.status(), 200);
    let bound = Organizations::of([organization(OTHER)]).expect("a name");
    let name = house_name("analyst", OWN);
    let changed = house.bench.gate.change(&name, Change::Organizations(bound));
    changed.expect("bound");
    let whole = http_body_util::BodyExt::collect(answer.into_body());
    let end = tokio::time::timeout(std::time::Duration::from_secs(20), whole).await;
    end.expect("it ends").expect("well");
}
