//! Every route × every role, and what ends an admission.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::audit::{Act, Action, Place, Reader, Record, Writer};
use access::{Change, Password, Permission, Role, WantedKey};
use base::Clock;
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;

use crate::bench::{Answer, Bench};

const PASSWORD: &str = "correct horse battery";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A server with one person of each role, called like it, and their cookies.
struct House {
    bench: Bench,
    cookies: BTreeMap<&'static str, String>,
}

impl House {
    async fn new() -> House {
        let bench = Bench::with(&["cc329_tools_json_verbose"]).await;
        let mut cookies = BTreeMap::new();
        for role in [
            Role::Admin,
            Role::Viewer,
            Role::Analyst,
            Role::ContentReader,
            Role::Auditor,
        ] {
            let password = Password::new(PASSWORD.to_owned());
            bench
                .gate
                .add(role.name(), &[role], &password)
                .expect("a person");
            cookies.insert(role.name(), signed_in(&bench, role.name()).await);
        }
        House { bench, cookies }
    }

    async fn ask(&self, role: &str, method: &str, path: &str, body: &str) -> Answer {
        let headers = [JSON, ("cookie", self.cookies[role].as_str())];
        self.bench
            .ask(method.parse().expect("a method"), path, &headers, body)
            .await
    }

    async fn get(&self, role: &str, path: &str) -> Answer {
        self.ask(role, "GET", path, "").await
    }

    fn records(&self) -> Vec<Record> {
        let reader = Reader::open(&Place::of(self.bench.dir.path())).expect("readable");
        reader
            .expect("a trail")
            .latest(None, 1000, |_| true)
            .expect("readable")
    }
}

async fn sign_in(bench: &Bench, name: &str, password: &str) -> Answer {
    let body = json!({"name": name, "password": password}).to_string();
    bench
        .ask(Method::POST, "/api/v1/session", &[JSON], &body)
        .await
}

async fn signed_in(bench: &Bench, name: &str) -> String {
    let answer = sign_in(bench, name, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    cookie.split(';').next().expect("a cookie").to_owned()
}

/// The rows of the table in docs/security.md: method, path, and whether each role may.
fn rows() -> Vec<(String, String, String, Vec<bool>)> {
    let table = api::policies_markdown();
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (method, path) = cells[0].trim_matches('`').split_once(' ').expect("a route");
        let may = cells[2..].iter().map(|cell| *cell == "yes").collect();
        (method.to_owned(), path.to_owned(), cells[1].to_owned(), may)
    });
    rows.collect()
}

/// A path that a route matches; nothing of that name is there, so that nothing is changed.
fn concrete(path: &str) -> String {
    path.replace("{id}", "nothing").replace("{name}", "nothing")
}

fn is_admitted(answer: &Answer) -> bool {
    !matches!(answer.status.as_u16(), 401 | 403)
}

#[tokio::test]
async fn every_route_admits_whom_the_table_says() {
    let house = House::new().await;
    let mut asked = 0;
    for (method, path, policy, may) in rows() {
        if path == "/api/v1/live" {
            // Its answer does not end; tested in `live`.
            continue;
        }
        let at = concrete(&path);
        for (role, may) in Role::ALL.iter().zip(may) {
            if (method.as_str(), path.as_str()) == ("DELETE", "/api/v1/session") {
                continue;
            }
            let answer = house.ask(role.name(), &method, &at, "{}").await;
            assert_eq!(
                is_admitted(&answer),
                may,
                "{role}: {method} {path}: {answer:?}"
            );
            asked += 1;
        }
        let headers = [JSON];
        let nobody = house
            .bench
            .ask(method.parse().expect("a method"), &at, &headers, "{}")
            .await;
        let expect_open = policy == "anyone";
        assert_eq!(
            nobody.status == 401,
            !expect_open,
            "nobody: {method} {path}: {nobody:?}"
        );
        if !expect_open {
            assert!(nobody.json()["error"]["message"].is_string(), "{nobody:?}");
        }
        for credential in [
            ("cookie", "tallybook_session=unknown"),
            ("cookie", "__Host-tallybook_session=unknown"),
            ("authorization", "Bearer tbk_abcdefghijkl_unknown"),
            ("authorization", "Basic YWRtaW46YWRtaW4="),
            ("authorization", ""),
        ] {
            let headers = [JSON, credential];
            let answer = house
                .bench
                .ask(method.parse().expect("a method"), &at, &headers, "{}")
                .await;
            assert_eq!(
                is_admitted(&answer),
                expect_open,
                "{credential:?}: {method} {path}"
            );
        }
        asked += 1;
    }
    assert!(asked > 150, "{asked}");
}

