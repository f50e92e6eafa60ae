//! The book and the gate together, as server and command line use them: a book and a gate of one
//! directory are two processes.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::ManualClock;
use contract::Signal;
use http::{HeaderMap, HeaderValue};

use super::*;

const NOW_MS: u64 = 1_795_219_206_986;
const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Desk {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    book: TokenBook,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        Desk {
            clock: Arc::new(ManualClock::at(NOW_MS * 1_000_000)),
            book: TokenBook::of(folder.path()),
            folder,
        }
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn gate(&self, rules: Intake) -> Gate {
        Gate::open(self.dir(), rules, Arc::clone(&self.clock) as _).unwrap()
    }

    fn make(&self, slot: &str, change: impl FnOnce(&mut NewToken)) -> MadeToken {
        let mut new = NewToken {
            slot: slot.to_owned(),
            scope: Scope {
                organization: "Example".to_owned(),
                ..Scope::default()
            },
            ..NewToken::default()
        };
        change(&mut new);
        self.book.create(new, NOW_MS).unwrap()
    }
}

fn bearer(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::try_from(format!("Bearer {text}")).unwrap();
    headers.insert("authorization", value);
    headers
}

fn pass(gate: &Gate, headers: &HeaderMap) -> Result<Option<String>, Turned> {
    pass_at(gate, headers, LOCAL, LOCAL)
}

fn pass_at(
    gate: &Gate,
    headers: &HeaderMap,
    peer: IpAddr,
    listener: IpAddr,
) -> Result<Option<String>, Turned> {
    let arriving = Arriving {
        signal: Signal::Logs,
        peer,
        listener,
        headers,
    };
    let passed = gate.pass(arriving)?;
    Ok(passed.map(|token| token.id.clone()))
}

#[test]
fn open_on_loopback_until_there_was_ever_a_token() {
    let desk = Desk::new();
    let gate = desk.gate(Intake::default());
    let nothing = HeaderMap::new();
    let anywhere = IpAddr::from([0, 0, 0, 0]);
    assert_eq!(pass(&gate, &nothing), Ok(None));
    assert_eq!(
        pass(&gate, &bearer("secret")),
        Ok(None),
        "a credential of somebody else's"
    );
    assert_eq!(
        pass_at(&gate, &nothing, LOCAL, anywhere),
        Err(Turned::Missing)
    );
    let strict = desk.gate(Intake {
        require_token: true,
        ..Intake::default()
    });
    assert_eq!(pass(&strict, &nothing), Err(Turned::Missing));
    let made = desk.make("ci", |_| {});
    desk.book.revoke("ci", NOW_MS).unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(
        pass(&gate, &nothing),
        Err(Turned::Missing),
        "the end of the last token opens nothing"
    );
    assert_eq!(pass(&gate, &bearer(&made.text)), Err(Turned::Revoked));
    let kept = desk.gate(Intake {
        open_loopback: true,
        ..Intake::default()
    });
    assert_eq!(pass(&kept, &nothing), Ok(None));
    assert_eq!(
        pass_at(&kept, &nothing, LOCAL, anywhere),
        Err(Turned::Missing)
    );
}

#[test]
fn a_new_token_holds_at_once_and_an_end_within_a_second() {
    let desk = Desk::new();
    let gate = desk.gate(Intake::default());
    let first = desk.make("ci", |_| {});
    assert_eq!(
        pass(&gate, &bearer(&first.text)),
        Ok(Some(first.token.id.clone()))
    );
    let rotation = Rotation {
        old_ends_ms: NOW_MS + 5_000,
        expires_ms: None,
    };
    let second = desk.book.rotate("ci", rotation, NOW_MS).unwrap();
    assert_eq!(
        second.replaces.as_ref().map(|old| old.id.clone()),
        Some(first.token.id.clone())
    );
    for made in [&first, &second] {
        assert_eq!(
            pass(&gate, &bearer(&made.text)),
            Ok(Some(made.token.id.clone()))
        );
    }
    let third = desk.book.rotate("ci", rotation, NOW_MS).unwrap_err();
    assert!(third.to_string().contains("2 live tokens"), "{third}");
    desk.clock.advance(Duration::from_secs(5));
    assert_eq!(pass(&gate, &bearer(&first.text)), Err(Turned::Expired));
    desk.book.revoke(&second.token.id, NOW_MS).unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(pass(&gate, &bearer(&second.text)), Err(Turned::Revoked));
}

#[test]
fn unknown_and_wrong_are_told_the_same() {
    let desk = Desk::new();
    let (one, other) = (desk.make("one", |_| {}), desk.make("other", |_| {}));
    let gate = desk.gate(Intake::default());
    let crossed = format!("tbi_{}_{}", one.token.id, &other.text[17..]);
    let unknown = one.text.replace(&one.token.id, "aaaaaaaaaaaa");
    for text in [crossed, unknown] {
        assert_eq!(pass(&gate, &bearer(&text)), Err(Turned::Unknown), "{text}");
    }
}

