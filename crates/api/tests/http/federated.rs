//! Signing in by a provider, over real HTTP on both sides: what the browser gets, what is on record.

#[path = "../../../oidc/tests/small/mod.rs"]
mod small;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::audit::{Act, Action, Place, Reader, Writer};
use access::federation::{Group, Rules};
use access::{GateConfig, Role};
use api::{CALLBACK, SignInProvider};
use base::{Clock, ManualClock};
use http::Method;
use oidc::{ClientSecret, Config, Provider};
use outgoing::Limits;
use serde_json::{Value, json};
use small::Small;
use url::Url;

use crate::bench::{Answer, Bench, NOW_MS};

const JSON: (&str, &str) = ("content-type", "application/json");

struct House {
    bench: Bench,
    small: Arc<Small>,
}

impl House {
    async fn new() -> House {
        House::with(GateConfig {
            required: true,
            ..GateConfig::default()
        })
        .await
    }

    async fn with(config: GateConfig) -> House {
        let small = Small::start(NOW_MS / 1000).await;
        small.state().userinfo = json!({"sub": "subject-1", "groups": ["staff"]});
        let issuer = small.issuer.clone();
        let bench = Bench::signing_in(config, |addr| sign_in(issuer, addr)).await;
        House { bench, small }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.bench.ask(Method::GET, path, headers, "").await
    }

    fn groups(&self, groups: &[&str]) {
        self.small.state().userinfo = json!({"sub": "subject-1", "groups": groups});
    }

    /// Out to the provider: the cookie, and the path on the way back.
    async fn out(&self, headers: &[(&str, &str)]) -> (String, String) {
        let out = self.get("/sign-in/oidc?to=%2Fsessions", headers).await;
        assert_eq!(out.status, 303, "{out:?}");
        let to = Url::parse(out.header("location")).expect("an address");
        let cookie = out
            .header("set-cookie")
            .split(';')
            .next()
            .expect("a cookie");
        (
            cookie.to_owned(),
            format!("{CALLBACK}?{}", self.small.authorise(&to)),
        )
    }

    /// Out and back.
    async fn round(&self) -> Answer {
        let (cookie, back) = self.out(&[]).await;
        self.get(&back, &[("cookie", &cookie)]).await
    }

    async fn session(&self) -> String {
        let back = self.round().await;
        assert_eq!(
            (back.status.as_u16(), back.header("location")),
            (303, "/sessions"),
            "{back:?}"
        );
        cookies(&back)[0]
            .split(';')
            .next()
            .expect("a cookie")
            .to_owned()
    }

    async fn status(&self, cookie: &str, path: &str) -> u16 {
        self.get(path, &[("cookie", cookie)]).await.status.as_u16()
    }

    /// What is on record, the latest last.
    fn records(&self) -> Vec<String> {
        let reader = Reader::open(&Place::of(self.bench.dir.path())).expect("readable");
        let all = reader
            .expect("a trail")
            .latest(None, 1000, |_| true)
            .expect("readable");
        let said = |one: &access::audit::Record| {
            format!(
                "{} {} {} {}",
                one.actor_kind, one.action, one.object, one.outcome
            )
        };
        all.iter().rev().map(said).collect()
    }
}

fn sign_in(issuer: String, addr: SocketAddr) -> SignInProvider {
    let rules = outgoing::Rules {
        setting: "access.oidc.allow",
        allow: vec!["127.0.0.1".parse().expect("an address")],
        allow_http: true,
        limits: Limits::default(),
    };
    let tls = tls::Connector::new(tls::trusting_nobody().expect("nobody"));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW_MS as u64 * 1_000_000));
    let group = |name: &str, role| Group {
        name: name.into(),
        roles: vec![role],
        organizations: access::Organizations::all(),
    };
    let mapping = Rules {
        groups_claim: "groups".into(),
        groups: vec![group("staff", Role::Viewer), group("admins", Role::Admin)],
        ..Rules::default()
    };
    let config = Config {
        issuer,
        client_id: "tallybook".into(),
        secret: ClientSecret::None,
        scopes: vec!["openid".into()],
        wanted: mapping.wanted(),
    };
    let own = format!("http://{addr}");
    let client = outgoing::Client::new(rules, tls);
    SignInProvider {
        name: "Example SSO".into(),
        provider: Provider::new(config, &own, CALLBACK, client, clock, &[7; 32]),
        rules: mapping,
    }
}

fn cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").into_iter();
    all.map(|one| one.to_str().expect("text").to_owned())
        .collect()
}

/// Which name the page is told.
fn told(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let to = answer.header("location");
    let (_, said) = to.split_once("#sign-in=").unwrap_or_else(|| panic!("{to}"));
    let (why, request) = said.split_once("&request=").expect("a request");
    assert_eq!(request, answer.header("x-request-id"));
    assert!(
        cookies(answer).iter().all(|one| one.ends_with("Max-Age=0")),
        "{answer:?}"
    );
    why.to_owned()
}

