//! Whom a provider vouches for is let in as what it says now, and nobody else's account is taken over.
use std::net::Ipv4Addr;
use std::path::Path;

use base::{Clock, ManualClock};

use super::*;
use crate::gate::{Change, GateConfig, Shown, SignInError};
use crate::keys::WantedKey;
use crate::people::password::Password;
use crate::roles::Permission;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const RIGHT: &str = "correct horse battery";

fn open(folder: &Path, config: GateConfig) -> Arc<Gate> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_800_000_000_000_000_000));
    Arc::new(Gate::open(folder, clock, config).unwrap())
}

fn visitor(subject: &str, name: &str, roles: &[Role]) -> Visitor {
    Visitor {
        identity: Identity {
            issuer: "https://sso.example.com".into(),
            subject: subject.into(),
        },
        name: name.into(),
        roles: roles.to_vec(),
        organizations: Organizations::all(),
    }
}

async fn enter(gate: &Arc<Gate>, visitor: &Visitor) -> SignedIn {
    gate.enter(visitor.clone(), HOME, "test").await.unwrap()
}

fn is_in(gate: &Gate, signed_in: &SignedIn) -> bool {
    gate.recognise(Shown::Session(&signed_in.secret), true)
        .is_ok()
}

#[tokio::test]
async fn roles_are_those_of_the_last_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open(folder.path(), GateConfig::default());
    let analyst = visitor("s-1", "ann@example.com", &[Role::Analyst]);
    let expected = gate.expect(&analyst).unwrap();
    assert_eq!(expected.to_string(), "add ann@example.com as analyst");
    let first = enter(&gate, &analyst).await;
    assert!(first.principal.may(Permission::Names) && is_in(&gate, &first));
    assert_eq!(gate.expect(&analyst).unwrap(), Arrival::Known);
    // Another e-mail, the same person.
    let viewer = visitor("s-1", "ann.new@example.com", &[Role::Viewer]);
    let expected = gate.expect(&viewer).unwrap().to_string();
    assert_eq!(expected, "make ann@example.com viewer, before analyst");
    let second = enter(&gate, &viewer).await;
    assert!(!second.principal.may(Permission::Names));
    let still = gate.recognise(Shown::Session(&first.secret), true).unwrap();
    assert!(
        !still.may(Permission::Names),
        "the older session has the roles of now"
    );
    assert_eq!(gate.register().unwrap().people().len(), 1);
}

#[tokio::test]
async fn an_account_is_not_taken_over_for_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open(folder.path(), GateConfig::default());
    gate.add(
        "Ann@example.com",
        &[Role::Admin],
        &Password::new(RIGHT.into()),
    )
    .unwrap();
    let other = enter(&gate, &visitor("s-1", "ann@example.com", &[Role::Viewer])).await;
    let more = enter(&gate, &visitor("s-2", "ann@example.com", &[Role::Viewer])).await;
    assert!(!other.principal.may(Permission::Manage));
    let register = gate.register().unwrap();
    let names: Vec<&str> = register
        .people()
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[1].starts_with("ann@example.com#") && names[1] != names[2],
        "{names:?}"
    );
    let same = visitor("s-1", "x", &[Role::Viewer]);
    let elsewhere = Visitor {
        identity: Identity {
            issuer: "https://other.example.com".into(),
            subject: "s-1".into(),
        },
        ..same.clone()
    };
    assert!(
        gate.identified(&elsewhere.identity).unwrap().is_none(),
        "a subject is its issuer's"
    );
    assert_eq!(gate.expect(&same).unwrap(), Arrival::Known);
    drop(more);
}

#[tokio::test]
async fn whoever_is_not_vouched_for_is_out_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open(folder.path(), GateConfig::default());
    let admin = visitor("s-1", "ann", &[Role::Admin]);
    let signed_in = enter(&gate, &admin).await;
    let wanted = WantedKey {
        label: "nightly".into(),
        permissions: [Permission::Aggregates].into_iter().collect(),
        expires_ms: None,
        organizations: None,
    };
    let key = gate.make_key(Some("ann"), wanted).unwrap();
    assert!(gate.recognise(Shown::Key(&key.text), true).is_ok());
    let out = gate.withdraw(&admin.identity).unwrap().unwrap();
    assert!(out.is_out() && !out.disabled, "also the last admin");
    assert!(!is_in(&gate, &signed_in));
    assert!(gate.recognise(Shown::Key(&key.text), true).is_err());
    assert!(
        !gate.is_open().unwrap(),
        "a server without an admin is not open"
    );
    let secret = gate.begin_setup("http://localhost").unwrap().url;
    let secret = secret.split('#').nth(1).unwrap();
    let password = Password::new(RIGHT.into());
    assert!(
        gate.set_up(secret, "rescue", password, HOME, "test")
            .await
            .is_ok()
    );
    let back = gate.expect(&admin).unwrap().to_string();
    assert_eq!(back, "make ann admin, before admin");
    let again = enter(&gate, &admin).await;
    assert!(
        is_in(&gate, &again) && !is_in(&gate, &signed_in),
        "nothing old revives"
    );
    assert!(gate.recognise(Shown::Key(&key.text), true).is_ok());
}

