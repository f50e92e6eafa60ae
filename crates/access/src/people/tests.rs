//! Somebody can always manage; what ends rights is counted.
use super::*;

fn with(people: &[(&str, &[Role])]) -> Register {
    let mut register = Register::default();
    for (name, roles) in people {
        register.add(name, roles, Some("hash".into()), 1).unwrap();
    }
    register
}

#[test]
fn the_last_admin_stays() {
    let mut register = with(&[("ann", &[Role::Admin]), ("ben", &[Role::Viewer])]);
    for refused in [
        register.remove("ann"),
        register.set_disabled("ann", true),
        register.set_roles("ann", &[Role::Viewer]),
    ] {
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("nobody could manage")
        );
    }
    register
        .set_roles("BEN", &[Role::Admin, Role::Viewer, Role::Admin])
        .unwrap();
    assert_eq!(
        register.named("ben").unwrap().roles,
        [Role::Viewer, Role::Admin]
    );
    register.remove("ann").unwrap();
    assert!(register.set_disabled("ben", true).is_err() && register.is_managed());
}

#[test]
fn what_ends_rights_counts_up() {
    let mut register = with(&[("ann", &[Role::Admin]), ("ben", &[Role::Viewer])]);
    let generation = |register: &Register| register.named("ben").unwrap().generation;
    register.set_roles("ben", &[Role::Analyst]).unwrap();
    assert_eq!(generation(&register), 0, "roles are looked up each time");
    register.set_password("ben", "other".into()).unwrap();
    register.set_disabled("ben", true).unwrap();
    register.set_disabled("ben", false).unwrap();
    assert_eq!(generation(&register), 3);
}

#[test]
fn odd_names_and_roles_are_refused() {
    let mut register = with(&[("ann@example.com", &[Role::Admin])]);
    for name in [
        "",
        "a b",
        "a\nb",
        "a/b",
        "ANN@example.com",
        &"x".repeat(129),
    ] {
        assert!(
            register.add(name, &[Role::Viewer], None, 1).is_err(),
            "{name:?}"
        );
    }
    assert!(register.add("ben", &[], None, 1).is_err());
    assert!(register.set_roles("nobody", &[Role::Viewer]).is_err());
    assert_eq!(register.people().len(), 1);
}

#[test]
fn an_unknown_field_is_an_error() {
    let text = serde_json::to_string(&with(&[("ann", &[Role::Admin])])).unwrap();
    assert!(serde_json::from_str::<Register>(&text).is_ok());
    let odd = text.replace("\"disabled\"", "\"disabld\"");
    assert!(serde_json::from_str::<Register>(&odd).is_err());
}

#[test]
fn nobody_loses_an_account_by_what_a_client_claims() {
    let register = with(&[
        ("Ann@example.com", &[Role::Admin]),
        ("eve", &[Role::Viewer]),
    ]);
    let claimed: BTreeSet<String> = ["eve@example.com", "ann@example.com"]
        .map(String::from)
        .into();
    for asked_for in ["eve", "eve@example.com", "Eve Example"] {
        let refused = register.account_to_erase(asked_for, &claimed).unwrap_err();
        assert!(refused.to_string().contains("Ann@example.com"), "{refused}");
    }
    let goes = |asked_for| register.account_to_erase(asked_for, &claimed).unwrap();
    assert_eq!(goes("ann@example.com").as_deref(), Some("Ann@example.com"));
    let nothing = register.account_to_erase("ben", &BTreeSet::new()).unwrap();
    assert_eq!(nothing, None);
}