#[tokio::test]
async fn the_documentation_has_the_table() {
    let path = "../../docs/security.md";
    let whole = std::fs::read_to_string(path).expect("the documentation");
    let (begin, end) = ("<!-- generated: routes -->\n", "<!-- end -->");
    let (before, rest) = whole
        .split_once(begin)
        .expect("the mark where the table begins");
    let (table, after) = rest.split_once(end).expect("the mark where it ends");
    let expect = format!("\n{}\n", api::policies_markdown());
    if table == expect {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{expect}{end}{after}")).expect("writable");
        return;
    }
    panic!(
        "docs/security.md does not say what the routes ask for: UPDATE_DOCS=1 cargo test -p api --test http access"
    );
}

#[tokio::test]
async fn what_ends_an_admission_ends_it_at_once() {
    let house = House::new().await;
    let gate = &house.bench.gate;
    assert_eq!(house.get("viewer", "/api/v1/overview").await.status, 200);
    gate.change("viewer", Change::Disabled(true))
        .expect("disabled");
    assert_eq!(house.get("viewer", "/api/v1/overview").await.status, 401);
    gate.change("analyst", Change::Roles(vec![Role::Viewer]))
        .expect("changed");
    assert_eq!(house.get("analyst", "/api/v1/sessions").await.status, 403);
    let out = house.ask("auditor", "DELETE", "/api/v1/session", "").await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(house.get("auditor", "/api/v1/audit").await.status, 401);
    let key = |permission: Permission, expires_ms| WantedKey {
        label: "test".into(),
        permissions: [permission].into_iter().collect(),
        expires_ms,
    };
    let now_ms = crate::bench::NOW_MS as u64;
    let first = gate
        .make_key(Some("admin"), key(Permission::Aggregates, None))
        .expect("a key");
    let second = gate
        .make_key(None, key(Permission::Aggregates, Some(now_ms + 60_000)))
        .expect("a key");
    let with = async |text: &str, path: &str| {
        let bearer = format!("Bearer {text}");
        let headers = [("authorization", bearer.as_str())];
        house
            .bench
            .ask(Method::GET, path, &headers, "")
            .await
            .status
            .as_u16()
    };
    for text in [&first.text, &second.text] {
        assert_eq!(with(text, "/metrics").await, 200);
        assert_eq!(with(text, "/api/v1/sessions").await, 403);
    }
    gate.revoke_key(&first.key.id, None).expect("revoked");
    house.bench.clock.advance(Duration::from_secs(60));
    assert_eq!(
        (
            with(&first.text, "/metrics").await,
            with(&second.text, "/metrics").await
        ),
        (401, 401)
    );
    assert_eq!(house.get("admin", "/api/v1/overview").await.status, 200);
    house.bench.clock.advance(Duration::from_secs(29 * 60));
    // A page that is open asks for the status; that is no use of the session.
    assert_eq!(house.get("admin", "/api/v1/status").await.status, 200);
    house.bench.clock.advance(Duration::from_secs(60));
    assert_eq!(house.get("admin", "/api/v1/overview").await.status, 401);
}

#[tokio::test]
async fn a_live_stream_ends_with_the_rights_of_who_watches() {
    let house = House::new().await;
    let request = http::Request::get(format!("http://{}/api/v1/live", house.bench.addr))
        .header("cookie", &house.cookies["content-reader"])
        .body(Default::default());
    let answer = house.bench.open(request.expect("a request")).await;
    assert_eq!(answer.status(), 200);
    house
        .bench
        .gate
        .change("content-reader", Change::Disabled(true))
        .expect("disabled");
    let end = tokio::time::timeout(Duration::from_secs(20), answer.into_body().collect());
    end.await.expect("it ends").expect("well");
}

