//! Who is let in, and who not any more.
use std::net::Ipv4Addr;

use base::ManualClock;

use super::*;
use crate::keys::WantedKey;
use crate::people::password::Password;
use crate::roles::{Permission, Role};

const HOME: std::net::IpAddr = std::net::IpAddr::V4(Ipv4Addr::LOCALHOST);
const RIGHT: &str = "correct horse battery";

struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    gate: Arc<Gate>,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(1_800_000_000_000_000_000));
        let gate = open(folder.path(), &clock);
        Bench {
            folder,
            clock,
            gate,
        }
    }

    /// What a command beside the server, or a restarted server, is.
    fn another(&self) -> Arc<Gate> {
        open(self.folder.path(), &self.clock)
    }

    async fn sign_in(&self, name: &str, text: &str) -> Result<SignedIn, SignInError> {
        self.gate.sign_in(name, password(text), HOME, "test").await
    }

    fn secret_of(&self) -> String {
        let link = self.gate.begin_setup("http://127.0.0.1:4319/").unwrap();
        assert_eq!(
            std::fs::read_to_string(&link.file).unwrap().trim(),
            link.url
        );
        link.url
            .strip_prefix("http://127.0.0.1:4319/setup#")
            .unwrap()
            .to_owned()
    }
}

fn open(folder: &Path, clock: &Arc<ManualClock>) -> Arc<Gate> {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    Arc::new(Gate::open(folder, clock, GateConfig::default()).unwrap())
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

fn is_in(gate: &Gate, secret: &str) -> bool {
    gate.recognise(Shown::Session(secret), true).is_ok()
}

#[tokio::test]
async fn the_setup_link_makes_one_admin() {
    let bench = Bench::new();
    assert!(bench.gate.is_open().unwrap());
    let secret = bench.secret_of();
    let gate = &bench.gate;
    let set_up = |secret: String, text: &'static str| async move {
        gate.set_up(&secret, "ann", password(text), HOME, "test")
            .await
    };
    assert!(matches!(
        set_up("wrong".into(), RIGHT).await,
        Err(SignInError::Wrong(None))
    ));
    assert!(matches!(
        set_up(secret.clone(), "short").await,
        Err(SignInError::Failed(_))
    ));
    let ann = set_up(secret.clone(), RIGHT).await.unwrap();
    assert!(ann.principal.may(Permission::Manage) && !ann.principal.may(Permission::Content));
    let again = set_up(secret, RIGHT).await;
    assert!(matches!(again, Err(SignInError::Wrong(_))), "{again:?}");
    assert!(!bench.folder.path().join("access/setup-link").exists());
    assert!(!bench.gate.is_open().unwrap() && is_in(&bench.gate, &ann.secret));
}

#[tokio::test]
async fn a_password_opens_and_whatever_ends_rights_closes() {
    let bench = Bench::new();
    bench
        .gate
        .add("boss", &[Role::Admin], &password(RIGHT))
        .unwrap();
    bench
        .gate
        .add("ann", &[Role::Viewer], &password(RIGHT))
        .unwrap();
    assert!(matches!(
        bench.sign_in("ann", "wrong").await,
        Err(SignInError::Wrong(None))
    ));
    assert!(matches!(
        bench.sign_in("nobody", RIGHT).await,
        Err(SignInError::Wrong(None))
    ));
    let beside = bench.another();
    let first = bench.sign_in("ANN", RIGHT).await.unwrap();
    let second = bench.sign_in("ann", RIGHT).await.unwrap();
    assert_ne!(first.secret, second.secret);
    bench.gate.sign_out(&first.secret).unwrap();
    assert!(!is_in(&bench.gate, &first.secret) && is_in(&bench.gate, &second.secret));
    assert!(
        is_in(&bench.another(), &second.secret),
        "a restart ends nothing"
    );
    beside.change("ann", Change::Disabled(true)).unwrap();
    assert!(
        !is_in(&bench.gate, &second.secret),
        "a command beside the server counts at once"
    );
    assert!(matches!(
        bench.sign_in("ann", RIGHT).await,
        Err(SignInError::Wrong(_))
    ));
    beside.change("ann", Change::Disabled(false)).unwrap();
    assert!(
        !is_in(&bench.gate, &second.secret),
        "enabling revives nothing"
    );
    let third = bench.sign_in("ann", RIGHT).await.unwrap();
    beside
        .set_password("ann", &password("another good one"))
        .unwrap();
    assert!(!is_in(&bench.gate, &third.secret));
    let fourth = bench.sign_in("ann", "another good one").await.unwrap();
    let (session, _) = &bench.gate.list_sessions().unwrap()[0];
    assert!(
        bench
            .gate
            .end_session(&session.id(), Some("somebody else"))
            .is_err()
    );
    bench.gate.end_session(&session.id(), None).unwrap();
    assert!(!is_in(&bench.gate, &fourth.secret) && !is_in(&bench.another(), &fourth.secret));
    let fifth = bench.sign_in("ann", "another good one").await.unwrap();
    bench.clock.advance(Duration::from_secs(30 * 60));
    assert!(!is_in(&bench.gate, &fifth.secret), "idle");
}

#[tokio::test]
async fn who_guesses_waits_and_then_not_even_the_right_one_opens() {
    let bench = Bench::new();
    bench
        .gate
        .add("ann", &[Role::Admin], &password(RIGHT))
        .unwrap();
    for name in ["ann", "nobody"] {
        for _ in 0..4 {
            assert!(matches!(
                bench.sign_in(name, "wrong").await,
                Err(SignInError::Wrong(None))
            ));
        }
        let fifth = bench.sign_in(name, "wrong").await;
        assert!(matches!(fifth, Err(SignInError::Wrong(Some(_)))), "{name}");
        assert!(matches!(
            bench.sign_in(name, RIGHT).await,
            Err(SignInError::Blocked(_))
        ));
    }
    bench.clock.advance(Duration::from_secs(2));
    assert!(bench.sign_in("ann", RIGHT).await.is_ok());
}

#[test]
fn what_cannot_be_read_opens_nothing() {
    let bench = Bench::new();
    let key = WantedKey {
        label: "x".into(),
        permissions: [Permission::Names].into_iter().collect(),
        expires_ms: None,
    };
    let key = bench.gate.make_key(None, key).unwrap();
    assert!(bench.gate.recognise(Shown::Key(&key.text), true).is_ok());
    std::fs::write(bench.folder.path().join("access/people.json"), "{").unwrap();
    assert!(bench.gate.is_open().is_err());
    let refused = bench.gate.recognise(Shown::Key(&key.text), true);
    assert!(matches!(refused, Err(Refused::Unreadable(_))));
    let clock: Arc<dyn Clock> = Arc::clone(&bench.clock) as Arc<dyn Clock>;
    assert!(Gate::open(bench.folder.path(), clock, GateConfig::default()).is_err());
}