#[tokio::test]
async fn the_browser_gets_a_session_and_the_trail_says_how() {
    let house = House::new().await;
    let me = house.get("/api/v1/session", &[]).await.json();
    assert_eq!(me["provider"], "Example SSO");
    assert_eq!(
        (&me["signed_in"], &me["passwords"]),
        (&json!(false), &json!(true))
    );
    let (cookie, back) = house.out(&[]).await;
    let returned = house
        .get(
            &back,
            &[("cookie", &cookie), ("sec-fetch-site", "cross-site")],
        )
        .await;
    assert_eq!(returned.header("location"), "/sessions");
    assert_eq!(returned.header("cache-control"), "no-store");
    let set = cookies(&returned);
    assert!(
        set[0].starts_with("tallybook_session=") && set[0].ends_with("; SameSite=Lax"),
        "{set:?}"
    );
    assert_eq!(
        set[1],
        "tallybook_sign_in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    let session = set[0].split(';').next().expect("a cookie");
    let me = house
        .get("/api/v1/session", &[("cookie", session)])
        .await
        .json();
    assert_eq!(
        (&me["name"], &me["roles"]),
        (&json!("ann@example.com"), &json!(["viewer"]))
    );
    assert_eq!(me["by_provider"], true);
    assert_eq!(house.status(session, "/api/v1/overview").await, 200);
    assert_eq!(
        house.records(),
        [
            "provider people add ann@example.com as viewer (subject-1) allowed",
            "person sign_in by Example SSO allowed",
        ]
    );
    let again = house.session().await;
    assert_ne!(again, session);
    assert_eq!(house.records().len(), 3, "nothing changed but that");
    // Both sessions end at the provider, too.
    let headers = [JSON, ("cookie", again.as_str())];
    let out = house
        .bench
        .ask(Method::DELETE, "/api/v1/session", &headers, "")
        .await;
    let to = out.json()["to"].as_str().expect("an address").to_owned();
    assert!(
        to.starts_with(&house.small.issuer) && to.contains("id_token_hint="),
        "{to}"
    );
    assert_eq!(house.status(&again, "/api/v1/overview").await, 401);
}

#[tokio::test]
async fn groups_that_are_gone_close_what_they_opened() {
    let house = House::new().await;
    house.groups(&["admins"]);
    let admin = house.session().await;
    let people = house
        .get("/api/v1/access/people", &[("cookie", &admin)])
        .await
        .json();
    let identity = json!({"issuer": house.small.issuer, "subject": "subject-1"});
    assert_eq!(people["people"][0]["identity"], identity);
    let patch = |body: Value| {
        let headers = [JSON, ("cookie", admin.as_str())];
        let (body, bench) = (body.to_string(), &house.bench);
        async move {
            let path = "/api/v1/access/people/ann@example.com";
            bench
                .ask(Method::PATCH, path, &headers, &body)
                .await
                .status
                .as_u16()
        }
    };
    assert_eq!(
        patch(json!({"roles": ["viewer"]})).await,
        400,
        "roles come from groups"
    );
    assert_eq!(
        patch(json!({"password": "correct horse battery"})).await,
        400
    );
    house.groups(&["staff"]);
    house.session().await;
    assert_eq!(house.status(&admin, "/api/v1/access/people").await, 403);
    house.groups(&[]);
    assert_eq!(told(&house.round().await), "no_role");
    assert_eq!(house.status(&admin, "/api/v1/overview").await, 401);
    assert_eq!(told(&house.round().await), "no_role", "once is enough");
    house.groups(&["staff"]);
    let back = house.session().await;
    assert_eq!(house.status(&back, "/api/v1/overview").await, 200);
    let records = house.records();
    let times = |wanted: &str| records.iter().filter(|one| *one == wanted).count();
    let withdrawn = "provider people withdraw ann@example.com: no group gives a role allowed";
    let refused = "provider sign_in no group gives a role (subject subject-1) refused";
    assert_eq!((times(withdrawn), times(refused)), (1, 2), "{records:#?}");
    house
        .bench
        .gate
        .change("ann@example.com", access::Change::Disabled(true))
        .expect("disabled");
    assert_eq!(told(&house.round().await), "disabled");
}

#[tokio::test]
async fn what_cannot_be_recorded_lets_nobody_in() {
    let house = House::new().await;
    house.session().await;
    let place = Place::of(house.bench.dir.path());
    // A command beside the server writes, and then the trail is not there as its head says.
    let clock: Arc<dyn Clock> = Arc::clone(&house.bench.clock) as Arc<dyn Clock>;
    let mut beside = Writer::open(&place, clock).expect("a trail");
    let act = Act::of_command("operator", Action::Keys, "make");
    beside.record(act).expect("on record");
    std::fs::remove_file(place.folder().join("000001.jsonl")).expect("there");
    house.groups(&["admins"]);
    assert_eq!(told(&house.round().await), "unavailable");
    let register = house.bench.gate.register().expect("readable");
    assert_eq!(
        register.people()[0].roles,
        [Role::Viewer],
        "nothing was changed"
    );
    house.groups(&["staff"]);
    assert_eq!(told(&house.round().await), "unavailable");
    assert_eq!(house.bench.gate.list_sessions().expect("readable").len(), 1);
}

#[tokio::test]
async fn who_guesses_waits() {
    let house = House::new().await;
    let path = format!("{CALLBACK}?code=x&state=y");
    for number in 0..20 {
        if number == 19 {
            // So many refusals are put on record in a second.
            house.bench.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(told(&house.get(&path, &[]).await), "expired");
    }
    assert_eq!(told(&house.get(&path, &[]).await), "blocked");
    let out = house.get("/sign-in/oidc", &[]).await;
    assert_eq!(told(&out), "blocked");
    assert_eq!(
        house.small.state().asked("openid-configuration"),
        0,
        "nobody is asked for that"
    );
    house.bench.clock.advance(Duration::from_secs(2));
    house.session().await;
    assert!(
        house
            .records()
            .contains(&"provider lock_out for 2 s refused".to_owned())
    );
}

#[tokio::test]
async fn another_page_makes_nobody_wait() {
    let house = House::new().await;
    let path = format!("{CALLBACK}?code=x&state=y");
    // As a browser says it of an image, a frame and a script of a page that its user reads.
    for said in [
        ("no-cors", "image"),
        ("navigate", "iframe"),
        ("cors", "empty"),
    ] {
        let headers = [("sec-fetch-mode", said.0), ("sec-fetch-dest", said.1)];
        for _ in 0..30 {
            let answer = house.get(&path, &headers).await;
            assert_eq!(answer.status, 403, "{said:?}: {answer:?}");
        }
        let begun = house.get("/sign-in/oidc", &headers).await;
        assert_eq!(
            (begun.status.as_u16(), begun.header("set-cookie")),
            (403, "")
        );
    }
    house.session().await;
}

#[tokio::test]
async fn what_the_provider_cannot_vouch_for_is_told() {
    let house = House::new().await;
    house.small.state().tampers = true;
    assert_eq!(told(&house.round().await), "failed");
    house.small.state().tampers = false;
    let (cookie, back) = house.out(&[]).await;
    let state = back.split("state=").nth(1).expect("a state");
    let denied = format!("{CALLBACK}?error=access_denied&state={state}");
    assert_eq!(
        told(&house.get(&denied, &[("cookie", &cookie)]).await),
        "denied"
    );
    assert_eq!(
        told(&house.get(&back, &[]).await),
        "expired",
        "without the cookie"
    );
    assert!(
        house
            .bench
            .gate
            .register()
            .expect("readable")
            .people()
            .is_empty()
    );
    let nobody = Bench::with(&[]).await;
    assert_eq!(nobody.get("/sign-in/oidc").await.status, 404);
    assert_eq!(nobody.get(CALLBACK).await.status, 404);
}

#[tokio::test]
async fn the_cookie_is_of_the_address_to_which_the_provider_leads_back() {
    let house = House::new().await;
    let elsewhere = [
        ("host", "tally.example.org"),
        ("x-forwarded-proto", "https"),
    ];
    let sent = house.get("/sign-in/oidc?to=%2Fa", &elsewhere).await;
    let own = format!("http://{}/sign-in/oidc?to=%2Fa", house.bench.addr);
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")),
        (303, own.as_str())
    );
    assert!(cookies(&sent).is_empty());
    let open = house.get(CALLBACK, &[("host", "192.0.2.1")]).await;
    assert_eq!(open.status, 403, "no session in the clear: {open:?}");
    let secure = house.get(&format!("{CALLBACK}?state=x"), &elsewhere).await;
    let set = cookies(&secure);
    assert_eq!(
        set[0],
        "__Host-tallybook_sign_in=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
    );
    let (cookie, _) = house.out(&[]).await;
    assert!(cookie.len() < 1_000, "{}", cookie.len());
}

#[tokio::test]
async fn passwords_can_be_turned_off() {
    let house = House::with(GateConfig {
        required: true,
        passwords_off: true,
        ..GateConfig::default()
    })
    .await;
    house.groups(&["admins"]);
    let admin = house.session().await;
    let headers = [JSON, ("cookie", admin.as_str())];
    let post = async |path: &str, body: Value| {
        let body = body.to_string();
        house
            .bench
            .ask(Method::POST, path, &headers, &body)
            .await
            .status
            .as_u16()
    };
    let login = json!({"name": "boss", "password": "correct horse battery"});
    assert_eq!(post("/api/v1/session", login).await, 403);
    let new = json!({"name": "new", "roles": ["viewer"], "password": "correct horse battery"});
    assert_eq!(post("/api/v1/access/people", new).await, 400);
    let other = json!({"old": "x", "new": "correct horse battery"});
    assert_eq!(post("/api/v1/password", other).await, 403);
    let link = house
        .bench
        .gate
        .begin_setup("http://localhost")
        .expect("a link");
    let token = link.url.split('#').nth(1).expect("a token");
    let rescue = json!({"token": token, "name": "rescue", "password": "correct horse battery"});
    assert_eq!(
        post("/api/v1/setup", rescue).await,
        200,
        "the link goes on working"
    );
}
