//! A key does what it was given, as long as its maker can, and not beyond its end; and nobody takes them all.

use super::*;
use crate::roles::{Permission, Role};

fn wanted(permissions: &[Permission]) -> WantedKey {
    WantedKey {
        label: "nightly".into(),
        permissions: permissions.iter().copied().collect(),
        organizations: None,
        expires_ms: Some(1_000),
    }
}

#[test]
fn a_key_does_no_more_than_its_maker() {
    use Permission::{Aggregates, Content, Names};
    let mut register = Register::default();
    register.add("boss", &[Role::Admin], None, 1).unwrap();
    register.add("ann", &[Role::Analyst], None, 1).unwrap();
    let refused = register
        .make_key(Some("ann"), wanted(&[Names, Content]), 1)
        .unwrap_err();
    assert!(
        refused.to_string().contains("aggregates, names"),
        "{refused}"
    );
    let made = register
        .make_key(Some("ann"), wanted(&[Aggregates, Names]), 1)
        .unwrap();
    let may =
        |register: &Register, now_ms| register.key_of(&made.text, now_ms).map(|(_, (may, _))| may);
    assert_eq!(may(&register, 2), Some(Role::Analyst.permissions()));
    assert_eq!(may(&register, 1_000), None, "expired");
    register.set_roles("ann", &[Role::Viewer]).unwrap();
    assert_eq!(may(&register, 2), Some(Role::Viewer.permissions()));
    register.set_disabled("ann", true).unwrap();
    assert_eq!(may(&register, 2), None);
    register.set_disabled("ann", false).unwrap();
    assert!(may(&register, 2).is_some());
    register.remove("ann").unwrap();
    assert!(register.keys.is_empty());
}

#[test]
fn a_key_sees_no_more_than_its_maker() {
    let of = |names: &[&str]| Organizations::of(names).unwrap();
    let mut register = Register::default();
    register.add("boss", &[Role::Admin], None, 1).unwrap();
    register.add("ann", &[Role::Analyst], None, 1).unwrap();
    register.set_organizations("ann", of(&["a", "b"])).unwrap();
    let with = |organizations| WantedKey {
        organizations,
        ..wanted(&[Permission::Names])
    };
    for beyond in [Organizations::all(), of(&["b", "c"])] {
        let refused = register.make_key(Some("ann"), with(Some(beyond)), 1);
        assert!(refused.unwrap_err().to_string().contains("sees a, b"));
    }
    let usual = register.make_key(Some("ann"), with(None), 1).unwrap();
    let some = register.make_key(Some("ann"), with(Some(of(&["b"]))), 1);
    let some = some.unwrap();
    let of_command = register.make_key(None, with(Some(of(&["c"]))), 1).unwrap();
    let sees = |register: &Register, key: &NewKey| {
        let (_, (_, organizations)) = register.key_of(&key.text, 2).unwrap();
        organizations
    };
    assert_eq!(sees(&register, &usual), of(&["a", "b"]));
    assert_eq!(sees(&register, &some), of(&["b"]));
    assert_eq!(sees(&register, &of_command), of(&["c"]));
    // What its maker sees no longer it sees no longer, and what they come to see it does not.
    register.set_organizations("ann", of(&["a", "d"])).unwrap();
    assert_eq!(sees(&register, &usual), of(&["a"]));
    assert!(
        sees(&register, &some)
            .names()
            .is_some_and(|none| none.is_empty())
    );
    let kept = serde_json::to_string(&register).unwrap();
    let kept: Register = serde_json::from_str(&kept).unwrap();
    assert_eq!(sees(&kept, &usual), of(&["a"]));
    assert!(!sees(&kept, &some).is_all());
}

#[test]
fn nobody_has_so_many_keys_that_none_are_left() {
    let mut register = Register::default();
    register.add("boss", &[Role::Admin], None, 1).unwrap();
    register.add("ann", &[Role::Analyst], None, 1).unwrap();
    let make = |register: &mut Register, maker, end, now_ms| {
        let wanted = WantedKey {
            expires_ms: Some(end),
            ..wanted(&[Permission::Names])
        };
        register.make_key(maker, wanted, now_ms)
    };
    for end in 1_001..=1_100 {
        make(&mut register, Some("ann"), end, 1).unwrap();
    }
    let refused = make(&mut register, Some("ann"), 9_000, 1_000).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("ann has 100 keys"), "{said}");
    assert!(said.contains("tallybook key revoke"), "{said}");
    assert_eq!(
        register.keys.len(),
        100,
        "nothing went for what was refused"
    );
    for maker in [Some("boss"), None] {
        make(&mut register, maker, 9_000, 1).unwrap();
    }
    // One that has ended makes room, the first, and nobody else's.
    let first = register.keys[0].id.clone();
    make(&mut register, Some("ann"), 9_000, 1_002).unwrap();
    assert_eq!(register.keys.len(), 102);
    assert!(register.revoke(&first).is_err(), "it is forgotten");
    make(&mut register, Some("ann"), 9_000, 1_002).unwrap();
    assert!(make(&mut register, Some("ann"), 9_000, 1_002).is_err());
    let theirs = register.keys[0].id.clone();
    register.revoke(&theirs).unwrap();
    make(&mut register, Some("ann"), 9_000, 1_002).unwrap();
}

#[test]
fn a_file_with_more_keys_than_there_may_be_goes_on_working() {
    let mut register = Register::default();
    register.add("boss", &[Role::Admin], None, 1).unwrap();
    let one = register.make_key(Some("boss"), wanted(&[Permission::Names]), 1);
    let one = one.unwrap();
    for at in 0..KEYS_OF_PERSON_MAX + 20 {
        register.keys.push(ApiKey {
            id: format!("before{at}"),
            ..one.key.clone()
        });
    }
    assert!(register.key_of(&one.text, 2).is_some());
    let again = |register: &mut Register, now_ms| {
        let wanted = WantedKey {
            expires_ms: None,
            ..wanted(&[Permission::Names])
        };
        register.make_key(Some("boss"), wanted, now_ms)
    };
    assert!(again(&mut register, 2).is_err());
    again(&mut register, 1_000).unwrap();
    assert_eq!(register.keys.len(), KEYS_OF_PERSON_MAX);
}

#[test]
fn only_its_own_text_opens() {
    let mut register = Register::default();
    let one = register
        .make_key(None, wanted(&[Permission::Audit]), 1)
        .unwrap();
    let two = register
        .make_key(None, wanted(&[Permission::Names]), 1)
        .unwrap();
    let mixed = one.text.replace(&one.key.id, &two.key.id);
    for text in [
        "",
        "tbk_",
        &mixed,
        &one.text[..one.text.len() - 1],
        &one.text.replace("tbk", "tbi"),
    ] {
        assert!(register.key_of(text, 2).is_none(), "{text}");
    }
    assert!(register.key_of(&one.text, 2).is_some());
    let kept = serde_json::to_string(&register).unwrap();
    assert!(!kept.contains(&one.text[17..]));
    register.revoke(&one.key.id).unwrap();
    assert!(register.key_of(&one.text, 2).is_none() && register.revoke(&one.key.id).is_err());
    assert!(register.make_key(None, wanted(&[]), 1).is_err());
    assert!(
        register
            .make_key(None, wanted(&[Permission::Names]), 1_000)
            .is_err()
    );
}