#[tokio::test]
async fn what_a_provider_decides_is_not_decided_here() {
    let folder = tempfile::tempdir().unwrap();
    let config = GateConfig {
        passwords_off: true,
        ..GateConfig::default()
    };
    let gate = open(folder.path(), config);
    gate.add("boss", &[Role::Admin], &Password::new(RIGHT.into()))
        .unwrap();
    let off = gate
        .sign_in("boss", Password::new(RIGHT.into()), HOME, "test")
        .await;
    assert!(matches!(off, Err(SignInError::Off)), "{off:?}");
    let ann = visitor("s-1", "ann", &[Role::Viewer]);
    let signed_in = enter(&gate, &ann).await;
    assert!(
        gate.change("ann", Change::Roles(vec![Role::Admin]))
            .is_err()
    );
    assert!(
        gate.set_password("ann", &Password::new(RIGHT.into()))
            .is_err()
    );
    gate.change("ann", Change::Disabled(true)).unwrap();
    assert!(!is_in(&gate, &signed_in));
    assert!(
        gate.enter(ann, HOME, "test").await.is_err(),
        "an admin keeps them out"
    );
    let secret = gate.begin_setup("http://localhost").unwrap().url;
    let secret = secret.split('#').nth(1).unwrap();
    let rescued = gate
        .set_up(secret, "rescue", Password::new(RIGHT.into()), HOME, "test")
        .await;
    assert!(
        is_in(&gate, &rescued.unwrap()),
        "the link of the command line goes on working"
    );
}

#[tokio::test]
async fn an_address_that_fails_waits() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open(folder.path(), GateConfig::default());
    for _ in 0..19 {
        assert_eq!(gate.failed_from(HOME), None);
    }
    assert_eq!(gate.wait_of(HOME), None);
    assert!(gate.failed_from(HOME).is_some() && gate.wait_of(HOME).is_some());
    assert_eq!(gate.wait_of(IpAddr::from([192, 0, 2, 1])), None);
}

#[tokio::test]
async fn organisations_are_those_of_the_last_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let gate = open(folder.path(), GateConfig::default());
    let of_all = visitor("s-1", "ann@example.com", &[Role::Viewer]);
    enter(&gate, &of_all).await;
    let of_one = Visitor {
        organizations: Organizations::of(["Example"]).unwrap(),
        ..of_all
    };
    assert_eq!(
        gate.expect(&of_one).unwrap().to_string(),
        "make ann@example.com viewer of Example, before viewer"
    );
    let signed_in = enter(&gate, &of_one).await;
    assert_eq!(signed_in.principal.organizations, of_one.organizations);
    let by_hand = Change::Organizations(Organizations::all());
    let everybody = Organizations::all();
    let refused = gate
        .managed_by(&everybody)
        .change("ann@example.com", by_hand);
    assert!(refused.is_err(), "the next sign-in would undo it");
}

#[tokio::test]
async fn keys_of_who_does_not_come_any_more_rest() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_800_000_000_000_000_000));
    let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let gate = Arc::new(Gate::open(folder.path(), shared, GateConfig::default()).unwrap());
    let ann = visitor("s-1", "ann@example.com", &[Role::Analyst]);
    enter(&gate, &ann).await;
    gate.add("local", &[Role::Analyst], &Password::new(RIGHT.into()))
        .unwrap();
    let key = |maker: &str| {
        let wanted = WantedKey {
            label: "nightly".into(),
            permissions: [Permission::Names].into_iter().collect(),
            organizations: None,
            expires_ms: None,
        };
        gate.make_key(Some(maker), wanted).unwrap().text
    };
    let (hers, locals) = (key("ann@example.com"), key("local"));
    let opens = |text: &str| gate.recognise(Shown::Key(text), true).is_ok();
    let day = Duration::from_secs(86_400);
    clock.advance(day * 20);
    assert!(opens(&hers));
    // She signs in as what she was: nothing changes but that she was here.
    enter(&gate, &ann).await;
    clock.advance(day * (crate::VOUCHED_DAYS as u32 - 1));
    assert!(opens(&hers));
    clock.advance(day);
    assert!(!opens(&hers), "who has left does not sign in to be refused");
    assert!(
        opens(&locals),
        "nobody vouches for who signs in by password"
    );
    enter(&gate, &ann).await;
    assert!(opens(&hers), "and again when she is vouched for");
}
