//! Order, batches and repetitions change no answer; what says too much says nothing.

use proptest::prelude::*;

use super::super::PeopleFiles;
use super::super::facts::{Fact, Keys};
use super::super::resolve::{Item, Resolver};
use super::*;

/// What an item may say: small numbers of everything, so that much falls together.
#[derive(Clone, Debug)]
struct Line {
    session: Option<u8>,
    installation: Option<u8>,
    ids: [Option<u8>; 3],
    team: Option<u8>,
    at_ms: i64,
}

fn name(kind: &str, number: Option<u8>) -> Option<Name> {
    number.map(|number| Name::from(format!("{kind}{number}")))
}

fn facts(lines: &[Line], keys: Keys) -> Facts {
    let key = |kind, number| name(kind, number).map(|name| keys.of(&name));
    let mut facts = Facts::default();
    facts.organizations.push(None);
    for (place, line) in lines.iter().enumerate() {
        let [email, account_id, account_uuid] = line.ids;
        facts.identities.push(Identity {
            email: name("mail@", email),
            account_id: name("account", account_id),
            account_uuid: name("uuid", account_uuid),
        });
        facts.units.push([name("team", line.team), None, None]);
        facts.rows.push(Fact {
            session: key("session", line.session),
            installation: key("installation", line.installation),
            identity: place as u32,
            units: place as u32,
            organization: 0,
            first_ms: line.at_ms,
            last_ms: line.at_ms,
        });
    }
    facts
}

/// What is answered of every line that could have been said.
fn answers(directory: Directory, keys: Keys) -> Vec<String> {
    let resolver = Resolver {
        directory: Arc::new(directory),
        files: Arc::new(PeopleFiles::default()),
        keys,
        owners: None,
        pseudonyms: None,
    };
    let mut answers = Vec::new();
    for session in 0..4_u8 {
        for other in 0..4_u8 {
            for at_ms in 0..6 {
                let texts = ["session", "installation", "mail@", "account", "uuid"];
                let texts: [String; 5] = texts.map(|kind| {
                    format!("{kind}{}", if kind == "session" { session } else { other })
                });
                let item = Item {
                    at_ms,
                    session_id: Some(&texts[0]),
                    user_id: Some(&texts[1]),
                    ..Item::default()
                };
                let of = |item: Item<'_>| {
                    let whose = resolver.whose(item).value;
                    let team = resolver.unit(About::Team, None, item).value;
                    format!("{:?} {:?} {team:?}", whose.name, whose.basis)
                };
                answers.push(of(item));
                answers.push(of(Item {
                    user_email: Some(&texts[2]),
                    ..item
                }));
                answers.push(of(Item {
                    user_account_id: Some(&texts[3]),
                    ..item
                }));
                answers.push(of(Item {
                    user_account_uuid: Some(&texts[4]),
                    ..item
                }));
            }
        }
    }
    answers
}

fn line() -> impl Strategy<Value = Line> {
    let some = || proptest::option::of(0..4_u8);
    let ids = [some(), some(), some()];
    (some(), some(), ids, some(), 0..6_i64).prop_map(|(session, installation, ids, team, at_ms)| {
        Line {
            session,
            installation,
            ids,
            team,
            at_ms,
        }
    })
}

proptest! {
    /// Any order, any batches, anything twice.
    #[test]
    fn how_items_come_changes_no_answer(
        lines in proptest::collection::vec(line(), 0..24),
        order in proptest::collection::vec(any::<u32>(), 24),
        sizes in proptest::collection::vec(1..5_usize, 24),
        again in 0..24_usize,
    ) {
        let keys = Keys::new();
        let mut once = Directory::default();
        once.learn(&facts(&lines, keys), None);
        let mut shuffled: Vec<(u32, Line)> = order.iter().copied().zip(lines.iter().cloned()).collect();
        shuffled.sort_by_key(|(rank, _)| *rank);
        let mut rest: Vec<Line> = shuffled.into_iter().map(|(_, line)| line).collect();
        rest.extend(lines.iter().take(again).cloned());
        let mut piecemeal = Directory::default();
        for size in sizes.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let batch: Vec<Line> = rest.drain(..size.min(rest.len())).collect();
            // A copy is kept by a query meanwhile.
            let mut next = piecemeal.clone();
            next.learn(&facts(&batch, keys), None);
            piecemeal = next;
        }
        prop_assert_eq!(answers(once, keys), answers(piecemeal, keys));
    }
}

#[test]
fn one_with_too_many_names_is_nobodys() {
    let keys = Keys::new();
    let lines: Vec<Line> = (0..=SAYINGS_MAX as u8)
        .map(|number| Line {
            session: Some(0),
            installation: Some(0),
            ids: [Some(number), None, None],
            team: Some(number),
            at_ms: 0,
        })
        .collect();
    let mut directory = Directory::default();
    directory.learn(&facts(&lines[..SAYINGS_MAX], keys), None);
    assert!(answers(directory.clone(), keys)[0].contains("Session"));
    directory.learn(&facts(&lines, keys), None);
    directory.learn(&facts(&lines[..1], keys), None);
    let of_session = &answers(directory, keys)[0];
    assert_eq!(
        of_session,
        "Some(\"installation0\") Some(InstallationId) None"
    );
}