#[test]
fn bounds_of_network_and_amount_hold() {
    let desk = Desk::new();
    let far = desk.make("far", |new| {
        new.scope.networks = vec![network("10.0.0.0/8").unwrap()]
    });
    let small = desk.make("small", |new| new.limits.items_per_day = Some(10));
    let slow = desk.make("slow", |new| new.limits.requests_per_minute = Some(2));
    let gate = desk.gate(Intake::default());
    let (inside, mapped) = (
        IpAddr::from([10, 1, 2, 3]),
        "::ffff:10.1.2.3".parse().unwrap(),
    );
    let headers = bearer(&far.text);
    assert_eq!(pass(&gate, &headers), Err(Turned::Network));
    for peer in [inside, mapped] {
        assert!(pass_at(&gate, &headers, peer, LOCAL).is_ok(), "{peer}");
    }
    let headers = bearer(&small.text);
    for charged in [9, 9] {
        assert!(pass(&gate, &headers).is_ok());
        gate.charge(&small.token, charged, 1_000);
    }
    assert_eq!(pass(&gate, &headers), Err(Turned::Items));
    gate.save(true).unwrap();
    let again = desk.gate(Intake::default());
    assert_eq!(
        pass(&again, &headers),
        Err(Turned::Items),
        "a restart forgets no quota"
    );
    assert_eq!(again.used(&small.token.id).bytes, 2_000);
    desk.clock.advance(Duration::from_secs(24 * 3600));
    assert!(pass(&gate, &headers).is_ok(), "tomorrow");
    let headers = bearer(&slow.text);
    let told: Vec<bool> = (0..3).map(|_| pass(&gate, &headers).is_ok()).collect();
    assert_eq!(told, [true, true, false]);
    desk.clock.advance(Duration::from_secs(30));
    assert!(pass(&gate, &headers).is_ok());
    assert_eq!(pass(&gate, &headers), Err(Turned::Rate));
}

#[test]
fn use_is_written_once_a_minute_at_most() {
    let desk = Desk::new();
    let made = desk.make("ci", |_| {});
    let gate = desk.gate(Intake::default());
    desk.clock.advance(Duration::from_secs(60));
    let written = || {
        Use::written(desk.dir())
            .unwrap()
            .get(&made.token.id)
            .map(|used| used.last_ms)
    };
    assert!(pass(&gate, &bearer(&made.text)).is_ok());
    gate.save(false).unwrap();
    let first = written();
    assert_eq!(first, Some(NOW_MS + 60_000));
    desk.clock.advance(Duration::from_secs(59));
    assert!(pass(&gate, &bearer(&made.text)).is_ok());
    gate.save(false).unwrap();
    assert_eq!(written(), first);
    desk.clock.advance(Duration::from_secs(1));
    gate.save(false).unwrap();
    assert_eq!(written(), Some(NOW_MS + 119_000));
}

#[test]
fn a_book_that_cannot_be_read_lets_nobody_in() {
    let desk = Desk::new();
    let made = desk.make("ci", |_| {});
    let gate = desk.gate(Intake::default());
    let path = desk.dir().join("access/tokens.json");
    let good = std::fs::read(&path).unwrap();
    assert!(
        !String::from_utf8_lossy(&good).contains(&made.text[17..]),
        "the secret is not kept"
    );
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"{\"version\":1,\"tokens\":[{").unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(pass(&gate, &bearer(&made.text)), Err(Turned::Unreadable));
    assert_eq!(pass(&gate, &HeaderMap::new()), Err(Turned::Unreadable));
    assert!(Gate::open(desk.dir(), Intake::default(), Arc::clone(&desk.clock) as _).is_err());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &good).unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert!(pass(&gate, &bearer(&made.text)).is_ok());
    // Gone is not the same as never there.
    std::fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        desk.clock.advance(Duration::from_secs(1));
        assert_eq!(gate.openness(), Openness::Closed);
        assert_eq!(pass(&gate, &HeaderMap::new()), Err(Turned::Unreadable));
        assert_eq!(pass(&gate, &bearer(&made.text)), Err(Turned::Unreadable));
    }
    std::fs::write(&path, &good).unwrap();
    desk.clock.advance(Duration::from_secs(1));
    assert!(pass(&gate, &bearer(&made.text)).is_ok());
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let desk = Desk::new();
    let refused = |change: &dyn Fn(&mut NewToken)| {
        let mut new = NewToken {
            slot: "ci".to_owned(),
            ..NewToken::default()
        };
        new.scope.organization = "Example".to_owned();
        change(&mut new);
        desk.book.create(new, NOW_MS).unwrap_err().to_string()
    };
    type Case<'a> = (&'a dyn Fn(&mut NewToken), &'a str);
    let cases: [Case<'_>; 7] = [
        (
            &|new| new.slot = "a b".to_owned(),
            "cannot be the name of a token",
        ),
        (
            &|new| new.scope.organization = " ".to_owned(),
            "name the organisation",
        ),
        (
            &|new| new.scope.signals = vec!["spans".to_owned()],
            "is no signal",
        ),
        (
            &|new| new.scope.people = vec!["a\nb".to_owned()],
            "cannot be a name or id",
        ),
        (&|new| new.limits.items_per_day = Some(0), "lets nothing in"),
        (&|new| new.expires_ms = Some(NOW_MS), "in the past"),
        (
            &|new| {
                new.scope.products = vec!["x".to_owned(); 1]
                    .into_iter()
                    .chain((0..1_001).map(|at| at.to_string()))
                    .collect()
            },
            "1000 of a kind",
        ),
    ];
    for (change, says) in cases {
        let said = refused(change);
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(network("10.0.0.0/33").is_err() && network("x").is_err());
    assert_eq!(network("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
    assert!(desk.book.list().unwrap().is_empty());
}

#[test]
fn changes_of_two_processes_are_both_kept() {
    let desk = Desk::new();
    std::thread::scope(|scope| {
        for process in 0..4 {
            let book = TokenBook::of(desk.dir());
            scope.spawn(move || {
                for number in 0..5 {
                    let new = NewToken {
                        slot: format!("slot-{process}-{number}"),
                        scope: Scope {
                            organization: "Example".to_owned(),
                            ..Scope::default()
                        },
                        ..NewToken::default()
                    };
                    book.create(new, NOW_MS).unwrap();
                }
            });
        }
    });
    assert_eq!(desk.book.list().unwrap().len(), 20);
}
