//! Sign-ins against a small provider that is a real server on loopback, and lies where it is told to.

mod small;

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, ManualClock};
use oidc::{ClientSecret, Config, Failure, Provider, Returned, texts};
use outgoing::{Limits, Rules};
use serde_json::{Value, json};
use small::Small;
use url::Url;

const OWN: &str = "http://127.0.0.1:4319";
const NOW_S: i64 = 1_800_000_000;

struct Bench {
    small: Arc<Small>,
    clock: Arc<ManualClock>,
    provider: Provider,
    _secret: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let small = Small::start(NOW_S).await;
        Bench::of(small, &["127.0.0.1"])
    }

    fn of(small: Arc<Small>, allow: &[&str]) -> Bench {
        let clock = Arc::new(ManualClock::at(NOW_S as u64 * 1_000_000_000));
        let rules = Rules {
            setting: "access.oidc.allow",
            allow: allow
                .iter()
                .map(|text| text.parse().expect("is written right"))
                .collect(),
            allow_http: true,
            limits: Limits::default(),
        };
        let tls = tls::Connector::new(tls::trusting_nobody().expect("works"));
        let client = outgoing::Client::new(rules, tls);
        let folder = tempfile::tempdir().expect("works");
        let path = folder.path().join("secret");
        std::fs::write(&path, "not-a-real:one\n").expect("works");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("works");
        let config = Config {
            issuer: small.issuer.clone(),
            client_id: "tallybook".into(),
            secret: ClientSecret::File(path),
            scopes: vec!["openid".into(), "email".into()],
            wanted: vec!["groups".into()],
        };
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let callback = "/sign-in/oidc/callback";
        Bench {
            provider: Provider::new(config, OWN, callback, client, shared, &[7; 32]),
            small,
            clock,
            _secret: folder,
        }
    }

    /// Goes to the provider, which sends back a code; the address's query, and the cookie.
    async fn gone(&self) -> (String, String) {
        let sent = self
            .provider
            .begin("/sessions?tz=utc")
            .await
            .expect("an answer");
        let back = self.small.authorise(&sent.to);
        (sent.sealed, back)
    }

    async fn round(&self) -> Result<Returned, Failure> {
        let (sealed, back) = self.gone().await;
        self.provider.finish(&sealed, &back).await
    }

    async fn fails(&self, why: &str) {
        match self.round().await {
            Ok(_) => panic!("{why}: somebody is signed in"),
            Err(failure) => assert!(failure.to_string().contains(why), "{why}: {failure}"),
        }
    }

    /// The token holds these in place of what is right.
    fn lying(&self, changes: Value) {
        self.small.state().changes = changes;
    }
}

#[tokio::test]
async fn who_goes_out_comes_back() {
    let bench = Bench::new().await;
    let sent = bench.provider.begin("/").await.expect("an answer");
    let asked: std::collections::BTreeMap<_, _> = sent.to.query_pairs().into_owned().collect();
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(
        asked["redirect_uri"],
        format!("{OWN}/sign-in/oidc/callback")
    );
    assert_eq!(asked["scope"], "openid email");
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(asked[name].len(), 43, "{name}");
    }
    let returned = bench
        .round()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(returned.claims["sub"], "subject-1");
    assert_eq!(
        texts(&returned.claims, "groups"),
        Some(vec!["staff"]),
        "from userinfo"
    );
    assert_eq!(returned.to, "/sessions?tz=utc");
    let state = bench.small.state();
    assert_eq!(
        state.authorization,
        "Basic dGFsbHlib29rOm5vdC1hLXJlYWwlM0FvbmU="
    );
    assert_eq!(
        state.asked("openid-configuration"),
        1,
        "what it is is remembered"
    );
    assert_eq!((state.asked("keys"), state.asked("userinfo")), (1, 1));
}

#[tokio::test]
async fn what_does_not_belong_to_the_browser_is_refused_before_anybody_is_asked() {
    let bench = Bench::new().await;
    let (sealed, back) = bench.gone().await;
    let (other, _) = bench.gone().await;
    for (sealed, query) in [
        ("", back.as_str()),
        ("nonsense", &back),
        (&other, &back),
        (&sealed, "code=x"),
        (&sealed, &back.replace("state=", "state=x")),
        (&sealed, &format!("{back}&state=x")),
    ] {
        let failure = bench
            .provider
            .finish(sealed, query)
            .await
            .err()
            .expect("works");
        assert!(matches!(failure, Failure::Expired(_)), "{query}: {failure}");
    }
    bench.clock.advance(Duration::from_secs(10 * 60));
    let late = bench
        .provider
        .finish(&sealed, &back)
        .await
        .err()
        .expect("works");
    assert!(matches!(late, Failure::Expired(_)), "{late}");
    assert_eq!(bench.small.state().asked("token"), 0);
}