#[tokio::test]
async fn the_setup_link_closes_what_was_open() {
    let bench = Bench::with(&[]).await;
    let me = bench.get("/api/v1/session").await.json();
    assert_eq!(
        (me["access"].as_str(), me["signed_in"].as_bool()),
        (Some("open"), Some(true))
    );
    assert_eq!(bench.get("/api/v1/overview").await.status, 200);
    let proxied = [("x-forwarded-for", "203.0.113.9")];
    let answer = bench
        .ask(Method::GET, "/api/v1/overview", &proxied, "")
        .await;
    assert_eq!(answer.status, 401, "a proxy brings others");
    let post = async |path: &str, body: serde_json::Value| {
        bench
            .ask(Method::POST, path, &[JSON], &body.to_string())
            .await
    };
    let somebody = json!({"name": "ann", "roles": ["admin"], "password": PASSWORD});
    let answer = post("/api/v1/access/people", somebody).await;
    assert_eq!(answer.status, 403, "the link is the way in: {answer:?}");
    let link = bench.gate.begin_setup("http://localhost").expect("a link");
    let token = link.url.split('#').nth(1).expect("a token");
    let admin =
        |token: &str, password: &str| json!({"token": token, "name": "ann", "password": password});
    assert_eq!(
        post("/api/v1/setup", admin("wrong", PASSWORD)).await.status,
        401
    );
    assert_eq!(
        post("/api/v1/setup", admin(token, "short")).await.status,
        400
    );
    let done = post("/api/v1/setup", admin(token, PASSWORD)).await;
    assert_eq!(
        (done.status.as_u16(), done.json()["roles"].clone()),
        (200, json!(["admin"]))
    );
    assert_eq!(
        post("/api/v1/setup", admin(token, PASSWORD)).await.status,
        401
    );
    for path in [
        "/api/v1/overview",
        "/metrics",
        "/api/openapi.json",
        "/api/v1/nothing",
    ] {
        assert_eq!(bench.get(path).await.status, 401, "{path}");
    }
    for path in ["/healthz", "/readyz", "/", "/api/v1/session"] {
        assert_eq!(bench.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let house = House::new().await;
    let cookie = ("cookie", house.cookies["admin"].as_str());
    let host = house.bench.addr.to_string();
    let own = format!("http://{host}");
    let body = json!({"label": "x", "permissions": ["aggregates"]}).to_string();
    for (headers, status) in [
        (&[JSON][..], 201),
        (&[JSON, ("sec-fetch-site", "same-origin")], 201),
        (&[JSON, ("origin", own.as_str())], 201),
        (&[JSON, ("sec-fetch-site", "none")], 403),
        (&[JSON, ("sec-fetch-site", "cross-site")], 403),
        (
            &[
                JSON,
                ("sec-fetch-site", "same-site"),
                ("origin", own.as_str()),
            ],
            403,
        ),
        (&[JSON, ("origin", "http://evil.example")], 403),
        (&[JSON, ("origin", "null")], 403),
        (&[("content-type", "text/plain")], 415),
        (
            &[("content-type", "application/x-www-form-urlencoded")],
            415,
        ),
        (&[], 415),
    ] {
        let headers: Vec<_> = headers.iter().copied().chain([cookie]).collect();
        let answer = house
            .bench
            .ask(Method::POST, "/api/v1/access/keys", &headers, &body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
    }
    let remote = [JSON, ("host", "192.0.2.1"), cookie];
    let login = json!({"name": "admin", "password": PASSWORD}).to_string();
    let answer = house
        .bench
        .ask(Method::POST, "/api/v1/session", &remote, &login)
        .await;
    assert_eq!(answer.status, 403, "no password in the clear: {answer:?}");
    let proxied = [
        JSON,
        ("host", "tally.example.org"),
        ("x-forwarded-proto", "https"),
    ];
    let answer = house
        .bench
        .ask(Method::POST, "/api/v1/session", &proxied, &login)
        .await;
    assert!(
        answer
            .header("set-cookie")
            .starts_with("__Host-tallybook_session=")
    );
    assert!(answer.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn nobody_sees_more_than_their_role() {
    let house = House::new().await;
    let prompts = house
        .get("analyst", "/api/v1/prompts?from_ms=0")
        .await
        .json();
    let id = prompts["prompts"][0]["prompt_id"]
        .as_str()
        .expect("a prompt")
        .to_owned();
    let path = format!("/api/v1/prompts/{id}");
    let whole = house.get("content-reader", &path).await;
    let masked = house.get("analyst", &path).await;
    let text = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
    let said = texts_of(&whole, "prompt");
    assert!(!said.is_empty() && text(&whole).contains("\"attributes\":"));
    for said in said {
        assert!(!text(&masked).contains(&said), "{said}");
    }
    assert_eq!(texts_of(&masked, "prompt"), ["<WITHHELD>"]);
    assert_eq!(prompts["prompts"][0]["prompt"], "<WITHHELD>");
    let person = prompts["prompts"][0]["person"].as_str().expect("a person");
    for path in [
        "/api/v1/overview?from_ms=0",
        "/api/v1/reports/cost?from=2026-01-01&group_by=person",
    ] {
        let (viewer, analyst) = (
            house.get("viewer", path).await,
            house.get("analyst", path).await,
        );
        assert_eq!(
            (viewer.status.as_u16(), analyst.status.as_u16()),
            (200, 200)
        );
        assert!(
            text(&analyst).contains(person),
            "{path}: {}",
            text(&analyst)
        );
        assert!(!text(&viewer).contains(person), "{path}");
        assert!(
            text(&viewer).contains("person-"),
            "{path}: {}",
            text(&viewer)
        );
    }
}

/// The texts that events of a replay have under `field`.
fn texts_of(replay: &Answer, field: &str) -> Vec<String> {
    let replay = replay.json();
    let events = replay["events"].as_array().expect("events");
    let texts = events.iter().filter_map(|event| event[field].as_str());
    texts.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_is_done_is_on_record() {
    let house = House::new().await;
    let bench = &house.bench;
    assert_eq!(sign_in(bench, "viewer", "wrong password").await.status, 401);
    assert_eq!(
        sign_in(bench, "my secret typed as a name", "x")
            .await
            .status,
        401
    );
    house.get("viewer", "/api/v1/sessions").await;
    let question = json!({"sql": "SELECT prompt FROM prompts"}).to_string();
    let answer = house
        .ask("content-reader", "POST", "/api/v1/query", &question)
        .await;
    let request = answer.header("x-request-id").to_owned();
    house
        .get("content-reader", "/api/v1/prompts?from_ms=0")
        .await;
    house.get("analyst", "/api/v1/prompts?from_ms=0").await;
    house
        .get("analyst", "/api/v1/reports/cost?format=csv")
        .await;
    let new = json!({"name": "new", "roles": ["viewer"], "password": PASSWORD}).to_string();
    assert_eq!(
        house
            .ask("admin", "POST", "/api/v1/access/people", &new)
            .await
            .status,
        201
    );
    let page = house
        .get("auditor", "/api/v1/audit?limit=1000")
        .await
        .json();
    let listed = page["records"].as_array().expect("records");
    assert_eq!(listed.len(), house.records().len());
    let seen: Vec<String> = house
        .records()
        .iter()
        .rev()
        .skip(5)
        .map(|one| {
            format!(
                "{} {} {} {} {}",
                one.actor_kind, one.actor, one.action, one.object, one.outcome
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "stranger viewer sign_in  refused",
            "stranger  sign_in  refused",
            "person viewer denied GET /api/v1/sessions refused",
            "person content-reader reveal SELECT prompt FROM prompts allowed",
            "person content-reader reveal 1 prompts in a list allowed",
            "person analyst export report cost?format=csv allowed",
            "person admin people add new as viewer allowed",
        ]
    );
    let record = house
        .records()
        .into_iter()
        .find(|one| one.object.starts_with("SELECT"))
        .expect("on record");
    assert_eq!(
        (record.request_id, record.address),
        (
            Some(request),
            Some("127.0.0.1".parse().expect("an address"))
        )
    );
    let place = Place::of(bench.dir.path());
    let verified = Reader::open(&place)
        .expect("readable")
        .expect("a trail")
        .verify(&[])
        .expect("readable");
    assert!(verified.findings.is_empty(), "{verified:?}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused() {
    let house = House::new().await;
    let place = Place::of(house.bench.dir.path());
    // A command beside the server writes, and then the trail is not there as its head says.
    let clock: Arc<dyn Clock> = Arc::clone(&house.bench.clock) as Arc<dyn Clock>;
    let mut beside = Writer::open(&place, clock).expect("a trail");
    beside
        .record(Act::of_command("operator", Action::Keys, "make"))
        .expect("on record");
    assert_eq!(
        house.get("content-reader", "/api/v1/prompts").await.status,
        200
    );
    beside
        .record(Act::of_command("operator", Action::Keys, "revoke"))
        .expect("on record");
    std::fs::remove_file(place.folder().join("000001.jsonl")).expect("there");
    for (role, method, path, body) in [
        ("content-reader", "GET", "/api/v1/prompts", ""),
        (
            "content-reader",
            "POST",
            "/api/v1/query",
            "{\"sql\": \"SELECT 1\"}",
        ),
        ("analyst", "GET", "/api/v1/reports/cost?format=csv", ""),
        ("admin", "DELETE", "/api/v1/access/people/viewer", ""),
    ] {
        let answer = house.ask(role, method, path, body).await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
    }
    assert_eq!(sign_in(&house.bench, "admin", PASSWORD).await.status, 503);
    assert_eq!(
        house.get("viewer", "/api/v1/overview").await.status,
        200,
        "nothing of that is on record"
    );
}