#[tokio::test]
async fn a_no_of_the_provider_is_told() {
    let bench = Bench::new().await;
    let (sealed, back) = bench.gone().await;
    let state = back.split("state=").nth(1).expect("works");
    let denied = format!("error=access_denied&error_description=x&state={state}");
    let failure = bench
        .provider
        .finish(&sealed, &denied)
        .await
        .err()
        .expect("works");
    assert!(
        matches!(&failure, Failure::Denied(code) if code == "access_denied"),
        "{failure}"
    );
    let mixed_up = format!("{back}&iss=https%3A%2F%2Fevil.example");
    let failure = bench
        .provider
        .finish(&sealed, &mixed_up)
        .await
        .err()
        .expect("works");
    assert!(
        failure.to_string().contains("another provider"),
        "{failure}"
    );
}

#[tokio::test]
async fn tokens_that_lie_sign_nobody_in() {
    let bench = Bench::new().await;
    for (changes, why) in [
        (json!({"nonce": "another"}), "(nonce)"),
        (json!({"aud": "other"}), "(aud)"),
        (json!({"iss": "https://evil.example"}), "issuer"),
        (json!({"exp": NOW_S - 1000}), "expired"),
        (json!({"iat": NOW_S - 10_000}), "ago"),
        (json!({"at_hash": "AAAA"}), "at_hash"),
    ] {
        bench.lying(changes);
        bench.fails(why).await;
    }
    bench.lying(json!({}));
    bench.small.state().tampers = true;
    bench.fails("signature").await;
    bench.small.state().tampers = false;
    bench.small.state().userinfo = json!({"sub": "somebody else", "groups": ["admins"]});
    bench.fails("somebody else").await;
    bench.small.state().userinfo = json!({"sub": "subject-1", "groups": ["admins"], "iss": "x"});
    let returned = bench
        .round()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        returned.claims["iss"],
        json!(bench.small.issuer),
        "what the token says stays"
    );
}

#[tokio::test]
async fn a_new_key_is_asked_for_and_not_again_and_again() {
    let bench = Bench::new().await;
    assert!(bench.round().await.is_ok());
    bench.small.state().rotate("two", true);
    bench.clock.advance(Duration::from_secs(10));
    assert!(bench.round().await.is_ok(), "the list is asked for anew");
    assert_eq!(bench.small.state().asked("keys"), 2);
    bench.small.state().rotate("three", false);
    bench.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        bench.fails("does not list").await;
    }
    assert_eq!(bench.small.state().asked("keys"), 3, "once for all three");
    bench.small.state().list();
    bench.clock.advance(Duration::from_secs(10));
    assert!(bench.round().await.is_ok());
    // A key that is taken off the list counts for an hour at most.
    bench.small.state().listed.clear();
    bench.clock.advance(Duration::from_secs(3600));
    bench.small.state().now_s += 3640;
    bench.fails("does not list").await;
}

#[tokio::test]
async fn what_is_wrong_with_the_provider_is_said() {
    let bench = Bench::new().await;
    bench.small.state().status = 401;
    bench
        .fails("invalid_client: client_id or the client's secret")
        .await;
    bench.small.state().status = 503;
    bench.fails("503").await;
    let bench = Bench::of(Small::start(NOW_S).await, &["127.0.0.1"]);
    bench.small.state().metadata = json!({"issuer": "https://other.example.com"});
    for _ in 0..3 {
        let said = bench.provider.begin("/").await.unwrap_err().to_string();
        assert!(said.contains("set access.oidc.issuer"), "{said}");
    }
    assert_eq!(
        bench.small.state().asked("openid-configuration"),
        1,
        "not again at once"
    );
    for endpoint in ["jwks_uri", "authorization_endpoint"] {
        bench.small.state().metadata = json!({endpoint: "http://169.254.169.254/keys"});
        bench.clock.advance(Duration::from_secs(5));
        let failure = bench.provider.begin("/").await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
        assert!(
            failure.to_string().contains("access.oidc.allow"),
            "{failure}"
        );
    }
    bench.small.state().metadata = json!({"token_endpoint": "http://10.0.0.1/token"});
    bench.clock.advance(Duration::from_secs(5));
    bench.fails("10.0.0.1 is a private address").await;
    let named = json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    bench.small.state().metadata = named;
    let said = bench.provider.probe().await.unwrap_err().to_string();
    assert!(said.contains("client_secret_basic"), "{said}");
    let strict = Bench::of(Small::start(NOW_S).await, &[]);
    let failure = strict.provider.begin("/").await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert_eq!(strict.small.state().asked("openid-configuration"), 0);
}

#[tokio::test]
async fn a_session_ends_at_the_provider_too() {
    let bench = Bench::new().await;
    let returned = bench
        .round()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    bench
        .provider
        .signed_in("session-1", returned.id_token.clone());
    let query = |url: Url| url.query_pairs().into_owned().collect::<Vec<_>>();
    let end = query(
        bench
            .provider
            .end_session("session-1")
            .await
            .expect("an answer"),
    );
    assert!(end.contains(&("id_token_hint".into(), returned.id_token)));
    assert!(end.contains(&("post_logout_redirect_uri".into(), format!("{OWN}/"))));
    let end = query(
        bench
            .provider
            .end_session("session-2")
            .await
            .expect("an answer"),
    );
    assert_eq!(end[0], ("client_id".into(), "tallybook".into()));
    assert_eq!(bench.provider.probe().await.expect("an answer"), 1);
}
